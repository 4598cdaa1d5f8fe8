from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradecall.candidates.candidate import Candidate, JobField
from tradecall.errors import ModelError
from tradecall.model_store import ModelInfo
from tradecall.ranking import (
    FieldRanker,
    Forest,
    Ranker,
    Readiness,
    calibrate,
    matrix,
    operating_point,
)


def candidate(value: str, **features: float) -> Candidate:
    return Candidate(JobField.PHONE, value, (), features)


@pytest.fixture(scope="module")
def ranker() -> FieldRanker:
    """A real ranker of forty calls in which the confirmed candidate is right."""
    rng = np.random.default_rng(0)
    calls = [
        [
            candidate("right", confirmed=1.0, noise=float(rng.random())),
            candidate("wrong", confirmed=0.0, noise=float(rng.random())),
        ]
        for _ in range(40)
    ]
    return FieldRanker.fit(JobField.PHONE, calls, [[True, False]] * 40, seed=1)


def test_decide_prefers_what_was_right_in_training(ranker: FieldRanker) -> None:
    decision = ranker.decide([candidate("a", noise=0.5), candidate("b", confirmed=1.0, noise=0.5)])
    assert decision.value == "b"
    assert [other.candidate.value for other in decision.others] == ["a"]
    assert decision.probability > 0.8


def test_decide_leaves_a_field_empty_below_the_operating_point(ranker: FieldRanker) -> None:
    strict = replace(ranker, accept_at=1.1)
    decision = strict.decide([candidate("b", confirmed=1.0)])
    assert decision.value is None
    assert [other.candidate.value for other in decision.others] == ["b"]


def test_decide_without_candidates_is_sure_of_nothing_to_find(ranker: FieldRanker) -> None:
    decision = ranker.decide([])
    assert decision.value is None
    assert decision.probability == 1.0


def test_two_good_candidates_make_each_other_doubtful(ranker: FieldRanker) -> None:
    calibrated = replace(ranker, slope=1.5, rivalry=-1.0)
    alone = calibrated.decide([candidate("b", confirmed=1.0)])
    beside = calibrated.decide([candidate("b", confirmed=1.0), candidate("c", confirmed=1.0)])
    assert beside.probability < alone.probability


def test_forest_scores_as_scikit_learn_does() -> None:
    from sklearn.ensemble import ExtraTreesClassifier

    rng = np.random.default_rng(3)
    rows = rng.normal(size=(300, 20)).astype(np.float32)
    rows[:, ::2] = np.round(rows[:, ::2])  # equal values sit on thresholds
    labels = rows[:, 0] + rows[:, 1] > 0.5
    forest = Forest.grow(rows, labels, seed=5)
    same = ExtraTreesClassifier(
        80, min_samples_leaf=2, max_depth=14, max_features=0.3, random_state=5
    ).fit(rows, labels)
    assert forest.scores(rows) == pytest.approx(same.predict_proba(rows)[:, 1], abs=1e-6)


def test_the_same_seed_grows_the_same_forest() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(60, 4)).astype(np.float32)
    labels = rows[:, 0] > 0
    first, second = (Forest.grow(rows, labels, seed=2).scores(rows) for _ in range(2))
    assert first.tolist() == second.tolist()


def test_matrix_gives_missing_features_zero() -> None:
    rows = matrix([candidate("a", x=2.0), candidate("b", y=3.0)], ("x", "y"))
    assert rows.tolist() == [[2.0, 0.0], [0.0, 3.0]]
    assert matrix([], ("x", "y")).shape == (0, 2)


def test_calibrate_makes_confident_scores_humbler_when_they_were_wrong() -> None:
    scores = [0.95] * 100
    fitted = calibrate(scores, [0.0] * 100, [True] * 70 + [False] * 30, [False] * 100)
    ranker = replace(FieldRanker(JobField.PHONE, (), None), **asdict(fitted))
    assert ranker.probability(0.95, 0.0) == pytest.approx(0.7, abs=0.1)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=300),
    st.sampled_from([0.02, 0.1]),
)
def test_operating_point_keeps_what_it_promises(
    predictions: list[tuple[float, bool]], risk: float
) -> None:
    probabilities = [probability for probability, _ in predictions]
    right = [good for _, good in predictions]
    threshold, chosen = operating_point(probabilities, right, risk=risk)
    taken = [good for probability, good in predictions if probability >= threshold]
    if chosen["ready"]:
        assert taken.count(False) <= risk * len(taken)


def test_operating_point_needs_enough_calls_to_be_sure() -> None:
    few, many = [True] * 20, [True] * 500
    assert operating_point([0.9] * 20, few)[1]["upper_bound"] > 0.02
    assert operating_point([0.9] * 500, many)[1]["upper_bound"] <= 0.02


def test_readiness_falls_with_its_weakest_part() -> None:
    sure = dict.fromkeys(
        ("first_name", "last_name", "phone", "email", "zip_code", "sector", "is_job"), 0.99
    )
    doubtful = sure | {"phone": 0.3}
    readiness = Readiness.fit([sure, doubtful] * 30, [True, False] * 30)
    assert readiness.probability(sure) > 0.8
    assert readiness.probability(doubtful) < 0.2


def test_a_ranker_comes_back_as_it_was_saved(ranker: FieldRanker, tmp_path: Path) -> None:
    whole = Ranker(
        {field: replace(ranker, field=field) for field in JobField}, Readiness((0.0,) * 10, 0.9)
    )
    whole.save(tmp_path, ModelInfo(name="ranker"), "")
    loaded = Ranker.load(tmp_path)
    found = [candidate("a", noise=0.4), candidate("b", confirmed=1.0)]
    assert loaded.decide(found) == whole.decide(found)
    assert loaded.readiness == whole.readiness


def test_an_incomplete_ranker_is_refused(ranker: FieldRanker, tmp_path: Path) -> None:
    whole = Ranker(
        {field: replace(ranker, field=field) for field in JobField}, Readiness((0.0,) * 10, 0.9)
    )
    whole.save(tmp_path, ModelInfo(name="ranker"), "")
    text = (tmp_path / "model.json").read_text()
    (tmp_path / "model.json").write_text(text.replace('"slope"', '"slop"'))
    with pytest.raises(ModelError, match="incomplete"):
        Ranker.load(tmp_path)


@pytest.mark.parametrize(
    ("risk", "threshold"), [(0.001, 0.99), (0.01, 0.99), (0.02, 0.95), (0.04, 0.95), (0.5, 0.8)]
)
def test_a_stricter_risk_asks_for_more(risk: float, threshold: float) -> None:
    readiness = Readiness((), 0.95, {0.01: 0.99, 0.02: 0.95, 0.1: 0.8})
    assert readiness.threshold(risk) == threshold
