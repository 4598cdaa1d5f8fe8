"""The whole flow in one place: a transcript in, a job request with its evidence out.

::

    transcript ─ assign_roles ─ tokenize ─┬─ find_candidates ─ Ranker ─┐
                                          ├─ NeedClassifier ───────────┼─ assemble_job ─ CallResult
                                          ├─ UrgencyModel, preferred ──┤
                                          ├─ ClauseSummarizer ─────────┤
                                          └─ hear_agent ─ attribute ───┘
"""

from __future__ import annotations

import hashlib
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradecall.attribution import AgentDirectory, Attribution, CompanyTable, attribute, find_company
from tradecall.candidates import find_candidates
from tradecall.candidates.candidate import Candidate, JobField
from tradecall.errors import InvalidJobError, ModelError, TradecallError
from tradecall.job import Assembly, JobRequest, assemble_job, is_valid_phone, normalize_phone
from tradecall.preferred_time import find_preferred_time
from tradecall.roles import RoleModel, assign_roles
from tradecall.settings import Settings
from tradecall.spoken_letters import find_letter_runs
from tradecall.tokens import Tokens, tokenize
from tradecall.transcript import Span, Transcript

if TYPE_CHECKING:
    from tradecall.attribution import HeardAgent
    from tradecall.candidates.name_tagger import NameTagger
    from tradecall.places import Places
    from tradecall.preferred_time import PreferredTime
    from tradecall.ranking import Decision, Ranker
    from tradecall.sector import Need, NeedClassifier
    from tradecall.summary import Summarizer, Summary
    from tradecall.urgency import Urgency, UrgencyModel

_SHOWN_EVIDENCE = 12
_SHOWN_OTHERS = 3
_UNSURE = 0.8
_BATCH = 16


@dataclass(frozen=True)
class Models:
    """What hears a call: one attribute for each model folder but the ranker's."""

    places: Places
    roles: RoleModel
    names: NameTagger
    need: NeedClassifier
    urgency: UrgencyModel
    summarizer: Summarizer

    @classmethod
    def load(cls, folder: Path) -> Models:
        """Read all model folders.

        Raises:
            ModelError: One is missing, damaged or not trusted.
        """
        from tradecall.candidates.name_tagger import NameTagger
        from tradecall.places import Places
        from tradecall.sector import NeedClassifier
        from tradecall.summary import ClauseSummarizer
        from tradecall.urgency import UrgencyModel

        return cls(
            Places.load(folder / "places"),
            RoleModel.load(folder / "roles"),
            NameTagger.load(folder / "names"),
            NeedClassifier.load(folder / "sector"),
            UrgencyModel.load(folder / "urgency"),
            ClauseSummarizer.load(folder / "summary"),
        )


@dataclass(frozen=True)
class Reading:
    """What was heard in a call, before anything is decided.

    Attributes:
        tokens: The call, cut into tokens.
        candidates: What may fill the fields.
        need: The work that is asked for.
        agent: Who took the call, as heard.
    """

    tokens: Tokens
    candidates: Sequence[Candidate]
    need: Need
    agent: HeardAgent | None


