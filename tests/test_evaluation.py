from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tradecall.dataset import load_gold
from tradecall.errors import MalformedInputError
from tradecall.evaluation import (
    FIELDS,
    Example,
    errors,
    evaluate,
    format_errors,
    format_report,
    normal_form,
    pair,
    read_records,
    report_html,
)

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    gold = load_gold(DATA / "gold_small.jsonl")
    return pair(gold, read_records(DATA / "predictions_small.jsonl"))


@pytest.fixture(scope="module")
def reference_scores() -> dict[str, Any]:
    # scores_small.json was computed once, by the scorer that came with the labelled calls.
    scores: dict[str, Any] = json.loads((DATA / "scores_small.json").read_text())
    return scores


def job(**changes: Any) -> dict[str, Any]:
    homeowner = dict.fromkeys(FIELDS) | {"first_name": "Ada", "phone": "+14155550101"}
    facts = {"is_job": True, "homeowner": homeowner, "sector": "hvac", "urgency": "urgent"}
    return facts | changes


def record(status: str = "ready", sector: str | None = "hvac", **fields: Any) -> dict[str, Any]:
    given = {"first_name": ("Ada", 0.9), "phone": ("+14155550101", 0.9)} | fields
    values = {name: {"value": value, "confidence": sure} for name, (value, sure) in given.items()}
    return {
        "call_id": "c",
        "status": status,
        "fields": values,
        "sector": {"label": sector, "confidence": 0.8},
        "urgency": "urgent",
    }


def test_evaluate_agrees_with_the_reference_scorer(
    examples: list[Example], reference_scores: dict[str, Any]
) -> None:
    report = evaluate(examples)
    for name, expected in reference_scores["metrics"].items():
        if name in {"calls", "jobs"}:
            assert getattr(report, name) == expected
        elif isinstance(expected, dict):
            for measure, value in expected.items():
                assert report.scores[f"{name}.{measure}"].value == pytest.approx(value), name
        else:
            assert report.scores[name].value == pytest.approx(expected), name


def test_errors_agree_with_the_reference_scorer(
    examples: list[Example], reference_scores: dict[str, Any]
) -> None:
    found = {
        call.call_id: sorted({one.field for one in call.mistakes} - {"agent_first_name"})
        for call in errors(examples)
    }
    assert {call: fields for call, fields in found.items() if fields} == reference_scores["errors"]


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        pytest.param("phone", "+14155550101", "(415) 555-0101", id="phone-writing"),
        pytest.param("zip_code", "94110-1234", "94110", id="zip-plus-four"),
        pytest.param("email", "Jo@Example.com ", "jo@example.com", id="email-case"),
        pytest.param("state", "tx", "Texas", id="state-abbreviation"),
        pytest.param("street", "9 North Elm Avenue Apt 2", "9 N. Elm Ave, Unit 2", id="street"),
        pytest.param("city", "Saint Paul", "St. Paul", id="city-saint"),
        pytest.param("last_name", "O'Núñez", "onunez", id="name-accents"),
    ],
)
def test_normal_form_joins_two_writings_of_one_value(field: str, one: str, other: str) -> None:
    assert normal_form(field, one) == normal_form(field, other) is not None


@pytest.mark.parametrize("empty", [None, ""])
def test_normal_form_of_nothing_is_none(empty: str | None) -> None:
    assert normal_form("phone", empty) is None


def test_a_score_is_none_where_there_was_nothing_to_find() -> None:
    scores = evaluate([Example("c", record(), job())]).scores
    assert scores["email.recall"].value is None
    assert scores["email.precision"].value is None
    assert scores["email.exact"].value == 1
    assert scores["agent_first_name.exact"].n == 0


def test_evaluate_takes_no_calls_at_all() -> None:
    report = evaluate([])
    assert report.calls == 0
    assert all(score.value is None for score in report.scores.values())
    assert "0 calls" in format_report(report)


@pytest.mark.parametrize(
    ("status", "is_job", "right"),
    [
        pytest.param("ready", True, 1, id="job-ready"),
        pytest.param("review", True, 1, id="job-for-review"),
        pytest.param("no_job", True, 0, id="job-missed"),
        pytest.param("no_job", False, 1, id="no-job-seen"),
        pytest.param("review", False, 0, id="no-job-taken-for-one"),
        pytest.param("review", None, 1, id="cut-off-for-review"),
        pytest.param("ready", None, 0, id="cut-off-called-ready"),
    ],
)
def test_is_job_is_judged_by_status(status: str, is_job: bool | None, right: int) -> None:
    scores = evaluate([Example("c", record(status), job(is_job=is_job))]).scores
    assert scores["is_job_accuracy"].value == right


@pytest.mark.parametrize(
    ("predicted", "wrong"),
    [
        pytest.param(record(), 0, id="all-right"),
        pytest.param(record(sector="plumbing"), 1, id="sector"),
        pytest.param(record(phone=("+14155550102", 0.9)), 1, id="phone"),
        pytest.param(record(city=("Reno", 0.9)), 0, id="city-is-no-contact-field"),
        pytest.param(record("review", sector="plumbing"), None, id="not-called-ready"),
    ],
)
def test_ready_wrong_counts_what_was_called_ready(
    predicted: dict[str, Any], wrong: int | None
) -> None:
    assert evaluate([Example("c", predicted, job())]).scores["ready_wrong"].value == wrong


