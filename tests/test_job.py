"""A job request is what the API takes; a refused value is named, never repeated."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from tradecall.candidates.candidate import JobField
from tradecall.errors import InvalidJobError
from tradecall.job import (
    Agent,
    Call,
    CallCenter,
    CompanyContext,
    Homeowner,
    JobRequest,
    ReferringUser,
    assemble_job,
    idempotency_key,
    is_valid_phone,
    normalize_email,
    normalize_phone,
    normalize_state,
)
from tradecall.transcript import AgentIdentity

PUBLISHED = {
    "homeowner": {
        "first_name": "John",
        "last_name": "Doe",
        "phone": "5551234567",
        "email": "john.doe@example.com",
        "zip_code": "90210",
    },
    "summary": "Customer needs HVAC repair - AC not cooling properly",
}
KEY = "3f2b8a1e-9c4d-4e6f-8a7b-0123456789ab"
HOMEOWNER = Homeowner(first_name="Ada", last_name="Voss", phone="4155550132", zip_code="94110")
VALUES: dict[JobField, str | None] = {
    JobField.FIRST_NAME: "Ada",
    JobField.LAST_NAME: "Voss",
    JobField.PHONE: "+14155550132",
    JobField.ZIP_CODE: "94110",
}


def published(changes: dict[str, Any] | None = None, **homeowner: Any) -> dict[str, Any]:
    """Give the published example with changes to its top level or its homeowner."""
    payload = copy.deepcopy(PUBLISHED) | (changes or {})
    if homeowner:
        payload["homeowner"] |= homeowner
    return payload


def test_the_published_example_validates():
    payload = JobRequest.from_payload(PUBLISHED).to_payload()
    assert payload == published(phone="+15551234567")


ACCEPTED = [
    pytest.param(published(), id="published-example"),
    pytest.param(published(email=None, street=None, city=None, state=None), id="nulls"),
    pytest.param(published(state="CA"), id="state-abbreviated"),
    pytest.param(published(state="California"), id="state-in-full"),
    pytest.param(published(state="District of Columbia"), id="district"),
    pytest.param(published(phone="+1 (415) 555-0132"), id="phone-written-out"),
    pytest.param(published(phone="1-415-555-0132"), id="phone-with-country-code"),
    pytest.param(published(first_name="Zoë", last_name="O'Brien-Díaz"), id="names-of-all-kinds"),
    pytest.param(published({"idempotency_key": KEY}), id="idempotency-key"),
    pytest.param(published({"external_ids": {"crm": "A-17"}}), id="external-ids"),
    pytest.param(
        published({"summary": None, "call_center": {"call": {"transcript": "Agent: hello"}}}),
        id="transcript-instead-of-summary",
    ),
    pytest.param(
        published({"call_center": {"agent": {"first_name": "Dana"}, "call": None}}),
        id="agent-by-first-name",
    ),
    pytest.param(
        published(
            {
                "call_center": {
                    "agent": {"first_name": "Dana", "email": "dana@example.com"},
                    "call": {
                        "id": "c-1",
                        "started_at": "2025-03-04T09:30:00-08:00",
                        "duration_seconds": 312,
                        "recording_url": "https://example.com/c-1.mp3",
                    },
                },
                "referring_user": {"email": "lee@example.com", "phone": "415-555-0133"},
                "service_titan_tenant_id": "t1",
                "brand_location_id": "l1",
            }
        ),
        id="everything",
    ),
]
"""Payloads that the models, their JSON schema and ``openapi.json`` take."""

REFUSED = [
    pytest.param(published({"summary": None}), "summary", "is required", id="no-context"),
    pytest.param(
        published({"summary": None, "call_center": {"call": {"id": "c-1"}}}),
        "summary",
        "is required",
        id="call-without-transcript",
    ),
    pytest.param(published({"summary": "  "}), "summary", "not blank", id="blank-summary"),
    pytest.param({"summary": "x"}, "homeowner", "is required", id="no-homeowner"),
    pytest.param(published(first_name=None), "homeowner.first_name", "text", id="null-name"),
    pytest.param(published(last_name=" "), "homeowner.last_name", "not blank", id="blank-name"),
    pytest.param(published(last_name="Quist\n7"), "homeowner.last_name", "line", id="two-lines"),
    pytest.param(published(phone="555-0132"), "homeowner.phone", "ten digits", id="seven-digits"),
    pytest.param(published(phone="415555013"), "homeowner.phone", "ten digits", id="nine-digits"),
    pytest.param(published(phone="41555501321"), "homeowner.phone", "ten", id="eleven-digits"),
    pytest.param(published(phone="0155550132"), "homeowner.phone", "ten digits", id="area-code-0"),
    pytest.param(published(phone="+442079460123"), "homeowner.phone", "US number", id="british"),
    pytest.param(published(phone="call my wife"), "homeowner.phone", "ten digits", id="words"),
    pytest.param(published(phone="415-555-0132 x4"), "homeowner.phone", "ten", id="extension"),
    pytest.param(published(phone=4155550132), "homeowner.phone", "must be text", id="phone-number"),
    pytest.param(published(zip_code="9021"), "homeowner.zip_code", "five digits", id="four-digits"),
    pytest.param(published(zip_code="90210-1234"), "homeowner.zip_code", "five", id="zip-plus-4"),
    pytest.param(published(zip_code="9O21O"), "homeowner.zip_code", "five digits", id="letters"),
    pytest.param(published(zip_code="٩٠٢١٠"), "homeowner.zip_code", "five", id="other-digits"),
    pytest.param(published(zip_code=90210), "homeowner.zip_code", "must be text", id="zip-number"),
    pytest.param(published(email="ada at example"), "homeowner.email", "e-mail", id="said-email"),
    pytest.param(published(email="ada@example"), "homeowner.email", "e-mail", id="no-domain"),
    pytest.param(published(email="Ada <a@example.com>"), "homeowner.email", "e-mail", id="display"),
    pytest.param(published(email=""), "homeowner.email", "e-mail", id="empty-email"),
    pytest.param(published(state="Narnia"), "homeowner.state", "US state", id="no-such-state"),
    pytest.param(published(nickname="Jo"), "homeowner.nickname", "not a field", id="unknown-field"),
    pytest.param(
        published({"idempotency_key": "call 17"}), "idempotency_key", "UUID", id="key-no-uuid"
    ),
    pytest.param(
        published({"external_ids": {"crm": ""}}), "external_ids", "not blank", id="blank-id"
    ),
    pytest.param(
        published({"external_ids": {"crm": 17}}), "external_ids", "must be text", id="number-id"
    ),
    pytest.param(
        published({"call_center": {"agent": {}}}), "call_center.agent", "a name", id="empty-agent"
    ),
    pytest.param(
        published({"referring_user": {"email": "lee"}}),
        "referring_user.email",
        "e-mail",
        id="email-of-a-person",
    ),
    pytest.param(
        published({"call_center": {"call": {"duration_seconds": -1}}}),
        "call_center.call.duration_seconds",
        "negative",
        id="negative-duration",
    ),
    pytest.param(
        published({"call_center": {"call": {"recording_url": "c-1.mp3"}}}),
        "call_center.call.recording_url",
        "form",
        id="recording-no-url",
    ),
]
"""Payloads that all three refuse, with the path and words of the reason."""

REFUSED_BY_THE_MODEL = [
    pytest.param(published(phone="+14165550132"), "homeowner.phone", "US number", id="canadian"),
    pytest.param(published(email="a..b@example.com"), "homeowner.email", "e-mail", id="two-dots"),
    pytest.param(published(email="ada@printer.local"), "homeowner.email", "e-mail", id="local"),
    pytest.param(
        published({"call_center": {"call": {"started_at": "2025-03-04T09:30:00"}}}),
        "call_center.call.started_at",
        "zone",
        id="no-time-zone",
    ),
    pytest.param(
        published({"external_ids": {" ": "17"}}), "external_ids", "not blank", id="blank-key"
    ),
]
"""Payloads that a JSON schema has no words for."""


@pytest.mark.parametrize("payload", ACCEPTED)
def test_from_payload_takes(payload):
    job = JobRequest.from_payload(payload)
    assert JobRequest.from_payload(job.to_payload()) == job


@pytest.mark.parametrize(("payload", "path", "reason"), REFUSED + REFUSED_BY_THE_MODEL)
def test_from_payload_refuses_and_names_field_and_reason(payload, path, reason):
    with pytest.raises(InvalidJobError) as caught:
        JobRequest.from_payload(payload)
    assert list(caught.value.problems) == [path]
    assert reason in caught.value.problems[path]


def test_from_payload_names_every_bad_field():
    with pytest.raises(InvalidJobError) as caught:
        JobRequest.from_payload(published(phone="12", zip_code="x", email="y"))
    assert set(caught.value.problems) == {
        "homeowner.phone",
        "homeowner.zip_code",
        "homeowner.email",
    }


def test_from_payload_refuses_what_is_no_object():
    with pytest.raises(InvalidJobError, match=r"^job: "):
        JobRequest.from_payload([PUBLISHED])  # type: ignore[arg-type]


SECRET = "zanzibar"


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(published(**{name: f"{SECRET}\x00 1"}), id=f"homeowner-{name}")
        for name in JobField
    ]
    + [
        pytest.param(published({name: f"{SECRET}\x00"}), id=name)
        for name in JobRequest.model_fields
    ]
    + [
        pytest.param(published(**{f"{SECRET} 1": 1}), id="unknown-field"),
        pytest.param(published({"external_ids": {f"{SECRET}": 1}}), id="external-id"),
        pytest.param(published({"call_center": {"call": {"started_at": SECRET}}}), id="started-at"),
    ],
)
def test_a_refused_value_is_not_repeated(payload):
    with pytest.raises(InvalidJobError) as caught:
        JobRequest.from_payload(payload)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("phone", "zanzibar"), ("email", "zan@zibar"), ("zip_code", "9zz"), ("state", "zanzibar")],
)
def test_pydantics_own_error_does_not_repeat_a_value(field, value):
    with pytest.raises(ValidationError) as caught:
        Homeowner.model_validate(PUBLISHED["homeowner"] | {field: value})
    assert field in str(caught.value)
    assert value not in str(caught.value)
    assert "zibar" not in str(caught.value)


schema = Draft202012Validator(JobRequest.model_json_schema())


@pytest.mark.parametrize("payload", ACCEPTED)
def test_the_models_json_schema_takes(payload):
    schema.validate(payload)


@pytest.mark.parametrize(("payload", "path", "reason"), REFUSED)
def test_the_models_json_schema_refuses(payload, path, reason):
    assert not schema.is_valid(payload)


names = st.text(
    st.characters(max_codepoint=0x17F, exclude_categories=("C", "Z")), min_size=1, max_size=12
)


@given(
    first=names,
    last=names,
    digits=st.from_regex(r"(415|555|907)[0-9]{7}", fullmatch=True),
    zip_code=st.from_regex(r"[0-9]{5}", fullmatch=True),
    summary=names,
)
def test_what_is_sent_fits_the_schema_and_comes_back_the_same(
    first, last, digits, zip_code, summary
):
    payload = {
        "homeowner": {
            "first_name": first,
            "last_name": last,
            "phone": digits,
            "zip_code": zip_code,
        },
        "summary": summary,
    }
    job = JobRequest.from_payload(payload)
    sent = json.loads(json.dumps(job.to_payload()))
    schema.validate(sent)
    assert sent["homeowner"]["phone"] == f"+1{digits}"
    assert JobRequest.from_payload(sent) == job


@given(st.text(max_size=30))
def test_normalize_phone_gives_one_form_or_refuses(text):
    try:
        phone = normalize_phone(text)
    except ValueError:
        return
    assert normalize_phone(phone) == phone
    assert len(phone) == 12


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        pytest.param("+14155550132", True, id="given-out"),
        pytest.param("8005550132", True, id="toll-free"),
        pytest.param("7875550132", True, id="puerto-rico"),
        pytest.param("5551234567", False, id="possible-only"),
        pytest.param("4155550", False, id="too-short"),
        pytest.param("4165550132", False, id="canada"),
    ],
)
def test_is_valid_phone_is_stricter_than_the_contract(number, valid):
    assert is_valid_phone(number) is valid


def test_normalize_email_keeps_the_local_part_as_it_is():
    assert normalize_email("Ada.Voss@EXAMPLE.com") == "Ada.Voss@example.com"


@pytest.mark.parametrize("state", ["NM", "nm", "New Mexico", "new  mexico"])
def test_normalize_state_gives_two_letters(state):
    assert normalize_state(state) == "NM"


def test_an_agent_beats_a_referring_user():
    agent, user = Agent(first_name="Dana"), ReferringUser(email="lee@example.com")
    job = JobRequest(
        homeowner=HOMEOWNER,
        summary="x",
        call_center=CallCenter(agent=agent),
        referring_user=user,
    )
    assert job.attributed_to == agent
    assert job.model_copy(update={"call_center": None}).attributed_to == user


def test_a_job_without_agent_and_referring_user_is_nobodys():
    job = JobRequest(
        homeowner=HOMEOWNER, call_center=CallCenter(call=Call(transcript="Agent: hello"))
    )
    assert job.attributed_to is None


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param(("t1", "l1"), ("service_titan_tenant_id", "t1"), id="both"),
        pytest.param((None, "l1"), ("brand_location_id", "l1"), id="location"),
        pytest.param((None, None), None, id="the-keys-own"),
    ],
)
def test_a_tenant_beats_a_location(ids, expected):
    tenant, location = ids
    job = JobRequest(
        homeowner=HOMEOWNER,
        summary="x",
        service_titan_tenant_id=tenant,
        brand_location_id=location,
    )
    assert job.company_id == expected


def test_a_request_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        HOMEOWNER.phone = "4155550133"  # type: ignore[misc]


def test_the_same_call_has_the_same_key_for_ever():
    assert idempotency_key("fox plumbing", "c-1") == UUID("6df0985c-acf7-442e-bc87-abcdd22a0932")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("fox plumbing", "c-2", 0), id="another-call"),
        pytest.param(("blue door", "c-1", 0), id="another-company"),
        pytest.param(("fox plumbing", "c-1", 1), id="a-revision"),
        pytest.param(("fox plumbingc", "-1", 0), id="same-letters-cut-elsewhere"),
    ],
)
def test_another_call_has_another_key(other):
    assert idempotency_key(*other) != idempotency_key("fox plumbing", "c-1")


@given(st.text(), st.text(min_size=1), st.integers(0, 9))
def test_a_key_is_laid_out_as_version_4(company, call_id, revision):
    assert idempotency_key(company, call_id, revision).version == 4


def test_calls_without_id_do_not_share_a_key():
    with pytest.raises(ValueError, match="without id"):
        idempotency_key("fox plumbing", "")
    made = assemble_job(VALUES, call_id="", summary="x")
    assert made.job is not None
    assert made.job.idempotency_key is None


def test_a_company_keeps_its_key_when_the_table_is_filled():
    assert (
        CompanyContext("t1", None, "Fox  Plumbing").key
        == CompanyContext(None, None, "fox plumbing").key
    )


def test_assemble_job_makes_what_the_api_takes():
    made = assemble_job(
        VALUES | {JobField.STATE: "CA", JobField.EMAIL: None},
        call_id="c-1",
        summary="Plumbing: leak.",
        transcript="Agent: hello",
        agent=AgentIdentity(id="7", first_name="Dana"),
        referring_user=AgentIdentity(email="lee@example.com"),
        company=CompanyContext("t1", "l1", "Fox"),
        started_at=datetime(2025, 3, 4, 9, 30, tzinfo=UTC),
        external_ids={"crm": "A-17"},
    )
    assert made.job is not None
    assert (made.missing, made.problems) == ((), {})
    assert made.job.to_payload() == {
        "homeowner": {
            "first_name": "Ada",
            "last_name": "Voss",
            "phone": "+14155550132",
            "zip_code": "94110",
            "state": "CA",
        },
        "call_center": {
            "agent": {"first_name": "Dana"},
            "call": {
                "transcript": "Agent: hello",
                "id": "c-1",
                "started_at": "2025-03-04T09:30:00Z",
            },
        },
        "referring_user": {"email": "lee@example.com"},
        "summary": "Plumbing: leak.",
        "service_titan_tenant_id": "t1",
        "idempotency_key": str(idempotency_key("fox", "c-1")),
        "external_ids": {"crm": "A-17"},
    }


@pytest.mark.parametrize("absent", [pytest.param(None, id="null"), pytest.param("", id="empty")])
def test_assemble_job_says_what_is_missing(absent):
    made = assemble_job(VALUES | {JobField.PHONE: absent}, call_id="c-1", summary="x")
    assert (made.job, made.missing, made.problems) == (None, (JobField.PHONE,), {})


def test_assemble_job_of_nothing_misses_all_that_is_required():
    made = assemble_job({}, call_id="c-1", summary="x")
    assert made.job is None
    assert made.missing == tuple(VALUES)


@pytest.mark.parametrize(
    ("values", "agent", "path"),
    [
        pytest.param({JobField.EMAIL: "ada at"}, None, "homeowner.email", id="email"),
        pytest.param({JobField.STATE: "Narnia"}, None, "homeowner.state", id="state"),
        pytest.param(
            {}, AgentIdentity(email="dana"), "call_center.agent.email", id="all-that-is-known-of-it"
        ),
        pytest.param(
            {},
            AgentIdentity(first_name="Dana", phone="x204"),
            "call_center.agent.phone",
            id="agents-extension",
        ),
    ],
)
def test_assemble_job_leaves_out_a_refused_optional_value_and_says_so(values, agent, path):
    made = assemble_job(VALUES | values, call_id="c-1", summary="x", agent=agent)
    assert made.job is not None
    assert list(made.problems) == [path]
    assert made.job.homeowner == HOMEOWNER
    kept = made.job.attributed_to
    assert kept == (Agent(first_name="Dana") if agent and agent.first_name else None)


@pytest.mark.parametrize(
    ("values", "more", "path"),
    [
        pytest.param({JobField.PHONE: "555"}, {}, "homeowner.phone", id="required-value"),
        pytest.param({}, {"summary": None}, "summary", id="no-context"),
        pytest.param(
            {},
            {"company": CompanyContext("t\n1", "l1")},
            "service_titan_tenant_id",
            id="another-company-would-get-it",
        ),
        pytest.param(
            {JobField.EMAIL: "ada at"}, {"summary": None}, "summary", id="context-and-email"
        ),
    ],
)
def test_assemble_job_makes_no_job_of_a_refused_necessary_value(values, more, path):
    made = assemble_job(VALUES | values, **{"call_id": "c-1", "summary": "x"} | more)
    assert (made.job, made.missing) == (None, ())
    assert path in made.problems


def test_assemble_job_reports_a_bad_value_beside_a_missing_one():
    values = VALUES | {JobField.ZIP_CODE: None, JobField.EMAIL: "ada at"}
    made = assemble_job(values, call_id="c-1", summary="x")
    assert made.missing == (JobField.ZIP_CODE,)
    assert list(made.problems) == ["homeowner.email"]


def test_assemble_job_doubts_a_phone_that_is_only_possible():
    made = assemble_job(VALUES | {JobField.PHONE: "+15551234567"}, call_id="c-1", summary="x")
    assert made.job is not None
    assert list(made.problems) == ["homeowner.phone"]


def test_assemble_job_sends_no_time_without_zone():
    made = assemble_job(VALUES, call_id="c-1", summary="x", started_at=datetime(2025, 3, 4, 9, 30))
    assert made.job is not None
    assert "started_at" not in made.job.to_payload()["call_center"]["call"]