@dataclass(frozen=True)
class CallResult:
    """What became of a call.

    Attributes:
        transcript: The call as it was read, roles assigned: what evidence counts in.
        status: ``ready``, ``review`` or ``no_job``.
        probability: That both names, phone, e-mail, ZIP code and sector are all right.
        decisions: One for each field.
        need: The work that is asked for.
        urgency: How soon.
        preferred_time: When the visit is wished or agreed.
        summary: For the dispatcher.
        attribution: Who took the call.
        missing: Required fields without a value.
        reasons: Why a person should look, as codes; never a caller's words.
        suggestions: Field → what might stand there though the call does not say so.
        job: The request; None unless all required fields have values.
    """

    transcript: Transcript
    status: str
    probability: float
    decisions: Mapping[JobField, Decision]
    need: Need
    urgency: Urgency
    preferred_time: PreferredTime | None
    summary: Summary
    attribution: Attribution
    missing: tuple[JobField, ...]
    reasons: tuple[str, ...]
    suggestions: Mapping[JobField, Mapping[str, str]]
    job: JobRequest | None

    @property
    def call_id(self) -> str:
        """The call's identifier."""
        return self.transcript.call_id

    def to_record(self) -> dict[str, Any]:
        """Give the record of ``tradecall process``: plain values, ready for JSON."""
        agent = self.attribution
        no_job = self.status == "no_job"
        record: dict[str, Any] = {
            "call_id": self.call_id,
            "status": self.status,
            "confidence": round(self.probability, 4),
            "fields": {name.value: self._field(name) for name in JobField},
            "sector": {
                "label": None if no_job else self.need.sector,
                "confidence": round(self.need.probability, 4),
                "others": _labels(self.need.others),
                "runners_up": _labels(self.need.runners_up[:_SHOWN_OTHERS]),
                "evidence": self._evidence(self.need.evidence),
            },
            "is_job": {
                "probability": round(self.need.is_job_probability, 4),
                "no_job_reason": self.need.no_job_reason if no_job else None,
            },
            "urgency": self.urgency.label,
            "preferred_time": self.preferred_time.text if self.preferred_time else None,
            "summary": self.summary.text,
            "agent": {
                "first_name": agent.first_name,
                "last_name": agent.last_name,
                "source": agent.source,
            },
            "missing": [name.value for name in self.missing],
            "reasons": list(self.reasons),
            "job": self.job.to_payload() if self.job else None,
        }
        if self.suggestions:
            record["suggestions"] = {
                name.value: dict(entry) for name, entry in self.suggestions.items()
            }
        return record

    def _field(self, name: JobField) -> dict[str, Any]:
        decision = self.decisions[name]
        accepted = decision.accepted
        shown: dict[str, Any] = {
            "value": decision.value,
            "confidence": round(decision.probability, 4),
            "evidence": self._evidence(accepted.candidate.evidence) if accepted else [],
        }
        if accepted and accepted.candidate.source:
            shown["source"] = accepted.candidate.source
        others = [
            {"value": other.candidate.value, "confidence": round(other.probability, 4)}
            for other in decision.others[:_SHOWN_OTHERS]
            if other.probability >= 0.05
        ]
        if others:
            shown["others"] = others
        return shown

    def _evidence(self, spans: Iterable[Span]) -> list[dict[str, Any]]:
        shown = []
        for span in islice(spans, _SHOWN_EVIDENCE):
            turn, start, end = self.transcript.locate(span)
            text = self.transcript.quote(span)
            shown.append({"turn": turn, "start": start, "end": end, "text": text})
        return shown


@dataclass(frozen=True)
class FailedCall:
    """A call on which the flow itself failed; the stream goes on without it."""

    call_id: str
    error: str

    def to_record(self) -> dict[str, Any]:
        """Give the record of ``tradecall process`` for a call that could not be done."""
        return {"call_id": self.call_id, "status": "error", "error": self.error}


