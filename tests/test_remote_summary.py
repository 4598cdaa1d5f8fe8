"""A language model's summary is used only where the call bears it out."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from conftest import make_transcript, read_marked
from tradecall.errors import ConfigurationError
from tradecall.remote_summary import RemoteSummarizer, find_fault, redacted_text
from tradecall.summary import Summary, unsafe_tokens
from tradecall.tokens import tokenize

OURS = "Plumbing: our own words."
CALL = (
    "C: hi this is «Zorblatt» my water heater is leaking in the garage since tuesday",
    "A: is there any smoke",
    "C: no smoke call me at «five five five oh one four two» or «jo@example.com»",
)


class Ours:
    """The fallback: says the same of every call."""

    def summarize(self, tokens, sector, urgency, preferred_time, *, redactions=()):
        return Summary(OURS, ())


class Endpoint:
    """A chat endpoint on loopback that gives back what the test puts in."""

    def __init__(self) -> None:
        self.status = 200
        self.body: bytes = b""
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                request = json.loads(self.rfile.read(length))
                endpoint.requests.append((self.path, dict(self.headers), request))
                self.send_response(endpoint.status)
                if 300 <= endpoint.status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(endpoint.body)))
                self.end_headers()
                self.wfile.write(endpoint.body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def answer(self, text: str) -> None:
        self.body = json.dumps({"choices": [{"message": {"content": text}}]}).encode()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    thread = threading.Thread(target=served.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


def summarize(endpoint: Endpoint, **options: Any) -> Summary:
    transcript, spans = read_marked(*CALL)
    remote = RemoteSummarizer(endpoint.url, "small", fallback=Ours(), **options)
    return remote.summarize(tokenize(transcript), "plumbing", "urgent", None, redactions=spans)


def test_a_borne_out_answer_is_used_with_its_evidence(endpoint):
    endpoint.answer("Customer needs plumbing: water heater leaking in the garage since Tuesday.\n")
    summary = summarize(endpoint)
    assert summary.text == (
        "Customer needs plumbing: water heater leaking in the garage since Tuesday."
    )
    quotes = [read_marked(*CALL)[0].quote(span) for span in summary.evidence]
    assert "water heater" in quotes


def test_the_request_is_a_chat_completion_with_the_key(endpoint):
    endpoint.answer("Water heater leaking.")
    summarize(endpoint, api_key=SecretStr("te-secret"))
    path, headers, request = endpoint.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer te-secret"
    assert request["model"] == "small"
    assert [message["role"] for message in request["messages"]] == ["system", "user"]


def test_without_a_key_no_authorization_is_sent(endpoint):
    endpoint.answer("Water heater leaking.")
    summarize(endpoint)
    assert "Authorization" not in endpoint.requests[0][1]


def test_a_client_of_ones_own_is_used_and_left_open(endpoint):
    endpoint.answer("Water heater leaking.")
    with httpx.Client(headers={"X-Proxy": "mine"}) as client:
        summarize(endpoint, client=client)
        assert not client.is_closed
    assert endpoint.requests[0][1]["X-Proxy"] == "mine"


def test_what_goes_out_holds_no_personal_data(endpoint):
    endpoint.answer("Water heater leaking.")
    summarize(endpoint)
    sent = json.dumps(endpoint.requests[0][2]).lower()
    assert "water heater is leaking" in sent
    for word in ("zorblatt", "five", "jo@", "example.com"):
        assert word not in sent


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        pytest.param("C: this is «Zorblatt»", "caller: this is [name]", id="name"),
        pytest.param(
            "C: you can call me at five five five oh one four two when you know",
            "caller: you can call me at [phone] when you know",
            id="spoken-phone",
        ),
        pytest.param(
            "C: the card is 4111 1111 1111 1111 and it is a visa",
            "caller: the card is [card] and it is a visa",
            id="card",
        ),
        pytest.param("C: write to jo@example.com now", "caller: write to [email] now", id="email"),
        pytest.param("C: built in 1987", "caller: built in 1987", id="year-stays"),
    ],
)
def test_redacted_text_says_what_kind_was_there(line, sent):
    transcript, spans = read_marked(line)
    tokens = tokenize(transcript)
    assert redacted_text(tokens, unsafe_tokens(tokens, spans, None)) == sent


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("", id="empty"),
        pytest.param("water heater " * 30, id="too-long"),
        pytest.param("Furnace is leaking.", id="word-never-said"),
        pytest.param("Water heater leaking, 12 years.", id="number-never-said"),
        pytest.param("Zorblatt has a leaking water heater.", id="name"),
        pytest.param("Water heater leaking, call 555 0142.", id="phone"),
        pytest.param("Water heater, five five five oh one four two.", id="spoken-phone"),
        pytest.param("Water heater leaking, jo@example.com.", id="email"),
        pytest.param("Water heater leaking, [phone].", id="mark"),
        pytest.param("Water heater leaking, smoke.", id="denied-in-the-call"),
    ],
)
def test_an_answer_that_the_call_does_not_bear_out_is_refused(endpoint, caplog, answer):
    endpoint.answer(answer)
    with caplog.at_level(logging.WARNING):
        assert summarize(endpoint).text == OURS
    assert "refused" in caplog.text
    for word in ("zorblatt", "0142", "furnace", "five", "jo@"):
        assert word not in caplog.text.lower()


def test_what_the_call_denies_may_be_denied():
    tokens = tokenize(make_transcript(*(line.replace("«", "").replace("»", "") for line in CALL)))
    nothing = bytearray(len(tokens))
    assert find_fault("Water heater leaking, no smoke.", tokens, nothing, None) is None


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        pytest.param(500, b"", "status 500", id="server-error"),
        pytest.param(401, b"{}", "status 401", id="refused"),
        pytest.param(302, b"", "status 302", id="redirect"),
        pytest.param(200, b"<html>", "no chat completion", id="no-json"),
        pytest.param(200, b'{"choices": []}', "no chat completion", id="no-choice"),
        pytest.param(
            200,
            b'{"choices": [{"message": {"content": null}}]}',
            "no chat completion",
            id="no-content",
        ),
    ],
)
def test_a_failure_falls_back_and_says_why(endpoint, caplog, status, body, reason):
    endpoint.status, endpoint.body = status, body
    with caplog.at_level(logging.WARNING):
        assert summarize(endpoint).text == OURS
    assert reason in caplog.text
    assert len(endpoint.requests) == 1


def test_an_endpoint_that_is_down_falls_back(endpoint, caplog):
    endpoint.server.server_close()
    with caplog.at_level(logging.WARNING):
        assert summarize(endpoint, timeout_s=1.0).text == OURS
    assert "ConnectError" in caplog.text


@pytest.mark.parametrize(
    "address",
    [
        "https://models.example.com/v1",
        "http://localhost:8080/v1",
        "http://127.0.0.2/v1",
        "http://[::1]/v1",
    ],
)
def test_https_and_loopback_are_taken(address):
    RemoteSummarizer(address, "small", fallback=Ours())


@pytest.mark.parametrize(
    "address",
    [
        "http://models.example.com/v1",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "models.example.com",
        "https://",
        "http://[::1",
        "",
    ],
)
def test_other_addresses_are_refused(address):
    with pytest.raises(ConfigurationError):
        RemoteSummarizer(address, "small", fallback=Ours())
