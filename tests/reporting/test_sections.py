"""The sections of a report: made from results, the same for the same results, and absent where nothing compares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import frontier
from frontier.commands.command_line import draw_report
from frontier.reporting.document import Block, Data, Picture, lines_of, walk
from frontier.reporting.markdown import blocks_markdown
from frontier.reporting.prepared import Prepared
from frontier.reporting.sections import statistics, who_wins
from frontier.results.run import load_run, load_targets

TWO_CAMPS = """\
budgets: [20, 100, 400]
refit: [none, fitted]
problems: [{name: cps_ohio}]
splits: [{design: default}, {design: rotation, k: 3}]
methods:
  - {name: hard_concrete, label: L0, epochs: 100, seeds: [0, 1]}
  - {name: anchored_l1}
  - {name: random_reweight, epochs: 100, seeds: [0, 1]}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    (folder / "camps.yaml").write_text(TWO_CAMPS)
    frontier.run_experiment(folder / "camps.yaml", out=folder / "results")
    return folder / "results"


def loaded(run: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    read = load_run(run)
    return read.cells, load_targets(run), read.manifest


def blocks_of(cells: pd.DataFrame, targets: pd.DataFrame | None, manifest: dict[str, Any]) -> list[Block]:
    run = Prepared(cells, manifest, targets)
    return list(walk([*statistics.blocks(run), *who_wins.blocks(run)]))


def captions(blocks: list[Block]) -> list[str]:
    return [block.caption for block in blocks if isinstance(block, Picture)]


def frames(blocks: list[Block]) -> dict[str, pd.DataFrame]:
    return {block.title: block.frame for block in blocks if isinstance(block, Data)}


def test_a_report_has_statistics_and_verdicts_for_every_problem_and_design(run: Path) -> None:
    blocks = blocks_of(*loaded(run))
    frame = frames(blocks)["Frontier statistics"]
    assert set(frame["design"]) == {"default", "rotation"}
    assert set(frame["label"]) == {"L0", "anchored_l1", "random_reweight"}
    pairs = frames(blocks)["Pairwise verdicts"]
    assert len(pairs)
    assert set(pairs["verdict"]) <= {"A better", "B better", "equivalent", "undecided"}
    told = "\n".join(lines_of(blocks))
    assert "BCa" in told
    assert "Holm" in told
    assert any(caption.startswith("L0 against every other method") for caption in captions(blocks))


def test_sections_are_the_same_for_the_same_results(run: Path) -> None:
    first, second = (blocks_of(*loaded(run)) for _ in range(2))
    assert len(frames(first)) == 2
    assert blocks_markdown(first, {}) == blocks_markdown(second, {})
    for title, frame in frames(first).items():
        pd.testing.assert_frame_equal(frame, frames(second)[title], check_exact=True)


def test_without_estimates_held_out_targets_or_a_rival_there_is_nothing_to_say(run: Path) -> None:
    cells, targets, manifest = loaded(run)
    assert blocks_of(cells, None, manifest) == []
    assert blocks_of(cells, targets.assign(heldout=False), manifest) == []
    assert blocks_of(cells[cells["label"] == "L0"], targets, manifest) == []


def test_a_run_with_one_camp_has_no_figure_of_two(run: Path) -> None:
    cells, targets, manifest = loaded(run)
    without = cells[cells["label"] != "anchored_l1"]
    found = captions(blocks_of(without, targets[targets["cell"].isin(without["cell"])], manifest))
    assert found
    assert not any("against" in caption or "Attainment of" in caption for caption in found)


def test_the_report_links_the_figures_and_tables_of_the_statistics(run: Path, tmp_path: Path) -> None:
    written = {path.name for path in draw_report([run], tmp_path / "report")}
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    for name in ("statistics__frontier-statistics.csv", "statistics__pairwise-verdicts.tex"):
        assert name in written
    assert "cps_ohio__default__verdicts.png" in text
    assert "## Who wins where" in text
