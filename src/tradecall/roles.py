"""Who is agent and who is caller, where the file says ``Speaker 1``, a name, or nothing.

A speaker's turns are pooled: what each word, and each pair of words, tells of its speaker adds up
over the call. Text without any speaker is parted where a change of speaker is likely.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradecall.errors import ModelError
from tradecall.formats.labels import is_phone_label, role_of_label
from tradecall.transcript import Speaker, Transcript, Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROLES = (Speaker.AGENT, Speaker.CALLER, Speaker.OTHER, Speaker.SYSTEM)
"""The roles that speakers are told apart as; the model's columns."""

_SIDES = (Speaker.AGENT, Speaker.CALLER)
# Speaker before and after a gap between two words, the columns of the change weights.
_STEPS = ((0, 0), (0, 1), (1, 0), (1, 1))
_WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*|[.?!,]")
_SPACED = re.compile(r"\S+")
_PLAIN = re.compile(r"[^a-z0-9' -]+")
# Words a line on average, above which a line is likely to hold several turns.
_LONG_LINE = 40
_NUMBERS = (
    "zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety hundred thousand double triple"
)
_NUMBER_WORDS = frozenset(_NUMBERS.split())
# A word is seen from the gaps around it, so that what each of them says of the side counts less.
_TONE = 0.3
# Changes are rare, and one that is missed puts a whole answer into the wrong mouth.
_EAGER = 0.5


def assign_roles(transcript: Transcript, model: RoleModel | None = None) -> Transcript:
    """Give every turn a role; turns whose role is known keep it.

    Roles are taken from the labels' words and from what came with the call (the agent's name, the
    caller id), then from what is said. Turns without a label may be cut into several. Without a
    model, what the labels do not say stays ``UNKNOWN``.
    """
    if all(turn.speaker is not Speaker.UNKNOWN for turn in transcript.turns):
        return transcript
    turns = tuple(_by_label(turn) for turn in transcript.turns)
    known = _roles_by_metadata(turns, transcript)
    if model is not None:
        known |= model.roles_of_labels(turns, known)
    turns = tuple(
        replace(turn, speaker=known.get(turn.label, Speaker.UNKNOWN))
        if turn.speaker is Speaker.UNKNOWN
        else turn
        for turn in turns
    )
    if model is not None:
        turns = tuple(model.part(turns))
        told = any(turn.label or turn.speaker is not Speaker.UNKNOWN for turn in transcript.turns)
        if not told and len({turn.speaker for turn in turns}) == 1:
            # A voice that speaks alone has left a message: there is no agent to ask it anything.
            turns = tuple(replace(turn, speaker=Speaker.CALLER) for turn in turns)
    return replace(transcript, turns=turns)


def _by_label(turn: Turn) -> Turn:
    if turn.speaker is not Speaker.UNKNOWN:
        return turn
    return replace(turn, speaker=role_of_label(turn.label))


def _roles_by_metadata(turns: Sequence[Turn], transcript: Transcript) -> dict[str | None, Speaker]:
    """Tell labels that are the caller's number or the agent's name."""
    labels = {turn.label for turn in turns if turn.label and turn.speaker is Speaker.UNKNOWN}
    phones = [label for label in labels if is_phone_label(label)]
    roles: dict[str | None, Speaker] = {}
    for label in phones:
        if len(phones) == 1 or _digits(label) == _digits(transcript.metadata.caller_id or ""):
            roles[label] = Speaker.CALLER
    agent = transcript.metadata.agent
    if agent is not None and agent.first_name:
        wanted = {agent.first_name.lower(), (agent.last_name or agent.first_name).lower()}
        named = [label for label in labels if wanted <= set(label.lower().split())]
        if len(named) == 1:
            roles[named[0]] = Speaker.AGENT
    return roles


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())[-10:]


@dataclass(frozen=True)
class LinearTable:
    """A linear model as a table: what each feature adds to each class.

    Attributes:
        rows: Feature → row of ``weights``.
        weights: Shape ``(len(rows), classes)``.
        bias: What every sample starts with.
    """

    rows: Mapping[str, int]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def log_probabilities(self, samples: Iterable[Iterable[str]]) -> NDArray[np.float64]:
        """Give the log-probability of each class for each sample's features, a row a sample."""
        import numpy as np

        found: list[int] = []
        owners: list[int] = []
        count = 0
        for features in samples:
            rows = [row for row in map(self.rows.get, features) if row is not None]
            found += rows
            owners += [count] * len(rows)
            count += 1
        scores = np.tile(self.bias.astype(np.float64), (count, 1))
        np.add.at(scores, owners, self.weights[found])
        result: NDArray[np.float64] = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return result


