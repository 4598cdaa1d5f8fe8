"""``UrgencyModel``: emergency, urgent or routine, with the words that say so.

Takes a call's tokens, the sector and the wished time; gives an ``Urgency``. Phrases that speak for
or against haste stand in ``data/needs/urgency_cues.toml`` in groups; a logistic regression weighs
how often each group is heard from caller and agent, what the visit's time says, and the trade.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradecall.errors import ConfigurationError, ModelError
from tradecall.model_store import ModelInfo, load_model, save_model, versions
from tradecall.preferred_time import find_preferred_time
from tradecall.tokens import tokenize
from tradecall.transcript import Span, Speaker

if TYPE_CHECKING:
    from tradecall.dataset import GoldCall
    from tradecall.preferred_time import PreferredTime
    from tradecall.tokens import Tokens

LABELS = ("emergency", "urgent", "routine")
_SHORTEST_PREFIX, _LONGEST_PREFIX = 2, 12
_EVIDENCE = 5
_TIME_WORDS = {
    "today": "today", "tonight": "tonight", "evening": "tonight", "tomorrow": "tomorrow",
    "monday": "weekday", "tuesday": "weekday", "wednesday": "weekday", "thursday": "weekday",
    "friday": "weekday", "saturday": "weekday", "sunday": "weekday", "week": "week",
    "weekend": "week", "month": "week", "afternoon": "afternoon", "morning": "morning",
    "mornings": "any", "any": "any", "anytime": "any", "whenever": "any", "weekday": "any",
    "before": "before", "by": "before", "after": "after", "early": "early",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Urgency:
    """How soon somebody must come.

    Attributes:
        label: ``emergency`` (danger or damage now), ``urgent`` (a day or two) or ``routine``.
        probability: Of the label.
        evidence: The phrases that spoke most for the label, in call order.
    """

    label: str
    probability: float
    evidence: tuple[Span, ...]


_Heads = dict[str, list[tuple[tuple[str, ...], str]]]


class CuePhrases:
    """Groups of phrases, arranged so that one walk over a call finds them all."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        """Arrange the phrases.

        Args:
            groups: Group → phrases in lower case without apostrophes; a word ending in ``*``
                stands for every word that begins so.
        """
        self.groups = {group: list(phrases) for group, phrases in groups.items()}
        self._whole: _Heads = {}
        self._begun: _Heads = {}
        for group, phrases in self.groups.items():
            for phrase in phrases:
                head, *rest = phrase.split()
                heads = self._begun if head.endswith("*") else self._whole
                heads.setdefault(head.rstrip("*"), []).append((tuple(rest), group))

    @classmethod
    def from_file(cls, path: Path) -> CuePhrases:
        """Read a TOML file with one table a group, its list under ``phrases``.

        Raises:
            ConfigurationError: It cannot be read as that.
        """
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls({group: table["phrases"] for group, table in tables.items()})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{path}: {type(error).__name__}") from error

    def find(self, tokens: Tokens) -> Iterator[tuple[str, int, int]]:
        """Yield (group, first token, token after the last) for each phrase heard."""
        for first, last in tokens.bounds:
            words, places = _folded(tokens, first, last)
            for index, word in enumerate(words):
                options = self._whole.get(word, ())
                for length in range(_SHORTEST_PREFIX, min(len(word), _LONGEST_PREFIX) + 1):
                    begun = self._begun.get(word[:length])
                    if begun:
                        options = [*options, *begun]
                for rest, group in options:
                    end = index + 1 + len(rest)
                    if end <= len(words) and all(map(_fits, rest, words[index + 1 : end])):
                        yield group, places[index], places[end - 1] + 1


def _folded(tokens: Tokens, first: int, last: int) -> tuple[list[str], list[int]]:
    """Give a turn's words without apostrophes, "heat" + "'s" as one, and where they stand."""
    words: list[str] = []
    places: list[int] = []
    for token in range(first, last):
        word = tokens.lower[token]
        if word == "'s" and words:
            words[-1] += "s"
        elif word[0].isalnum():
            words.append(word.replace("'", ""))
            places.append(token)
    return words, places


def _fits(wanted: str, word: str) -> bool:
    return word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted


