"""Attribution: metadata, then the directory, then what was heard; never a guess."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tradecall.attribution import (
    AgentDirectory,
    Attribution,
    CompanyContext,
    CompanyTable,
    DirectoryAgent,
    HeardAgent,
    attribute,
    find_company,
)
from tradecall.errors import ConfigurationError
from tradecall.transcript import AgentIdentity, CallMetadata, Span


def write(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def directory(*names: str) -> AgentDirectory:
    """Build a directory of full names; aliases follow in brackets, cut at bars."""
    agents = []
    for number, row in enumerate(names):
        name, _, aliases = row.rstrip(")").partition(" (")
        first, _, last = name.partition(" ")
        identity = AgentIdentity(f"a{number}", first, last or None, f"{number}@example.com")
        agents.append(DirectoryAgent(identity, tuple(aliases.split("|")) if aliases else ()))
    return AgentDirectory(agents)


def heard(first_name: str, last_name: str | None = None) -> HeardAgent:
    return HeardAgent(first_name, last_name, (Span(11, 15),), 0.9)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param(
            "id,first_name,last_name,email,phone,aliases\n"
            "7,Dana,Quist,dana@example.com,415-555-0132,Dee;DQ\n",
            "a.csv",
            id="csv",
        ),
        pytest.param(
            "\ufeffE-Mail;Login;Full Name;Team;Nicknames;Mobile\n\n"
            "dana@example.com;7;Dana Quist;west;Dee|DQ;(415) 555-0132\n",
            "a.txt",
            id="other-headers-and-delimiter",
        ),
        pytest.param(
            json.dumps(
                [
                    {
                        "id": 7,
                        "first_name": "Dana",
                        "last_name": "Quist",
                        "email": "dana@example.com",
                        "phone": "+14155550132",
                        "aliases": ["Dee", "DQ"],
                    }
                ]
            ),
            "a.json",
            id="json-list",
        ),
        pytest.param(
            '{"agents": [{"agent_id": "7", "name": "Dana Quist", "mail": "dana@example.com",'
            ' "cell": "4155550132", "aka": "Dee; DQ", "shift": {"from": 8}}]}',
            "a.dat",
            id="json-object",
        ),
    ],
)
def test_a_directory_is_read_whatever_its_layout(tmp_path, text, name):
    agents = AgentDirectory.from_file(write(tmp_path, text, name)).agents
    identity = AgentIdentity("7", "Dana", "Quist", "dana@example.com", "+14155550132")
    assert agents == (DirectoryAgent(identity, ("Dee", "DQ")),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("Dana,Quist\nLee,Ode\n", ":2: no known column", id="no-header"),
        pytest.param("id,email\n7,dana at home\n", ":2: email: must be an e-mail", id="email"),
        pytest.param("id,phone\n\n7,555\n", ":3: phone: must be a US number", id="phone"),
        pytest.param("id,name\n7,Dana\n7,Lee\n", ":3: id is the same as in", id="id-twice"),
        pytest.param(
            "name,email\nDana,d@example.com\nLee,D@example.com\n",
            ":3: email is the same as in",
            id="email-twice",
        ),
        pytest.param("id,name\n,\n ,\n8,\n,,x\n", ":5: has more values", id="too-many-values"),
        pytest.param("id,phone\n,415-555-0132\n", ":2: an agent needs", id="nobody"),
        pytest.param("name,agent\nDana,Lee\n", ":2: two columns give name", id="column-twice"),
        pytest.param('id,name\n7,"Dana\n', "is not well-formed CSV", id="open-quote"),
        pytest.param('[\n{"id": 7,]', ":2: is not well-formed JSON", id="broken-json"),
        pytest.param('[{"id": 7}, 8]', "entry 2: must be an object", id="no-object"),
        pytest.param('{"id": 7}', "must hold a list of objects", id="no-list"),
        pytest.param('[{"id": {"x": 1}}]', "entry 1: id must be text", id="object-for-text"),
        pytest.param('[{"id": ["a", "b"]}]', "entry 1: id must be one value", id="list-for-text"),
        pytest.param(
            '[{"id": 7, "aliases": [null]}]', "aliases must be a list of text", id="null-in-list"
        ),
    ],
)
def test_a_directory_that_cannot_be_used_says_where(tmp_path, text, message):
    with pytest.raises(ConfigurationError) as caught:
        AgentDirectory.from_file(write(tmp_path, text))
    assert message in str(caught.value)
    assert "table.csv" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("id,email\n7,dana at home\n", id="email"),
        pytest.param("name,phone\nDana,555\n", id="phone"),
        pytest.param("name,email\nDana,d@example.com\nLee,d@example.com\n", id="twice"),
    ],
)
def test_the_message_about_a_directory_quotes_no_value(tmp_path, text):
    with pytest.raises(ConfigurationError) as caught:
        AgentDirectory.from_file(write(tmp_path, text))
    for value in ("dana", "Dana", "555", "d@example.com"):
        assert value not in str(caught.value).replace(str(tmp_path), "")


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"gone\.csv: cannot be read"):
        AgentDirectory.from_file(tmp_path / "gone.csv")


def test_a_directory_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "agents.csv"
    path.write_bytes("id,name\n7,José\n".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        AgentDirectory.from_file(path)


@pytest.mark.parametrize(
    ("first", "last", "names", "found"),
    [
        pytest.param("dana", None, ["Dana Quist", "Lee Ode"], 0, id="first-name"),
        pytest.param("dana", "quist", ["Dana Quist", "Dana Ode"], 0, id="full-name"),
        pytest.param("dee", None, ["Dana Quist (Dee|DQ)", "Lee Ode"], 0, id="alias"),
        pytest.param("mike", "quist", ["Michael Quist (Mike)", "Mike Ode"], 0, id="alias-and-last"),
        pytest.param("jose", None, ["José Quist"], 0, id="accent"),
        pytest.param("dana", "obrien", ["Dana O\u2019Brien", "Dana Ode"], 0, id="apostrophe"),
        pytest.param("dayna", None, ["Dana Quist", "Diana Ode"], 0, id="same-sound"),
        pytest.param("kristen", None, ["Kristin Quist", "Kirsten Ode"], 0, id="same-sound-ending"),
        pytest.param("stephen", "smyth", ["Steven Smith", "Steven Ode"], 0, id="both-same-sound"),
        pytest.param("dana", "quest", ["Dana Quist", "Dana Ode"], 0, id="last-name-a-little-off"),
        pytest.param("dana", None, ["Dana Quist", "Dana Ode"], None, id="two-of-one-name"),
        pytest.param("john", None, ["John Quist", "Jon Ode"], None, id="two-of-one-sound"),
        pytest.param("john", "quist", ["John Quist", "Jon Quist"], 0, id="exact-full-name-decides"),
        pytest.param("dana", "ode", ["Dana Quist"], None, id="another-last-name"),
        pytest.param("dana", None, ["Diana Quist"], None, id="another-first-name"),
        pytest.param("carl", None, ["Carol Quist"], None, id="close-in-letters-only"),
        pytest.param("tim", None, ["Tom Quist"], None, id="one-vowel-off"),
        pytest.param("maria", None, ["Mario Quist"], None, id="other-ending"),
        pytest.param("", None, ["Dana Quist"], None, id="no-name"),
    ],
)
def test_by_name_finds_the_one_who_is_meant(first, last, names, found):
    agents = directory(*names)
    assert agents.by_name(first, last) == (None if found is None else agents.agents[found])


def test_ids_and_addresses_are_found_in_any_case():
    agents = AgentDirectory([DirectoryAgent(AgentIdentity("DQ7", email="Dana@example.com"))])
    assert agents.by_id(" dq7 ") is agents.by_email("dana@EXAMPLE.com") is agents.agents[0]


def test_a_blank_id_is_nobodys():
    agents = directory("Dana Quist")
    assert AgentDirectory([DirectoryAgent(AgentIdentity(first_name="Lee"))]).by_id(" ") is None
    assert agents.by_id(None) is agents.by_email("") is None


def test_metadata_beats_what_was_heard():
    known = AgentIdentity(first_name="Lee", last_name="Ode")
    assert attribute(known, heard("Dana")) == Attribution("Lee", "Ode", source="metadata")


def test_the_directory_completes_metadata_by_id():
    found = attribute(AgentIdentity(id="a1"), None, directory("Dana Quist", "Lee Ode"))
    assert found == Attribution("Lee", "Ode", "1@example.com", None, "a1", "metadata")


def test_metadata_wins_over_the_directory_it_is_completed_from():
    known = AgentIdentity(email="1@example.com", phone="+14155550132")
    found = attribute(known, None, directory("Dana Quist", "Lee Ode"))
    assert found == Attribution("Lee", "Ode", "1@example.com", "+14155550132", "a1", "metadata")


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(AgentIdentity(id="a0", first_name="Lee"), id="id-of-another-name"),
        pytest.param(AgentIdentity(id="a0", last_name="Ode"), id="id-of-another-last-name"),
        pytest.param(AgentIdentity(id="a0", email="x@example.com"), id="id-of-another-email"),
        pytest.param(AgentIdentity(id="a9", first_name="Dana"), id="name-of-another-id"),
    ],
)
def test_a_row_that_contradicts_metadata_completes_nothing(known):
    found = attribute(known, None, directory("Dana Quist"))
    assert found.identity == known
    assert found.source == "metadata"


def test_a_heard_name_becomes_the_directorys_row():
    found = attribute(None, heard("dana"), directory("Dana Quist", "Lee Ode"))
    assert found == Attribution("Dana", "Quist", "0@example.com", None, "a0", "directory")


def test_a_heard_alias_fills_a_row_without_name():
    agents = AgentDirectory([DirectoryAgent(AgentIdentity(email="d@example.com"), ("Dee",))])
    found = attribute(None, heard("Dee"), agents)
    assert found == Attribution("Dee", None, "d@example.com", source="directory")


def test_a_typed_name_is_completed_by_the_same_name():
    found = attribute(AgentIdentity(first_name="DANA"), None, directory("Dana Quist", "Dayna Ode"))
    assert found == Attribution("DANA", "Quist", "0@example.com", None, "a0", "metadata")


def test_a_typed_name_is_not_completed_by_one_that_sounds_the_same():
    found = attribute(AgentIdentity(first_name="Jon"), None, directory("John Quist"))
    assert found == Attribution("Jon", source="metadata")


def test_a_heard_name_that_fits_two_rows_stays_as_heard():
    found = attribute(None, heard("Dana"), directory("Dana Quist", "Dana Ode"))
    assert found == Attribution("Dana", source="transcript")


def test_an_id_that_names_nobody_yields_to_a_heard_name():
    found = attribute(AgentIdentity(id="zz"), heard("Dana"), directory("Lee Ode"))
    assert found == Attribution("Dana", source="transcript")


def test_an_id_alone_is_kept():
    assert attribute(AgentIdentity(id="zz"), None) == Attribution(id="zz", source="metadata")


@pytest.mark.parametrize(
    "known", [pytest.param(None, id="none"), pytest.param(AgentIdentity(), id="blank")]
)
def test_nobody_is_invented(known):
    found = attribute(known, None, directory("Dana Quist"))
    assert found == Attribution()
    assert found.identity is None


COMPANIES = (
    "name,called_number,service_titan_tenant_id,brand_location_id,aliases\n"
    '"Fox & Sons Plumbing, LLC",415-555-0132,t1,,Fox Plumbing\n'
    "Blue Door Heating,415-555-0133;415-555-0134,,l2,\n"
    "Blue Door Heating,415-555-0135,,l3,\n"
)


@pytest.mark.parametrize(
    ("name", "number", "found"),
    [
        pytest.param("Fox & Sons Plumbing, LLC", None, "t1", id="name"),
        pytest.param("fox and sons plumbing", None, "t1", id="name-written-otherwise"),
        pytest.param("Fox Plumbing Inc.", None, "t1", id="alias"),
        pytest.param(None, "+14155550134", "l2", id="number"),
        pytest.param("Blue Door Heating", "(415) 555-0135", "l3", id="number-decides-the-location"),
        pytest.param("Somebody Else", "4155550132", "t1", id="unknown-name-known-number"),
        pytest.param("Fox Plumbing", "4155550199", "t1", id="known-name-unknown-number"),
        pytest.param("Blue Door Heating", None, None, id="two-locations"),
        pytest.param("Fox Plumbing", "4155550135", None, id="contradiction"),
        pytest.param("Fox", None, None, id="part-of-a-name"),
        pytest.param("LLC", None, None, id="legal-form-alone"),
        pytest.param(None, "anonymous", None, id="no-number"),
        pytest.param(None, None, None, id="nothing-known"),
    ],
)
def test_the_company_is_found_by_name_and_number(tmp_path, name, number, found):
    context = CompanyTable.from_file(write(tmp_path, COMPANIES)).find(name, number)
    ids = context and (context.service_titan_tenant_id or context.brand_location_id)
    assert ids == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("name\nFox\n", ":2: a company needs service_titan_tenant_id", id="no-id"),
        pytest.param("name,tenant_id\n,t1\n", ":2: a company needs a name or", id="no-name"),
        pytest.param(
            "name,tenant_id,number\nFox,t1,555\n", ":2: called_number: must be a US", id="number"
        ),
    ],
)
def test_a_company_table_that_cannot_be_used_says_where(tmp_path, text, message):
    with pytest.raises(ConfigurationError) as caught:
        CompanyTable.from_file(write(tmp_path, text))
    assert message in str(caught.value)


def test_identifiers_that_came_with_the_call_beat_the_table(tmp_path):
    table = CompanyTable.from_file(write(tmp_path, COMPANIES))
    metadata = CallMetadata(company_name="Fox Plumbing", extra={"service_titan_tenant_id": 99})
    assert find_company(metadata, table) == CompanyContext("99", None, "Fox Plumbing")


def test_the_table_gives_the_identifiers_and_the_call_its_name(tmp_path):
    table = CompanyTable.from_file(write(tmp_path, COMPANIES))
    found = find_company(CallMetadata(company_name="Fox Plumbing"), table)
    assert found == CompanyContext("t1", None, "Fox Plumbing")


def test_a_company_in_no_table_keeps_its_name():
    assert find_company(CallMetadata(company_name="Fox")) == CompanyContext(name="Fox")


def test_no_company_is_invented():
    assert find_company(CallMetadata(extra={"brand_location_id": None})) is None
