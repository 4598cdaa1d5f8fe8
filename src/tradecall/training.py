"""Training: data → models, and honest figures on the way.

Everything that decides is fitted on what was heard in calls that the hearing models had not seen:

1. *Hearing* (names, need, urgency, summary, roles): for each of five folds, fitted on the others.
   Each call is then read by the models that do not know it.
2. *Ranking*: forests are fitted on those readings; each call is scored by forests that do not know
   it.
3. *Calibration, thresholds, readiness* are fitted on those scores, again leaving out the fold they
   are reported on.

``cross_validate`` reports what came out of that; ``train`` fits everything on all calls and keeps
the cross-validated scores beside the models.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradecall.candidates.candidate import REQUIRED_FIELDS, Candidate, JobField
from tradecall.dataset import GoldCall, fold_of, load_gold
from tradecall.errors import ConfigurationError
from tradecall.evaluation import CONTACT_FIELDS, Report, evaluate, normal_form, pair
from tradecall.model_store import ModelInfo, versions
from tradecall.pipeline import Models, Pipeline, Reading, job_parts, read_call
from tradecall.places import Places
from tradecall.ranking import FieldRanker, Ranker, Readiness, calibrate, operating_point
from tradecall.roles import RoleModel, train_roles
from tradecall.settings import Settings

if TYPE_CHECKING:
    from tradecall.sector import TrainingText, Vocabulary
    from tradecall.urgency import CuePhrases

FOLDS = 5
SEED = 20
_CONFIDENCE = 0.9
_RISK = 0.02
_RISKS = (0.01, _RISK, 0.03, 0.05, 0.1)


@dataclass(frozen=True)
class TrainingData:
    """What the folder ``data/`` holds.

    Attributes:
        calls: Labelled calls.
        sentences: Descriptions of problems with their sector.
        no_job_texts: Openings of calls that want no work, with the reason.
        sectors: What each sector covers.
        reasons: What each reason for no job covers.
        urgency_cues: Phrases that speak for or against haste.
        hashes: File → SHA-256.
    """

    calls: Sequence[GoldCall]
    sentences: Sequence[TrainingText]
    no_job_texts: Sequence[TrainingText]
    sectors: Vocabulary
    reasons: Vocabulary
    urgency_cues: CuePhrases
    hashes: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path) -> TrainingData:
        """Read the folder.

        Raises:
            ConfigurationError: It holds no labelled calls.
            InputError: A file is damaged.
        """
        from tradecall.sector import load_reasons, load_sectors, load_texts
        from tradecall.urgency import CuePhrases

        call_files = sorted((folder / "calls").glob("*.jsonl*"))
        if not call_files:
            raise ConfigurationError(f"{folder}/calls holds no .jsonl or .jsonl.gz file")
        sentence_files = sorted((folder / "sectors").glob("sentences-*.jsonl"))
        no_job_file = folder / "sectors" / "no_job.jsonl"
        tables = [folder / "sectors" / name for name in ("sectors.toml", "no_job.toml")]
        cue_file = folder / "needs" / "urgency_cues.toml"
        files = [*call_files, *sentence_files, no_job_file, *tables, cue_file]
        return cls(
            load_gold(*call_files),
            load_texts(sentence_files),
            load_texts([no_job_file], "reason"),
            load_sectors(tables[0]),
            load_reasons(tables[1]),
            CuePhrases.from_file(cue_file),
            {
                str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
                for file in files
            },
        )


@dataclass(frozen=True)
class _Scored:
    """A call with what was heard in it, and how forests that do not know it score that."""

    call: GoldCall
    reading: Reading
    scores: Mapping[JobField, Sequence[float]]


@dataclass(frozen=True)
class CrossValidation:
    """Calls as they were heard by models that do not know them.

    Attributes:
        material: What the models were made of.
        readings: A reading a call, in call order within each fold.
        records: A record a call, likewise.
        models: What hears calls, fitted on all of them.
        ranker: What decides, fitted on all of them.
        operating_point: How ``ranker.readiness.ready_at`` was chosen.
    """

    material: TrainingData
    readings: Sequence[tuple[GoldCall, Reading]]
    records: Sequence[dict[str, Any]]
    models: Models
    ranker: Ranker
    operating_point: Mapping[str, Any]


def hear_all(
    material: TrainingData, *, workers: int = 2, say: Callable[[str], None] = print
) -> CrossValidation:
    """Fit everything, and let models that do not know a call hear and judge it."""
    *folds, models = _fit_all(material, material.calls, workers)
    say("hearing models fitted")
    scored = _score(material.calls, folds)
    say("calls read and scored by models that do not know them")
    readings = [(item.call, item.reading) for item in scored]
    ranker, chosen = _assemble_ranker(scored, _fit_forests(readings))
    return CrossValidation(material, readings, _concluded(scored, folds), models, ranker, chosen)


def train(data: Path, out: Path, *, workers: int = 2, say: Callable[[str], None] = print) -> Report:
    """Make all model folders of a data folder.

    Args:
        data: Folder with ``calls/`` and ``sectors/``.
        out: Where the model folders go.
        workers: Processes for the folds.
        say: Told what is being done.

    Returns:
        The cross-validated scores, which are also kept in ``ranker/model.json``.
    """
    material = TrainingData.load(data)
    say(f"{len(material.calls)} calls, {len(material.sentences)} sentences")
    heard = hear_all(material, workers=workers, say=say)
    report = save_models(heard, out)
    say(f"models written to {out}")
    return report


def save_models(heard: CrossValidation, out: Path) -> Report:
    """Write all model folders; gives the cross-validated scores, kept in ``ranker/model.json``."""
    material = heard.material
    report = evaluate(pair(material.calls, heard.records), source="cross-validated by call")
    info = ModelInfo(
        name="ranker",
        operating_point=dict(heard.operating_point),
        # Without the day, the same data gives the same file.
        scores={name: value for name, value in report.to_dict().items() if name != "date"},
        versions=versions(),
        training_data=dict(material.hashes),
    )
    _save(heard.models, out, material.hashes)
    heard.ranker.save(out / "ranker", info, _card(report, heard.operating_point))
    return report


def cross_validate(
    calls: Sequence[GoldCall], *, data: Path = Path("data"), workers: int = 2
) -> list[dict[str, Any]]:
    """Give the record of each call from models that were trained without it.

    All calls of ``data`` are trained on but those in the fold of the call.
    """
    material = TrainingData.load(data)
    wanted = {call.call_id for call in calls}
    everything = [*(call for call in material.calls if call.call_id not in wanted), *calls]
    folds = _fit_all(material, everything, workers)[:FOLDS]
    records = {record["call_id"]: record for record in _concluded(_score(everything, folds), folds)}
    return [records[call.call_id] for call in calls]


def _fit_all(material: TrainingData, calls: Sequence[GoldCall], workers: int) -> list[Models]:
    """Fit the hearing models without each fold in turn, and at last on all calls."""
    shares = [
        [call for call in calls if fold_of(call.call_id, FOLDS) != fold] for fold in range(FOLDS)
    ]
    # Places are no model, and labelled calls name their speakers: neither can leak a label.
    shared = Places.build(), train_roles([call.transcript for call in calls])
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_fit_models, material, share, *shared) for share in [*shares, calls]]
        return [job.result() for job in jobs]


def _fit_models(
    material: TrainingData, calls: Sequence[GoldCall], places: Places, roles: RoleModel
) -> Models:
    """Fit all that hears a call."""
    from tradecall.candidates.name_tagger import train_names
    from tradecall.sector import train_need
    from tradecall.summary import train_summarizer
    from tradecall.urgency import train_urgency

    return Models(
        places,
        roles,
        train_names(calls, SEED),
        train_need(
            calls, material.sentences, material.no_job_texts, material.sectors, material.reasons
        ),
        train_urgency(
            calls,
            material.urgency_cues,
            second_readings={
                call.call_id: call.second_reading["urgency"]
                for call in calls
                if call.second_reading.get("urgency")
            },
        ),
        train_summarizer(calls, sentences=[text.text for text in material.sentences]),
    )


def _save(models: Models, out: Path, hashes: Mapping[str, str]) -> None:
    models.places.save(out / "places")
    models.roles.save(out / "roles", training_data=hashes)
    models.names.save(out / "names", training_data=hashes)
    models.need.save(out / "sector", training_data=hashes)
    models.urgency.save(out / "urgency", training_data=hashes)
    models.summarizer.save(out / "summary", training_data=hashes)  # type: ignore[attr-defined]


def _score(calls: Sequence[GoldCall], folds: Sequence[Models]) -> list[_Scored]:
    """Read each call with models, and score its candidates with forests, that do not know it."""
    readings = [
        (call, read_call(call.transcript, folds[fold_of(call.call_id, FOLDS)])) for call in calls
    ]
    scored = []
    for fold in range(FOLDS):
        forests = _fit_forests(
            [item for item in readings if fold_of(item[0].call_id, FOLDS) != fold]
        )
        for call, reading in readings:
            if fold_of(call.call_id, FOLDS) == fold:
                scores = {
                    field: ranker.scores(_of(field, reading)) for field, ranker in forests.items()
                }
                scored.append(_Scored(call, reading, scores))
    return scored


def _fit_forests(
    readings: Sequence[tuple[GoldCall, Reading]],
) -> dict[JobField, FieldRanker]:
    forests = {}
    jobs = [(call, reading) for call, reading in readings if call.is_job]
    for field in JobField:
        candidates = [_of(field, reading) for _, reading in jobs]
        truths = [
            [_is_right(call, item) for item in found]
            for (call, _), found in zip(jobs, candidates, strict=True)
        ]
        forests[field] = FieldRanker.fit(field, candidates, truths, seed=SEED)
    return forests


def _concluded(scored: Sequence[_Scored], folds: Sequence[Models]) -> list[dict[str, Any]]:
    """Give each call's record, with thresholds and calibration from the other folds."""
    unfitted = {field: FieldRanker(field, (), None) for field in JobField}
    records = []
    for fold in range(FOLDS):
        others = [item for item in scored if fold_of(item.call.call_id, FOLDS) != fold]
        ranker, _ = _assemble_ranker(others, unfitted)
        pipeline = Pipeline(folds[fold], ranker, _plain_settings())
        for item in scored:
            if fold_of(item.call.call_id, FOLDS) == fold:
                found = {field: _of(field, item.reading) for field in JobField}
                decisions = ranker.decide_scored(found, item.scores)
                records.append(pipeline.conclude(item.reading, decisions).to_record())
    return records


