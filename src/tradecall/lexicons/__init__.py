"""Word lists as files, one entry a line; lines that begin with ``#`` are comments."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache
def read_words(name: str) -> frozenset[str]:
    """Read a list of words, given its file's name without ``.txt``."""
    return frozenset(_lines(name))


@lru_cache
def read_rows(name: str) -> tuple[tuple[str, ...], ...]:
    """Read a table of tab-separated columns; empty columns at the end may be left out."""
    return tuple(tuple(line.split("\t")) for line in _lines(name))


def _lines(name: str) -> list[str]:
    text = (files(__name__) / f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
