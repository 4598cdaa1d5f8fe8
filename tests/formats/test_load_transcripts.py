from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradecall.errors import (
    ConfigurationError,
    EmptyInputError,
    InputTooLargeError,
    MalformedInputError,
    UnknownFormatError,
    UnreadableInputError,
)
from tradecall.formats import UnreadCall, format_names, load_transcripts
from tradecall.transcript import Transcript

TEXT = "Agent: how can I help\nCaller: my sink leaks\n"


def own(call_id: str | None = None, text: str = "my sink leaks") -> str:
    return json.dumps({"call_id": call_id, "turns": [{"speaker": "caller", "text": text}]})


def load_bytes(content: bytes, **options: object) -> list[Transcript | UnreadCall]:
    return list(load_transcripts("-", stdin=io.BytesIO(content), **options))  # type: ignore[arg-type]


def only_error(calls: list[Transcript | UnreadCall]) -> UnreadCall:
    assert len(calls) == 1
    assert isinstance(calls[0], UnreadCall)
    return calls[0]


def ids(calls: Iterator[Transcript | UnreadCall]) -> list[str]:
    return [call.call_id for call in calls]


def test_a_file_names_its_one_call(tmp_path: Path) -> None:
    (tmp_path / "monday.txt").write_text(TEXT)
    assert ids(load_transcripts(tmp_path / "monday.txt")) == ["monday"]


def test_calls_without_identifier_are_numbered_in_their_file(tmp_path: Path) -> None:
    (tmp_path / "day.jsonl").write_text("\n".join([own(), own("kept"), own()]))
    assert ids(load_transcripts([tmp_path / "day.jsonl"])) == ["day#1", "kept", "day#3"]


