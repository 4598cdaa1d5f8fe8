"""Where records are right and wrong: by sector, by confidence, by how a call was drawn.

``tradecall.evaluation`` gives one number for all calls; here they are taken apart, for
``tradecall.plots`` to draw and for the evaluation notebook to show.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tradecall.dataset import GoldCall
from tradecall.evaluation import (
    CONTACT_FIELDS,
    FIELDS,
    Example,
    Report,
    Score,
    errors,
    evaluate,
    pair,
)

NO_JOB = "no_job"
_WHOLE_JOB = frozenset({*CONTACT_FIELDS, "sector", "is_job"})
_NOT_GIVEN = "not given at all"
_NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class SectorScore:
    """How one sector fares; the intervals are Wilson's, at 95 %.

    Attributes:
        label: A sector, or ``NO_JOB``.
        precision: Of the calls given this label, the share that is of it.
        recall: Of the calls that are of it, the share given this label.
    """

    label: str
    precision: Score
    recall: Score


@dataclass(frozen=True, slots=True)
class Confusions:
    """How often which sector is taken for which.

    Attributes:
        labels: Sectors that occur, by name, and ``NO_JOB`` at the end.
        counts: ``counts[true][told]``, in the order of ``labels``.
        examples: (true, told) → the calls, for pairs that differ.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    examples: Mapping[tuple[str, str], tuple[Example, ...]]

    def hardest(self) -> Iterator[Example]:
        """Yield the wrongly told calls, those first whose pair of labels is mixed up most.

        A pair counts in both directions; within it, what was believed most surely comes first.
        """

        def mixed_up(pair: tuple[str, str]) -> int:
            return sum(len(self.examples.get(way, ())) for way in (pair, pair[::-1]))

        for told in sorted(self.examples, key=lambda way: (-mixed_up(way), sorted(way), way)):
            yield from sorted(self.examples[told], key=lambda item: -sector_confidence(item))


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """What is wrong among the surest, for each share of calls that one may take.

    Attributes:
        coverage: Shares of all calls, rising.
        risk: Share wrong among those.
        confidence: Least confidence among those.
        calls: All calls, also those that can never be taken.
        area: Mean risk over the coverage reached: 0 is best; lower means surer where right.
    """

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    confidence: tuple[float, ...]
    calls: int
    area: float | None

    def coverage_at(self, risk: float) -> float:
        """Give the largest share of calls of which at most ``risk`` is wrong."""
        reached = [
            share for share, wrong in zip(self.coverage, self.risk, strict=True) if wrong <= risk
        ]
        return max(reached, default=0.0)


def wilson(hits: int, n: int) -> Score:
    """Give a share with Wilson's 95 % interval, which holds for few cases and near 0 and 1 too."""
    if n == 0:
        return Score(None, None, None, 0)
    z = _NORMAL_95
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Score(share, max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)), n)


def confusions(examples: Iterable[Example]) -> Confusions:
    """Count which sector was told for which; calls cut off before their need was clear stay out."""
    pairs: dict[tuple[str, str], list[Example]] = {}
    for example in examples:
        if example.reference["is_job"] is not None:
            pairs.setdefault((_true_label(example), _told_label(example)), []).append(example)
    seen = {label for way in pairs for label in way}
    labels = (*sorted(seen - {NO_JOB}), *({NO_JOB} & seen))
    counts = tuple(tuple(len(pairs.get((true, told), ())) for told in labels) for true in labels)
    wrong = {way: tuple(held) for way, held in pairs.items() if way[0] != way[1]}
    return Confusions(labels, counts, wrong)


def sector_scores(found: Confusions) -> list[SectorScore]:
    """Give precision and recall of each label."""
    return [
        SectorScore(
            label,
            wilson(found.counts[place][place], sum(row[place] for row in found.counts)),
            wilson(found.counts[place][place], sum(found.counts[place])),
        )
        for place, label in enumerate(found.labels)
    ]


