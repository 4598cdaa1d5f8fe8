from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import make_transcript
from tradecall.errors import EmptyInputError, ModelError
from tradecall.pipeline import CallResult, FailedCall, Pipeline
from tradecall.settings import Settings
from tradecall.transcript import AgentIdentity, Transcript

ROOT = Path(__file__).parent.parent
LINES = (
    "A: bright spark electric this is dana how can i help",
    "C: hi dana my name is imani okonkwo o k o n k w o the outlet in my kitchen sparks",
    "A: oh no and what is a good number for you",
    "C: four one five two three four oh one three two",
    "A: four one five two three four oh one three two",
    "C: yes thats right",
    "A: and the zip code there",
    "C: nine four six oh seven",
    "A: nine four six oh seven do you have an email for the estimate",
    "C: no i dont use email",
    "A: alright we can be there tomorrow morning",
)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load(ROOT / "models", settings=Settings(include_transcript=True))


def with_settings(pipeline: Pipeline, **changes: Any) -> Pipeline:
    return Pipeline(pipeline.models, pipeline.ranker, pipeline.settings.model_copy(update=changes))


def call(**metadata: Any) -> Transcript:
    return make_transcript(*LINES, **{"call_id": "c-1", "company_name": "Bright Spark"} | metadata)


def test_process_makes_a_job_of_a_plain_call(pipeline: Pipeline) -> None:
    result = pipeline.process(call())
    values = {name.value: decision.value for name, decision in result.decisions.items()}
    assert values["first_name"] == "Imani"
    assert values["last_name"] == "Okonkwo"
    assert values["phone"] == "+14152340132"
    assert values["zip_code"] == "94607"
    assert values["email"] is None
    assert result.need.sector == "electrical"
    assert result.attribution.first_name == "Dana"
    assert result.job is not None
    assert result.job.homeowner.phone == "+14152340132"


def test_record_has_the_keys_of_the_contract(pipeline: Pipeline) -> None:
    record = pipeline.process(call()).to_record()
    assert json.loads(json.dumps(record)) == record
    assert set(record) >= {
        "call_id", "status", "fields", "sector", "urgency", "preferred_time", "summary", "agent",
        "missing", "reasons", "job",
    }  # fmt: skip
    assert set(record["fields"]) == {
        "first_name", "last_name", "phone", "email", "zip_code", "street", "city", "state",
    }  # fmt: skip
    assert record["agent"] == {"first_name": "Dana", "last_name": None, "source": "transcript"}


def test_every_value_has_evidence_that_quotes_the_call(pipeline: Pipeline) -> None:
    transcript = call()
    record = pipeline.process(transcript).to_record()
    for field in record["fields"].values():
        assert bool(field["evidence"]) == (field["value"] is not None)
        for span in field["evidence"]:
            turn = transcript.turns[span["turn"]].text
            assert turn[span["start"] : span["end"]] == span["text"]


def test_summary_tells_no_name_and_no_number(pipeline: Pipeline) -> None:
    summary = pipeline.process(call()).summary.text.lower()
    assert "outlet" in summary
    for word in ("imani", "okonkwo", "0132", "94607", "dana"):
        assert word not in summary


def test_the_same_call_gets_the_same_key(pipeline: Pipeline) -> None:
    first, second = (pipeline.process(call()).job for _ in range(2))
    other = pipeline.process(call(call_id="c-2")).job
    assert first is not None
    assert second is not None
    assert other is not None
    assert first.idempotency_key == second.idempotency_key != other.idempotency_key


def test_a_call_without_id_is_known_by_its_words(pipeline: Pipeline) -> None:
    nameless = pipeline.process(call(call_id=None))
    assert nameless.call_id.startswith("text-")
    assert nameless.call_id == pipeline.process(call(call_id=None)).call_id


def test_metadata_names_the_agent_before_the_greeting_does(pipeline: Pipeline) -> None:
    agent = AgentIdentity(id="7", first_name="Cleo", last_name="Marsh")
    result = pipeline.process(call(agent=agent))
    assert result.attribution.first_name == "Cleo"
    assert result.attribution.source == "metadata"


