"""Is the order of l0-paper the order here: L0 + refit < dense < random + reweight < raw gated?

Each neighbouring pair is a difference of mean errors, worse arm minus better arm, with a Welch interval over seeds,
Bonferroni-corrected for the three pairs; a deterministic arm has no variance. The order holds where all three
differences are above 0, fails where one is below, and is undecided otherwise. Sparse arms have the same number of
records. Training error is the paper's, `mean_j min(|r_j|, 10)`; held-out error is capped at 100% a target, as
everywhere here.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from frontier.analysis.intervals import mean_interval, with_limits
from frontier.core.point import BUDGET_TOLERANCE
from frontier.core.problem import FloatArray
from frontier.results.run import Run
from frontier.results.schema import ERROR_CAP, settled
from frontier.study.claims.model import (
    FAILS,
    HOLDS,
    Judge,
    Verdict,
    Word,
    conclude,
    corrected_level,
    difference_interval,
    floats,
    ruled,
    single_draw,
    targets_of,
)

Metric = Literal["training", "held-out"]
PAPER_CAP = 10.0  # of a target's relative error in the paper's loss
ORDER = ("L0 + refit", "dense", "random + reweight", "raw gated")


def ordered(metric: Metric) -> Judge:
    """The judge of the order on one error."""

    def judge(results: Mapping[str, Run]) -> Verdict:
        rows: list[dict[str, Any]] = []
        points: list[dict[str, Any]] = []
        for run in results.values():
            for setting, arms in _settings(arm_errors(run, metric)):
                found, drawn = _compare(arms)
                rows.append(setting | found)
                points += [setting | point | {"metric": metric} for point in drawn]
        return conclude(rows, _tell, what="{l0}, {dense}", points=points)

    return judge


def _tell(evidence: pd.DataFrame) -> tuple[str, str]:
    told = [
        f"{better} < {worse} in {int((evidence[f'{worse} − {better} error_low'] > 0).sum())}, > in "
        f"{int((evidence[f'{worse} − {better} error_high'] < 0).sum())}"
        for better, worse in itertools.pairwise(ORDER)
    ]
    detail = " ".join(
        f"{r['problem']} ({r['l0']}, {r['dense']}): {r['order_found']}."
        for r in evidence.drop_duplicates(["problem", "l0"]).to_dict("records")
    )
    return f"Of {len(evidence)} settings, beyond the seeds: {'; '.join(told)}.", detail


def arm_errors(run: Run, metric: Metric) -> pd.DataFrame:
    """One row per cell: identity, size, and the error of the metric."""
    cells = run.cells[settled(run.cells)]
    known = targets_of(run)
    known = known[known["heldout"].astype(bool) == (metric == "held-out")]
    cap = ERROR_CAP if metric == "held-out" else PAPER_CAP
    error = np.minimum(np.abs(floats(known["relative_residual"])), cap)
    mean = known.assign(error=error).groupby("cell", sort=False)["error"].mean().reset_index()
    return cells.merge(mean, on="cell")


def _settings(errors: pd.DataFrame) -> list[tuple[dict[str, Any], dict[str, pd.DataFrame]]]:
    """Every problem, split, budget, L0 arm and dense arm, with the cells of the four arms, if they are all there."""
    found = []
    for (problem, split), part in errors.groupby(["problem", "split"], sort=True):
        sparse = part[part["method"] == "hard_concrete"]
        random = part[(part["method"] == "random_reweight") & (part["refit"] == "none")]
        dense = part[(part["method"] == "dense_adam") & (part["refit"] == "none")]
        for (label, budget), fits in sparse.groupby(["label", "budget"], sort=False):
            for name, one in dense.groupby("label", sort=False):
                arms = {
                    "L0 + refit": fits[fits["refit"] == "fitted"],
                    "dense": one,
                    "random + reweight": random[random["budget"] == budget],
                    "raw gated": fits[fits["refit"] == "none"],
                }
                if all(len(arm) for arm in arms.values()):
                    setting = {"problem": str(problem), "split": str(split), "l0": str(label), "dense": str(name)}
                    found.append((setting, arms))
    return found


def _compare(arms: Mapping[str, pd.DataFrame]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The three differences and the verdict; and mean errors with intervals, arm by arm."""
    values: dict[str, FloatArray] = {arm: floats(cells["error"]) for arm, cells in arms.items()}
    sizes = {arm: float(cells["n_active"].mean()) for arm, cells in arms.items()}
    row: dict[str, Any] = {"records": sizes["raw gated"], "seeds": len(values["raw gated"])}
    lonely = any(single_draw(cells) for cells in arms.values())
    words: list[Word] = []
    for better, worse in itertools.pairwise(ORDER):
        level = corrected_level(len(ORDER) - 1)
        interval = difference_interval(values[worse], values[better], level, lonely=lonely)
        row |= with_limits(f"{worse} − {better} error", interval)
        words.append(ruled(holds=interval[1] > 0, fails=interval[2] < 0))
    # arms of different sizes are not what the claim compares
    alike = abs(sizes["random + reweight"] - sizes["raw gated"]) <= BUDGET_TOLERANCE * sizes["raw gated"]
    verdict = ruled(holds=alike and set(words) == {HOLDS}, fails=alike and FAILS in words)
    ranked = sorted(ORDER, key=lambda arm: float(values[arm].mean()))
    row["order_found"] = " < ".join(f"{arm} {values[arm].mean():.2%}" for arm in ranked)
    points = [{"arm": arm, "records": sizes[arm]} | with_limits("error", mean_interval(values[arm])) for arm in ORDER]
    return row | {"verdict": verdict}, points
