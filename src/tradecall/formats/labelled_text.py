"""Text that names its speakers: ``Agent: …``, ``[00:12] Speaker 1: …``, labels on own lines."""

from __future__ import annotations

from collections.abc import Iterator

from tradecall.errors import EmptyInputError
from tradecall.formats.labels import (
    LabelledLine,
    is_generic_label,
    role_of_label,
    split_line,
    usual_labels,
)
from tradecall.formats.metadata import build_metadata
from tradecall.formats.payload import Payload
from tradecall.transcript import Speaker, Transcript, Turn, clean_text

NAME = "labelled_text"
JSON = False


def sniff(payload: Payload) -> float:
    """Recognise lines that begin with speakers."""
    lines = _lines(payload.text[:65536])
    labels = usual_labels(lines)
    if not labels:
        return 0.0
    share = sum(line.label in labels for line in lines) / len(lines)
    stated = any(
        is_generic_label(label) or role_of_label(label) is not Speaker.UNKNOWN for label in labels
    )
    return 0.7 if share > (0.1 if stated else 0.5) else 0.3 * share


def read(payload: Payload) -> Iterator[Transcript]:
    """Yield the one call of the text.

    Lines before the first speaker that read ``Call ID: …`` and the like become metadata.
    """
    yield parse_labelled_text(payload.text)


def parse_labelled_text(text: str) -> Transcript:
    """Read one call; a line without a label goes on with the turn before it.

    Raises:
        EmptyInputError: No turn holds a word.
    """
    lines = _lines(text)
    labels = usual_labels(lines)
    header: dict[str, str] = {}
    turns: list[Turn] = []
    parts: list[str] = []
    current: LabelledLine | None = None
    for line in lines:
        if line.label in labels:
            _close(turns, current, parts)
            current, parts = line, [line.text]
        elif current is not None:
            parts.append(line.line)
        elif line.label is not None and line.text:
            header[line.label] = line.text
        else:
            header["header"] = f"{header.get('header', '')} {line.line}".strip()
    _close(turns, current, parts)
    if not turns:
        raise EmptyInputError("no line holds a speaker and words")
    return Transcript(tuple(turns), build_metadata(header))


def _lines(text: str) -> list[LabelledLine]:
    return [split_line(line) for line in text.splitlines() if line.strip()]


def _close(turns: list[Turn], line: LabelledLine | None, parts: list[str]) -> None:
    text = clean_text(" ".join(part for part in parts if part.strip()))
    if line is not None and text:
        turns.append(Turn(role_of_label(line.label), text, line.label, line.start_s))
