"""WebVTT, with and without voice tags."""

from __future__ import annotations

from collections.abc import Iterator

from tradecall.formats.captions import TIMING, parse_captions
from tradecall.formats.payload import Payload
from tradecall.transcript import Transcript

NAME = "webvtt"
JSON = False


def sniff(payload: Payload) -> float:
    """Recognise the header, or cue times with a full stop."""
    begin = payload.text[:65536]
    if begin.lstrip("`\ufeff \t\r\n").startswith("WEBVTT"):
        return 1.0
    timing = next(filter(None, map(TIMING.match, begin.splitlines())), None)
    return 0.8 if timing and "," not in timing[1] else 0.0


def read(payload: Payload) -> Iterator[Transcript]:
    """Yield the one call of the file."""
    yield parse_captions(payload.text)