def test_a_call_without_record_is_an_empty_prediction() -> None:
    report = evaluate([Example("c", {}, job())])
    assert report.scores["phone.recall"].value == 0
    assert report.scores["summary_missing"].value == 1


def test_intervals_hold_the_value_and_repeat_with_the_seed(examples: list[Example]) -> None:
    first, second = evaluate(examples, seed=3), evaluate(examples, seed=3)
    assert first.scores == second.scores
    score = first.scores["last_name.exact"]
    assert score.value is not None
    assert score.low is not None
    assert score.high is not None
    assert 0 <= score.low < score.value < score.high <= 1


def test_intervals_do_not_depend_on_how_resamples_are_cut(
    examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate(examples).scores
    monkeypatch.setattr("tradecall.evaluation._CELLS_AT_ONCE", 1000)
    assert evaluate(examples).scores == whole


def test_intervals_narrow_with_more_calls() -> None:
    right = Example("a", record(), job())
    wrong = Example("b", record(phone=("+14155550102", 0.9)), job())
    few = evaluate([right, wrong] * 5).scores["phone.exact"]
    many = evaluate([right, wrong] * 100).scores["phone.exact"]
    assert many.low - few.low > 0.1  # type: ignore[operator]
    assert few.high - many.high > 0.1  # type: ignore[operator]


def test_calibration_compares_promise_and_truth() -> None:
    kept = [Example("c", record(phone=("+14155550101", 0.75)), job())] * 3
    broken = [Example("d", record(phone=("+14155550102", 0.75)), job())]
    calibration = evaluate(kept + broken).calibration["phone"]
    assert calibration.n == 4
    assert calibration.error == pytest.approx(0)
    (only,) = calibration.bins
    assert (only.low, only.high, only.n, only.right) == (0.7, 0.8, 4, 0.75)


@pytest.mark.parametrize("confidence", [None, -0.1, 1.5, True, "0.9", float("nan")])
def test_calibration_leaves_out_what_is_no_probability(confidence: Any) -> None:
    calibration = evaluate(
        [Example("c", record(phone=("+14155550101", confidence)), job())]
    ).calibration["phone"]
    assert (calibration.n, calibration.error) == (0, None)


def test_calibration_takes_certainty_into_the_last_bin() -> None:
    calibration = evaluate([Example("c", record(phone=("+14155550101", 1.0)), job())]).calibration[
        "phone"
    ]
    assert calibration.bins[-1].high == 1


def test_calibration_takes_the_whole_job_for_right_only_with_its_sector() -> None:
    sure = {"confidence": 0.9}
    examples = [
        Example("c", record() | sure, job()),
        Example("d", record(sector="plumbing") | sure, job()),
        Example("e", record("no_job") | sure, job()),
    ]
    calibration = evaluate(examples).calibration["whole_job"]
    assert (calibration.n, calibration.bins[0].right) == (2, 0.5)


def test_agent_is_scored_by_first_name() -> None:
    reference = job(agent={"first_name": "Dana", "last_name": "Reyes"})
    predicted = record() | {"agent": {"first_name": "dana", "last_name": None}}
    assert evaluate([Example("c", predicted, reference)]).scores["agent_first_name.exact"].value


def test_report_to_dict_is_plain_json(examples: list[Example]) -> None:
    report = evaluate(examples, source="a test", day=date(2026, 1, 2))
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["date"] == "2026-01-02"
    assert plain["source"] == "a test"
    assert plain["scores"]["phone"]["exact"]["n"] == report.jobs
    assert plain["scores"]["whole_job_right"]["value"] == pytest.approx(3 / 8)


def test_format_report_tells_sample_size_and_date(examples: list[Example]) -> None:
    text = format_report(evaluate(examples, source="a test", day=date(2026, 1, 2)))
    assert text.startswith("13 calls, 8 of them jobs, a test; 2026-01-02.")
    assert "phone" in text
    assert "75.0%" in text


def test_format_errors_tells_field_want_and_got(examples: list[Example]) -> None:
    text = format_errors(errors(examples))
    assert "s-02 (ready)\n  last_name: want 'Brandvold', got 'Branvold'  at 0.61" in text


def test_report_html_escapes_what_records_say() -> None:
    example = Example("<c>", record(phone=("<script>alert(1)</script>", 0.9)), job())
    page = report_html(evaluate([example], source="<b>"), errors([example]))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("{broken", id="no-json"),
        pytest.param("[]", id="no-object"),
        pytest.param('{"status": "ready"}', id="no-call-id"),
        pytest.param('{"call_id": "c", "fields": ["+14155550101"]}', id="fields-are-a-list"),
    ],
)
def test_read_records_names_the_line_and_quotes_nothing(line: str, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"call_id": "a"}\n\n' + line + "\n")
    with pytest.raises(MalformedInputError) as caught:
        read_records(path)
    assert caught.value.line == 3
    assert "415555" not in str(caught.value)
