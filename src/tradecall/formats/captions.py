"""Cues of WebVTT and SRT files.

Our own parse, since call recorders write files that webvtt-py and srt refuse or cut short: fenced
by backquotes, without hours, with ends before starts, without the header, or without blank lines.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tradecall.errors import EmptyInputError
from tradecall.formats.labels import (
    LabelledLine,
    parse_seconds,
    role_of_label,
    split_line,
    usual_labels,
)
from tradecall.formats.metadata import build_metadata
from tradecall.transcript import Transcript, Turn, clean_text

_CLOCK = r"\d{1,3}:\d{1,2}(?::\d{1,2})?(?:[.,]\d{1,3})?"
TIMING = re.compile(rf"\s*({_CLOCK})\s*--?>\s*({_CLOCK})?")
_VOICE = re.compile(r"<v(?:\.[^\s<>]{0,40})?\s{1,4}([^<>]{0,80})>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][^<>]{0,80}>|<[\d:.]{5,14}>|\{\\[^{}]{0,40}\}", re.IGNORECASE)
_NOTE = re.compile(r"(?:NOTE\s+)?([A-Za-z][\w -]{0,30}?)\s*[=:]\s*(\S.*)")


@dataclass(slots=True)
class _Cue:
    start_s: float | None
    end_s: float | None
    lines: list[str] = field(default_factory=list)


def parse_captions(text: str) -> Transcript:
    """Read cues as turns; cues in a row by one labelled speaker are one turn.

    Speakers come from voice tags (``<v Agent>``) or from ``Name:`` before the words.

    Raises:
        EmptyInputError: No cue holds a word.
    """
    cues, notes = _cues(text)
    voiced = [(cue, list(_voices(cue))) for cue in cues]
    labels = usual_labels(line for _, lines in voiced for voice, line in lines if voice is None)
    turns: list[Turn] = []
    voice: str | None = None
    for cue, lines in voiced:
        for tagged, line in lines:
            labelled = tagged is None and line.label in labels
            voice = line.label if labelled else tagged or voice
            words = clean_text(line.text if labelled else line.line)
            if words:
                turn = Turn(role_of_label(voice), words, voice or None, cue.start_s, cue.end_s)
                _append(
                    turns, turn, goes_on=not labelled and tagged is None and line is not lines[0][1]
                )
    if not turns:
        raise EmptyInputError("no cue holds a word")
    return Transcript(tuple(turns), build_metadata(notes))


def _append(turns: list[Turn], turn: Turn, *, goes_on: bool) -> None:
    last = turns[-1] if turns else None
    if last is not None and last.label == turn.label and (goes_on or turn.label is not None):
        turns[-1] = replace(last, text=f"{last.text} {turn.text}", end_s=turn.end_s)
    else:
        turns.append(turn)


def _cues(text: str) -> tuple[list[_Cue], dict[str, str]]:
    cues: list[_Cue] = []
    notes: dict[str, str] = {}
    current: _Cue | None = None
    for line in text.replace("```", "").splitlines():
        timing = TIMING.match(line)
        if timing:
            # Without a blank line between, the number of this cue looks like words of the last.
            if current is not None and len(current.lines) > 1 and current.lines[-1].isdecimal():
                current.lines.pop()
            current = _Cue(parse_seconds(timing[1]), parse_seconds(timing[2] or ""))
            cues.append(current)
        elif current is None:
            note = _NOTE.fullmatch(line.strip())
            if note and (not cues or line.startswith("NOTE")):
                notes[note[1]] = note[2]
        elif line.strip():
            current.lines.append(line)
        elif current.lines:
            current = None
    return cues, notes


def _voices(cue: _Cue) -> Iterator[tuple[str | None, LabelledLine]]:
    """Yield each line of a cue, parted at voice tags; None where no tag says who speaks."""
    for line in cue.lines:
        parts = _VOICE.split(line)
        for position in range(0, len(parts), 2):
            words = html.unescape(_TAG.sub("", parts[position])).strip()
            voice = html.unescape(parts[position - 1]).strip() if position else None
            if words:
                yield voice, split_line(words)
