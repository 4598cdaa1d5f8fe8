from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tradecall import cli
from tradecall.pipeline import Pipeline

DATA = Path(__file__).parent / "data"
COMMAND = [sys.executable, "-m", "tradecall"]
PADDING = ("caller", "um so like i said it started this morning and it will not stop " * 20)
JOB_TURNS = [
    ("agent", "thanks for calling example plumbing this is dana how can i help"),
    ("caller", "hi my kitchen sink is leaking and i need a plumber"),
    ("agent", "sure can i get your first and last name"),
    ("caller", "maria lopez l o p e z"),
    ("agent", "and a good phone number"),
    ("caller", "four one five five five five oh one three two"),
    ("agent", "and the zip code"),
    ("caller", "nine four one one oh"),
]


def call(call_id: str, turns: list[tuple[str, str]] = JOB_TURNS, **metadata: Any) -> str:
    said = [{"speaker": speaker, "text": text} for speaker, text in turns]
    return json.dumps({"call_id": call_id, "metadata": metadata, "turns": said}) + "\n"


@pytest.fixture(scope="session")
def shipped() -> Pipeline:
    return Pipeline.load()


@pytest.fixture
def runner(shipped: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """Run commands on a pipeline that is loaded once, in a folder without settings."""
    monkeypatch.setattr(cli, "_load_pipeline", lambda config, overrides: shipped)
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_process_writes_one_record_a_call_in_order(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text(call("b") + call("a") + call("c"))
    result = runner.invoke(cli.app, ["process", "calls.jsonl"])
    assert result.exit_code == 0
    assert [record["call_id"] for record in records(result.stdout)] == ["b", "a", "c"]


def test_process_gives_an_unreadable_call_its_record_and_goes_on(
    runner: CliRunner, tmp_path: Path
) -> None:
    (tmp_path / "calls.jsonl").write_text(call("a") + "{broken\n" + call("c"))
    result = runner.invoke(cli.app, ["process", "calls.jsonl"])
    assert result.exit_code == cli.SOME_UNREADABLE
    first, second, third = records(result.stdout)
    assert second["status"] == "error"
    assert "calls.jsonl:2" in second["error"]
    assert {first["status"], third["status"]} <= {"ready", "review"}
    assert "1 unreadable" in result.stderr


def test_process_spreads_calls_over_workers_in_order(runner: CliRunner, tmp_path: Path) -> None:
    lines = [call(str(number)) for number in range(6)]
    (tmp_path / "calls.jsonl").write_text("".join([*lines[:3], "{broken\n", *lines[3:]]))
    result = runner.invoke(cli.app, ["process", "calls.jsonl", "--workers", "2"])
    ids = [record["call_id"] for record in records(result.stdout) if record["status"] != "error"]
    assert ids == ["0", "1", "2", "3", "4", "5"]
    assert records(result.stdout)[3]["status"] == "error"


def test_process_reads_standard_input(runner: CliRunner) -> None:
    result = runner.invoke(cli.app, ["process", "-"], input=call("a"))
    assert [record["call_id"] for record in records(result.stdout)] == ["a"]


def test_process_writes_the_file_and_shows_the_table(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text(call("first-call"))
    result = runner.invoke(cli.app, ["process", "calls.jsonl", "-o", "out.jsonl"])
    assert result.stdout == ""
    assert "first-call" in result.stderr
    assert "1 calls in" in result.stderr
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["calls.jsonl", "out.jsonl"]
    assert len(records((tmp_path / "out.jsonl").read_text())) == 1


def test_process_says_nothing_when_quiet(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text(call("a"))
    result = runner.invoke(cli.app, ["process", "calls.jsonl", "-o", "out.jsonl", "--quiet"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_process_shows_what_a_call_says_without_control_characters_or_markup(
    runner: CliRunner, tmp_path: Path
) -> None:
    (tmp_path / "calls.jsonl").write_text(call("\x1b[31m[bold]c1[/bold]\u202e"))
    result = runner.invoke(cli.app, ["process", "calls.jsonl", "-o", "out.jsonl", "--table"])
    assert "\x1b[31m" not in result.stderr
    assert "\u202e" not in result.stderr
    assert "[bold]c1[/bold]" in result.stderr


def test_process_writes_no_control_character_raw(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text(call("\x9b31m"))
    result = runner.invoke(cli.app, ["process", "calls.jsonl"])
    assert "\x9b" not in result.stdout
    assert records(result.stdout)[0]["call_id"] == "\x9b31m"


@pytest.mark.parametrize(
    ("given", "output"),
    [
        pytest.param("calls.jsonl", "calls.jsonl", id="the-input-itself"),
        pytest.param("./*.jsonl", "calls.jsonl", id="one-of-a-glob"),
        pytest.param(".", "out.jsonl", id="in-an-input-folder"),
    ],
)
def test_process_refuses_an_output_among_the_inputs(
    given: str, output: str, runner: CliRunner, tmp_path: Path
) -> None:
    (tmp_path / "calls.jsonl").write_text(call("a"))
    result = runner.invoke(cli.app, ["process", given, "-o", output])
    assert result.exit_code == cli.USAGE
    assert "among the inputs" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["calls.jsonl"]
    assert (tmp_path / "calls.jsonl").read_text() == call("a")


def test_process_leaves_a_pipe_a_pipe(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text(call("a"))
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDWR)
    try:
        result = runner.invoke(cli.app, ["process", "calls.jsonl", "-o", "pipe", "-q"])
        assert result.exit_code == 0
        assert (tmp_path / "pipe").is_fifo()
        assert json.loads(os.read(reader, 1_000_000))["call_id"] == "a"
    finally:
        os.close(reader)


def test_process_gives_a_missing_file_its_record(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text(call("a"))
    result = runner.invoke(cli.app, ["process", "none.txt", "calls.jsonl"])
    assert result.exit_code == cli.SOME_UNREADABLE
    missing, read = records(result.stdout)
    assert missing["status"] == "error"
    assert "none.txt" in missing["error"]
    assert read["call_id"] == "a"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--config", "none.toml"], id="no-such-settings"),
        pytest.param(["--models", "none"], id="no-such-models"),
        pytest.param(["--agents", "none.csv"], id="no-such-agents"),
        pytest.param(["--format", "fax"], id="no-such-format"),
        pytest.param(["-o", "none/out.jsonl"], id="no-such-folder"),
        pytest.param(["--workers", "0"], id="no-workers"),
    ],
)
def test_process_ends_with_usage_error(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calls.jsonl").write_text(call("a"))
    result = CliRunner().invoke(cli.app, ["process", "calls.jsonl", *arguments])
    assert result.exit_code == cli.USAGE
    assert "Traceback" not in result.stderr
    assert result.stderr


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``process -``, its input open: more is sent than it reads first, less than blocks us."""
    with subprocess.Popen(
        [*COMMAND, "process", "-", *arguments],
        cwd=folder,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdin is not None
        try:
            running.stdin.write("".join(call(str(n), [*JOB_TURNS, PADDING]) for n in range(45)))
            running.stdin.flush()
            yield running
        finally:
            running.kill()


def test_process_keeps_what_is_done_when_interrupted(tmp_path: Path) -> None:
    partial = tmp_path / "out.jsonl.partial"
    with started(tmp_path, "-o", "out.jsonl") as running:
        while running.poll() is None and not (partial.exists() and partial.read_bytes()):
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == cli.INTERRUPTED
        assert running.stderr is not None
        said = running.stderr.read()
    assert "out.jsonl.partial" in said
    assert "Traceback" not in said
    assert records(partial.read_text())[0]["call_id"] == "0"
    assert not (tmp_path / "out.jsonl").exists()


def test_process_with_workers_ends_cleanly_when_interrupted(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text("".join(call(str(number)) for number in range(5000)))
    with subprocess.Popen(
        [*COMMAND, "process", "calls.jsonl", "-o", "out.jsonl", "--workers", "2"],
        cwd=tmp_path,
        text=True,
        stderr=subprocess.PIPE,
        process_group=0,
    ) as running:
        partial = tmp_path / "out.jsonl.partial"
        while running.poll() is None and not (partial.exists() and partial.read_bytes()):
            time.sleep(0.02)
        # As a terminal does: to the workers too.
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(timeout=30) == cli.INTERRUPTED
        assert running.stderr is not None
        assert "Traceback" not in running.stderr.read()


def test_process_ends_quietly_when_the_reader_goes(tmp_path: Path) -> None:
    with started(tmp_path) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert json.loads(running.stdout.readline())["call_id"] == "0"
        running.stdout.close()
        assert running.wait(timeout=30) == cli.READER_GONE
        assert "Traceback" not in running.stderr.read()


def evaluate_small(runner: CliRunner, *arguments: str) -> Any:
    given = [str(DATA / "gold_small.jsonl"), "--predictions", str(DATA / "predictions_small.jsonl")]
    return runner.invoke(cli.app, ["evaluate", *given, *arguments])


def test_evaluate_prints_scores_of_given_records() -> None:
    result = evaluate_small(CliRunner())
    assert result.exit_code == 0
    assert "13 calls, 8 of them jobs, records of predictions_small.jsonl" in result.stdout
    assert "whole job right" in result.stdout


def test_evaluate_gives_json_with_errors() -> None:
    result = evaluate_small(CliRunner(), "--json", "--errors")
    document = json.loads(result.stdout)
    assert document["scores"]["whole_job_right"]["value"] == pytest.approx(3 / 8)
    assert document["errors"][0]["call_id"] == "s-02"


def test_evaluate_lists_errors_call_by_call() -> None:
    assert "s-02 (ready)\n  last_name:" in evaluate_small(CliRunner(), "--errors").stdout


def test_evaluate_writes_a_page(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert evaluate_small(CliRunner(), "--html", str(page)).exit_code == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_evaluate_runs_the_pipeline_over_labelled_calls(runner: CliRunner) -> None:
    result = runner.invoke(cli.app, ["evaluate", str(DATA / "gold_small.jsonl"), "--json"])
    assert json.loads(result.stdout)["calls"] == 13


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["none.jsonl"], "none.jsonl", id="no-such-file"),
        pytest.param(["gold.jsonl", "--predictions", "gold.jsonl"], "gold.jsonl:1", id="no-record"),
        pytest.param(
            ["gold.jsonl", "--predictions", "gold.jsonl", "--cross-validate"],
            "exclude each other",
            id="two-sources",
        ),
    ],
)
def test_evaluate_ends_with_usage_error(
    arguments: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = {"gold": {"is_job": False, "homeowner": {}}}
    (tmp_path / "gold.jsonl").write_text(
        json.dumps(labels | {"call_id": 7, "turns": [{"speaker": "agent", "text": "hello"}]})
    )
    result = CliRunner().invoke(cli.app, ["evaluate", *arguments])
    assert result.exit_code == cli.USAGE
    assert reason in result.stderr


def test_train_says_when_there_is_no_data(tmp_path: Path) -> None:
    arguments = ["train", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "models")]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == cli.USAGE
    assert "none" in result.stderr
    assert not (tmp_path / "models").exists()


def test_bench_tells_speed(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text(call("a") + "{broken\n")
    result = runner.invoke(cli.app, ["bench", "calls.jsonl"])
    assert result.exit_code == 0
    assert "p99" in result.stdout


@pytest.mark.parametrize("command", ["process", "evaluate", "train", "bench"])
def test_help_shows_examples(command: str) -> None:
    result = CliRunner().invoke(cli.app, [command, "--help"])
    assert result.exit_code == 0
    assert f"  tradecall {command} " in result.stdout


def test_version_is_shown() -> None:
    assert CliRunner().invoke(cli.app, ["--version"]).stdout.startswith("tradecall 0.")


def test_no_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli.app, []).exit_code == cli.USAGE
