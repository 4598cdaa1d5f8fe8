"""When the visit is wished or agreed."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from conftest import make_transcript
from tradecall.preferred_time import find_preferred_time
from tradecall.tokens import tokenize

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=-6)))


def find(*lines, **metadata):
    return find_preferred_time(tokenize(make_transcript(*lines, **metadata)))


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        pytest.param(
            ("C: my sink leaks", "A: how about thursday between two and four", "C: good"),
            "thursday between two and four",
            id="offered-and-taken",
        ),
        pytest.param(
            (
                "A: i have monday at ten or wednesday at one",
                "C: wednesday at one",
                "A: wednesday at one then",
            ),
            "wednesday at one",
            id="agreed-beats-offered",
        ),
        pytest.param(
            ("A: i got tomorrow morning", "C: cant do tomorrow", "C: friday after four"),
            "friday after four",
            id="refused",
        ),
        pytest.param(
            ("C: it started sunday night", "A: we can come tomorrow morning", "C: please"),
            "tomorrow morning",
            id="past-is-no-appointment",
        ),
        pytest.param(
            ("A: when are you home", "C: any morning but wednesday"),
            "any morning but wednesday",
            id="any-but",
        ),
        pytest.param(
            ("A: See you then.", "C: Great.", "A: Tuesday the 8th, 1:30 to 3:30."),
            "Tuesday the 8th, 1:30 to 3:30",
            id="written",
        ),
        pytest.param(
            ("A: we have wednesday morning", "C: ok", "A: between nine and eleven"),
            "wednesday morning between nine and eleven",
            id="day-and-hours-apart",
        ),
        pytest.param(("C: we want the kitchen done in october",), "october", id="month"),
        pytest.param(("A: when", "C: friday forenoon is good"), "friday forenoon", id="forenoon"),
        pytest.param(("A: he will see you tomorrow tomorrow",), "tomorrow", id="said-twice"),
    ],
)
def test_find_preferred_time_gives_the_visit_as_said(lines, text):
    found = find(*lines)
    assert found is not None
    assert found.text == text


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("C: my sink leaks",), id="no-time"),
        pytest.param(("C: it has leaked since last tuesday", "A: oh no"), id="past"),
        pytest.param(("C: five five five oh one two three",), id="phone"),
        pytest.param(("C: about three feet by four feet",), id="measures"),
        pytest.param(("C: this is april and it may leak",), id="name-and-verb-are-no-months"),
    ],
)
def test_find_preferred_time_finds_none_where_none_is_named(lines):
    assert find(*lines) is None


def test_evidence_lies_where_the_words_were_said():
    transcript = make_transcript("C: the ac quit", "A: we can come tomorrow at two")
    found = find_preferred_time(tokenize(transcript))
    assert [transcript.quote(span) for span in found.evidence] == ["tomorrow at two"]


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        pytest.param("tomorrow between two and four", (3, 14, 0), (3, 16, 0), id="tomorrow"),
        pytest.param("thursday morning", (5, 8, 0), (5, 12, 0), id="weekday-part"),
        pytest.param("the tenth nine to eleven", (10, 9, 0), (10, 11, 0), id="day-of-month"),
        pytest.param("friday after four", (6, 16, 0), (6, 17, 0), id="after"),
        pytest.param("today by five", (2, 8, 0), (2, 17, 0), id="by"),
        pytest.param("wednesday at ten thirty", (4, 10, 30), (4, 11, 30), id="half-past"),
    ],
)
def test_times_become_dates_when_the_start_of_the_call_is_known(said, start, end):
    found = find("C: my sink leaks", f"A: we can come {said}", "C: good", started_at=MONDAY)
    zone = MONDAY.tzinfo
    assert found.resolved == (
        datetime(2026, 3, *start, tzinfo=zone),
        datetime(2026, 3, *end, tzinfo=zone),
    )


def test_a_bare_day_becomes_a_whole_day():
    found = find("C: my sink leaks", "A: he will come thursday", started_at=MONDAY)
    assert found.resolved == (date(2026, 3, 5), date(2026, 3, 6))


@pytest.mark.parametrize("said", ["any morning but wednesday", "monday or tuesday at ten"])
def test_what_names_no_single_day_is_not_resolved(said):
    found = find("C: my sink leaks", f"C: please come {said}", started_at=MONDAY)
    assert found.resolved is None or found.text == "tuesday at ten"


def test_without_a_start_nothing_is_resolved():
    assert find("A: he can come tomorrow at two").resolved is None
