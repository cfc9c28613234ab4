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
from frontier.reporting.sections import contrasts, headline, how_sure, robustness, statistics
from frontier.reporting.sections.costs import size_table
from frontier.results.compact import compact_run
from frontier.results.run import load_run, load_targets

TWO_CAMPS = """\
budgets: [20, 100, 400]
refit: [none, fitted]
problems: [{name: cps_ohio}]
splits: [{design: default}, {design: rotation, k: 5}]
contrasts: [{a: L0, b: anchored_l1}, {a: L0, b: random_reweight, refit: fitted}]
methods:
  - {name: hard_concrete, label: L0, epochs: 100, seeds: [0, 1]}
  - {name: anchored_l1}
  - {name: random_reweight, epochs: 100, seeds: [0, 1]}
  - {name: initial_weights}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    (folder / "camps.yaml").write_text(TWO_CAMPS)
    frontier.run_experiment(folder / "camps.yaml", out=folder / "results")
    return folder / "results"


@pytest.fixture(scope="module")
def report(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    draw_report([run], folder)
    return folder


def loaded(run: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    read = load_run(run)
    return read.cells, load_targets(run), read.manifest


def blocks_of(cells: pd.DataFrame, targets: pd.DataFrame | None, manifest: dict[str, Any]) -> list[Block]:
    run = Prepared(cells, manifest, targets)
    return list(walk([*headline.blocks(run), *how_sure.blocks(run), *contrasts.blocks(run), *statistics.blocks(run)]))


def captions(blocks: list[Block]) -> list[str]:
    return [block.caption for block in blocks if isinstance(block, Picture)]


def frames(blocks: list[Block]) -> dict[str, pd.DataFrame]:
    return {block.title: block.frame for block in blocks if isinstance(block, Data)}


def test_a_report_has_statistics_and_verdicts_for_every_problem_and_design(run: Path) -> None:
    blocks = blocks_of(*loaded(run))
    frame = frames(blocks)["Frontier statistics"]
    assert set(frame["design"]) == {"default", "rotation"}
    assert set(frame["label"]) == {"L0", "anchored_l1", "random_reweight", "initial_weights"}
    found = frames(blocks)["Contrasts"]
    declared = [("L0", "none", "anchored_l1", "none"), ("L0", "fitted", "random_reweight", "fitted")]
    assert list(found[["a", "refit_a", "b", "refit_b"]].itertuples(index=False, name=None)) == 2 * declared
    assert found["skill_a"].notna().all()
    told = "\n".join(lines_of(blocks))
    assert "BCa" in told
    assert "Holm" in told
    assert sum(caption.startswith("Held-out errors family by family") for caption in captions(blocks)) == 2


def test_the_first_page_is_one_argument_from_the_question_to_what_it_cannot_say(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0] == "# L0 or anchored_l1: which errs less on totals it was not fitted to?"
    assert lines[2].startswith("*cps_ohio: 5,177 records, rotation of 5 folds.* **")  # most folds first
    assert "points (95%: " in lines[2]
    assert "The initial weights of the whole file, fitted to nothing, err " in lines[2]
    assert [line[3:] for line in lines if line.startswith("## ")] == [
        "How sure", "What it costs", "Where it fails", "What this cannot say",
    ]  # fmt: skip
    row = next(line for line in lines if line.startswith("| initial_weights |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == "5,177"
    assert cells[4] == "0%"  # the control has no skill over itself
    assert "5 of 5 folds" in text
    assert "What tuning would change" in text
    assert len(lines) < 180  # two designs
    assert "[details](details.md)" in text
    assert (report / "details.md").read_text(encoding="utf-8").startswith("# camps: details\n")


def test_single_totals_and_families_are_told_with_the_error_of_the_initial_weights(report: Path) -> None:
    fails = (report / "report.md").read_text(encoding="utf-8").split("## Where it fails")[1].split("## What this")[0]
    tables = [line for line in fails.splitlines() if line.startswith(("| family |", "| total |"))]
    assert len(tables) == 4  # two designs
    assert all("| initial_weights | L0 | anchored_l1 | random_reweight |" in line for line in tables)
    assert all(line.count("%") == 4 for line in fails.splitlines() if line.startswith("| ") and "%" in line)


@pytest.mark.parametrize(
    ("verdict", "difference", "told"),
    [
        ("A better", -0.031, "A errs less than B on held-out totals, by 3.10 points (95%: +1.10 to +5.10)."),
        ("B better", 0.031, "B errs less than A on held-out totals, by 3.10 points (95%: +1.10 to +5.10)."),
        ("level", 0.001, "Level: A and B differ by less than 1 point on held-out totals (0.10 points (95%: −1.90"),
        ("undecided", -0.01, "which may be chance. A difference above 4 points would have been found."),
        ("depends on family", 0.031, "It depends on the family of totals: B errs less than A over all"),
        ("too few folds", 0.031, "Not judged, fewer than 5 folds: B errs less than A in these"),
        ("out of reach", 0.031, "Cannot be decided here, however large the difference"),
    ],
)
def test_the_sentence_of_every_verdict_names_the_better_one_and_its_interval(
    verdict: str, difference: float, told: str
) -> None:
    row = {"a": "A", "refit_a": "none", "b": "B", "refit_b": "none", "verdict": verdict, "difference": difference}
    row |= {"difference_low": difference - 0.02, "difference_high": difference + 0.02, "detectable": 0.04}
    said = headline.verdict(row | {"metrics_like": 8}, declared=5)
    assert told in said
    assert "among 5" not in said
    assert "metrics agree" not in said


def test_an_interval_without_zero_that_decides_nothing_is_said_to_be_one_of_several() -> None:
    row = {"a": "A", "refit_a": "none", "b": "B", "refit_b": "none", "verdict": "undecided", "difference": -0.09}
    row |= {"difference_low": -0.11, "difference_high": -0.07, "detectable": 0.14, "metrics_like": 8}
    assert "which may be chance among 5 comparisons." in headline.verdict(row, declared=5)


def test_a_row_over_fewer_folds_shows_no_error_beside_the_others(run: Path) -> None:
    cells, targets, manifest = loaded(run)
    lost = (cells["label"] == "random_reweight") & (cells["split"] == "rotation_1of5")
    cells.loc[lost, ["status", "n_active", "train_mare", "heldout_capped_mare"]] = ["error", pd.NA, pd.NA, pd.NA]
    found = size_table(Prepared(cells, manifest, targets), ("cps_ohio", "rotation"))
    assert found is not None
    rows = {row[0]: row for row in found[1].rows}
    assert rows["random_reweight"][2:5] == ["–", "–", "–"]
    assert str(rows["random_reweight"][-1]).startswith("4 of 5 folds")
    assert str(rows["L0"][3]).endswith("%")


def test_an_ordinary_run_tells_its_robustness_without_a_control_and_after_its_weights_are_dropped(
    run: Path, tmp_path: Path
) -> None:
    compact_run(run, tmp_path)
    cells, targets, manifest = loaded(tmp_path)
    told = blocks_markdown(
        robustness.blocks(Prepared(cells[cells["label"] != "initial_weights"], manifest, targets)), {}
    )
    lines = "\n".join(told).splitlines()
    header, row = (next(line for line in lines if line.startswith(f"| {name} |")) for name in ("method", "L0"))
    values = dict(zip(header.strip("| ").split(" | "), row.strip("| ").split(" | "), strict=True))
    assert values["worse in"].endswith(" of 5")
    for name in ("Φ over hold-outs", "Jaccard over hold-outs", "Jaccard over seeds"):
        assert 0 < float(values[name]) < 1
    assert [line[:29] for line in lines if " hold-outs of " in line] == ["5 hold-outs of 5 families, ar"]  # no default


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


def test_a_run_with_one_camp_that_declares_nothing_compares_its_first_method_with_every_other(run: Path) -> None:
    cells, targets, manifest = loaded(run)
    without = cells[cells["label"] != "anchored_l1"]
    kept = targets[targets["cell"].isin(without["cell"])]
    found = frames(blocks_of(without, kept, manifest | {"contrasts": []}))["Contrasts"]
    first, *others = dict.fromkeys(without["label"])
    assert set(found["a"]) == {first}
    assert set(found["b"]) <= set(others)
    assert set(found["refit_a"]) == set(found["refit_b"]) == {"none"}


@pytest.mark.parametrize("blind", ["L0", "anchored_l1"])
def test_an_arm_without_any_held_out_error_is_in_no_figure_of_a_comparison(run: Path, blind: str) -> None:
    cells, targets, manifest = loaded(run)
    without = cells.assign(heldout_capped_mare=cells["heldout_capped_mare"].where(cells["label"] != blind))
    pair = manifest["contrasts"][:1]
    assert blind in pair[0]
    found = captions(blocks_of(without, targets, manifest | {"contrasts": pair}))
    assert any("Attainment surfaces" in caption for caption in found)
    assert not any("Attainment of" in caption for caption in found)


def test_a_run_of_one_method_beside_the_initial_weights_has_nothing_to_compare(run: Path) -> None:
    cells, targets, manifest = loaded(run)
    alone = cells[cells["label"].isin(["L0", "initial_weights"])]
    kept = targets[targets["cell"].isin(alone["cell"])]
    blocks = blocks_of(alone, kept, manifest | {"contrasts": []})
    assert "Contrasts" not in frames(blocks)
    assert captions(blocks)
    assert not any("Attainment of" in caption or "family by family" in caption for caption in captions(blocks))


def test_the_report_links_the_figures_and_tables_of_the_statistics(report: Path) -> None:
    written = {path.name for path in report.iterdir()}
    text = (report / "report.md").read_text(encoding="utf-8")
    for name in ("statistics__frontier-statistics.csv", "statistics__contrasts.tex"):
        assert name in written
    assert "cps_ohio__default__forest.png" in text
    assert "cps_ohio__rotation__forest.png" in text


@pytest.mark.parametrize(
    ("verdicts", "agree", "said"),
    [
        (["A better"], [7], "The comparison has a winner; its sign changes with the metric."),
        (["level"], [8], "The comparison has no winner; its sign does not change with the metric."),
        (["depends on family"], [8], "The comparison depends on the family; its sign does not"),
        (["out of reach"], [8], "The comparison has no winner, and no difference could have given it one; its"),
        (["A better", "level"], [8, 8], "Of 2 comparisons 1 has a winner. No sign changes with the metric."),
        (["B better", "A better"], [7, 8], "Of 2 comparisons 2 have a winner. The sign of 1 changes with the metric."),
        (["out of reach", "level"], [8, 8], "Of 2 comparisons none has a winner, 1 could not have been decided by"),
    ],
)
def test_comparisons_are_summed_up_in_a_sentence(verdicts: list[str], agree: list[int], said: str) -> None:
    told = how_sure.tally(pd.DataFrame({"verdict": verdicts, "metrics_like": agree, "basis": "seeds"}))
    assert told.startswith(said)
    assert told.endswith(" Intervals are over seeds.")
