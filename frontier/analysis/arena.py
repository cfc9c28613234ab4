"""Comparisons over independent samples of a known population: a paired t test over replicates, two errors at once.

Every problem of the run is a replicate: an independent sample, so differences between two arms at a budget are
independent and about normal, and `t = mean d/(sd d/√R)` has R − 1 degrees of freedom (Student 1908). An *arm* is a
label with whose weights a row has (as fitted, or a refit). Errors are fractions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.intervals import mean_interval, with_limits
from frontier.core.errors import InputError
from frontier.core.truth import HEADLINE
from frontier.results.schema import ARM, require, settled

Arm = tuple[str, str]  # label, refit

TRAINING, HIDDEN = "train_mare", "truth_mean"
SHOWN = (
    *("n_active", "ess", TRAINING, HIDDEN, "truth_median", "truth_capped", "truth_wmape", "truth_log_ratio"),
    *("truth_rmse", "truth_bias", "truth_beyond", "truth_distribution", "reserve_mean", "reserve_median"),
)
SAME = 0.002  # training errors nearer than this are level: no published total is known more closely


def judged_by(cells: pd.DataFrame, held_out: str) -> str:
    """The column of the error that judges: of hidden targets where a truth is known, else `held_out`."""
    known = HIDDEN in cells.columns and cells[HIDDEN].notna().any()
    return HIDDEN if known else held_out


def replicates(cells: pd.DataFrame, place: str = "cells") -> pd.DataFrame:
    """Settled rows, of a budget or dense; `InputError`, about `place`, for a run without a known truth."""
    require(cells, place=place)
    if HIDDEN not in cells.columns or cells[HIDDEN].isna().all():
        raise InputError(
            place, f"no column '{HIDDEN}'", expected="problems with a known truth", cure="run census_arena"
        )
    return cells[settled(cells)]


def means(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per arm and budget: replicates, the mean of every quantity, the standard error of the two errors."""
    grouped = rows.groupby(["budget", "label", "method", "refit"], dropna=False, sort=True)
    shown = [name for name in SHOWN if name in rows.columns]
    table = grouped[shown].mean().reset_index()
    table.insert(4, "replicates", grouped["problem"].nunique().to_numpy())
    for name in (TRAINING, HIDDEN):
        table[f"{name}_se"] = (grouped[name].std() / np.sqrt(grouped[name].count())).to_numpy()
    return table


def controls(manifest: Mapping[str, Any]) -> pd.DataFrame:
    """The mean over replicates of what weights that nobody fitted come to: the initial ones, and those that know."""
    rows = [
        {"name": name} | values
        for splits in manifest["splits"].values()
        for facts in splits.values()
        for name, values in facts.get("controls", {}).items()
    ]
    if not rows:
        return pd.DataFrame(columns=["name", *SHOWN])
    table = pd.DataFrame(rows)
    return table.groupby("name")[[name for name in SHOWN if name in table.columns]].mean().reset_index()


def contrasts(rows: pd.DataFrame, reference: Arm, against: Sequence[Arm]) -> pd.DataFrame:
    """`reference` against each arm at each budget, on training and hidden error at once.

    Columns: budget, label, refit, replicates; for each error the mean difference (reference − arm), its interval and
    the relative change of the hidden one; how many of the headline metrics are smaller; `verdict`: better on both,
    level, trade-off, worse on both, or undecided. Level on training means nearer than `SAME`.
    """
    by_arm = {key: part.set_index("problem") for key, part in rows.groupby(["budget", *ARM], sort=True)}
    found = []
    for budget in sorted(rows["budget"].dropna().unique().tolist()):
        for arm in against:
            ours, theirs = by_arm.get((budget, *reference)), by_arm.get((budget, *arm))
            if ours is None or theirs is None:
                continue
            shared = ours.index.intersection(theirs.index)
            if len(shared) > 1:
                whose = {"budget": int(budget), "label": arm[0], "refit": arm[1]}
                found.append(whose | _contrast(ours.loc[shared], theirs.loc[shared]))
    return pd.DataFrame(found)


def _contrast(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict[str, Any]:
    """Two arms on the same replicates, in the same order."""
    row: dict[str, Any] = {"replicates": len(ours)}
    signs = {}
    for name, margin in ((TRAINING, SAME), (HIDDEN, 0.0)):
        mean, low, high = mean_interval((ours[name] - theirs[name]).to_numpy(np.float64))
        row |= with_limits(name, (mean, low, high))
        signs[name] = -1 if high < -margin else 1 if low > margin else 0
        if margin and max(high, -low) <= margin:
            signs[name] = 2  # level
    row["hidden_change"] = float(ours[HIDDEN].mean() / theirs[HIDDEN].mean() - 1)
    row["metrics_smaller"] = sum(bool(ours[metric].mean() < theirs[metric].mean()) for metric in HEADLINE)
    return row | {"verdict": _verdict(signs[TRAINING], signs[HIDDEN])}


def _verdict(training: int, hidden: int) -> str:
    """In words: −1 smaller, 1 larger, 2 level, 0 not told apart."""
    if hidden == 0:
        return {-1: "better on training", 1: "worse on training", 2: "level"}.get(training, "undecided")
    word = "better" if hidden < 0 else "worse"
    if training in (hidden, 0):
        return f"{word} on both" if training == hidden else f"{word} on the hidden error"
    return f"{word} on the hidden error, level on training" if training == 2 else "trade-off"
