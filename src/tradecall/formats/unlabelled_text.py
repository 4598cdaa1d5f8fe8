"""Text that names no speakers: one utterance a line, or one long line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tradecall.errors import EmptyInputError
from tradecall.formats.labels import parse_seconds
from tradecall.formats.payload import Payload
from tradecall.transcript import Speaker, Transcript, Turn, clean_text

NAME = "unlabelled_text"
JSON = False

_TIME = re.compile(r"[\[(]((?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?)[\])]\s*")
_MARKUP = ("<?xml", "<!doctype", "<html", "{\\rtf")


def sniff(payload: Payload) -> float:
    """Take any text that holds a letter, but for markup, and only when nothing else fits."""
    begin = payload.text[:4096]
    if begin.lstrip().lower().startswith(_MARKUP):
        return 0.0
    return 0.1 if any(char.isalpha() for char in begin) else 0.0


def read(payload: Payload) -> Iterator[Transcript]:
    """Yield the one call, a turn a line, all by ``UNKNOWN``: ``tradecall.roles`` parts them.

    Raises:
        EmptyInputError: No line holds a word.
    """
    turns = []
    for line in payload.text.splitlines():
        timed = _TIME.match(line.lstrip())
        start_s = parse_seconds(timed[1]) if timed else None
        text = clean_text(line.lstrip()[timed.end() :] if timed else line)
        if any(char.isalnum() for char in text):
            turns.append(Turn(Speaker.UNKNOWN, text, None, start_s))
    if not turns:
        raise EmptyInputError("no line holds a word")
    yield Transcript(tuple(turns))