@dataclass(frozen=True)
class Pipeline:
    """The models and tables, loaded once; ``process`` takes one call, ``process_many`` a stream.

    Attributes:
        models: What hears a call.
        ranker: What decides on what was heard.
        settings: What the user may set.
        directory: The agents by id and name, where there is such a table.
        companies: The companies by name and called number, where there is such a table.
        folder: Where the models were loaded from; worker processes load them from there.
    """

    models: Models
    ranker: Ranker
    settings: Settings
    directory: AgentDirectory | None = None
    companies: CompanyTable | None = None
    folder: Path = field(default_factory=Path)

    @classmethod
    def load(cls, models: Path | None = None, *, settings: Settings | None = None) -> Pipeline:
        """Load the models, the shipped ones by default.

        Args:
            models: Folder of the model folders.
            settings: What ``tradecall.settings.load_settings()`` gives by default.

        Raises:
            ModelError: A model is missing, damaged or not trusted.
            ConfigurationError: A setting or table is wrong.
        """
        from tradecall.ranking import Ranker
        from tradecall.settings import load_settings

        settings = settings or load_settings()
        folder = models or settings.models or shipped_models()
        loaded = Models.load(folder)
        if settings.summarizer_url:
            loaded = replace(loaded, summarizer=_remote(settings, loaded.summarizer))
        return cls(
            loaded,
            Ranker.load(folder / "ranker"),
            settings,
            AgentDirectory.from_file(settings.agents) if settings.agents else None,
            CompanyTable.from_file(settings.companies) if settings.companies else None,
            folder,
        )

    def process(self, call: Transcript | str | Mapping[str, Any]) -> CallResult:
        """Make a job request of one call.

        Args:
            call: A transcript, the text of one in any format that can be recognised, or a call of
                the library's own format as a dictionary.

        Raises:
            InputError: The text or dictionary is no call.
        """
        transcript = _transcript(call)
        reading = read_call(transcript, self.models)
        return self.conclude(reading)

    def process_many(
        self, calls: Iterable[Transcript], *, workers: int = 1
    ) -> Iterator[CallResult | FailedCall]:
        """Process a stream of calls, in order and with bounded memory.

        A call on which the flow fails gives a ``FailedCall``; the others are not touched by it.

        Args:
            calls: The calls; read only a little ahead of what is given back.
            workers: Processes; with more than one, each loads the models once.
        """
        if workers <= 1:
            for call in calls:
                yield _attempt(self, call)
            return
        batches = _batches(calls, _BATCH)
        waiting: deque[Future[list[CallResult | FailedCall]]] = deque()
        with ProcessPoolExecutor(workers, initializer=_start, initargs=(self,)) as pool:
            try:
                for batch in islice(batches, 2 * workers):
                    waiting.append(pool.submit(_work, batch))
                while waiting:
                    yield from waiting.popleft().result()
                    for batch in islice(batches, 1):
                        waiting.append(pool.submit(_work, batch))
            finally:
                for future in waiting:
                    future.cancel()

    def conclude(
        self, reading: Reading, decisions: dict[JobField, Decision] | None = None
    ) -> CallResult:
        """Decide on what was heard: fields, job, and whether a person should look.

        Args:
            reading: What was heard.
            decisions: What is to stand in the fields, where that is decided already.
        """
        transcript = reading.tokens.transcript
        decisions = decisions or self.ranker.decide(reading.candidates)
        decisions = self._with_caller_id(decisions, transcript)
        need = reading.need
        # Names above all may be common words: every value that was weighed stays out.
        redactions = [
            span
            for candidate in reading.candidates
            if candidate.field not in (JobField.CITY, JobField.STATE)
            for span in candidate.evidence
        ]
        preferred = find_preferred_time(reading.tokens)
        urgency = self.models.urgency.predict(reading.tokens, need.sector, preferred)
        summary = self.models.summarizer.summarize(
            reading.tokens,
            need.sector if need.is_job else None,
            urgency.label,
            preferred.text if preferred else None,
            redactions=redactions,
        )
        metadata = transcript.metadata
        attribution = attribute(metadata.agent, reading.agent, self.directory)
        assembly = self._assemble(decisions, transcript, summary, attribution)
        parts = job_parts(decisions, need)
        readiness = self.ranker.readiness
        probability = readiness.probability(parts)
        ready_at = readiness.threshold(self.settings.risk)
        reasons = _reasons(decisions, need, assembly)
        doubtful = any(path.startswith("homeowner.") for path in assembly.problems) or any(
            _is_unconfirmed(decision) for decision in decisions.values()
        )
        if not need.is_job:
            status = "no_job"
        elif assembly.job and probability >= ready_at and not doubtful:
            status, reasons = "ready", ()
        else:
            status = "review"
        return CallResult(
            transcript,
            status,
            probability,
            decisions,
            need,
            urgency,
            preferred,
            summary,
            attribution,
            assembly.missing,
            reasons,
            self._suggestions(decisions, transcript),
            assembly.job if need.is_job else None,
        )

    def _assemble(
        self,
        decisions: Mapping[JobField, Decision],
        transcript: Transcript,
        summary: Summary,
        attribution: Attribution,
    ) -> Assembly:
        metadata = transcript.metadata
        text = "\n".join(f"{turn.speaker}: {turn.text}" for turn in transcript.turns)
        return assemble_job(
            {name: decision.value for name, decision in decisions.items()},
            call_id=transcript.call_id,
            summary=summary.text,
            transcript=text if self.settings.include_transcript else None,
            agent=attribution.identity,
            company=find_company(metadata, self.companies),
            started_at=metadata.started_at,
        )

    def _with_caller_id(
        self, decisions: dict[JobField, Decision], transcript: Transcript
    ) -> dict[JobField, Decision]:
        """Take an unconfirmed caller id as the phone where the user has asked for that."""
        number = _caller_id(transcript)
        phone = decisions[JobField.PHONE]
        if not self.settings.accept_caller_id or phone.value or not number:
            return decisions
        from tradecall.ranking import Decision, Ranked

        heard = next(
            (other.probability for other in phone.others if other.candidate.value == number), 0.0
        )
        taken = Ranked(Candidate(JobField.PHONE, number, (), {}, "metadata"), heard)
        decision = Decision(JobField.PHONE, taken, phone.others, heard)
        return decisions | {JobField.PHONE: decision}

    def _suggestions(
        self, decisions: Mapping[JobField, Decision], transcript: Transcript
    ) -> dict[JobField, dict[str, str]]:
        """Say what the call does not: the caller id, the city and state of the ZIP code."""
        suggestions: dict[JobField, dict[str, str]] = {}
        number = _caller_id(transcript)
        if decisions[JobField.PHONE].value is None and number:
            suggestions[JobField.PHONE] = {"value": number, "source": "caller_id"}
        code = decisions[JobField.ZIP_CODE].value
        area = self.models.places.zip_area(code) if code else None
        if area:
            for name, value in ((JobField.CITY, area.city), (JobField.STATE, area.state)):
                if decisions[name].value is None:
                    suggestions[name] = {"value": value, "source": "zip_code"}
        return suggestions


