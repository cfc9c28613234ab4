"""The order of l0-paper, link by link: L0 + refit < dense < random + reweight < raw gated, and what else it says.

Each link is a difference of mean errors, worse arm minus better arm, with a Welch interval over seeds,
Bonferroni-corrected for the links of a setting; a deterministic arm has no variance. Sparse arms have the same number
of records. The training error is the paper's loss (eq. 1 of its version of 2026-07-01),
`Σ ω min(|r|, c) / Σ ω`: with c = 1 and ω by size on problems with its `fiscal_importance`, with c = 10 and equal ω, as
in its earlier code, on the others; the mean |r|, its "Mean ARE", stands beside. Held-out error is capped at 100% a
target, as everywhere here.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from frontier.analysis.intervals import difference_interval, mean_interval, with_limits
from frontier.core.arrays import FloatArray
from frontier.core.point import BUDGET_TOLERANCE
from frontier.problems.cps.build import fiscal
from frontier.results.run import Run
from frontier.results.schema import ERROR_CAP, selected, settled
from frontier.study.claims.model import (
    FAILS,
    HOLDS,
    Judge,
    Verdict,
    conclude,
    corrected_level,
    floats,
    ruled,
    single_draw,
    targets_of,
)

Metric = Literal["training", "held-out"]
OLD_CAP, PUBLISHED_CAP = 10.0, 1.0  # of a target's relative error in the paper's loss
ORDER = ("L0 + refit", "dense", "random + reweight", "raw gated")
SAMPLE = "uniform sample of dense weights"
LINKS = (
    *itertools.pairwise(ORDER),
    ("L0 + refit", "random + reweight"),
    ("random + reweight", SAMPLE),
)


def ordered(metric: Metric) -> Judge:
    """The judge of the order on one error."""

    def judge(results: Mapping[str, Run]) -> Verdict:
        rows: list[dict[str, Any]] = []
        points: list[dict[str, Any]] = []
        for run in results.values():
            for setting, arms in _settings(arm_errors(run, metric)):
                rows += [setting | row for row in _links(arms)]
                points += [setting | point | {"metric": metric} for point in _points(arms)]
        # a link without the dense arm is the same whatever dense arm stands beside it
        free = [row | ({} if "dense" in (row["better"], row["worse"]) else {"dense": ""}) for row in rows]
        unique = list({(r["problem"], r["l0"], r["dense"], r["link"]): r for r in free}.values())
        return conclude(unique, _tell, what="{link}", where="{problem}", points=points)

    return judge


def _tell(evidence: pd.DataFrame) -> tuple[str, str]:
    told = []
    for link, part in evidence.groupby("link", sort=False):
        held, failed = (int((part["verdict"] == word).sum()) for word in (HOLDS, FAILS))
        told.append(f"{link} in {held} of {len(part)} (the reverse in {failed})")
    return f"Link by link, beyond the seeds: {'; '.join(told)}.", ""


def arm_errors(run: Run, metric: Metric) -> pd.DataFrame:
    """One row per cell: identity, size, the error of the metric, and the mean |r| of the same targets."""
    cells = run.cells[settled(run.cells)]
    cells = cells.assign(n_active=selected(cells))
    known = targets_of(run).merge(cells[["cell", "problem"]], on="cell")
    known = known[known["heldout"].astype(bool) == (metric == "held-out")]
    parts = [_errors(some, run, str(problem), metric) for problem, some in known.groupby("problem", sort=True)]
    return cells.merge(pd.concat(parts, ignore_index=True), on="cell") if parts else cells.iloc[:0]


def _errors(known: pd.DataFrame, run: Run, problem: str, metric: Metric) -> pd.DataFrame:
    """The error of every cell of one problem."""
    params = ((run.manifest.get("problems") or {}).get(problem) or {}).get("params") or {}
    published = bool(params.get("fiscal_importance"))
    targets = known.drop_duplicates("target")
    weight = np.ones(len(targets))
    if published and metric == "training":
        amounts = targets["target"].str.contains("/amount", regex=False).to_numpy(bool)
        weight = fiscal(floats(targets["value"]), amounts)
    counts = known["target"].map(dict(zip(targets["target"], weight, strict=True)))
    cap = ERROR_CAP if metric == "held-out" else PUBLISHED_CAP if published else OLD_CAP
    size = np.abs(floats(known["relative_residual"]))
    sums = known.assign(w=counts, error=np.minimum(size, cap) * counts, mean_are=size).groupby("cell", sort=False)
    found = sums[["w", "error"]].sum()
    return pd.DataFrame({"error": found["error"] / found["w"], "mean_are": sums["mean_are"].mean()}).reset_index()


def _settings(errors: pd.DataFrame) -> list[tuple[dict[str, Any], dict[str, pd.DataFrame]]]:
    """Every problem, split, L0 arm and dense arm, with the cells of the arms, if all of the paper's order are there."""
    found = []
    for (problem, split), part in errors.groupby(["problem", "split"], sort=True):
        fitted = part[part["refit"] == "none"]
        dense = fitted[fitted["method"] == "dense_adam"]
        sparse = part[part["method"] == "hard_concrete"]
        for (label, _, _), fits in sparse.groupby(["label", "budget", "lam"], sort=False, dropna=False):
            size = float(fits["n_active"].mean())
            for name, one in dense.groupby("label", sort=False):
                arms = {
                    "L0 + refit": fits[fits["refit"] == "fitted"],
                    "dense": one,
                    "random + reweight": _as_large(fitted[fitted["method"] == "random_reweight"], size),
                    "raw gated": fits[fits["refit"] == "none"],
                    SAMPLE: _as_large(fitted[fitted["method"] == "dense_scaled_sample"], size),
                }
                if all(len(arms[arm]) for arm in ORDER):
                    setting = {"problem": str(problem), "split": str(split), "l0": str(label), "dense": str(name)}
                    found.append((setting, arms))
    return found