@dataclass(frozen=True)
class RoleModel:
    """What words tell of their speaker.

    Attributes:
        said: Turn → role, columns as ``ROLES``.
        change: Gap between two words → sides before and after it, columns as ``_STEPS``.
        shares: Share of each role among turns.
        scores: How it did on calls that it had not seen.
    """

    said: LinearTable
    change: LinearTable
    shares: tuple[float, ...]
    scores: Mapping[str, Any]

    def roles_of_labels(
        self, turns: Sequence[Turn], known: Mapping[str | None, Speaker]
    ) -> dict[str | None, Speaker]:
        """Give a role to each label whose turns have none.

        Where the labels are two or more, one is an agent and one a caller.
        """
        import numpy as np

        shares = np.log(np.array(self.shares))
        roles = dict(known)
        unknown: dict[str, list[list[str]]] = {}
        for position, turn in enumerate(turns):
            if turn.speaker is not Speaker.UNKNOWN:
                roles[turn.label] = turn.speaker
            elif turn.label and turn.label not in known:
                features = turn_features(turn.text, position)
                unknown.setdefault(turn.label, []).append(features)
        # The shares count once a speaker, not once a turn, or rare roles would never be found.
        evidence = {
            label: shares + (self.said.log_probabilities(samples) - shares).sum(axis=0)
            for label, samples in unknown.items()
        }
        found: dict[str | None, Speaker] = {
            label: ROLES[int(scores.argmax())] for label, scores in evidence.items()
        }
        if len(roles.keys() | found.keys()) > 1:
            _fill_sides(found, evidence, roles)
        return found

    def part(self, turns: Sequence[Turn]) -> Iterator[Turn]:
        """Yield the turns, those without label and role parted between agent and caller."""
        nameless = [turn for turn in turns if turn.speaker is Speaker.UNKNOWN]
        words = sum(turn.text.count(" ") + 1 for turn in nameless)
        if not nameless:
            yield from turns
        elif words > _LONG_LINE * len(nameless):
            for position, turn in enumerate(turns):
                unknown = turn.speaker is Speaker.UNKNOWN
                yield from self._cut(turn, opens=position == 0) if unknown else (turn,)
        else:
            sides = iter(self._sides_of_lines(nameless))
            for turn in turns:
                unknown = turn.speaker is Speaker.UNKNOWN
                yield replace(turn, speaker=next(sides)) if unknown else turn

    def _sides_of_lines(self, turns: Sequence[Turn]) -> list[Speaker]:
        """Give the likeliest sides where each line is one speaker's, and lines mostly alternate."""
        samples = [turn_features(turn.text, position) for position, turn in enumerate(turns)]
        said = self.said.log_probabilities(samples)[:, :2].tolist()
        stay, change = math.log(0.2), math.log(0.8)
        steps = [[[stay, change], [change, stay]]] * (len(said) - 1)
        return [_SIDES[side] for side in _best_path(said, steps)]

    def _cut(self, turn: Turn, *, opens: bool) -> Iterator[Turn]:
        """Yield the stretches of one long line, by side."""
        spans = [(match.start(), match.end()) for match in _SPACED.finditer(turn.text)]
        words = [turn.text[start:end] for start, end in spans]
        steps = []
        for pairs in self.change.log_probabilities(gap_features(words)).tolist():
            stays, changes = _log_sum(pairs[0], pairs[3]), _log_sum(pairs[1], pairs[2])
            toned = [_TONE * (pair - stays) + stays for pair in pairs]
            toned[1:3] = [_TONE * (pair - changes) + changes + _EAGER for pair in pairs[1:3]]
            steps.append([toned[:2], toned[2:]])
        # Whoever answers the telephone speaks first.
        first = [math.log(0.9), math.log(0.1)] if opens else [0.0, 0.0]
        sides = _best_path([first, *([[0.0, 0.0]] * (len(words) - 1))], steps)
        begun = 0
        for position in range(1, len(words) + 1):
            if position == len(words) or sides[position] != sides[begun]:
                text = turn.text[spans[begun][0] : spans[position - 1][1]]
                yield Turn(_SIDES[sides[begun]], text, turn.label, turn.start_s, turn.end_s)
                begun = position

    def save(self, folder: Path, *, training_data: Mapping[str, str]) -> None:
        """Write the model folder."""
        from tradecall.model_store import ModelInfo, save_model, versions

        info = ModelInfo(
            name=folder.name,
            scores=dict(self.scores),
            versions=versions(),
            training_data=dict(training_data),
            extra={
                "said": "\n".join(self.said.rows),
                "change": "\n".join(self.change.rows),
                "shares": list(self.shares),
            },
        )
        arrays = {
            "said_weights": self.said.weights.astype("float16"),
            "said_bias": self.said.bias,
            "change_weights": self.change.weights.astype("float16"),
            "change_bias": self.change.bias,
        }
        save_model(folder, arrays, info, _card(self.scores))

    @classmethod
    def load(cls, folder: Path) -> RoleModel:
        """Read the model folder.

        Raises:
            ModelError: It is missing, damaged, or its parts do not fit together.
        """
        from tradecall.model_store import load_model

        arrays, info = load_model(folder)
        try:
            tables = [
                LinearTable(
                    {feature: row for row, feature in enumerate(info.extra[name].split("\n"))},
                    arrays[f"{name}_weights"].astype("float32"),
                    arrays[f"{name}_bias"],
                )
                for name in ("said", "change")
            ]
            shares = tuple(info.extra["shares"])
        except (KeyError, AttributeError) as error:
            raise ModelError(f"{folder} lacks {error}") from None
        if any(len(table.rows) != len(table.weights) for table in tables):
            raise ModelError(f"{folder}: features and weights differ in number")
        return cls(tables[0], tables[1], shares, info.scores)