def test_gzip_is_unpacked_and_its_suffix_is_no_part_of_the_name(tmp_path: Path) -> None:
    (tmp_path / "monday.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    assert ids(load_transcripts([tmp_path / "monday.txt.gz"])) == ["monday"]


def test_folders_are_read_sorted_and_deeply_without_hidden_files_and_markdown(
    tmp_path: Path,
) -> None:
    for name in ("b.txt", "a/z.txt", ".hidden.txt", ".git/x.txt", "README.md", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(TEXT)
    assert ids(load_transcripts([tmp_path])) == ["b", "c", "z"]


def test_globs_are_expanded(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.log"):
        (tmp_path / name).write_text(TEXT)
    assert ids(load_transcripts([str(tmp_path / "*.txt")])) == ["a", "b"]


def test_standard_input_is_read_for_a_dash() -> None:
    assert [call.call_id for call in load_bytes(TEXT.encode())] == ["stdin"]


def test_the_same_identifier_may_come_twice(tmp_path: Path) -> None:
    (tmp_path / "day.jsonl").write_text("\n".join([own("x"), own("x")]))
    assert ids(load_transcripts([tmp_path])) == ["x", "x"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_usual_encodings_are_read(encoding: str) -> None:
    text = "Agent: señor Muñoz’s kitchen, is that right\nCaller: yes, the sink leaks again\n"
    (call,) = load_bytes(text.encode(encoding))
    assert isinstance(call, Transcript)
    assert call.turns[0].text == "señor Muñoz’s kitchen, is that right"


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        pytest.param(b"", EmptyInputError, "empty", id="empty-file"),
        pytest.param(b" \n\n ", EmptyInputError, "nothing in it", id="blank-file"),
        pytest.param(
            b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 9, UnreadableInputError, "", id="png"
        ),
        pytest.param(b"RIFF\x00\x01WAVEfmt", UnreadableInputError, "transcribe", id="audio"),
        pytest.param(b"PK\x03\x04rest", UnreadableInputError, "unpack", id="zip"),
        pytest.param(bytes(300), UnreadableInputError, "binary", id="zeros"),
        pytest.param("Agent: hé".encode("utf-16-le"), UnreadableInputError, "UTF-16", id="no-mark"),
        pytest.param(
            "Agent: señor ".encode() + b"\xf1 yes", UnreadableInputError, "UTF-8", id="mixed"
        ),
        pytest.param(b'{"turns": [', MalformedInputError, "broken JSON", id="cut-off-json"),
        pytest.param(b"[" * 100_000, MalformedInputError, "nested too deeply", id="deep-json"),
        pytest.param(b'{"a": 1}', UnknownFormatError, "JSON of a kind", id="unknown-json"),
        pytest.param(b"<html>hi</html>", UnknownFormatError, "no reader knows", id="html"),
        pytest.param(gzip.compress(TEXT.encode())[:-12], UnreadableInputError, "gzip", id="gzip"),
        pytest.param(b'{"turns": []}', EmptyInputError, "no turn", id="no-turns"),
        pytest.param(b"[]", UnknownFormatError, "", id="empty-list"),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, error: type, reason: str) -> None:
    unread = only_error(load_bytes(content))
    assert type(unread.error) is error
    assert reason in unread.error.reason
    assert unread.error.source == "-"


def test_a_broken_line_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    lines = [own(f"c{number}") for number in range(1, 1001)]
    lines[811] = lines[811][:20]
    (tmp_path / "year.jsonl").write_text("\n".join(lines))
    calls = list(load_transcripts([tmp_path]))
    assert len(calls) == 1000
    assert [call.call_id for call in calls if isinstance(call, UnreadCall)] == ["year#812"]
    assert isinstance(calls[811], UnreadCall)
    assert (calls[811].error.line, calls[811].error.source) == (812, str(tmp_path / "year.jsonl"))


def test_a_broken_first_line_does_not_hide_that_the_rest_are_lines() -> None:
    calls = load_bytes(f'{{"call_id": \n{own("b")}\n{own("c")}'.encode())
    assert [call.call_id for call in calls] == ["stdin#1", "b", "c"]


def test_an_error_keeps_the_identifier_that_the_call_has() -> None:
    unread = only_error(load_bytes(b'{"call_id": "c-1", "turns": [{"speaker": "agent"}]}'))
    assert unread.call_id == "c-1"
    assert "turns.0.text" in unread.error.reason


def test_errors_do_not_quote_the_call() -> None:
    unread = only_error(load_bytes(b'{"turns": [{"text": 5550142}], "x": "my sink leaks"}'))
    assert "5550142" not in str(unread.error)
    assert "sink" not in str(unread.error)


def test_a_line_over_the_limit_is_skipped_alone() -> None:
    content = "\n".join([own("a"), own("b", "leaks " * 100), own("c")]).encode()
    calls = load_bytes(content, max_bytes=200)
    assert [call.call_id for call in calls] == ["a", "stdin#2", "c"]
    assert isinstance(calls[1], UnreadCall)
    assert isinstance(calls[1].error, InputTooLargeError)
    assert calls[1].error.line == 2


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_document_over_the_limit_is_refused(pack: object) -> None:
    content = pack((TEXT * 10_000).encode())  # type: ignore[operator]
    unread = only_error(load_bytes(content, max_bytes=100_000))
    assert isinstance(unread.error, InputTooLargeError)


def test_json_lines_are_read_one_by_one() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += 1
            return (own() + "\n").encode()

    stream = Endless()
    calls = load_transcripts("-", stdin=stream)  # type: ignore[arg-type]
    assert next(calls).call_id == "stdin#1"
    assert stream.given < 3000


def test_missing_files_are_errors_in_their_place(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    inputs = [tmp_path / "no.txt", tmp_path / "a.txt", tmp_path / "no*.txt"]
    calls = list(load_transcripts(inputs))
    assert [type(call) for call in calls] == [UnreadCall, Transcript, UnreadCall]
    assert calls[0].call_id == "no"


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    assert isinstance(only_error(list(load_transcripts([tmp_path]))).error, EmptyInputError)


def test_format_forces_a_reader() -> None:
    (call,) = load_bytes(TEXT.encode(), format="unlabelled_text")
    assert isinstance(call, Transcript)
    assert call.turns[0].text == "Agent: how can I help"


def test_an_unknown_format_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="labelled_text"):
        load_transcripts("-", format="wordperfect")


def test_format_names_are_distinct() -> None:
    assert len(set(format_names())) == len(format_names())


PIECES = [
    own("a").encode(),
    TEXT.encode(),
    b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v A>hi\n",
    b"1\n00:00:01,000 --> 00:00:02,000\nhi\n\n",
    b"call_id,speaker,text\n1,agent,hi\n",
    b"\x1f\x8b\x08",
    b"\xff\xfe",
    b"[00:12] Speaker 1:",
    b'"',
    b"\n",
    b"\x00",
]


@given(
    st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=30)), max_size=8),
    st.sampled_from([None, *format_names()]),
)
def test_any_bytes_give_calls_or_errors(pieces: list[bytes], name: str | None) -> None:
    calls = load_bytes(b"".join(pieces), format=name, max_bytes=500)
    for call in calls:
        assert call.call_id
        if isinstance(call, Transcript):
            assert call.turns
            assert all("\n" not in turn.text and turn.text for turn in call.turns)
