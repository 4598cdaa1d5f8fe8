"""What a reader is given and what it gives: ``Payload``, ``UnreadCall``, ``Reader``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from tradecall.errors import InputError, MalformedInputError
from tradecall.transcript import Transcript


@dataclass(frozen=True)
class Payload:
    """One document, decoded.

    Attributes:
        text: The whole document.
        line: Where it begins in its file, for the documents of a JSON Lines file.
    """

    text: str
    line: int | None = None

    @cached_property
    def looks_like_json(self) -> bool:
        """Whether it begins as a JSON object or a list of objects, lists or strings does.

        ``[00:12] Speaker 1:`` and ``[Agent] hello`` do not.
        """
        return looks_like_json(self.text)

    @cached_property
    def json(self) -> Any:
        """The parsed document.

        Raises:
            MalformedInputError: It is no JSON, or nested too deeply.
        """
        try:
            return json.loads(self.text)
        except json.JSONDecodeError as error:
            reason = f"broken JSON at column {error.colno}: {error.msg}"
            raise MalformedInputError(reason, line=error.lineno) from None
        except RecursionError:
            raise MalformedInputError("JSON is nested too deeply") from None
        except ValueError:
            raise MalformedInputError("JSON holds a number of too many digits") from None


def looks_like_json(text: str) -> bool:
    """Tell JSON objects and lists of objects, lists or strings by their first characters."""
    begin = text[:1024].lstrip()
    return begin.startswith("{") or (begin[:1] == "[" and begin[1:].lstrip()[:1] in ("{", "[", '"'))


@dataclass(frozen=True, slots=True)
class UnreadCall:
    """A call that could not be read.

    Attributes:
        call_id: As ``Transcript.call_id``; ``""`` where a reader does not know it.
        error: What is wrong, with file and line.
    """

    call_id: str
    error: InputError


class Reader(Protocol):
    """A format family: any module or object with these four names.

    ``JSON`` says that the family is made of JSON documents; a JSON Lines file is cut into its
    lines before such readers see it, and other readers are never shown JSON.
    """

    @property
    def NAME(self) -> str:
        """What ``--format`` calls it."""

    @property
    def JSON(self) -> bool:
        """Whether its documents are JSON."""

    def sniff(self, payload: Payload) -> float:
        """Give the confidence, 0 to 1, that the payload is of this family; never raises."""

    def read(self, payload: Payload) -> Iterator[Transcript | UnreadCall]:
        """Yield the payload's calls in order.

        Raises:
            InputError: The rest of the payload cannot be read; lines count within the payload.
        """
