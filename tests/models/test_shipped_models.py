"""What is shipped: it loads, does plain calls right, and scored no less than we promise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import make_transcript
from tradecall.model_store import load_model
from tradecall.pipeline import CallResult, Pipeline, shipped_models

FOLDER = shipped_models()
MODELS = sorted(path.parent.name for path in FOLDER.glob("*/model.skops"))

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load()


@pytest.mark.parametrize("name", MODELS)
def test_model_folder_is_whole(name: str) -> None:
    _, info = load_model(FOLDER / name)
    assert info.name == name
    assert info.training_data
    assert {"python", "scikit-learn", "numpy"} <= set(info.versions)
    assert (FOLDER / name / "README.md").read_text(encoding="utf-8").lower().startswith(f"# {name}")


def test_all_models_were_made_from_the_same_files() -> None:
    infos = [json.loads((FOLDER / name / "model.json").read_bytes()) for name in MODELS]
    hashes: dict[str, str] = {}
    for info in infos:
        for file, digest in info["training_data"].items():
            assert hashes.setdefault(file, digest) == digest, file


@pytest.mark.parametrize(
    ("score", "floor"),
    [
        pytest.param("first_name.exact", 0.90, id="first-name"),
        pytest.param("last_name.exact", 0.88, id="last-name"),
        pytest.param("phone.exact", 0.93, id="phone"),
        pytest.param("email.exact", 0.90, id="e-mail"),
        pytest.param("zip_code.exact", 0.94, id="zip"),
        pytest.param("street.exact", 0.75, id="street"),
        pytest.param("city.exact", 0.85, id="city"),
        pytest.param("state.exact", 0.90, id="state"),
        pytest.param("contact_right", 0.65, id="contact"),
        pytest.param("whole_job_right", 0.57, id="whole-job"),
        pytest.param("sector_accuracy", 0.85, id="sector"),
        pytest.param("is_job_accuracy", 0.97, id="job-or-none"),
        pytest.param("summary_fact_recall", 0.75, id="summary"),
    ],
)
def test_cross_validated_score_is_at_least_what_is_wanted(score: str, floor: float) -> None:
    found: Any = json.loads((FOLDER / "ranker" / "model.json").read_bytes())["scores"]["scores"]
    for part in score.split("."):
        found = found[part]
    assert found["value"] >= floor


@pytest.mark.parametrize("score", ["summary_leak", "summary_too_long", "summary_missing"])
def test_no_summary_leaks_or_lacks(score: str) -> None:
    scores = json.loads((FOLDER / "ranker" / "model.json").read_bytes())["scores"]["scores"]
    assert scores[score]["value"] == 0


def process(pipeline: Pipeline, *lines: str) -> CallResult:
    return pipeline.process(make_transcript(*lines, call_id="plain"))


def contact(result: CallResult) -> dict[str, str | None]:
    return {field.value: decision.value for field, decision in result.decisions.items()}


PLAIN_CALLS = [
    pytest.param(
        [
            "A: thanks for calling example plumbing this is dana how can i help",
            "C: hi my kitchen sink is leaking under the cabinet and i need a plumber",
            "A: sure can i get your first and last name",
            "C: maria lopez l o p e z",
            "A: and a good phone number",
            "C: four one five five five five oh one three two",
            "A: and the zip code",
            "C: nine four one one oh",
        ],
        {"first_name": "Maria", "last_name": "Lopez", "phone": "+14155550132", "zip_code": "94110"},
        "plumbing",
        id="kitchen-sink",
    ),
    pytest.param(
        [
            "A: Comfort Example Heating, this is Kyle.",
            "C: Hi, our air conditioner is blowing warm air since last night.",
            "A: Sorry to hear that. Who am I speaking with?",
            "C: This is Denise Walker.",
            "A: And the best number for you, Denise?",
            "C: 303-555-0147.",
            "A: And the ZIP code for the house?",
            "C: 80205.",
        ],
        {
            "first_name": "Denise",
            "last_name": "Walker",
            "phone": "+13035550147",
            "zip_code": "80205",
        },
        "hvac",
        id="warm-air-written-digits",
    ),
    pytest.param(
        [
            "A: example electric this is pat",
            "C: half the outlets in my living room are dead and the breaker keeps tripping",
            "A: what is your name please",
            "C: tomas herrera h e r r e r a",
            "A: and your number",
            "C: six oh two five five five",
            "A: six oh two five five five",
            "C: oh one one nine",
            "A: zero one one nine and zip",
            "C: eight five oh one four",
        ],
        {
            "first_name": "Tomas",
            "last_name": "Herrera",
            "phone": "+16025550119",
            "zip_code": "85014",
        },
        "electrical",
        id="dead-outlets-phone-in-chunks",
    ),
    pytest.param(
        [
            "A: example garage doors jo speaking",
            "C: the spring on my garage door snapped and the car is stuck inside",
            "A: oh no your name",
            "C: grace kim k i m",
            "A: phone number grace",
            "C: two oh six five five five oh one five four",
            "A: two oh six five five five oh one four five",
            "C: no five four at the end",
            "A: five four thanks and your zip",
            "C: nine eight one one five",
        ],
        {"first_name": "Grace", "last_name": "Kim", "phone": "+12065550154", "zip_code": "98115"},
        "garage_doors",
        id="broken-spring-read-back-corrected",
    ),
    pytest.param(
        [
            "A: example pest control this is rita",
            "C: we have ants all over the pantry and i saw a mouse",
            "A: okay may i have your name",
            "C: walter boyd b o y d",
            "A: and a callback number",
            "C: six one four five five five oh one seven one",
            "A: email for the confirmation",
            "C: walter dot boyd at example dot com",
            "A: and zip",
            "C: four three two oh one",
        ],
        {
            "first_name": "Walter",
            "last_name": "Boyd",
            "phone": "+16145550171",
            "email": "walter.boyd@example.com",
            "zip_code": "43201",
        },
        "pest_control",
        id="ants-with-e-mail",
    ),
    pytest.param(
        [
            "A: example roofing this is sam",
            "C: the storm tore shingles off my roof and it drips into the bedroom",
            "A: i am sorry what is your name",
            "C: priya nair n a i r",
            "A: number to reach you",
            "C: seven one three five five five oh one oh eight",
            "A: no email needed and your zip code",
            "C: seven seven oh oh eight",
        ],
        {"first_name": "Priya", "last_name": "Nair", "phone": "+17135550108", "email": None},
        "roofing",
        id="shingles-without-e-mail",
    ),
    pytest.param(
        [
            "A: example tree service",
            "C: a big oak limb fell across our driveway and i need it cut up and hauled off",
            "A: can i get a name",
            "C: leonard hayes h a y e s",
            "A: and your phone",
            "C: area code nine one nine five five five oh one eight three",
            "A: zip code",
            "C: two seven six oh one",
        ],
        {"first_name": "Leonard", "last_name": "Hayes", "phone": "+19195550183"},
        "tree_service",
        id="fallen-limb",
    ),
    pytest.param(
        [
            "A: example appliance this is gus",
            "C: my dishwasher will not drain and the dishes come out dirty",
            "A: and your name",
            "C: nora quinn q u i n n",
            "A: phone",
            "C: three one two five five five oh one six six",
            "A: zip",
            "C: six oh six one four",
        ],
        {"first_name": "Nora", "last_name": "Quinn", "phone": "+13125550166", "zip_code": "60614"},
        "appliance_repair",
        id="dishwasher",
    ),
    pytest.param(
        [
            "A: example painters this is lee",
            "C: we want the whole outside of the house painted before summer",
            "A: lovely who is calling",
            "C: bianca rossi r o s s i",
            "A: and your number",
            "C: five oh three five five five oh one two six",
            "A: zip code of the house",
            "C: nine seven two one one",
        ],
        {
            "first_name": "Bianca",
            "last_name": "Rossi",
            "phone": "+15035550126",
            "zip_code": "97211",
        },
        "painting",
        id="house-painting",
    ),
]


@pytest.mark.parametrize(("lines", "wanted", "sector"), PLAIN_CALLS)
def test_plain_call_comes_out_right(
    pipeline: Pipeline, lines: list[str], wanted: dict[str, str | None], sector: str
) -> None:
    result = process(pipeline, *lines)
    found = contact(result)
    assert {name: found[name] for name in wanted} == wanted
    assert result.need.sector == sector
    assert result.job is not None


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            [
                "A: example heating how can i help",
                "C: oh is this the pharmacy i was calling about my prescription",
                "A: no maam this is a heating company",
                "C: sorry wrong number bye",
            ],
            id="wrong-number",
        ),
        pytest.param(
            [
                "A: example plumbing this is dana",
                "C: hi i am calling about the ad do you have any openings for a plumbers helper",
                "A: we are not hiring right now but you can apply on the website",
                "C: okay i will send my resume thank you",
            ],
            id="applicant",
        ),
        pytest.param(
            [
                "A: example roofing",
                "C: hi this is chad from top rank marketing we put contractors on the first page "
                "do you have two minutes to talk to us about your website",
                "A: we are not interested please take us off your list",
                "C: i understand have a good day",
            ],
            id="sales-call",
        ),
    ],
)
def test_call_for_no_work_is_no_job(pipeline: Pipeline, lines: list[str]) -> None:
    result = process(pipeline, *lines)
    assert (result.status, result.job) == ("no_job", None)
