from __future__ import annotations

import builtins
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tradecall import cli, plots
from tradecall.analysis import Confusions, RiskCoverage, SectorScore, wilson
from tradecall.dataset import load_gold
from tradecall.errors import ConfigurationError
from tradecall.evaluation import Calibration, Example, ReliabilityBin, Score, pair, read_records
from tradecall.pipeline import Pipeline

DATA = Path(__file__).parent / "data"
GOLD, RECORDS = DATA / "gold_small.jsonl", DATA / "predictions_small.jsonl"
FILES = ["confusion_matrix", "fields", "reliability", "risk_coverage", "sectors"]
CALL = {
    "call_id": "fence",
    "turns": [
        {"speaker": "agent", "text": "gate five fence this is bo and your zip"},
        {"speaker": "caller", "text": "nine four six oh seven & the wind broke our fence"},
    ],
}


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return pair(load_gold(GOLD), read_records(RECORDS))


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)


def labels(figure: Any, axis: str = "y") -> Sequence[str]:
    (axes,) = figure.axes
    return [tick.get_text() for tick in getattr(axes, f"get_{axis}ticklabels")()]


def test_save_plots_writes_a_picture_of_each_kind(examples: list[Example], tmp_path: Path) -> None:
    files = plots.save_plots(examples, tmp_path / "new")
    assert sorted(path.stem for path in files) == FILES
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in files)


def test_save_plots_writes_svg_without_a_date(examples: list[Example], tmp_path: Path) -> None:
    files = plots.save_plots(examples, tmp_path, kind="svg")
    assert all("<svg" in path.read_text() for path in files)
    assert not any("dc:date" in path.read_text() for path in files)


def test_save_plots_takes_no_example_at_all(tmp_path: Path) -> None:
    assert len(plots.save_plots([], tmp_path)) == len(FILES)


@pytest.mark.usefixtures("no_matplotlib")
def test_save_plots_says_what_to_install(examples: list[Example], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"tradecall\[notebook\]"):
        plots.save_plots(examples, tmp_path)


def test_evaluate_writes_plots(tmp_path: Path) -> None:
    words = ["evaluate", str(GOLD), "--predictions", str(RECORDS), "--plots", str(tmp_path / "p")]
    result = CliRunner().invoke(cli.app, words)
    assert result.exit_code == 0
    assert sorted(path.stem for path in (tmp_path / "p").iterdir()) == FILES


@pytest.mark.usefixtures("no_matplotlib")
def test_evaluate_says_at_once_that_matplotlib_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["evaluate", "none.jsonl", "--plots", str(tmp_path)])
    assert result.exit_code == cli.USAGE
    assert "tradecall[notebook]" in result.stderr


def test_reliability_diagram_leaves_out_what_was_never_given() -> None:
    one = Calibration(4, 0.05, (ReliabilityBin(0.9, 1.0, 4, 0.95, 1.0),))
    figure = plots.reliability_diagram({"phone": one, "email": Calibration(0, None, ())})
    assert [axes.get_title().partition("\n")[0] for axes in figure.axes] == ["phone"]


def test_risk_coverage_curve_names_the_share_at_the_wanted_risk() -> None:
    curve = RiskCoverage((0.5, 1.0), (0.0, 0.1), (0.9, 0.4), 10, 0.05)
    figure = plots.risk_coverage_curve({"whole_job": curve})
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["whole job (50% at 2%)"]


def test_confusion_matrix_writes_the_count_into_each_cell_that_has_one() -> None:
    figure = plots.confusion_matrix(Confusions(("a", "b"), ((3, 1), (0, 2)), {}))
    assert [text.get_text() for text in figure.axes[0].texts] == ["3", "1", "2"]


def test_grouped_scores_leaves_out_rows_without_a_case() -> None:
    figure = plots.grouped_scores({"some": {"x": wilson(3, 4)}, "none": {"x": wilson(0, 0)}})
    assert labels(figure) == ["some  (n=4)"]


def test_sector_bars_show_the_one_share_that_is_known() -> None:
    never_told = SectorScore("pool_spa", wilson(0, 0), wilson(0, 3))
    assert labels(plots.sector_bars([never_told])) == ["pool spa  (n=3)"]


def test_learning_curve_draws_a_line_for_each_name() -> None:
    points = [(10, wilson(5, 10)), (40, wilson(8, 10)), (80, Score(None, None, None, 0))]
    figure = plots.learning_curve({"sector": points})
    (line,) = figure.axes[0].lines
    assert list(line.get_xdata()) == [10, 40]


def test_evidence_page_marks_the_words_and_escapes_the_rest() -> None:
    page = plots.evidence_page(Pipeline.load().process(CALL))
    marks = re.findall(r"<mark[^>]*>\s*(.*?)\s*<span[^>]*>(.*?)</span>", page, re.DOTALL)
    assert ("nine four six oh seven", "zip code") in marks
    assert ("&amp; the wind broke our fence", "sector") in marks
