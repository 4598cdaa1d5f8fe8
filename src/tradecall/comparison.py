"""Other models in the place of the shipped ones, side by side on calls that none of them has seen.

To hear every call by models that do not know it takes minutes. ``store`` does it once and keeps the
records, the candidates with their features, and how the sector is learned; the comparisons of
``compare_rankers`` and ``compare_sector_features`` then take seconds. ``python -m
tradecall.comparison`` stores for ``data/``.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tradecall.analysis import wilson
from tradecall.candidates.candidate import Candidate, JobField
from tradecall.dataset import GoldCall, cross_validation_splits, fold_of, load_gold
from tradecall.errors import MalformedInputError
from tradecall.evaluation import Score, normal_form
from tradecall.ranking import Forest, calibrate, matrix

if TYPE_CHECKING:
    from tradecall.sector import TrainingText, Vocabulary

FOLDS = 5
SEED = 20
STORE = "cross_validated"
_RECORDS = "records.jsonl.gz"
_CANDIDATES = "candidates.npz"
_LEARNING = "sector_learning.json"
_SHARES = (0.1, 0.25, 0.5, 1.0)

_Fit = Callable[
    [NDArray[np.float32], NDArray[np.bool_]],
    Callable[[NDArray[np.float32]], NDArray[np.float32]],
]


@dataclass(frozen=True)
class HeardField:
    """What was heard for one field in all calls.

    Attributes:
        names: Features, in the order of the columns.
        rows: ``(candidates, features)``.
        call: For each candidate, the place of its call in ``Heard.call_ids``.
        right: For each candidate, whether it is the true value.
    """

    names: tuple[str, ...]
    rows: NDArray[np.float32]
    call: NDArray[np.int32]
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class Heard:
    """The candidates of labelled calls, heard by models that do not know the calls."""

    call_ids: tuple[str, ...]
    fields: Mapping[JobField, HeardField]

    @classmethod
    def of(cls, calls: Sequence[GoldCall], candidates: Sequence[Sequence[Candidate]]) -> Heard:
        """Collect the candidates of each call."""
        fields = {}
        for field in JobField:
            held = [
                (place, item)
                for place, found in enumerate(candidates)
                for item in found
                if item.field is field
            ]
            names = tuple(sorted({name for _, item in held for name in item.features}))
            fields[field] = HeardField(
                names,
                matrix([item for _, item in held], names),
                np.array([place for place, _ in held], np.int32),
                np.array([_is_right(calls[place], item) for place, item in held], np.bool_),
            )
        return cls(tuple(call.call_id for call in calls), fields)

    def save(self, path: Path) -> None:
        """Write one ``.npz`` file, the same for the same candidates."""
        arrays: dict[str, NDArray[Any]] = {"call_ids": np.array(self.call_ids)}
        for field, heard in self.fields.items():
            arrays |= {
                f"{field}.names": np.array(heard.names),
                f"{field}.rows": heard.rows,
                f"{field}.call": heard.call,
                f"{field}.right": heard.right,
            }
        np.savez_compressed(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Heard:
        """Read what ``save`` wrote.

        Raises:
            MalformedInputError: It is something else.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                fields = {
                    field: HeardField(
                        tuple(map(str, stored[f"{field}.names"])),
                        stored[f"{field}.rows"],
                        stored[f"{field}.call"],
                        stored[f"{field}.right"],
                    )
                    for field in JobField
                }
                return cls(tuple(map(str, stored["call_ids"])), fields)
        except (KeyError, ValueError) as error:
            reason = f"no stored candidates ({type(error).__name__})"
            raise MalformedInputError(reason, source=path) from None


@dataclass(frozen=True, slots=True)
class Trial:
    """How one way of doing a thing came out.

    Attributes:
        way: Which way.
        right: Share of calls done right, each by a model that has not seen it.
        seconds: To fit the models of all folds and to apply them.
        calls: How many calls each model was trained on, where that varies.
    """

    way: str
    right: Score
    seconds: float
    calls: int | None = None


