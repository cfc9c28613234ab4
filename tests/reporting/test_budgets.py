"""Equal budgets: pooling over seeds and splits by hand, tables that show what was missed, figures with every arm."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from frontier.analysis.aggregate import prepare
from frontier.analysis.budgets import by_budget, parts_of, pooled
from frontier.reporting.charts.budget_figure import PANELS, budget_figure
from frontier.reporting.charts.style import label_styles
from frontier.reporting.facts import ProblemFacts, problem_facts
from frontier.reporting.markdown import markdown, table_markdown
from frontier.reporting.prepared import Prepared
from frontier.reporting.report import write_report
from frontier.reporting.sections.equal_budgets import budget_table, sampling_sentence
from frontier.results.designs import design_of, has_matched_budgets
from tests.reporting import made

FOLDS = ("rotation_1of3", "rotation_2of3", "rotation_3of3")
MANIFEST: dict[str, Any] = {
    "experiment": "budgets",
    "problems": {"cps": {"name": "cps", "n_records": 9600, "n_targets": 400}},
    "splits": {
        "cps": {
            "default": {"n_train": 300, "initial_heldout_mare": 0.25, "median_leakage": 0.36},
            **{
                fold: {"n_train": 280, "initial_heldout_mare": 0.3, "median_leakage": 0.1 * i}
                for i, fold in enumerate(FOLDS)
            },
        }
    },
}


def cell(label: str = "random", budget: int | None = 500, seed: int | None = 0, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"problem": "cps", "split": "default", "method": label, "label": label, "refit": "none"}
    row |= {"lam": None, "budget": budget, "seed": seed, "status": "completed", "message": "", "certified": None}
    row |= {"n_active": budget, "budget_reached": None if budget is None else True, "ess": 50.0, "train_mare": 0.05}
    row |= {"heldout_mare": 0.2, "heldout_median_are": 0.15, "heldout_capped_mare": 0.19}
    return row | {"fit_seconds": 0.25, "refit_seconds": None, "timing": "clean"} | changes


def table_rows(text: str, label: str) -> list[list[str]]:
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if f"| {label} |" in line]
    return [[value.strip() for value in row] for row in rows]


def experiment() -> list[dict[str, Any]]:
    """Two methods at two budgets, one of which the second cannot reach; seeds, arms, a split and a rotation."""
    generator = np.random.default_rng(0)
    cells = []
    for split in ("default", *FOLDS):
        for arm in ("none", "fitted"):
            spent = {"refit": arm, "split": split, "refit_seconds": 0.01 if arm == "fitted" else None}
            for budget in (50, 500):
                cells += [
                    cell(budget=budget, seed=s, heldout_mare=generator.uniform(0.2, 0.3), **spent) for s in range(3)
                ]
                missed = {} if budget == 50 else {"n_active": 62, "budget_reached": False, "status": "unreached"}
                cells.append(cell("lasso", budget, None, message="asked for", **spent, **missed))
        cells.append(cell("greg", None, None, split=split, n_active=9600))
    return cells


def test_folds_of_a_rotation_are_one_design_and_other_splits_their_own() -> None:
    assert [design_of(name) for name in ("default", *FOLDS[:2], "fold_2of10", "without_a+b")] == [
        "default", "rotation", "rotation", "fold", "without_a+b"
    ]  # fmt: skip


def test_a_mean_is_over_splits_of_means_over_seeds_and_its_error_adds_both_spreads() -> None:
    values = np.array([[0.10, 0.14, 0.12], [0.30, 0.38, 0.31]])  # splits × seeds
    cells = [{"split": f"s{i}", "seed": j, "e": values[i, j]} for i in range(2) for j in range(3)]
    mean, se = pooled(pd.DataFrame(cells), ["e"])["e"]
    assert mean == pytest.approx(values.mean(), rel=1e-12)  # the same sum in another order
    expected = values.mean(axis=1).var(ddof=1) / 2 + values.mean(axis=0).var(ddof=1) / 3
    assert se == pytest.approx(np.sqrt(expected), rel=1e-12)
    [single] = pooled(pd.DataFrame(cells[:3]), ["e"]).values()
    assert single[1] == pytest.approx(values[0].std(ddof=1) / np.sqrt(3), rel=1e-12)  # the usual one, over seeds
    deterministic = pd.DataFrame([{"split": f"s{i}", "seed": np.nan, "e": 0.1 * i} for i in range(4)])
    assert pooled(deterministic, ["e"])["e"][1] == pytest.approx(np.std([0, 0.1, 0.2, 0.3], ddof=1) / 2, rel=1e-12)
    assert np.isnan(pooled(deterministic[:1], ["e"])["e"][1])


def test_the_error_covers_the_mean_as_often_as_it_should() -> None:
    """Crossed effects of splits and seeds: the squared error is at least, and not far above, the variance of means."""
    generator = np.random.default_rng(1)
    means, squares = [], []
    for _ in range(4000):
        effects = (
            generator.normal(size=(4, 1)) + 0.5 * generator.normal(size=(1, 5)) + 0.7 * generator.normal(size=(4, 5))
        )
        cells = {"split": np.repeat(range(4), 5), "seed": np.tile(range(5), 4), "e": effects.ravel()}
        mean, se = pooled(cells, ["e"])["e"]
        means.append(mean)
        squares.append(se**2)
    ratio = np.mean(squares) / np.var(means)
    assert 0.95 < ratio < 1.25  # one residual term too much, (0.49/20)/(1/4 + 0.25/5 + 0.49/20) = 8%; 4,000 draws


def test_cells_without_weights_are_counted_and_never_averaged() -> None:
    failed = dict.fromkeys(("n_active", "ess", "train_mare", "heldout_mare", "heldout_median_are"))
    cells = [cell(seed=0), cell(seed=1, heldout_mare=0.4), cell(seed=2, status="error", **failed)]
    [row] = by_budget(prepare(pd.DataFrame(cells))).to_dict("records")
    assert (row["n_cells"], row["n_with_weights"]) == (3, 2)
    assert row["heldout_mare_mean"] == pytest.approx(0.3, rel=1e-12)


def test_every_budget_has_a_row_per_method_with_its_arms_side_by_side() -> None:
    ready = prepare(pd.DataFrame(experiment()))
    text = table_markdown(budget_table(by_budget(ready[ready["split"] == "default"])))
    header = [name.strip() for name in text.splitlines()[0].strip("| ").split(" | ")]
    assert header[:5] == ["budget", "method", "records", "training error", "refit"]
    assert header.count("refit") == 5
    assert header[-2:] == ["seconds", "refit, seconds"]
    assert [row[0] for row in table_rows(text, "random")] == ["50", "500"]
    assert [row[2] for row in table_rows(text, "lasso")] == ["50", "62 (not reached)"]
    assert table_rows(text, "greg")[0][:5] == ["–", "greg", "9,600", "5.00%", "–"]  # dense: nothing to refit
    assert len(text.splitlines()) > 2
    for line in text.splitlines():
        assert line.count(" | ") == len(header) - 1


def test_a_budget_missed_by_some_seeds_says_by_how_many() -> None:
    cells = [cell(seed=s, budget_reached=s > 0, n_active=500 - 100 * (s == 0)) for s in range(4)]
    assert table_rows(table_markdown(budget_table(by_budget(prepare(pd.DataFrame(cells))))), "random")[0][2] == (
        "475 (not reached in 1 of 4)"
    )


def test_refits_of_some_fits_only_are_not_set_beside_all_of_them() -> None:
    cells = [cell(seed=0, n_active=5), cell(seed=1, n_active=0), cell(seed=0, n_active=5, refit="fitted")]
    row = table_rows(table_markdown(budget_table(by_budget(prepare(pd.DataFrame(cells))))), "random")[0]
    assert row[3:5] == ["5.00% ± 0%", "–"]


def test_only_budgets_that_methods_share_are_told_and_folds_only_then_lose_their_own_sections() -> None:
    shared = prepare(pd.DataFrame(experiment()))
    assert has_matched_budgets(shared)
    assert set(parts_of(shared)) == {("cps", "default"), ("cps", "rotation")}
    cells = pd.DataFrame([cell(split=split) for split in FOLDS] + [cell("top", 60, split=FOLDS[0])])
    own = prepare(cells)
    assert not has_matched_budgets(own)
    assert set(parts_of(own)) == {("cps", fold) for fold in FOLDS}
    assert "Equal budgets" not in markdown(made.whole(Prepared(cells, {})), {})


def test_the_report_has_a_section_per_design_and_says_how_to_read_it(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a layout that does not fit
        paths = write_report(pd.DataFrame(experiment()), MANIFEST, tmp_path)
    names = {path.name for path in paths}
    assert {"cps__default__budgets.png", "cps__rotation__budgets.png", "cps__default__costs.png"} <= names
    assert not any("__heldout" in name or "__train" in name for name in names)  # those stand at equal budgets
    text = paths[0].read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)", text, flags=re.MULTILINE)
    assert headings[:4] == [
        "What it costs",
        "Equal budgets: cps: 9,600 records × 300 training targets",
        "Equal budgets: cps: 9,600 records, rotation of 3 folds",
        "cps: 9,600 records × 300 training targets",
    ]
    assert "settle 36% of the held-out ones" in text
    assert "settle 0% to 20% of the held-out ones" in text
    assert "SE² = s²(means of the splits)/S" in text
    assert text.count("__budgets.png") == 2
    stale = tmp_path / "old__budgets.png"
    stale.write_text("mine")
    write_report(pd.DataFrame(experiment()), MANIFEST, tmp_path)
    assert not stale.exists()
    table = pd.read_csv(tmp_path / "budgets.csv")
    assert set(table["design"]) == {"default", "rotation"}
    assert len(table) == 2 * (2 * 2 * 2 + 1)  # designs × (methods × budgets × arms + the dense one)
    write_report(pd.DataFrame([cell()]), MANIFEST, tmp_path)
    assert not (tmp_path / "budgets.csv").exists()


def test_failures_name_a_missed_budget_once_not_again_for_its_refit() -> None:
    text = markdown(made.whole(Prepared(pd.DataFrame(experiment()), MANIFEST)), {})
    failures = text.split("## Failures", 1)[1].split("## ", 1)[0]
    assert failures.count("unreached") == 4  # one per split
    assert "refit" not in failures


FACTS = [
    ProblemFacts(100, 20, 15, 0.1, rank=60, dense_mare=0.01, initial_heldout=0.3),
    ProblemFacts(100, 20, 15, None, rank=70, dense_mare=0.03, initial_heldout=0.3),
]


def test_the_figure_has_a_panel_per_quantity_and_arm_and_shows_missed_budgets_hollow() -> None:
    ready = prepare(pd.DataFrame(experiment()))
    part = parts_of(ready)[("cps", "rotation")]
    figure = budget_figure(part, label_styles(part["label"]), "title", FACTS)
    assert figure is not None
    assert len(figure.axes) == 2 * len(PANELS)
    assert [ax.get_title(loc="left") for ax in figure.axes[:2]] == ["as fitted", "refit"]
    hollow = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_xdata()) for line in hollow] == [[62.0]]  # where its records are, not where they were wanted
    filled = [list(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() not in ("None", "")]
    assert [50.0, 500.0] in filled
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any("budget not reached" in text for text in texts)
    assert any("initial weights 30.0%" in text for text in texts)
    assert any("dense least squares fit 2.00%" in text for text in texts)  # the mean of the folds
    assert any("k = rank(A) = 60 to 70, by fold" in text for text in texts)
    assert not any("floor" in text for text in texts)  # one fold does not know it
    lines = [list(line.get_ydata()) for line in figure.axes[0].lines if line.get_marker() in ("None", "")]
    assert [0.02, 0.02] in lines
    assert budget_figure(part[part["budget"].isna()], label_styles(part["label"]), "title", []) is None


def test_the_unit_of_sampling_error_is_said_where_the_manifest_has_it() -> None:
    known = {"n_train": 300, "sampling": {"train": 0.02, "heldout": 0.07, "truth": 0.15}}
    facts = problem_facts({"splits": {"cps": {"default": known}}}, "cps", "default")
    assert "miss 7.00% of held-out totals and 15.0% of hidden statistics on average" in sampling_sentence([facts])
    assert sampling_sentence([problem_facts(MANIFEST, "cps", "default")]) == ""
