from __future__ import annotations

import contextlib
import json
import time

import pytest

from tradecall.errors import EmptyInputError, InputError, MalformedInputError
from tradecall.formats import READERS, Payload, UnreadCall, read_payload
from tradecall.transcript import Transcript


def read(text: str, format: str | None = None) -> list[Transcript | UnreadCall]:
    return list(read_payload(Payload(text), format))


def read_one(text: str, format: str | None = None) -> Transcript:
    (call,) = read(text, format)
    assert isinstance(call, Transcript)
    return call


def said(call: Transcript | UnreadCall) -> list[tuple[str, str]]:
    assert isinstance(call, Transcript)
    return [(turn.speaker.value, turn.text) for turn in call.turns]


def name_of_reader(text: str) -> str:
    payload = Payload(text)
    fitting = [reader for reader in READERS if payload.looks_like_json == reader.JSON]
    return max(fitting, key=lambda reader: reader.sniff(payload)).NAME


HELLO = [("agent", "hello"), ("caller", "hi, it leaks")]
OWN = {
    "turns": [{"speaker": "agent", "text": "hello"}, {"speaker": "caller", "text": "hi, it leaks"}]
}
VTT = (
    "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>hello</v>\n\n"
    "00:03.000 --> 00:04.000\n<v Customer>hi, it leaks\n"
)
SRT = (
    "1\n00:00:01,000 --> 00:00:02,000\nAgent: hello\n\n"
    "2\n00:00:03,000 --> 00:00:04,000\nCaller: hi, it leaks\n"
)

SAME_CALL = [
    pytest.param(json.dumps(OWN), "own", id="own"),
    pytest.param(json.dumps(OWN, indent=2), "own", id="own-indented"),
    pytest.param(json.dumps([OWN]), "own", id="own-list"),
    pytest.param(
        json.dumps({"transcript": "Agent: hello\nCaller: hi, it leaks"}), "own", id="json"
    ),
    pytest.param("Agent: hello\nCaller: hi, it leaks\n", "labelled_text", id="agent-caller"),
    pytest.param("CSR: hello\r\nCUSTOMER: hi, it leaks\r\n", "labelled_text", id="csr-crlf"),
    pytest.param("Rep - hello\nClient - hi, it leaks\nRep\n", "labelled_text", id="dashes"),
    pytest.param(
        "[00:01] Dana (CSR): hello\n[00:03] Caller: hi, it leaks", "labelled_text", id="timed"
    ),
    pytest.param("Agent\nhello\n\nCaller\nhi,\nit leaks\nAgent\n", "labelled_text", id="own-lines"),
    pytest.param(VTT, "webvtt", id="vtt"),
    pytest.param("```" + VTT + "```", "webvtt", id="vtt-fenced"),
    pytest.param(VTT.removeprefix("WEBVTT\n\n"), "webvtt", id="vtt-without-header"),
    pytest.param(SRT, "srt", id="srt"),
    pytest.param(SRT.replace("\n\n", "\n"), "srt", id="srt-without-blank-lines"),
    pytest.param(SRT.replace("\n", "\n\n"), "srt", id="srt-with-doubled-lines"),
    pytest.param('speaker,text\nagent,hello\ncaller,"hi, it leaks"\n', "csv", id="csv"),
    pytest.param("Role;Utterance\nAgent;hello\nClient;hi, it leaks\n", "csv", id="csv-semicolons"),
    pytest.param("speaker,text\nagent,hello\ncaller,hi, it leaks\n", "csv", id="csv-unquoted"),
    pytest.param(
        'id,transcript\n7,"Agent: hello\nCaller: hi, it leaks"\n', "csv", id="csv-row-a-call"
    ),
]


@pytest.mark.parametrize(("text", "name"), SAME_CALL)
def test_formats_are_recognised_by_content(text: str, name: str) -> None:
    assert name_of_reader(text) == name


@pytest.mark.parametrize(("text", "name"), SAME_CALL)
def test_the_same_call_is_read_from_each_format(text: str, name: str) -> None:
    assert said(read_one(text, name)) == HELLO


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("hello there hi my sink leaks", id="one-line"),
        pytest.param("hello\nhi, my sink leaks, it's 10:30 now\nokay\n", id="lines"),
        pytest.param("so I told the office: please call\nokay\n", id="speech-before-a-colon"),
        pytest.param("so, the text, well\nyes\n", id="commas-are-no-csv"),
    ],
)
def test_text_without_speakers_is_left_to_the_last_reader(text: str) -> None:
    assert name_of_reader(text) == "unlabelled_text"
    assert [turn.text for turn in read_one(text).turns] == text.splitlines()
    assert {turn.label for turn in read_one(text).turns} == {None}


def test_header_lines_become_metadata() -> None:
    call = read_one(
        "Call ID: c-1\nCaller ID: +15125550149\nJob: x\nAgent name: Dana Ortiz\n\nAgent: hello\n"
    )
    assert (call.call_id, call.metadata.caller_id) == ("c-1", "+15125550149")
    assert call.metadata.agent is not None
    assert (call.metadata.agent.first_name, call.metadata.agent.last_name) == ("Dana", "Ortiz")
    assert call.metadata.extra == {"Job": "x"}


def test_lines_without_a_label_go_on_with_the_turn() -> None:
    call = read_one("Agent: hello\nmy name is Dana\n\nCaller: hi\n")
    assert said(call) == [("agent", "hello my name is Dana"), ("caller", "hi")]


