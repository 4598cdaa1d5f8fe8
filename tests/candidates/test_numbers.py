from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import make_transcript, read_marked
from tradecall.candidates.candidate import Candidate, JobField
from tradecall.candidates.numbers import FEATURE_NAMES, Topic, find_numbers, read_chunks
from tradecall.places import Places
from tradecall.spoken_numbers import find_number_runs
from tradecall.tokens import tokenize

WORDS = "oh one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.build()


def found(places: Places, field: JobField, *lines: str, **metadata: str) -> dict[str, Candidate]:
    tokens = tokenize(make_transcript(*lines, **metadata))
    candidates = find_numbers(tokens, find_number_runs(tokens), places)
    return {item.value: item for item in candidates if item.field is field}


def likeliest(candidates: dict[str, Candidate]) -> str:
    """The candidate that took the fewest doubtful steps: what a ranker starts from."""
    return min(candidates.values(), key=lambda item: item.features["price"]).value


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["C: my number is 415 555 0132"], id="digits"),
        pytest.param(
            ["A: and your phone", "C: four one five", "A: four one five", "C: five five five",
             "A: uh huh", "C: oh one three two"],
            id="pieces-with-echoes",
        ),
        pytest.param(
            ["A: phone number", "C: double five five oh one thirty two", "A: area code",
             "C: four one five"],
            id="area-code-later",
        ),
        pytest.param(
            ["C: call me at four one five five five five oh one", "A: mm hm", "C: three two"],
            id="cut-mid-number",
        ),
        pytest.param(
            ["C: cell is four one five five five five oh one three five",
             "C: sorry oh one three two"],
            id="corrected-by-the-caller",
        ),
        pytest.param(
            ["C: its 415-555-0132", "A: 415-555-0123", "C: no 0132"],
            id="read-back-wrong",
        ),
        pytest.param(["C: one four one five five five five zero one three two"], id="country-code"),
        pytest.param(["A: number", "C: 4, 1, 5. 5 5 5. oh, 1, 3, 2."], id="one-by-one"),
    ],
)  # fmt: skip
def test_find_numbers_puts_a_phone_together(places: Places, lines: list[str]) -> None:
    assert "+14155550132" in found(places, JobField.PHONE, *lines)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["C: the zip is nine oh two one oh"], id="digits"),
        pytest.param(["A: zip code", "C: ninety two ten", "A: nine oh two one oh"], id="pairs"),
        pytest.param(["A: zip", "C: nine oh", "A: mm hm", "C: two one oh"], id="over-turns"),
        pytest.param(["C: zip nine oh two one one no sorry nine oh two one oh"], id="corrected"),
        pytest.param(["C: 90210-1234 is the zip"], id="zip-plus-four"),
        pytest.param(["A: the ZIP?", "C: 9, oh, 2, 1, oh."], id="lone-oh"),
    ],
)
def test_find_numbers_puts_a_zip_together(places: Places, lines: list[str]) -> None:
    assert "90210" in found(places, JobField.ZIP_CODE, *lines)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["C: it is two weeks now and i called three times"], id="counts"),
        pytest.param(["A: that is eighty nine dollars", "C: okay"], id="price"),
        pytest.param(["C: it was built in nineteen ninety eight"], id="year"),
        pytest.param(["C: no one told me", "A: which one", "C: that one"], id="pronouns"),
    ],
)
def test_find_numbers_finds_no_phone_where_there_is_none(places: Places, lines: list[str]) -> None:
    assert found(places, JobField.PHONE, *lines) == {}


def test_find_numbers_keeps_the_words_it_read(places: Places) -> None:
    transcript, spans = read_marked("C: reach me at «four one five»", "A: ok", "C: «555 0132»")
    tokens = tokenize(transcript)
    candidates = find_numbers(tokens, find_number_runs(tokens), places)
    (phone,) = [item for item in candidates if item.field is JobField.PHONE]
    assert list(phone.evidence) == list(spans)


def test_find_numbers_prefers_what_was_corrected(places: Places) -> None:
    phones = found(
        places,
        JobField.PHONE,
        "A: phone",
        "C: 415-555-0123",
        "C: no wait, 415-555-0132",
    )
    assert phones["+14155550123"].features["alike_later_customer"] == 1.0
    assert phones["+14155550132"].features["negated"] == 1.0


def test_find_numbers_tells_the_companys_own_number(places: Places) -> None:
    phones = found(
        places, JobField.PHONE, "I: call us any time at 804-555-0188", "C: mine is 415-555-0132"
    )
    assert phones["+18045550188"].features["by_recording"] == 1.0
    assert phones["+14155550132"].features["by_company"] == 0.0


