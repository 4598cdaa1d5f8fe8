"""How users write it; type-checked, never run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

from tradecall import JobRequest, Pipeline, Transcript


def one_call(text: str, call: dict[str, Any]) -> JobRequest | None:
    pipeline = Pipeline.load(Path("models"))
    assert_type(pipeline.process(text).to_record(), dict[str, Any])
    assert_type(pipeline.process(Transcript.from_dict(call)).job, JobRequest | None)
    return pipeline.process(call).job


def many_calls(calls: Iterator[Transcript]) -> list[dict[str, Any]]:
    return [result.to_record() for result in Pipeline.load().process_many(calls, workers=2)]