@pytest.mark.parametrize(
    "speaker", [pytest.param("Customer", id="word"), pytest.param("client 2", id="numbered")]
)
def test_own_takes_other_words_for_roles(speaker: str) -> None:
    call = read_one(json.dumps({"turns": [{"speaker": speaker, "text": "hi"}]}))
    assert (call.turns[0].speaker, call.turns[0].label) == ("caller", speaker)


def test_own_keeps_numbered_speakers_as_labels() -> None:
    call = read_one(json.dumps({"turns": [{"speaker": 0, "text": "hi"}]}))
    assert (call.turns[0].speaker, call.turns[0].label) == ("unknown", "0")


def test_own_list_loses_only_the_damaged_call() -> None:
    calls = read(json.dumps([OWN, {"turns": 3}, 5, OWN]))
    assert [type(call) for call in calls] == [Transcript, UnreadCall, UnreadCall, Transcript]
    assert isinstance(calls[1], UnreadCall)
    assert calls[1].error.reason.startswith("call 2: turns")


def test_captions_join_cues_of_one_speaker_in_a_row() -> None:
    call = read_one(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>hello\n\n"
        "00:02.000 --> 00:03.500\n<v Agent>hi\n"
    )
    assert said(call) == [("agent", "hello hi")]
    assert (call.turns[0].start_s, call.turns[0].end_s) == (1.0, 3.5)


def test_captions_without_speakers_stay_cue_by_cue() -> None:
    call = read_one(SRT.replace("Agent: ", "").replace("Caller: ", ""))
    assert said(call) == [("unknown", text) for _, text in HELLO]


def test_captions_take_two_voices_in_a_cue_and_drop_markup() -> None:
    call = read_one(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent><i>you &amp; me</i></v> <v Caller>ok\n"
    )
    assert said(call) == [("agent", "you & me"), ("caller", "ok")]


def test_captions_with_ends_before_starts_are_read() -> None:
    call = read_one("WEBVTT\n\n00:00:05.000 --> 00:00:01.000\n<v Agent>hello\n")
    assert (call.turns[0].start_s, call.turns[0].end_s) == (5.0, 1.0)


@pytest.mark.parametrize("piece", ["<v ", "<", "00:01 ", "00:01 --> 00:02\n", "NOTE a", "A: ", ","])
@pytest.mark.parametrize("name", ["webvtt", "csv", "labelled_text"])
def test_readers_take_linear_time(piece: str, name: str) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n" + piece * 30_000
    begun = time.perf_counter()
    with contextlib.suppress(InputError):
        read(text, name)
    assert time.perf_counter() - begun < 3


def test_a_note_names_the_call() -> None:
    assert read_one(VTT.replace("WEBVTT\n", "WEBVTT\n\nNOTE call_id=c-1\n")).call_id == "c-1"


def test_csv_gathers_the_turns_of_each_call() -> None:
    calls = read(
        "Call ID,Turn #,Speaker,Start,Text,ANI\n"
        "a,2,caller,1:02,hi,+15125550149\nb,1,agent,0,yes,\na,1,agent,0.5,hello,+15125550149\n"
    )
    assert [call.call_id for call in calls] == ["a", "b"]
    assert said(calls[0]) == [("agent", "hello"), ("caller", "hi")]
    assert isinstance(calls[0], Transcript)
    assert [turn.start_s for turn in calls[0].turns] == [0.5, 62]
    assert calls[0].metadata.caller_id == "+15125550149"


def test_csv_orders_turns_by_their_number() -> None:
    call = read_one("turn,speaker,text\n10,caller,hi\n9,agent,hello\n")
    assert said(call) == [("agent", "hello"), ("caller", "hi")]


def test_csv_reads_milliseconds() -> None:
    assert read_one("start_ms,speaker,text\n1500,agent,hello\n").turns[0].start_s == 1.5


def test_csv_loses_only_the_call_with_the_damaged_row() -> None:
    calls = read("call_id,speaker,text,note\na,agent,hello,\nb,agent\nc,agent,hello,\n")
    assert [type(call) for call in calls] == [Transcript, UnreadCall, Transcript]
    assert isinstance(calls[1], UnreadCall)
    assert (calls[1].call_id, calls[1].error.line) == ("b", 3)


def test_csv_keeps_what_it_does_not_know() -> None:
    call = read_one(
        'call_id,agent_email,queue,transcript\n7,dana@example.com,north,"Agent: hello"\n'
    )
    assert call.call_id == "7"
    assert call.metadata.agent is not None
    assert call.metadata.agent.email == "dana@example.com"
    assert call.metadata.extra == {"queue": "north"}


@pytest.mark.parametrize(
    ("text", "name", "error"),
    [
        pytest.param("a,b\n1,2\n", "csv", MalformedInputError, id="csv-without-words"),
        pytest.param("speaker,text\n", "csv", EmptyInputError, id="csv-without-rows"),
        pytest.param("hello there", "own", MalformedInputError, id="text-is-no-json"),
        pytest.param("hello there", "labelled_text", EmptyInputError, id="no-labels"),
        pytest.param("hello there", "webvtt", EmptyInputError, id="no-cues"),
        pytest.param("Agent:\nCaller: \n", "labelled_text", EmptyInputError, id="no-words"),
    ],
)
def test_a_reader_says_what_does_not_fit(text: str, name: str, error: type[InputError]) -> None:
    with pytest.raises(error):
        read(text, name)
