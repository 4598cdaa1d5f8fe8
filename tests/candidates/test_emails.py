from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import make_transcript
from tradecall.candidates.candidate import Candidate, JobField
from tradecall.candidates.emails import FEATURE_NAMES, find_emails, read_emails
from tradecall.spoken_letters import find_letter_runs
from tradecall.spoken_numbers import find_number_runs
from tradecall.tokens import tokenize
from tradecall.transcript import Transcript


def find(
    transcript: Transcript, first_names: tuple[str, ...] = (), last_names: tuple[str, ...] = ()
) -> list[Candidate]:
    tokens = tokenize(transcript)
    numbers, letters = find_number_runs(tokens), find_letter_runs(tokens)
    return find_emails(tokens, numbers, letters, first_names, last_names)


def values(*lines: str) -> list[str]:
    return [candidate.value for candidate in find(make_transcript(*lines))]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        pytest.param("it's jo.doe@example.com", "jo.doe@example.com", id="written"),
        pytest.param("its jo doe at example dot com", "jodoe@example.com", id="words"),
        pytest.param("jo dot doe at gmail dot com", "jo.doe@gmail.com", id="dot"),
        pytest.param("jo underscore doe at gmail dot com", "jo_doe@gmail.com", id="underscore"),
        pytest.param("jo dash doe at gmail dot com", "jo-doe@gmail.com", id="dash"),
        pytest.param("J-O-D-O-E at gmail.com", "jodoe@gmail.com", id="letters"),
        pytest.param("j o dot d o e at gmail dot com", "jo.doe@gmail.com", id="letters-and-dot"),
        pytest.param("jodoe eighty seven at gmail dot com", "jodoe87@gmail.com", id="number"),
        pytest.param(
            "jodoe and the number too at gmail dot com", "jodoe2@gmail.com", id="homophone"
        ),
        pytest.param(
            "jodoe all one word all lower case at gmail dot com", "jodoe@gmail.com", id="manner"
        ),
        pytest.param("Fishy, F-I-S-H-I, at gmail dot com", "fishi@gmail.com", id="respelled"),
        pytest.param("jo doe at gee mail dot com", "jodoe@gmail.com", id="gee-mail"),
        pytest.param("jo doe at yahoo dot calm", "jodoe@yahoo.com", id="dot-calm"),
        pytest.param("jo doe at s b c global dot net", "jodoe@sbcglobal.net", id="sbc"),
        pytest.param("jo doe at a t and t dot net", "jodoe@att.net", id="at-and-t"),
        pytest.param("jo doe at c f l dot r r dot com", "jodoe@cfl.rr.com", id="two-dots"),
        pytest.param("jo doe at k w homes dot net", "jodoe@kwhomes.net", id="own-domain"),
        pytest.param("my email is jo doe at gmail", "jodoe@gmail.com", id="ending-unsaid"),
        pytest.param("jo doe, gmail", "jodoe@gmail.com", id="at-unsaid"),
        pytest.param("jo doe at outlook dot e s", "jodoe@outlook.com", id="odd-ending"),
        pytest.param("jo doe at example dot it", "jodoe@example.it", id="ending-of-a-country"),
        pytest.param("jo doe at example.co.uk", "jodoe@example.co.uk", id="two-endings"),
        pytest.param("jo doe at example dot com dot au", "jodoe@example.com.au", id="com-and-more"),
        pytest.param("j at example dot com", "j@example.com", id="one-letter"),
        pytest.param("a five k runner at example dot com", "a5krunner@example.com", id="letter-a"),
        pytest.param("seven seven at example dot com", "77@example.com", id="digits-only"),
        pytest.param("jo+bills at example dot com", "jo+bills@example.com", id="plus"),
    ],
)
def test_find_emails_reads_an_address(said: str, value: str) -> None:
    assert value in values("A: and your email", f"C: {said}")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("no i dont do email", id="declined"),
        pytest.param("meet me at four at the house", id="time-and-place"),
        pytest.param("i look at yahoo news all day", id="service-alone"),
        pytest.param("you can look at me when you get here", id="at-me"),
        pytest.param("we are at example home services dot com", id="website"),
        pytest.param("call me back at three", id="call-back"),
    ],
)
def test_find_emails_finds_none(said: str) -> None:
    found = values(f"C: {said}")
    assert not [value for value in found if not value.endswith("@yahoo.com")]


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        pytest.param(
            ("C: its j o d o e", "A: okay", "C: then a four at gmail dot com"),
            "jodoe4@gmail.com",
            id="backchannel",
        ),
        pytest.param(
            ("C: doe family four", "A: the number four", "C: yes number four at gmail"),
            "doefamily4@gmail.com",
            id="echoed-end-is-not-doubled",
        ),
        pytest.param(
            ("C: jo doe at maple hill farm", "A: maple what", "C: maple hill farm dot com"),
            "jodoe@maplehillfarm.com",
            id="ending-said-later",
        ),
        pytest.param(
            ("C: jo doe at verizon dot", "A: dot com", "C: no dot net"),
            "jodoe@verizon.net",
            id="ending-asked-back",
        ),
        pytest.param(
            ("A: so jo dow at gmail", "C: no d o e"), "jodoe@gmail.com", id="corrected-by-spelling"
        ),
    ],
)
def test_find_emails_follows_an_address_over_turns(lines: tuple[str, ...], value: str) -> None:
    assert value in values(*lines)


