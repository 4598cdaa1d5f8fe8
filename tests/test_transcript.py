from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_transcript, read_marked
from tradecall.errors import EmptyInputError, MalformedInputError
from tradecall.transcript import Span, Speaker, Transcript, clean_text


def test_text_joins_the_turns() -> None:
    assert make_transcript("A: hello", "C: hi there").text == "hello\nhi there"


def test_locate_undoes_span() -> None:
    transcript, (span,) = read_marked("A: and your zip", "C: it is «90210» yes")
    assert transcript.quote(span) == "90210"
    assert transcript.locate(span) == (1, 6, 11)
    assert transcript.span(1, 6, 11) == span


def test_locate_refuses_a_span_over_two_turns() -> None:
    with pytest.raises(ValueError, match="one turn"):
        make_transcript("A: hello", "C: hi").locate(Span(2, 7))


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6), st.data())
def test_every_span_of_a_turn_comes_back(texts: list[str], data: st.DataObject) -> None:
    transcript = make_transcript(*(f"C: {clean_text(text)}" for text in texts))
    turn = data.draw(st.integers(0, len(texts) - 1))
    size = len(transcript.turns[turn].text)
    start = data.draw(st.integers(0, size))
    end = data.draw(st.integers(start, size))
    if start < size:
        assert transcript.locate(transcript.span(turn, start, end)) == (turn, start, end)


def test_from_dict_reads_the_own_format() -> None:
    transcript = Transcript.from_dict(
        {
            "call_id": 7,
            "metadata": {
                "caller_id": "+14155550132",
                "agent": {"name": "Dana Cole", "id": 12},
                "queue": "west",
            },
            "turns": [{"speaker": "agent", "text": " hello "}, {"speaker": "caller", "text": " "}],
        }
    )
    assert transcript.call_id == "7"
    assert [turn.text for turn in transcript.turns] == ["hello"]
    assert transcript.turns[0].speaker is Speaker.AGENT
    assert transcript.metadata.extra == {"queue": "west"}
    agent = transcript.metadata.agent
    assert agent is not None
    assert (agent.id, agent.first_name, agent.last_name) == ("12", "Dana", "Cole")


@pytest.mark.parametrize(
    ("payload", "error", "says"),
    [
        pytest.param({}, MalformedInputError, "turns", id="no-turns"),
        pytest.param({"turns": [{"speaker": "agent"}]}, MalformedInputError, "text", id="no-text"),
        pytest.param({"turns": []}, EmptyInputError, "no turn", id="empty"),
    ],
)
def test_from_dict_says_what_is_wrong(
    payload: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Transcript.from_dict(payload)


def test_from_dict_does_not_repeat_what_was_said() -> None:
    payload = {"turns": [{"speaker": "nobody knows", "text": "my number is 4155550132"}]}
    with pytest.raises(MalformedInputError) as raised:
        Transcript.from_dict(payload)
    assert "4155550132" not in str(raised.value)
    assert "nobody" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("  plain ", "plain", id="ends"),
        pytest.param("a\nb\tc", "a b c", id="controls"),
        pytest.param("a\ud800b", "a?b", id="lone-surrogate"),
        pytest.param("niño 😀", "niño 😀", id="other-writing"),
    ],
)
def test_clean_text(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned
