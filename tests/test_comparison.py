from __future__ import annotations

from pathlib import Path

import pytest

from conftest import make_transcript
from tradecall.analysis import wilson
from tradecall.candidates.candidate import Candidate, JobField
from tradecall.comparison import (
    RANKERS,
    SHIPPED_RANKER,
    Comparison,
    Trial,
    compare_rankers,
    compare_sector_features,
    greeting_records,
)
from tradecall.dataset import GoldCall
from tradecall.sector import TrainingText, Vocabulary

RIGHT, WRONG = "60601", "60602"
WORDS = {"plumbing": "the sink drips under the cabinet", "roofing": "shingles blew off the roof"}


def heard(number: int, *, is_job: bool = True) -> tuple[GoldCall, list[Candidate]]:
    """Give a call whose right ZIP code is said by the caller, the wrong one by somebody else."""
    truth = {"zip_code": None if number % 10 == 0 else RIGHT}
    sector = ("plumbing", "roofing")[number % 2]
    labels = {"homeowner": truth, "is_job": is_job, "sector": sector, "summary": WORDS[sector]}
    found = [Candidate(JobField.ZIP_CODE, WRONG, (), {"by_caller": 0.0, "place": number / 60})]
    if truth["zip_code"]:
        features = {"by_caller": 1.0, "place": number / 50}
        found.append(Candidate(JobField.ZIP_CODE, RIGHT, (), features))
    call_id = f"call-{number}"
    transcript = make_transcript(f"C: {WORDS[sector]} number {number}", call_id=call_id)
    return GoldCall(transcript, labels, {}), found


HEARD = [heard(number) for number in range(60)]
CALLS = [call for call, _ in HEARD]
CANDIDATES = [found for _, found in HEARD]


@pytest.mark.parametrize("way", RANKERS)
def test_each_ranker_learns_who_says_the_right_value(way: str) -> None:
    (trial,) = compare_rankers(CALLS, CANDIDATES, JobField.ZIP_CODE, ways=[way])
    assert (trial.way, trial.right.n) == (way, 60)
    assert (trial.right.value or 0) > 0.95


def test_compare_rankers_scores_only_the_judged_calls_and_jobs() -> None:
    other, found = heard(99, is_job=False)
    (trial,) = compare_rankers(
        [*CALLS, other], [*CANDIDATES, found], JobField.ZIP_CODE,
        ways=[SHIPPED_RANKER], judged={"call-1", "call-2", "call-99"},
    )  # fmt: skip
    assert trial.right.n == 2


def test_compare_rankers_learns_from_a_share_of_the_calls() -> None:
    whole, part = (
        compare_rankers(CALLS, CANDIDATES, JobField.ZIP_CODE, ways=[SHIPPED_RANKER], share=share)[0]
        for share in (1.0, 0.5)
    )
    assert whole.calls < 60
    assert part.calls == pytest.approx(whole.calls / 2, abs=1)


def test_compare_sector_features_gives_a_trial_for_each_kind() -> None:
    sectors = Vocabulary({"plumbing": {"sink": 1.0}, "roofing": {"shingle": 1.0}})
    sentences = [TrainingText(text, label) for label, text in WORDS.items()] * 3
    trials = compare_sector_features(CALLS, sentences, sectors, judged={"call-1", "call-4"})
    assert [trial.way for trial in trials] == ["characters", "words", "terms"]
    assert {(trial.right.value, trial.right.n) for trial in trials} == {(1.0, 2)}


def test_greeting_records_see_the_company_and_the_first_turn_alone() -> None:
    calls = [
        GoldCall(
            make_transcript(
                "A: hello", f"C: {WORDS[sector]}", call_id=f"call-{number}", company_name=company
            ),
            {"homeowner": {}, "is_job": True, "sector": sector},
            {},
        )
        for number in range(40)
        for sector, company in [
            (("plumbing", "Ace Plumbing"), ("roofing", "Top Roofs"))[number % 2]
        ]
    ]
    misled = GoldCall(
        make_transcript(
            "A: hello", f"C: {WORDS['roofing']}", call_id="x", company_name="Ace Plumbing"
        ),
        {"homeowner": {}, "is_job": True, "sector": "roofing"},
        {},
    )
    told = {one["call_id"]: one["sector"]["label"] for one in greeting_records([*calls, misled])}
    assert (told["call-1"], told["x"]) == ("roofing", "plumbing")


def test_a_comparison_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    trial = Trial("logistic", wilson(9, 10), 1.5, 40)
    saved = Comparison([{"call_id": "a"}], {"phone": [trial]}, [trial], {"sector": [trial]})
    saved.save(tmp_path)
    assert Comparison.load(tmp_path) == saved


def test_the_same_comparison_gives_the_same_bytes(tmp_path: Path) -> None:
    saved = Comparison([{"call_id": "a"}], {}, [], {})
    for name in ("one", "two"):
        saved.save(tmp_path / name)
    for name in ("records.jsonl.gz", "trials.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
