from __future__ import annotations

from typing import Any

import pytest

from conftest import make_transcript
from tradecall.analysis import (
    by_company_trade,
    by_trait,
    confusions,
    excerpt,
    labels_of,
    risk_coverage,
    sector_scores,
    wilson,
)
from tradecall.dataset import GoldCall
from tradecall.evaluation import Example, pair


def gold(call_id: str, sector: str | None, is_job: bool | None = True, **traits: Any) -> GoldCall:
    transcript = make_transcript("C: my sink is leaking all over the place", call_id=call_id)
    return GoldCall(transcript, {"homeowner": {}, "is_job": is_job, "sector": sector}, traits)


def record(
    call_id: str, sector: str | None, confidence: float = 0.9, **more: Any
) -> dict[str, Any]:
    status = "review" if sector else "no_job"
    told = {"label": sector, "confidence": confidence}
    return {"call_id": call_id, "status": status, "confidence": confidence, "sector": told} | more


def examples(*told: tuple[str | None, str | None]) -> list[Example]:
    """Pair labels with what was told for them; None stands for no job."""
    calls = [gold(str(n), true, true is not None) for n, (true, _) in enumerate(told)]
    return pair(calls, [record(str(n), label) for n, (_, label) in enumerate(told)])


def test_confusions_counts_true_against_told_with_no_job_last() -> None:
    found = confusions(examples(("siding", "siding"), ("siding", "roofing"), (None, "roofing")))
    assert found.labels == ("roofing", "siding", "no_job")
    assert found.counts == ((0, 0, 0), (1, 1, 0), (1, 0, 0))


def test_confusions_leaves_out_calls_that_were_cut_off() -> None:
    cut_off = pair([gold("a", None, None)], [record("a", "hvac")])
    assert confusions(cut_off).labels == ()


def test_hardest_begins_with_the_pair_mixed_up_in_both_directions() -> None:
    found = confusions(
        examples(("hvac", "solar"), ("siding", "roofing"), ("roofing", "siding"), ("hvac", "hvac"))
    )
    assert [example.call_id for example in found.hardest()] == ["2", "1", "0"]


def test_sector_scores_give_none_where_nothing_was_told() -> None:
    scores = sector_scores(confusions(examples(("siding", "roofing"), ("roofing", "roofing"))))
    roofing, siding = scores
    assert (roofing.precision.value, roofing.recall.value) == (0.5, 1.0)
    assert (siding.precision.value, siding.recall.value) == (None, 0.0)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        pytest.param(10, 10, 0.722, 1.0, id="all-of-ten"),
        pytest.param(0, 10, 0.0, 0.278, id="none-of-ten"),
        pytest.param(50, 100, 0.404, 0.596, id="half"),
    ],
)
def test_wilson_gives_the_known_interval(hits: int, n: int, low: float, high: float) -> None:
    score = wilson(hits, n)
    assert (score.low, score.high) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


def test_wilson_says_nothing_of_no_case() -> None:
    assert wilson(0, 0).value is None


def test_risk_coverage_takes_the_surest_first() -> None:
    calls = [gold(name, "hvac") for name in "abcd"]
    told = [
        record("a", "hvac", 0.6),
        record("b", "solar", 0.5),
        record("c", "hvac", 0.9),
        record("d", "hvac", 0.5),
    ]
    curve = risk_coverage(pair(calls, told), "sector")
    assert curve.coverage == (0.25, 0.5, 1.0)
    assert curve.risk == (0.0, 0.0, 0.25)
    assert curve.coverage_at(0.02) == 0.5
    assert curve.coverage_at(0.25) == 1.0


def test_risk_coverage_never_takes_an_incomplete_job_or_none() -> None:
    calls = [gold(name, "hvac") for name in "ab"] + [gold("c", None, False)]
    told = [
        record("a", "hvac", 0.9, missing=[]),
        record("b", "hvac", 0.9, missing=["phone"]),
        record("c", None, 0.9),
    ]
    curve = risk_coverage(pair(calls, told))
    assert curve.coverage == (pytest.approx(1 / 3),)


def test_risk_coverage_counts_a_call_for_no_work_as_wrong() -> None:
    curve = risk_coverage(pair([gold("a", None, False)], [record("a", "hvac")]))
    assert curve.risk == (1.0,)


def test_risk_coverage_of_nothing_is_empty() -> None:
    curve = risk_coverage([])
    assert (curve.coverage, curve.area, curve.coverage_at(0.5)) == ((), None, 0.0)


def test_by_trait_puts_a_call_into_each_of_its_groups() -> None:
    calls = [gold("a", "hvac", phenomena=["hold", "dog"]), gold("b", "hvac", phenomena=["dog"])]
    groups = by_trait(calls, [record("a", "hvac"), record("b", "solar")], "phenomena")
    assert {name: group.scores["sector_accuracy"].value for name, group in groups.items()} == {
        "hold": 1.0,
        "dog": 0.5,
    }


def test_by_company_trade_tells_leaning_from_accuracy() -> None:
    calls = [
        gold("own", "hvac", company_trade="hvac"),
        gold("other", "solar", company_trade="hvac"),
        gold("many", "solar", company_trade="generic"),
    ]
    told = [record("own", "hvac"), record("other", "hvac"), record("many", "solar")]
    own, other, many = by_company_trade(calls, told).values()
    assert (own[0].value, own[1].value) == (1.0, 1.0)
    assert (other[0].value, other[1].value) == (0.0, 1.0)
    assert (many[0].value, many[1].value) == (1.0, 0.0)


def test_excerpt_quotes_the_words_with_what_surrounds_them() -> None:
    quoted = excerpt(gold("a", "plumbing"), [{"turn": 0, "start": 3, "end": 7}], around=4)
    assert quoted == "[0] caller: my sink is …"


def test_labels_of_counts_unclear_calls_apart() -> None:
    calls = [gold("a", "hvac"), gold("b", None, False), gold("c", None, None)]
    assert labels_of(calls) == {"hvac": 1, "no_job": 1, "unclear": 1}
