"""Reading transcripts: ``load_transcripts()`` and one reader a format family.

A new family is a module with ``NAME``, ``JSON``, ``sniff`` and ``read`` (see ``Reader``) and its
entry in ``READERS``; nothing else has to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from tradecall.errors import (
    ConfigurationError,
    EmptyInputError,
    InputError,
    UnknownFormatError,
)
from tradecall.formats import csv_rows, labelled_text, own, srt, unlabelled_text, webvtt
from tradecall.formats.payload import Payload, Reader, UnreadCall
from tradecall.formats.sources import Source, find_sources, read_payloads
from tradecall.transcript import Transcript

__all__ = [
    "MAX_BYTES",
    "READERS",
    "Payload",
    "Reader",
    "UnreadCall",
    "format_names",
    "load_transcripts",
    "read_payload",
]

MAX_BYTES = 32 * 2**20
"""Most bytes of one document: a call of a day, with word times, is a few."""

READERS: tuple[Reader, ...] = (own, webvtt, srt, csv_rows, labelled_text, unlabelled_text)
"""All families; where two are equally sure of a payload, the earlier one reads it."""


def format_names() -> list[str]:
    """Give the names that ``format`` takes."""
    return [reader.NAME for reader in READERS]


def load_transcripts(
    inputs: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,
    max_bytes: int = MAX_BYTES,
    stdin: BinaryIO | None = None,
) -> Iterator[Transcript | UnreadCall]:
    """Read calls from files, folders, globs and ``-`` (standard input), plain or gzip, streaming.

    Whatever cannot be read comes out as an ``UnreadCall`` in its place, and everything else is
    still read. A call without an identifier gets its file's stem, or ``stem#n`` where the file
    holds several.

    Args:
        inputs: What to read, in this order.
        format: One of ``format_names()``; recognised by content where None.
        max_bytes: Most bytes of one document after decompression. JSON Lines files are read line
            by line and may be of any size; the limit is then a line's.
        stdin: Read for ``-``, in the place of standard input.

    Raises:
        ConfigurationError: There is no such format.
    """
    reader = None if format is None else _reader(format)
    if isinstance(inputs, str | Path):
        inputs = [inputs]
    return _load(inputs, reader, max_bytes, stdin)


def read_payload(payload: Payload, format: str | None = None) -> Iterator[Transcript | UnreadCall]:
    """Read the calls of one document.

    Raises:
        ConfigurationError: There is no such format.
        InputError: The document, or what is left of it, cannot be read.
    """
    reader = _recognised(payload) if format is None else _reader(format)
    yield from reader.read(payload)


def _reader(name: str) -> Reader:
    for reader in READERS:
        if name == reader.NAME:
            return reader
    raise ConfigurationError(f"no format of that name; there are {', '.join(format_names())}")


def _recognised(payload: Payload) -> Reader:
    if not payload.text.strip():
        raise EmptyInputError("nothing in it")
    is_json = payload.looks_like_json
    if is_json:
        payload.json  # noqa: B018 - broken JSON is told as such, not as an unknown format
    sure, reader = max(
        ((reader.sniff(payload), reader) for reader in READERS if is_json == reader.JSON),
        key=lambda pair: pair[0],
    )
    if sure <= 0:
        kind = "JSON of a kind" if is_json else "text of a kind"
        names = ", ".join(format_names())
        raise UnknownFormatError(f"{kind} that no reader knows; if it is one of {names}, name it")
    return reader


def _load(
    inputs: Sequence[str | Path], reader: Reader | None, max_bytes: int, stdin: BinaryIO | None
) -> Iterator[Transcript | UnreadCall]:
    json_lines = reader is None or reader.JSON
    for source in find_sources(inputs):
        if isinstance(source, InputError):
            yield UnreadCall(Path(source.source or "").stem or "input", source)
            continue
        payloads = read_payloads(source, max_bytes=max_bytes, stdin=stdin, json_lines=json_lines)
        yield from _named(_read(payloads, reader, source), source.stem)


def _read(
    payloads: Iterator[Payload | InputError], reader: Reader | None, source: Source
) -> Iterator[Transcript | UnreadCall]:
    for payload in payloads:
        if isinstance(payload, InputError):
            yield UnreadCall("", _placed(payload, source, None))
            continue
        try:
            chosen = reader or _recognised(payload)
            for call in chosen.read(payload):
                if isinstance(call, UnreadCall):
                    call = replace(call, error=_placed(call.error, source, payload.line))
                yield call
        except InputError as error:
            yield UnreadCall("", _placed(error, source, payload.line))


def _placed(error: InputError, source: Source, begins: int | None) -> InputError:
    """Say in which file and line an error is; readers count lines within their payload."""
    line = error.line if begins is None else begins + (error.line or 1) - 1
    return type(error)(error.reason, source=source.name, line=line)


def _named(
    calls: Iterator[Transcript | UnreadCall], stem: str
) -> Iterator[Transcript | UnreadCall]:
    """Give an identifier to calls without one; one call ahead is read to know if it is alone."""
    number = 0
    call = next(calls, None)
    while call is not None:
        number += 1
        following = next(calls, None)
        if not call.call_id.strip():
            alone = number == 1 and following is None
            call_id = stem if alone else f"{stem}#{number}"
            if isinstance(call, Transcript):
                call = call.with_call_id(call_id)
            else:
                call = replace(call, call_id=call_id)
        yield call
        call = following
