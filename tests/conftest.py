"""The only fixtures and helpers that tests share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tradecall.transcript import CallMetadata, Span, Speaker, Transcript, Turn

_LETTERS = {
    "A": Speaker.AGENT,
    "C": Speaker.CALLER,
    "X": Speaker.OTHER,
    "I": Speaker.SYSTEM,
    "?": Speaker.UNKNOWN,
}


def make_transcript(*lines: str, **metadata: Any) -> Transcript:
    """Build a call from lines such as ``"A: and your zip"``, ``"C: nine oh two one oh"``.

    A is the agent, C the caller, X another voice, I a recording, ? unknown.
    """
    turns = []
    for line in lines:
        letter, _, text = line.partition(": ")
        turns.append(Turn(_LETTERS[letter], text))
    return Transcript(tuple(turns), CallMetadata(**metadata))


def read_marked(*lines: str, **metadata: Any) -> tuple[Transcript, Sequence[Span]]:
    """Like ``make_transcript``; stretches marked «so» come back as the spans of the plain call."""
    plain, marked_lines = [], []
    for line in lines:
        plain.append(line.replace("«", "").replace("»", ""))
        marked_lines.append(line.partition(": ")[2])
    transcript = make_transcript(*plain, **metadata)
    spans = []
    for turn, text in enumerate(marked_lines):
        position, opened = 0, 0
        for char in text:
            if char == "«":
                opened = position
            elif char == "»":
                spans.append(transcript.span(turn, opened, position))
            else:
                position += 1
    return transcript, spans
