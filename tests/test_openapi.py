"""The OpenAPI document and the models say the same."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from test_job import ACCEPTED, PUBLISHED, REFUSED
from tradecall.job import (
    ASSUMED_NAMES,
    Agent,
    Call,
    CallCenter,
    Homeowner,
    JobRequest,
    ReferringUser,
    load_openapi,
)
from tradecall.settings import BASE_URLS

DOCUMENT = load_openapi()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
CREATE = DOCUMENT["paths"]["/jobs"]["post"]
ASSUMED_PARTS = {
    "agent": "Agent",
    "referring_user": "ReferringUser",
    "call": "Call",
    "job": "JobRequest",
}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    )


def test_the_document_is_valid_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1.")
    validate(DOCUMENT)


@pytest.mark.parametrize("model", [JobRequest, Homeowner, CallCenter, Agent, ReferringUser, Call])
def test_a_model_has_the_documents_members(model):
    described, own = SCHEMAS[model.__name__], model.model_json_schema()
    assert set(described["properties"]) == set(own["properties"])
    assert set(described.get("required", ())) == set(own.get("required", ()))
    assert described["additionalProperties"] is own["additionalProperties"] is False
    assert described.get("anyOf") == own.get("anyOf")


@pytest.mark.parametrize(("part", "schema"), ASSUMED_PARTS.items(), ids=list(ASSUMED_PARTS))
def test_the_document_marks_the_names_that_are_assumed(part, schema):
    marked = {
        name
        for name, described in SCHEMAS[schema]["properties"].items()
        if described.get("x-assumed-name")
    }
    assert marked == set(ASSUMED_NAMES[part].values())


@pytest.mark.parametrize("payload", ACCEPTED)
def test_the_document_takes(payload):
    validator("JobRequest").validate(payload)


@pytest.mark.parametrize(("payload", "path", "reason"), REFUSED)
def test_the_document_refuses(payload, path, reason):
    assert not validator("JobRequest").is_valid(payload)


def test_what_the_models_send_fits_the_document():
    validator("JobRequest").validate(JobRequest.from_payload(PUBLISHED).to_payload())


def test_the_document_holds_the_published_examples():
    (media,) = CREATE["requestBody"]["content"].values()
    assert media["examples"]["published"]["value"] == PUBLISHED
    (answer,) = CREATE["responses"]["2XX"]["content"].values()
    validator("JobResponse").validate(answer["examples"]["published"]["value"])


def test_every_request_carries_the_api_key():
    (scheme,) = DOCUMENT["components"]["securitySchemes"].values()
    assert (scheme["in"], scheme["name"]) == ("header", "X-TradeEngage-Signature")
    assert DOCUMENT["security"] == [{"ApiKey": []}]


def test_the_servers_are_those_that_settings_know():
    servers = {server["description"]: server["url"] for server in DOCUMENT["servers"]}
    assert servers == BASE_URLS


def test_the_answers_of_the_contract_are_described():
    assert set(CREATE["responses"]) == {"2XX", "400", "401", "409", "422", "429", "5XX"}
