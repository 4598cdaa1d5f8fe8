"""What the job API takes: ``JobRequest`` and its parts; ``assemble_job()`` makes one of a call.

The models are our reading of TradeEngage OpenAPI 1.0.0; ``openapi.json`` beside this module says
the same in its own words, and the tests hold the two against each other. ``ASSUMED_NAMES`` lists
the names that the published pages do not give.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails

from tradecall.candidates.candidate import REQUIRED_FIELDS, JobField
from tradecall.errors import InvalidJobError
from tradecall.places import state_names
from tradecall.transcript import AgentIdentity

ASSUMED_NAMES: Mapping[str, Mapping[str, str]] = {
    "agent": {
        "first_name": "first_name",
        "last_name": "last_name",
        "email": "email",
        "phone": "phone",
    },
    "referring_user": {
        "first_name": "first_name",
        "last_name": "last_name",
        "email": "email",
        "phone": "phone",
    },
    "call": {
        "id": "id",
        "started_at": "started_at",
        "duration_seconds": "duration_seconds",
        "recording_url": "recording_url",
    },
    "job": {"external_ids": "external_ids"},
}
"""Names in the JSON that are not published, by object: our attribute → the name on the wire.

A correction is one line here and the same name in ``openapi.json``.
"""

_SEPARATORS = r" \u00a0().\-/\u2010-\u2015"
_PHONE = (
    rf"^[{_SEPARATORS}+]*(?:1[{_SEPARATORS}]*)?[2-9](?:[{_SEPARATORS}]*[0-9]){{9}}[{_SEPARATORS}]*$"
)
_EMAIL = r"^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$"
_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_LINE = r"^ *[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
_TEXT = r"^\s*[^\s\x00][^\x00]*$"
_ZIP = r"^[0-9]{5}$"

_phone_shape = re.compile(_PHONE)
_uuid_shape = re.compile(_UUID)
_plain_key = re.compile(r"[A-Za-z_]\w{0,40}")

# The territories' numbers have regions of their own; Canada and the Caribbean share our code +1.
_US_REGIONS = frozenset({"US", "PR", "VI", "GU", "AS", "MP"})


def normalize_phone(value: str) -> str:
    """Give a US telephone number as ``+1XXXXXXXXXX``.

    The number need only be *possible*, as the API's own example ``5551234567`` is; what was heard
    in a call is held to ``is_valid_phone``.

    Raises:
        ValueError: It has not ten digits, has an extension, or belongs to another country.
    """
    import phonenumbers

    if not _phone_shape.fullmatch(value.strip()):
        raise ValueError("must be a US number of ten digits")
    try:
        number = phonenumbers.parse(value, "US")
    except phonenumbers.NumberParseException:
        raise ValueError("must be a US number of ten digits") from None
    possible = phonenumbers.is_possible_number_with_reason(number)
    region = phonenumbers.region_code_for_number(number)
    if (
        number.country_code != 1
        or possible != phonenumbers.ValidationResult.IS_POSSIBLE
        or (region is not None and region not in _US_REGIONS)
    ):
        raise ValueError("must be a US number of ten digits")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_valid_phone(value: str) -> bool:
    """Say whether the US numbering plan gives a number out: the level for what was heard."""
    import phonenumbers

    try:
        number = phonenumbers.parse(normalize_phone(value), "US")
    except ValueError:
        return False
    return phonenumbers.is_valid_number(number)


def normalize_email(value: str) -> str:
    """Give an e-mail address with its domain in lower case; whether it is delivered is not asked.

    Raises:
        ValueError: It is no address, or is at a domain reserved for local use.
    """
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(value.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        # The library's reason quotes characters of the address.
        raise ValueError("must be an e-mail address") from None


def normalize_state(value: str) -> str:
    """Give the two letters of a state, from these or from its full name, in any case.

    Raises:
        ValueError: There is no such state.
    """
    wanted = " ".join(value.split()).lower()
    for code, name in state_names().items():
        if wanted in (code.lower(), name):
            return code
    raise ValueError("must be a US state, abbreviated or in full")


def _check_key(value: object) -> object:
    if isinstance(value, UUID) or (isinstance(value, str) and _uuid_shape.fullmatch(value)):
        return value
    raise ValueError("must be a UUID with its hyphens")


class _StateSchema:
    """Lists the states in the JSON schema; the list is read when a schema is asked for."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        names = (name.title().replace(" Of ", " of ") for name in state_names().values())
        return {"type": "string", "enum": [*state_names(), *names]}


_Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=_LINE)]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, pattern=_TEXT)]
_Phone = Annotated[
    str, AfterValidator(normalize_phone), WithJsonSchema({"type": "string", "pattern": _PHONE})
]
_Email = Annotated[
    str,
    AfterValidator(normalize_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254, "pattern": _EMAIL}),
]
_Zip = Annotated[str, StringConstraints(strip_whitespace=True, pattern=_ZIP)]
_State = Annotated[str, AfterValidator(normalize_state), _StateSchema()]
_Key = Annotated[
    UUID,
    BeforeValidator(_check_key),
    WithJsonSchema({"type": "string", "format": "uuid", "pattern": _UUID}),
]
_Url = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^https?://[^\s/]+\S*$")]


def _one_of(*names: str) -> dict[str, Any]:
    """Describe an object that has at least one of these members, as text."""
    return {
        "anyOf": [{"required": [name], "properties": {name: {"type": "string"}}} for name in names]
    }


def _renamed(part: str) -> Callable[[str], str]:
    names = ASSUMED_NAMES[part]
    return lambda name: names.get(name, name)


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True
    )


class Homeowner(_Part):
    """The person under whose name the job is booked.

    ``phone`` becomes ``+1XXXXXXXXXX``, ``state`` its two letters; ``zip_code`` is five digits, of
    the place where the work is done.
    """

    first_name: _Line
    last_name: _Line
    phone: _Phone
    zip_code: _Zip
    email: _Email | None = None
    street: _Line | None = None
    city: _Line | None = None
    state: _State | None = None


class Person(_Part):
    """Somebody whom a job may be attributed to; at least one member must be there."""

    first_name: _Line | None = None
    last_name: _Line | None = None
    email: _Email | None = None
    phone: _Phone | None = None

    @model_validator(mode="after")
    def _is_somebody(self) -> Person:
        if not (self.first_name or self.last_name or self.email or self.phone):
            raise ValueError("must have a name, an e-mail address or a phone")
        return self


class Agent(Person):
    """The call-center employee who took the call."""

    model_config = ConfigDict(
        title="Agent",
        alias_generator=_renamed("agent"),
        json_schema_extra=_one_of(*ASSUMED_NAMES["agent"].values()),
    )


class ReferringUser(Person):
    """Who referred the job. Unknown to the service, this person is sent an invitation."""

    model_config = ConfigDict(
        title="ReferringUser",
        alias_generator=_renamed("referring_user"),
        json_schema_extra=_one_of(*ASSUMED_NAMES["referring_user"].values()),
    )


class Call(_Part):
    """The call itself. ``started_at`` needs a time zone: without one it is no moment."""

    model_config = ConfigDict(alias_generator=_renamed("call"))

    transcript: _Text | None = None
    id: _Line | None = None
    started_at: AwareDatetime | None = None
    duration_seconds: Annotated[int, Field(ge=0, strict=True)] | None = None
    recording_url: _Url | None = None


class CallCenter(_Part):
    """Who took the call, and the call."""

    agent: Agent | None = None
    call: Call | None = None


_CONTEXT_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"required": ["summary"], "properties": {"summary": {"type": "string"}}},
        {
            "required": ["call_center"],
            "properties": {
                "call_center": {
                    "type": "object",
                    "required": ["call"],
                    "properties": {
                        "call": {
                            "type": "object",
                            "required": ["transcript"],
                            "properties": {"transcript": {"type": "string"}},
                        }
                    },
                }
            },
        },
    ]
}