def compare_rankers(
    heard: Heard, calls: Sequence[GoldCall], *, share: float = 1.0, only: str | None = None
) -> dict[JobField, list[Trial]]:
    """Rank the same candidates by a logistic model, boosted trees and randomised trees.

    Each is calibrated, and its operating point chosen, as the shipped one is: on scores from models
    that do not know the calls, leaving out the fold that is reported on.

    Args:
        heard: The candidates.
        calls: The labelled calls; only jobs among them that were heard are scored.
        share: Share of each training fold to learn from.
        only: One of the ways, to leave the others out.
    """
    by_id = {call.call_id: call for call in calls}
    places = [
        place
        for place, call_id in enumerate(heard.call_ids)
        if call_id in by_id and by_id[call_id].is_job
    ]
    jobs = [by_id[heard.call_ids[place]] for place in places]
    ways = {way: fit for way, fit in _RANKERS.items() if only in (None, way)}
    return {
        field: [_ranked(way, fit, jobs, places, field, held, share) for way, fit in ways.items()]
        for field, held in heard.fields.items()
    }


def _ranked(
    way: str,
    fit: _Fit,
    jobs: Sequence[GoldCall],
    places: Sequence[int],
    field: JobField,
    heard: HeardField,
    share: float,
) -> Trial:
    started = time.perf_counter()
    fold = np.array([fold_of(job.call_id, FOLDS) for job in jobs])
    rank = np.array([_shuffled(job) for job in jobs])
    none_right = np.array([job.value(field) is None for job in jobs])
    best, right = np.zeros(len(jobs)), np.zeros(len(jobs), bool)
    row_job = np.full(max(heard.call.max(initial=0), max(places, default=0)) + 1, -1)
    row_job[places] = np.arange(len(places))
    owner = row_job[heard.call]
    learned = 0
    for held_out in range(FOLDS):
        known = fold != held_out
        known &= rank < np.quantile(rank[known], share) if share < 1 else True
        learned = max(learned, int(known.sum()))
        train = (owner >= 0) & known[owner]
        test = np.flatnonzero((owner >= 0) & (fold[owner] == held_out))
        if not test.size or not heard.right[train].any() or heard.right[train].all():
            continue
        scores = fit(heard.rows[train], heard.right[train])(heard.rows[test])
        for row in np.argsort(scores, kind="stable"):
            best[owner[test[row]]] = scores[row]
            right[owner[test[row]]] = heard.right[test[row]]
    hits = 0
    for held_out in range(FOLDS):
        others, own = fold != held_out, fold == held_out
        if not own.any() or not others.any():
            continue
        slope, intercept, accept_at = calibrate(
            best[others].tolist(), right[others].tolist(), none_right[others].tolist()
        )
        bounded = np.clip(best[own], 1e-3, 1 - 1e-3)
        logits = slope * np.log(bounded / (1 - bounded)) + intercept
        filled = 1 / (1 + np.exp(-logits)) >= accept_at
        hits += int(np.where(filled, right[own], none_right[own]).sum())
    return Trial(way, wilson(hits, len(jobs)), time.perf_counter() - started, learned)


def _logistic(
    rows: NDArray[np.float32], labels: NDArray[np.bool_]
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=500))
    model.fit(rows, labels)
    return lambda unseen: np.asarray(model.predict_proba(unseen)[:, 1], np.float32)


def _boosted(
    rows: NDArray[np.float32], labels: NDArray[np.bool_]
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=80, max_leaf_nodes=15, min_samples_leaf=10, l2_regularization=1.0,
        random_state=SEED,
    )  # fmt: skip
    model.fit(rows, labels)
    return lambda unseen: np.asarray(model.predict_proba(unseen)[:, 1], np.float32)


