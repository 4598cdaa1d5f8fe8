"""The work that a call asks for, or that it asks for none: ``NeedClassifier``.

A call is cut into pieces (a turn, or a stretch of a long one). Each piece gives evidence for each
label: what its words weigh in a linear model of words, and how many of the label's own terms it
holds. Where in the call a piece stands, who says it and whether it tells of a wish, a visit to be
made or something past decides how much its evidence counts; those weights are shared by all
labels, so that a few hundred calls suffice to fit them. The company's greeting and name count for
nothing.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tradecall.dataset import GoldCall, cross_validation_splits
from tradecall.errors import ConfigurationError, ModelError
from tradecall.model_store import ModelInfo, load_model, save_model, versions
from tradecall.tokens import Tokens, tokenize
from tradecall.transcript import Span, Speaker, Transcript, Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NO_JOB_REASONS = (
    "wrong_number",
    "sales_call",
    "applicant",
    "supplier",
    "billing",
    "status",
    "cancel_or_move",
    "hang_up",
    "voicemail",
    "declined",
)
"""Why a call is no job."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a call asks for.

    Attributes:
        is_job_probability: That the call asks for work.
        is_job: Whether that is high enough to be treated as a job (the model's operating point).
        no_job_reason: The likeliest of ``NO_JOB_REASONS`` where it is not treated as a job.
        sector: The likeliest trade, also where the call is no job.
        probability: That ``sector`` is right, given that the call is a job.
        others: The other trades with the probability that the call needs them *besides*
            ``sector``, likeliest first, only those worth showing.
        runners_up: The next likely trades *instead of* ``sector``, likeliest first.
        evidence: The turns, or stretches of long turns, that carried the decision, in call order.
    """

    is_job_probability: float
    is_job: bool
    no_job_reason: str | None
    sector: str
    probability: float
    others: tuple[tuple[str, float], ...]
    runners_up: tuple[tuple[str, float], ...]
    evidence: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class TrainingText:
    """A sentence with its label: a sector, or a reason for no job."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The terms of each label.

    Attributes:
        terms: How surely each term tells the label: 1.0 sure, less for a hint.
        people: Those terms that name who does the work ("roofer"), which a caller says of the man
            who failed last year and an agent of the one who will come.
    """

    terms: Mapping[str, Mapping[str, float]]
    people: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of every score vector."""
        return tuple(self.terms)


class _Sector(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    covers: str
    borders: str
    sure: str
    hint: str
    people: str


class _Reason(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    covers: str
    phrases: str


_Entry = TypeVar("_Entry", bound=BaseModel)


def load_sectors(path: Path) -> Vocabulary:
    """Read the table of sectors (``data/sectors/sectors.toml``).

    Raises:
        ConfigurationError: It is missing or does not have that form.
    """
    table = _table(path, _Sector)
    return Vocabulary(
        {
            label: dict.fromkeys(_listed(entry.hint), 0.3)
            | dict.fromkeys(_listed(entry.sure) + _listed(entry.people), 1.0)
            for label, entry in table.items()
        },
        {label: _listed(entry.people) for label, entry in table.items()},
    )


def load_reasons(path: Path) -> Vocabulary:
    """Read the table of reasons for no job (``data/sectors/no_job.toml``).

    Raises:
        ConfigurationError: It is missing or does not have that form.
    """
    table = _table(path, _Reason)
    if set(table) != set(NO_JOB_REASONS):
        raise ConfigurationError(f"{path}: the reasons must be {', '.join(NO_JOB_REASONS)}")
    return Vocabulary({label: dict.fromkeys(_listed(table[label].phrases), 1.0) for label in table})


def load_texts(paths: Iterable[Path], key: str = "sector") -> list[TrainingText]:
    """Read labelled sentences: JSON lines with ``text`` and the label under ``key``.

    Raises:
        ConfigurationError: A line does not have that form.
    """
    texts = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                texts.append(TrainingText(str(record["text"]), str(record[key])))
            except (ValueError, KeyError, TypeError) as error:
                reason = f"no labelled sentence ({type(error).__name__})"
                raise ConfigurationError(f"{path}:{number}: {reason}") from None
    return texts


def _table(path: Path, kind: type[_Entry]) -> dict[str, _Entry]:
    try:
        with path.open("rb") as file:
            return {
                label: kind.model_validate(entry) for label, entry in tomllib.load(file).items()
            }
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"{path}: {type(error).__name__}") from error


def _listed(text: str) -> list[str]:
    return [term for part in text.split(",") if (term := part.strip())]


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Cut the endings of plural and tense from a lower-case word; ``""`` for bare punctuation."""
    word = word.replace("'", "")
    if not word.isalpha() or len(word) <= 3:
        return word if word.isalnum() else ""
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) >= 3 and any(c in "aeiouy" for c in rest):
            word = rest
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _stems(text: str) -> list[str]:
    """Give the stems of a text that is no call: a term, a sentence, a summary."""
    tokens = tokenize(Transcript((Turn(Speaker.UNKNOWN, text),)))
    return [found for word in tokens.lower if (found := stem(word))]


def _grams(stems: Sequence[str]) -> list[str]:
    return [*stems, *map(" ".join, pairwise(stems))]


# Pieces that tell of a wish or of a visit to be made are counted once more, apart.
_CUES = {
    "wish": "need want looking help fix repair replace install quote estimate price problem issue "
    "broke broken stopped quit won't doesn't wrong happening",
    "visit": "send crew tech technician guy somebody someone schedule appointment partner estimate "
    "come coming look available opening soonest morning afternoon tomorrow book booked",
}
_KINDS = (
    *(f"{who}_{when}" for who in ("caller", "agent") for when in ("early", "mid", "late")),
    "machine",
    *_CUES,
)
_KIND = {kind: column for column, kind in enumerate(_KINDS)}
_MACHINE = _KIND["machine"]
_CALLER = [_KIND[kind] for kind in _KINDS if kind.startswith("caller")]
_CUE_KINDS = {
    cue: kind for kind, words in _CUES.items() for cue in (stem(word) for word in words.split())
}
_GREETINGS = frozenset({"thank call", "can help", "may help", "how can", "how may"})
_PIECE_LENGTH = 30


@dataclass(frozen=True, slots=True)
class _Piece:
    """Tokens ``[first, last)`` of one turn: their stems, and which kinds of piece it is.

    A greeting is of no kind and counts for nothing.
    """

    first: int
    last: int
    stems: list[str]
    grams: list[str]
    kinds: frozenset[int]


def _pieces(tokens: Tokens) -> list[_Piece]:
    """Cut a call into turns, long turns into stretches, and tell the kinds of each."""
    company = [
        found
        for word in (tokens.transcript.metadata.company_name or "").lower().split()
        if (found := stem(word))
    ]
    pieces: list[_Piece] = []
    heard_caller = False
    total = max(len(tokens), 1)
    for turn, (begin, end) in enumerate(tokens.bounds):
        speaker = tokens.transcript.turns[turn].speaker
        for first in range(begin, end, _PIECE_LENGTH):
            last = min(first + _PIECE_LENGTH, end)
            stems = [found for word in tokens.lower[first:last] if (found := stem(word))]
            stems = _without_company(stems, company)
            grams = _grams(stems)
            position = first / total
            when = "early" if position < 0.35 else "mid" if position < 0.7 else "late"
            agent = speaker is Speaker.AGENT
            kinds: set[int] = set()
            if speaker is Speaker.SYSTEM:
                kinds.add(_MACHINE)
            elif heard_caller or not (agent or (turn == 0 and not _GREETINGS.isdisjoint(grams))):
                kinds.add(_KIND[f"{'agent' if agent else 'caller'}_{when}"])
                kinds.update(
                    _KIND[kind] for word in stems if (kind := _CUE_KINDS.get(word)) is not None
                )
                heard_caller |= not agent
            pieces.append(_Piece(first, last, stems, grams, frozenset(kinds)))
    return pieces


def _without_company(stems: list[str], company: list[str]) -> list[str]:
    """Drop the company's name, which would name a trade wherever it is said."""
    size = len(company)
    if size < 2 or company[0] not in stems:
        return stems
    kept, at = [], 0
    while at < len(stems):
        if stems[at : at + size] == company:
            at += size
        else:
            kept.append(stems[at])
            at += 1
    return kept


@dataclass(frozen=True, slots=True)
class _Scores:
    """What each piece tells about each label: arrays of shape ``(pieces, labels)``.

    Attributes:
        words: Scores of the linear model of words.
        terms: Shares of terms, at most 2.
        people: How many terms name who does the work.
        length: By which a call's word scores are to be divided.
    """

    words: Floats
    terms: Floats
    people: Floats
    length: float

    def of_first(self, labels: int) -> _Scores:
        """Give the scores of the first labels alone."""
        return _Scores(
            self.words[:, :labels], self.terms[:, :labels], self.people[:, :labels], self.length
        )


class _Evidence:
    """What the words of a piece tell about each label: a linear model of words, and a term list."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        labels: Sequence[str],
        rows: Mapping[str, int],
        weights: NDArray[np.float32],
        idf: NDArray[np.float32],
    ) -> None:
        self.vocabulary = vocabulary
        self.labels = tuple(labels)
        self.rows = dict(rows)
        self.weights = weights
        self.idf = idf
        self._terms, self._heads = _compiled_terms(vocabulary, self.labels)

    @classmethod
    def fit(cls, vocabulary: Vocabulary, texts: Sequence[tuple[list[str], str, float]]) -> Self:
        """Fit the linear model to texts (stems, label, weight) and to the terms themselves.

        The terms are texts of one term each: a strong hint where sentences are few.
        """
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        labels = list(dict.fromkeys([*vocabulary.labels, *(label for _, label, _ in texts)]))
        documents = [(_grams(stems), label, weight) for stems, label, weight in texts]
        counts = Counter(gram for grams, _, _ in documents for gram in set(grams))
        kept = {gram for gram, count in counts.items() if count >= 2}
        for label, terms in vocabulary.terms.items():
            for term, weight in terms.items():
                grams = _grams(_stems(term))
                documents.append((grams, label, weight / 2))
                kept.update(grams)
        rows = {gram: row for row, gram in enumerate(sorted(kept))}
        idf = np.array(
            [math.log((len(texts) + 2) / (1 + max(counts[gram], 1))) for gram in rows],
            dtype=np.float32,
        )
        matrix = _matrix([grams for grams, _, _ in documents], rows, idf)
        index = {label: column for column, label in enumerate(labels)}
        targets = np.array([index[label] for _, label, _ in documents])
        sample = np.array([weight for _, _, weight in documents])
        sample *= sample.sum() / len(labels) / np.bincount(targets, sample)[targets]
        model = LogisticRegression(C=3.0, max_iter=30, tol=1e-3)
        model.fit(matrix, targets, sample)
        weights = model.coef_ - model.coef_.mean(axis=0)
        return cls(vocabulary, labels, rows, weights.T.astype(np.float32), idf)

    def score(self, pieces: Sequence[_Piece]) -> _Scores:
        """Score the pieces of a call.

        A word said often counts little more: a call that says "furnace" ten times is
        hardly more about it.
        """
        import numpy as np

        terms, people = np.zeros((2, len(pieces), len(self.labels)))
        rows: list[int] = []
        ends = [0]
        find = self.rows.get
        for position, piece in enumerate(pieces):
            rows += [row for row in map(find, piece.grams) if row is not None]
            ends.append(len(rows))
            for claim in self._claims(piece.stems):
                for column, share, is_person in claim:
                    terms[position, column] += share
                    people[position, column] += is_person
        spoken = np.array(rows, dtype=np.intp)
        times = np.bincount(spoken, minlength=1)[spoken] if rows else np.ones(0)
        weighed = self.idf[spoken] * (1.0 + np.log(times)) / times
        summed = np.zeros((len(rows) + 1, len(self.labels)))
        np.cumsum(weighed[:, None] * self.weights[spoken], axis=0, out=summed[1:])
        words: Floats = np.diff(summed[ends], axis=0)
        length = math.sqrt(1.0 + float(weighed @ weighed))
        return _Scores(words, np.minimum(terms, 2.0), people, length)

    def _claims(self, stems: Sequence[str]) -> Iterator[list[_Claim]]:
        """Yield what is claimed by each term, of overlapping ones by the longest."""
        heads = self._heads
        free = 0
        for at, word in enumerate(stems):
            if at < free or word not in heads:
                continue
            for length in range(min(heads[word], len(stems) - at), 0, -1):
                found = self._terms.get(" ".join(stems[at : at + length]))
                if found is not None:
                    yield found
                    free = at + length
                    break


_Claim = tuple[int, float, bool]


def _compiled_terms(
    vocabulary: Vocabulary, labels: Sequence[str]
) -> tuple[dict[str, list[_Claim]], dict[str, int]]:
    """Give term → (label, share, names people), and first word → length of its longest term."""
    claims: dict[str, dict[int, float]] = {}
    people: set[tuple[str, int]] = set()
    heads: dict[str, int] = {}
    for label, terms in vocabulary.terms.items():
        column = labels.index(label)
        named = set(vocabulary.people.get(label, ()))
        for term, weight in terms.items():
            stems = _stems(term)
            if not stems:
                continue
            written = " ".join(stems)
            claim = claims.setdefault(written, {})
            claim[column] = max(claim.get(column, 0.0), weight)
            heads[stems[0]] = max(heads.get(stems[0], 0), len(stems))
            if term in named:
                people.add((written, column))
    compiled = {
        written: [
            (column, weight * weight / sum(claim.values()), (written, column) in people)
            for column, weight in claim.items()
        ]
        for written, claim in claims.items()
    }
    return compiled, heads


def _matrix(
    documents: Sequence[Sequence[str]], rows: Mapping[str, int], idf: NDArray[np.float32]
) -> Any:
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    where: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for position, grams in enumerate(documents):
        for gram, count in Counter(gram for gram in grams if gram in rows).items():
            where.append(position)
            columns.append(rows[gram])
            values.append(math.log1p(count) * float(idf[rows[gram]]))
    shape = (len(documents), len(rows))
    return normalize(csr_matrix((np.array(values), (where, columns)), shape=shape))


def _membership(pieces: Sequence[_Piece]) -> Floats:
    """Give 1 where a piece is of a kind: ``(kinds, pieces)``."""
    import numpy as np

    member = np.zeros((len(_KINDS), len(pieces)))
    for position, piece in enumerate(pieces):
        member[list(piece.kinds), position] = 1.0
    return member


def _features(pieces: Sequence[_Piece], scores: _Scores) -> Floats:
    """Describe each label by what the pieces of each kind say for it: ``(labels, features)``."""
    import numpy as np

    member = _membership(pieces)
    counted = member.max(axis=0, initial=0.0) @ scores.terms
    columns = [
        *(member @ scores.words / scores.length),
        *np.log1p(member @ scores.terms),
        *np.log1p(member @ scores.people),
        counted / (counted.sum() + 1.0),
    ]
    features = np.stack(columns, axis=1)
    centred: Floats = features - features.mean(axis=0)
    return centred


FEATURE_NAMES = (
    *(f"words_{kind}" for kind in _KINDS),
    *(f"terms_{kind}" for kind in _KINDS),
    *(f"people_{kind}" for kind in _KINDS),
    "term_share",
)
"""What ``NeedClassifier`` weighs for each label, in the order of its weights."""


def _fit_shared_weights(features: Floats, targets: NDArray[np.int64], penalty: float) -> Floats:
    """Fit one weight a feature, shared by all labels (a conditional logit).

    Args:
        features: ``(calls, labels, features)``.
        targets: The right label of each call.
        penalty: Ridge penalty, in units of standardised features.
    """
    import numpy as np
    from scipy.optimize import minimize

    scale = features.std(axis=(0, 1)) + 1e-6
    scaled = features / scale
    right = np.arange(len(targets)), targets

    def loss(weights: Floats) -> tuple[float, Floats]:
        chances = _softmax(scaled @ weights)
        value = -np.log(chances[right] + 1e-12).sum() + 0.5 * penalty * (weights**2).sum()
        chances[right] -= 1.0
        gradient = np.einsum("nk,nkp->p", chances, scaled) + penalty * weights
        return float(value), gradient

    start = np.zeros(features.shape[2])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    weights: Floats = found.x / scale
    return weights


def _softmax(scores: Floats) -> Floats:
    import numpy as np

    grown: Floats = np.exp(scores - scores.max(axis=-1, keepdims=True))
    grown /= grown.sum(axis=-1, keepdims=True)
    return grown


_JOB = "job"
_JOB_FEATURES = (
    *(f"no_job_words_{kind}" for kind in _KINDS),
    "no_job_words_opening",
    "no_job_words_all",
    "no_job_words_one_reason",
    "no_job_words_strongest_piece",
    "no_job_terms",
    "no_job_terms_one_reason",
    "trade_terms",
    "trade_terms_opening",
    "trade_pieces",
    "trade_share",
    "trade_people",
    "sector_probability",
    "sector_margin",
    "words_log",
    "turns_log",
    "caller_share",
    "system_share",
)


def _job_features(tokens: Tokens, reading: _Reading, chances: Floats) -> Floats:
    """Tell what speaks for a job and against, in the order of ``_JOB_FEATURES``."""
    import numpy as np

    pieces, trades, refusals = reading.pieces, reading.sectors, reading.reasons
    reasons = len(NO_JOB_REASONS)
    member = _membership(pieces)
    spoken = member.max(axis=0, initial=0.0)
    caller = member[_CALLER].max(axis=0, initial=0.0)
    opening = np.array([piece.last <= max(0.4 * len(tokens), 60) for piece in pieces])
    opening = opening * caller
    margins = refusals.words[:, :reasons] - refusals.words[:, [reasons]]
    against = margins.max(axis=1)
    hints = refusals.terms[:, :reasons].sum(axis=0)
    trade = spoken @ trades.terms
    best = int(trade.argmax())
    ordered = np.sort(chances)
    speakers = [turn.speaker for turn in tokens.transcript.turns]
    return np.array(
        [
            *(member @ against / refusals.length),
            opening @ against / refusals.length,
            spoken @ against / refusals.length,
            margins.sum(axis=0).max() / refusals.length,
            against.max(initial=0.0),
            math.log1p(hints.sum()),
            math.log1p(hints.max()),
            math.log1p(trade.sum()),
            math.log1p((opening @ trades.terms).sum()),
            math.log1p(spoken @ (trades.terms[:, best] >= 0.5)),
            trade[best] / (trade.sum() + 1.0),
            math.log1p(trades.people.sum()),
            ordered[-1],
            ordered[-1] - ordered[-2],
            math.log1p(len(tokens)),
            math.log1p(len(speakers)),
            caller.mean() if pieces else 0.0,
            speakers.count(Speaker.SYSTEM) / len(speakers),
        ]
    )


class NeedClassifier:
    """Tells what work a call asks for, or that it asks for none.

    Made by ``train_need`` or ``NeedClassifier.load``.
    """

    def __init__(
        self,
        sectors: _Evidence,
        reasons: _Evidence,
        weights: Mapping[str, Floats],
        job_at: float,
        scores: Mapping[str, Any] | None = None,
    ) -> None:
        self._sectors = sectors
        self._reasons = reasons
        self._weights = dict(weights)
        self.job_at = job_at
        self.scores = dict(scores or {})

    @property
    def labels(self) -> tuple[str, ...]:
        """The sectors."""
        return self._sectors.labels

    def classify(self, tokens: Tokens) -> Need:
        """Tell the need of a call."""
        reading = _Reading.of(tokens, self._sectors, self._reasons)
        chances = self._chances(reading)
        order = chances.argsort()[::-1]
        best = int(order[0])
        is_job_probability = self._job_probability(tokens, reading, chances)
        is_job = is_job_probability >= self.job_at
        reason = None
        if not is_job:
            told = reading.reason_features @ self._weights["reason"]
            reason = NO_JOB_REASONS[int(told.argmax())]
        return Need(
            is_job_probability=is_job_probability,
            is_job=is_job,
            no_job_reason=reason,
            sector=self.labels[best],
            probability=float(chances[best]),
            others=self._others(reading, chances) if is_job else (),
            runners_up=tuple((self.labels[i], float(chances[i])) for i in order[1:4]),
            evidence=self._evidence(tokens, reading, best, reason),
        )

    def sector_probabilities(self, tokens: Tokens) -> dict[str, float]:
        """Give every sector's probability, given that the call is a job; they sum to 1."""
        reading = _Reading.of(tokens, self._sectors, self._reasons)
        chances = self._chances(reading)
        return dict(zip(self.labels, map(float, chances), strict=True))

    def _chances(self, reading: _Reading) -> Floats:
        return _softmax(reading.sector_features @ self._weights["sector"])

    def _job_probability(self, tokens: Tokens, reading: _Reading, chances: Floats) -> float:
        features = _job_features(tokens, reading, chances)
        return float(_logistic(features, self._weights["job"]))

    def _others(self, reading: _Reading, chances: Floats) -> tuple[tuple[str, float], ...]:
        best = int(chances.argmax())
        found = _logistic(_other_features(reading, chances), self._weights["other"])
        return tuple(
            (self.labels[label], float(found[label]))
            for label in found.argsort()[::-1]
            if label != best and found[label] >= _OTHER_AT
        )

    def _evidence(
        self, tokens: Tokens, reading: _Reading, best: int, reason: str | None
    ) -> tuple[Span, ...]:
        if reason is None:
            words, terms = reading.sectors.words[:, best], reading.sectors.terms[:, best]
        else:
            column = NO_JOB_REASONS.index(reason)
            words, terms = reading.reasons.words[:, column], reading.reasons.terms[:, column]
        strength = words / reading.sectors.length + terms
        strongest = float(strength.max(initial=0.0))
        chosen = sorted(
            position
            for position in strength.argsort()[::-1][:3]
            if strength[position] > max(0.4 * strongest, 0.0) and reading.pieces[position].kinds
        )
        return tuple(
            tokens.span(reading.pieces[position].first, reading.pieces[position].last)
            for position in chosen
        )

    def save(self, folder: Path, *, training_data: Mapping[str, str] | None = None) -> None:
        """Write the model folder.

        Args:
            folder: Made where it does not exist.
            training_data: File → SHA-256 of what it was trained on.
        """
        arrays: dict[str, Any] = {f"weights_{name}": value for name, value in self._weights.items()}
        extra: dict[str, Any] = {}
        for name, evidence in (("sectors", self._sectors), ("reasons", self._reasons)):
            arrays[f"{name}_weights"] = evidence.weights
            arrays[f"{name}_idf"] = evidence.idf
            extra[name] = {
                "labels": list(evidence.labels),
                "terms": {label: dict(terms) for label, terms in evidence.vocabulary.terms.items()},
                "people": {
                    label: list(named) for label, named in evidence.vocabulary.people.items()
                },
                "rows": list(evidence.rows),
            }
        info = ModelInfo(
            name="sector",
            features=list(FEATURE_NAMES),
            operating_point={"job_at": self.job_at, "how": _OPERATING_POINT},
            scores=self.scores,
            versions=versions(),
            training_data=dict(training_data or {}),
            extra=extra,
        )
        save_model(folder, arrays, info, _card(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the model folder.

        Raises:
            ModelError: It is missing, damaged, or not of this version.
        """
        arrays, info = load_model(folder)
        if info.features != list(FEATURE_NAMES):
            raise ModelError(f"{folder} was trained with other features: train it again")
        try:
            evidence = {
                name: _Evidence(
                    Vocabulary(info.extra[name]["terms"], info.extra[name]["people"]),
                    info.extra[name]["labels"],
                    {gram: row for row, gram in enumerate(info.extra[name]["rows"])},
                    arrays[f"{name}_weights"],
                    arrays[f"{name}_idf"],
                )
                for name in ("sectors", "reasons")
            }
            weights = {name: arrays[f"weights_{name}"] for name in _WEIGHTS}
            job_at = float(info.operating_point["job_at"])
        except KeyError as error:
            raise ModelError(f"{folder} lacks {error.args[0]}") from None
        return cls(evidence["sectors"], evidence["reasons"], weights, job_at, info.scores)


_WEIGHTS = ("sector", "reason", "job", "other")
_OTHER_AT = 0.2
_MISSED_JOB_COST = 2.0
_JOB_AT = 1.0 / (1.0 + _MISSED_JOB_COST)
_OPERATING_POINT = (
    f"A job that is missed is taken to cost {_MISSED_JOB_COST:g} times a non-job that a person is "
    "shown. With calibrated probabilities the cost is least when a call is treated as no job only "
    f"below a probability of {_JOB_AT:.2f} of being one."
)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A call as the weights see it: its pieces, their scores, and each label's features."""

    pieces: list[_Piece]
    sectors: _Scores
    reasons: _Scores
    sector_features: Floats
    reason_features: Floats

    @classmethod
    def of(cls, tokens: Tokens, sectors: _Evidence, reasons: _Evidence) -> Self:
        pieces = _pieces(tokens)
        # A recording offers every trade of the house ("for heating press one"): no need is told.
        told = [
            _Piece(piece.first, piece.last, [], [], piece.kinds)
            if _MACHINE in piece.kinds
            else piece
            for piece in pieces
        ]
        trades, refusals = sectors.score(told), reasons.score(pieces)
        return cls(
            pieces,
            trades,
            refusals,
            _features(told, trades),
            _features(pieces, refusals.of_first(len(NO_JOB_REASONS))),
        )


def _logistic(features: Floats, weights: Floats) -> Floats:
    """Apply rows of ``weights``: means, scales, coefficients; the intercept ends the last."""
    import numpy as np

    means, scales, coefficients = weights[:3, :-1]
    scores = (features - means) / scales @ coefficients + weights[2, -1]
    chances: Floats = 1.0 / (1.0 + np.exp(-scores))
    return chances


def _fit_logistic(features: Floats, targets: NDArray[np.bool_], strength: float) -> Floats:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    means, scales = features.mean(axis=0), features.std(axis=0) + 1e-6
    model = LogisticRegression(C=strength, max_iter=500)
    model.fit((features - means) / scales, targets)
    weights = np.zeros((3, features.shape[1] + 1))
    weights[:, :-1] = means, scales, model.coef_[0]
    weights[2, -1] = model.intercept_[0]
    return weights


def _other_features(reading: _Reading, chances: Floats) -> Floats:
    """Describe each label as a further need: its features, and how likely it is the first."""
    import numpy as np

    best = int(chances.argmax())
    terms = reading.sectors.terms
    alone = (terms >= 0.5) & (terms[:, [best]] < 0.3)
    columns = [
        np.log(chances + 1e-6),
        np.log1p(alone.sum(axis=0)),
        terms.max(axis=0, initial=0.0),
        terms.sum(axis=0) / (terms[:, best].sum() + 1.0),
    ]
    return np.concatenate([reading.sector_features, np.stack(columns, axis=1)], axis=1)


def train_need(
    calls: Sequence[GoldCall],
    sentences: Sequence[TrainingText],
    no_job_texts: Sequence[TrainingText],
    sectors: Vocabulary,
    reasons: Vocabulary,
    *,
    folds: int = 5,
) -> NeedClassifier:
    """Train on labelled calls, sentences and term lists.

    The shared weights are fitted on what evidence says of calls it was not fitted on.

    Args:
        calls: Labelled calls; their reference summaries are read as sentences of their sector.
        sentences: Problem descriptions, labelled with their sector.
        no_job_texts: What is said in calls for no work, labelled with the reason.
        sectors: Terms of each sector.
        reasons: Terms of each reason.
        folds: Into how many parts the calls are cut for that.

    Raises:
        ConfigurationError: A label is none of the sectors' or reasons', or there is no call of
            either kind.
    """
    import numpy as np

    _check_labels(sentences, sectors)
    _check_labels(no_job_texts, reasons)
    if {call.is_job for call in calls} < {True, False}:
        raise ConfigurationError("training needs calls that are jobs and calls that are none")
    described = [(_stems(text.text), text.label, 0.5) for text in sentences]
    refused = [(_stems(text.text), text.label, 1.0) for text in no_job_texts]
    wanted = [(stems, _JOB, weight) for stems, _, weight in described]

    def evidence_of(group: Sequence[GoldCall]) -> tuple[_Evidence, _Evidence]:
        summaries = [
            (_stems(call.gold["summary"]), str(call.gold["sector"]), 1.0)
            for call in group
            if call.is_job and call.gold.get("summary")
        ]
        # Whole calls teach how refusals sound; as texts of a sector they would drown its terms.
        spoken = [
            (words, label, 0.3 if call.is_job else 1.0)
            for call in group
            if (label := _JOB if call.is_job else no_job_reason(call)) is not None
            and (words := _spoken(call))
        ]
        return (
            _Evidence.fit(sectors, [*described, *summaries]),
            _Evidence.fit(reasons, [*refused, *wanted, *spoken]),
        )

    readings: list[tuple[GoldCall, Tokens, _Reading]] = []
    for known, unseen in cross_validation_splits(calls, folds):
        if unseen:
            evidence = evidence_of(known)
            for call in unseen:
                tokens = tokenize(call.transcript)
                readings.append((call, tokens, _Reading.of(tokens, *evidence)))
    jobs = [(call, reading) for call, _, reading in readings if call.is_job]
    labels = {label: column for column, label in enumerate(sectors.labels)}
    weights = {
        "sector": _fit_shared_weights(
            np.stack([reading.sector_features for _, reading in jobs]),
            np.array([labels[call.gold["sector"]] for call, _ in jobs]),
            penalty=15.0,
        )
    }
    chances = [_softmax(reading.sector_features @ weights["sector"]) for *_, reading in readings]
    told = [
        (reading, NO_JOB_REASONS.index(reason))
        for call, _, reading in readings
        if (reason := no_job_reason(call)) is not None
    ]
    weights["reason"] = _fit_shared_weights(
        np.stack([reading.reason_features for reading, _ in told]),
        np.array([column for _, column in told]),
        penalty=10.0,
    )
    described_calls = np.stack(
        [
            _job_features(tokens, reading, chance)
            for (_, tokens, reading), chance in zip(readings, chances, strict=True)
        ]
    )
    is_job = np.array([bool(call.is_job) for call, *_ in readings])
    weights["job"] = _fit_logistic(described_calls, is_job, strength=0.3)
    weights["other"] = _fit_others(readings, chances, labels)
    return NeedClassifier(*evidence_of(calls), weights, _JOB_AT)


def _spoken(call: GoldCall) -> list[str]:
    pieces = _pieces(tokenize(call.transcript))
    return [word for piece in pieces if piece.kinds for word in piece.stems]


def _check_labels(texts: Sequence[TrainingText], vocabulary: Vocabulary) -> None:
    unknown = sorted({text.label for text in texts} - set(vocabulary.labels))
    if unknown:
        raise ConfigurationError(f"unknown labels in training sentences: {', '.join(unknown)}")


def _fit_others(
    readings: Sequence[tuple[GoldCall, Tokens, _Reading]],
    chances: Sequence[Floats],
    labels: Mapping[str, int],
) -> Floats:
    import numpy as np

    rows, targets = [], []
    for (call, _, reading), chance in zip(readings, chances, strict=True):
        if not call.is_job:
            continue
        features = _other_features(reading, chance)
        wanted = {labels[label] for label in call.gold.get("other_sectors") or ()}
        best = int(chance.argmax())
        for label in range(len(labels)):
            if label != best:
                rows.append(features[label])
                targets.append(label in wanted)
    return _fit_logistic(np.array(rows), np.array(targets), strength=0.1)


def no_job_reason(call: GoldCall) -> str | None:
    """Give a labelled call's reason for no job; None for jobs and where it is not known."""
    if call.is_job:
        return None
    return _REASON_OF_TRAIT.get(call.traits.get("non_job_reason") or "")


_REASON_OF_TRAIT = {
    "wrong number": "wrong_number",
    "sales solicitation to the company": "sales_call",
    "job applicant": "applicant",
    "supplier or inspector calling for the office manager": "supplier",
    "billing dispute about finished work": "billing",
    "asking only about the status of a technician on the way": "status",
    "wants to cancel or reschedule an existing appointment": "cancel_or_move",
    "caller hangs up or line drops before any need is clear": "hang_up",
    "automated robocall or voicemail greeting": "voicemail",
    "asks only opening hours or service area and declines to book": "declined",
}


def cross_validate(
    calls: Sequence[GoldCall],
    sentences: Sequence[TrainingText],
    no_job_texts: Sequence[TrainingText],
    sectors: Vocabulary,
    reasons: Vocabulary,
    *,
    folds: int = 5,
) -> dict[str, Need]:
    """Give each call's need as told by a classifier that was not trained on it, by call id."""
    found: dict[str, Need] = {}
    for known, unseen in cross_validation_splits(calls, folds):
        classifier = train_need(known, sentences, no_job_texts, sectors, reasons)
        for call in unseen:
            found[call.call_id] = classifier.classify(tokenize(call.transcript))
    return found


def score_needs(calls: Sequence[GoldCall], needs: Mapping[str, Need]) -> dict[str, float | int]:
    """Score needs (by call id) against the labels.

    Returns:
        ``sector_accuracy`` over the jobs, ``is_job_accuracy`` over all calls (cut-off calls count
        as right), ``jobs_missed`` and ``non_jobs_shown``, ``reason_accuracy`` over the calls
        rightly told to be none, and ``calibration_error``, the mean distance of the sector's
        probability from its share right in ten equal bins.
    """
    jobs = [call for call in calls if call.is_job]
    right = [needs[call.call_id].sector == call.gold["sector"] for call in jobs]
    missed = sum(not needs[call.call_id].is_job for call in jobs)
    shown = sum(needs[call.call_id].is_job for call in calls if call.is_job is False)
    told = [
        needs[call.call_id].no_job_reason == reason
        for call in calls
        if (reason := no_job_reason(call)) is not None and not needs[call.call_id].is_job
    ]
    bins: dict[int, list[tuple[float, bool]]] = {}
    for call, hit in zip(jobs, right, strict=True):
        probability = needs[call.call_id].probability
        bins.setdefault(min(int(probability * 10), 9), []).append((probability, hit))
    gap = sum(abs(sum(chance - hit for chance, hit in members)) for members in bins.values())
    return {
        "calls": len(calls),
        "jobs": len(jobs),
        "sector_accuracy": round(sum(right) / max(len(right), 1), 4),
        "is_job_accuracy": round(1 - (missed + shown) / max(len(calls), 1), 4),
        "jobs_missed": missed,
        "non_jobs_shown": shown,
        "reason_accuracy": round(sum(told) / max(len(told), 1), 4),
        "calibration_error": round(gap / max(len(jobs), 1), 4),
    }


def _card(classifier: NeedClassifier) -> str:
    scores = "\n".join(f"| {name} | {value} |" for name, value in classifier.scores.items())
    table = f"| figure | cross-validated |\n| --- | --- |\n{scores}\n" if scores else ""
    return f"""# sector

Tells the work a call asks for ({len(classifier.labels)} sectors), further needs, and whether it
asks for any work at all ({len(NO_JOB_REASONS)} reasons for none).

**How.** A linear model of words and word pairs, trained on sentences in callers' words, reference
summaries and the term lists of `data/sectors`, scores each turn; shared weights (a conditional
logit, fitted on calls those scores had not seen) say how much a turn counts by who speaks, when,
and what cues it holds. The company's name and greeting count for nothing.

**Operating point.** {_OPERATING_POINT}

**Limits.** English of the United States; speakers are told apart upstream. A job whose words all
belong to another trade (an animal's damage, a wrong guess at the cause) is the usual error.

{table}"""