class UrgencyModel:
    """Weighs what was heard; the label is the likeliest."""

    def __init__(self, cues: CuePhrases, weights: Mapping[str, Sequence[float]]) -> None:
        """Keep what was learned: feature → one weight for each of ``LABELS``."""
        self.cues = cues
        self.weights = {name: tuple(row) for name, row in weights.items()}

    def predict(
        self, tokens: Tokens, sector: str | None, preferred: PreferredTime | None = None
    ) -> Urgency:
        """Say how soon somebody must come.

        Args:
            tokens: The call.
            sector: The work needed, None where it is unknown.
            preferred: What ``find_preferred_time`` found in the same call.
        """
        heard = list(self.cues.find(tokens))
        scores = [0.0, 0.0, 0.0]
        for name, value in _features(tokens, heard, sector, preferred).items():
            row = self.weights.get(name)
            if row is not None:
                scores = [score + value * weight for score, weight in zip(scores, row, strict=True)]
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        best = powers.index(max(powers))
        return Urgency(
            LABELS[best], powers[best] / sum(powers), self._evidence(tokens, heard, best)
        )

    def _evidence(
        self, tokens: Tokens, heard: Sequence[tuple[str, int, int]], label: int
    ) -> tuple[Span, ...]:
        weighed = []
        for group, first, last in heard:
            row = self.weights.get(f"{_side(tokens, first)} {group}")
            if row is not None and row[label] > 0:
                weighed.append((-row[label], tokens.span(first, last)))
        return tuple(sorted({span for _, span in sorted(weighed)[:_EVIDENCE]}))

    def save(self, folder: Path, *, training_data: Mapping[str, str], calls: int = 0) -> None:
        """Write the model folder; ``training_data`` maps file to SHA-256."""
        import numpy as np

        names = list(self.weights)
        info = ModelInfo(
            name=folder.name,
            features=names,
            versions=versions(),
            training_data=dict(training_data),
            scores={"calls": calls},
            extra={"cues": self.cues.groups},
        )
        save_model(
            folder, {"weights": np.array([self.weights[name] for name in names])}, info, _CARD
        )

    @classmethod
    def load(cls, folder: Path) -> UrgencyModel:
        """Read a model folder.

        Raises:
            ModelError: It is missing, damaged, or not of this kind.
        """
        estimators, info = load_model(folder)
        try:
            rows: Any = estimators["weights"]
            weights = dict(zip(info.features, rows.tolist(), strict=True))
            return cls(CuePhrases(info.extra["cues"]), weights)
        except (KeyError, ValueError, AttributeError) as error:
            raise ModelError(f"{folder} is no urgency model ({type(error).__name__})") from error


_CARD = """# Urgency

Multinomial logistic regression over groups of cue phrases (data/needs/urgency_cues.toml), the
wished time and the sector: `emergency` (danger or damage now), `urgent` (within a day or two),
`routine`.

The borders are soft: two careful readers of the training calls agree on 83 % of them. Trained on
English calls to home-services companies in the United States; no calibration beyond the fit itself.
"""


def _side(tokens: Tokens, token: int) -> str:
    return "agent" if tokens.speaker(token) is Speaker.AGENT else "caller"


def _features(
    tokens: Tokens,
    heard: Sequence[tuple[str, int, int]],
    sector: str | None,
    preferred: PreferredTime | None,
) -> dict[str, float]:
    counts = Counter(f"{_side(tokens, first)} {group}" for group, first, _ in heard)
    features = {name: math.log1p(count) for name, count in counts.items()}
    features["bias"] = 1.0
    if sector is not None:
        features[f"sector {sector}"] = 1.0
    late = {word for word in tokens.lower[len(tokens) * 2 // 3 :] if word in _TIME_WORDS}
    features.update({f"late {_TIME_WORDS[word]}": 1.0 for word in late})
    if preferred is None:
        features["time none"] = 1.0
    else:
        said = preferred.text.lower().replace(",", "").split()
        features.update({f"time {_TIME_WORDS[word]}": 1.0 for word in said if word in _TIME_WORDS})
    return features


def train_urgency(
    calls: Sequence[GoldCall], cues: CuePhrases, *, strength: float = 1.0
) -> UrgencyModel:
    """Learn the weights from labelled jobs.

    Args:
        calls: Labelled calls; those without work are passed over.
        cues: The phrase groups.
        strength: Inverse of the regularisation.
    """
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    rows, labels = [], []
    for call in calls:
        if call.is_job:
            tokens = tokenize(call.transcript)
            heard = list(cues.find(tokens))
            rows.append(_features(tokens, heard, call.gold["sector"], find_preferred_time(tokens)))
            labels.append(call.gold["urgency"])
    vectorizer = DictVectorizer()
    model = LogisticRegression(C=strength, max_iter=3000, fit_intercept=False)
    model.fit(vectorizer.fit_transform(rows), labels)
    order = [list(model.classes_).index(label) for label in LABELS]
    weights = {
        name: [round(float(model.coef_[row, column]), 4) for row in order]
        for column, name in enumerate(vectorizer.get_feature_names_out())
    }
    return UrgencyModel(cues, weights)
