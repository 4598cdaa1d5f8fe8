"""Names are told from other words, put together, and tied to how they were spelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import make_transcript, read_marked
from tradecall.candidates.candidate import Candidate, JobField
from tradecall.candidates.name_tagger import (
    NameTagger,
    Role,
    cut_units,
    fold,
    label_units,
    train_names,
)
from tradecall.candidates.names import FEATURE_NAMES, find_names, hear_agent, usual_writing
from tradecall.dataset import load_gold
from tradecall.spoken_letters import find_letter_runs
from tradecall.tokens import tokenize

DEV = Path(__file__).parents[2] / "data" / "calls" / "dev.jsonl.gz"
FIRST, LAST = JobField.FIRST_NAME, JobField.LAST_NAME


@pytest.fixture(scope="module")
def tagger() -> NameTagger:
    """A real tagger, fitted on too few calls to be good."""
    return train_names(load_gold(DEV)[:50])


def names_in(tagger: NameTagger | None, *lines: str) -> list[Candidate]:
    tokens = tokenize(make_transcript(*lines))
    return find_names(tokens, find_letter_runs(tokens), tagger)


def likeliest(found: list[Candidate], field: JobField) -> str:
    of_field = [candidate for candidate in found if candidate.field is field]
    return max(of_field, key=lambda candidate: candidate.features["p_sum"]).value


@pytest.mark.parametrize(
    ("lines", "first", "last"),
    [
        pytest.param(
            ["A: and whats your name", "C: wilma tupelow"], "Wilma", "Tupelow", id="full-name"
        ),
        pytest.param(
            ["A: can i have your first name", "C: wilma", "A: and your last name", "C: tupelow"],
            "Wilma",
            "Tupelow",
            id="asked-one-by-one",
        ),
        pytest.param(
            ["A: your name please", "C: Wilma Tupelow. T-U-P-E-L-O-W."],
            "Wilma",
            "Tupelow",
            id="spelled",
        ),
        pytest.param(
            ["A: your name please", "C: hector de la fuente", "A: thank you mister de la fuente"],
            "Hector",
            "De La Fuente",
            id="particles",
        ),
        pytest.param(
            ["A: your name please", "C: wilma tupelow t u p e", "A: mm hm", "C: l o w"],
            "Wilma",
            "Tupelow",
            id="spelled-over-turns",
        ),
    ],
)
def test_callers_name_is_found(tagger: NameTagger, lines: list[str], first: str, last: str) -> None:
    found = names_in(tagger, "A: apex plumbing this is dana", *lines)
    assert likeliest(found, FIRST) == first
    assert likeliest(found, LAST) == last


def test_agents_name_is_not_the_homeowners(tagger: NameTagger) -> None:
    found = names_in(
        tagger, "A: apex plumbing this is dana", "C: hi dana this is wilma my sink leaks"
    )
    assert likeliest(found, FIRST) == "Wilma"


def test_spelling_over_turns_is_one_candidate_with_both_stretches(tagger: NameTagger) -> None:
    transcript, spans = read_marked(
        "A: and the last name", "C: its «v i l l a»", "A: mm hm", "C: «n u e v a»"
    )
    tokens = tokenize(transcript)
    found = find_names(tokens, find_letter_runs(tokens), tagger)
    joined = [c for c in found if c.field is LAST and c.value == "Villanueva"]
    assert [candidate.evidence for candidate in joined] == [tuple(spans)]


def test_spelling_takes_the_place_of_what_was_misheard(tagger: NameTagger) -> None:
    found = names_in(
        tagger,
        "A: and the last name",
        "C: swartz",
        "A: swartz like s w a r t z",
        "C: no s c h w a r t z",
    )
    by_value = {c.value: c.features for c in found if c.field is LAST}
    assert by_value["Schwartz"]["spelled_by_caller"] == 1
    assert by_value["Swartz"]["alike_spelled_by_caller"] == 1
    assert by_value["Schwartz"]["p_max"] >= by_value["Swartz"]["p_caller"]


def test_talk_without_names_gives_no_likely_name(tagger: NameTagger) -> None:
    found = names_in(tagger, "A: how can i help", "C: the water heater is leaking in the garage")
    assert all(candidate.features["p_max"] < 0.5 for candidate in found)


def test_particle_alone_is_no_last_name(tagger: NameTagger) -> None:
    found = names_in(tagger, "A: your last name", "C: de la fuente")
    assert not {"De", "La", "De La"} & {c.value for c in found if c.field is LAST}


def test_without_a_tagger_nothing_is_found() -> None:
    assert names_in(None, "A: your name", "C: wilma tupelow") == []


def test_features_are_the_ones_named(tagger: NameTagger) -> None:
    found = names_in(tagger, "A: your name please", "C: wilma tupelow")
    assert found
    assert all(set(candidate.features) == set(FEATURE_NAMES) for candidate in found)


def test_agent_is_the_one_who_took_the_call(tagger: NameTagger) -> None:
    transcript, spans = read_marked(
        "A: thank you for calling apex plumbing this is «dana» «brixby» how can i help",
        "C: my sink is leaking",
    )
    heard = hear_agent(tokenize(transcript), tagger)
    assert heard is not None
    assert (heard.first_name, heard.last_name) == ("Dana", "Brixby")
    assert heard.evidence == tuple(spans)
    assert 0 < heard.confidence < 1


def test_no_agent_where_none_says_a_name(tagger: NameTagger) -> None:
    tokens = tokenize(make_transcript("A: how can i help", "C: my sink is leaking"))
    assert hear_agent(tokens, tagger) is None
    assert hear_agent(tokens, None) is None


def test_tagger_is_the_same_after_saving(tagger: NameTagger, tmp_path: Path) -> None:
    tagger.save(tmp_path / "names", training_data={"dev": "0"})
    loaded = NameTagger.load(tmp_path / "names")
    tokens = tokenize(make_transcript("A: your name please", "C: wilma tupelow"))
    units = cut_units(tokens, [])
    assert (loaded.probabilities(units) == tagger.probabilities(units)).all()


def test_probabilities_of_a_unit_sum_to_one(tagger: NameTagger) -> None:
    units = cut_units(tokenize(make_transcript("A: your name", "C: wilma 12 t", "C: - ,")), [])
    assert tagger.probabilities(units).sum(axis=1).tolist() == pytest.approx([1.0] * len(units))


def test_hyphenated_words_are_one_unit_and_a_spelled_run_is_one() -> None:
    tokens = tokenize(make_transcript("C: Mei-lin, M-E-I, 12"))
    assert cut_units(tokens, find_letter_runs(tokens)).key == ["meilin", "mei", ""]


def test_labels_follow_the_gold_names_and_their_spelled_parts() -> None:
    tokens = tokenize(make_transcript("A: this is dana", "C: wilma tupelow t u p e", "A: wilmas"))
    units = cut_units(tokens, find_letter_runs(tokens))
    gold = {
        "homeowner": {"first_name": "Wilma", "last_name": "Tupelow"},
        "agent": {"first_name": "Dana", "last_name": None},
    }
    none, first, last = Role.NONE, Role.HOMEOWNER_FIRST, Role.HOMEOWNER_LAST
    assert label_units(units, gold) == [none, none, Role.AGENT_FIRST, first, last, last, -1]


@pytest.mark.parametrize(
    ("text", "last", "written"),
    [
        pytest.param("tupelow", True, "Tupelow", id="plain"),
        pytest.param("mcnair", True, "McNair", id="mc"),
        pytest.param("o malley", True, "O'Malley", id="o-apart"),
        pytest.param("o'malley", True, "O'Malley", id="o-apostrophe"),
        pytest.param("de la cruz", True, "De La Cruz", id="particles"),
        pytest.param("al-rashid", True, "Al-Rashid", id="hyphen"),
        pytest.param("DiPietro", True, "DiPietro", id="mixed-case-kept"),
        pytest.param("ji-eun", False, "Ji-Eun", id="first-with-hyphen"),
        pytest.param("SMITH", True, "Smith", id="capitals"),
        pytest.param("véliz", True, "Véliz", id="accent-kept"),
    ],
)
def test_names_come_out_in_usual_writing(text: str, last: bool, written: str) -> None:
    assert usual_writing(text, last=last) == written


def test_folding_keeps_letters_only() -> None:
    assert fold("Al-Rashíd O'Neil") == "alrashidoneil"
