"""Whose name a word is, judged by how it was said: ``NameTagger``.

A linear model over the words around a word, who says it, what was asked before and whether lists
of names or of English words know it. The word itself is no feature, so that a name nobody has
heard before is tagged by its place in the talk.
"""

from __future__ import annotations

import gzip
import random
import unicodedata
import warnings
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradecall.model_store import ModelInfo, load_model, save_model, versions
from tradecall.spoken_letters import LetterRun, find_letter_runs
from tradecall.tokens import Tokens, tokenize
from tradecall.transcript import Speaker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradecall.dataset import GoldCall


class Role(IntEnum):
    """Whose name, and which, a word is; the columns of ``NameTagger.probabilities``."""

    NONE = 0
    HOMEOWNER_FIRST = 1
    HOMEOWNER_LAST = 2
    AGENT_FIRST = 3
    AGENT_LAST = 4


@dataclass(frozen=True, slots=True)
class NameEvidence:
    """How common a word is as a first name, as a last name and in English text: 0 (not) to 9."""

    first: int
    last: int
    word: int


_UNKNOWN_WORD = NameEvidence(0, 0, 0)


@lru_cache(maxsize=1)
def name_evidence() -> Mapping[str, NameEvidence]:
    """Read the list that ships with the package (folded words)."""
    packed = files("tradecall").joinpath("lexicons/name_evidence.txt.gz").read_bytes()
    shared = {
        f"{first}{last}{word}": NameEvidence(first, last, word)
        for first in range(10)
        for last in range(10)
        for word in range(10)
    }
    lines = gzip.decompress(packed).decode("ascii").splitlines()
    return {word: shared[levels] for word, _, levels in (line.partition(" ") for line in lines)}


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Give the letters a–z of ``text`` alone: without case, accents, marks and spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
    return "".join(char for char in text.lower() if "a" <= char <= "z")


@dataclass(frozen=True)
class Units:
    """A call as words and spelled runs: parallel lists, one entry a unit; punctuation is none.

    Attributes:
        first: First token.
        last: The token after the last.
        key: Folded letters; "" for numbers.
        run: The letter run that the unit is, else None.
        turn: Index of the turn.
        bounds: For each turn, its first unit and the one after its last.
        pause: Whether punctuation follows that parts phrases.
    """

    tokens: Tokens
    first: list[int]
    last: list[int]
    key: list[str]
    run: list[LetterRun | None]
    turn: list[int]
    bounds: list[tuple[int, int]]
    pause: list[bool]

    def __len__(self) -> int:
        return len(self.key)

    def speaker(self, unit: int) -> Speaker:
        """Give who says a unit."""
        return self.tokens.transcript.turns[self.turn[unit]].speaker


def cut_units(tokens: Tokens, letters: Sequence[LetterRun]) -> Units:
    """Give a call's words in order, each spelled run as one."""
    runs = {run.first: run for run in letters}
    units = Units(tokens, [], [], [], [], [], [], [])
    lower = tokens.lower
    for turn, (at, end) in enumerate(tokens.bounds):
        start = len(units.key)
        while at < end:
            run = runs.get(at)
            if run is not None:
                key, last = fold(run.text), run.last
            else:
                last = at + 1
                key = fold(lower[at])
                while key and _is_hyphened(tokens, last, end) and last + 1 not in runs:
                    key += fold(lower[last + 1])
                    last += 2
                if not key and not lower[at][0].isalnum():
                    if len(units.key) > start and lower[at] in ",.?!;:…...":
                        units.pause[-1] = True
                    at += 1
                    continue
            units.first.append(at)
            units.last.append(last)
            units.key.append(key)
            units.run.append(run)
            units.turn.append(turn)
            units.pause.append(False)
            at = last
        units.bounds.append((start, len(units.key)))
    return units


