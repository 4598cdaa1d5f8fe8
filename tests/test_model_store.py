from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io

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