class JobRequest(_Part):
    """The body of ``POST /jobs``. At least one of ``summary`` and the call's transcript is there.

    A bad value raises pydantic's ``ValidationError``, or, from ``from_payload``,
    ``InvalidJobError``; both name the field and the reason, neither repeats the value.
    """

    model_config = ConfigDict(alias_generator=_renamed("job"), json_schema_extra=_CONTEXT_SCHEMA)

    homeowner: Homeowner
    call_center: CallCenter | None = None
    referring_user: ReferringUser | None = None
    summary: _Text | None = None
    service_titan_tenant_id: _Line | None = None
    brand_location_id: _Line | None = None
    idempotency_key: _Key | None = None
    external_ids: Mapping[_Line, _Line] | None = None

    @model_validator(mode="after")
    def _has_context(self) -> JobRequest:
        if self.summary is None and self.transcript is None:
            raise ValueError("is required where there is no call_center.call.transcript")
        return self

    @property
    def transcript(self) -> str | None:
        """The call's transcript, where it is sent along."""
        call = self.call_center.call if self.call_center else None
        return call.transcript if call else None

    @property
    def attributed_to(self) -> Agent | ReferringUser | None:
        """Who gets the credit: the agent who took the call, else who referred the job."""
        agent = self.call_center.agent if self.call_center else None
        return agent or self.referring_user

    @property
    def company_id(
        self,
    ) -> tuple[Literal["service_titan_tenant_id", "brand_location_id"], str] | None:
        """The company the service goes by: tenant id, else location; None is the key's own."""
        if self.service_titan_tenant_id is not None:
            return "service_titan_tenant_id", self.service_titan_tenant_id
        if self.brand_location_id is not None:
            return "brand_location_id", self.brand_location_id
        return None

    def to_payload(self) -> dict[str, Any]:
        """Give the JSON object to send, without members that are null."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> JobRequest:
        """Read a JSON object such as ``to_payload`` gives.

        Raises:
            InvalidJobError: ``problems`` maps the path of each bad member to the reason.
        """
        try:
            return cls.model_validate(payload)
        except ValidationError as error:
            problems = dict(map(_problem, error.errors(include_url=False, include_input=False)))
        raise InvalidJobError(problems)


# pydantic's own messages may quote characters of the value, so reasons are ours.
_REASONS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of the job API",
    "string_type": "must be text",
    "string_unicode": "must be text without broken characters",
    "timezone_aware": "must be a time with its zone",
    "int_type": "must be a whole number",
    "greater_than_equal": "must not be negative",
}
_PATTERN_REASONS = {
    _LINE: "must be one line of text that is not blank",
    _TEXT: "must be text that is not blank",
    _ZIP: "must be a ZIP code of five digits",
}


def _problem(detail: ErrorDetails) -> tuple[str, str]:
    """Give the path and the reason of one error."""
    path = list(detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    if not path:
        # The one rule about the whole request asks for a summary.
        path = ["summary"] if kind == "value_error" else ["job"]
    if kind == "extra_forbidden" and not _plain_key.fullmatch(str(path[-1])):
        path[-1] = "?"
    if ASSUMED_NAMES["job"]["external_ids"] in path[:1]:
        del path[1:]
    if kind == "value_error":
        reason = str(context["error"])
    elif kind == "string_pattern_mismatch":
        reason = _PATTERN_REASONS.get(context["pattern"], "has not the right form")
    else:
        reason = _REASONS.get(kind, f"has not the right form ({kind})")
    return ".".join(map(str, path)), reason


def idempotency_key(company: str, call_id: str, revision: int = 0) -> UUID:
    """Give the key under which a call's job is submitted: the same call, the same key.

    The key is a hash laid out as a version-4 UUID, so that a lost outbox or a retrained model
    meets the first answer and no second visit is booked. A job that a person has corrected goes
    out under the next ``revision``.

    Raises:
        ValueError: The call has no id; all such calls would be one to the service.
    """
    if not call_id:
        raise ValueError("a call without id has no idempotency key")
    text = json.dumps([company, call_id, revision], ensure_ascii=True)
    return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4)


@dataclass(frozen=True, slots=True)
class CompanyContext:
    """The company a job is for.

    Attributes:
        service_titan_tenant_id: The company's tenant there; beats the location.
        brand_location_id: Public identifier of the company or location.
        name: As it came with the call, or as the company table has it.
    """

    service_titan_tenant_id: str | None = None
    brand_location_id: str | None = None
    name: str | None = None

    @property
    def key(self) -> str:
        """What stands for the company in an idempotency key.

        The name comes first: it came with the call, while the identifiers come from a table that
        may be filled later, and a call that was submitted before must keep its key.
        """
        if self.name:
            return " ".join(self.name.casefold().split())
        return self.service_titan_tenant_id or self.brand_location_id or ""


@dataclass(frozen=True, slots=True)
class Assembly:
    """What became of a call's values.

    Attributes:
        job: The request; None while a required value is missing or refused.
        missing: Required fields without a value.
        problems: Path of a member (``homeowner.email``) → why it was left out or is doubtful.
    """

    job: JobRequest | None
    missing: tuple[JobField, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)


_OPTIONAL_PATHS = (
    *(f"homeowner.{name}" for name in JobField if name not in REQUIRED_FIELDS),
    *(f"call_center.call.{name}" for name in ASSUMED_NAMES["call"].values()),
    "call_center.agent",
    "referring_user",
    ASSUMED_NAMES["job"]["external_ids"],
)


def assemble_job(
    values: Mapping[JobField, str | None],
    *,
    call_id: str,
    summary: str | None = None,
    transcript: str | None = None,
    agent: AgentIdentity | None = None,
    referring_user: AgentIdentity | None = None,
    company: CompanyContext | None = None,
    started_at: datetime | None = None,
    duration_seconds: int | None = None,
    recording_url: str | None = None,
    external_ids: Mapping[str, str] | None = None,
    revision: int = 0,
) -> Assembly:
    """Make a job request of a call's values, or say what it lacks.

    An optional value that the API would refuse is left out and stands in ``problems``; a phone
    that is possible but not valid stands there too, and is kept. A refused company identifier
    stops the job: without it the job would go to another company. A ``started_at`` without time
    zone is left out. A call without id gets a job without idempotency key.
    """
    company = company or CompanyContext()
    names = ASSUMED_NAMES["call"]
    moment = started_at if started_at and started_at.tzinfo else None
    tenant, location = company.service_titan_tenant_id, company.brand_location_id
    payload: dict[str, Any] = _filled(
        {
            "homeowner": _filled({str(name): values.get(name) for name in JobField}),
            "call_center": _filled(
                {
                    "agent": _person("agent", agent),
                    "call": _filled(
                        {
                            "transcript": transcript,
                            names["id"]: call_id,
                            names["started_at"]: moment,
                            names["duration_seconds"]: duration_seconds,
                            names["recording_url"]: recording_url,
                        }
                    ),
                }
            ),
            "referring_user": _person("referring_user", referring_user),
            "summary": summary,
            "service_titan_tenant_id": tenant,
            "brand_location_id": None if tenant else location,
            ASSUMED_NAMES["job"]["external_ids"]: external_ids,
        }
    )
    if call_id:
        payload["idempotency_key"] = idempotency_key(company.key, call_id, revision)
    payload.setdefault("homeowner", {})
    missing = tuple(name for name in REQUIRED_FIELDS if name not in payload["homeowner"])
    problems: dict[str, str] = {}
    job: JobRequest | None = None
    try:
        job = JobRequest.from_payload(payload)
    except InvalidJobError as error:
        absent = {f"homeowner.{name}" for name in missing}
        problems = {path: why for path, why in error.problems.items() if path not in absent}
        if not missing:
            try:
                job = JobRequest.from_payload(_without(payload, problems))
            except InvalidJobError as second:
                problems |= second.problems
    if job and not is_valid_phone(job.homeowner.phone):
        problems["homeowner.phone"] = "is a possible number, but none that is given out"
    return Assembly(job, missing, problems)


def _filled(members: dict[str, Any]) -> dict[str, Any]:
    """Give the members that hold something."""
    return {
        name: value for name, value in members.items() if value not in (None, "") and value != {}
    }


def _person(part: str, identity: AgentIdentity | None) -> dict[str, Any]:
    if identity is None:
        return {}
    return _filled({wire: getattr(identity, name) for name, wire in ASSUMED_NAMES[part].items()})


def _without(payload: Mapping[str, Any], paths: Mapping[str, str], at: str = "") -> dict[str, Any]:
    """Give the payload without its refused members, as far as they are optional."""
    kept: dict[str, Any] = {}
    for name, value in payload.items():
        path = f"{at}{name}"
        optional = path.startswith(_OPTIONAL_PATHS)
        if path in paths and optional:
            continue
        kept[name] = _without(value, paths, f"{path}.") if isinstance(value, dict) else value
    return _filled(kept)


def load_openapi() -> dict[str, Any]:
    """Give our reading of the API as an OpenAPI 3.1 document."""
    text = (files("tradecall") / "openapi.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
