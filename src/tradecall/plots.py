"""Pictures of scores, drawn with matplotlib (``pip install 'tradecall[notebook]'``).

Each function takes numbers from ``tradecall.evaluation``, ``tradecall.analysis`` or
``tradecall.comparison`` and gives a figure; ``save_plots`` writes those of one evaluation to files.
Figures are made without pyplot: nothing is global, and no window opens.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradecall.analysis import (
    Confusions,
    RiskCoverage,
    SectorScore,
    confusions,
    risk_coverage,
    sector_scores,
    wilson,
)
from tradecall.errors import ConfigurationError
from tradecall.evaluation import FIELDS, Calibration, Example, Report, Score, evaluate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tradecall.pipeline import CallResult

_MAIN, _SECOND, _PALE = "#1f6f8b", "#c8553d", "#b8c4ca"
_COLOURS = (_MAIN, _SECOND, "#e0a030", "#5b8c5a", "#7d5ba6", "#6b6b6b", "#3c91e6", "#a23b72")
_LIGHT = (
    "#bfe0ea", "#f6cfc4", "#f5e0b0", "#cfe3cd", "#dccfee", "#dddddd", "#c8defa", "#efc9dd",
)  # fmt: skip
_DPI = 110
_LABEL = 56


def reliability_diagram(calibration: Mapping[str, Calibration]) -> Figure:
    """Draw, for each name, the promised confidence against the share that was right.

    A dot is a tenth of the confidence scale, its area the number of values in it, its bar Wilson's
    95 % interval.
    """
    shown = {name: one for name, one in calibration.items() if one.n}
    columns = min(5, max(len(shown), 1))
    rows = math.ceil(max(len(shown), 1) / columns)
    figure = _figure(2.3 * columns, 2.5 * rows)
    for place, (name, one) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(rows, columns, place)
        axes.plot([0, 1], [0, 1], color=_PALE, linewidth=1)
        for held in one.bins:
            share = wilson(round(held.right * held.n), held.n)
            axes.vlines(held.confidence, _number(share.low), _number(share.high), color=_PALE, lw=2)
        most = max(held.n for held in one.bins)
        axes.scatter(
            [held.confidence for held in one.bins],
            [held.right for held in one.bins],
            s=[12 + 90 * held.n / most for held in one.bins],
            color=_MAIN,
            zorder=3,
        )
        axes.set(xlim=(0, 1.04), ylim=(0, 1.04), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axes.set_title(f"{_title(name)}\nn={one.n}, ECE {one.error:.3f}", fontsize=9)
        if (place - 1) % columns == 0:
            axes.set_ylabel("share right")
        if place > len(shown) - columns:
            axes.set_xlabel("confidence")
    return figure


def risk_coverage_curve(curves: Mapping[str, RiskCoverage], *, risk: float = 0.02) -> Figure:
    """Draw the share wrong among the surest calls against how many are taken.

    The dashed line is the wanted risk.
    """
    figure = _figure(6.4, 3.6)
    axes = figure.add_subplot()
    for (name, curve), colour in zip(curves.items(), _cycle(len(curves)), strict=True):
        label = f"{_title(name)} ({curve.coverage_at(risk):.0%} at {risk:.0%})"
        axes.plot(curve.coverage, curve.risk, color=colour, label=label, drawstyle="steps-post")
    axes.axhline(risk, color="#444444", linewidth=1, linestyle="--")
    axes.set(xlim=(0, 1), ylim=(0, None), xlabel="share taken, surest first", ylabel="share wrong")
    axes.xaxis.set_major_formatter(_percent())
    axes.yaxis.set_major_formatter(_percent())
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def confusion_matrix(found: Confusions) -> Figure:
    """Draw the true sector downwards, the told one across; only mistakes are in the second colour.

    Colours are shares of a row, so that rare sectors show as clearly as frequent ones.
    """
    import numpy as np

    size = len(found.labels)
    counts = np.array(found.counts, float).reshape(size, size)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = _figure(max(4.0, 0.31 * size + 1.6), max(3.6, 0.29 * size + 1.4))
    axes = figure.add_subplot()
    right = np.eye(size, dtype=bool)
    for kept, colours in ((right, "Blues"), (~right, "Oranges")) if size else ():
        cells = np.ma.masked_array(shares, ~kept | (counts == 0))
        axes.imshow(cells, cmap=colours, vmin=0, vmax=1 if colours == "Blues" else 0.5)
    for row, column in np.argwhere(counts > 0):
        dark = row == column and shares[row, column] > 0.6
        axes.text(
            column, row, f"{counts[row, column]:.0f}", ha="center", va="center", fontsize=7,
            color="white" if dark else "black",
        )  # fmt: skip
    names = [_title(label) for label in found.labels]
    axes.set_xticks(range(size), names, rotation=90, fontsize=7)
    axes.set_yticks(range(size), names, fontsize=7)
    axes.set(xlabel="told", ylabel="true")
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#eeeeee", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    return figure


def class_balance(counts: Mapping[str, int]) -> Figure:
    """Draw how many calls there are of each label, most frequent first."""
    figure = _figure(7.4, 3.2)
    axes = figure.add_subplot()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    axes.bar([_title(label) for label, _ in ordered], [n for _, n in ordered], color=_MAIN)
    axes.tick_params(axis="x", rotation=90, labelsize=8)
    axes.set_ylabel("calls")
    return figure


def sector_bars(scores: Sequence[SectorScore]) -> Figure:
    """Draw precision and recall of each sector with their intervals."""
    rows = {_title(one.label): {"precision": one.precision, "recall": one.recall} for one in scores}
    return grouped_scores(rows, wide=6.0)


def field_bars(report: Report) -> Figure:
    """Draw how often each field is exactly right, with its interval over calls."""
    names = [*FIELDS, "agent_first_name"]
    rows = {_title(name): {"exact": report.scores[f"{name}.exact"]} for name in names}
    return grouped_scores(rows)


def grouped_scores(rows: Mapping[str, Mapping[str, Score]], *, wide: float = 5.0) -> Figure:
    """Draw shares with their intervals: a line for each row, a colour for each name within it.

    Args:
        rows: Row → name → share; rows without any case are left out.
        wide: Inches beside what the rows' names need.
    """
    known = {
        row: {name: one for name, one in scores.items() if one.value is not None}
        for row, scores in rows.items()
    }
    known = {row: scores for row, scores in known.items() if scores}
    names = list(dict.fromkeys(name for scores in known.values() for name in scores))
    step = 0.62 / max(len(names), 1)
    figure = _figure(wide, 0.9 + len(known) * (0.16 + 0.07 * len(names)))
    axes = figure.add_subplot()
    for place, name in enumerate(names):
        held = [(row, scores[name]) for row, scores in enumerate(known.values()) if name in scores]
        at = [row + (place - (len(names) - 1) / 2) * step for row, _ in held]
        values = [_number(one.value) for _, one in held]
        axes.errorbar(
            values, at, xerr=_reach([one for _, one in held]), fmt="o", markersize=4, linewidth=1.4,
            color=_COLOURS[place % len(_COLOURS)], label=name,
        )  # fmt: skip
    labels = []
    for row, scores in known.items():
        cases = {one.n for one in scores.values()}
        count = f"  (n={cases.pop()})" if len(cases) == 1 else ""
        labels.append(textwrap.shorten(row, _LABEL, placeholder=" …") + count)
    figure.set_figwidth(wide + 0.055 * max(map(len, labels), default=0))
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylim(max(len(labels), 1) - 0.5, -0.5)
    lows = [_number(one.low) for scores in known.values() for one in scores.values()]
    axes.set_xlim(max(0.0, min(lows, default=0.0) - 0.02), 1.01)
    axes.xaxis.set_major_formatter(_percent())
    axes.grid(axis="x", color="#e6e6e6")
    axes.set_axisbelow(True)
    if len(names) > 1:
        figure.legend(frameon=False, fontsize=8, loc="outside upper right", ncols=4)
    return figure


def learning_curve(curves: Mapping[str, Sequence[tuple[int, Score]]]) -> Figure:
    """Draw shares right against the number of calls that were learned from."""
    figure = _figure(6.4, 3.6)
    axes = figure.add_subplot()
    for (name, points), colour in zip(curves.items(), _cycle(len(curves)), strict=True):
        known = [(n, one) for n, one in points if one.value is not None]
        calls, values = [n for n, _ in known], [_number(one.value) for _, one in known]
        axes.errorbar(
            calls, values, yerr=_reach([one for _, one in known]), fmt="none",
            ecolor=colour, alpha=0.35, linewidth=1,
        )  # fmt: skip
        axes.plot(calls, values, "o-", color=colour, label=name)
    axes.set(xlabel="calls learned from", ylabel="share right", xlim=(0, None))
    axes.yaxis.set_major_formatter(_percent())
    axes.grid(color="#eeeeee")
    axes.legend(frameon=False, fontsize=8)
    return figure


def save_plots(examples: Sequence[Example], folder: Path, *, kind: str = "png") -> list[Path]:
    """Write reliability, risk-coverage, confusion and field plots of records beside labels.

    Args:
        examples: Records beside labels.
        folder: Made where it does not exist.
        kind: ``png``, ``svg`` or ``pdf``.

    Returns:
        The files.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    need_matplotlib()
    report = evaluate(examples)
    found = confusions(examples)
    figures = {
        "fields": field_bars(report),
        "sectors": sector_bars(sector_scores(found)),
        "confusion_matrix": confusion_matrix(found),
        "reliability": reliability_diagram(report.calibration),
        "risk_coverage": risk_coverage_curve(
            {name: risk_coverage(examples, name) for name in ("whole_job", "sector", "phone")}
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, figure in figures.items():
        files.append(folder / f"{name}.{kind}")
        # Without a date the same scores give the same file.
        figure.savefig(files[-1], metadata={"Date": None} if kind == "svg" else None)
    return files


def evidence_page(result: CallResult) -> str:
    """Give the call as HTML with the words marked that the fields and the sector were read from.

    Drawn by spaCy's displaCy. Fields that share their words share the mark; the sector, which rests
    on whole stretches, has what the fields leave of them.
    """
    from spacy import displacy

    record = result.to_record()
    text, starts = "", []
    for turn in result.transcript.turns:
        text += f"{turn.speaker}: "
        starts.append(len(text))
        text += f"{turn.text}\n"

    def places(shown: Mapping[str, Any] | None) -> list[tuple[int, int]]:
        spans = (shown or {}).get("evidence", ())
        return [
            (starts[span["turn"]] + span["start"], starts[span["turn"]] + span["end"])
            for span in spans
        ]

    named: dict[tuple[int, int], list[str]] = {}
    for name, shown in record["fields"].items():
        for place in places(shown):
            named.setdefault(place, []).append(_title(name))
    marks: list[tuple[int, int, str]] = []
    for start, end in sorted(named, key=lambda place: (place[0], -place[1])):
        if not marks or start >= marks[-1][1]:
            marks.append((start, end, " + ".join(named[start, end])))
    for start, end in places(record["sector"]):
        inside = [mark for mark in marks if mark[0] < end and mark[1] > start]
        begins = [start, *(mark[1] for mark in inside)]
        ends = [*(mark[0] for mark in inside), end]
        marks += [
            (first, last, "sector")
            for first, last in zip(begins, ends, strict=True)
            if text[first:last].strip()
        ]
        marks.sort()
    names = sorted({name for _, _, name in marks})
    entities = [{"start": start, "end": end, "label": name} for start, end, name in marks]
    page = displacy.render(
        {"text": text, "ents": entities, "title": None},
        style="ent",
        manual=True,
        jupyter=False,
        options={"colors": dict(zip(names, _cycle(len(names), _LIGHT), strict=True))},
    )
    return str(page)


def need_matplotlib() -> None:
    """Make sure that plots can be drawn.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        reason = "plots need matplotlib: pip install 'tradecall[notebook]'"
        raise ConfigurationError(reason) from None


def _figure(wide: float, high: float) -> Figure:
    need_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(wide, high), dpi=_DPI, layout="constrained")


def _cycle(size: int, colours: Sequence[str] = _COLOURS) -> list[str]:
    return [colours[place % len(colours)] for place in range(size)]


def _percent() -> Any:
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1, decimals=0)


def _title(name: str) -> str:
    return name.replace("_", " ")


def _reach(scores: Sequence[Score]) -> list[list[float]]:
    """Give how far the intervals reach down and up from their shares."""
    return [
        [max(0.0, _number(one.value) - _number(one.low)) for one in scores],
        [max(0.0, _number(one.high) - _number(one.value)) for one in scores],
    ]


def _number(value: float | None) -> float:
    return math.nan if value is None else value
