"""What is said comes out as one would write it, and each character leads back to its words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_transcript, read_marked
from tradecall.spoken_forms import WrittenText, to_written_form
from tradecall.spoken_letters import find_letter_runs
from tradecall.spoken_numbers import find_number_runs
from tradecall.tokens import tokenize

FOLDER = Path(__file__).parent / "data" / "spoken_forms"
DIGITS = "zero one two three four five six seven eight nine".split()


def rows(name: str) -> list[tuple[str, str]]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [(said, written) for said, written in (line.split("\t") for line in lines)]


@pytest.mark.parametrize(("said", "written"), rows("numbers.tsv"))
def test_numbers_become_digits(said: str, written: str) -> None:
    assert to_written_form(said).text == written


@pytest.mark.parametrize(("said", "written"), rows("letters.tsv"))
def test_spelling_becomes_a_word(said: str, written: str) -> None:
    assert to_written_form(said).text == written


@pytest.mark.parametrize(("said", "written"), rows("emails.tsv"))
def test_addresses_get_their_signs(said: str, written: str) -> None:
    assert to_written_form(said).text == written


@pytest.mark.parametrize(("said", "written"), rows("unchanged.tsv"))
def test_what_is_no_spoken_form_stays_as_it_is(said: str, written: str) -> None:
    assert to_written_form(said).text == written


def source(said: str, part: str) -> str:
    """Give the words from which a part of the written form was read."""
    written = to_written_form(said)
    start = written.text.index(part)
    span = written.source_span(start, start + len(part))
    return said[span.start : span.end]


@pytest.mark.parametrize(
    ("said", "part", "words"),
    [
        pytest.param("zip nine oh two one oh", "90210", "nine oh two one oh", id="number"),
        pytest.param("zip nine oh two one oh ok", "21", "two one", id="digits-within"),
        pytest.param("forty two sixteen elm", "16", "sixteen", id="pair"),
        pytest.param("double five triple zero", "000", "triple zero", id="triple"),
        pytest.param("four one five, five five five oh one three two", "0", "oh", id="phone"),
        pytest.param("need it for two five six", "for 256", "for two five six", id="edge"),
        pytest.param("h i double l", "ll", "double l", id="double-letter"),
        pytest.param("b as in boy o r a", "b", "b as in boy", id="as-in"),
        pytest.param("b as in boy o r a thanks", "thanks", "thanks", id="word-after"),
        pytest.param("so jo dot doe at gmail dot com", "jo.doe", "jo dot doe", id="local-part"),
        pytest.param("jo doe at gmail dot com", "@gmail.com", "at gmail dot com", id="domain"),
        pytest.param("plain words only", "words", "words", id="untouched"),
    ],
)
def test_characters_lead_back_to_their_words(said: str, part: str, words: str) -> None:
    assert source(said, part) == words


def test_spans_count_in_the_whole_call() -> None:
    transcript, spans = read_marked("A: and your zip", "C: it is «nine oh two one oh» thanks")
    written = to_written_form(transcript)
    assert written.text == "and your zip\nit is 90210 thanks"
    start = written.text.index("90210")
    assert written.source_span(start, start + 5) == spans[0]


def test_nothing_is_read_across_turns() -> None:
    call = make_transcript("C: so plus", "A: one four one five five five five oh one three two")
    assert to_written_form(call).text == "so plus\n1 415-555-0132"
    assert to_written_form(make_transcript("C: on fifth", "A: street")).text == "on fifth\nstreet"


def test_runs_that_are_known_are_not_sought_again() -> None:
    tokens = tokenize(make_transcript("C: nine oh two one oh s m i t h"))
    numbers, letters = find_number_runs(tokens), find_letter_runs(tokens)
    assert to_written_form(tokens, numbers=numbers, letters=letters).text == "90210 smith"
    assert to_written_form(tokens, numbers=[], letters=letters).text.endswith("one oh smith")


@pytest.mark.parametrize(
    ("said", "alternative"),
    [
        pytest.param("two hundred five elm", "2005 elm", id="hundred"),
        pytest.param("need it for five six", "need it 456", id="homophone-at-the-edge"),
        pytest.param("it was two weeks", "it was 2 weeks", id="small-number"),
        pytest.param("come at ten thirty", "come at 10:30", id="clock"),
        pytest.param(
            "my email is jan levy at gmail dot com",
            "my email is jan levy@gmail.com",
            id="beginning-of-an-address",
        ),
    ],
)
def test_ambiguous_speech_keeps_alternatives(said: str, alternative: str) -> None:
    written = to_written_form(said)
    assert alternative in written.alternatives(0, len(written.text))


def test_unambiguous_speech_has_no_alternatives() -> None:
    written = to_written_form("nine oh two one oh")
    assert written.alternatives(0, len(written.text)) == ()


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (0, 0), (2, 1), (0, 99)])
def test_characters_outside_the_text_have_no_source(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no characters"):
        to_written_form("two weeks").source_span(start, end)


@given(st.from_regex(r"[2-9][0-9]{2}55501[0-9]{2}", fullmatch=True), st.sets(st.integers(1, 9)))
def test_any_phone_comes_back_however_it_is_cut(digits: str, pauses: set[int]) -> None:
    words = [
        f", {DIGITS[int(digit)]}" if place in pauses else f" {DIGITS[int(digit)]}"
        for place, digit in enumerate(digits)
    ]
    text = to_written_form("its" + "".join(words)).text
    assert text == f"its {digits[:3]}-{digits[3:6]}-{digits[6:]}"


PIECES = st.sampled_from(
    "for two oh hundred s m as in boy double l jo at gmail dot com thirty second street the and , "
    "- ( ) plus one's 5:06 415 capital".split()
)


@given(st.lists(PIECES, max_size=14).map(" ".join) | st.text(max_size=80))
def test_every_character_of_any_text_has_a_source_in_order(said: str) -> None:
    written: WrittenText = to_written_form(said)
    spans = [written.source_span(at, at + 1) for at in range(len(written.text))]
    assert all(0 <= span.start < span.end <= len(said) for span in spans)
    assert spans == sorted(spans)
