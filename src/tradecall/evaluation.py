"""Score records against labelled calls: by field, by whole job, and as probabilities.

Every score is a ratio of two sums over calls. That makes it None where there was nothing to find,
and lets one matrix product resample all of them at once for their intervals.
"""

from __future__ import annotations

import gzip
import html
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tradecall.candidates.candidate import JobField
from tradecall.errors import MalformedInputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradecall.dataset import GoldCall

FIELDS = tuple(field.value for field in JobField)
CONTACT_FIELDS = ("first_name", "last_name", "phone", "email", "zip_code")
SUMMARY_LIMIT = 300

_MEASURES = ("exact", "precision", "recall", "coverage")
_SHARES = {
    "contact_right": "contact right",
    "whole_job_right": "whole job right",
    "ready_share": "called ready",
    "ready_wrong": "wrong among ready",
    "is_job_accuracy": "job or no job",
    "sector_accuracy": "sector",
    "urgency_accuracy": "urgency",
    "summary_fact_recall": "summary: facts told",
    "summary_missing": "summary: missing",
    "summary_too_long": "summary: too long",
    "summary_leak": "summary: tells phone or e-mail",
}
_ROWS = (*FIELDS, "agent_first_name")
_NAMES = (*(f"{row}.{measure}" for row in _ROWS for measure in _MEASURES), *_SHARES)

_BETS = {"whole_job_right": "whole_job", "sector_accuracy": "sector"}

_BINS = 10
_CELLS_AT_ONCE = 4_000_000

