from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import tradecall

HEAVY = (
    "numpy",
    "phonenumbers",
    "pydantic",
    "rich",
    "skops",
    "sklearn",
    "spacy",
    "typer",
    "zipcodes",
)


def test_all_is_sorted() -> None:
    assert list(tradecall.__all__) == sorted(tradecall.__all__)


@pytest.mark.parametrize("name", tradecall.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(tradecall, name) is not None


def test_all_lists_everything_public() -> None:
    for name in tradecall.__all__:
        getattr(tradecall, name)
    public = {
        name
        for name in dir(tradecall)
        if not name.startswith("_") and not isinstance(getattr(tradecall, name), ModuleType)
    }
    assert public - {"annotations", "TYPE_CHECKING"} == {
        name for name in tradecall.__all__ if not name.startswith("_")
    }


@pytest.mark.parametrize("name", ["JobRequest", "Pipeline", "Transcript"])
def test_the_names_users_start_with_are_public(name: str) -> None:
    assert name in tradecall.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        tradecall.no_such_name  # noqa: B018


def test_import_loads_nothing_heavy() -> None:
    code = "import sys, tradecall; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(ran.stdout.split())
