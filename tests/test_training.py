from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tradecall.dataset import fold_of, load_gold
from tradecall.errors import ConfigurationError
from tradecall.pipeline import Pipeline
from tradecall.settings import Settings
from tradecall.training import FOLDS, TrainingData, cross_validate, train

DATA = Path(__file__).parent.parent / "data"
CALLS = 60


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped data with few calls and few sentences, so that training takes seconds."""
    folder = tmp_path_factory.mktemp("data")
    for part in ("calls", "sectors", "needs"):
        (folder / part).mkdir()
    with gzip.open(DATA / "calls" / "dev.jsonl.gz", "rt", encoding="utf-8") as calls:
        lines = [line for _, line in zip(range(CALLS), calls, strict=False)]
    (folder / "calls" / "few.jsonl").write_text("".join(lines), encoding="utf-8")
    for file in [*(DATA / "sectors").iterdir(), *(DATA / "needs").iterdir()]:
        content = file.read_text(encoding="utf-8")
        if file.name.startswith("sentences-"):
            content = "".join(content.splitlines(keepends=True)[:8])
        (folder / file.parent.name / file.name).write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    train(small, out, workers=2, say=lambda _: None)
    return out


def test_train_writes_folders_that_load(trained: Path) -> None:
    folders = {"places", "roles", "names", "sector", "urgency", "summary", "ranker"}
    assert {folder.name for folder in trained.iterdir()} == folders
    for name in folders - {"places"}:
        assert (trained / name / "README.md").read_text(encoding="utf-8").startswith("#")
    pipeline = Pipeline.load(trained, settings=Settings())
    assert pipeline.process("Agent: hi\nCaller: my sink leaks").to_record()["status"]


def test_training_again_gives_the_same(small: Path, trained: Path, tmp_path: Path) -> None:
    train(small, tmp_path, workers=1, say=lambda _: None)
    for name in ("ranker", "names", "sector", "urgency"):
        first, second = (
            json.loads((folder / name / "model.json").read_text(encoding="utf-8"))
            for folder in (trained, tmp_path)
        )
        assert first == second, name


def test_cross_validate_answers_the_calls_asked_for(small: Path) -> None:
    asked = load_gold(small / "calls" / "few.jsonl")[5:15]
    records = cross_validate(asked, data=small, workers=2)
    assert [record["call_id"] for record in records] == [call.call_id for call in asked]


def test_no_call_is_heard_by_models_that_know_it() -> None:
    calls = load_gold(DATA / "calls" / "dev.jsonl.gz")
    shares = [sum(fold_of(call.call_id, FOLDS) == fold for call in calls) for fold in range(FOLDS)]
    assert sum(shares) == len(calls)
    assert min(shares) > len(calls) / FOLDS / 2


def test_a_folder_without_calls_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="calls"):
        TrainingData.load(tmp_path)
