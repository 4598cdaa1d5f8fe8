"""Ranking: from how a candidate was said to a calibrated probability, and from there to a decision.

For each field a forest of extremely randomised trees scores every candidate on its features
(``candidate.features``); a one-variable logistic regression turns the best score into the
probability that the value is right; ``accept_at`` says from where on a field is filled. A second
small regression, ``Readiness``, gives the probability that the whole job is right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradecall.candidates.candidate import Candidate, JobField
from tradecall.errors import ModelError
from tradecall.model_store import ModelInfo, load_model, save_model

_EDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with the calibrated probability that it is the field's true value."""

    candidate: Candidate
    probability: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to stand in a field.

    Attributes:
        field: The field.
        accepted: The value that fills it; None leaves it empty.
        others: Candidates that were left, likeliest first, for the person who looks.
        probability: Probability that this decision is right; for an empty field, that the call
            gives no value.
    """

    field: JobField
    accepted: Ranked | None
    others: tuple[Ranked, ...]
    probability: float

    @property
    def value(self) -> str | None:
        """The value that fills the field."""
        return self.accepted.candidate.value if self.accepted else None


@dataclass(frozen=True)
class Forest:
    """Extremely randomised trees as flat arrays, one entry a node.

    scikit-learn grows them; walking all trees for all rows at once in numpy costs a tenth of asking
    tree by tree, and the arrays load without building a thousand objects.

    Attributes:
        roots: First node of each tree.
        feature: Column that a node asks for; 0 at a leaf.
        threshold: A row goes left where its value is at most this; infinite at a leaf.
        left: Next node; a leaf points to itself.
        right: Likewise.
        share: Share of right candidates among the training rows that came to the node.
        depth: Steps after which every row is at a leaf.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    share: NDArray[np.float32]
    depth: int

    @classmethod
    def grow(cls, rows: NDArray[np.float32], labels: NDArray[np.bool_], *, seed: int) -> Forest:
        """Grow trees on rows of shape ``(candidates, features)`` and their labels."""
        from sklearn.ensemble import ExtraTreesClassifier

        # Many features a split and bounded depth: as right as full trees, better calibrated, and
        # half their size (log loss and exact match by cross-validation over all fields).
        grown = ExtraTreesClassifier(
            80, min_samples_leaf=2, max_depth=14, max_features=0.3, random_state=seed, n_jobs=1
        ).fit(rows, labels)
        positive = list(grown.classes_).index(True) if labels.any() else None
        parts: list[tuple[NDArray[Any], ...]] = []
        roots, size, depth = [], 0, 1
        for estimator in grown.estimators_:
            tree = estimator.tree_
            own = np.arange(tree.node_count)
            leaf = tree.children_left < 0
            share = np.zeros(len(own))
            if positive is not None:
                share = tree.value[:, 0, positive] / tree.value[:, 0, :].sum(axis=1)
            parts.append(
                (
                    np.where(leaf, 0, tree.feature),
                    # Rounded up: a single-precision row must compare as it did in training.
                    np.where(
                        leaf, np.inf, np.nextafter(np.float32(tree.threshold), np.float32(np.inf))
                    ),
                    np.where(leaf, own, tree.children_left) + size,
                    np.where(leaf, own, tree.children_right) + size,
                    share,
                )
            )
            roots.append(size)
            size += tree.node_count
            depth = max(depth, tree.max_depth)
        feature, threshold, left, right, share = map(np.concatenate, zip(*parts, strict=True))
        return cls(
            np.array(roots, np.int32),
            feature.astype(np.int16),
            threshold.astype(np.float32),
            left.astype(np.int32),
            right.astype(np.int32),
            share.astype(np.float32),
            depth,
        )

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give each row's share of right ones, mean over the trees; shape ``(len(rows),)``."""
        nodes = np.repeat(self.roots[None, :], len(rows), axis=0)
        which = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            goes_left = rows[which, self.feature[nodes]] <= self.threshold[nodes]
            nodes = np.where(goes_left, self.left[nodes], self.right[nodes])
        means: NDArray[np.float32] = self.share[nodes].mean(axis=1)
        return means

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give the arrays by name, as a model folder keeps them."""
        return {
            "roots": self.roots,
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "share": self.share,
        }


@dataclass(frozen=True)
class FieldRanker:
    """The ranker of one field.

    Attributes:
        field: The field.
        names: Feature names, in the order of the forest's columns.
        forest: Scores a candidate; None for a ranker that is only asked about given scores.
        slope: Calibration: logit of the probability = slope · logit of the score
            + rivalry · logit of the highest score among the others + intercept.
        rivalry: Likewise; two good candidates cannot both be right.
        intercept: Likewise.
        accept_at: Least probability that is accepted.
        empty_right: Share of the calls without any candidate that rightly have none: even a field
            for which nothing was found may have been said.
    """

    field: JobField
    names: tuple[str, ...]
    forest: Forest | None
    slope: float = 1.0
    rivalry: float = 0.0
    intercept: float = 0.0
    accept_at: float = 0.5
    empty_right: float = 1.0

    @classmethod
    def fit(
        cls,
        field: JobField,
        calls: Sequence[Sequence[Candidate]],
        truths: Sequence[Sequence[bool]],
        *,
        seed: int = 0,
    ) -> FieldRanker:
        """Fit the forest; calibration is for ``calibrated``, on calls this has not seen.

        Args:
            field: The field.
            calls: The candidates of each call.
            truths: For each candidate, whether it is the field's true value.
            seed: Makes the forest reproducible.
        """
        names = tuple(sorted({name for call in calls for item in call for name in item.features}))
        rows = np.vstack([matrix(call, names) for call in calls if call])
        labels = np.concatenate([np.asarray(truth, bool) for truth in truths if len(truth)])
        return cls(field, names, Forest.grow(rows, labels, seed=seed))

    def scores(self, candidates: Sequence[Candidate]) -> list[float]:
        """Give each candidate's raw score in [0, 1]."""
        if not candidates or self.forest is None:
            return [0.0] * len(candidates)
        scores: list[float] = self.forest.scores(matrix(candidates, self.names)).tolist()
        return scores

    def decide(self, candidates: Sequence[Candidate]) -> Decision:
        """Rank candidates and fill the field, or leave it empty."""
        return self.decide_scored(candidates, self.scores(candidates))

    def decide_scored(self, candidates: Sequence[Candidate], scores: Sequence[float]) -> Decision:
        """Decide on raw scores, for instance of a forest that does not know the call."""
        order = sorted(range(len(scores)), key=lambda index: -scores[index])
        ranked = []
        for place, index in enumerate(order):
            rival = scores[order[0 if place else 1]] if len(order) > 1 else 0.0
            ranked.append(Ranked(candidates[index], self.probability(scores[index], rival)))
        if not ranked:
            return Decision(self.field, None, (), self.empty_right)
        best = ranked[0].probability
        if best >= self.accept_at:
            return Decision(self.field, ranked[0], tuple(ranked[1:]), best)
        return Decision(self.field, None, tuple(ranked), 1.0 - best)

    def probability(self, score: float, rival: float) -> float:
        """Give the calibrated probability of a raw score beside its best rival's."""
        weighed = self.slope * _logit(score) + self.rivalry * _logit(rival)
        return _sigmoid(weighed + self.intercept)


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores become probabilities, and from which on a field is filled; see ``FieldRanker``."""

    slope: float
    rivalry: float
    intercept: float
    accept_at: float
    empty_right: float


def calibrate(
    scores: Sequence[float],
    rivals: Sequence[float],
    right: Sequence[bool],
    none_right: Sequence[bool],
) -> Calibration:
    """Fit calibration and operating point on the best candidates of calls not seen in training.

    Args:
        scores: Raw score of each call's best candidate.
        rivals: Raw score of its second best, 0 where there is none.
        right: Whether the best is the true value.
        none_right: Whether the call gives no value, so that an empty field is right.

    Returns:
        ``accept_at`` is the probability from which on filling the field is right more often than
        leaving it empty.
    """
    from sklearn.linear_model import LogisticRegression

    labels = np.asarray(right, bool)
    logits = np.array(
        [[_logit(score), _logit(rival)] for score, rival in zip(scores, rivals, strict=True)]
    ).reshape(-1, 2)
    if labels.all() or not labels.any():  # nothing to tell apart: keep the scores as they are
        slope, rivalry, intercept = 1.0, 0.0, 0.0
    else:
        model = LogisticRegression(C=1.0).fit(logits, labels)
        slope, rivalry = map(float, model.coef_[0])
        intercept = float(model.intercept_[0])
    weighed = logits @ np.array([slope, rivalry]) + intercept
    probabilities = [_sigmoid(float(value)) for value in weighed]
    best_at, best_hits = 0.5, -1
    for accept_at in np.arange(0.04, 0.96, 0.02):
        hits = sum(
            good if probability >= accept_at else empty
            for probability, good, empty in zip(probabilities, right, none_right, strict=True)
        )
        if hits > best_hits:
            best_at, best_hits = float(accept_at), hits
    bare = [empty for score, empty in zip(scores, none_right, strict=True) if score == 0.0]
    empty_right = (sum(bare) + 1) / (len(bare) + 1.05)  # one call more, nearly surely right
    return Calibration(slope, rivalry, intercept, round(best_at, 4), round(empty_right, 4))


@dataclass(frozen=True)
class Readiness:
    """The probability that a whole job is right, from the probabilities of its parts.

    Attributes:
        weights: One for each of ``PARTS`` (on log-odds), then the intercept.
        ready_at: Least probability at which a job is called ready.
        at_risk: The same for other shares of wrong jobs among the ready: share → probability.
    """

    weights: tuple[float, ...]
    ready_at: float
    at_risk: Mapping[float, float] = field(default_factory=dict)

    PARTS = (
        "first_name",
        "last_name",
        "phone",
        "email",
        "zip_code",
        "sector",
        "is_job",
        "weakest",
        "joint",
    )

    @classmethod
    def fit(
        cls,
        parts: Sequence[Mapping[str, float]],
        right: Sequence[bool],
        *,
        ready_at: float = 0.98,
        at_risk: Mapping[float, float] | None = None,
    ) -> Readiness:
        """Fit on calls not seen by what gave ``parts``."""
        from sklearn.linear_model import LogisticRegression

        rows = np.array([cls.row(part) for part in parts])
        model = LogisticRegression(C=0.1, max_iter=1000).fit(rows, np.asarray(right, bool))
        weights = (*map(float, model.coef_[0]), float(model.intercept_[0]))
        return cls(weights, ready_at, dict(at_risk or {}))

    def threshold(self, risk: float) -> float:
        """Give the least probability of a ready job, for a share of wrong ones of at most ``risk``.

        The strictest share that was prepared for stands in for all that are stricter still.
        """
        if not self.at_risk:
            return self.ready_at
        return self.at_risk[max((r for r in self.at_risk if r <= risk), default=min(self.at_risk))]

    @classmethod
    def row(cls, parts: Mapping[str, float]) -> list[float]:
        """Give the regression's inputs: log-odds of the parts, of the weakest, of all at once."""
        values = [_logit(parts[name]) for name in cls.PARTS[:-2]]
        joint = math.prod(parts[name] for name in cls.PARTS[:-2])
        return [*values, min(values), _logit(joint)]

    def probability(self, parts: Mapping[str, float]) -> float:
        """Give the probability that names, phone, e-mail, ZIP, sector and need are all right."""
        row = self.row(parts)
        *weights, intercept = self.weights
        return _sigmoid(sum(w * x for w, x in zip(weights, row, strict=True)) + intercept)


