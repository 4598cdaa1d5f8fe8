"""Other models in the place of the shipped ones, side by side on calls that none of them has seen.

To hear every call by models that do not know it, and to fit what it is compared with, takes
minutes. ``python -m tradecall.comparison`` does it once for ``data/`` and keeps records and
figures in ``data/cross_validated/``, where the evaluation notebook finds them.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tradecall.analysis import wilson
from tradecall.candidates.candidate import Candidate, JobField
from tradecall.dataset import GoldCall, cross_validation_splits, fold_of
from tradecall.evaluation import Score, normal_form
from tradecall.ranking import FieldRanker, Forest, calibrate, matrix
from tradecall.training import FOLDS, SEED

if TYPE_CHECKING:
    from tradecall.sector import TrainingText, Vocabulary
    from tradecall.training import CrossValidation, TrainingData

STORE = "cross_validated"
_SHARES = (0.1, 0.3, 1.0)

_Rows = NDArray[np.float32]
_Labels = NDArray[np.bool_]
_Scorer = Callable[[_Rows], _Rows]
_Fit = Callable[[_Rows, _Labels], _Scorer]


@dataclass(frozen=True, slots=True)
class Trial:
    """How one way of doing a thing came out.

    Attributes:
        way: Which way.
        right: Share of calls done right, each by a model that has not seen it.
        seconds: To fit the models of all folds and to apply them.
        calls: How many calls each model was trained on.
    """

    way: str
    right: Score
    seconds: float
    calls: int


@dataclass(frozen=True)
class Comparison:
    """What ``compare`` found.

    Attributes:
        records: A record a call, from models trained without it; without the transcript.
        rankers: Field → the rankers, side by side.
        sector_features: Kinds of features for the sector, side by side.
        learning: Name → the same model on ever more calls.
    """

    records: Sequence[Mapping[str, Any]]
    rankers: Mapping[str, Sequence[Trial]]
    sector_features: Sequence[Trial]
    learning: Mapping[str, Sequence[Trial]]

    def save(self, folder: Path) -> None:
        """Write ``records.jsonl.gz`` and ``trials.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in self.records)
        (folder / "records.jsonl.gz").write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
        trials = {
            "rankers": {name: list(map(_plain, held)) for name, held in self.rankers.items()},
            "sector_features": list(map(_plain, self.sector_features)),
            "learning": {name: list(map(_plain, held)) for name, held in self.learning.items()},
        }
        text = json.dumps(trials, indent=1) + "\n"
        (folder / "trials.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Comparison:
        """Read what ``save`` wrote.

        Raises:
            OSError: A file is missing.
            ValueError: A file is something else.
        """
        with gzip.open(folder / "records.jsonl.gz", "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        trials = json.loads((folder / "trials.json").read_bytes())
        return cls(
            records,
            {name: list(map(_trial, held)) for name, held in trials["rankers"].items()},
            list(map(_trial, trials["sector_features"])),
            {name: list(map(_trial, held)) for name, held in trials["learning"].items()},
        )


def _plain(trial: Trial) -> dict[str, Any]:
    return {
        "way": trial.way,
        "right": round((trial.right.value or 0.0) * trial.right.n),
        "of": trial.right.n,
        "seconds": round(trial.seconds, 1),
        "calls": trial.calls,
    }


def _trial(stored: Mapping[str, Any]) -> Trial:
    right = wilson(stored["right"], stored["of"])
    return Trial(stored["way"], right, stored["seconds"], stored["calls"])


def compare_rankers(
    calls: Sequence[GoldCall],
    candidates: Sequence[Sequence[Candidate]],
    field: JobField,
    *,
    judged: Collection[str] | None = None,
    ways: Sequence[str] | None = None,
    share: float = 1.0,
) -> list[Trial]:
    """Rank one field's candidates by a logistic model, boosted trees and randomised trees.

    Each is calibrated, and its operating point chosen, as the shipped one is: on scores from models
    that do not know the calls, leaving out the fold that is reported on.

    Args:
        calls: Labelled calls; only jobs are looked at.
        candidates: For each call, what was heard in it by models that do not know it.
        field: Which candidates to rank.
        judged: Calls that count for the result; all where None.
        ways: Some of ``RANKERS``; all where None.
        share: Share of the calls of the training folds to learn from.
    """
    jobs = [
        (call, [item for item in found if item.field is field])
        for call, found in zip(calls, candidates, strict=True)
        if call.is_job
    ]
    names = tuple(sorted({name for _, found in jobs for item in found for name in item.features}))
    heard = [_heard(call, found, field, names) for call, found in jobs]
    return [
        _ranked(way, RANKERS[way], field, heard, judged, share) for way in ways or tuple(RANKERS)
    ]


@dataclass(frozen=True)
class _Heard:
    """One call's candidates of one field; ``right`` has an entry a candidate."""

    call: GoldCall
    fold: int
    found: Sequence[Candidate]
    rows: _Rows
    right: _Labels
    empty: bool


def _heard(
    call: GoldCall, found: Sequence[Candidate], field: JobField, names: Sequence[str]
) -> _Heard:
    truth = normal_form(field, call.value(field))
    right = [truth is not None and normal_form(field, item.value) == truth for item in found]
    rows = matrix(found, names)
    fold = fold_of(call.call_id, FOLDS)
    return _Heard(call, fold, found, rows, np.array(right, np.bool_), truth is None)


def _ranked(
    way: str,
    fit: _Fit,
    field: JobField,
    heard: Sequence[_Heard],
    judged: Collection[str] | None,
    share: float,
) -> Trial:
    started = time.perf_counter()
    scores: dict[str, list[float]] = {}
    learned = []
    for fold in range(FOLDS):
        known = _part([one for one in heard if one.fold != fold], share)
        learned.append(len(known))
        scorer = fit(
            np.vstack([one.rows for one in known]), np.concatenate([one.right for one in known])
        )
        for one in heard:
            if one.fold == fold:
                scores[one.call.call_id] = scorer(one.rows).tolist() if one.found else []
    hits = n = 0
    for fold in range(FOLDS):
        ranker = _calibrated(field, [one for one in heard if one.fold != fold], scores)
        for one in heard:
            if one.fold == fold and (judged is None or one.call.call_id in judged):
                decision = ranker.decide_scored(one.found, scores[one.call.call_id])
                truth = normal_form(field, one.call.value(field))
                hits += normal_form(field, decision.value) == truth
                n += 1
    return Trial(way, wilson(hits, n), time.perf_counter() - started, max(learned))


def _part(heard: Sequence[_Heard], share: float) -> list[_Heard]:
    ordered = sorted(heard, key=lambda one: _shuffled(one.call))
    return ordered[: math.ceil(share * len(ordered))]


def _calibrated(
    field: JobField, heard: Sequence[_Heard], scores: Mapping[str, Sequence[float]]
) -> FieldRanker:
    best, rivals, right = [], [], []
    for one in heard:
        own = np.array([*scores[one.call.call_id]])
        order = np.argsort(-own, kind="stable")
        best.append(float(own[order[0]]) if len(own) else 0.0)
        rivals.append(float(own[order[1]]) if len(own) > 1 else 0.0)
        right.append(bool(one.right[order[0]]) if len(own) else False)
    fitted = calibrate(best, rivals, right, [one.empty for one in heard])
    return FieldRanker(field, (), None, **asdict(fitted))


def _logistic(rows: _Rows, labels: _Labels) -> _Scorer:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=500))
    model.fit(rows, labels)
    return lambda unseen: np.asarray(model.predict_proba(unseen)[:, 1], np.float32)


