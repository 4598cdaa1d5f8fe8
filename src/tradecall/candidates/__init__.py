"""Candidates: every value that may fill a field, found once, each with how it was said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tradecall.candidates.candidate import REQUIRED_FIELDS, Candidate, JobField

if TYPE_CHECKING:
    from tradecall.candidates.name_tagger import NameTagger
    from tradecall.places import Places
    from tradecall.spoken_letters import LetterRun
    from tradecall.tokens import Tokens

__all__ = ["REQUIRED_FIELDS", "Candidate", "JobField", "find_candidates"]

_HINTS = 6  # how many values of one field are offered to the finder of another


def find_candidates(
    tokens: Tokens,
    places: Places,
    tagger: NameTagger | None = None,
    letters: Sequence[LetterRun] | None = None,
) -> list[Candidate]:
    """Run the finders over a call.

    Args:
        tokens: The call.
        places: The ZIP table.
        tagger: Tells names from other words; without it no name is found.
        letters: The call's spelled letters, where they are read already.

    The order matters where one finder helps another: names come before the e-mail address that is
    often made of them, ZIP codes before the cities they lie in.
    """
    from tradecall.candidates.addresses import find_addresses
    from tradecall.candidates.emails import find_emails
    from tradecall.candidates.names import find_names
    from tradecall.candidates.numbers import find_numbers
    from tradecall.spoken_letters import find_letter_runs
    from tradecall.spoken_numbers import find_number_runs

    numbers = find_number_runs(tokens)
    letters = find_letter_runs(tokens) if letters is None else letters
    names = find_names(tokens, letters, tagger)
    digits = find_numbers(tokens, numbers, places)
    emails = find_emails(
        tokens,
        numbers,
        letters,
        _likeliest(names, JobField.FIRST_NAME, "best"),
        _likeliest(names, JobField.LAST_NAME, "best"),
    )
    zip_codes = _likeliest(digits, JobField.ZIP_CODE, "topic_mentioned")
    addresses = find_addresses(tokens, numbers, letters, places, zip_codes)
    return [*names, *digits, *emails, *addresses]


def _likeliest(candidates: Iterable[Candidate], field: JobField, by: str) -> Sequence[str]:
    """Give the values of a field that score highest on one feature."""
    found = [candidate for candidate in candidates if candidate.field is field]
    found.sort(key=lambda candidate: -candidate.features.get(by, 0.0))
    return [candidate.value for candidate in found[:_HINTS]]