def operating_point(
    probabilities: Sequence[float],
    right: Sequence[bool],
    *,
    risk: float = 0.02,
    confidence: float = 0.9,
) -> tuple[float, dict[str, float]]:
    """Choose ``ready_at`` so that at most ``risk`` of the ready jobs are wrong.

    The largest set of most probable jobs is taken whose Clopper-Pearson upper bound at
    ``confidence`` stays within ``risk``; where no set is that good, the largest whose observed
    share of wrong jobs does, and the returned dictionary says so by its bound.

    Returns:
        The threshold, and how it was chosen: ``ready``, ``wrong``, ``of``, ``risk``,
        ``confidence``, ``upper_bound``.
    """
    from scipy.stats import beta

    order = sorted(zip(probabilities, right, strict=True), key=lambda item: -item[0])
    best: tuple[int, int, float, float] | None = None
    fallback: tuple[int, int, float, float] | None = None
    wrong = 0
    for count, (probability, good) in enumerate(order, 1):
        wrong += not good
        if count < len(order) and order[count][0] == probability:
            continue
        bound = float(beta.ppf(confidence, wrong + 1, count - wrong)) if wrong < count else 1.0
        point = (count, wrong, probability, bound)
        if bound <= risk:
            best = point
        if wrong / count <= risk:
            fallback = point
    chosen = best or fallback or (0, 0, 1.0, 1.0)
    count, wrong, threshold, bound = chosen
    # Not rounded: a threshold a hair lower would let in calls that were counted out.
    return threshold, {
        "ready": count,
        "wrong": wrong,
        "of": len(order),
        "risk": risk,
        "confidence": confidence,
        "upper_bound": round(bound, 4),
    }