_STREET_WORDS = {
    "street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "lane": "ln", "court": "ct",
    "boulevard": "blvd", "place": "pl", "circle": "cir", "terrace": "ter", "highway": "hwy",
    "parkway": "pkwy", "square": "sq", "trail": "trl", "north": "n", "south": "s", "east": "e",
    "west": "w", "apartment": "apt", "suite": "ste", "cove": "cv", "point": "pt", "ridge": "rdg",
    "mountain": "mtn", "mount": "mt", "fort": "ft", "saint": "st", "crossing": "xing",
}  # fmt: skip
_UNIT_WORDS = frozenset({"unit", "apt", "ste", "lot"})
_CITY_WORDS = {"saint": "st", "fort": "ft", "mount": "mt"}
_STATES = {
    "AL": "alabama", "AK": "alaska", "AZ": "arizona", "AR": "arkansas", "CA": "california",
    "CO": "colorado", "CT": "connecticut", "DE": "delaware", "DC": "district of columbia",
    "FL": "florida", "GA": "georgia", "HI": "hawaii", "ID": "idaho", "IL": "illinois",
    "IN": "indiana", "IA": "iowa", "KS": "kansas", "KY": "kentucky", "LA": "louisiana",
    "ME": "maine", "MD": "maryland", "MA": "massachusetts", "MI": "michigan", "MN": "minnesota",
    "MS": "mississippi", "MO": "missouri", "MT": "montana", "NE": "nebraska", "NV": "nevada",
    "NH": "new hampshire", "NJ": "new jersey", "NM": "new mexico", "NY": "new york",
    "NC": "north carolina", "ND": "north dakota", "OH": "ohio", "OK": "oklahoma", "OR": "oregon",
    "PA": "pennsylvania", "RI": "rhode island", "SC": "south carolina", "SD": "south dakota",
    "TN": "tennessee", "TX": "texas", "UT": "utah", "VT": "vermont", "VA": "virginia",
    "WA": "washington", "WV": "west virginia", "WI": "wisconsin", "WY": "wyoming",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Example:
    """What the library said of a call, beside the labelled truth.

    Attributes:
        call_id: The call.
        predicted: A record as ``process`` writes it; empty where the call was not answered.
        reference: The labels, as in ``GoldCall.gold``.
    """

    call_id: str
    predicted: Mapping[str, Any]
    reference: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Score:
    """A share of cases, with a 95 % bootstrap interval over calls.

    Attributes:
        value: None where there was no case.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Number of cases the share is of.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Values whose confidence lies in one tenth: what was promised, and what was kept."""

    low: float
    high: float
    n: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidence can be read as a probability.

    Attributes:
        n: Values given with a confidence, on calls that are jobs.
        error: Expected calibration error: mean distance of promise and truth over the bins,
            weighted by their size; None where no value was given.
        bins: The tenths that hold a value, in order.
    """

    n: int
    error: float | None
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All scores of a set of calls.

    Attributes:
        calls: Number of calls.
        jobs: Number of calls that ask for work; fields are scored on these.
        day: When it was measured.
        source: What was measured, in words.
        scores: Name (``"phone.exact"``, ``"whole_job_right"``) → score.
        calibration: Field, ``"sector"`` or ``"whole_job"`` → calibration.
    """

    calls: int
    jobs: int
    day: date
    source: str
    scores: Mapping[str, Score]
    calibration: Mapping[str, Calibration]

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values ready for JSON, the scores nested by field."""
        scores: dict[str, Any] = {}
        for name, score in self.scores.items():
            row, _, measure = name.partition(".")
            if measure:
                scores.setdefault(row, {})[measure] = asdict(score)
            else:
                scores[row] = asdict(score)
        return {
            "calls": self.calls,
            "jobs": self.jobs,
            "date": self.day.isoformat(),
            "source": self.source,
            "scores": scores,
            "calibration": {name: asdict(item) for name, item in self.calibration.items()},
        }


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a record.

    Attributes:
        field: A field, ``"sector"``, ``"is_job"`` or ``"agent_first_name"``.
        wanted: The labelled truth; None where there is nothing to find.
        got: What the record says.
        confidence: How sure the record was, where it says so.
    """

    field: str
    wanted: Any
    got: Any
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class CallErrors:
    """The mistakes in one call's record."""

    call_id: str
    status: str
    mistakes: tuple[Mistake, ...]


def pair(gold: Iterable[GoldCall], records: Iterable[Mapping[str, Any]]) -> list[Example]:
    """Put each labelled call beside its record; a call without one is an empty prediction."""
    by_id = {record.get("call_id"): record for record in records}
    return [Example(call.call_id, by_id.get(call.call_id, {}), call.gold) for call in gold]


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read the records of ``process``, one a line, from ``.jsonl`` or ``.jsonl.gz``.

    Raises:
        MalformedInputError: A line is no record.
    """
    records = []
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    for number, line in enumerate(content.decode("utf-8").split("\n"), 1):
        if line.strip():
            try:
                _RecordShape.model_validate_json(line)
            except ValidationError as error:
                place = ".".join(map(str, error.errors()[0]["loc"])) or "line"
                reason = f"no record of process ({place}: {error.errors()[0]['msg']})"
                raise MalformedInputError(reason, source=path, line=number) from None
            records.append(json.loads(line))
    return records


class _RecordShape(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    call_id: str
    status: str = "no_job"
    fields: dict[str, dict[str, Any] | None] | None = None
    sector: dict[str, Any] | None = None
    agent: dict[str, Any] | None = None
    urgency: str | None = None
    summary: str | None = None


def normal_form(field: str, value: Any) -> str | None:
    """Give the form in which two writings of one value are equal; None where there is none."""
    if value is None or value == "":
        return None
    text = str(value)
    if field == "phone":
        return re.sub(r"\D", "", text)[-10:]
    if field == "zip_code":
        return re.sub(r"\D", "", text)[:5]
    if field == "email":
        return text.strip().casefold()
    if field == "state":
        return _STATES.get(text.strip().upper(), _fold(text)).strip()
    if field == "street":
        words = [_STREET_WORDS.get(word, word) for word in re.findall(r"[a-z0-9]+", _fold(text))]
        return " ".join(word for word in words if word not in _UNIT_WORDS)
    if field == "city":
        plain = re.sub(r"[^\w\s-]", "", _fold(text))
        return " ".join(_CITY_WORDS.get(word, word) for word in re.findall(r"[a-z]+", plain))
    return re.sub(r"[^a-z]", "", _fold(text))


def evaluate(
    examples: Iterable[Example],
    *,
    source: str = "",
    day: date | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Report:
    """Score records against labels.

    Args:
        examples: Records beside labels.
        source: What is measured, in words, for the report.
        day: Date for the report; today where None.
        resamples: Bootstrap resamples of the calls; the same seed gives the same intervals.
        seed: Of the resampling.
    """
    judged = [_judge(example) for example in examples]
    return Report(
        calls=len(judged),
        jobs=sum(call.is_job is True for call in judged),
        day=day or date.today(),
        source=source,
        scores=_scores([_ratios(call) for call in judged], resamples, seed),
        calibration={
            name: _calibration([call.bets[name] for call in judged if name in call.bets])
            for name in (*FIELDS, "sector", "whole_job")
        },
    )


def errors(examples: Iterable[Example]) -> Iterator[CallErrors]:
    """Yield what went wrong, for each call where something did."""
    for example in examples:
        judged = _judge(example)
        if judged.mistakes:
            yield CallErrors(example.call_id, judged.status, judged.mistakes)


@dataclass(frozen=True, slots=True)
class _Judged:
    example: Example
    is_job: bool | None
    status: str
    got: dict[str, str | None]
    want: dict[str, str | None]
    sector_right: bool
    mistakes: tuple[Mistake, ...]
    bets: dict[str, tuple[float, bool]]

    @property
    def said_job(self) -> bool:
        return self.status != "no_job"

    def hit(self, row: str) -> bool:
        return self.got[row] == self.want[row]

    def wrong_in(self, fields: Iterable[str]) -> bool:
        return any(mistake.field in fields for mistake in self.mistakes)


def _judge(example: Example) -> _Judged:
    predicted, reference = example.predicted, example.reference
    is_job: bool | None = reference["is_job"]
    status = str(predicted.get("status", "no_job"))
    fields = predicted.get("fields") or {}
    said = {name: fields.get(name) or {} for name in FIELDS}
    sector = predicted.get("sector") or {}
    label = sector.get("label")
    sector_right = label == reference.get("sector")
    agent_said = (predicted.get("agent") or {}).get("first_name")
    agent_known = (reference.get("agent") or {}).get("first_name")
    got = {name: normal_form(name, said[name].get("value")) for name in FIELDS}
    want = {name: normal_form(name, reference["homeowner"].get(name)) for name in FIELDS}
    got["agent_first_name"] = normal_form("first_name", agent_said)
    want["agent_first_name"] = normal_form("first_name", agent_known)

    mistakes: list[Mistake] = []
    bets: dict[str, tuple[float, bool]] = {}
    if is_job:
        for name in FIELDS:
            right = got[name] == want[name]
            confidence = _probability(said[name].get("confidence"))
            if not right:
                truth = reference["homeowner"].get(name)
                mistakes.append(Mistake(name, truth, said[name].get("value"), confidence))
            if got[name] is not None and confidence is not None:
                bets[name] = (confidence, right)
        confidence = _probability(sector.get("confidence"))
        if not sector_right:
            mistakes.append(Mistake("sector", reference.get("sector"), label, confidence))
        if label is not None and confidence is not None:
            bets["sector"] = (confidence, sector_right)
        confidence = _probability(predicted.get("confidence"))
        if status != "no_job" and confidence is not None:
            contact = all(got[name] == want[name] for name in CONTACT_FIELDS)
            bets["whole_job"] = (confidence, contact and sector_right)
        if status == "no_job":
            mistakes.append(Mistake("is_job", True, False))
    # A call cut off before its need was clear may be anything but ready.
    elif status == "ready" or (is_job is False and status != "no_job"):
        mistakes.append(Mistake("is_job", is_job, True))
    if "agent" in reference and got["agent_first_name"] != want["agent_first_name"]:
        mistakes.append(Mistake("agent_first_name", agent_known, agent_said))
    return _Judged(example, is_job, status, got, want, sector_right, tuple(mistakes), bets)


def _ratios(call: _Judged) -> dict[str, tuple[int, int]]:
    """Give what one call adds to the numerator and denominator of each score."""
    ratios: dict[str, tuple[int, int]] = {}

    def add_row(row: str) -> None:
        exact = call.hit(row)
        said, there = call.got[row] is not None, call.want[row] is not None
        ratios[f"{row}.exact"] = (exact, 1)
        ratios[f"{row}.precision"] = (exact and there, said)
        ratios[f"{row}.recall"] = (exact and there, there)
        ratios[f"{row}.coverage"] = (said, 1)

    predicted, reference = call.example.predicted, call.example.reference
    ready = call.status == "ready"
    job_right = not ready if call.is_job is None else call.said_job == call.is_job
    ratios["is_job_accuracy"] = (job_right, 1)
    ratios["ready_share"] = (ready, 1)
    ratios["ready_wrong"] = (ready and call.wrong_in((*CONTACT_FIELDS, "sector", "is_job")), ready)
    if "agent" in reference:
        add_row("agent_first_name")
    if not call.is_job:
        return ratios
    for name in FIELDS:
        add_row(name)
    contact = all(call.hit(name) for name in CONTACT_FIELDS)
    ratios["contact_right"] = (contact, 1)
    ratios["whole_job_right"] = (contact and call.sector_right and call.said_job, 1)
    ratios["sector_accuracy"] = (call.sector_right, 1)
    ratios["urgency_accuracy"] = (predicted.get("urgency") == reference.get("urgency"), 1)
    summary = str(predicted.get("summary") or "")
    told = _fold(summary)
    facts = reference.get("summary_facts") or []
    facts_told = sum(any(_fold(wording) in told for wording in fact) for fact in facts)
    ratios["summary_fact_recall"] = (facts_told, len(facts))
    ratios["summary_missing"] = (not summary, 1)
    ratios["summary_too_long"] = (len(summary) > SUMMARY_LIMIT, 1)
    joined = re.sub(r"[^\w@.]", "", told)
    secrets = [value for name in ("phone", "email") if (value := call.want[name])]
    ratios["summary_leak"] = (any(secret in joined for secret in secrets), 1)
    return ratios


def _scores(
    ratios: Sequence[Mapping[str, tuple[int, int]]], resamples: int, seed: int
) -> dict[str, Score]:
    import numpy as np

    table = np.array(
        [[call.get(name, (0, 0)) for name in _NAMES] for call in ratios], dtype=np.float64
    ).reshape(len(ratios), len(_NAMES), 2)
    hits, cases = table[..., 0], table[..., 1]
    lows, highs = _intervals(hits, cases, resamples, seed)
    scores = {}
    for column, name in enumerate(_NAMES):
        n = int(cases[:, column].sum())
        if n == 0:
            scores[name] = Score(None, None, None, 0)
        else:
            value = float(hits[:, column].sum() / n)
            scores[name] = Score(value, float(lows[column]), float(highs[column]), n)
    return scores


def _intervals(
    hits: NDArray[np.float64], cases: NDArray[np.float64], resamples: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the 2.5th and 97.5th percentile of each score over resamples of the calls."""
    import numpy as np

    calls, columns = hits.shape
    if calls == 0:
        return np.zeros(columns), np.zeros(columns)
    random = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // calls)
    parts = []
    for first in range(0, resamples, at_once):
        size = min(at_once, resamples - first)
        drawn = random.multinomial(calls, np.full(calls, 1 / calls), size=size).astype(np.float64)
        part_hits, part_cases = drawn @ hits, drawn @ cases
        # A resample may hold none of a rare case; it says nothing about that score.
        parts.append(
            np.divide(
                part_hits, part_cases, out=np.full_like(part_hits, np.nan), where=part_cases > 0
            )
        )
    shares = np.concatenate(parts)
    known = ~np.isnan(shares).all(axis=0)
    bounds = np.zeros((2, columns))
    bounds[:, known] = np.nanpercentile(shares[:, known], [2.5, 97.5], axis=0)
    return bounds[0], bounds[1]


def _calibration(bets: Sequence[tuple[float, bool]]) -> Calibration:
    filled: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in bets:
        filled.setdefault(min(int(confidence * _BINS), _BINS - 1), []).append((confidence, right))
    bins = tuple(
        ReliabilityBin(
            low=place / _BINS,
            high=(place + 1) / _BINS,
            n=len(held),
            confidence=sum(confidence for confidence, _ in held) / len(held),
            right=sum(right for _, right in held) / len(held),
        )
        for place, held in sorted(filled.items())
    )
    if not bets:
        return Calibration(0, None, ())
    distance = sum(one.n * abs(one.confidence - one.right) for one in bins)
    return Calibration(len(bets), distance / len(bets), bins)


def _probability(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def format_report(report: Report) -> str:
    """Give the scores as a plain table, with sample size and date."""
    lines = [_headline(report), ""]
    width = max(map(len, (*_ROWS, *_SHARES.values())))
    columns = ("exact", "precision", "recall", "coverage")
    lines.append(f"{'field':<{width}}  " + "".join(f"{name:<24}" for name in columns) + "ECE")
    for row in _ROWS:
        cells = [_cell(report.scores[f"{row}.{measure}"]) for measure in columns]
        error = _calibration_error(report, row)
        lines.append(f"{row:<{width}}  " + "".join(f"{cell:<24}" for cell in cells) + error)
    lines.append("")
    for name, title in _SHARES.items():
        score = report.scores[name]
        note = f"of {score.n}"
        if name in _BETS:
            note += f", ECE {_calibration_error(report, _BETS[name])}"
        lines.append(f"{title:<{width}}  {_cell(score):<24}{note}")
    return "\n".join(lines)


def format_errors(found: Iterable[CallErrors]) -> str:
    """Give the mistakes as text, a call a paragraph. They quote names, numbers and addresses."""
    lines = []
    for call in found:
        lines.append(f"{call.call_id} ({call.status})")
        for mistake in call.mistakes:
            sure = "" if mistake.confidence is None else f"  at {mistake.confidence:.2f}"
            lines.append(f"  {mistake.field}: want {mistake.wanted!r}, got {mistake.got!r}{sure}")
    return "\n".join(lines)


def report_html(report: Report, found: Iterable[CallErrors] = ()) -> str:
    """Give the report as one HTML page that needs nothing else; everything is escaped."""
    measures = ("exact", "precision", "recall", "coverage")
    by_field = [
        [row, *(_cell(report.scores[f"{row}.{name}"]) for name in measures)] for row in _ROWS
    ]
    shares = [
        [title, _cell(report.scores[name]), str(report.scores[name].n)]
        for name, title in _SHARES.items()
    ]
    charts = "".join(
        _reliability_chart(name, calibration)
        for name, calibration in report.calibration.items()
        if calibration.n
    )
    wrong = [
        [call.call_id, call.status, one.field, _shown(one.wanted), _shown(one.got)]
        for call in found
        for one in call.mistakes
    ]
    body = [
        f"<p>{html.escape(_headline(report))}</p>",
        "<h2>By field</h2>",
        _html_table(["field", *measures], by_field),
        "<h2>By call</h2>",
        _html_table(["", "share", "of"], shares),
        "<h2>Confidence</h2>",
        "<p>Each dot is a tenth of the scale: promised across, kept upwards.</p>",
        f'<div class="charts">{charts}</div>',
    ]
    if wrong:
        body += [
            "<h2>What went wrong</h2>",
            _html_table(["call", "status", "field", "want", "got"], wrong),
        ]
    return _PAGE.replace("BODY", "\n".join(body))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>tradecall: evaluation</title><style>
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse}th,td{text-align:left;padding:.2rem .9rem .2rem 0}
th{border-bottom:1px solid #999}td{border-bottom:1px solid #eee;font-variant-numeric:tabular-nums}
.charts{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0}figcaption{font-size:13px}
</style></head><body><h1>Evaluation</h1>
BODY
</body></html>
"""


def _html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = [
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    ]
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _reliability_chart(name: str, calibration: Calibration) -> str:
    most = max(one.n for one in calibration.bins)
    dots = "".join(
        f'<circle cx="{100 * one.confidence:.1f}" cy="{100 - 100 * one.right:.1f}" '
        f'r="{2 + 4 * math.sqrt(one.n / most):.1f}" fill="#0a6"><title>{one.n} values</title>'
        "</circle>"
        for one in calibration.bins
    )
    caption = f"{name}: {calibration.n} values, ECE {calibration.error:.3f}"
    return (
        '<figure><svg width="150" height="150" viewBox="-6 -6 112 112" role="img">'
        '<rect width="100" height="100" fill="none" stroke="#ccc"/>'
        '<line x1="0" y1="100" x2="100" y2="0" stroke="#ccc"/>'
        f"{dots}</svg><figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _headline(report: Report) -> str:
    what = f", {report.source}" if report.source else ""
    return (
        f"{report.calls} calls, {report.jobs} of them jobs{what}; {report.day.isoformat()}. "
        "In brackets: 95 % bootstrap interval over calls."
    )


def _cell(score: Score) -> str:
    if score.value is None:
        return "-"
    return f"{score.value:6.1%} ({score.low:.1%} - {score.high:.1%})"


def _calibration_error(report: Report, row: str) -> str:
    calibration = report.calibration.get(row)
    return "-" if calibration is None or calibration.error is None else f"{calibration.error:.3f}"


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)
