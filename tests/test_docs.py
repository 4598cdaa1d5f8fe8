from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shlex
from pathlib import Path

import pytest
import typer.main

import tradecall
from tradecall import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(tradecall.__path__, "tradecall.")
    if not module.name.endswith("__main__")
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    joined = "\n".join(blocks("sh") + blocks("console")).replace("\\\n", " ")
    lines = [line.removeprefix("$ ").partition("#")[0].strip() for line in joined.splitlines()]
    return [line for line in lines if line.startswith("tradecall ")]


def test_readme_has_examples() -> None:
    assert blocks("python")
    assert commands()


def test_readme_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks run in order in one namespace, where data/ and models/ lie as in a checkout."""
    for folder in ("data", "models"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "readme"}
    for number, block in enumerate(blocks("python"), 1):
        exec(compile(block, f"README.md, block {number}", "exec"), namespace)


@pytest.mark.parametrize("line", commands())
def test_readme_commands_exist(line: str) -> None:
    words = shlex.split(line.partition("|")[0].partition(">")[0])
    group = typer.main.get_command(cli.app)
    command = group.commands[words[1]]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    known |= {option for parameter in command.params for option in parameter.secondary_opts}
    assert {word for word in words[2:] if re.match(r"--?\w", word)} <= known | {"--help"}


@pytest.mark.parametrize("target", re.findall(r"^(?:\$ )?make (\w+)", README, re.MULTILINE))
def test_readme_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