def _boosted(rows: _Rows, labels: _Labels) -> _Scorer:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=15, l2_regularization=1.0, random_state=SEED
    )
    model.fit(rows, labels)
    return lambda unseen: np.asarray(model.predict_proba(unseen)[:, 1], np.float32)


def _randomised(rows: _Rows, labels: _Labels) -> _Scorer:
    return Forest.grow(rows, labels, seed=SEED).scores


SHIPPED_RANKER = "randomised trees"
RANKERS: Mapping[str, _Fit] = {
    "logistic": _logistic,
    "boosted trees": _boosted,
    SHIPPED_RANKER: _randomised,
}
"""Ways of ranking candidates, by name."""


def compare_sector_features(
    calls: Sequence[GoldCall],
    sentences: Sequence[TrainingText],
    sectors: Vocabulary,
    *,
    judged: Collection[str] | None = None,
) -> list[Trial]:
    """Tell the sector of jobs from the words of the whole call, by plain classifiers.

    Each is a linear model over one kind of feature: character n-grams, words and word pairs, or
    counts of the sectors' own terms. All are trained on ``sentences``, on the other folds' calls
    and on their reference summaries.

    Args:
        calls: Labelled calls; only jobs are looked at.
        sentences: Problem descriptions, labelled with their sector.
        sectors: Terms of each sector.
        judged: Calls that count for the result; all where None.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.svm import LinearSVC

    jobs = [call for call in calls if call.is_job]
    ways = {
        "characters": TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 4), min_df=3, max_features=30_000, sublinear_tf=True
        ),
        "words": TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        "terms": FunctionTransformer(_term_counts, kw_args={"sectors": sectors}),
    }
    trials = []
    for way, features in ways.items():
        started = time.perf_counter()
        hits = n = learned = 0
        for known, unseen in cross_validation_splits(jobs, FOLDS):
            texts = [(text.text, text.label) for text in sentences]
            texts += [(call.gold["summary"], call.gold["sector"]) for call in known]
            texts += [(call.transcript.text, call.gold["sector"]) for call in known]
            model = make_pipeline(features, LinearSVC(C=0.5, class_weight="balanced"))
            model.fit([text for text, _ in texts], [label for _, label in texts])
            asked = [call for call in unseen if judged is None or call.call_id in judged]
            if asked:
                told = model.predict([call.transcript.text for call in asked])
                hits += sum(map(str.__eq__, told, (call.gold["sector"] for call in asked)))
            n += len(asked)
            learned = max(learned, len(known))
        trials.append(Trial(way, wilson(hits, n), time.perf_counter() - started, learned))
    return trials


def greeting_records(calls: Sequence[GoldCall]) -> list[dict[str, Any]]:
    """Tell the sector of jobs from the company's name and the first turn alone.

    A control: what a classifier would say that leaned on who was called. Each call's record, which
    holds a sector and no more, comes from a linear model of words trained on the other folds.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    def greeting(call: GoldCall) -> str:
        return f"{call.transcript.metadata.company_name or ''} {call.transcript.turns[0].text}"

    records = []
    for known, unseen in cross_validation_splits([call for call in calls if call.is_job], FOLDS):
        if unseen:
            model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC(C=0.5))
            model.fit(list(map(greeting, known)), [call.gold["sector"] for call in known])
            told = model.predict(list(map(greeting, unseen)))
            records += [
                {"call_id": call.call_id, "status": "review", "sector": {"label": str(label)}}
                for call, label in zip(unseen, told, strict=True)
            ]
    return records


