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
from scipy.stats import t as student

from frontier.core.errors import InputError
from frontier.core.truth import HEADLINE
from frontier.results.schema import require, settled

TRAINING, HIDDEN = "train_mare", "truth_mean"
SHOWN = (
    *("n_active", "ess", TRAINING, HIDDEN, "truth_median", "truth_capped", "truth_wmape", "truth_log_ratio"),
    *("truth_rmse", "truth_bias", "truth_beyond", "truth_distribution", "reserve_mean", "reserve_median"),
)
LEVEL = 0.95
SAME = 0.002  # training errors nearer than this are level: no published total is known more closely


def replicates(cells: pd.DataFrame) -> pd.DataFrame:
    """Settled rows with budget or dense weights, with `arm`; `InputError` for a run without a known truth."""
    require(cells)
    if HIDDEN not in cells.columns or cells[HIDDEN].isna().all():
        raise InputError("cells", f"no column '{HIDDEN}'", expected="problems with a known truth", cure="census_arena")
    rows = cells[settled(cells)]
    arm = rows["label"] + rows["refit"].map({"none": "", "fitted": ", refit", "initial": ", refit from initial"})
    return rows.assign(arm=arm)


def means(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per arm and budget: replicates, the mean of every quantity, the standard error of the two errors."""
    grouped = rows.groupby(["budget", "label", "method", "refit", "arm"], dropna=False, sort=True)
    shown = [name for name in SHOWN if name in rows.columns]
    table = grouped[shown].mean().reset_index()
    table.insert(5, "replicates", grouped["problem"].nunique().to_numpy())
    for name in (TRAINING, HIDDEN):
        table[f"{name}_se"] = (grouped[name].std() / np.sqrt(grouped[name].count())).to_numpy()
    return table


def controls(manifest: Mapping[str, Any]) -> pd.DataFrame:
    """The mean over replicates of what weights that nobody fitted come to: the initial ones, and those that know."""
    rows = [
        {"arm": name, "problem": problem} | values
        for problem, splits in manifest["splits"].items()
        for facts in splits.values()
        for name, values in facts.get("controls", {}).items()
    ]
    if not rows:
        return pd.DataFrame(columns=["arm", *SHOWN])
    table = pd.DataFrame(rows)
    return table.groupby("arm")[[name for name in SHOWN if name in table.columns]].mean().reset_index()


def contrasts(rows: pd.DataFrame, reference: str, against: Sequence[str]) -> pd.DataFrame:
    """`reference` against each arm at each budget, on training and hidden error at once.

    Columns: budget, arm, replicates; for each error the mean difference (reference − arm), its interval and the
    relative change of the hidden one; how many of the headline metrics are smaller; `verdict`: better on both, level,
    trade-off, worse on both, or undecided. Level on training means nearer than `SAME`.
    """
    found = []
    for budget in sorted(rows["budget"].dropna().unique().tolist()):
        part = rows[rows["budget"] == budget]
        ours = part[part["arm"] == reference].set_index("problem")
        for arm in against:
            theirs = part[part["arm"] == arm].set_index("problem")
            shared = ours.index.intersection(theirs.index)
            if len(shared) < 2:
                continue
            row: dict[str, Any] = {"budget": int(budget), "arm": arm, "replicates": len(shared)}
            signs = {}
            for name, margin in ((TRAINING, SAME), (HIDDEN, 0.0)):
                difference = (ours.loc[shared, name] - theirs.loc[shared, name]).to_numpy(np.float64)
                mean, half = float(difference.mean()), _half_width(difference)
                row |= {name: mean, f"{name}_low": mean - half, f"{name}_high": mean + half}
                signs[name] = -1 if mean + half < -margin else 1 if mean - half > margin else 0
                if margin and abs(mean) + half <= margin:
                    signs[name] = 2  # level
            row["hidden_change"] = float(ours.loc[shared, HIDDEN].mean() / theirs.loc[shared, HIDDEN].mean() - 1)
            row["metrics_smaller"] = sum(
                bool(ours.loc[shared, m].mean() < theirs.loc[shared, m].mean()) for m in HEADLINE
            )
            row["verdict"] = _verdict(signs[TRAINING], signs[HIDDEN])
            found.append(row)
    return pd.DataFrame(found)


def _half_width(difference: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Half of the interval of the mean of a difference over replicates."""
    size = difference.size
    return float(student.ppf(0.5 + LEVEL / 2, size - 1) * difference.std(ddof=1) / np.sqrt(size))


def _verdict(training: int, hidden: int) -> str:
    """In words: −1 smaller, 1 larger, 2 level, 0 not told apart."""
    if hidden == 0:
        return {-1: "better on training", 1: "worse on training", 2: "level"}.get(training, "undecided")
    word = "better" if hidden < 0 else "worse"
    if training in (hidden, 0):
        return f"{word} on both" if training == hidden else f"{word} on the hidden error"
    return f"{word} on the hidden error, level on training" if training == 2 else "trade-off"
