"""Labelled calls: reading them, and cutting them into folds by call."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tradecall.errors import EmptyInputError, MalformedInputError
from tradecall.transcript import Transcript


@dataclass(frozen=True, slots=True)
class GoldCall:
    """A call with its labels.

    Attributes:
        transcript: The call.
        gold: The labels as the data card describes them (``homeowner``, ``agent``, ``is_job``, …).
        traits: How the call was drawn; for analysis only, never an input.
        second_reading: What a second, blind reader said (``urgency``, ``status``, ``summary``);
            empty where there was none.
    """

    transcript: Transcript
    gold: Mapping[str, Any]
    traits: Mapping[str, Any]
    second_reading: Mapping[str, Any] = field(default_factory=dict)

    @property
    def call_id(self) -> str:
        return self.transcript.call_id

    @property
    def is_job(self) -> bool | None:
        """Whether work is wanted; None where the call was cut off before that was clear."""
        value: bool | None = self.gold["is_job"]
        return value

    def value(self, field: str) -> str | None:
        """Give the homeowner's true value of a field, None where the call does not give it."""
        value: str | None = self.gold["homeowner"].get(field)
        return value


def load_gold(*paths: Path | str) -> list[GoldCall]:
    """Read labelled calls from ``.jsonl`` or ``.jsonl.gz`` files, in order.

    Raises:
        MalformedInputError: A line is no labelled call.
        EmptyInputError: There is no call at all.
    """
    calls = [call for path in paths for call in _read(Path(path))]
    if not calls:
        raise EmptyInputError("no labelled call", source=paths[0] if paths else None)
    return calls


def _read(path: Path) -> Iterator[GoldCall]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                payload = json.loads(line)
                gold = payload["gold"]
                gold["homeowner"], gold["is_job"]
            except (ValueError, KeyError, TypeError) as error:
                reason = f"no labelled call ({type(error).__name__})"
                raise MalformedInputError(reason, source=path, line=number) from None
            yield GoldCall(
                Transcript.from_dict(payload),
                gold,
                payload.get("traits") or {},
                payload.get("second_reader") or {},
            )


def fold_of(call_id: str, folds: int = 5) -> int:
    """Give the fold of a call: a hash of its id, so that a call stays in its fold for ever.

    Calls that were made out of another by substitution ("d1-000~3") stay in the other's fold.
    """
    origin = call_id.partition("~")[0]
    return int.from_bytes(hashlib.sha256(origin.encode()).digest()[:4], "big") % folds


def cross_validation_splits(
    calls: Sequence[GoldCall], folds: int = 5
) -> Iterator[tuple[list[GoldCall], list[GoldCall]]]:
    """Yield (train, test) for each fold, split by call."""
    for fold in range(folds):
        yield (
            [call for call in calls if fold_of(call.call_id, folds) != fold],
            [call for call in calls if fold_of(call.call_id, folds) == fold],
        )