def _term_counts(texts: Sequence[str], sectors: Vocabulary) -> NDArray[np.float64]:
    """Count each sector's terms: ``(texts, sectors)``, on a logarithmic scale."""
    from sklearn.feature_extraction.text import CountVectorizer

    from tradecall.sector import stem

    def stems(text: str) -> str:
        return " ".join(filter(None, map(stem, text.lower().split())))

    columns: dict[str, dict[int, float]] = {}
    for column, terms in enumerate(sectors.terms.values()):
        for term, weight in terms.items():
            if written := stems(term):
                columns.setdefault(written, {})[column] = weight
    share = np.zeros((len(columns), len(sectors.terms)))
    for row, claims in enumerate(columns.values()):
        for column, weight in claims.items():
            share[row, column] = weight
    counter = CountVectorizer(vocabulary=list(columns), ngram_range=(1, 4), token_pattern=r"\S+")
    counts: NDArray[np.float64] = counter.transform(map(stems, texts)) @ share
    return np.log1p(counts)


def sector_learning(
    material: TrainingData,
    *,
    judged: Collection[str] | None = None,
    shares: Sequence[float] = _SHARES,
    workers: int = 2,
) -> list[Trial]:
    """Train the sector classifier on ever more calls; sentences and terms are there throughout.

    Args:
        material: Calls, sentences and terms.
        judged: Calls that count for the result; all where None.
        shares: Shares of the training folds' calls to learn from.
        workers: Processes.
    """
    tasks = []
    for share in shares:
        for known, unseen in cross_validation_splits(material.calls, FOLDS):
            kept = sorted(known, key=_shuffled)[: math.ceil(share * len(known))]
            asked = [
                call
                for call in unseen
                if call.is_job and (judged is None or call.call_id in judged)
            ]
            tasks.append((material, kept, asked))
    with ProcessPoolExecutor(workers) as pool:
        results = list(pool.map(_sectors_right, *zip(*tasks, strict=True)))
    trials = []
    for place, share in enumerate(shares):
        part = slice(place * FOLDS, (place + 1) * FOLDS)
        hits = sum(right for right, _ in results[part])
        n = sum(len(asked) for *_, asked in tasks[part])
        learned = max(len(kept) for _, kept, _ in tasks[part])
        seconds = sum(took for _, took in results[part])
        trials.append(Trial(f"{share:.0%} of the calls", wilson(hits, n), seconds, learned))
    return trials