def _is_hyphened(tokens: Tokens, at: int, end: int) -> bool:
    """Tell whether token ``at`` is a hyphen with a word right before and right after it."""
    return (
        at + 1 < end
        and tokens.lower[at] == "-"
        and tokens.start[at] == tokens.end[at - 1]
        and tokens.start[at + 1] == tokens.end[at]
        and tokens.lower[at + 1].isalpha()
    )


# Word classes, from "said in every other call" to "on no list": what the model sees of a name.
_COMMON, _SOME, _RARE, _UNKNOWN, _LISTED, _FIRST, _LAST, _SPELLED, _NUMBER = range(9)
_CONTEXT = 4
_ASKED = 10
_BITS = 17
_SEEN = 3
_TITLES = frozenset("mr mister mrs missus mizz ms miss".split())


def word_class(levels: NameEvidence, calls: int) -> int:
    """Say what kind of word it is, from the lists and from how many training calls say it."""
    first, last, word = levels.first, levels.last, levels.word
    listed = max(first, last)
    if calls >= 25 and listed < 3:
        return _COMMON
    if listed >= 3 and listed + 1 >= word and calls < 60:
        return _FIRST if first > last else _LAST
    if listed >= 2 and calls < 60:
        return _LISTED
    if calls >= 8:
        return _COMMON
    if calls >= 2 or word >= 4:
        return _SOME
    return _RARE if word else _UNKNOWN


def _stamp(text: str) -> int:
    return zlib.crc32(text.encode()) or 1


_BEGIN, _END, _BREAK = _stamp("<begin>"), _stamp("<end>"), _stamp("<break>")
_CLASS_STAMPS = [_stamp(f"<class {number}>") for number in range(9)]
_ROLE = {Speaker.AGENT: 1, Speaker.CALLER: 2, Speaker.OTHER: 3, Speaker.SYSTEM: 4}


