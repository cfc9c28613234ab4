"""The page of the arena, on made-up replicates: every method at its best, controls beside them, one figure."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from frontier.analysis.arena import HIDDEN, SHOWN, contrasts, means, replicates
from frontier.core.truth import COLUMNS
from frontier.results.run import Run
from frontier.study.arena import SAMPLING, at_their_best, write_arena
from tests.analysis.test_arena import cells

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
    control = {
        name: dict.fromkeys((*SHOWN, *COLUMNS), value) for name, value in (("initial weights", 0.25), (SAMPLING, 0.1))
    }
    splits = {f"r{i}": {"default": {"controls": control}} for i in range(10)}
    manifest = {"description": "ten of them", "limitations": ["made up"], "splits": splits}
    report, *others = write_arena([Run(cells(ARMS), manifest, "made_up")], tmp_path)
    text = report.read_text()
    assert "| 1,000 | other |" in text
    told = "Dense has the least hidden error at 1,000 records (told from Coreset)."
    assert f"- **made_up: {told}**" in text
    assert "better on both" in text
    assert "initial weights" in text
    assert "made up" in text
    times = [row[HIDDEN] / 0.1 for row in means(replicates(cells(ARMS))).to_dict("records") if row["label"] == "other"]
    assert f"| other | {times[0]:.1f} |" in text  # in units of what sampling alone leaves
    assert {path.name for path in others} == {
        *("index.html", "made_up__two_errors.png", "made_up_arms.csv", "made_up_contrasts.csv")
    }


def test_a_run_without_the_reference_is_shown_without_verdicts(tmp_path: Path) -> None:
    alone = {"other": ARMS["other"]}
    text = write_arena([Run(cells(alone), {"splits": {}}, "made_up")], tmp_path)[0].read_text()
    assert "other" in text
    assert "What is better" not in text
