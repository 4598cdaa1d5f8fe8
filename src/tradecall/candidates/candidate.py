"""What a finder yields: a value that may fill a field, with its evidence and how it was said."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum

from tradecall.transcript import Span


class JobField(StrEnum):
    """The homeowner's fields of a job request."""

    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    PHONE = "phone"
    EMAIL = "email"
    ZIP_CODE = "zip_code"
    STREET = "street"
    CITY = "city"
    STATE = "state"


REQUIRED_FIELDS = (JobField.FIRST_NAME, JobField.LAST_NAME, JobField.PHONE, JobField.ZIP_CODE)


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A value that may fill a field.

    Attributes:
        field: The field.
        value: Canonical form: E.164 for phones, five digits for ZIP codes, lower case for e-mail,
            two letters for states, usual writing for names, streets and cities.
        evidence: Where it was said, in call order, each within one turn.
        features: Named numbers about how, by whom, when and in answer to what it was said. A name
            that is missing counts as 0; the names are the finder's ``FEATURE_NAMES``.
        source: ``"metadata"`` where the value came with the call and was confirmed in it.
    """

    field: JobField
    value: str
    evidence: tuple[Span, ...]
    features: Mapping[str, float] = dataclasses.field(default_factory=dict)
    source: str | None = None
