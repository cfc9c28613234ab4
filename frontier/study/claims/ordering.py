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

from frontier.study.claims.model import (
    FAILS,
    HOLDS,
    LEVEL,
    ONLY_IF,
    UNDECIDED,
    FloatArray,
    Judge,
    Results,
    Verdict,
    Word,
    combine,
    condition,
    difference_interval,
    floats,
    mean_interval,
    percent,
    single_draw,
    usable,
)

Metric = Literal["training", "held-out"]
PAPER_CAP = 10.0  # of a target's relative error in the paper's loss
CAP = 1.0
ORDER = ("L0 + refit", "dense", "random + reweight", "raw gated")
SIZE_TOLERANCE = 0.02


def ordered(metric: Metric) -> Judge:
    """The judge of the order on one error."""

    def judge(results: Mapping[str, Results]) -> Verdict:
        rows: list[dict[str, Any]] = []
        points: list[dict[str, Any]] = []
        for run in results.values():
            errors = arm_errors(run, metric)
            for setting, arms in _settings(errors):
                found, drawn = _compare(arms)
                rows.append(setting | found)
                points += [setting | point for point in drawn]
        evidence = pd.DataFrame(rows)
        if evidence.empty:
            return Verdict(UNDECIDED, "")
        word = combine(list(evidence["verdict"]))
        told = [
            f"{better} < {worse} in {int((evidence[f'{worse} − {better} error_low'] > 0).sum())}, > in "
            f"{int((evidence[f'{worse} − {better} error_high'] < 0).sum())}"
            for better, worse in itertools.pairwise(ORDER)
        ]
        reason = f"Of {len(rows)} settings, beyond the seeds: {'; '.join(told)}."
        detail = " ".join(
            f"{r['problem']} ({r['l0']}, {r['dense']}): {r['order_found']}."
            for r in evidence.drop_duplicates(["problem", "l0"]).to_dict("records")
        )
        only = condition(evidence, ["l0", "dense"], "problem") if word == ONLY_IF else ""
        return Verdict(
            word,
            reason,
            condition=only,
            detail=detail,
            evidence=evidence,
            points=pd.DataFrame(points).assign(metric=metric),
        )

    return judge


def arm_errors(run: Results, metric: Metric) -> pd.DataFrame:
    """One row per cell: identity, size, and the error of the metric."""
    cells = usable(run.cells)
    known = run.targets[run.targets["heldout"].astype(bool) == (metric == "held-out")]
    cap = CAP if metric == "held-out" else PAPER_CAP
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
        level = 1 - (1 - LEVEL) / (len(ORDER) - 1)
        mean, low, high = difference_interval(values[worse], values[better], level, lonely=lonely)
        key = f"{worse} − {better}"
        row |= {f"{key} error": mean, f"{key} error_low": low, f"{key} error_high": high}
        words.append(HOLDS if low > 0 else FAILS if high < 0 else UNDECIDED)
    verdict: Word = HOLDS if set(words) == {HOLDS} else FAILS if FAILS in words else UNDECIDED
    if abs(sizes["random + reweight"] - sizes["raw gated"]) > SIZE_TOLERANCE * sizes["raw gated"]:
        verdict = UNDECIDED  # of different sizes, they are not what the claim compares
    ranked = sorted(ORDER, key=lambda arm: float(values[arm].mean()))
    row["order_found"] = " < ".join(f"{arm} {percent(float(values[arm].mean()), 2)}" for arm in ranked)
    points = []
    for arm in ORDER:
        mean, low, high = mean_interval(values[arm])
        points.append({"arm": arm, "records": sizes[arm], "error": mean, "error_low": low, "error_high": high})
    return row | {"verdict": verdict}, points
