"""The command line: ``tradecall process | evaluate | train | bench``.

Records go to a file or to standard output; everything for people goes to standard error. What a
call says is data: it reaches the terminal without markup and without control characters.
"""

from __future__ import annotations

import glob
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from tradecall.errors import ConfigurationError, TradecallError

if TYPE_CHECKING:
    from rich.console import Console

    from tradecall.formats import UnreadCall
    from tradecall.pipeline import Pipeline
    from tradecall.transcript import Transcript

SOME_UNREADABLE = 1
USAGE = 2
INTERRUPTED = 130
READER_GONE = 141

_TABLE_ROWS = 50
_PLAIN_WIDTH = 150
_PROGRESS_EVERY_S = 10.0

# Exceptions are shown plainly: a traceback with local variables would print what callers said.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ModelsOption = Annotated[
    Path | None,
    typer.Option("--models", metavar="DIR", help="Model folders; the shipped ones by default."),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML settings; ./tradecall.toml by default."),
]
FormatOption = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="Force a format instead of recognising it."),
]
DataOption = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Labelled calls and sectors to train on.")
]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, help="Processes to spread over.")]


def main() -> None:
    """Run the command line; the process ends with one of the exit codes of ``--help``."""
    app()


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tradecall {version('tradecall')}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Turn call transcripts into job requests, with evidence and calibrated confidence."""


@app.command()
def process(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="Files, folders, globs, or - for standard input."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where records go; else to stdout."),
    ] = None,
    format: FormatOption = None,
    workers: WorkersOption = 1,
    accept_caller_id: Annotated[
        bool, typer.Option("--accept-caller-id", help="Take an unconfirmed caller id as the phone.")
    ] = False,
    agents: Annotated[
        Path | None, typer.Option("--agents", metavar="FILE", help="Agent directory, CSV or JSON.")
    ] = None,
    companies: Annotated[
        Path | None,
        typer.Option("--companies", metavar="FILE", help="Company ids by name or number called."),
    ] = None,
    config: ConfigOption = None,
    models: ModelsOption = None,
    table: Annotated[
        bool | None,
        typer.Option(
            "--table/--no-table", help="A table of the calls; by default with -o, if short."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False,
) -> None:
    """Write one JSON record for each call, in input order.

    A call that cannot be read becomes a record with status "error"; the others are processed.

    \b
    Examples:
      tradecall process calls/ -o jobs.jsonl
      tradecall process 'export/*.vtt' more.csv.gz -o jobs.jsonl --workers 2
      cat call.txt | tradecall process - | jq .job

    \b
    Exit codes:
      0    every call was read
      1    some calls could not be read; their records say why
      2    wrong usage or configuration
      130  interrupted; the records so far are in FILE.partial
    """
    terminal = _terminal()
    with _exit_codes(terminal):
        settings = {
            "accept_caller_id": accept_caller_id or None,
            "agents": agents,
            "companies": companies,
            "models": models,
        }
        if output is not None and str(output) == "-":
            output = None
        if output is not None:
            _keep_apart(output, inputs)
        pipeline = _load_pipeline(config, settings)
        from tradecall.formats import load_transcripts

        want_table = table if table is not None else output is not None and not quiet
        rows: list[Mapping[str, Any]] = []
        statuses: Counter[str] = Counter()
        started = time.monotonic()
        sink = _Sink(output)
        try:
            with sink, _Progress(terminal, shown=not quiet) as progress:
                calls = load_transcripts(inputs, format=format)
                for record in _records(pipeline, calls, workers):
                    sink.write(record)
                    statuses[record["status"]] += 1
                    if want_table and (table or len(rows) <= _TABLE_ROWS):
                        rows.append(record)
                    progress.advance()
        except (KeyboardInterrupt, TradecallError, OSError):
            if sink.partial is not None:
                _say(terminal, f"{statuses.total()} records so far are in {sink.partial}")
            raise
        if not statuses:
            raise ConfigurationError("no call found in the inputs")
        if rows and (table or len(rows) <= _TABLE_ROWS):
            _print_table(terminal, rows)
        if not quiet:
            _say(terminal, _closing(statuses, time.monotonic() - started, output))
        if statuses["error"]:
            if quiet:
                _say(terminal, f"{statuses['error']} of {statuses.total()} calls unreadable")
            raise typer.Exit(SOME_UNREADABLE)


@app.command()
def evaluate(
    gold: Annotated[
        list[Path], typer.Argument(metavar="GOLD", help="Labelled calls, also gzipped.")
    ],
    show_errors: Annotated[
        bool, typer.Option("--errors", help="List what is wrong, call by call (personal data!).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Scores as JSON.")] = False,
    page: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write an HTML page.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Also draw plots, as PNG files.")
    ] = None,
    cross_validate: Annotated[
        bool,
        typer.Option("--cross-validate", help="Train on four fifths, score on the rest, in turn."),
    ] = False,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", metavar="FILE", help="Score these records of `process`."),
    ] = None,
    data: DataOption = Path("data"),
    workers: WorkersOption = 1,
    config: ConfigOption = None,
    models: ModelsOption = None,
) -> None:
    """Score records against labelled calls.

    Every score comes with its 95 % bootstrap interval. Without --predictions or --cross-validate
    the models at hand are run over the calls. The shipped models have seen data/calls: only
    --cross-validate tells how they do on new calls.

    \b
    Examples:
      tradecall evaluate data/calls/dev.jsonl.gz --cross-validate
      tradecall evaluate gold.jsonl --predictions jobs.jsonl --errors
      tradecall evaluate gold.jsonl --json > scores.json
      tradecall evaluate gold.jsonl --predictions jobs.jsonl --plots plots
    """
    terminal = _terminal()
    if cross_validate and predictions is not None:
        raise typer.BadParameter("--cross-validate and --predictions exclude each other")
    with _exit_codes(terminal):
        from tradecall import evaluation
        from tradecall.dataset import load_gold
        from tradecall.plots import need_matplotlib, save_plots

        if plots is not None:
            # Told before minutes are spent on what could then not be drawn.
            need_matplotlib()
        calls = load_gold(*gold)
        records: Iterable[Mapping[str, Any]]
        if predictions is not None:
            source = f"records of {predictions.name}"
            records = evaluation.read_records(predictions)
        elif cross_validate:
            from tradecall.training import cross_validate as run

            source = "cross-validated by call"
            records = run(calls, data=data, workers=workers)
        else:
            source = "models at hand, which may have seen these calls"
            pipeline = _load_pipeline(config, {"models": models})
            records = _records(pipeline, (call.transcript for call in calls), workers)
        examples = evaluation.pair(calls, records)
        report = evaluation.evaluate(examples, source=source)
        mistakes = list(evaluation.errors(examples)) if show_errors else []
        if page is not None:
            page.write_text(evaluation.report_html(report, mistakes), encoding="utf-8")
        if plots is not None:
            files = save_plots(examples, plots)
            _say(terminal, f"{len(files)} plots are in {plots}")
        if as_json:
            document = report.to_dict()
            if show_errors:
                document["errors"] = [asdict(call) for call in mistakes]
            typer.echo(json.dumps(document, indent=1))
            return
        typer.echo(_plain_lines(evaluation.format_report(report)))
        if mistakes:
            typer.echo("\n" + _plain_lines(evaluation.format_errors(mistakes)))


@app.command()
def train(
    data: DataOption = Path("data"),
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the model folders go.")
    ] = Path("models"),
    workers: WorkersOption = 2,
) -> None:
    """Make the model folders from labelled data. The same data gives the same scores.

    \b
    Example:
      tradecall train --data data --out models
    """
    terminal = _terminal()
    with _exit_codes(terminal):
        from tradecall import evaluation
        from tradecall.training import train as run

        report = run(data, out, workers=workers, say=lambda line: _say(terminal, line))
        typer.echo(evaluation.format_report(report))


@app.command()
def bench(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="As for `process`.")],
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Times over the inputs.")] = 1,
    format: FormatOption = None,
    config: ConfigOption = None,
    models: ModelsOption = None,
) -> None:
    """Measure speed, in one process and without reading.

    \b
    Example:
      tradecall bench data/calls/dev.jsonl.gz --repeat 3
    """
    terminal = _terminal()
    with _exit_codes(terminal):
        import numpy as np

        from tradecall.formats import load_transcripts
        from tradecall.transcript import Transcript

        started = time.perf_counter()
        pipeline = _load_pipeline(config, {"models": models})
        load_s = time.perf_counter() - started
        calls = [
            call for call in load_transcripts(inputs, format=format) if isinstance(call, Transcript)
        ]
        if not calls:
            raise ConfigurationError("no readable call in the inputs")
        pipeline.process(calls[0])
        took = []
        for _ in range(repeat):
            for call in calls:
                started = time.perf_counter()
                pipeline.process(call).to_record()
                took.append(time.perf_counter() - started)
        words = sum(len(call.text.split()) for call in calls) / len(calls)
        p50, p95, p99 = (float(1000 * value) for value in np.percentile(took, [50, 95, 99]))
        typer.echo(
            f"{len(calls)} calls of {words:.0f} words on average, {repeat} times\n"
            f"loading    {load_s:.2f} s\n"
            f"calls/s    {len(took) / sum(took):.0f}\n"
            f"ms a call  p50 {p50:.1f}  p95 {p95:.1f}  p99 {p99:.1f}  max {1000 * max(took):.1f}"
        )


def _load_pipeline(config: Path | None, overrides: Mapping[str, Any]) -> Pipeline:
    from tradecall.pipeline import Pipeline
    from tradecall.settings import load_settings

    given = {name: value for name, value in overrides.items() if value is not None}
    settings = load_settings(config).model_copy(update=given)
    return Pipeline.load(settings.models, settings=settings)


def _records(
    pipeline: Pipeline, calls: Iterable[Transcript | UnreadCall], workers: int
) -> Iterator[dict[str, Any]]:
    """Yield a record for each call in order, the unreadable ones in their places."""
    from tradecall.transcript import Transcript

    # The pipeline may read ahead of what it gives back: None stands for a call it has taken.
    waiting: deque[dict[str, Any] | None] = deque()

    def readable() -> Iterator[Transcript]:
        for call in calls:
            if isinstance(call, Transcript):
                waiting.append(None)
                yield call
            else:
                error = str(call.error)
                waiting.append({"call_id": call.call_id, "status": "error", "error": error})

    for result in pipeline.process_many(readable(), workers=workers):
        while (unread := waiting.popleft()) is not None:
            yield unread
        yield result.to_record()
    for unread in waiting:
        if unread is not None:
            yield unread


class _Sink:
    """Where records go. A file appears under its name only when it is whole.

    Attributes:
        partial: Where the records lie until then; None for standard output, pipes and devices.
    """

    def __init__(self, output: Path | None) -> None:
        self.partial: Path | None = None
        self._target: Path | None = None
        self._file: IO[bytes]
        self._output = output

    def __enter__(self) -> _Sink:
        if self._output is None:
            self._file = sys.stdout.buffer
            return self
        target = self._output.resolve()
        # To rename onto a device would put a plain file in its place.
        if target.exists() and not target.is_file():
            self._file = target.open("wb")
        else:
            self._target = target
            self.partial = target.with_name(target.name + ".partial")
            self._file = self.partial.open("wb")
        return self

    def write(self, record: Mapping[str, Any]) -> None:
        """Write one line, at once: whoever reads along sees it, and an interrupt loses nothing."""
        line = json.dumps(record, ensure_ascii=False)
        # Control characters of a call would otherwise reach a terminal, lone surrogates no file.
        if not line.isprintable():
            line = json.dumps(record)
        self._file.write(line.encode() + b"\n")
        self._file.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._output is not None:
            self._file.close()
        if kind is None and self.partial is not None and self._target is not None:
            os.replace(self.partial, self._target)


class _Progress:
    """How many calls are done: a live line on a terminal, now and then a plain line elsewhere.

    Drawn from ``advance`` and not from a thread, which worker processes would inherit half.
    """

    def __init__(self, terminal: Console, *, shown: bool) -> None:
        self._terminal = terminal
        self._shown = shown
        self._live = shown and terminal.is_terminal
        self._done = 0
        self._started = self._told = time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def advance(self) -> None:
        """Count one call."""
        self._done += 1
        now = time.monotonic()
        every = 0.1 if self._live else _PROGRESS_EVERY_S
        if self._shown and now - self._told >= every:
            self._told = now
            rate = self._done / (now - self._started)
            line = f"{self._done} calls, {rate:.0f} a second"
            self._terminal.print(line, end="\r" if self._live else "\n", highlight=False)

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._terminal.print(" " * 40, end="\r")


@contextmanager
def _exit_codes(terminal: Console) -> Iterator[None]:
    """End with the exit code and one line that say what happened."""
    try:
        yield
    except TradecallError as error:
        _say(terminal, f"error: {error}")
        raise typer.Exit(USAGE) from error
    except KeyboardInterrupt:
        _say(terminal, "interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # The interpreter flushes stdout once more at its end, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(READER_GONE) from None
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _say(terminal, f"error: {place}{error.strerror or type(error).__name__}")
        raise typer.Exit(USAGE) from error


def _terminal() -> Console:
    from rich.console import Console

    terminal = Console(stderr=True, markup=False, highlight=False)
    if not terminal.is_terminal and "COLUMNS" not in os.environ:
        terminal.width = _PLAIN_WIDTH
    return terminal


def _say(terminal: Console, line: str) -> None:
    terminal.print(_plain(line), soft_wrap=True)


def _keep_apart(output: Path, inputs: Sequence[str]) -> None:
    """Refuse an output that is an input, or that the next run would take for one."""
    target = output.resolve()
    for given in inputs:
        if given == "-":
            continue
        path = Path(given)
        among = path.is_dir() and target.is_relative_to(path.resolve())
        if among or any(Path(one).resolve() == target for one in (given, *glob.iglob(given))):
            raise ConfigurationError(f"the output {output} lies among the inputs; put it elsewhere")


def _closing(statuses: Counter[str], seconds: float, output: Path | None) -> str:
    parts = [
        f"{statuses[status]} {title}"
        for status, title in (
            ("ready", "ready"),
            ("review", "for review"),
            ("no_job", "no job"),
            ("error", "unreadable"),
        )
        if statuses[status]
    ]
    where = "" if output is None else f" → {output}"
    return f"{statuses.total()} calls in {seconds:.1f} s: {', '.join(parts)}{where}"


def _print_table(terminal: Console, records: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    styles = {"ready": "green", "review": "yellow", "no_job": "dim", "error": "red"}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("call", "status", "name", "phone", "ZIP", "sector"):
        table.add_column(title, no_wrap=title != "call")
    table.add_column("confidence", justify="right")
    table.add_column("missing, or why")
    for record in records:
        cells = [Text(_plain(cell)) for cell in _row(record)]
        cells[1].stylize(styles.get(record["status"], ""))
        table.add_row(*cells)
    terminal.print(table)


def _row(record: Mapping[str, Any]) -> list[str]:
    fields = record.get("fields") or {}
    sector = record.get("sector") or {}

    def value(name: str) -> str:
        return str((fields.get(name) or {}).get("value") or "")

    missing = ", ".join(record.get("missing") or record.get("reasons") or ())
    if "phone" in (record.get("suggestions") or {}):
        missing += " (caller id at hand)"
    return [
        str(record["call_id"]),
        str(record["status"]),
        f"{value('first_name')} {value('last_name')}".strip(),
        value("phone"),
        value("zip_code"),
        str(sector.get("label") or ""),
        f"{record['confidence']:.2f}" if record["status"] in ("ready", "review") else "",
        str(record.get("error") or missing),
    ]


def _plain(text: str) -> str:
    """Give ``text`` without characters that would move a cursor or change a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def _plain_lines(text: str) -> str:
    return "\n".join(map(_plain, text.split("\n")))