class NameTagger:
    """Tells homeowner's and agent's names from all other words of a call."""

    def __init__(self, vocabulary: Mapping[str, int], coefficients: NDArray[Any]) -> None:
        """Take folded word → number of training calls that say it, and the weights.

        Args:
            vocabulary: Names of the calls' people are not counted in.
            coefficients: Shape ``(2 ** 17 + 1, 5)``; the last row is the intercept.
        """
        self._vocabulary = dict(vocabulary)
        self._coefficients = coefficients
        self._judged: tuple[Tokens, Units, NDArray[Any]] | None = None
        self._words: dict[str, tuple[int, int, NameEvidence]] = {}

    def probabilities(self, units: Units) -> NDArray[Any]:
        """Give P(role) of each unit: shape ``(len(units), 5)``, columns as in ``Role``.

        Units that can hardly be a name (numbers, words said in most calls) are NONE for sure.
        """
        import numpy as np

        result = np.zeros((len(units), len(Role)))
        result[:, Role.NONE] = 1.0
        rows, indices = self.features(units)
        if not len(rows):
            return result
        logits = self._coefficients[indices].sum(axis=1) + self._coefficients[-1]
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        result[rows] = odds / odds.sum(axis=1, keepdims=True)
        return result

    def judge(self, tokens: Tokens, letters: Sequence[LetterRun]) -> tuple[Units, NDArray[Any]]:
        """Give a call's units and their probabilities; asked again for it, without work."""
        judged = self._judged
        if judged is None or judged[0] is not tokens:
            units = cut_units(tokens, letters)
            judged = self._judged = (tokens, units, self.probabilities(units))
        return judged[1], judged[2]

    def word(self, key: str) -> tuple[int, int, NameEvidence]:
        """Give a folded word's (stamp as context, class, evidence)."""
        known = self._words.get(key)
        if known is None:
            levels = name_evidence().get(key, _UNKNOWN_WORD)
            calls = self._vocabulary.get(key, 0)
            kind = word_class(levels, calls)
            stamp = _stamp(key) if calls >= 5 else _CLASS_STAMPS[kind]
            known = (stamp, kind, levels)
            # A long-running process must not collect every word it ever heard.
            if len(self._words) < 50_000:
                self._words[key] = known
        return known

    def features(
        self,
        units: Units,
        *,
        own: Set[str] | None = None,
        disguised: Mapping[str, NameEvidence] | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Give the units worth judging and their features' columns.

        Args:
            units: The call.
            own: In training, what the call itself added to the vocabulary; it is taken off.
            disguised: In training, names to be seen as if the lists said this of them.

        Returns:
            Indices of units, and an array of columns, one row for each of them.
        """
        import numpy as np

        count = len(units)
        stamps = np.zeros(count, dtype=np.uint64)
        classes = np.zeros(count, dtype=np.int64)
        levels = np.zeros((count, 3), dtype=np.int64)
        calls = np.zeros(count, dtype=np.int64)
        said: dict[str, list[int]] = {}
        spelled: dict[str, int] = {}
        vocabulary = self._vocabulary
        hidden = disguised or {}
        taken = own or frozenset()
        for unit, key in enumerate(units.key):
            run = units.run[unit]
            if run is None and not key:
                stamps[unit], classes[unit] = _CLASS_STAMPS[_NUMBER], _NUMBER
                continue
            if key in hidden:
                evidence, heard = hidden[key], 0
                kind = word_class(evidence, 0)
                stamp = _CLASS_STAMPS[kind]
            elif key in taken:
                evidence, heard = name_evidence().get(key, _UNKNOWN_WORD), vocabulary[key] - 1
                kind = word_class(evidence, heard)
                stamp = _stamp(key) if heard >= 5 else _CLASS_STAMPS[kind]
            else:
                stamp, kind, evidence = self.word(key)
                heard = vocabulary.get(key, 0)
            if run is not None:
                stamp, kind = _CLASS_STAMPS[_SPELLED], _SPELLED
                spelled[key] = spelled.get(key, 0) | (
                    1 if units.speaker(unit) == Speaker.AGENT else 2
                )
            stamps[unit], classes[unit], calls[unit] = stamp, kind, heard
            levels[unit] = evidence.first, evidence.last, evidence.word
            if key:
                said.setdefault(key, []).append(unit)
        return _columns(units, stamps, classes, levels, calls, said, spelled)

    def save(self, folder: Path, *, training_data: Mapping[str, str] | None = None) -> None:
        """Write the model folder."""
        import numpy as np

        info = ModelInfo(
            name="names",
            versions=versions(),
            training_data=dict(training_data or {}),
            extra={"vocabulary": self._vocabulary},
        )
        save_model(folder, {"coefficients": np.asarray(self._coefficients)}, info, _CARD)

    @classmethod
    def load(cls, folder: Path) -> NameTagger:
        """Read what ``save`` wrote.

        Raises:
            ModelError: As ``model_store.load_model``.
        """
        estimators, info = load_model(folder)
        return cls(info.extra["vocabulary"], estimators["coefficients"])


def _columns(
    units: Units,
    stamps: NDArray[np.uint64],
    classes: NDArray[np.int64],
    levels: NDArray[np.int64],
    calls: NDArray[np.int64],
    said: Mapping[str, Sequence[int]],
    spelled: Mapping[str, int],
) -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    tokens = units.tokens
    transcript = tokens.transcript
    cased = _is_cased(transcript.text)
    company = {fold(part) for part in (transcript.metadata.company_name or "").split()}
    turns = transcript.turns
    roles = [_ROLE.get(turn.speaker, 0) for turn in turns]
    continued = _continued(units)
    continues = {before: turn for turn, before in enumerate(continued) if before is not None}
    asks = asked_kinds(units, continued)
    asked = _asked_before(units, stamps, continued)

    elsewhere = _elsewhere(units, classes, asks, said)
    nth = {unit: number for places in said.values() for number, unit in enumerate(places)}
    agents = {
        key: sum(roles[units.turn[unit]] == 1 for unit in places) for key, places in said.items()
    }
    rows: list[int] = []
    facts: list[list[int]] = []
    windows: list[list[int]] = []
    questions: list[list[int]] = []
    padded = stamps.tolist()
    for turn, (first, last) in enumerate(units.bounds):
        length = last - first
        if not length:
            continue
        role = roles[turn]
        question, previous, following = asked[turn]
        line = [
            *_before(units, padded, continued[turn]),
            *padded[first:last],
            *_after(units, padded, continues.get(turn)),
        ]
        for unit in range(first, last):
            kind = int(classes[unit])
            if kind == _NUMBER or len(units.key[unit]) < 2:
                continue
            place = unit - first
            if kind == _COMMON and not (
                (asks[turn] and length <= 6)
                or (place and units.key[unit - 1] in _TITLES)
                or (place and units.key[unit - 1] in {"name", "named"})
                or (unit + 1 < last and units.run[unit + 1] is not None)
            ):
                continue
            key = units.key[unit]
            by_agent = agents[key]
            by_other = len(said[key]) - by_agent
            next_run = units.run[unit + 1] if unit + 1 < last else None
            nearness = _nearness(key, units.key[unit + 1]) if next_run is not None else 0
            run = units.run[unit]
            capital = tokens.text[units.first[unit]][:1].isupper()
            starts = place == 0 or units.pause[unit - 1]
            form = 0 if not cased else 1 + 2 * capital + starts
            rows.append(unit)
            facts.append(
                [
                    kind,
                    role,
                    int(levels[unit, 0]),
                    int(levels[unit, 1]),
                    int(levels[unit, 2]),
                    int(calls[unit]).bit_length(),
                    form,
                    min(turn, 6) if turn < 6 else 6 + min((turn - 6) // 8, 4),
                    min(place, 4),
                    min(last - 1 - unit, 4),
                    min(length.bit_length(), 5),
                    min(by_agent, 3),
                    min(by_other, 3),
                    min(nth[unit], 2),
                    2 if key in company else 1 if any(map(key.startswith, company)) else 0,
                    nearness,
                    spelled.get(key, 0),
                    0 if run is None else min(run.letters, 8) + 10 * bool(run.as_in),
                    (key in previous) + 2 * (key in following),
                    units.pause[unit] + 2 * (place > 0 and units.pause[unit - 1]),
                    asks[turn],
                    elsewhere[key],
                ]
            )
            windows.append(line[place : place + 2 * _CONTEXT + 1])
            questions.append(question)
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.int64)
    fact = np.array(facts, dtype=np.uint64)
    window = np.array(windows, dtype=np.uint64)
    question_ = np.array(questions, dtype=np.uint64)
    return np.array(rows), _hashed(fact, window, question_)


_NUMBERS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve oh zero hundred fifty twenty "
    "thirty forty sixty seventy eighty ninety fifteen thousand ate for too won".split()
)


def _elsewhere(
    units: Units, classes: NDArray[np.int64], asks: Sequence[int], said: Mapping[str, Sequence[int]]
) -> dict[str, int]:
    """Give what is true of any place where a word is said, as bits.

    1: after a title; 2: after a number, as street names are; 4: in the short answer to a question
    for a name; 8: before "at" or "dot".
    """
    bits = {}
    for key, places in said.items():
        found = 0
        if classes[places[0]] != _COMMON:
            for unit in places:
                first, last = units.bounds[units.turn[unit]]
                if unit > first:
                    before = units.key[unit - 1]
                    found |= (before in _TITLES) | 2 * (not before or before in _NUMBERS)
                if unit + 1 < last and units.key[unit + 1] in {"at", "dot"}:
                    found |= 8
                if asks[units.turn[unit]] and last - first <= 8:
                    found |= 4
        bits[key] = found
    return bits


def _hashed(
    fact: NDArray[np.uint64], window: NDArray[np.uint64], question: NDArray[np.uint64]
) -> NDArray[Any]:
    """Give each row's columns: single facts, words around, words asked, and chosen pairs."""
    import numpy as np

    (kind, role, first, last, word, calls, form, turn, place, left, length, agent, other) = (
        fact[:, column] for column in range(13)
    )
    (nth, company, nearness, spelled, run, echoed, pauses, asks, elsewhere) = (
        fact[:, column] for column in range(13, 22)
    )
    at = {offset: window[:, offset + _CONTEXT] for offset in range(-_CONTEXT, _CONTEXT + 1)}
    crossed: list[tuple[NDArray[np.uint64], ...]] = [
        (kind, role),
        (kind, first),
        (kind, last),
        (first, last),
        (first, word),
        (last, word),
        (calls, kind),
        (form, kind),
        (form, role),
        (turn, role),
        (turn, role, kind),
        (place, left, role),
        (place, length, role),
        (asks, place, left),
        (asks, kind),
        (agent, other, kind),
        (agent, other, role),
        (nth, role),
        (company, role),
        (company, turn),
        (nearness,),
        (nearness, role),
        (spelled, kind),
        (spelled, role),
        (run, role),
        (run, asks),
        (echoed, role),
        (echoed, kind),
        (pauses, kind),
        (elsewhere, role),
        (elsewhere, kind),
        (elsewhere, run),
        (at[-1], at[1]),
        (at[-2], at[-1], role),
        (at[1], at[2], role),
        (at[-3], at[-2], at[-1]),
        (at[-1], kind),
        (at[1], kind),
        (at[-1], first),
        (at[-1], last),
        (at[-1], turn),
        (at[-2], at[-1], at[1]),
        (at[-1], asks),
        (at[1], at[2], at[3]),
        (at[1], asks),
    ]
    for offset in range(-_CONTEXT, _CONTEXT + 1):
        if offset:
            crossed.append((at[offset], role))
    for slot in range(question.shape[1]):
        # Where in the question a word stands does not matter, so all share a template.
        crossed.append((question[:, slot], role))
        crossed.append((question[:, slot], place, length))
    shared = len(crossed) - 2 * question.shape[1]
    columns = np.empty((len(fact), len(crossed)), dtype=np.int64)
    for number, parts in enumerate(crossed):
        template = number if number < shared else shared + (number - shared) % 2
        code = np.full(len(fact), 0x9E3779B97F4A7C15 * (template + 1) % 2**64, dtype=np.uint64)
        for part in parts:
            code = (code ^ part) * np.uint64(0xFF51AFD7ED558CCD)
            code ^= code >> np.uint64(29)
        columns[:, number] = (code >> np.uint64(64 - _BITS)).astype(np.int64)
    return columns


_BACKCHANNELS = frozenset(
    "mm hm mhm uh huh um okay ok yeah yes yep right alright sure got it go ahead ma'am sir maam "
    "gotcha all".split()
)


def _continued(units: Units) -> list[int | None]:
    """Give for each turn the one that it continues after the other's "mm hm", or None."""
    turns = units.tokens.transcript.turns
    result: list[int | None] = []
    for turn, (first, last) in enumerate(units.bounds):
        before: int | None = None
        if turn and turns[turn - 1].speaker == turns[turn].speaker:
            before = turn - 1
        elif turn > 1 and turns[turn - 2].speaker == turns[turn].speaker and first < last:
            start, end = units.bounds[turn - 1]
            if end - start <= 3 and _BACKCHANNELS.issuperset(units.key[start:end]):
                before = turn - 2
        result.append(before)
    return result


def _before(units: Units, stamps: list[int], turn: int | None) -> list[int]:
    if turn is None:
        return [_BEGIN] * _CONTEXT
    first, last = units.bounds[turn]
    words = stamps[max(first, last - _CONTEXT + 1) : last]
    return [_BEGIN] * (_CONTEXT - 1 - len(words)) + words + [_BREAK]


def _after(units: Units, stamps: list[int], turn: int | None) -> list[int]:
    if turn is None:
        return [_END] * _CONTEXT
    first, last = units.bounds[turn]
    words = stamps[first : min(last, first + _CONTEXT - 1)]
    return [_BREAK] + words + [_END] * (_CONTEXT - 1 - len(words))


def asked_kinds(units: Units, continued: Sequence[int | None] | None = None) -> list[int]:
    """Give for each turn what the other speaker asked before it: 0 for nothing about a name.

    Else the sum of 1 (a name), 2 (the first), 4 (the last) and 8 (its spelling).
    """
    asks: list[int] = []
    for turn, earlier in enumerate(_continued(units) if continued is None else continued):
        if earlier is not None:
            asks.append(asks[earlier])
        elif not turn:
            asks.append(0)
        else:
            first, last = units.bounds[turn - 1]
            asks.append(_question_kind(units.key[max(first, last - 14) : last]))
    return asks


def _asked_before(
    units: Units, stamps: NDArray[np.uint64], continued: Sequence[int | None]
) -> list[tuple[list[int], frozenset[str], frozenset[str]]]:
    """Give what was said around each turn.

    That is the stamps of the last words of the other speaker's turn before it, and the keys of
    the turns before and after.
    """
    keys = [frozenset(units.key[first:last]) for first, last in units.bounds]
    nothing: frozenset[str] = frozenset()
    around: list[tuple[list[int], frozenset[str], frozenset[str]]] = []
    for turn, earlier in enumerate(continued):
        if earlier is not None:
            question = around[earlier][0]
        elif turn:
            first, last = units.bounds[turn - 1]
            question = stamps[max(first, last - _ASKED) : last].tolist()
            question += [0] * (_ASKED - len(question))
        else:
            question = [0] * _ASKED
        before = keys[turn - 1] if turn else nothing
        after = keys[turn + 1] if turn + 1 < len(keys) else nothing
        around.append((question, before, after))
    return around


def _question_kind(words: Sequence[str]) -> int:
    """Give 0 for no talk of names; else which are spoken of: bits for first, last and spelling."""
    kind = 0
    for word in words:
        if word in {"name", "names", "surname", "whos", "who", "whose"}:
            kind |= 1
        elif word == "first":
            kind |= 2
        elif word in {"last", "surname"}:
            kind |= 4
        elif word in {"spell", "spelled", "spelling"}:
            kind |= 8
    if words and words[-1] in {"first", "last"}:
        kind |= 1
    return kind if kind & 9 else 0


def _nearness(one: str, other: str) -> int:
    """Give how alike a word and the letters spelled after it are: 0 (not) to 3 (the same)."""
    if one == other:
        return 3
    if other.startswith(one) or one.startswith(other):
        return 2
    return int(one[:1] == other[:1])


@lru_cache(maxsize=64)
def _is_cased(text: str) -> bool:
    capitals = sum(map(str.isupper, text))
    return capitals * 40 > len(text)


def train_names(calls: Sequence[GoldCall], seed: int = 0) -> NameTagger:
    """Fit on labelled calls; a few hundred take some seconds.

    For features of calls that a later model is trained on, use a tagger that has not seen them:
    train one for each fold on the other folds, and let each judge its own.
    """
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    prepared = []
    vocabulary: Counter[str] = Counter()
    for call in calls:
        tokens = tokenize(call.transcript)
        units = cut_units(tokens, find_letter_runs(tokens))
        labels = label_units(units, call.gold)
        said = zip(units.key, labels, units.run, strict=True)
        own = {key for key, label, run in said if key and label == Role.NONE and run is None}
        vocabulary.update(own)
        prepared.append((units, labels, own))
    tagger = NameTagger(vocabulary, np.zeros((2**_BITS + 1, len(Role))))
    blocks, targets = [], []
    chance = random.Random(seed)
    for units, labels, own in prepared:
        for disguised in ({}, _disguise(units, labels, chance)):
            rows, columns = tagger.features(units, own=own, disguised=disguised)
            target = np.array(labels)[rows]
            kept = target >= 0
            blocks.append(columns[kept])
            targets.append(target[kept])
    columns = np.concatenate(blocks)
    kept_columns = np.flatnonzero(np.bincount(columns.ravel(), minlength=2**_BITS) >= _SEEN)
    place = np.full(2**_BITS, -1)
    place[kept_columns] = np.arange(len(kept_columns))
    placed = place[columns]
    seen = placed >= 0
    matrix = csr_matrix(
        (
            np.ones(np.count_nonzero(seen)),
            placed[seen],
            np.concatenate([[0], np.cumsum(seen.sum(axis=1))]),
        ),
        shape=(len(columns), len(kept_columns)),
    )
    matrix.sum_duplicates()
    model = LogisticRegression(C=0.1, max_iter=40, random_state=seed)
    with warnings.catch_warnings():
        # Stopped early on purpose: more steps take longer and tag unseen calls no better.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix, np.concatenate(targets))
    weights = np.zeros((2**_BITS + 1, len(Role)), dtype=np.float32)
    weights[np.ix_(kept_columns, model.classes_)] = model.coef_.T
    weights[-1] = -30.0
    weights[-1, model.classes_] = model.intercept_
    return NameTagger({key: n for key, n in vocabulary.items() if n > 1}, weights)


def _disguise(
    units: Units, labels: Sequence[int], chance: random.Random
) -> dict[str, NameEvidence]:
    """Let most of a call's names be on no list, so that the talk around them must tell."""
    disguised: dict[str, NameEvidence] = {}
    for key, label in zip(units.key, labels, strict=True):
        if label > Role.NONE and key not in disguised:
            if chance.random() < 0.7:
                disguised[key] = _UNKNOWN_WORD
            elif label in (Role.HOMEOWNER_FIRST, Role.AGENT_FIRST):
                disguised[key] = NameEvidence(chance.randrange(2, 8), chance.randrange(8), 0)
            else:
                disguised[key] = NameEvidence(chance.randrange(8), chance.randrange(2, 8), 0)
    return disguised


def label_units(units: Units, gold: Mapping[str, Any]) -> list[int]:
    """Say which units are (parts of) the gold names, spelled ones included; -1 is a bad example."""
    agent = gold.get("agent") or {}
    names = [
        (Role.AGENT_LAST, agent.get("last_name")),
        (Role.AGENT_FIRST, agent.get("first_name")),
        (Role.HOMEOWNER_LAST, gold["homeowner"].get("last_name")),
        (Role.HOMEOWNER_FIRST, gold["homeowner"].get("first_name")),
    ]
    roles: dict[str, Role] = {}
    whole: list[tuple[str, Role]] = []
    for role, name in names:
        if name:
            parts = [fold(part) for part in name.replace("-", " ").split()]
            roles.update((part, role) for part in parts if len(part) > 1)
            roles[fold(name)] = role
            if role in (Role.HOMEOWNER_FIRST, Role.HOMEOWNER_LAST):
                whole.append((fold(name), role))
    labels: list[int] = []
    for key, run in zip(units.key, units.run, strict=True):
        label: int = roles.get(key, Role.NONE)
        if label == Role.NONE and key.endswith("s") and key[:-1] in roles:
            label = -1
        if label == Role.NONE and run is not None and len(key) > 1:
            label = next((role for name, role in whole if key in name), Role.NONE)
        labels.append(label)
    return labels


_CARD = """# names

Tells which words of a call are the homeowner's or the agent's names, from the words around them.

- **Takes** words and spelled runs of one call; **gives** a probability for each of: none,
  homeowner's first and last name, agent's first and last name.
- **Model**: multinomial logistic regression over hashed context features (131,072 columns).
  A word's own letters are no feature: only whether lists know it and how many training calls
  say it.
- **Trained on** the labelled calls of `data/`, by `tradecall train`.
- **Limits**: American English calls; words of a training call that are names in another call are
  judged by context alone.
"""
