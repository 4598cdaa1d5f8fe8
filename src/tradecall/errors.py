"""Exceptions, drawn as a tree by what the user of the library can do about them.

::

    TradecallError
    ├── InputError                 a file or record cannot be read: mend or skip it
    │   ├── UnreadableInputError   not text, wrong encoding, truncated archive
    │   ├── MalformedInputError    text, but not what the format promises (has a line)
    │   ├── UnknownFormatError     no reader recognises it: name one with --format
    │   ├── EmptyInputError        nothing in it
    │   └── InputTooLargeError     over the stated limit
    ├── ConfigurationError         a setting, table or argument is wrong
    ├── ModelError                 a model folder is missing, damaged or not trusted
    └── InvalidJobError            values that the job API would not take

Messages name the call id, field, span, file and line. They never quote what a caller said.
"""

from __future__ import annotations

from pathlib import Path


class TradecallError(Exception):
    """Base of everything this library raises on purpose."""


class InputError(TradecallError):
    """A transcript file or record cannot be read.

    Attributes:
        source: File (or ``"-"`` for standard input) the trouble is in, where known.
        line: 1-based line of that file, where known.
    """

    def __init__(
        self, reason: str, *, source: str | Path | None = None, line: int | None = None
    ) -> None:
        self.reason = reason
        self.source = None if source is None else str(source)
        self.line = line
        place = ":".join(str(part) for part in (self.source, line) if part is not None)
        super().__init__(f"{place}: {reason}" if place else reason)


class UnreadableInputError(InputError):
    """The bytes are not text in any encoding we accept, or the archive is damaged."""


class MalformedInputError(InputError):
    """The text does not have the structure its format promises."""


class UnknownFormatError(InputError):
    """No reader recognises the content."""


class EmptyInputError(InputError):
    """The file or record holds no words."""


class InputTooLargeError(InputError):
    """The file or call exceeds the stated limit."""


class ConfigurationError(TradecallError):
    """A setting, a table or an argument is wrong; the message says which."""


class ModelError(TradecallError):
    """A model folder is missing, damaged, of another version, or holds untrusted types."""


class InvalidJobError(TradecallError):
    """Values that the job API would not take. ``problems`` maps field → reason, without values."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in problems.items()))
