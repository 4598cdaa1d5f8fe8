from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_transcript
from tradecall.tokens import tokenize
from tradecall.transcript import Speaker, clean_text


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param("whats don't", ["whats", "don't"], id="contractions-stay-whole"),
        pytest.param("S-M-Y", ["s", "-", "m", "-", "y"], id="spelled-letters-come-apart"),
        pytest.param("sixty-7", ["sixty", "-", "7"], id="mixed-number-comes-apart"),
        pytest.param("555-0132", ["555", "-", "0132"], id="written-number-comes-apart"),
        pytest.param("jo@example.com", ["jo@example.com"], id="mail-address-stays-whole"),
        pytest.param("it’s", ["it", "'s"], id="typographic-apostrophe"),
    ],
)
def test_tokenize_cuts_words_as_they_are_heard(text: str, tokens: list[str]) -> None:
    assert tokenize(make_transcript(f"C: {text}")).lower == tokens


def test_tokens_know_their_turn_and_speaker() -> None:
    tokens = tokenize(make_transcript("A: your zip", "C: 90210 yes"))
    assert tokens.turn == [0, 0, 1, 1]
    assert tokens.bounds == [(0, 2), (2, 4)]
    assert tokens.speaker(2) is Speaker.CALLER
    assert tokens.words(1) == ["90210", "yes"]


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=5))
def test_every_token_is_where_it_says(texts: list[str]) -> None:
    transcript = make_transcript(*(f"C: {clean_text(text)}" for text in texts))
    tokens = tokenize(transcript)
    for index in range(len(tokens)):
        span = tokens.span(index, index + 1)
        assert transcript.quote(span) == tokens.text[index]
        assert transcript.locate(span)[0] == tokens.turn[index]
