from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_transcript, read_marked
from tradecall.spoken_numbers import align_reading, find_number_runs, written_digits
from tradecall.tokens import tokenize

WORDS = "zero one two three four five six seven eight nine".split()


def readings(text: str) -> list[tuple[str, ...]]:
    return [run.readings for run in find_number_runs(tokenize(make_transcript(f"C: {text}")))]


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        pytest.param("four one five", "415", id="words"),
        pytest.param("415", "415", id="digits"),
        pytest.param("five 1 2", "512", id="mixed"),
        pytest.param("seven oh o four", "7004", id="oh-and-o"),
        pytest.param("forty two sixteen", "4216", id="pairs"),
        pytest.param("sixty-7 fifty", "6750", id="hyphen-between-word-and-digit"),
        pytest.param("twenty two hundred", "2200", id="hundreds"),
        pytest.param("nineteen hundred", "1900", id="nineteen-hundred"),
        pytest.param("thirty five hundred and eight", "3508", id="hundreds-and"),
        pytest.param("two hundred five", "205", id="three-digit-number"),
        pytest.param("eight hundred five five five", "800555", id="hundred-before-digits"),
        pytest.param("two thousand six", "2006", id="thousand"),
        pytest.param("double five triple zero", "55000", id="double-and-triple"),
        pytest.param("three fives", "555", id="three-fives"),
        pytest.param("seven to too for ate won", "722481", id="homophones-inside-a-number"),
        pytest.param("5:06", "506", id="clock-like"),
        pytest.param("229-555-0132", "2295550132", id="written-phone"),
        pytest.param("(512) 555-0132", "5125550132", id="written-with-brackets"),
        pytest.param("cuatro uno cinco", "415", id="spanish"),
        pytest.param("1,440", "1440", id="thousands-comma"),
    ],
)
def test_find_number_runs_reads_what_would_be_written(said: str, digits: str) -> None:
    assert [options[0] for options in readings(said)] == [digits]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("that one is for you", id="pronoun"),
        pytest.param("one of them came too late", id="one-of-them"),
        pytest.param("oh no i ate already", id="homophones-alone"),
        pytest.param("about 2.5 tons", id="decimal"),
        pytest.param("an r49 and the 3rd floor", id="mixed-tokens"),
        pytest.param("we want to go to the store for milk", id="to-and-for"),
    ],
)
def test_find_number_runs_leaves_what_is_no_number(said: str) -> None:
    assert readings(said) == []


@pytest.mark.parametrize(
    ("said", "alternatives"),
    [
        pytest.param("two hundred five", {"205", "2005"}, id="hundred"),
        pytest.param("oh two", {"02", "2"}, id="oh-at-the-edge"),
        pytest.param("for five six", {"456", "56"}, id="homophone-at-the-edge"),
        pytest.param("forty two", {"42", "402"}, id="tens"),
    ],
)
def test_find_number_runs_keeps_alternatives_where_speech_is_ambiguous(
    said: str, alternatives: set[str]
) -> None:
    assert alternatives <= set(readings(said)[0])


@pytest.mark.parametrize(
    ("said", "runs"),
    [
        pytest.param("five one two, five five five", ["512", "555"], id="comma"),
        pytest.param("it is 39825. Phone 229-555-0132", ["39825", "2295550132"], id="stop"),
        pytest.param("two, oh, oh, 1, oh", ["2", "0", "0", "1", "0"], id="lone-oh-between-commas"),
        pytest.param("five um six", ["5", "6"], id="filler"),
    ],
)
def test_find_number_runs_ends_a_run_at_pauses(said: str, runs: list[str]) -> None:
    assert [options[0] for options in readings(said)] == runs


def test_find_number_runs_keeps_the_words_it_read() -> None:
    transcript, spans = read_marked("A: and your zip", "C: it is «nine oh two one oh» thanks")
    tokens = tokenize(transcript)
    (run,) = find_number_runs(tokens)
    assert tokens.span(run.first, run.last) == spans[0]
    assert run.turn == 1


@pytest.mark.parametrize(
    ("said", "digits", "parts"),
    [
        pytest.param("forty two sixteen", "4216", ["forty two", "sixteen"], id="pairs"),
        pytest.param("forty two sixteen", "40216", ["forty", "two", "sixteen"], id="other-reading"),
        pytest.param("double five oh", "550", ["double five", "oh"], id="double"),
        pytest.param("two hundred and five", "205", ["two hundred and five"], id="hundred"),
        pytest.param("for five six", "56", ["five", "six"], id="homophone-that-is-none"),
    ],
)
def test_align_reading_tells_the_words_of_each_digit(
    said: str, digits: str, parts: list[str]
) -> None:
    tokens = tokenize(make_transcript(f"C: {said}"))
    (run,) = find_number_runs(tokens)
    aligned = align_reading(tokens, run, digits)
    assert (aligned[0][0], aligned[-1][1]) == (run.first, run.last)
    assert "".join(written for _, _, written in aligned) == digits
    words = [" ".join(tokens.lower[first:last]) for first, last, written in aligned if written]
    assert words == parts


@pytest.mark.parametrize(
    ("token", "digits"),
    [("415", "415"), ("5:06", "506"), ("2.5", None), ("3rd", None), ("", None), ("٣", None)],
)
def test_written_digits(token: str, digits: str | None) -> None:
    assert written_digits(token) == digits


@given(st.lists(st.integers(0, 9), min_size=1, max_size=16).filter(lambda d: d != [1] and any(d)))
def test_digits_said_one_by_one_come_back(digits: list[int]) -> None:
    said = " ".join(WORDS[digit] for digit in digits)
    assert readings(said)[0][0] == "".join(map(str, digits))


@given(st.text(max_size=200))
def test_find_number_runs_takes_any_text(text: str) -> None:
    for run in find_number_runs(tokenize(make_transcript(f"C: {text}"))):
        assert run.readings
        assert all(reading.isdigit() for reading in run.readings)


PIECES = "one two twenty hundred thousand and for to oh a double threes - 5 5:06 thirty".split()


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=10))
def test_every_reading_can_be_aligned(words: list[str]) -> None:
    tokens = tokenize(make_transcript("C: " + " ".join(words)))
    for run in find_number_runs(tokens):
        for reading in run.readings:
            parts = align_reading(tokens, run, reading)
            assert "".join(digits for _, _, digits in parts) == reading
