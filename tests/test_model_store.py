from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression

from tradecall.errors import ModelError
from tradecall.model_store import ModelInfo, load_model, save_model


class Stranger:
    """A type that no model folder may hold."""

    def __init__(self) -> None:
        self.value = 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "m", {"weights": np.arange(3.0)}, ModelInfo(name="m"), "# card\n")
    return tmp_path / "m"


def test_a_model_comes_back_as_it_was_saved(folder: Path) -> None:
    estimators, info = load_model(folder)
    assert estimators["weights"].tolist() == [0.0, 1.0, 2.0]
    assert info.name == "m"
    assert (folder / "README.md").read_text() == "# card\n"


def test_saving_again_gives_the_same_numbers(folder: Path, tmp_path: Path) -> None:
    estimators, info = load_model(folder)
    save_model(tmp_path / "again", estimators, info, "")
    assert load_model(tmp_path / "again")[0]["weights"].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("name", ["model.skops", "model.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        load_model(folder)


def test_a_truncated_model_is_refused(folder: Path) -> None:
    path = folder / "model.skops"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelError, match="damaged"):
        load_model(folder)


def test_another_layout_is_refused(folder: Path) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(ModelError, match="layout 99"):
        load_model(folder)


def test_untrusted_types_are_refused(folder: Path) -> None:
    (folder / "model.skops").write_bytes(skops.io.dumps({"stranger": Stranger()}))
    with pytest.raises(ModelError, match="untrusted"):
        load_model(folder)


def test_a_bomb_of_another_kind_is_refused(folder: Path) -> None:
    with zipfile.ZipFile(folder / "model.skops", "w") as archive:
        archive.writestr("schema.json", "[" * 10_000)
    with pytest.raises(ModelError):
        load_model(folder)


def test_arrays_are_read_without_scikit_learn(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tradecall.model_store import load_model;"
        f"load_model(Path({str(folder)!r})); sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_estimators_come_back_through_skops(tmp_path: Path) -> None:
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    save_model(tmp_path, {"model": model, "names": np.array(["a"])}, ModelInfo(name="m"), "")
    estimators, _ = load_model(tmp_path)
    assert estimators["model"].predict([[2.0]]).tolist() == pytest.approx([4.0])
    assert estimators["names"].tolist() == ["a"]


def test_pickled_objects_within_an_array_are_refused(folder: Path) -> None:
    (folder / "model.skops").write_bytes(
        skops.io.dumps({"stranger": np.array([Stranger()], dtype=object)})
    )
    with pytest.raises(ModelError):
        load_model(folder)