def risk_coverage(examples: Iterable[Example], of: str = "whole_job") -> RiskCoverage:
    """Rank values by confidence and say what is wrong among the first ones.

    Args:
        examples: Records beside labels.
        of: A field or ``"sector"``, over the calls that are jobs; or ``"whole_job"`` over all
            calls, where a call that is told to be none or lacks a required field is never taken.
    """
    everything = list(examples)
    if of != "whole_job":
        everything = [example for example in everything if example.reference["is_job"]]
    wrong_in = {call.call_id: {one.field for one in call.mistakes} for call in errors(everything)}
    watched = _WHOLE_JOB if of == "whole_job" else frozenset({of})
    bets = sorted(
        (-confidence, not watched.isdisjoint(wrong_in.get(example.call_id, ())))
        for example in everything
        if (confidence := _confidence(example.predicted, of)) is not None
    )
    coverage, risk, least, wrong = [], [], [], 0
    for count, (confidence, is_wrong) in enumerate(bets, 1):
        wrong += is_wrong
        # Calls of one confidence can only be taken together.
        if count == len(bets) or bets[count][0] != confidence:
            coverage.append(count / len(everything))
            risk.append(wrong / count)
            least.append(-confidence)
    widths = (end - start for start, end in pairwise((0.0, *coverage)))
    summed = sum(width * height for width, height in zip(widths, risk, strict=True))
    area = summed / coverage[-1] if coverage else None
    return RiskCoverage(tuple(coverage), tuple(risk), tuple(least), len(everything), area)


def by_trait(
    calls: Sequence[GoldCall], records: Iterable[Mapping[str, Any]], trait: str
) -> dict[str, Report]:
    """Score the calls of each value of a trait apart; a call with several values is in each."""
    groups: dict[str, list[Example]] = {}
    for call, example in zip(calls, pair(calls, records), strict=True):
        values = call.traits.get(trait) or ()
        for value in [values] if isinstance(values, str) else values:
            groups.setdefault(_NOT_GIVEN if value == "-" else value, []).append(example)
    return {value: evaluate(held, resamples=500) for value, held in sorted(groups.items())}


def by_company_trade(
    calls: Sequence[GoldCall], records: Iterable[Mapping[str, Any]]
) -> dict[str, tuple[Score, Score]]:
    """Ask whether the sector leans on who was called.

    Returns:
        For jobs that are the company's own trade, of another trade than the company's, and for
        companies of many trades: the share told right, and the share told to be the company's.
    """
    groups: dict[str, list[tuple[bool, bool]]] = {
        "the company's own trade": [],
        "another trade than the company's": [],
        "a company of many trades": [],
    }
    own, other, many = groups.values()
    for call, example in zip(calls, pair(calls, records), strict=True):
        trade, true = call.traits.get("company_trade"), call.gold["sector"]
        if call.is_job and trade:
            told = _told_label(example)
            group = many if trade == "generic" else own if trade == true else other
            group.append((told == true, told == trade))
    return {
        name: (
            wilson(sum(right for right, _ in held), len(held)),
            wilson(sum(companys for _, companys in held), len(held)),
        )
        for name, held in groups.items()
    }


def sector_confidence(example: Example) -> float:
    """Give how sure a record is of its sector; 0 where it does not say."""
    return _confidence(example.predicted, "sector") or 0.0


def excerpt(call: GoldCall, evidence: Iterable[Mapping[str, Any]], *, around: int = 60) -> str:
    """Quote the words of a record's evidence, a line each, with what was said around them."""
    lines = []
    for one in evidence:
        turn = call.transcript.turns[one["turn"]]
        start, end = max(0, one["start"] - around), one["end"] + around
        before, after = "…" if start else "", "…" if end < len(turn.text) else ""
        lines.append(f"[{one['turn']}] {turn.speaker}: {before}{turn.text[start:end]}{after}")
    return "\n".join(lines)


def labels_of(calls: Iterable[GoldCall]) -> Counter[str]:
    """Count the calls of each sector, of none, and those cut off (``"unclear"``)."""
    return Counter(
        "unclear" if call.is_job is None else str(call.gold["sector"]) if call.is_job else NO_JOB
        for call in calls
    )


def _confidence(record: Mapping[str, Any], of: str) -> float | None:
    if of == "whole_job":
        taken = record.get("status") in ("ready", "review") and not record.get("missing")
        return record.get("confidence") if taken else None
    if of in FIELDS:
        field = (record.get("fields") or {}).get(of) or {}
        return field.get("confidence") if field.get("value") is not None else None
    sector = record.get("sector") or {}
    return sector.get("confidence") if sector.get("label") is not None else None


def _true_label(example: Example) -> str:
    return str(example.reference["sector"]) if example.reference["is_job"] else NO_JOB


def _told_label(example: Example) -> str:
    if example.predicted.get("status", NO_JOB) == NO_JOB:
        return NO_JOB
    return str((example.predicted.get("sector") or {}).get("label"))
