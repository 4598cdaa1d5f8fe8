"""The library's own format: ``{"call_id", "metadata": {…}, "turns": [{"speaker", "text"}]}``.

One call a document, or a list of them; a JSON Lines file comes here line by line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tradecall.errors import EmptyInputError, InputError, MalformedInputError
from tradecall.formats.labelled_text import parse_labelled_text
from tradecall.formats.labels import role_of_label
from tradecall.formats.payload import Payload, UnreadCall
from tradecall.transcript import Speaker, Transcript

NAME = "own"
JSON = True

_ROLES = frozenset(speaker.value for speaker in Speaker)


def sniff(payload: Payload) -> float:
    """Recognise ``turns`` in the document or in the first member of a list."""
    try:
        document = payload.json
    except MalformedInputError:
        return 0.0
    call = document[0] if isinstance(document, list) and document else document
    if not isinstance(call, dict):
        return 0.0
    if isinstance(call.get("turns"), list):
        return 0.9
    return 0.4 if isinstance(call.get("transcript"), str) else 0.0


def read(payload: Payload) -> Iterator[Transcript | UnreadCall]:
    """Yield the call, or each call of the list."""
    document = payload.json
    if not isinstance(document, list):
        yield from _read_call(document, "")
        return
    if not document:
        raise EmptyInputError("the list holds no call")
    for number, call in enumerate(document, 1):
        yield from _read_call(call, f"call {number}: ")


def _read_call(call: Any, place: str) -> Iterator[Transcript | UnreadCall]:
    try:
        yield from_mapping(call)
    except InputError as error:
        given = call.get("call_id") if isinstance(call, dict) else None
        call_id = str(given) if isinstance(given, str | int) else ""
        yield UnreadCall(call_id, type(error)(place + error.reason))


def from_mapping(call: Any) -> Transcript:
    """Read one call of the library's own format.

    Beyond ``Transcript.from_dict``, speakers may be any label (``"Customer"``, ``"spk_0"``), and
    ``transcript``, a labelled text, may stand in the place of ``turns``.

    Raises:
        InputError: It is none.
    """
    if not isinstance(call, Mapping):
        raise MalformedInputError('a call is an object with "turns"')
    call = dict(call)
    if "turns" not in call and isinstance(call.get("transcript"), str):
        read_turns = parse_labelled_text(call["transcript"]).turns
        call["turns"] = [
            {"speaker": turn.speaker, "label": turn.label, "text": turn.text} for turn in read_turns
        ]
    if isinstance(call.get("turns"), list):
        call["turns"] = [_with_role(turn) for turn in call["turns"]]
    if call.get("metadata", ...) is None:
        del call["metadata"]
    return Transcript.from_dict(call)


def _with_role(turn: Any) -> Any:
    if not isinstance(turn, dict) or turn.get("speaker") in _ROLES:
        return turn
    label = turn.get("speaker")
    if label is not None and not isinstance(label, str | int):
        return turn
    label = None if label is None else str(label)
    return {"label": label} | turn | {"speaker": role_of_label(label)}
