"""``UrgencyModel``: emergency, urgent or routine, with the words that say so.

Takes a call's tokens, the sector and the wished time; gives an ``Urgency``. Phrases that speak for
or against haste stand in ``data/needs/urgency_cues.toml`` in groups, with a guess of how far each
group, trade and day of the visit leans. An ordinal logistic regression starts from these leanings
and weighs how often each group is heard from caller and agent.
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
_Lean = tuple[float, float]
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
_UNDECIDED: _Lean = (0.0, 0.0)


class CuePhrases:
    """Groups of phrases, arranged so that one walk over a call finds them all."""

    def __init__(
        self,
        groups: Mapping[str, Sequence[str]],
        leanings: Mapping[str, _Lean] | None = None,
        sectors: Mapping[str, float] | None = None,
        visits: Mapping[str, _Lean] | None = None,
    ) -> None:
        """Arrange the phrases.

        Args:
            groups: Group → phrases in lower case without apostrophes; a word ending in ``*``
                stands for every word that begins so.
            leanings: Group → how far it speaks for danger and for haste, before any is learned.
            sectors: Sector → how far its work is wont to be pressing.
            visits: Day of the visit (``tonight``, …, ``none``) → danger and haste.
        """
        self.groups = {group: list(phrases) for group, phrases in groups.items()}
        self.leanings = {group: _lean(pair) for group, pair in (leanings or {}).items()}
        self.sectors = dict(sectors or {})
        self.visits = {visit: _lean(pair) for visit, pair in (visits or {}).items()}
        self._whole: _Heads = {}
        self._begun: _Heads = {}
        for group, phrases in self.groups.items():
            for phrase in phrases:
                head, *rest = phrase.split()
                heads = self._begun if head.endswith("*") else self._whole
                heads.setdefault(head.rstrip("*"), []).append((tuple(rest), group))

    @classmethod
    def from_file(cls, path: Path) -> CuePhrases:
        """Read a TOML file: ``[cues.GROUP]`` tables, ``[sectors]`` and ``[visit]``.

        Raises:
            ConfigurationError: It cannot be read as that.
        """
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
            cues = tables["cues"]
            return cls(
                {group: table["phrases"] for group, table in cues.items()},
                {group: (table["danger"], table["haste"]) for group, table in cues.items()},
                tables["sectors"],
                tables["visit"],
            )
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


def _lean(pair: Sequence[float]) -> _Lean:
    danger, haste = pair
    return float(danger), float(haste)


class UrgencyModel:
    """Weighs what was heard; the label is the likeliest."""

    def __init__(self, cues: CuePhrases, weights: Mapping[str, Sequence[float]]) -> None:
        """Keep what was learned: feature → its weight for "at least urgent" and "emergency"."""
        self.cues = cues
        self.weights = {name: _lean(row) for name, row in weights.items()}

    def predict(
        self, tokens: Tokens, sector: str | None, preferred: PreferredTime | None = None
    ) -> Urgency:
        """Say how soon somebody must come.

        Args:
            tokens: The call.
            sector: The work needed, None where it is unknown.
            preferred: What ``find_preferred_time`` found in the same call.
        """
        heard = _heard(tokens, self.cues)
        soon = now = 0.0
        for name, value in _features(tokens, self.cues, heard, sector, preferred).items():
            weights = self.weights.get(name, _UNDECIDED)
            soon += value * weights[0]
            now += value * weights[1]
        pressing = _share(soon)
        danger = min(_share(now), pressing)
        shares = (danger, pressing - danger, 1 - pressing)
        best = shares.index(max(shares))
        return Urgency(LABELS[best], shares[best], self._evidence(tokens, heard, LABELS[best]))

    def _evidence(
        self, tokens: Tokens, heard: Sequence[tuple[str, int, int]], label: str
    ) -> tuple[Span, ...]:
        border = 1 if label == "emergency" else 0
        sign = -1 if label == "routine" else 1
        weighed = []
        for group, first, last in heard:
            pull = self.weights.get(f"{_side(tokens, first)} {group}", _UNDECIDED)[border]
            for name, lean in zip(
                _LEANINGS, self.cues.leanings.get(group, _UNDECIDED), strict=True
            ):
                pull += lean * _TRUST * self.weights.get(name, _UNDECIDED)[border]
            if sign * pull > 0:
                weighed.append((-sign * pull, tokens.span(first, last)))
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
            extra={
                "cues": self.cues.groups,
                "leanings": self.cues.leanings,
                "sectors": self.cues.sectors,
                "visits": self.cues.visits,
            },
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
            extra = info.extra
            cues = CuePhrases(extra["cues"], extra["leanings"], extra["sectors"], extra["visits"])
            return cls(cues, weights)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise ModelError(f"{folder} is no urgency model ({type(error).__name__})") from error


_CARD = """# Urgency

Ordinal logistic regression over groups of cue phrases (data/needs/urgency_cues.toml), the wished
time and the sector: `emergency` (danger or damage now), `urgent` (within a day or two), `routine`.
Written guesses of how far each group, sector and day leans are features of their own, so that what
few calls hold is not learned from nothing.

