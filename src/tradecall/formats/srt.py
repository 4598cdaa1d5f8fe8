"""SubRip (SRT), with and without speakers before the words."""

from __future__ import annotations

from collections.abc import Iterator

from tradecall.formats.captions import TIMING, parse_captions
from tradecall.formats.payload import Payload
from tradecall.transcript import Transcript

NAME = "srt"
JSON = False


def sniff(payload: Payload) -> float:
    """Recognise cue times with a comma."""
    timing = next(filter(None, map(TIMING.match, payload.text[:65536].splitlines())), None)
    return 0.9 if timing and "," in timing[1] else 0.0


def read(payload: Payload) -> Iterator[Transcript]:
    """Yield the one call of the file."""
    yield parse_captions(payload.text)
