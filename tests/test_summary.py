"""What is needed, in at most 280 characters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import make_transcript, read_marked
from tradecall.dataset import load_gold
from tradecall.errors import ModelError
from tradecall.summary import (
    MAX_CHARACTERS,
    ClauseSummarizer,
    _meant,
    stem,
    train_summarizer,
    unsafe_tokens,
    unsaid,
)
from tradecall.tokens import tokenize

ROOT = Path(__file__).parent.parent
DIGITS = "zero one two three four five six seven eight nine".split()
LEAK = (
    "A: how can i help you",
    "C: um my water heater is leaking all over the garage floor since yesterday",
    "A: did it get into the house",
    "C: no and i need somebody to replace it",
)


@pytest.fixture(scope="module")
def summarizer() -> ClauseSummarizer:
    return train_summarizer(load_gold(ROOT / "data/calls/dev.jsonl.gz")[:150])


def summarize(summarizer, *lines, sector="plumbing", time=None, redactions=()):
    tokens = tokenize(make_transcript(*lines))
    return summarizer.summarize(tokens, sector, None, time, redactions=redactions)


def test_summary_begins_with_the_need_and_holds_problem_and_place(summarizer):
    text = summarize(summarizer, *LEAK).text
    assert text.startswith("Plumbing: ")
    assert "water heater" in text
    assert "leaking" in text
    assert "garage" in text


def test_lower_case_talk_comes_out_as_writing(summarizer):
    text = summarize(summarizer, "C: um the ac wont cool since tuesday", sector=None).text
    assert text[0].isupper()
    assert text.endswith(".")
    assert "AC" in text
    assert "won't" in text
    assert " um " not in text


def test_wished_time_stands_in_a_sentence_of_its_own(summarizer):
    text = summarize(summarizer, *LEAK, time="wednesday morning").text
    assert text.endswith(" Time: Wednesday morning.")


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        pytest.param("wednesday at too", "Wednesday at two", id="at-two"),
        pytest.param("by for today", "by four today", id="by-four"),
        pytest.param("between ate and ten", "between eight and ten", id="eight"),
        pytest.param("two to four", "two to four", id="to-stays"),
    ],
)
def test_hours_heard_as_other_words_are_written_as_hours(summarizer, heard, written):
    lines = (*LEAK, f"C: {heard}")
    assert summarize(summarizer, *lines, time=heard).text.endswith(f" Time: {written}.")


@pytest.mark.parametrize(
    ("lines", "sector", "text"),
    [
        pytest.param(("C: hello",), None, "Caller did not say what is needed.", id="nothing"),
        pytest.param(("C: hello",), "plumbing", "Plumbing: no details given.", id="sector-only"),
    ],
)
def test_a_call_that_says_nothing_gets_an_honest_summary(summarizer, lines, sector, text):
    assert summarize(summarizer, *lines, sector=sector).text == text


@pytest.mark.parametrize(
    ("line", "kept_out"),
    [
        pytest.param("C: mister roofing has a leaking roof", "roofing has", id="title"),
        pytest.param("C: my leak is at twelve forty water street", "water street", id="address"),
        pytest.param("C: leak dot roof at gmail dot com", "leak", id="e-mail"),
        pytest.param("C: write to leak@example.com", "leak@", id="written-e-mail"),
        pytest.param("C: zorblatt has a leaking water heater", "zorblatt", id="unknown-name"),
        pytest.param("C: r o o f leak", "r o", id="letters"),
        pytest.param("A: is the water heater leaking", "leaking", id="unanswered-question"),
        pytest.param("A: and any smoke in the house", "smoke", id="open-question"),
        pytest.param("C: the water is not in the garage", "in the garage", id="not-there"),
        pytest.param("C: i dont think its the water heater", "water heater", id="denied"),
    ],
)
def test_what_must_not_be_said_stays_out(summarizer, line, kept_out):
    text = summarize(summarizer, "A: how can i help", line, sector=None).text
    assert kept_out not in text.lower()


def test_what_was_asked_and_denied_stays_out(summarizer):
    lines = ("A: hello", "A: water in the house", "C: no just the furnace leaking outside")
    text = summarize(summarizer, *lines, sector=None).text
    assert "house" not in text
    assert "furnace leaking" in text.lower()


def test_redacted_words_stay_out(summarizer):
    transcript, spans = read_marked("C: «price» says the water heater is leaking in the garage")
    tokens = tokenize(transcript)
    text = summarizer.summarize(tokens, None, None, None, redactions=spans).text
    assert "price" not in text.lower()
    assert "water heater" in text.lower()


def test_evidence_quotes_the_call(summarizer):
    transcript = make_transcript(*LEAK)
    summary = summarizer.summarize(tokenize(transcript), "plumbing", None, None)
    assert any("water heater" in transcript.quote(span) for span in summary.evidence)


@settings(max_examples=40, deadline=None)
@given(
    number=st.lists(st.integers(0, 9), min_size=4, max_size=16),
    spoken=st.booleans(),
    place=st.sampled_from(("before", "after", "turn")),
)
def test_planted_digits_never_come_out(summarizer, number, spoken, place):
    said = " ".join(DIGITS[digit] for digit in number) if spoken else "".join(map(str, number))
    talk = "my water heater is leaking in the garage"
    lines = {"before": [f"C: {said} {talk}"], "after": [f"C: {talk} {said}"]}.get(
        place, [f"C: {talk}", f"C: {said}"]
    )
    text = summarize(summarizer, *lines).text
    written_year = not spoken and re.fullmatch(r"(19|20)\d\d", said)
    assert written_year or said not in text


WORDS = (
    "my the water heater leak in garage and roof is wont need dont so but hail three twelve forty "
    "yes no um tenant because if behind furnace quote a"
).split()


@settings(max_examples=60, deadline=None)
@given(
    turns=st.lists(
        st.tuples(
            st.sampled_from("ACX?I"), st.lists(st.sampled_from(WORDS), min_size=1, max_size=40)
        ),
        min_size=1,
        max_size=12,
    ),
    time=st.none() | st.text(max_size=80),
)
def test_summary_is_short_and_ends_its_sentence_whatever_was_said(summarizer, turns, time):
    lines = [f"{letter}: {' '.join(words)}" for letter, words in turns]
    text = summarize(summarizer, *lines, time=time).text
    assert len(text) <= MAX_CHARACTERS
    assert text.endswith(".")
    assert "\n" not in text


def test_a_saved_summarizer_says_the_same(summarizer, tmp_path):
    summarizer.save(tmp_path / "summary", training_data={})
    again = ClauseSummarizer.load(tmp_path / "summary")
    assert summarize(again, *LEAK) == summarize(summarizer, *LEAK)


def test_load_refuses_a_folder_without_a_model(tmp_path):
    with pytest.raises(ModelError):
        ClauseSummarizer.load(tmp_path)


@pytest.mark.parametrize(
    "words", [("leak", "leaks", "leaking", "leaked"), ("drip", "drips", "dripping", "dripped")]
)
def test_forms_of_one_word_share_a_stem(words):
    assert len(set(map(stem, words))) == 1


@pytest.mark.parametrize(
    ("said", "written"),
    [
        pytest.param("the fence has won post leaning in the yard", "one post", id="won"),
        pytest.param("the roof leak started at ate thirty", "eight thirty", id="ate"),
        pytest.param("the fence is forty too feet along the yard", "forty two feet", id="too"),
        pytest.param("we won the roof in a raffle", "won", id="won-as-verb"),
        pytest.param("the dog ate the wire on the furnace", "ate", id="ate-as-verb"),
    ],
)
def test_numbers_heard_as_other_words_are_written_as_numbers(said, written):
    lower = said.split()
    assert written in " ".join(_meant(lower, index) for index in range(len(lower)))


def test_repeated_words_are_said_once(summarizer):
    text = summarize(summarizer, "C: the water heater heater in the garage is leaking").text
    assert "heater heater" not in text


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        pytest.param("Plumbing: water heater leaking.", (), id="said"),
        pytest.param("Plumbing: furnace leaking.", ("furnace",), id="never-said"),
        pytest.param("Plumbing: 12 water heaters.", ("12",), id="number-never-said"),
        pytest.param("Plumbing: 40 gallon water heater.", (), id="number-said-in-words"),
        pytest.param("Plumbing: smoke.", ("smoke",), id="denied-answer"),
        pytest.param("Plumbing: mold.", ("mold",), id="denied"),
        pytest.param("Plumbing: no mold.", (), id="denied-in-both"),
        pytest.param("Customer wants plumbing. Also: garage.", (), id="words-of-every-note"),
    ],
)
def test_unsaid_names_what_the_call_does_not_hold(text, missing):
    tokens = tokenize(
        make_transcript(
            "A: is there any smoke",
            "C: no",
            "C: its a forty gallon water heater leaking in the garage but theres no mold",
        )
    )
    assert unsaid(text, tokens, bytearray(len(tokens)), "plumbing") == missing


def test_redacted_words_count_as_unsaid():
    transcript, spans = read_marked("C: this is «garage»")
    tokens = tokenize(transcript)
    unsafe = unsafe_tokens(tokens, spans, None)
    assert unsaid("Garage.", tokens, unsafe) == ("garage",)


@pytest.mark.parametrize(
    ("line", "time", "kept"),
    [
        pytest.param("C: come friday at nine", "friday at nine", True, id="free"),
        pytest.param("C: im «friday» come at nine", "friday at nine", False, id="a-name"),
        pytest.param("C: im «friday» come friday at nine", "friday at nine", True, id="both"),
        pytest.param(
            "C: five five five oh one four two",
            "five five five oh one four two",
            False,
            id="long-number",
        ),
    ],
)
def test_wished_time_keeps_to_the_redactions(summarizer, line, time, kept):
    transcript, spans = read_marked("C: the water heater is leaking", line)
    tokens = tokenize(transcript)
    text = summarizer.summarize(tokens, "plumbing", None, time, redactions=spans).text
    assert (" Time: " in text) is kept


NEGATIONS = "won't wont doesn't doesnt not isn't isnt can't cant didn't don't dont never".split()


@settings(max_examples=80, deadline=None)
@given(
    opening=st.sampled_from(("", "um ", "i mean ", "so yeah ", "well ")),
    thing=st.sampled_from(("the furnace", "my garage door", "water heater", "that roof", "it")),
    negation=st.sampled_from(NEGATIONS),
    between=st.sampled_from(("", "even ", "just ", "really ", "that ", "a ", "always ")),
    rest=st.sampled_from(
        ("heat the upstairs", "leak in the kitchen", "close the gate", "drain", "smell of gas")
    ),
    after=st.sampled_from(("", " since monday", " in the garage", " and its old", " i think")),
)
def test_what_was_denied_is_denied_or_left_out(
    summarizer, opening, thing, negation, between, rest, after
):
    line = f"C: {opening}{thing} {negation} {between}{rest}{after}"
    text = summarize(summarizer, "A: how can i help", line, sector=None).text.lower()
    words = re.findall(r"[a-z']+", text)
    key = rest.split()[0]
    if key in words:
        before = words[max(0, words.index(key) - 3) : words.index(key)]
        assert any(word.endswith("n't") or word in ("not", "never") for word in before)


@settings(max_examples=60, deadline=None)
@given(
    turns=st.lists(
        st.tuples(st.sampled_from("AC"), st.lists(st.sampled_from(WORDS), min_size=1, max_size=30)),
        min_size=1,
        max_size=8,
    )
)
def test_summary_says_nothing_that_was_not_said(summarizer, turns):
    tokens = tokenize(make_transcript(*(f"{who}: {' '.join(words)}" for who, words in turns)))
    text = summarizer.summarize(tokens, "hvac", None, None).text
    heard = {stem(word) for word in tokens.lower}
    written = {"hvac", "no", "details", "given", "also", "won't", "don't", "needs", "one", "two"}
    for word in re.findall(r"[a-z']+", text.lower()):
        assert word in written or stem(word) in heard
