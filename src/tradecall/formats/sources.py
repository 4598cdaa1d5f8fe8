"""From inputs (files, folders, globs, standard input, gzip) to decoded documents, streaming."""

from __future__ import annotations

import glob
import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tradecall.errors import (
    EmptyInputError,
    InputError,
    InputTooLargeError,
    UnreadableInputError,
)
from tradecall.formats.payload import Payload, looks_like_json

HEAD_BYTES = 65536

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_KINDS = (
    (b"PK\x03\x04", "a ZIP archive or an office document: unpack it or save it as text"),
    (b"%PDF", "a PDF: save its text"),
    (b"RIFF", "audio: transcribe it first"),
    (b"ID3", "audio: transcribe it first"),
    (b"OggS", "audio: transcribe it first"),
    (b"fLaC", "audio: transcribe it first"),
    (b"BZh", "bzip2: unpack it first"),
    (b"\xfd7zXZ", "xz: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "zstandard: unpack it first"),
)
_PASSED_OVER = (".md",)


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to open: a file, or standard input where ``path`` is None."""

    path: Path | None

    @property
    def name(self) -> str:
        """What messages call it."""
        return "-" if self.path is None else str(self.path)

    @property
    def stem(self) -> str:
        """The file's name without ``.gz`` and one more suffix."""
        if self.path is None:
            return "stdin"
        name = self.path.name
        if name.lower().endswith(".gz"):
            name = name[:-3]
        return Path(name).stem or name or "file"


def find_sources(inputs: Sequence[str | Path]) -> Iterator[Source | InputError]:
    """Yield what each input stands for, in order; folders and globs are sorted.

    In folders hidden files and folders are passed over, and so are Markdown files, which explain
    the others. An input that stands for nothing gives an error.
    """
    for given in inputs:
        if str(given) == "-":
            yield Source(None)
            continue
        path = Path(given)
        try:
            if path.is_dir():
                found = list(_files_below(path))
            elif path.exists():
                found = [path]
            elif glob.has_magic(str(given)):
                matches = sorted(map(Path, glob.glob(str(given), recursive=True)))
                found = [
                    file
                    for match in matches
                    for file in (_files_below(match) if match.is_dir() else (match,))
                ]
            else:
                yield UnreadableInputError("no such file or folder", source=given)
                continue
        except (OSError, ValueError) as error:
            yield UnreadableInputError(f"cannot be opened ({type(error).__name__})", source=given)
            continue
        if not found:
            yield EmptyInputError("no file there", source=given)
        yield from map(Source, found)


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file() and path.suffix not in _PASSED_OVER:
                yield path


def read_payloads(
    source: Source, *, max_bytes: int, stdin: BinaryIO | None = None, json_lines: bool = True
) -> Iterator[Payload | InputError]:
    """Yield a source's documents: the lines of a JSON Lines file, else the whole.

    Args:
        source: What to open.
        max_bytes: Most bytes of one document, after decompression.
        stdin: Read for ``-``; standard input where it is None.
        json_lines: False where the file is to be one document whatever it looks like.
    """
    try:
        with ExitStack() as stack:
            if source.path is None:
                stream = stdin if stdin is not None else sys.stdin.buffer
            else:
                stream = stack.enter_context(open(source.path, "rb"))
            yield from _documents(_Bytes(stream).unpacked(), source, max_bytes, json_lines)
    except (OSError, EOFError, zlib.error) as error:
        reason = "damaged gzip" if _is_gzip_damage(error) else "cannot be read"
        yield UnreadableInputError(f"{reason} ({type(error).__name__})")


def _is_gzip_damage(error: Exception) -> bool:
    return isinstance(error, EOFError | zlib.error | gzip.BadGzipFile)


class _Bytes:
    """A stream whose beginning can be looked at before it is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.head = b""
        while len(self.head) < HEAD_BYTES:
            chunk = stream.read(HEAD_BYTES - len(self.head))
            if not chunk:
                break
            self.head += chunk
        self.whole = len(self.head) < HEAD_BYTES
        self._buffer = io.BytesIO(self.head)

    def unpacked(self) -> _Bytes:
        """Give the decompressed stream where this one is gzip."""
        if not self.head.startswith(b"\x1f\x8b"):
            return self
        joined = io.BufferedReader(_Joined(self._buffer, self._stream))
        return _Bytes(gzip.GzipFile(fileobj=joined))  # type: ignore[arg-type]

    def read(self, size: int) -> bytes:
        """Give at most ``size`` bytes from the beginning."""
        kept = self._buffer.read(size)
        parts = [kept]
        missing = size - len(kept)
        while missing > 0:
            chunk = self._stream.read(min(missing, 1 << 20))
            if not chunk:
                break
            parts.append(chunk)
            missing -= len(chunk)
        return b"".join(parts)

    def lines(self, limit: int) -> Iterator[tuple[int, bytes | None]]:
        """Yield numbered lines; None for one that is longer than ``limit``, which is skipped."""
        joined = io.BufferedReader(_Joined(self._buffer, self._stream), HEAD_BYTES)
        number = 0
        while line := joined.readline(limit + 1):
            number += 1
            if len(line) <= limit:
                yield number, line
                continue
            while line and not line.endswith(b"\n"):
                line = joined.readline(HEAD_BYTES)
            yield number, None


class _Joined(io.RawIOBase):
    """The kept beginning and the rest, as one stream."""

    def __init__(self, head: io.BytesIO, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        chunk = self._head.read(len(view)) or self._rest.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)


def _documents(
    content: _Bytes, source: Source, max_bytes: int, json_lines: bool
) -> Iterator[Payload | InputError]:
    head = content.head
    if not head:
        yield EmptyInputError("the file is empty")
        return
    kind = next((kind for magic, kind in _KINDS if head.startswith(magic)), None)
    if kind is not None:
        yield UnreadableInputError(kind)
        return
    encoding = next((name for bom, name in _BOMS if head.startswith(bom)), None)
    by_bytes = encoding in (None, "utf-8-sig")
    if json_lines and by_bytes and _is_json_lines(content, source):
        yield from _json_documents(content, max_bytes)
        return
    data = content.read(max_bytes + 1)
    if len(data) > max_bytes:
        yield InputTooLargeError(_too_large("document", max_bytes))
        return
    try:
        yield Payload(_decode(data, encoding))
    except InputError as error:
        yield error


def _json_documents(content: _Bytes, max_bytes: int) -> Iterator[Payload | InputError]:
    for number, line in content.lines(max_bytes):
        if line is None:
            yield InputTooLargeError(_too_large("line", max_bytes), line=number)
            continue
        try:
            text = _decode(line, "utf-8-sig" if number == 1 else None)
        except InputError as error:
            yield UnreadableInputError(error.reason, line=number)
            continue
        if text.strip():
            yield Payload(text.strip(), number)


def _too_large(what: str, max_bytes: int) -> str:
    return (
        f"the {what} is larger than {max_bytes / 2**20:g} MiB: "
        "split it, put one call a line into a .jsonl file, or raise the limit"
    )


def _is_json_lines(content: _Bytes, source: Source) -> bool:
    """Tell JSON Lines by the name, or by a line in the beginning that is an object by itself."""
    begin = content.head.decode("utf-8-sig", "replace")
    if not looks_like_json(begin):
        return False
    if begin.lstrip().startswith("["):
        return False
    name = source.path.name.lower().removesuffix(".gz") if source.path else ""
    if name.endswith((".jsonl", ".ndjson")):
        return True
    lines = begin.splitlines()
    if not content.whole and len(lines) > 1:
        lines.pop()
    objects = [line for line in lines if line.startswith("{") and len(line.strip()) > 1]
    return (not content.whole and len(lines) == 1) or any(map(_is_object, objects[:20]))


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _decode(data: bytes, encoding: str | None) -> str:
    """Decode one document.

    Raises:
        UnreadableInputError: It is binary, or in an encoding that we do not take.
    """
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        text = _decode_otherwise(data, encoding, error)
    sample = text[:HEAD_BYTES]
    controls = sum(char < " " and char not in "\t\n\r\f" for char in sample)
    if controls * 10 > len(sample):
        raise UnreadableInputError("binary, not text (or UTF-16 without its mark)")
    return text.removeprefix("\ufeff")


def _decode_otherwise(data: bytes, encoding: str | None, error: UnicodeDecodeError) -> str:
    line = data.count(b"\n", 0, error.start) + 1
    if encoding not in (None, "utf-8-sig"):
        raise UnreadableInputError(f"damaged {encoding}", line=line) from None
    if error.start >= len(data) - 3 and error.reason == "unexpected end of data":
        return data[: error.start].decode("utf-8-sig")
    high = sum(byte >= 0x80 for byte in data)
    # Cp1252 takes almost any bytes; letters with accents and typographic quotes are few in
    # English, and two high bytes in a row that happen to be valid UTF-8 say that it was UTF-8.
    valid_pairs = len(data.decode("utf-8", "ignore").encode()) - (len(data) - high)
    if encoding is None and high * 8 <= len(data) and not valid_pairs:
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            pass
    raise UnreadableInputError(
        "neither UTF-8 nor Windows-1252: save it as UTF-8", line=line
    ) from None
