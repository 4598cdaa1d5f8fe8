from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tradecall.dataset import cross_validation_splits, fold_of, load_gold
from tradecall.errors import EmptyInputError, MalformedInputError


def call(call_id: str) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "turns": [{"speaker": "agent", "text": "hello"}],
        "gold": {"is_job": True, "homeowner": {"first_name": "Ana"}},
    }


def test_load_gold_reads_plain_and_gzipped_lines(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    plain.write_text(json.dumps(call("a")) + "\n\n")
    packed.write_bytes(gzip.compress(json.dumps(call("b")).encode()))
    calls = load_gold(plain, packed)
    assert [item.call_id for item in calls] == ["a", "b"]
    assert calls[0].value("first_name") == "Ana"
    assert calls[0].value("phone") is None


def test_load_gold_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(call("a")) + '\n{"turns": []}\n')
    with pytest.raises(MalformedInputError) as raised:
        load_gold(path)
    assert raised.value.line == 2


def test_load_gold_refuses_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n")
    with pytest.raises(EmptyInputError):
        load_gold(path)


def test_a_call_stays_in_its_fold() -> None:
    assert fold_of("d1-000") == fold_of("d1-000")
    assert fold_of("d1-000~3") == fold_of("d1-000")
    assert {fold_of(f"call-{number}") for number in range(100)} == set(range(5))


def test_every_call_is_tested_once_and_never_trained_on_then(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(call(f"call-{number}")) for number in range(40)))
    calls = load_gold(path)
    tested = []
    for train, test in cross_validation_splits(calls):
        ids = {item.call_id for item in train}
        assert not ids & {item.call_id for item in test}
        tested += [item.call_id for item in test]
    assert sorted(tested) == sorted(item.call_id for item in calls)