def _fill_sides(
    found: dict[str | None, Speaker],
    evidence: Mapping[str, NDArray[np.float64]],
    known: Mapping[str | None, Speaker],
) -> None:
    """Make one label the agent, or the caller, where none is: the one that it fits best."""
    for column, side in enumerate(_SIDES):
        if side in found.values() or side in known.values():
            continue
        # Two labels that both sound like one side: the one that does less so is the other.
        free = [
            label
            for label, role in found.items()
            if role not in _SIDES or list(found.values()).count(role) > 1 or role in known.values()
        ]
        if free:
            found[max(free, key=lambda label: _margin(evidence[label or ""], column))] = side


def _margin(scores: NDArray[np.float64], column: int) -> float:
    return float(scores[column] - scores.max())


def turn_features(text: str, position: int) -> list[str]:
    """Give words, pairs of words, ends, length and place of a turn, each once."""
    words = _WORD.findall(text.lower().replace("’", "'"))
    features = {*words, *map(" ".join, pairwise(words))}
    if words:
        features |= {f"^{words[0]}", f"{words[-1]}$"}
    features.add(f"#{min(len(words) // 4, 8)}")
    features.add(f"@{min(position, 3)}")
    return sorted(features)


def gap_features(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield features of each gap between two neighbours in ``words``: what stands around it."""
    plain = [_PLAIN.sub("", word.lower().replace("’", "'")) for word in words]
    kinds = ["", *map(_kind, plain), ""]
    ends = [word[-1] if word[-1] in ".?!," else "" for word in words]
    padded = ["", "", *plain, "", "", ""]
    for gap in range(1, len(words)):
        third, second, first, one, two, three = padded[gap - 1 : gap + 5]
        last = ends[gap - 1]
        upper = "A" if words[gap][0].isupper() else "a"
        yield [
            f"-1 {first}",
            f"-2 {second}",
            f"+1 {one}",
            f"+2 {two}",
            f"-12 {second} {first}",
            f"-123 {third} {second} {first}",
            f"+12 {one} {two}",
            f"+23 {two} {three}",
            f"+123 {one} {two} {three}",
            f"-1+1 {first}|{one}",
            f"kinds {kinds[gap - 1]} {kinds[gap]}|{kinds[gap + 1]}",
            f"kinds {kinds[gap]}|{kinds[gap + 1]} {kinds[gap + 2]}",
            f"end {last}{upper}",
            f"end {last} {one}",
        ]


def _kind(word: str) -> str:
    """Make all numbers one word, and all spelled letters: where they stand is what tells."""
    if word in _NUMBER_WORDS or any(char.isdecimal() for char in word):
        return "0"
    return "x" if len(word) == 1 and word not in "ai" else word


def _best_path(
    first: Sequence[Sequence[float]], steps: Sequence[Sequence[Sequence[float]]]
) -> list[int]:
    """Give the likeliest sequence of sides: scores of each place, and of each step between."""
    scores = list(first[0])
    came_from: list[list[int]] = []
    for place, step in zip(first[1:], steps, strict=True):
        reached = [[scores[before] + step[before][after] for before in (0, 1)] for after in (0, 1)]
        came_from.append([int(options[1] > options[0]) for options in reached])
        scores = [max(options) + place[after] for after, options in enumerate(reached)]
    path = [int(scores[1] > scores[0])]
    for back in reversed(came_from):
        path.append(back[path[-1]])
    return path[::-1]


def _log_sum(one: float, other: float) -> float:
    high, low = max(one, other), min(one, other)
    return high + math.log1p(math.exp(low - high))


def train_roles(calls: Sequence[Transcript], scores: Mapping[str, Any] | None = None) -> RoleModel:
    """Fit a model on calls whose speakers are right.

    Args:
        calls: Each is used as it is and without case and punctuation.
        scores: To be kept with the model.
    """
    both = [
        version
        for call in calls
        for version in {each.text: each for each in (call, _plain_call(call))}.values()
    ]
    turns = [
        (turn_features(turn.text, position), ROLES.index(turn.speaker))
        for call in both
        for position, turn in enumerate(call.turns)
        if turn.speaker in ROLES
    ]
    counts = Counter(role for _, role in turns)
    said = _fit(turns, len(ROLES), least=8, regularization=0.3)
    gaps = [sample for call in both for sample in _gap_samples(call)]
    change = _fit(gaps, len(_STEPS), least=10, regularization=0.3)
    shares = tuple((counts[role] + 1) / (len(turns) + 4) for role in range(len(ROLES)))
    return RoleModel(said, change, shares, dict(scores or {}))


def count_right_turns(model: RoleModel, calls: Iterable[Transcript]) -> tuple[int, int]:
    """Blind calls to ``spk_0``, ``spk_1``, …, and count the turns that get their role back.

    Returns:
        Turns that are right, and all turns.
    """
    right = total = 0
    for call in calls:
        names: dict[Speaker, str] = {}
        blind = tuple(
            replace(
                turn,
                speaker=Speaker.UNKNOWN,
                label=names.setdefault(turn.speaker, f"spk_{len(names)}"),
            )
            for turn in call.turns
        )
        found = assign_roles(Transcript(blind), model).turns
        right += sum(
            one.speaker is turn.speaker for one, turn in zip(found, call.turns, strict=True)
        )
        total += len(call.turns)
    return right, total


def _plain_call(call: Transcript) -> Transcript:
    turns = tuple(
        replace(turn, text=" ".join(_PLAIN.sub(" ", turn.text.lower().replace("-", " ")).split()))
        for turn in call.turns
    )
    return replace(call, turns=turns)


def _gap_samples(call: Transcript) -> Iterator[tuple[list[str], int]]:
    turns = [turn for turn in call.turns if turn.speaker in _SIDES]
    words = [word for turn in turns for word in turn.text.split()]
    sides = [_SIDES.index(turn.speaker) for turn in turns for _ in turn.text.split()]
    for (before, after), features in zip(pairwise(sides), gap_features(words), strict=True):
        yield features, _STEPS.index((before, after))


def _fit(
    samples: Sequence[tuple[list[str], int]], classes: int, *, least: int, regularization: float
) -> LinearTable:
    """Fit a logistic regression over the features that ``least`` samples have."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    counts = Counter(feature for features, _ in samples for feature in features)
    names = sorted(feature for feature, count in counts.items() if count >= least)
    rows = {feature: row for row, feature in enumerate(names)}
    columns: list[int] = []
    starts = [0]
    for features, _ in samples:
        columns.extend(rows[feature] for feature in features if feature in rows)
        starts.append(len(columns))
    shape = (len(samples), len(names))
    matrix = csr_matrix((np.ones(len(columns)), columns, starts), shape=shape)
    labels = np.array([label for _, label in samples])
    fitted = LogisticRegression(C=regularization, max_iter=400, tol=1e-3).fit(matrix, labels)
    weights = np.zeros((len(names), classes), dtype=np.float32)
    bias = np.full(classes, -20.0, dtype=np.float32)
    coefficients, intercept = fitted.coef_, fitted.intercept_
    if len(coefficients) == 1:  # of two classes scikit-learn gives the second's log-odds alone
        coefficients = np.vstack([-coefficients, coefficients]) / 2
        intercept = np.concatenate([-intercept, intercept]) / 2
    weights[:, fitted.classes_] = coefficients.T
    bias[fitted.classes_] = intercept
    return LinearTable(rows, weights, bias)


def _card(scores: Mapping[str, Any]) -> str:
    figures = "\n".join(f"- {name}: {value}" for name, value in scores.items())
    return f"""# Roles

Tells agents from callers by what they say, for transcripts that name speakers only by number or
not at all. Two linear models over words and pairs of words: one for turns, whose evidence is added
up over a speaker's turns, one for the gaps between words, which parts text without speakers.

Trained on labelled calls to home-services companies, in US English.

{figures}
"""
