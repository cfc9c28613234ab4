"""Methods at equal budgets: one row per method and budget, pooled over seeds and over the splits of a rotation.

A *design* is one way of holding out: `default`, or all folds of a rotation (`rotation_1of4`, … are one design). A mean
is over the splits of the design of their means over seeds. Its standard error adds what either choice contributes,

    SE² = s²(means of the splits)/S + s²(means of the seeds)/K        (a term with a single member is left out)

for splits and seeds that are crossed: each term also holds the residual variance, so the sum is never too small by
chance pairing. With one split it is the usual one over seeds. Folds share fitted targets, so between them it is a
description of the spread rather than an unbiased estimate (Bengio & Grandvalet 2004).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.analysis.aggregate import first_repeats, fit_seconds
from frontier.analysis.groups import Columns, groups_of, known, rows_where
from frontier.results.designs import design_of, designs
from frontier.results.schema import REFITS

POOLED = (
    *("train_mare", "heldout_mare", "heldout_median_are", "heldout_capped_mare"),
    *("n_active", "ess", "refit_seconds"),
)
READ = ("has_weights", "missed", "hollow", "split", "seed", "timing", "fit_seconds", *POOLED)
KEYS = ("problem", "design", "budget", "lam", "label", "refit")


def parts_of(ready: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Prepared cells by (problem, split), or by (problem, design) for the folds of a pooled rotation."""
    parts: dict[tuple[str, str], pd.DataFrame] = {}
    for problem, some in ready.groupby("problem", sort=True):
        parts |= {(str(problem), str(name)): part for name, part in some.groupby(designs(some), sort=True)}
    return parts


def by_budget(ready: pd.DataFrame) -> pd.DataFrame:
    """One row per problem, design, budget or λ, label and refit, in this order; cells as `prepare` leaves them.

    Each of `POOLED` gives `_mean` and `_se`; `n_cells`, `n_with_weights`, `n_missed` (budget not reached), `n_hollow`,
    `n_splits` and `n_seeds` (those with weights) count; `fit_seconds_mean` is of the kind that `timing` names.
    """
    ready = first_repeats(ready)[[*(key for key in KEYS if key != "design"), *READ]]
    ready = ready.assign(design=[design_of(split) for split in ready["split"]], arm=ready["refit"].map(arm_rank))
    ready = ready.sort_values([*KEYS[:5], "arm"], kind="stable")
    rows: list[dict[str, Any]] = []
    for key, group in groups_of(ready, KEYS, READ):
        good = rows_where(group, group["has_weights"])
        row = key | {"n_cells": len(group["seed"]), "n_with_weights": len(good["seed"])}
        row |= {"n_missed": int(good["missed"].sum()), "n_hollow": int(good["hollow"].sum())}
        row |= {"n_splits": len(set(good["split"])), "n_seeds": len(set(known(good["seed"])))}
        for metric, (mean, error) in pooled(good, POOLED).items():
            row |= {f"{metric}_mean": mean, f"{metric}_se": error}
        spent, row["timing"] = fit_seconds(good)
        row["fit_seconds_mean"] = float(spent.mean()) if spent.size else float("nan")
        rows.append(row)
    return pd.DataFrame(rows)


def pooled(cells: Columns, metrics: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Of each metric the mean over splits of means over seeds, and its standard error (NaN where nothing varies)."""
    groups = cells["split"], cells["seed"]
    whole = [_codes(some) for some in groups]
    found = {}
    for metric in metrics:
        values = cells[metric]
        there = ~np.isnan(values)
        if not there.any():
            found[metric] = float("nan"), float("nan")
            continue
        codes = whole if there.all() else [_codes(some[there]) for some in groups]
        by_split, by_seed = (np.bincount(some, weights=values[there]) / np.bincount(some) for some in codes)
        terms = [float(part.var(ddof=1)) / len(part) for part in (by_split, by_seed) if len(part) > 1]
        found[metric] = float(by_split.mean()), float(np.sqrt(sum(terms))) if terms else float("nan")
    return found


def _codes(groups: NDArray[Any]) -> NDArray[np.intp]:
    """The group of each, numbered in the order of first appearance; a missing one (no seed) is a group."""
    return pd.factorize(groups, use_na_sentinel=False)[0]


def arm_rank(refit: str) -> tuple[int, str]:
    """Where the arm of a refit stands among others: as fitted first, unknown ones last."""
    return (REFITS.index(refit) if refit in REFITS else len(REFITS), refit)