def test_a_missing_number_is_said_to_be_missing(pipeline: Pipeline) -> None:
    lines = (*LINES[:2], *LINES[6:])
    result = pipeline.process(make_transcript(*lines, call_id="c", caller_id="+14152340199"))
    assert [name.value for name in result.missing] == ["phone"]
    assert result.job is None
    assert result.status == "review"
    assert result.to_record()["suggestions"]["phone"] == {
        "value": "+14152340199",
        "source": "caller_id",
    }


def test_accept_caller_id_takes_it_but_not_as_ready(pipeline: Pipeline) -> None:
    lines = (*LINES[:2], *LINES[6:])
    taking = with_settings(pipeline, accept_caller_id=True)
    result = taking.process(make_transcript(*lines, call_id="c", caller_id="+14152340199"))
    record = result.to_record()
    assert record["fields"]["phone"]["value"] == "+14152340199"
    assert record["fields"]["phone"]["source"] == "metadata"
    assert record["job"]["homeowner"]["phone"] == "+14152340199"
    assert record["status"] == "review"


def test_a_wrong_number_is_no_job(pipeline: Pipeline) -> None:
    result = pipeline.process(
        make_transcript(
            "A: bright spark electric this is dana",
            "C: oh is this the pharmacy",
            "A: no sir this is an electrician",
            "C: oh im sorry i have the wrong number",
            "A: no problem have a good day",
        )
    )
    assert result.status == "no_job"
    assert result.job is None
    assert result.to_record()["sector"]["label"] is None


def test_transcript_is_left_out_on_demand(pipeline: Pipeline) -> None:
    kept, left = pipeline.process(call()), with_settings(pipeline, include_transcript=False)
    assert kept.job is not None
    assert kept.job.transcript is not None
    job = left.process(call()).job
    assert job is not None
    assert job.transcript is None


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("Agent: Bright Spark, this is Dana.\nCaller: my outlet sparks", id="text"),
        pytest.param({"turns": [{"speaker": "caller", "text": "my outlet sparks"}]}, id="dict"),
        pytest.param("the outlet in my kitchen sparks when i plug anything in", id="no-speakers"),
    ],
)
def test_process_takes_text_and_dictionaries(pipeline: Pipeline, given: Any) -> None:
    assert pipeline.process(given).need.sector == "electrical"


def test_process_refuses_an_empty_text(pipeline: Pipeline) -> None:
    with pytest.raises(EmptyInputError):
        pipeline.process("  ")


@pytest.mark.parametrize("workers", [1, 2])
def test_process_many_keeps_order(pipeline: Pipeline, workers: int) -> None:
    calls = [call(call_id=f"c-{number}") for number in range(40)]
    results = list(pipeline.process_many(calls, workers=workers))
    assert [result.call_id for result in results] == [item.call_id for item in calls]
    assert len({json.dumps(r.to_record()["fields"]) for r in results}) == 1


def test_process_many_reads_only_a_little_ahead(pipeline: Pipeline) -> None:
    taken = 0

    def endless() -> Iterator[Transcript]:
        nonlocal taken
        while True:
            taken += 1
            yield call(call_id=f"c-{taken}")

    results = pipeline.process_many(endless(), workers=2)
    for _ in range(3):
        next(results)
    results.close()  # type: ignore[attr-defined]
    assert taken <= 200


def test_a_call_that_fails_stops_no_other(pipeline: Pipeline) -> None:
    broken = Transcript((None,))  # type: ignore[arg-type]
    results = list(pipeline.process_many([call(), broken, call()]))
    assert [type(result) for result in results] == [CallResult, FailedCall, CallResult]
    record = results[1].to_record()
    assert record["status"] == "error"
    assert "AttributeError" in record["error"]


def test_load_says_which_model_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="places"):
        Pipeline.load(tmp_path, settings=Settings())


def test_a_greater_risk_calls_more_jobs_ready(pipeline: Pipeline) -> None:
    careful, bold = (with_settings(pipeline, risk=risk) for risk in (0.001, 0.1))
    threshold = pipeline.ranker.readiness.threshold
    assert threshold(0.001) > threshold(0.1)
    result = pipeline.process(call())
    for changed, risk in ((careful, 0.001), (bold, 0.1)):
        ready = changed.process(call()).status == "ready"
        assert ready == (result.probability >= threshold(risk))
