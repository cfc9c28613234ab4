"""Methods at equal budgets: one row per method and budget, pooled over seeds and over the splits of a rotation.

A *design* is one way of holding out: `default`, or all folds of a rotation (`rotation_1of4`, … are one design). A mean
is over the splits of the design of their means over seeds. Its standard error adds what either choice contributes,

    SE² = s²(means of the splits)/S + s²(means of the seeds)/K        (a term with a single member is left out)

for splits and seeds that are crossed: each term also holds the residual variance, so the sum is never too small by
chance pairing. With one split it is the usual one over seeds. Folds share fitted targets, so between them it is a
description of the spread rather than an unbiased estimate (Bengio & Grandvalet 2004).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.analysis.aggregate import first_repeats, fit_seconds
from frontier.reporting.document import Table
from frontier.reporting.numbers import MISSING, count, parameter, percent_with_error, seconds
from frontier.results.designs import design_of, designs
from frontier.results.designs import has_matched_budgets as has_matched_budgets  # re-exported

ERRORS = {
    "train_mare": "training error",
    "heldout_mare": "held-out error",
    "heldout_median_are": "held-out median",
    "heldout_capped_mare": "held-out, capped",
}
POOLED = (*ERRORS, "n_active", "ess", "refit_seconds")
ARMS = {"none": "as fitted", "fitted": "refit", "initial": "refit from w0"}
KEYS = ("problem", "design", "budget", "lam", "label", "refit")

READING = (
    "**Equal budgets.** Each block of rows is one budget: what every method makes of that many records. *Records* are "
    "those that got weight; a budget that a method cannot serve within 2% is marked *not reached*, and its row shows "
    "the nearest size. Methods without a budget (λ grids, dense ones) stand below.",
    "**± after an error.** One standard error over seeds and over the splits of the design: SE² = s²(means of the "
    "splits)/S + s²(means of the seeds)/K, a term with a single member left out. A deterministic method on a single "
    "split has none. Folds share fitted targets, so between them it describes the spread and is not unbiased.",
    "**Refit.** The same records, with weights that minimise ½ Σ ω r² + ρ D/N, where D is the Kullback-Leibler "
    "divergence from the weights as fitted (*refit*) or from the initial weights scaled to their total (*refit from "
    "w0*). What a refit changes is the penalty's bias, what it leaves is the selection. Its seconds come on top.",
)


def parts_of(ready: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Prepared cells by (problem, split), or by (problem, design) for the folds of a pooled rotation."""
    parts: dict[tuple[str, str], pd.DataFrame] = {}
    for problem, some in ready.groupby("problem", sort=True):
        parts |= {(str(problem), str(name)): part for name, part in some.groupby(designs(some), sort=True)}
    return parts


def by_budget(ready: pd.DataFrame) -> pd.DataFrame:
    """One row per problem, design, budget or λ, label and refit, in this order; cells as `prepare` leaves them.

    Each of `POOLED` gives `_mean` and `_se`; `n_cells`, `n_with_weights`, `n_missed` (budget not reached), `n_hollow`,
    `n_splits` and `n_seeds` count; `fit_seconds_mean` is of the kind that `timing` names.
    """
    ready = first_repeats(ready)
    ready = ready.assign(design=[design_of(split) for split in ready["split"]], arm=ready["refit"].map(_arm_rank))
    rows = []
    for key, group in ready.sort_values([*KEYS[:5], "arm"], kind="stable").groupby(
        list(KEYS), dropna=False, sort=False
    ):
        good = group[group["has_weights"]]
        row: dict[str, Any] = dict(zip(KEYS, key, strict=True))
        row |= {"n_cells": len(group), "n_with_weights": len(good)}
        row |= {"n_missed": int(good["missed"].sum()), "n_hollow": int(good["hollow"].sum())}
        row |= {"n_splits": group["split"].nunique(), "n_seeds": group["seed"].nunique()}
        for metric in POOLED:
            row[f"{metric}_mean"], row[f"{metric}_se"] = pooled(good, metric)
        spent, row["timing"] = fit_seconds(good)
        row["fit_seconds_mean"] = float(spent.mean()) if spent.size else float("nan")
        rows.append(row)
    return pd.DataFrame(rows)