def _assemble_ranker(
    scored: Sequence[_Scored], forests: Mapping[JobField, FieldRanker]
) -> tuple[Ranker, dict[str, Any]]:
    """Calibrate forests and choose the operating point on scores from forests of other folds."""
    jobs = [item for item in scored if item.call.is_job]
    fields = {}
    for field, forest in forests.items():
        best, rivals, right, none_right = [], [], [], []
        for item in jobs:
            found = sorted(
                zip(item.scores[field], _of(field, item.reading), strict=True),
                key=lambda scored_candidate: -scored_candidate[0],
            )
            best.append(found[0][0] if found else 0.0)
            rivals.append(found[1][0] if len(found) > 1 else 0.0)
            right.append(bool(found) and _is_right(item.call, found[0][1]))
            none_right.append(item.call.value(field) is None)
        fitted = calibrate(best, rivals, right, none_right)
        fields[field] = replace(forest, **asdict(fitted))
    rows = [row for item in scored if (row := _readiness_row(item, fields))]
    # Readiness is tried on folds it was not fitted on, or its threshold would be too kind.
    tried: list[tuple[float, bool]] = []
    for fold in {row.fold for row in rows}:
        known = [row for row in rows if row.fold != fold]
        held_out = Readiness.fit([row.parts for row in known], [row.right for row in known])
        tried += [(held_out.probability(row.parts), row.right) for row in rows if row.fold == fold]
    probabilities = [probability for probability, _ in tried]
    right = [good for _, good in tried]
    points = {
        risk: operating_point(probabilities, right, risk=risk, confidence=_CONFIDENCE)
        for risk in _RISKS
    }
    ready_at, chosen = points[_RISK]
    readiness = Readiness.fit(
        [row.parts for row in rows],
        [row.right for row in rows],
        ready_at=ready_at,
        at_risk={risk: threshold for risk, (threshold, _) in points.items()},
    )
    return Ranker(fields, readiness), chosen


