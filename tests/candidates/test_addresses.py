from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import make_transcript
from tradecall.candidates.addresses import FEATURE_NAMES, find_addresses
from tradecall.candidates.candidate import Candidate, JobField
from tradecall.places import Places
from tradecall.spoken_letters import find_letter_runs
from tradecall.spoken_numbers import find_number_runs
from tradecall.tokens import tokenize
from tradecall.transcript import Transcript


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.build()


def find(transcript: Transcript, places: Places) -> dict[JobField, dict[str, Candidate]]:
    tokens = tokenize(transcript)
    numbers, letters = find_number_runs(tokens), find_letter_runs(tokens)
    found: dict[JobField, dict[str, Candidate]] = {field: {} for field in FEATURE_NAMES}
    for candidate in find_addresses(tokens, numbers, letters, places):
        found[candidate.field][candidate.value] = candidate
    return found


@pytest.mark.parametrize(
    ("said", "street"),
    [
        pytest.param("15404 Terrace Garden", "15404 Terrace Garden", id="digits"),
        pytest.param("twelve oh ninety nine maple lane", "12099 Maple Lane", id="groups"),
        pytest.param("its won eight six five seven oak ridge", "18657 Oak Ridge", id="one-by-one"),
        pytest.param("seventy six hundred pine street", "7600 Pine Street", id="hundreds"),
        pytest.param("too birch road", "2 Birch Road", id="lone-homophone"),
        pytest.param("one oh nine three to birch harbors", "10932 Birch Harbors", id="to-is-two"),
        pytest.param("318 Maple Ridge Road, thanks", "318 Maple Ridge Road", id="two-word-name"),
        pytest.param("2703 Maple Crossing, Lot 23", "2703 Maple Crossing Lot 23", id="lot"),
        pytest.param(
            "twenty five maple trace apartment won", "25 Maple Trace Apt 1", id="apartment"
        ),
        pytest.param("418 West Locust, thanks", "418 West Locust", id="no-suffix"),
    ],
)
def test_find_addresses_reads_a_street(places: Places, said: str, street: str) -> None:
    found = find(make_transcript("A: and the address", f"C: {said}"), places)
    assert street in found[JobField.STREET]


@pytest.mark.parametrize(
    ("lines", "street"),
    [
        pytest.param(
            ("A: address", "C: ninety seven maple", "A: maple", "C: forge please"),
            "97 Maple Forge",
            id="name-over-an-echo",
        ),
        pytest.param(
            ("A: address", "C: fifteen nine", "A: uh huh", "C: seventy one john harbor"),
            "15971 John Harbor",
            id="number-over-a-backchannel",
        ),
        pytest.param(
            ("A: address", "C: eight oh two oconner", "A: o apostrophe", "C: no oconner lane"),
            "802 Oconner Lane",
            id="repeated-word-joins",
        ),
        pytest.param(
            ("A: address", "C: 12 Manos Lane", "A: manos", "C: M-U-N-O-Z"),
            "12 Munoz Lane",
            id="spelled-beats-heard",
        ),
    ],
)
def test_find_addresses_follows_a_street_over_turns(
    places: Places, lines: tuple[str, ...], street: str
) -> None:
    assert street in find(make_transcript(*lines), places)[JobField.STREET]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("about three hundred square feet", id="area"),
        pytest.param("it was nineteen hours", id="duration"),
        pytest.param("five dollars a bottle", id="price"),
        pytest.param("call five five five oh one two three", id="phone"),
    ],
)
def test_find_addresses_reads_no_street(places: Places, said: str) -> None:
    assert not find(make_transcript(f"C: {said}"), places)[JobField.STREET]


def test_a_read_back_confirms_a_street(places: Places) -> None:
    call = make_transcript("A: address", "C: 12 Maple Lane", "A: 12 maple lane", "C: yes")
    street = find(call, places)[JobField.STREET]["12 Maple Lane"]
    assert street.features["echoed"] == 1.0
    assert [call.quote(span) for span in street.evidence] == [
        "12",
        "Maple Lane",
        "12",
        "maple lane",
    ]


def test_a_city_is_told_by_its_zip(places: Places) -> None:
    call = make_transcript(
        "A: zip code", "C: nine oh two one oh beverly hills", "A: my aunt is in boston"
    )
    cities = find(call, places)[JobField.CITY]
    assert cities["Beverly Hills"].features["zip_asked_fits"] == 1.0
    assert cities["Boston"].features["zip_misfits"] == 1.0


def test_a_longer_city_is_found_beside_the_shorter(places: Places) -> None:
    call = make_transcript("C: ridgefield", "A: ridgefield", "C: no ridgefield park")
    cities = find(call, places)[JobField.CITY]
    assert {"Ridgefield", "Ridgefield Park"} <= set(cities)
    assert cities["Ridgefield"].features["cut_short"] == 1.0


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("i hope you can price it", id="common-words"),
        pytest.param("call my mobile", id="mobile"),
        pytest.param("who are we", id="none"),
    ],
)
def test_a_city_that_is_a_common_word_needs_a_cue(places: Places, said: str) -> None:
    assert not find(make_transcript(f"C: {said}"), places)[JobField.CITY]


def test_a_common_word_before_its_state_is_a_city(places: Places) -> None:
    cities = find(make_transcript("C: im in mobile alabama"), places)[JobField.CITY]
    assert cities["Mobile"].features["its_state_next"] == 1.0


@pytest.mark.parametrize(
    ("said", "states"),
    [
        pytest.param("boston massachusetts", {"MA"}, id="name"),
        pytest.param("Boston, MA", {"MA"}, id="abbreviation"),
        pytest.param("Boston, M A. please", {"MA"}, id="letters"),
        pytest.param("Washington, D.C.", {"DC", "WA"}, id="district"),
        pytest.param("boston in the morning or me", set(), id="words-are-no-states"),
        pytest.param("we met in boston", set(), id="unsaid"),
    ],
)
def test_a_state_is_given_only_where_it_was_said(
    places: Places, said: str, states: set[str]
) -> None:
    assert set(find(make_transcript(f"C: {said}"), places)[JobField.STATE]) <= states
    assert bool(find(make_transcript(f"C: {said}"), places)[JobField.STATE]) == bool(states)


_WORDS = st.sampled_from(
    "twelve oak lane in boston massachusetts 02111 the address lot four , . to too zip no".split()
)


@given(st.lists(st.lists(_WORDS, min_size=1, max_size=12), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_whatever_is_said_gives_described_candidates(
    places: Places, turns: list[list[str]]
) -> None:
    lines = [f"{'CA'[index % 2]}: {' '.join(words)}" for index, words in enumerate(turns)]
    call = make_transcript(*lines)
    for field, candidates in find(call, places).items():
        for candidate in candidates.values():
            assert set(candidate.features) <= set(FEATURE_NAMES[field])
            assert candidate.evidence
            for span in candidate.evidence:
                call.locate(span)
