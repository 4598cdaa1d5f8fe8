from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradecall.formats.labels import parse_seconds, role_of_label, split_line, usual_labels


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("Agent", "agent"),
        ("CSR 1", "agent"),
        ("Customer Service Rep", "agent"),
        ("Dana (CSR)", "agent"),
        ("Dana - Dispatch", "agent"),
        ("Virtual Assistant", "agent"),
        ("AGENT_0", "agent"),
        ("customer", "caller"),
        ("Client:", "caller"),
        ("Homeowner (Mia)", "caller"),
        ("IVR", "system"),
        ("Automated attendant", "system"),
        ("Technician", "other"),
        ("Speaker 1", "unknown"),
        ("Dana Ortiz", "unknown"),
        ("Caller ID", "unknown"),
        ("Agent name", "unknown"),
        ("Customer phone", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_role_of_label(label: str | None, role: str) -> None:
    assert role_of_label(label) == role


@pytest.mark.parametrize(
    ("line", "label", "text", "start_s"),
    [
        pytest.param("Agent: hello", "Agent", "hello", None, id="plain"),
        pytest.param("Agent:hello", "Agent", "hello", None, id="no-blank"),
        pytest.param("**Agent:** hello", "Agent", "hello", None, id="markdown"),
        pytest.param("[00:12] Speaker 1: hello", "Speaker 1", "hello", 12, id="time-first"),
        pytest.param("00:01:02,500 Dana: hello", "Dana", "hello", 62.5, id="no-bracket"),
        pytest.param("[0:12 - 0:15] Dana: hello", "Dana", "hello", 12, id="time-range"),
        pytest.param("(1:02) Dana (CSR): hello", "Dana (CSR)", "hello", 62, id="parenthesis"),
        pytest.param("Speaker 1 [00:12]: hello", "Speaker 1", "hello", 12, id="time-after"),
        pytest.param("Speaker 1  0:12", "Speaker 1", "", 12, id="own-line-with-time"),
        pytest.param("Dana Ortiz, 00:12", "Dana Ortiz", "", 12, id="own-line-comma"),
        pytest.param("Agent", "Agent", "", None, id="own-line"),
        pytest.param("[Agent] hello", "Agent", "hello", None, id="bracket"),
        pytest.param("<Agent> hello", "Agent", "hello", None, id="angle"),
        pytest.param("Agent - hello", "Agent", "hello", None, id="dash"),
        pytest.param("Agent\thello", "Agent", "hello", None, id="tab"),
        pytest.param("+15125550149: hello", "+15125550149", "hello", None, id="number"),
        pytest.param("see http://example.com for that", None, None, None, id="no-label"),
        pytest.param("well, who is it? oh: you", None, None, None, id="a-sentence-is-no-label"),
    ],
)
def test_split_line(line: str, label: str | None, text: str | None, start_s: float | None) -> None:
    split = split_line(line)
    assert (split.label, split.start_s) == (label, start_s)
    assert split.text == (line if text is None else text)


@pytest.mark.parametrize(
    ("lines", "labels"),
    [
        pytest.param(["Agent: a"], {"Agent"}, id="a-role-once"),
        pytest.param(["Dana: a", "Mia: b", "Dana: c", "Mia: d"], {"Dana", "Mia"}, id="names-twice"),
        pytest.param(["okay: so", "Agent: a"], {"Agent"}, id="a-word-once-is-no-speaker"),
        pytest.param(["hello", "owner", "yes"], set(), id="an-answer-is-no-speaker"),
        pytest.param(["Agent", "hello", "Agent", "bye"], {"Agent"}, id="own-lines"),
        pytest.param(["be there at 10:30", "no at 11:30"], set(), id="clock-times-are-no-speakers"),
        pytest.param(["Caller ID: +15125550149", "Agent: a"], {"Agent"}, id="header"),
    ],
)
def test_usual_labels(lines: list[str], labels: set[str]) -> None:
    assert usual_labels(map(split_line, lines)) == labels


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12.5", 12.5),
        ("00:12", 12),
        ("1:02:03,5", 3723.5),
        ("", None),
        ("1:2:3:4", None),
        ("x", None),
    ],
)
def test_parse_seconds(value: str, seconds: float | None) -> None:
    assert parse_seconds(value) == seconds


@given(st.text(alphabet="Aa1: [](){}<>|-\t*_#.,?", max_size=200))
def test_split_line_takes_any_line(line: str) -> None:
    assert split_line(line).line == line.strip()


@pytest.mark.parametrize("piece", [" ", "A", "1:", "[", "a ", "-", "00:12 ", "\t", "*"])
def test_split_line_takes_linear_time(piece: str) -> None:
    begun = time.perf_counter()
    split_line("A" + piece * 200_000 + "x")
    assert time.perf_counter() - begun < 1
