"""Measure on other people's data: spoken → written pairs, and names said and spelled by phone.

    python benchmarks/external.py --itn PAIRS.jsonl --names CALLS.jsonl [--models models]

Both files are read where they lie; nothing of them becomes part of the project.

PAIRS: ``{"kind": "phone" | "email", "spoken", "written"}`` a line. A pair is right when
``to_written_form`` gives the whole written line: digits, plus and words of it for phones, without
regard to case for addresses.

CALLS: own-format calls, ``gold`` with ``first_name``, ``last_name`` and, for each,
``top1_has_first`` and ``top1_has_last``: whether the name stands in the text at all. A name is
right when the pipeline fills its field with it; case does not count.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tradecall import Pipeline
from tradecall.analysis import wilson
from tradecall.candidates.candidate import JobField
from tradecall.spoken_forms import to_written_form

_NEITHER_DIGIT_NOR_WORD = re.compile(r"[^0-9a-z+]")
_NAMES = ((JobField.FIRST_NAME, "top1_has_first"), (JobField.LAST_NAME, "top1_has_last"))


def measure_written_forms(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield each pair's kind, and whether it comes out right."""
    for pair in _records(path):
        got, wanted = to_written_form(pair["spoken"]).text.lower(), pair["written"].lower()
        if pair["kind"] == "phone":
            got, wanted = (_NEITHER_DIGIT_NOR_WORD.sub("", text) for text in (got, wanted))
        yield pair["kind"], got == wanted


def measure_names(path: Path, pipeline: Pipeline) -> Iterator[tuple[str, bool]]:
    """Yield each name that stands in a call's text: its field, and whether that field is right."""
    for record in _records(path):
        gold = record["gold"]
        result = pipeline.process({key: record[key] for key in ("call_id", "metadata", "turns")})
        for field, is_there in _NAMES:
            if gold[is_there]:
                value = result.decisions[field].value or ""
                yield field.value, value.lower() == gold[field.value].lower()


def main() -> None:
    """Print one line a figure: its name, the share that is right, n, Wilson's 95 % interval."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--itn", type=Path, metavar="PAIRS", help="spoken → written pairs")
    parser.add_argument("--names", type=Path, metavar="CALLS", help="calls with spelled names")
    parser.add_argument("--models", type=Path, help="model folders, the shipped ones by default")
    options = parser.parse_args()
    if options.itn:
        _print("written form", list(measure_written_forms(options.itn)))
    if options.names:
        _print("name", list(measure_names(options.names, Pipeline.load(options.models))))


def _print(title: str, outcomes: list[tuple[str, bool]]) -> None:
    seen = Counter(kind for kind, _ in outcomes)
    right = Counter(kind for kind, good in outcomes if good)
    rows = [(kind, right[kind], seen[kind]) for kind in sorted(seen)]
    if len(rows) > 1:
        rows.append(("all", right.total(), seen.total()))
    for kind, hits, n in rows:
        score = wilson(hits, n)
        print(
            f"{title:13} {kind:11} {hits / n:6.1%}  {hits}/{n}  [{score.low:.1%}, {score.high:.1%}]"
        )


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


if __name__ == "__main__":
    main()