def test_a_new_question_ends_what_came_before() -> None:
    lines = ("C: nine oh two one oh", "A: and an email", "C: jodoe at gmail dot com")
    assert values(*lines) == ["jodoe@gmail.com"]


def test_the_names_of_the_caller_fill_the_local_part() -> None:
    call = make_transcript("C: it's my first name dot last name at gmail dot com")
    found = find(call, ("Jo",), ("Doe",))
    assert "jo.doe@gmail.com" in [candidate.value for candidate in found]


def test_every_beginning_is_a_candidate_and_the_cue_is_a_feature() -> None:
    found = {
        candidate.value: candidate.features
        for candidate in find(make_transcript("C: my email is jan levy at gmail dot com"))
    }
    assert set(found) == {"janlevy@gmail.com", "levy@gmail.com"}
    assert found["janlevy@gmail.com"]["begins_after_cue"] == 1.0
    assert found["levy@gmail.com"]["begins_after_cue"] == 0.0


def test_a_read_back_counts_for_the_same_value() -> None:
    call = make_transcript("C: jodoe at gmail dot com", "A: jodoe at gmail dot com", "C: yes")
    (found,) = find(call)
    assert found.features["caller_mentions"] == found.features["agent_mentions"] == 1.0
    assert found.features["confirmed_after"] == 1.0
    assert [call.quote(span) for span in found.evidence] == ["jodoe at gmail dot com"] * 2


def test_evidence_over_turns_quotes_the_speaker_alone() -> None:
    call = make_transcript("C: its jodoe", "A: mm hm", "C: eighty at gmail dot com")
    found = next(candidate for candidate in find(call) if candidate.value == "jodoe80@gmail.com")
    assert [call.quote(span) for span in found.evidence] == ["jodoe", "eighty at gmail dot com"]


@pytest.mark.parametrize(
    ("said", "local", "others"),
    [
        pytest.param("my email is jan levy at gmail dot com", "janlevy", ["levy"], id="cue"),
        pytest.param("its the grays at gmail dot com", "thegrays", ["grays"], id="family"),
        pytest.param("seven seven and jo at gmail dot com", "jo", [], id="number-before"),
    ],
)
def test_read_emails_guesses_the_beginning(said: str, local: str, others: list[str]) -> None:
    tokens = tokenize(make_transcript(f"C: {said}"))
    (email,) = read_emails(tokens, find_number_runs(tokens), find_letter_runs(tokens))
    assert (email.local, email.domain) == (local, "gmail.com")
    assert [other for _, other in email.others] == others
    assert tokens.lower[email.at : email.last] == "at gmail dot com".split()


_WORDS = st.sampled_from(
    "at dot gmail com jo doe the my email is j o underscore four too a t and @ . , at& -".split()
)


@given(st.lists(st.lists(_WORDS, min_size=1, max_size=12), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_whatever_is_said_gives_well_formed_candidates(turns: list[list[str]]) -> None:
    lines = [f"{'CA'[index % 2]}: {' '.join(words)}" for index, words in enumerate(turns)]
    call = make_transcript(*lines)
    for candidate in find(call):
        assert candidate.field is JobField.EMAIL
        assert candidate.value == candidate.value.lower()
        assert candidate.value.count("@") == 1
        assert set(candidate.features) <= set(FEATURE_NAMES)
        assert candidate.evidence
        for span in candidate.evidence:
            call.locate(span)
