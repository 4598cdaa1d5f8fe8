"""CSV, one row a turn or one row a call, under the usual column names and separators."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tradecall.errors import EmptyInputError, InputError, MalformedInputError
from tradecall.formats.labelled_text import parse_labelled_text
from tradecall.formats.labelled_text import sniff as sniff_labels
from tradecall.formats.labels import parse_seconds, role_of_label
from tradecall.formats.metadata import build_metadata, is_metadata_key, normalized_key
from tradecall.formats.payload import Payload, UnreadCall
from tradecall.formats.unlabelled_text import read as read_unlabelled
from tradecall.transcript import Speaker, Transcript, Turn, clean_text

NAME = "csv"
JSON = False

_DELIMITERS = ",;\t|"
# The first name that a file has is taken, so that "id" counts only where nothing is plainer.
_COLUMNS: dict[str, str] = {
    "call_text": (
        "transcript call_transcript transcription conversation dialogue transcript_text "
        "full_transcript conversational_transcript"
    ),
    "turn_text": ("text utterance content message sentence words speech body line_text"),
    "speaker": (
        "speaker speaker_label speaker_role speaker_name speaker_id role party participant "
        "participant_role who channel channel_id"
    ),
    "start": (
        "start start_time start_s start_sec start_seconds start_ms start_time_ms offset offset_ms "
        "begin begin_time begin_ms from_time time timestamp"
    ),
    "end": ("end end_time end_s end_sec end_seconds end_ms end_time_ms stop"),
    "order": ("turn turn_index turn_id turn_number index seq sequence position"),
    "call_id": (
        "call_id callid conversation_id call_sid contact_id interaction_id recording_id session_id "
        "call_uuid call_ref ucid uuid call file filename id"
    ),
}


@dataclass(slots=True)
class _Layout:
    """Where each thing stands in a row; ``columns`` maps our names to positions."""

    header: list[str]
    columns: dict[str, int]
    delimiter: str

    @property
    def per_turn(self) -> bool:
        if "turn_text" not in self.columns:
            return "speaker" in self.columns
        return "call_text" not in self.columns or "speaker" in self.columns

    @property
    def text(self) -> int:
        names = ("turn_text", "call_text") if self.per_turn else ("call_text", "turn_text")
        return next(self.columns[name] for name in names if name in self.columns)


@dataclass(slots=True)
class _Rows:
    """The rows of one call, and the first thing that is wrong with them."""

    line: int
    rows: list[list[str]] = field(default_factory=list)
    error: InputError | None = None


def sniff(payload: Payload) -> float:
    """Recognise a header that names a column of words and at least one other thing we know."""
    layout = _layout(payload.text)
    if layout is None:
        return 0.0
    known = len(layout.columns) + sum(map(is_metadata_key, layout.header))
    return 0.95 if known > 2 else 0.8 if known > 1 else 0.0


def read(payload: Payload) -> Iterator[Transcript | UnreadCall]:
    """Yield the calls in the order in which they first appear.

    A row that is damaged makes its call unreadable, and only that one.

    Raises:
        MalformedInputError: No column holds words.
        EmptyInputError: There is no row below the header.
    """
    layout = _layout(payload.text)
    if layout is None:
        raise MalformedInputError(
            'no column named "text" or "transcript" in the first line', line=1
        )
    calls = _group(payload.text, layout)
    if not calls:
        raise EmptyInputError("no row below the header")
    for call_id, rows in calls.items():
        try:
            if rows.error is not None:
                raise rows.error
            yield _read_call(call_id, rows, layout)
        except InputError as error:
            yield UnreadCall(
                call_id.strip(), type(error)(error.reason, line=error.line or rows.line)
            )


def _layout(text: str) -> _Layout | None:
    first = next((line for line in text[:65536].splitlines() if line.strip()), "")
    best: _Layout | None = None
    for delimiter in _DELIMITERS:
        try:
            header = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter))]
        except (csv.Error, StopIteration):
            continue
        positions: dict[str, int] = {}
        for position, cell in enumerate(header):
            positions.setdefault(normalized_key(cell), position)
        columns = {
            name: next(positions[alias] for alias in aliases.split() if alias in positions)
            for name, aliases in _COLUMNS.items()
            if not positions.keys().isdisjoint(aliases.split())
        }
        if not {"call_text", "turn_text"} & columns.keys():
            continue
        if best is None or len(columns) > len(best.columns):
            best = _Layout(header, columns, delimiter)
    return best


def _group(text: str, layout: _Layout) -> dict[str, _Rows]:
    """Gather rows by call; rows without an id are one call, or a call each."""
    calls: dict[str, _Rows] = {}
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter)
    id_column = layout.columns.get("call_id")
    headed = False
    while True:
        line = rows.line_num + 1
        error: InputError | None = None
        try:
            row = next(rows)
        except StopIteration:
            return calls
        except csv.Error as damage:
            row, error = [], MalformedInputError(f"broken CSV: {damage}", line=line)
        if error is None and not any(cell.strip() for cell in row):
            continue
        if not headed and error is None:
            headed = True
            continue
        row, width_error = _fitted(row, layout, line)
        call_id = row[id_column] if id_column is not None and id_column < len(row) else ""
        if (
            error
            or not (layout.per_turn or call_id.strip())
            or (not layout.per_turn and call_id in calls)
        ):
            key = f"{call_id}{' ' * (len(calls) + 1)}"
        else:
            key = call_id
        call = calls.setdefault(key, _Rows(line))
        call.rows.append(row)
        call.error = call.error or error or width_error


def _fitted(row: list[str], layout: _Layout, line: int) -> tuple[list[str], InputError | None]:
    """Mend a row whose last column holds unquoted separators; refuse other widths."""
    width = len(layout.header)
    if len(row) > width and layout.text == width - 1:
        return [*row[: width - 1], layout.delimiter.join(row[width - 1 :])], None
    if len(row) > width and any(cell.strip() for cell in row[width:]):
        return row, MalformedInputError(f"{len(row)} cells where the header has {width}", line=line)
    if len(row) <= layout.text:
        return row, MalformedInputError("the row ends before its words", line=line)
    return row, None


def _read_call(call_id: str, call: _Rows, layout: _Layout) -> Transcript:
    first = call.rows[0]
    used = set(layout.columns.values())
    values = {
        name: cell
        for position, (name, cell) in enumerate(zip(layout.header, first, strict=False))
        if position not in used
    }
    transcript = Transcript((), build_metadata(values))
    if call_id.strip():
        transcript = transcript.with_call_id(call_id.strip())
    if layout.per_turn:
        turns = _turns(call.rows, layout)
    else:
        text = Payload(first[layout.text])
        if not text.text.strip():
            raise EmptyInputError("the call has no words")
        labelled = sniff_labels(text) > 0
        turns = (
            parse_labelled_text(text.text).turns if labelled else next(read_unlabelled(text)).turns
        )
    if not turns:
        raise EmptyInputError("no turn holds a word")
    return Transcript(turns, transcript.metadata)


def _turns(rows: Sequence[list[str]], layout: _Layout) -> tuple[Turn, ...]:
    order = layout.columns.get("order")
    if order is not None and all(_cell(row, order).strip().isdecimal() for row in rows):
        rows = sorted(rows, key=lambda row: int(_cell(row, order)[:12]))
    turns = []
    for row in rows:
        text = clean_text(row[layout.text])
        label = _cell(row, layout.columns.get("speaker")).strip() or None
        if text:
            turns.append(
                Turn(
                    role_of_label(label) if label else Speaker.UNKNOWN,
                    text,
                    label,
                    _seconds(row, "start", layout),
                    _seconds(row, "end", layout),
                )
            )
    return tuple(turns)


def _seconds(row: list[str], name: str, layout: _Layout) -> float | None:
    column = layout.columns.get(name)
    seconds = parse_seconds(_cell(row, column))
    if seconds is None or column is None:
        return None
    return seconds / 1000 if layout.header[column].lower().endswith("ms") else seconds


def _cell(row: list[str], column: int | None) -> str:
    return row[column] if column is not None and column < len(row) else ""