def _as_large(cells: pd.DataFrame, size: float) -> pd.DataFrame:
    """The cells of the budget nearest to a size."""
    if cells.empty:
        return cells
    sizes = floats(cells["n_active"])
    nearest: pd.DataFrame = cells.loc[sizes == sizes[np.argmin(np.abs(sizes - size))]]
    return nearest


def _links(arms: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """A row per link with its difference and verdict."""
    rows = []
    present = [link for link in LINKS if len(arms[link[0]]) and len(arms[link[1]])]
    for better, worse in present:
        one, other = arms[better], arms[worse]
        sizes = [float(arm["n_active"].mean()) for name, arm in ((better, one), (worse, other)) if name != "dense"]
        alike = max(sizes) <= (1 + BUDGET_TOLERANCE) * min(sizes)  # arms of different sizes are not what is compared
        lonely = single_draw(one) or single_draw(other)
        level = corrected_level(len(present))
        interval = difference_interval(floats(other["error"]), floats(one["error"]), level, lonely=lonely)
        rows.append(
            {"link": f"{better} < {worse}", "better": better, "worse": worse, "records": min(sizes)}
            | {"better_error": float(one["error"].mean()), "worse_error": float(other["error"].mean())}
            | with_limits("difference_error", interval)
            | {"better_mean_are_error": float(one["mean_are"].mean())}
            | {"worse_mean_are_error": float(other["mean_are"].mean())}
            | {"verdict": ruled(holds=alike and interval[1] > 0, fails=alike and interval[2] < 0)}
        )
    return rows


def _points(arms: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Mean errors with intervals, arm by arm."""
    values: dict[str, FloatArray] = {arm: floats(cells["error"]) for arm, cells in arms.items() if len(cells)}
    return [
        {"arm": arm, "records": float(arms[arm]["n_active"].mean())} | with_limits("error", mean_interval(found))
        for arm, found in values.items()
    ]
