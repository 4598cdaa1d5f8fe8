from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_transcript
from tradecall.errors import ModelError
from tradecall.roles import RoleModel, assign_roles, count_right_turns, gap_features, train_roles
from tradecall.transcript import AgentIdentity, CallMetadata, Speaker, Transcript, Turn

CALLS = [
    make_transcript(
        f"A: Thank you for calling {company}, how can I help you?",
        f"C: Hi, my {thing} is leaking and I need somebody to look at it.",
        "A: Okay, can I get your first and last name?",
        f"C: Yeah, my name is {name}.",
        "A: And what is the best phone number for you?",
        "C: It's five five five oh one four two.",
        "A: Perfect, what is your zip code?",
        "C: Um, nine oh two one oh.",
        "A: We can have a technician out there tomorrow.",
        "C: Okay, thank you so much.",
    )
    for company in ("Summit Plumbing", "Harbor Heating", "Acme Drains", "Oak Home Services")
    for thing, name in (("sink", "Ann Bell"), ("toilet", "Joe Park"), ("boiler", "Mia Lund"))
]
FRESH = (
    "Harbor Heating, how can I help you?",
    "Hi, my boiler is leaking.",
    "Okay, can I get your name?",
    "Yeah, it's Ann Bell.",
)


@pytest.fixture(scope="module")
def model() -> RoleModel:
    return train_roles(CALLS)


def labelled(*labels: str | None, metadata: CallMetadata | None = None) -> Transcript:
    turns = (Turn(Speaker.UNKNOWN, text, label) for text, label in zip(FRESH, labels, strict=True))
    return Transcript(tuple(turns), metadata or CallMetadata())


def roles(transcript: Transcript) -> list[str]:
    return [turn.speaker.value for turn in transcript.turns]


BOTH = ["agent", "caller", "agent", "caller"]


def test_assign_roles_leaves_known_roles_untouched(model: RoleModel) -> None:
    call = make_transcript("C: Thank you for calling.", "A: Hi, my sink is leaking.")
    assert assign_roles(call, model) is call


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(("Rep", "Client", "Rep", "Client"), BOTH, id="role-words"),
        pytest.param(
            ("Dana (CSR)", "Mia", "Dana (CSR)", "Mia"), ["agent", "unknown"] * 2, id="one"
        ),
        pytest.param(("spk_0", "spk_1", "spk_0", "spk_1"), ["unknown"] * 4, id="numbers"),
        pytest.param(("Dana", "15125550149") * 2, ["unknown", "caller"] * 2, id="caller-by-number"),
    ],
)
def test_assign_roles_without_a_model_reads_labels_alone(
    labels: tuple[str, ...], expected: list[str]
) -> None:
    assert roles(assign_roles(labelled(*labels))) == expected


def test_assign_roles_knows_the_agent_by_name() -> None:
    metadata = CallMetadata(agent=AgentIdentity(first_name="Dana", last_name="Ortiz"))
    call = labelled("Mia Lund", "Dana Ortiz", "Mia Lund", "Dana Ortiz", metadata=metadata)
    assert roles(assign_roles(call)) == ["unknown", "agent"] * 2


def test_assign_roles_knows_the_caller_by_caller_id() -> None:
    metadata = CallMetadata(caller_id="+15125550149")
    call = labelled("512-555-0100", "(512) 555-0149", "512-555-0100", "(512) 555-0149")
    assert roles(assign_roles(replace(call, metadata=metadata))) == ["unknown", "caller"] * 2


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(("spk_0", "spk_1") * 2, id="numbers"),
        pytest.param(("Speaker 2", "Speaker 1") * 2, id="numbers-turned-round"),
        pytest.param(("Dana Ortiz", "Mia Lund") * 2, id="names"),
        pytest.param(("Dana", "Customer") * 2, id="one-role-known"),
        pytest.param((None, None, None, None), id="a-line-each"),
    ],
)
def test_assign_roles_hears_who_is_agent(labels: tuple[str | None, ...], model: RoleModel) -> None:
    call = assign_roles(labelled(*labels), model)
    assert roles(call) == BOTH
    assert [turn.text for turn in call.turns] == list(FRESH)


def test_assign_roles_parts_text_without_speakers(model: RoleModel) -> None:
    words = " ".join(turn.text for turn in CALLS[4].turns).lower()
    words = words.replace("?", "").replace(".", "").replace(",", "")
    call = assign_roles(Transcript((Turn(Speaker.UNKNOWN, words),)), model)
    assert call.text.replace("\n", " ") == words
    assert len(call.turns) == len(CALLS[4].turns)
    assert roles(call) == ["agent", "caller"] * 5


def test_count_right_turns_counts_blinded_turns(model: RoleModel) -> None:
    turned_round = make_transcript(
        "C: Summit Plumbing, how can I help you?", "A: My sink is leaking."
    )
    assert count_right_turns(model, [CALLS[0]]) == (10, 10)
    assert count_right_turns(model, [CALLS[0], turned_round]) == (10, 12)


def test_role_model_is_the_same_after_saving(model: RoleModel, tmp_path: Path) -> None:
    model.save(tmp_path / "roles", training_data={"calls": "0"})
    loaded = RoleModel.load(tmp_path / "roles")
    assert loaded.said.rows == model.said.rows
    assert roles(assign_roles(labelled("a", "b", "a", "b"), loaded)) == BOTH


def test_role_model_says_when_its_parts_do_not_fit(model: RoleModel, tmp_path: Path) -> None:
    model.save(tmp_path / "roles", training_data={})
    info = (tmp_path / "roles" / "model.json").read_text()
    (tmp_path / "roles" / "model.json").write_text(info.replace('"said": "', '"said": "extra\\n'))
    with pytest.raises(ModelError, match="differ in number"):
        RoleModel.load(tmp_path / "roles")


@given(
    st.lists(st.tuples(st.text(min_size=1), st.sampled_from([None, "a", "b", "IVR"])), min_size=1)
)
def test_assign_roles_loses_no_word(model: RoleModel, turns: list[tuple[str, str | None]]) -> None:
    lines = tuple(
        Turn(Speaker.UNKNOWN, " ".join(text.split()) or "-", label) for text, label in turns
    )
    call = assign_roles(Transcript(lines), model)
    assert call.text.split() == Transcript(lines).text.split()
    assert Speaker.UNKNOWN not in {turn.speaker for turn in call.turns}


@given(
    st.lists(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Z", "C"])), min_size=1)
)
def test_gap_features_has_a_row_for_each_gap(words: list[str]) -> None:
    assert len(list(gap_features(words))) == len(words) - 1


def test_a_voice_that_speaks_alone_is_the_callers(model: RoleModel) -> None:
    transcript = make_transcript("?: the outlet in my kitchen sparks when i plug anything in")
    assert [turn.speaker for turn in assign_roles(transcript, model).turns] == [Speaker.CALLER]
