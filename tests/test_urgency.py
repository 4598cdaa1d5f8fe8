"""How soon somebody must come."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import make_transcript
from tradecall.dataset import load_gold
from tradecall.errors import ConfigurationError, ModelError
from tradecall.preferred_time import find_preferred_time
from tradecall.tokens import tokenize
from tradecall.urgency import LABELS, CuePhrases, UrgencyModel, train_urgency

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def model() -> UrgencyModel:
    calls = load_gold(ROOT / "data/calls/dev.jsonl.gz")
    cues = CuePhrases.from_file(ROOT / "data/needs/urgency_cues.toml")
    return train_urgency(calls, cues)


def predict(model, *lines, sector=None):
    tokens = tokenize(make_transcript(*lines))
    return tokens, model.predict(tokens, sector, find_preferred_time(tokens))


@pytest.mark.parametrize(
    ("lines", "sector", "label"),
    [
        pytest.param(
            (
                "C: theres sparks coming out of the panel and a burning smell",
                "A: leave the house he will be there tonight",
            ),
            "electrical",
            "emergency",
            id="danger-now",
        ),
        pytest.param(
            (
                "C: the ac quit last night and its hot in here with the baby",
                "A: i can have somebody there tomorrow between eight and ten",
            ),
            "hvac",
            "urgent",
            id="next-day",
        ),
        pytest.param(
            (
                "C: id like an estimate to repaint the bedrooms no rush",
                "A: how about any day next week",
            ),
            "painting",
            "routine",
            id="no-rush",
        ),
    ],
)
def test_predict_tells_danger_from_haste_from_leisure(model, lines, sector, label):
    assert predict(model, *lines, sector=sector)[1].label == label


def test_predict_shows_the_phrases_that_spoke_for_the_label(model):
    tokens, urgency = predict(model, "C: water is pouring through the ceiling", sector="plumbing")
    quotes = [tokens.transcript.quote(span) for span in urgency.evidence]
    assert "pouring" in quotes


@pytest.mark.parametrize("text", ["C: hello", "C: ...", "A: thank you for calling"])
def test_predict_gives_a_probability_for_calls_that_say_nothing(model, text):
    _, urgency = predict(model, text)
    assert urgency.label in LABELS
    assert 1 / 3 <= urgency.probability < 1


def test_cues_meet_contractions_and_begun_words():
    cues = CuePhrases({"heat": ["heats out"], "leak": ["leak*"], "two": ["still work*"]})
    tokens = tokenize(make_transcript("C: The heat's out, it's leaking but still works"))
    assert [group for group, _, _ in cues.find(tokens)] == ["heat", "leak", "two"]


def test_cues_do_not_reach_over_turns():
    cues = CuePhrases({"water": ["no water"]})
    tokens = tokenize(make_transcript("C: no", "A: water heater"))
    assert list(cues.find(tokens)) == []


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("A: hi", "C: there is no smoke"), id="denied"),
        pytest.param(("A: hi", "C: i dont see any smoke"), id="denied-further-off"),
        pytest.param(("A: hi", "A: do you smell any smoke", "C: no"), id="denied-by-answer"),
        pytest.param(("I: smoke detectors are on sale",), id="recording"),
        pytest.param(("A: smoke and fire restoration how can i help",), id="greeting"),
    ],
)
def test_what_was_not_meant_does_not_count(lines):
    model = UrgencyModel(CuePhrases({"fire": ["smoke"]}), {"caller fire": (9.0, 9.0)})
    urgency = predict(model, *lines)[1]
    assert urgency.evidence == ()
    assert urgency.probability == pytest.approx(0.5)


def test_a_cue_that_holds_its_own_negation_counts():
    model = UrgencyModel(CuePhrases({"heat": ["no heat"]}), {"caller heat": (9.0, 9.0)})
    assert predict(model, "A: hi", "C: we have no heat")[1].label == "emergency"


def test_leanings_speak_before_anything_is_learned():
    cues = CuePhrases({"fire": ["flames"]}, {"fire": (1.0, 1.0)}, {"hvac": 1.0}, {"none": (0, 0)})
    model = UrgencyModel(cues, {"danger": (1.0, 1.0), "bias": (-0.3, -0.3)})
    _, calm = predict(model, "A: hi", "C: hello")
    tokens, alarmed = predict(model, "A: hi", "C: i see flames")
    assert (calm.label, alarmed.label) == ("routine", "emergency")
    assert [tokens.transcript.quote(span) for span in alarmed.evidence] == ["flames"]


def test_second_readings_move_the_model():
    calls = load_gold(ROOT / "data/calls/dev.jsonl.gz")[:60]
    cues = CuePhrases.from_file(ROOT / "data/needs/urgency_cues.toml")
    alone = train_urgency(calls, cues)
    doubted = train_urgency(
        calls, cues, second_readings={call.call_id: "emergency" for call in calls}
    )
    line = "C: id like a quote to repaint"
    assert predict(alone, line)[1].label != "emergency"
    assert predict(doubted, line)[1].label == "emergency"


def test_a_saved_model_predicts_the_same(model, tmp_path):
    model.save(tmp_path / "urgency", training_data={})
    again = UrgencyModel.load(tmp_path / "urgency")
    line = "C: the sewer is backing up into the tub"
    assert predict(again, line)[1] == predict(model, line)[1]


def test_load_refuses_a_folder_of_another_kind(model, tmp_path):
    with pytest.raises(ModelError):
        UrgencyModel.load(tmp_path)


def test_cue_file_that_is_no_table_is_named(tmp_path):
    path = tmp_path / "cues.toml"
    path.write_text("[fire]\nwords = 3\n")
    with pytest.raises(ConfigurationError, match=r"cues\.toml"):
        CuePhrases.from_file(path)