def _sectors_right(
    material: TrainingData, known: Sequence[GoldCall], asked: Sequence[GoldCall]
) -> tuple[int, float]:
    from tradecall.sector import train_need
    from tradecall.tokens import tokenize

    started = time.perf_counter()
    classifier = train_need(
        known, material.sentences, material.no_job_texts, material.sectors, material.reasons
    )
    told = [classifier.classify(tokenize(call.transcript)).sector for call in asked]
    right = sum(map(str.__eq__, told, (call.gold["sector"] for call in asked)))
    return right, time.perf_counter() - started


def compare(
    heard: CrossValidation,
    *,
    judged: Collection[str],
    workers: int = 2,
    say: Callable[[str], None] = print,
) -> Comparison:
    """Compare other models with what is shipped, on calls as models heard that do not know them.

    Args:
        heard: As ``tradecall.training.hear_all`` gives it.
        judged: Calls that count for the figures; all others are only learned from.
        workers: Processes.
        say: Told what is being done.
    """
    material = heard.material
    calls = [call for call, _ in heard.readings]
    candidates = [reading.candidates for _, reading in heard.readings]
    rankers = {
        field.value: compare_rankers(calls, candidates, field, judged=judged) for field in JobField
    }
    learning = {}
    for field in _LEARNING_FIELDS:
        parts = [
            compare_rankers(
                calls, candidates, field, judged=judged, ways=[SHIPPED_RANKER], share=share
            )
            for share in _SHARES[:-1]
        ]
        whole = next(one for one in rankers[field.value] if one.way == SHIPPED_RANKER)
        learning[field.value] = [*(trial for (trial,) in parts), whole]
    say("rankers compared")
    sector = sector_learning(material, judged=judged, workers=workers)
    features = compare_sector_features(calls, material.sentences, material.sectors, judged=judged)
    features.append(replace(sector[-1], way="shipped"))
    say("features for the sector compared")
    order = {call.call_id: place for place, call in enumerate(material.calls)}
    records = sorted(
        (record for record in heard.records if record["call_id"] in judged),
        key=lambda record: order[record["call_id"]],
    )
    return Comparison(records, rankers, features, {"sector": sector} | learning)


_LEARNING_FIELDS = (JobField.LAST_NAME, JobField.PHONE, JobField.EMAIL)


def _shuffled(call: GoldCall) -> int:
    """Order calls by a hash that has nothing to do with their fold."""
    return fold_of(f"{call.call_id} in any order", 1 << 30)


def _main(data: Path) -> None:
    from tradecall.dataset import load_gold
    from tradecall.training import TrainingData, hear_all

    judged = {call.call_id for call in load_gold(data / "calls" / "dev.jsonl.gz")}
    compare(hear_all(TrainingData.load(data)), judged=judged).save(data / STORE)


if __name__ == "__main__":
    _main(Path(sys.argv[1] if len(sys.argv) > 1 else "data"))
