"""One folder a model: ``model.skops`` (estimators), ``model.json`` (the rest), ``README.md``.

Only scikit-learn, numpy and scipy types are stored and trusted: our own classes are rebuilt from
``model.json`` by the module that owns them. Nothing is pickled.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile
from zlib import error as ZlibError

from pydantic import BaseModel, ConfigDict, ValidationError

from tradecall.errors import ModelError

MODEL_FORMAT = 1
_TRUSTED_PREFIXES = ("sklearn.", "numpy.", "scipy.", "builtins.", "collections.OrderedDict")


class ModelInfo(BaseModel):
    """What ``model.json`` holds.

    Attributes:
        name: The folder's name.
        format: Version of this layout.
        features: Feature names in the order of the estimator's columns, where it has such.
        operating_point: Thresholds and how they were chosen.
        scores: Cross-validated scores, with the number of calls.
        versions: Versions of Python and of the libraries it was trained with.
        training_data: File → SHA-256 of what it was trained on.
        extra: Whatever else the owning module needs (classes, small lexicons).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    format: int = MODEL_FORMAT
    features: list[str] = []
    operating_point: dict[str, Any] = {}
    scores: dict[str, Any] = {}
    versions: dict[str, str] = {}
    training_data: dict[str, str] = {}
    extra: dict[str, Any] = {}


def save_model(folder: Path, estimators: Mapping[str, Any], info: ModelInfo, card: str) -> None:
    """Write a model folder; each file appears whole or not at all.

    Args:
        folder: Made where it does not exist.
        estimators: Name → scikit-learn estimator or numpy array.
        info: Goes to ``model.json``.
        card: Markdown of the model card, ``README.md``.
    """
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    packed = skops.io.dumps(dict(estimators), compression=ZIP_DEFLATED, compresslevel=9)
    _write(folder / "model.skops", packed)
    save_info(folder, info, card)


def save_info(folder: Path, info: ModelInfo, card: str) -> None:
    """Write ``model.json`` and the card of a folder whose content is no estimator."""
    _write(folder / "model.json", (info.model_dump_json(indent=1) + "\n").encode())
    _write(folder / "README.md", card.encode())


def load_model(folder: Path) -> tuple[dict[str, Any], ModelInfo]:
    """Read a model folder.

    Raises:
        ModelError: It is missing, damaged, of another layout, or holds types outside
            scikit-learn, numpy and scipy.
    """
    try:
        info = ModelInfo.model_validate_json((folder / "model.json").read_bytes())
        stored = (folder / "model.skops").read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"model folder {folder} has no {Path(error.filename).name}") from None
    except ValidationError as error:
        raise ModelError(f"{folder}/model.json: {error.error_count()} invalid entries") from None
    if info.format != MODEL_FORMAT:
        raise ModelError(f"{folder} has layout {info.format}, this version reads {MODEL_FORMAT}")
    arrays = _read_arrays(stored)
    if arrays is not None:
        return arrays, info
    import skops.io

    try:
        unknown = skops.io.get_untrusted_types(data=stored)
        refused = [name for name in unknown if not name.startswith(_TRUSTED_PREFIXES)]
        if refused:
            raise ModelError(f"{folder}/model.skops holds untrusted types: {', '.join(refused)}")
        estimators = skops.io.loads(stored, trusted=unknown)
    except ModelError:
        raise
    except Exception as error:  # skops raises many kinds for damaged archives
        raise ModelError(f"{folder}/model.skops is damaged ({type(error).__name__})") from error
    return estimators, info


def _read_arrays(stored: bytes) -> dict[str, Any] | None:
    """Read a skops archive that holds nothing but dictionaries of arrays, None for any other.

    Our own models are that. To ask skops is to import all of scikit-learn: more than a second, for
    what numpy reads in a few milliseconds. Pickled objects within an array are refused.
    """
    import numpy as np

    def read(node: Mapping[str, Any]) -> Any:
        kind = node["__module__"], node["__class__"], node["__loader__"]
        if kind == ("builtins", "dict", "DictNode"):
            return {str(name): read(part) for name, part in node["content"].items()}
        if kind == ("numpy", "ndarray", "NdArrayNode") and node["type"] == "numpy":
            return np.load(BytesIO(archive.read(node["file"])), allow_pickle=False)
        raise ValueError("not an array")

    try:
        with ZipFile(BytesIO(stored)) as archive:
            arrays: dict[str, Any] = read(json.loads(archive.read("schema.json")))
    except (ValueError, KeyError, TypeError, EOFError, RecursionError, BadZipFile, ZlibError):
        return None  # skops then says what it is, or what is wrong with it
    return arrays


def versions() -> dict[str, str]:
    """Give the versions a model depends on."""
    import platform
    from importlib.metadata import version

    packages = ("scikit-learn", "numpy", "scipy", "skops", "spacy")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def read_json(path: Path) -> Any:
    """Read a JSON file of a model folder.

    Raises:
        ModelError: It is missing or no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: {type(error).__name__}") from error


def _write(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