def read_call(transcript: Transcript, models: Models) -> Reading:
    """Hear a call: everything that comes before a decision."""
    from tradecall.candidates.names import hear_agent

    tokens = tokenize(assign_roles(transcript, models.roles))
    letters = find_letter_runs(tokens)
    candidates = find_candidates(tokens, models.places, models.names, letters)
    need = models.need.classify(tokens)
    return Reading(tokens, candidates, need, hear_agent(tokens, models.names, letters))


def _remote(settings: Settings, fallback: Summarizer) -> Summarizer:
    from tradecall.remote_summary import RemoteSummarizer

    return RemoteSummarizer(
        settings.summarizer_url or "",
        settings.summarizer_model,
        fallback=fallback,
        api_key=settings.summarizer_key,
    )


def shipped_models() -> Path:
    """Give the folder of the models that came with the package.

    Raises:
        ModelError: There is none.
    """
    here = Path(__file__).parent
    for folder in (here / "models", here.parents[1] / "models"):
        if (folder / "ranker" / "model.json").exists():
            return folder
    raise ModelError("no models came with the package; make them with `tradecall train`")


def _transcript(call: Transcript | str | Mapping[str, Any]) -> Transcript:
    if isinstance(call, str):
        from tradecall.formats import Payload, read_payload

        found = next(iter(read_payload(Payload(call))))
        if not isinstance(found, Transcript):
            raise found.error
        transcript = found
    elif isinstance(call, Transcript):
        transcript = call
    else:
        from tradecall.formats.own import from_mapping

        transcript = from_mapping(call)
    if transcript.call_id:
        return transcript
    # Two nameless calls must not share an idempotency key: their words tell them apart.
    digest = hashlib.sha256(transcript.text.encode("utf-8", "replace")).hexdigest()
    return transcript.with_call_id(f"text-{digest[:16]}")


def _attempt(pipeline: Pipeline, call: Transcript) -> CallResult | FailedCall:
    try:
        return pipeline.process(call)
    except TradecallError as error:
        return FailedCall(call.call_id, str(error))
    except Exception as error:  # a defect of ours: one call must not stop a million others
        return FailedCall(call.call_id, f"internal error ({type(error).__name__}); please report")


_pipeline: Pipeline | None = None  # of a worker process


def _start(pipeline: Pipeline) -> None:
    global _pipeline
    # Ctrl-C reaches every process of the terminal; the first one ends the others in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _pipeline = pipeline


def _work(calls: Sequence[Transcript]) -> list[CallResult | FailedCall]:
    if _pipeline is None:
        raise ModelError("the worker process has no pipeline")
    return [_attempt(_pipeline, call) for call in calls]


def _batches(calls: Iterable[Transcript], size: int) -> Iterator[list[Transcript]]:
    iterator = iter(calls)
    while batch := list(islice(iterator, size)):
        yield batch


def job_parts(decisions: Mapping[JobField, Decision], need: Need) -> dict[str, float]:
    """Give the probabilities that the readiness of a job is made of."""
    parts = {name.value: decision.probability for name, decision in decisions.items()}
    return parts | {"sector": need.probability, "is_job": need.is_job_probability}


def _reasons(
    decisions: Mapping[JobField, Decision], need: Need, assembly: Assembly
) -> tuple[str, ...]:
    reasons = [f"{path}: {why}" for path, why in assembly.problems.items()]
    for name, decision in decisions.items():
        if name in assembly.missing:
            reasons.append(f"{name}: not heard" if not decision.others else f"{name}: not certain")
        elif decision.probability < _UNSURE and (decision.accepted or name is JobField.EMAIL):
            reasons.append(f"{name}: unsure ({decision.probability:.2f})")
        if _is_unconfirmed(decision):
            reasons.append(f"{name}: caller id that nobody confirmed")
    if need.probability < _UNSURE:
        reasons.append(f"sector: unsure ({need.probability:.2f})")
    if need.is_job_probability < _UNSURE:
        reasons.append(f"is_job: unsure ({need.is_job_probability:.2f})")
    return tuple(reasons)


def _is_unconfirmed(decision: Decision) -> bool:
    """Whether a value stands there only because the user takes any caller id."""
    accepted = decision.accepted
    return bool(accepted and accepted.candidate.source and not accepted.candidate.evidence)


def _caller_id(transcript: Transcript) -> str | None:
    number = transcript.metadata.caller_id
    if not number:
        return None
    try:
        normal = normalize_phone(number)
    except (ValueError, InvalidJobError):
        return None
    return normal if is_valid_phone(normal) else None


def _labels(found: Iterable[tuple[str, float]]) -> list[dict[str, Any]]:
    return [{"label": label, "confidence": round(value, 4)} for label, value in found]
