"""What a call asks for: the trade, a second trade, or no work at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import make_transcript
from tradecall.dataset import load_gold
from tradecall.errors import ConfigurationError, ModelError
from tradecall.sector import (
    NO_JOB_REASONS,
    NeedClassifier,
    TrainingText,
    load_reasons,
    load_sectors,
    load_texts,
    train_need,
)
from tradecall.tokens import tokenize
from tradecall.transcript import Transcript

DATA = Path(__file__).parents[1] / "data"
SECTORS = load_sectors(DATA / "sectors" / "sectors.toml")


@pytest.fixture(scope="session")
def classifier() -> NeedClassifier:
    """Trained on every fourth call, the shipped sentences and tables."""
    return train_need(
        load_gold(DATA / "calls" / "dev.jsonl.gz")[::4],
        load_texts(sorted((DATA / "sectors").glob("sentences-*.jsonl"))),
        load_texts([DATA / "sectors" / "no_job.jsonl"], key="reason"),
        SECTORS,
        load_reasons(DATA / "sectors" / "no_job.toml"),
        folds=2,
    )


def call(*lines: str, company: str | None = None) -> Transcript:
    return make_transcript(*lines, company_name=company)


@pytest.mark.parametrize(
    ("said", "answered", "sector"),
    [
        pytest.param(
            "my hot water heater is leaking all over the garage",
            "okay we can get a plumber out to look at that water heater",
            "plumbing",
            id="water-heater",
        ),
        pytest.param(
            "there's water dripping from the air handler in the attic when the ac runs",
            "sounds like the condensate line is plugged up i'll send a tech",
            "hvac",
            id="condensate",
        ),
        pytest.param(
            "the boiler is not firing and the radiators are cold",
            "okay no heat let me get somebody for that boiler",
            "hvac",
            id="boiler",
        ),
        pytest.param(
            "i bought an electric car and i want a charger put in the garage",
            "sure do you have space in the breaker panel for an ev charger",
            "electrical",
            id="ev-charger",
        ),
        pytest.param(
            "i need a ceiling fan hung in the bedroom there's only a light there now",
            "so you want the light taken down and a ceiling fan wired in",
            "electrical",
            id="ceiling-fan",
        ),
        pytest.param(
            "the dishwasher leaks onto the kitchen floor every time it runs",
            "how old is the dishwasher",
            "appliance_repair",
            id="dishwasher-leak",
        ),
        pytest.param(
            "we got a new stove and need a gas line run to it",
            "so a gas line to the range okay is there a shutoff valve",
            "plumbing",
            id="gas-line",
        ),
        pytest.param(
            "the sump pump quit and the pit is filling up",
            "how old is the sump pump",
            "plumbing",
            id="sump-pump",
        ),
        pytest.param(
            "a big limb came down on the roof in the storm i need it cut up and hauled off",
            "okay the tree crew can take the limb down",
            "tree_service",
            id="limb-to-remove",
        ),
        pytest.param(
            "a limb poked a hole in the roof my brother already hauled it off now i need the "
            "shingles fixed before it rains",
            "so the roofer would patch the shingles and the decking",
            "roofing",
            id="roof-to-close-after-limb",
        ),
        pytest.param(
            "the basement flooded the pipe is fixed already but the carpet is soaked and the "
            "drywall is wet i need it dried out",
            "we can bring the fans and dehumidifiers and do the water extraction",
            "restoration",
            id="flood-to-dry",
        ),
        pytest.param(
            "a pipe burst in the basement and water is still coming out of it",
            "shut off the main and we'll get a plumber there for that burst pipe",
            "plumbing",
            id="pipe-to-mend",
        ),
        pytest.param(
            "water sits in the yard i was told i need a french drain",
            "okay a french drain and some grading in the back yard",
            "landscaping",
            id="french-drain",
        ),
        pytest.param(
            "i have a plumber's hole in the drywall to patch and two doors to rehang",
            "that's a good little handyman list",
            "handyman",
            id="drywall-after-a-leak",
        ),
        pytest.param(
            "the driveway slab sank by the garage door",
            "is the concrete cracked or did the whole slab settle",
            "concrete_masonry",
            id="sunken-driveway",
        ),
    ],
)
def test_the_need_is_told_from_its_neighbour(
    classifier: NeedClassifier, said: str, answered: str, sector: str
) -> None:
    tokens = tokenize(
        call("A: how can i help you", f"C: {said}", f"A: {answered}", "C: yes please")
    )
    assert classifier.classify(tokens).sector == sector


@pytest.mark.parametrize("company", ["Summit Roofing", "Ajax Heating and Air", "Main Street Pest"])
def test_the_company_called_does_not_matter(classifier: NeedClassifier, company: str) -> None:
    tokens = tokenize(
        call(
            f"A: thank you for calling {company} this is dana how can i help",
            "C: my toilet keeps running and the tub drains slow",
            f"A: okay {company} can send a plumber for the toilet and the drain",
            company=company,
        )
    )
    assert classifier.classify(tokens).sector == "plumbing"


def test_a_greeting_alone_tells_no_sector(classifier: NeedClassifier) -> None:
    tokens = tokenize(
        call(
            "A: thank you for calling volt brothers electric and plumbing this is sam",
            "C: hi sam how are you",
            company="Volt Brothers",
        )
    )
    assert classifier.classify(tokens).probability < 0.3


def test_evidence_is_where_the_need_was_told(classifier: NeedClassifier) -> None:
    transcript = call(
        "A: smith home services this is dana",
        "C: hi dana it's me again",
        "A: what's going on",
        "C: there are bats in the attic i can hear them scratching and squeaking",
        "A: okay what is the zip code",
        "C: nine oh two one oh",
    )
    evidence = classifier.classify(tokenize(transcript)).evidence
    assert evidence
    assert {transcript.locate(span)[0] for span in evidence} == {3}


def test_a_second_need_is_told_besides(classifier: NeedClassifier) -> None:
    tokens = tokenize(
        call(
            "A: how can i help",
            "C: my fence blew down about forty feet of it and two posts snapped",
            "A: so we need to reset the posts and rehang the fence panels",
            "C: right and also while you're at it the gutter over the porch came loose",
            "A: okay is the gutter off the fascia or just sagging",
            "C: sagging and the downspout is laying in the yard",
            "A: i'll put the gutter and the downspout down too as a second thing",
        )
    )
    need = classifier.classify(tokens)
    assert need.sector == "fencing"
    assert "gutters" in dict(need.others)
    assert "fencing" not in dict(need.others)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param(
            [
                "C: hi is this the pharmacy",
                "A: no sir you have the wrong number this is a plumbing company",
                "C: oh i'm sorry i was trying to reach the pharmacy",
            ],
            "wrong_number",
            id="wrong-number",
        ),
        pytest.param(
            [
                "C: hi i'm calling about the job posting are you still hiring",
                "A: we are do you have a resume",
                "C: yes i have six years experience who is the hiring manager",
                "A: you can apply on the website for that position",
            ],
            "applicant",
            id="applicant",
        ),
        pytest.param(
            [
                "C: i have a question about my invoice i was charged twice",
                "A: let me get you over to billing",
                "C: i want the refund on my card please",
            ],
            "billing",
            id="billing",
        ),
        pytest.param(
            [
                "C: i need to cancel my appointment for tomorrow",
                "A: okay did you want to reschedule",
                "C: no just cancel it please",
            ],
            "cancel_or_move",
            id="cancel",
        ),
        pytest.param(
            [
                "C: where is my technician he was supposed to be here by noon",
                "A: i see you on the schedule he is running late about ten minutes out",
                "C: okay i just wanted to know if he is on his way",
            ],
            "status",
            id="status",
        ),
        pytest.param(
            [
                "I: you have reached the voicemail of please leave a message after the tone",
                "A: hi this is dana returning a missed call call us back",
                "I: the mailbox is full",
            ],
            "voicemail",
            id="voicemail",
        ),
        pytest.param(
            [
                "C: i'd like to speak with the owner about your advertising",
                "A: he doesn't take sales calls",
                "C: it's only ninety nine a month for the leads and i can give you a demo",
                "A: we're not interested take us off your list",
            ],
            "sales_call",
            id="sales-call",
        ),
    ],
)
def test_a_call_for_no_work_is_told_with_its_reason(
    classifier: NeedClassifier, lines: list[str], reason: str
) -> None:
    need = classifier.classify(tokenize(call("A: hello how can i help", *lines)))
    assert not need.is_job
    assert need.no_job_reason == reason


def test_a_cancellation_that_turns_into_work_is_a_job(classifier: NeedClassifier) -> None:
    tokens = tokenize(
        call(
            "A: brook services this is dana",
            "C: i had to cancel my tune up last week but now the furnace quit and there is no heat",
            "A: oh no okay is the furnace making any noise and is the thermostat on",
            "C: it clicks but the burner won't light i need somebody to come out and fix it",
            "A: alright can i get your name and the zip code for the house",
            "C: pat doe nine oh two one oh",
            "A: and the best phone number to reach you",
            "C: five five five oh one four two",
            "A: i can send a heating tech tomorrow morning between eight and ten",
        )
    )
    need = classifier.classify(tokens)
    assert need.is_job
    assert need.no_job_reason is None
    assert need.sector == "hvac"


@settings(max_examples=40, deadline=None)
@given(lines=st.lists(st.text(max_size=80), min_size=1, max_size=6))
def test_any_call_gets_probabilities_that_sum_to_one(
    classifier: NeedClassifier, lines: list[str]
) -> None:
    letters = "ACXI?"
    transcript = make_transcript(*(f"{letters[i % 5]}: {line}" for i, line in enumerate(lines)))
    tokens = tokenize(transcript)
    chances = classifier.sector_probabilities(tokens)
    assert sum(chances.values()) == pytest.approx(1.0)
    need = classifier.classify(tokens)
    assert need.sector in classifier.labels
    assert 0.0 <= need.is_job_probability <= 1.0
    assert (need.no_job_reason is None) == need.is_job


def test_a_saved_classifier_tells_the_same(classifier: NeedClassifier, tmp_path: Path) -> None:
    tokens = tokenize(call("C: my garage door spring snapped", "A: is the car trapped inside"))
    classifier.save(tmp_path / "sector", training_data={"calls": "abc"})
    again = NeedClassifier.load(tmp_path / "sector")
    assert again.classify(tokens) == classifier.classify(tokens)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="sector"):
        NeedClassifier.load(tmp_path / "sector")


def test_the_table_of_sectors_is_whole() -> None:
    assert len(SECTORS.labels) == 27
    assert all(SECTORS.terms[label] for label in SECTORS.labels)


@pytest.mark.parametrize("label", SECTORS.labels)
def test_every_sector_has_sentences(label: str) -> None:
    texts = load_texts([DATA / "sectors" / f"sentences-{label}.jsonl"])
    assert len({text.text for text in texts}) >= 60
    assert {text.label for text in texts} == {label}


def test_every_reason_has_sentences() -> None:
    texts = load_texts([DATA / "sectors" / "no_job.jsonl"], key="reason")
    assert {text.label for text in texts} == set(NO_JOB_REASONS)
    assert len(texts) >= 150


def test_a_sentence_of_no_known_sector_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="astrology"):
        train_need(
            [],
            [TrainingText("my stars are wrong", "astrology")],
            [],
            SECTORS,
            load_reasons(DATA / "sectors" / "no_job.toml"),
        )


def test_a_broken_line_of_sentences_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sentences.jsonl"
    path.write_text('{"text": "fine", "sector": "hvac"}\n{"text": "no label"}\n')
    with pytest.raises(ConfigurationError, match=r"sentences\.jsonl:2"):
        load_texts([path])
