"""The page of the arena, on made-up replicates: every method at its best, controls beside them, one figure."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from frontier.analysis.arena import HIDDEN, SHOWN, contrasts, controls, means, replicates
from frontier.core.truth import COLUMNS
from frontier.reporting.markdown import table_markdown
from frontier.results.run import Run, load_run
from frontier.study.arena import at_their_best, summary, write_arena
from frontier.study.flagship import ARENA
from tests.analysis.test_arena import cells

ROOT = Path(__file__).resolve().parents[2]
ARMS = {"Coreset": (0.01, 0.4), "other": (0.05, 0.6), "Dense": (0.001, 0.3)}


def test_each_method_stands_at_its_best_arm() -> None:
    table = cells(ARMS)
    worse = table[table["label"] == "other"].assign(refit="fitted")
    worse[HIDDEN] += 0.1
    rows = replicates(pd.concat([table, worse]))
    found = contrasts(rows, ("Coreset", "none"), [("other", "none"), ("other", "fitted")])
    assert set(zip(found["label"], found["refit"], strict=True)) == {("other", "none"), ("other", "fitted")}
    best = at_their_best(found, means(rows))
    assert best[["label", "refit"]].to_numpy().tolist() == [["other", "none"]]


def test_the_page_has_the_verdicts_all_arms_and_the_controls(tmp_path: Path) -> None:
    control = {"initial weights": dict.fromkeys((*SHOWN, *COLUMNS), 0.25)}
    splits = {f"r{i}": {"default": {"controls": control}} for i in range(10)}
    manifest = {"description": "ten of them", "limitations": ["made up"], "splits": splits}
    report, *others = write_arena([Run(cells(ARMS), manifest, "made_up")], tmp_path)
    text = report.read_text()
    assert "| 1,000 | other |" in text
    assert "better on both" in text
    assert "initial weights" in text
    assert "made up" in text
    assert {path.name for path in others} == {"made_up__two_errors.png", "made_up_arms.csv", "made_up_contrasts.csv"}


@pytest.mark.parametrize("name", ARENA)
def test_the_readme_has_the_table_that_committed_results_give(name: str) -> None:
    run = load_run(ROOT / "results" / "flagship" / name)
    table = table_markdown(summary(means(replicates(run.cells)), controls(run.manifest)))
    for page in (ROOT / "README.md", ROOT / "reports" / "arena" / "report.md"):
        text = page.read_text(encoding="utf-8")
        assert table.strip() in text, f"{page}: `python -m frontier study flagship`, and copy its table"
