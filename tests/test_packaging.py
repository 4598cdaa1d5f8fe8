from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")

pytestmark = pytest.mark.packaging


def run(python: str | Path, *arguments: str, cwd: Path) -> str:
    """Run an interpreter without anything that would let it see the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [str(python), *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    arguments = ("wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT))
    run(sys.executable, *PIP, *arguments, cwd=folder)
    (built,) = folder.glob("tradecall-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    constraints = str(ROOT / "constraints.txt")
    run(python, *PIP, "install", "-c", constraints, str(wheel), cwd=folder)
    return python


def test_wheel_holds_models_and_tables(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    models = {path.name for path in (ROOT / "models").iterdir() if path.is_dir()}
    assert models
    for model in models:
        assert f"tradecall/models/{model}/model.json" in names
    assert "tradecall/py.typed" in names
    assert "tradecall/openapi.json" in names
    assert any(name.startswith("tradecall/lexicons/") for name in names)


def test_wheel_holds_no_tests_and_no_calls(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith(("tests/", "data/"))]
    assert not [name for name in names if name.endswith((".jsonl", ".jsonl.gz"))]


def test_wheel_works_in_an_empty_environment(installed: Path, tmp_path: Path) -> None:
    code = (
        "from tradecall import Pipeline\n"
        "call = 'Agent: zip code please\\nCaller: nine four one one oh, the sink is leaking'\n"
        "print(Pipeline.load().process(call).to_record()['fields']['zip_code']['value'])"
    )
    assert run(installed, "-c", code, cwd=tmp_path).strip() == "94110"


def test_installed_command_works(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "call.txt").write_text("Agent: hello\nCaller: my sink is leaking\n")
    ran = subprocess.run(
        [installed.parent / "tradecall", "process", "call.txt", "-o", "jobs.jsonl"], cwd=tmp_path
    )
    assert ran.returncode == 0
    assert (tmp_path / "jobs.jsonl").read_text().count("\n") == 1


def pins() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_constraints_name_exact_versions_and_no_address() -> None:
    assert pins() == sorted(pins())
    assert all(line.count("==") == 1 and "/" not in line and "@" not in line for line in pins())


def test_constraints_pin_everything_that_is_installed() -> None:
    pinned = {line.partition("==")[0] for line in pins()}
    waiting, seen = [Requirement("tradecall[dev]")], set[tuple[str, str]]()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in ("", *wanted.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                found = [Requirement(line) for line in requires(name) or ()]
            except PackageNotFoundError:
                continue  # named below, as not pinned, unless it is
            waiting += [
                needed
                for needed in found
                if needed.marker is None or needed.marker.evaluate({"extra": extra})
            ]
    assert {name for name, _ in seen} - pinned == {"tradecall"}