@dataclass(frozen=True)
class _ReadinessRow:
    parts: Mapping[str, float]
    right: bool
    fold: int


def _readiness_row(item: _Scored, fields: Mapping[JobField, FieldRanker]) -> _ReadinessRow | None:
    """Give what readiness is fitted on; None for a call that could not be ready anyhow."""
    need = item.reading.need
    decisions = {
        field: ranker.decide_scored(_of(field, item.reading), item.scores[field])
        for field, ranker in fields.items()
    }
    if not need.is_job or any(decisions[field].value is None for field in REQUIRED_FIELDS):
        return None
    gold = item.call.gold
    right = bool(gold["is_job"]) and need.sector == gold["sector"]
    for name in CONTACT_FIELDS:
        got = decisions[JobField(name)].value
        right = right and normal_form(name, got) == normal_form(name, item.call.value(name))
    return _ReadinessRow(job_parts(decisions, need), right, fold_of(item.call.call_id, FOLDS))


def _of(field: JobField, reading: Reading) -> list[Candidate]:
    return [item for item in reading.candidates if item.field is field]


def _is_right(call: GoldCall, candidate: Candidate) -> bool:
    truth = call.value(candidate.field)
    return truth is not None and normal_form(candidate.field, candidate.value) == normal_form(
        candidate.field, truth
    )


def _plain_settings() -> Settings:
    """Give settings that do not depend on the machine."""
    return Settings(include_transcript=False)


def _card(report: Report, chosen: Mapping[str, Any]) -> str:
    """Write the model card of the ranker, which carries the scores of the whole."""
    from tradecall.evaluation import format_report

    return f"""# ranker

Decides on what was heard: for each field a forest of extremely randomised trees
(scikit-learn) over the features that the finders give a candidate, a logistic calibration, and the
probability from which a field is filled; and over all fields the probability that a whole job is
right (readiness), with the operating point from which a job is called ready.

- **Made from**: the labelled calls in `data/calls` (hashes in `model.json`), by `tradecall train`.
- **Meant for**: US home-services calls in English, as speech recognisers write them.
- **Not meant for**: other countries' numbers and addresses, other languages, chats and letters.
- **Operating point**: at most {chosen["risk"]:.0%} wrong among ready jobs. On cross-validated
  predictions {chosen["ready"]} of {chosen["of"]} complete jobs are ready and {chosen["wrong"]} of
  them wrong; the Clopper-Pearson bound of that share at {chosen["confidence"]:.0%} confidence is
  {chosen["upper_bound"]:.1%}.

## Scores, cross-validated by call

```
{format_report(report)}
```
"""
