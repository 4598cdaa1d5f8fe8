"""Letters spelled out in a turn become one run, and what is no spelling becomes none."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_transcript
from tradecall.spoken_letters import find_letter_runs
from tradecall.tokens import tokenize


def spelled(line: str) -> list[str]:
    return [run.text for run in find_letter_runs(tokenize(make_transcript(f"C: {line}")))]


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        pytest.param("its s m i t h", ["smith"], id="letters"),
        pytest.param("Smith, S-M-I-T-H.", ["smith"], id="hyphens-between"),
        pytest.param("H, A, Y, E, S. There's an E", ["hayes"], id="commas-between"),
        pytest.param("s.m.i.t.h", ["smith"], id="dots-between"),
        pytest.param("b as in boy o r a as in apple", ["bora"], id="as-in"),
        pytest.param("b like bravo, o, l as in the lake", ["bol"], id="like-and-article"),
        pytest.param("p as in paul p as in paul again a", ["ppa"], id="again"),
        pytest.param("x as in x ray u", ["xu"], id="x-ray"),
        pytest.param("charlie alpha romeo", ["car"], id="radio-alphabet"),
        pytest.param("h i double l", ["hill"], id="double"),
        pytest.param("double you i l l", ["will"], id="double-you"),
        pytest.param("p a two t's o n", ["patton"], id="two-of-them"),
        pytest.param("m c capital d o n", ["mcdon"], id="capital"),
        pytest.param("o apostrophe m a", ["o'ma"], id="apostrophe"),
        pytest.param("J-I, then a dash, E-U-N", ["ji-eun"], id="dash-within"),
        pytest.param("c are u z", ["cruz"], id="heard-as-word-between-letters"),
        pytest.param("bee o are a", ["bora"], id="heard-as-words"),
        pytest.param("g a erre ce i a", ["garcia"], id="spanish-names-of-letters"),
        pytest.param("s m um i t h", ["smith"], id="hesitation"),
        pytest.param("with a c c a t", ["cat"], id="named-letter-is-not-part"),
        pytest.param("ines with an a i n e s", ["ines"], id="named-letter-before-another"),
        pytest.param("geoff with a g e o f f", ["geoff"], id="first-letter-that-is-part"),
        pytest.param("b ET h", ["beth"], id="letters-written-together"),
        pytest.param("P ET ER", ["peter"], id="letters-written-together-at-the-end"),
        pytest.param("h a ll e y", ["halley"], id="doubled-letter-written-together"),
        pytest.param("s m i t h jo j o", ["smith", "jo"], id="short-name-that-is-then-spelled"),
        pytest.param("s i o as in", ["sio"], id="cut-off-in-as-in"),
        pytest.param("gera g e r a and cruz c r u z", ["gera", "cruz"], id="two-runs"),
    ],
)
def test_spelling_is_read(line: str, texts: list[str]) -> None:
    assert spelled(line) == texts


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("i have a leak", id="plain-words"),
        pytest.param("i i a i need help", id="stutter"),
        pytest.param("my name is charlie", id="name-of-the-radio-alphabet"),
        pytest.param("are you the plumber", id="words-that-sound-like-letters"),
        pytest.param("see you at three", id="see-you"),
        pytest.param("call 555 0142", id="digits"),
        pytest.param("my AC is out", id="abbreviation"),
        pytest.param("I have a TV I like", id="abbreviation-between-pronouns"),
    ],
)
def test_what_is_no_spelling_makes_no_run(line: str) -> None:
    assert spelled(line) == []


def test_runs_do_not_cross_turns() -> None:
    runs = find_letter_runs(tokenize(make_transcript("C: v i l l a", "A: mm hm", "C: n u e v a")))
    assert [(run.turn, run.text) for run in runs] == [(0, "villa"), (2, "nueva")]


def test_run_covers_the_words_it_was_read_from_and_counts_them() -> None:
    tokens = tokenize(make_transcript("C: bora b as in boy o r a thanks"))
    (run,) = find_letter_runs(tokens)
    assert tokens.lower[run.first : run.last] == "b as in boy o r a".split()
    assert (run.letters, run.as_in) == (4, 1)
    assert [tokens.lower[place] for place in run.places] == ["b", "o", "r", "a"]


@given(st.text("bcdfghjklmnpqrstvwxz", min_size=2, max_size=12))
def test_any_spelling_comes_back(name: str) -> None:
    assert spelled("its " + " ".join(name)) == [name]
    assert spelled("-".join(name.upper())) == [name]


@given(st.lists(st.sampled_from("a i b as in boy like double l two t's and then - , dash".split())))
def test_no_sequence_of_cues_is_too_odd(words: list[str]) -> None:
    tokens = tokenize(make_transcript("C: so " + " ".join(words)))
    runs = find_letter_runs(tokens)
    assert all(run.first < run.last <= len(tokens) for run in runs)
    assert all(one.last <= other.first for one, other in itertools.pairwise(runs))