@dataclass(frozen=True)
class Ranker:
    """The rankers of all fields and the readiness of the whole; folder ``models/ranker``."""

    fields: Mapping[JobField, FieldRanker]
    readiness: Readiness
    info: ModelInfo | None = None

    def save(self, folder: Path, info: ModelInfo, card: str) -> None:
        """Write the model folder; ``info`` gets what this class needs to load itself."""
        extra = {
            field.value: {
                "names": list(ranker.names),
                "slope": round(ranker.slope, 6),
                "rivalry": round(ranker.rivalry, 6),
                "intercept": round(ranker.intercept, 6),
                "accept_at": ranker.accept_at,
                "empty_right": ranker.empty_right,
                "depth": ranker.forest.depth if ranker.forest else 0,
            }
            for field, ranker in self.fields.items()
        }
        at_risk = {str(risk): value for risk, value in self.readiness.at_risk.items()}
        point = {
            **info.operating_point,
            "ready_at": self.readiness.ready_at,
            "ready_at_risk": at_risk,
        }
        weights = [round(weight, 6) for weight in self.readiness.weights]
        stored = info.model_copy(
            update={
                "extra": {"fields": extra, "readiness": weights, **info.extra},
                "operating_point": point,
            }
        )
        forests = {
            field.value: ranker.forest.to_arrays()
            for field, ranker in self.fields.items()
            if ranker.forest is not None
        }
        save_model(folder, forests, stored, card)

    @classmethod
    def load(cls, folder: Path) -> Ranker:
        """Read the model folder.

        Raises:
            ModelError: It is missing, damaged or incomplete.
        """
        forests, info = load_model(folder)
        try:
            fields = {
                JobField(name): FieldRanker(
                    JobField(name),
                    tuple(entry["names"]),
                    Forest(**forests[name], depth=entry["depth"]),
                    entry["slope"],
                    entry["rivalry"],
                    entry["intercept"],
                    entry["accept_at"],
                    entry["empty_right"],
                )
                for name, entry in info.extra["fields"].items()
            }
            point = info.operating_point
            readiness = Readiness(
                tuple(info.extra["readiness"]),
                point["ready_at"],
                {float(risk): value for risk, value in point["ready_at_risk"].items()},
            )
        except (KeyError, ValueError, TypeError) as error:
            raise ModelError(f"{folder}/model.json is incomplete: {error}") from error
        return cls(fields, readiness, info)

    def decide(self, candidates: Sequence[Candidate]) -> dict[JobField, Decision]:
        """Decide every field from all candidates of a call."""
        groups: dict[JobField, list[Candidate]] = {field: [] for field in JobField}
        for candidate in candidates:
            groups[candidate.field].append(candidate)
        return {field: self.fields[field].decide(groups[field]) for field in JobField}

    def decide_scored(
        self,
        candidates: Mapping[JobField, Sequence[Candidate]],
        scores: Mapping[JobField, Sequence[float]],
    ) -> dict[JobField, Decision]:
        """Decide every field on raw scores."""
        return {
            field: self.fields[field].decide_scored(candidates[field], scores[field])
            for field in JobField
        }


def matrix(candidates: Sequence[Candidate], names: Sequence[str]) -> NDArray[np.float32]:
    """Give the features as rows: shape ``(len(candidates), len(names))``, missing ones 0."""
    return np.array(
        [[item.features.get(name, 0.0) for name in names] for item in candidates], np.float32
    ).reshape(len(candidates), len(names))


def _logit(probability: float) -> float:
    bounded = min(1 - _EDGE, max(_EDGE, probability))
    return math.log(bounded / (1 - bounded))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