def test_find_numbers_offers_a_caller_id_the_call_speaks_of(places: Places) -> None:
    phones = found(
        places,
        JobField.PHONE,
        "A: is the number you're calling from ending in oh one three two the best one",
        "C: yes it is",
        caller_id="+14155550132",
    )
    candidate = phones["+14155550132"]
    assert candidate.source == "metadata"
    assert candidate.features["caller_id_ending"] == 1.0
    assert candidate.features["affirmed"] == 1.0


def test_find_numbers_does_not_offer_a_caller_id_nobody_speaks_of(places: Places) -> None:
    assert (
        found(places, JobField.PHONE, "A: hello", "C: my sink leaks", caller_id="+14155550132")
        == {}
    )


def test_zip_knows_the_city_and_state_said(places: Places) -> None:
    zips = found(
        places, JobField.ZIP_CODE, "C: we are in beverly hills california nine oh two one oh"
    )
    features = zips["90210"].features
    assert (features["valid"], features["fits_city"], features["fits_state"]) == (1.0, 1.0, 1.0)


def test_words_between_two_zips_belong_to_the_nearer(places: Places) -> None:
    zips = found(
        places,
        JobField.ZIP_CODE,
        "C: my bills go to five five eight one two but the house is five six six four nine",
    )
    assert zips["55812"].features["other_place"] == 1.0
    assert zips["56649"].features["other_place"] == 0.0
    assert zips["56649"].features["service_place"] == 1.0


@pytest.mark.parametrize(
    ("line", "topic"),
    [
        pytest.param("C: the zip is 90210", Topic.ZIP, id="zip"),
        pytest.param("C: my cell is 4155550132", Topic.PHONE, id="phone"),
        pytest.param("C: the card is 4111", Topic.OTHER, id="card"),
        pytest.param("C: it is 12", Topic.NONE, id="nothing"),
    ],
)
def test_read_chunks_knows_what_a_number_is_about(line: str, topic: Topic) -> None:
    tokens = tokenize(make_transcript(line))
    (chunk,) = read_chunks(tokens, find_number_runs(tokens))
    assert chunk.topic is topic


def test_features_are_the_documented_ones(places: Places) -> None:
    for field in (JobField.PHONE, JobField.ZIP_CODE):
        for item in found(
            places,
            field,
            "A: zip and number",
            "C: nine oh two one oh and 415-555-0132",
            caller_id="+14155550132",
        ).values():
            assert set(item.features) <= set(FEATURE_NAMES)


def pieces(digits: str) -> st.SearchStrategy[list[str]]:
    """Cut ten digits the way people do: somewhere, in pieces of one to five."""
    return st.lists(st.integers(1, 5), min_size=10, max_size=10).map(
        lambda sizes: [
            piece
            for index in range(10)
            if (piece := digits[sum(sizes[:index]) : sum(sizes[: index + 1])])
        ]
    )


def spoken(piece: str, style: int) -> str:
    """Say a piece in one of the ways people have for it."""
    if style == 0:
        return piece
    if style == 1 and len(piece) == 2 and piece[0] == "1":
        return TEENS[int(piece[1])]
    if style == 1 and len(piece) == 2 and piece[0] >= "2":
        return TENS[int(piece[0]) - 2] + (f" {WORDS[int(piece[1])]}" if piece[1] != "0" else "")
    if style == 2 and len(piece) == 2 and piece[0] == piece[1]:
        return f"double {WORDS[int(piece[0])]}"
    if style == 3 and len(piece) == 3 and piece[1:] == "00" and piece[0] != "0":
        return f"{WORDS[int(piece[0])]} hundred"
    return " ".join(WORDS[int(digit)] for digit in piece)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_ten_digits_come_back(places: Places, data: st.DataObject) -> None:
    area = data.draw(st.from_regex(r"[2-9][0-8][0-9]", fullmatch=True))
    digits = area + data.draw(st.from_regex(r"[2-9][0-9]{6}", fullmatch=True))
    lines = ["A: what is a good phone number"]
    for piece in data.draw(pieces(digits)):
        style = data.draw(st.integers(0, 4))
        lines.append(f"C: {spoken(piece, style)}")
        echo = data.draw(st.sampled_from(["", "mm hm", "okay", "digits", "spoken"]))
        if echo == "digits":
            lines.append(f"A: {piece}")
        elif echo == "spoken":
            lines.append(f"A: {spoken(piece, data.draw(st.integers(1, 4)))}")
        elif echo:
            lines.append(f"A: {echo}")
    assert f"+1{digits}" in found(places, JobField.PHONE, *lines)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            "the water heater is leaking in our garage since monday and it is bad no yes okay "
            "please come two weeks three times one of them".split()
        ),
        max_size=40,
    )
)
def test_no_phone_comes_out_of_a_call_without_one(places: Places, words: list[str]) -> None:
    assert found(places, JobField.PHONE, f"C: {' '.join(words)}") == {}