The borders are soft: two careful readers of the training calls agree on 83 % of them. Trained on
English calls to home-services companies in the United States; no calibration beyond the fit itself.
"""

# Leanings count twice, so that the penalty moves them less than the single groups.
_TRUST = 2.0
_MOST = 1.4
_LEANINGS = ("danger", "haste")
_DENIALS = frozenset("no nope nah not none".split())
_NEGATIONS = frozenset(
    "no not never isnt aint wasnt dont didnt doesnt havent hasnt without nothing nor".split()
)
_OWN_NEGATIONS = frozenset("no not wont cant isnt doesnt without dont aint nothing".split())


def _share(score: float) -> float:
    return 1 / (1 + math.exp(-score))


def _side(tokens: Tokens, token: int) -> str:
    return "agent" if tokens.speaker(token) is Speaker.AGENT else "caller"


def _heard(tokens: Tokens, cues: CuePhrases) -> list[tuple[str, int, int]]:
    """Find the cues that were meant: no greeting, no recording, nothing that was denied."""
    turns = tokens.transcript.turns
    greeting = next((n for n, turn in enumerate(turns) if turn.speaker is Speaker.AGENT), -1)
    meant = []
    for group, first, last in cues.find(tokens):
        turn = tokens.turn[first]
        speaker = turns[turn].speaker
        if speaker is Speaker.SYSTEM or turn == greeting:
            continue
        plain = [
            word.replace("'", "")
            for word in tokens.lower[max(tokens.bounds[turn][0], first - 3) : first + 1]
        ]
        if plain[-1] not in _OWN_NEGATIONS and not _NEGATIONS.isdisjoint(plain):
            continue
        # "any burning smell" - "no"
        if (
            speaker is Speaker.AGENT
            and turn + 1 < len(turns)
            and tokens.words(turn + 1)[:1]
            and tokens.words(turn + 1)[0] in _DENIALS
        ):
            continue
        meant.append((group, first, last))
    return meant


def _visit(preferred: PreferredTime | None) -> str:
    """Name the day of the visit as the cue file does."""
    if preferred is None:
        return "none"
    said = preferred.text.lower()
    for visit, words in _VISITS:
        if any(word in said for word in words):
            return visit
    return "other"


_VISITS = (
    ("tonight", ("tonight",)),
    ("today", ("today", "this afternoon", "this evening", "this morning", "this forenoon")),
    ("tomorrow", ("tomorrow",)),
    ("any", ("any", "whenever")),
    ("weekday", ("day",)),
)


def _features(
    tokens: Tokens,
    cues: CuePhrases,
    heard: Sequence[tuple[str, int, int]],
    sector: str | None,
    preferred: PreferredTime | None,
) -> dict[str, float]:
    counts = Counter(f"{_side(tokens, first)} {group}" for group, first, _ in heard)
    features = {name: math.log1p(count) for name, count in counts.items()}
    features["bias"] = _BIAS
    leanings = [0.0, 0.0]
    for group, count in Counter(group for group, _, _ in heard).items():
        strength = _TRUST * min(math.log1p(count), _MOST)
        for border, lean in enumerate(cues.leanings.get(group, _UNDECIDED)):
            leanings[border] += strength * lean
    features.update(zip(_LEANINGS, leanings, strict=True))
    if sector is not None:
        features[f"sector {sector}"] = 1.0
        features["sector leaning"] = _TRUST * cues.sectors.get(sector, 0.0)
    visit = _visit(preferred)
    features[f"visit {visit}"] = 1.0
    for name, lean in zip(_LEANINGS, cues.visits.get(visit, _UNDECIDED), strict=True):
        features[f"visit {name}"] = _TRUST * lean
    late = {word for word in tokens.lower[len(tokens) * 2 // 3 :] if word in _TIME_WORDS}
    features.update({f"late {_TIME_WORDS[word]}": 1.0 for word in late})
    if preferred is not None:
        said = preferred.text.lower().replace(",", "").split()
        features.update({f"time {_TIME_WORDS[word]}": 1.0 for word in said if word in _TIME_WORDS})
    return features


_BIAS = 3.0
_OWN = 1.0
_SECOND_READER = 0.5


def train_urgency(
    calls: Sequence[GoldCall],
    cues: CuePhrases,
    *,
    second_readings: Mapping[str, str] | None = None,
    strength: float = 0.2,
) -> UrgencyModel:
    """Learn the weights from labelled jobs.

    A feature has one weight for both borders (routine | urgent | emergency) and another of
    each border's own, which is what lets few calls do.

    Args:
        calls: Labelled calls; those without work are passed over.
        cues: The phrase groups.
        second_readings: Call id → another reader's label, which counts half.
        strength: Inverse of the regularisation.
    """
    import numpy as np
    from scipy.sparse import csr_matrix, hstack, vstack
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    rows, levels, importance = [], [], []
    for call in calls:
        if not call.is_job:
            continue
        tokens = tokenize(call.transcript)
        row = _features(
            tokens, cues, _heard(tokens, cues), call.gold["sector"], find_preferred_time(tokens)
        )
        other = (second_readings or {}).get(call.call_id)
        for label, weight in ((call.gold["urgency"], 1.0), (other, _SECOND_READER)):
            if label in _LEVELS:
                rows.append(row)
                levels.append(_LEVELS[label])
                importance.append(weight)
    vectorizer = DictVectorizer()
    seen = vectorizer.fit_transform(rows)
    nothing = csr_matrix(seen.shape)
    stacked = vstack(
        [hstack([seen, _OWN * seen, nothing]), hstack([seen, nothing, _OWN * seen])]
    ).tocsr()
    reached = np.array(levels)
    model = LogisticRegression(C=strength, max_iter=3000, fit_intercept=False)
    model.fit(
        stacked, np.concatenate([reached >= 1, reached >= 2]), sample_weight=importance + importance
    )
    shared, soon, now = np.split(model.coef_[0], 3)
    weights = {
        name: (round(float(at_least), 4), round(float(most), 4))
        for name, at_least, most in zip(
            vectorizer.get_feature_names_out(),
            shared + _OWN * soon,
            shared + _OWN * now,
            strict=True,
        )
    }
    return UrgencyModel(cues, weights)


_LEVELS = {"routine": 0, "urgent": 1, "emergency": 2}
