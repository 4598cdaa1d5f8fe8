"""One call in one coordinate system: ``Transcript``, ``Turn``, ``Speaker``, ``Span``.

Every later stage counts in characters of ``Transcript.text`` (the turns joined by newlines), end
exclusive. ``Transcript.locate`` is the one bridge from there to "turn 4, characters 11 to 16".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tradecall.errors import EmptyInputError, MalformedInputError


class Speaker(StrEnum):
    """Who says a turn. ``AGENT`` is the call-center employee."""

    AGENT = "agent"
    CALLER = "caller"
    OTHER = "other"
    SYSTEM = "system"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters ``[start, end)`` of ``Transcript.text``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's uninterrupted stretch.

    Attributes:
        speaker: Role, ``UNKNOWN`` where the file does not say.
        text: As the recogniser wrote it, without newlines.
        label: The speaker as the file names it (``spk_0``, ``Dana (CSR)``), where it does.
        start_s: Seconds since the call began, where known.
        end_s: Likewise; not trusted to be after ``start_s``.
    """

    speaker: Speaker
    text: str
    label: str | None = None
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """What the phone system knows of the employee who took the call; every part may be missing."""

    id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class CallMetadata:
    """What came with the call.

    Attributes:
        call_id: The caller's own identifier; readers give the file's stem where there is none.
        caller_id: Number the call came from, as it came (usually E.164).
        called_number: Number that was dialled.
        company_name: Company that was called.
        agent: Identity from the phone system.
        started_at: Start of the call.
        extra: Everything else, kept as it came.
    """

    call_id: str | None = None
    caller_id: str | None = None
    called_number: str | None = None
    company_name: str | None = None
    agent: AgentIdentity | None = None
    started_at: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Transcript:
    """One call: its turns in order, and what came with it."""

    turns: tuple[Turn, ...]
    metadata: CallMetadata = CallMetadata()

    @cached_property
    def text(self) -> str:
        """The turns joined by newlines: what every ``Span`` counts in."""
        return "\n".join(turn.text for turn in self.turns)

    @cached_property
    def turn_starts(self) -> tuple[int, ...]:
        """Offset of each turn's first character in ``text``."""
        starts, position = [], 0
        for turn in self.turns:
            starts.append(position)
            position += len(turn.text) + 1
        return tuple(starts)

    @property
    def call_id(self) -> str:
        """The call's identifier, ``""`` where it has none."""
        return self.metadata.call_id or ""

    def span(self, turn: int, start: int, end: int) -> Span:
        """Give characters ``[start, end)`` of one turn as a span of the whole text."""
        offset = self.turn_starts[turn]
        return Span(offset + start, offset + end)

    def locate(self, span: Span) -> tuple[int, int, int]:
        """Give turn index and ``[start, end)`` within that turn's text.

        Raises:
            ValueError: The span does not lie within one turn.
        """
        turn = bisect_right(self.turn_starts, span.start) - 1
        offset = self.turn_starts[turn]
        start, end = span.start - offset, span.end - offset
        if not 0 <= start <= end <= len(self.turns[turn].text):
            raise ValueError(f"span [{span.start}, {span.end}) does not lie within one turn")
        return turn, start, end

    def quote(self, span: Span) -> str:
        """Give the exact words there."""
        return self.text[span.start : span.end]

    def with_call_id(self, call_id: str) -> Transcript:
        """Give the same call under another identifier."""
        return replace(self, metadata=replace(self.metadata, call_id=call_id))

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any]) -> Transcript:
        """Read the library's own format: ``{"call_id", "metadata": {…}, "turns": [{…}]}``.

        Unknown keys are tolerated; unknown metadata is kept in ``metadata.extra``.

        Raises:
            MalformedInputError: A key is missing or of the wrong type (named, never quoted).
            EmptyInputError: No turn holds a word.
        """
        try:
            record = _OwnCall.model_validate(payload)
        except ValidationError as error:
            place = ".".join(str(part) for part in error.errors()[0]["loc"])
            reason = error.errors()[0]["msg"]
            raise MalformedInputError(f"{place or 'call'}: {reason}") from None
        turns = tuple(
            Turn(turn.speaker, clean_text(turn.text), turn.label, turn.start_s, turn.end_s)
            for turn in record.turns
            if turn.text.strip()
        )
        if not turns:
            raise EmptyInputError("no turn holds a word")
        known = record.metadata
        return cls(
            turns,
            CallMetadata(
                call_id=record.call_id,
                caller_id=known.caller_id,
                called_number=known.called_number,
                company_name=known.company_name,
                agent=_identity(known.agent),
                started_at=known.started_at,
                extra=dict(known.model_extra or {}),
            ),
        )


def clean_text(text: str) -> str:
    """Give ``text`` on one line: newlines and other controls become spaces, ends are stripped.

    Lone surrogates, which no encoder takes, become U+FFFD. The length of the middle is kept.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    cleaned = "".join(
        " " if not char.isprintable() and not 0xD800 <= ord(char) <= 0xDFFF else char
        for char in text
    )
    return cleaned.encode("utf-8", "replace").decode("utf-8").strip()


def _identity(agent: _OwnAgent | None) -> AgentIdentity | None:
    if agent is None:
        return None
    first, last = agent.first_name, agent.last_name
    if agent.name and not (first or last):
        first, _, last_part = agent.name.strip().partition(" ")
        last = last_part.strip() or None
    return AgentIdentity(agent.id, first, last, agent.email, agent.phone)


class _Tolerant(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)


class _OwnTurn(_Tolerant):
    speaker: Speaker = Speaker.UNKNOWN
    text: str
    label: str | None = None
    start_s: float | None = None
    end_s: float | None = None


class _OwnAgent(_Tolerant):
    id: str | None = Field(default=None, coerce_numbers_to_str=True)
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None


class _OwnMetadata(_Tolerant):
    caller_id: str | None = Field(default=None, coerce_numbers_to_str=True)
    called_number: str | None = Field(default=None, coerce_numbers_to_str=True)
    company_name: str | None = None
    agent: _OwnAgent | None = None
    started_at: datetime | None = None


class _OwnCall(_Tolerant):
    call_id: str | None = Field(default=None, coerce_numbers_to_str=True)
    metadata: _OwnMetadata = _OwnMetadata()
    turns: list[_OwnTurn]