def pooled(cells: pd.DataFrame, metric: str) -> tuple[float, float]:
    """The mean over splits of means over seeds, and its standard error (NaN where nothing varies)."""
    values = cells[metric].to_numpy(dtype=np.float64)
    known = ~np.isnan(values)
    if not known.any():
        return float("nan"), float("nan")
    by_split = _means(values[known], cells["split"].to_numpy()[known])
    by_seed = _means(values[known], cells["seed"].to_numpy(dtype=np.float64)[known])
    terms = [float(part.var(ddof=1)) / len(part) for part in (by_split, by_seed) if len(part) > 1]
    return float(by_split.mean()), float(np.sqrt(sum(terms))) if terms else float("nan")


def _means(values: NDArray[np.float64], groups: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of each group, in the order of first appearance; a missing group (no seed) is a group."""
    codes, names = pd.factorize(groups, use_na_sentinel=False)
    return np.bincount(codes, weights=values) / np.bincount(codes, minlength=len(names))


def budget_table(rows: pd.DataFrame) -> Table:
    """The rows of one problem and design as text, the arms of each quantity side by side."""
    arms = sorted(rows["refit"].unique(), key=_arm_rank)
    header = ["budget", "method", "records"]
    for text in (*ERRORS.values(), "ESS"):
        header += [text if arm == "none" else ARMS.get(arm, arm) for arm in arms]
    header += ["seconds" if arm == "none" else f"{ARMS.get(arm, arm)}, seconds" for arm in arms]
    lines = []
    for _, group in rows.groupby(list(KEYS[2:5]), dropna=False, sort=False):
        by_arm = {row["refit"]: row for row in group.to_dict("records")}
        lines.append([*_identity(by_arm["none"]), *_numbers(by_arm, arms)])
    return Table(header, lines, numbers=range(2, len(header)))


def shared_sentence(manifest: Mapping[str, Any], problem: str, splits: Sequence[str]) -> str:
    """How much of the held-out targets the fitted ones settle, as far as the manifest knows it; or nothing."""
    known = (manifest.get("splits") or {}).get(problem) or {}
    medians = [facts["median_leakage"] for split in splits if "median_leakage" in (facts := known.get(split) or {})]
    if not medians:
        return ""
    low, high = (f"{100 * value:.0f}%" for value in (min(medians), max(medians)))
    share = low if low == high else f"{low} to {high}"
    return (
        f"The fitted targets settle {share} of the held-out ones (R² of a held-out row of M on the fitted rows, "
        "weighted by w0; the median, by split): near 100% a held-out error would test nothing."
    )


def _identity(row: Mapping[Any, Any]) -> list[str]:
    point = MISSING
    if not pd.isna(row["budget"]):
        point = parameter(row["budget"])
    elif not pd.isna(row["lam"]):
        point = f"λ = {parameter(row['lam'])}"
    records = count(row["n_active_mean"])
    lost, missed = row["n_cells"] - row["n_with_weights"], row["n_missed"]
    notes = []
    if missed:
        notes.append("not reached" if missed == row["n_cells"] else f"not reached in {missed} of {row['n_cells']}")
    if lost:
        notes.append("failed" if lost == row["n_cells"] else f"{lost} of {row['n_cells']} failed")
    return [point, str(row["label"]), records + (f" ({', '.join(notes)})" if notes else "")]


def _numbers(by_arm: Mapping[str, Mapping[Any, Any]], arms: Iterable[str]) -> list[str]:
    """Errors, ESS and seconds of each arm; an arm that lacks some of the fits is not compared with all of them."""
    fits = by_arm["none"]["n_with_weights"]
    by_arm = {arm: row for arm, row in by_arm.items() if arm == "none" or row["n_with_weights"] == fits}
    found = []
    for metric in ERRORS:
        for arm in arms:
            row = by_arm.get(arm)
            found.append(MISSING if row is None else percent_with_error(row[f"{metric}_mean"], row[f"{metric}_se"]))
    found += [count(by_arm[arm]["ess_mean"]) if arm in by_arm else MISSING for arm in arms]
    for arm in arms:
        row = by_arm.get(arm)
        if row is None:
            found.append(MISSING)
        elif arm == "none":
            found.append(f"{seconds(row['fit_seconds_mean'])} {row['timing']}".strip())
        else:
            found.append(seconds(row["refit_seconds_mean"]))
    return found


def _arm_rank(arm: str) -> tuple[int, str]:
    known = list(ARMS)
    return (known.index(arm) if arm in known else len(known), arm)