def _randomised(
    rows: NDArray[np.float32], labels: NDArray[np.bool_]
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    return Forest.grow(rows, labels, seed=SEED).scores


SHIPPED_RANKER = "randomised trees"
_RANKERS: dict[str, _Fit] = {
    "logistic": _logistic,
    "boosted trees": _boosted,
    SHIPPED_RANKER: _randomised,
}


def compare_sector_features(
    calls: Sequence[GoldCall],
    sentences: Sequence[TrainingText],
    sectors: Vocabulary,
    *,
    folds: int = FOLDS,
) -> list[Trial]:
    """Tell the sector of jobs from the words of the whole call, by plain classifiers.

    Each is a linear model over one kind of feature: character n-grams, words and word pairs, or
    counts of the sectors' own terms. All are trained on ``sentences``, on reference summaries and
    on the words of the other folds' calls.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler
    from sklearn.svm import LinearSVC

    jobs = [call for call in calls if call.is_job]
    ways = {
        "characters": TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 4), min_df=3, max_features=30_000, sublinear_tf=True
        ),
        "words": TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        "terms": make_pipeline(
            FunctionTransformer(lambda texts: _term_counts(texts, sectors)), MaxAbsScaler()
        ),
    }
    trials = []
    for way, features in ways.items():
        started = time.perf_counter()
        hits = 0
        for known, unseen in cross_validation_splits(jobs, folds):
            if not unseen:
                continue
            texts = [(text.text, text.label) for text in sentences]
            texts += [(str(call.gold["summary"]), str(call.gold["sector"])) for call in known]
            texts += [(_words_of(call), str(call.gold["sector"])) for call in known]
            model = make_pipeline(features, LinearSVC(C=0.5, class_weight="balanced"))
            model.fit([text for text, _ in texts], [label for _, label in texts])
            told = model.predict([_words_of(call) for call in unseen])
            hits += sum(
                label == call.gold["sector"] for label, call in zip(told, unseen, strict=True)
            )
        trials.append(Trial(way, wilson(hits, len(jobs)), time.perf_counter() - started))
    return trials


def _words_of(call: GoldCall) -> str:
    return call.transcript.text.lower()


def _term_counts(texts: Sequence[str], sectors: Vocabulary) -> NDArray[np.float64]:
    """Count each sector's terms: ``(texts, sectors)``, on a logarithmic scale."""
    from sklearn.feature_extraction.text import CountVectorizer

    from tradecall.sector import stem

    def stemmed(text: str) -> str:
        return " ".join(filter(None, map(stem, text.lower().split())))

    written: dict[str, dict[int, float]] = {}
    for column, terms in enumerate(sectors.terms.values()):
        for term, weight in terms.items():
            if found := stemmed(term):
                written.setdefault(found, {})[column] = weight
    counter = CountVectorizer(
        vocabulary=sorted(written), ngram_range=(1, 4), token_pattern=r"\S+", lowercase=False
    )
    share = np.zeros((len(written), len(sectors.terms)))
    for row, term in enumerate(sorted(written)):
        for column, weight in written[term].items():
            share[row, column] = weight
    return np.log1p(counter.transform(map(stemmed, texts)) @ share)


def sector_learning(
    calls: Sequence[GoldCall],
    sentences: Sequence[TrainingText],
    no_job_texts: Sequence[TrainingText],
    sectors: Vocabulary,
    reasons: Vocabulary,
    *,
    shares: Sequence[float] = _SHARES,
    workers: int = 2,
) -> list[Trial]:
    """Train the sector classifier on ever more calls; sentences and terms are there throughout."""
    tasks = []
    for share in shares:
        for known, unseen in cross_validation_splits(calls, FOLDS):
            kept = sorted(known, key=_shuffled)[: round(share * len(known))]
            tasks.append((kept, unseen, sentences, no_job_texts, sectors, reasons))
    with ProcessPoolExecutor(workers) as pool:
        results = list(pool.map(_sector_right, *zip(*tasks, strict=True)))
    trials = []
    for place, share in enumerate(shares):
        held = results[place * FOLDS : (place + 1) * FOLDS]
        learned = max(len(kept) for kept, *_ in tasks[place * FOLDS : (place + 1) * FOLDS])
        right = wilson(sum(hits for hits, _, _ in held), sum(n for _, n, _ in held))
        way = f"{share:.0%} of the calls"
        trials.append(Trial(way, right, sum(took for *_, took in held), learned))
    return trials


def _sector_right(
    known: Sequence[GoldCall],
    unseen: Sequence[GoldCall],
    sentences: Sequence[TrainingText],
    no_job_texts: Sequence[TrainingText],
    sectors: Vocabulary,
    reasons: Vocabulary,
) -> tuple[int, int, float]:
    from tradecall.sector import train_need
    from tradecall.tokens import tokenize

    started = time.perf_counter()
    classifier = train_need(known, sentences, no_job_texts, sectors, reasons)
    jobs = [call for call in unseen if call.is_job]
    told = [classifier.classify(tokenize(call.transcript)).sector for call in jobs]
    hits = sum(label == call.gold["sector"] for label, call in zip(told, jobs, strict=True))
    return hits, len(jobs), time.perf_counter() - started


@dataclass(frozen=True)
class Stored:
    """What ``store`` keeps.

    Attributes:
        records: A record a call, from models trained without it; without the transcript.
        heard: The candidates those models heard.
        learning: How the sector classifier fares on ever more calls.
    """

    records: Sequence[Mapping[str, Any]]
    heard: Heard
    learning: Sequence[Trial]

    def save(self, folder: Path) -> None:
        """Write the files; the same contents give the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in self.records)
        (folder / _RECORDS).write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
        self.heard.save(folder / _CANDIDATES)
        trials = [
            {"way": one.way, "hits": round((one.right.value or 0) * one.right.n), "n": one.right.n,
             "calls": one.calls, "seconds": round(one.seconds, 1)}
            for one in self.learning
        ]  # fmt: skip
        text = json.dumps(trials, indent=1) + "\n"
        (folder / _LEARNING).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Stored:
        """Read what ``save`` wrote.

        Raises:
            OSError: A file is missing.
            MalformedInputError: A file is something else.
        """
        with gzip.open(folder / _RECORDS, "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        learning = [
            Trial(one["way"], wilson(one["hits"], one["n"]), one["seconds"], one["calls"])
            for one in json.loads((folder / _LEARNING).read_bytes())
        ]
        return cls(records, Heard.load(folder / _CANDIDATES), learning)


def store(data: Path, *, workers: int = 2, say: Callable[[str], None] = print) -> Stored:
    """Hear all calls of a data folder by models that do not know them, and keep what comes out."""
    from tradecall.training import TrainingData, _concluded, _fit_all, _score

    material = TrainingData.load(data)
    folds = _fit_all(material, material.calls, workers)[:FOLDS]
    scored = _score(material.calls, folds)
    told = {record["call_id"]: record for record in _concluded(scored, folds)}
    records = [told[call.call_id] for call in material.calls]
    say("calls heard")
    learning = sector_learning(
        material.calls, material.sentences, material.no_job_texts, material.sectors,
        material.reasons, workers=workers,
    )  # fmt: skip
    say("sector learned")
    calls = [item.call for item in scored]
    heard = Heard.of(calls, [item.reading.candidates for item in scored])
    stored = Stored(records, heard, learning)
    stored.save(data / STORE)
    return stored


def _shuffled(call: GoldCall) -> int:
    """Order calls by a hash that has nothing to do with their fold."""
    return fold_of(f"{call.call_id} in any order", 1 << 30)


def _is_right(call: GoldCall, candidate: Candidate) -> bool:
    truth = call.value(candidate.field)
    return truth is not None and normal_form(candidate.field, candidate.value) == normal_form(
        candidate.field, truth
    )


if __name__ == "__main__":
    store(Path(sys.argv[1] if len(sys.argv) > 1 else "data"))
