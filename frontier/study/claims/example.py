"""microcalibrate's L0 example: how much it drops, "within 10%" in three definitions, and what its +1 does.

Of y the target as published (`target_offset` of the problem added back) and ŷ the estimate at the test-time gates:

    evaluation  |ŷ − y| ≤ 0.1 |y|                       `utils/l0.py` (0.19.1), what a user is told
    log         |ŷ − y| < 0.1 |1 + y|                   `utils/metrics.py: pct_close`, in the training log and in tuning
    loss        |ŷ − y + 1| ≤ 0.1 |1 + y|               the residual that is squared and minimised
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from frontier.study.claims.model import (
    FAILS,
    HOLDS,
    ONLY_IF,
    UNDECIDED,
    FloatArray,
    Results,
    Verdict,
    Word,
    combine,
    condition,
    floats,
    mean_interval,
    percent,
    usable,
)

DROPPED = 0.60
SIZE_TOLERANCE = 0.02  # as for budgets
RELIABLE = 0.8  # what a user gets with fewer than four seeds in five is luck
SOURCE_PROBLEM = "source_loss"
WITHIN: Mapping[str, Callable[[FloatArray, FloatArray], Any]] = {
    "evaluation": lambda estimate, y: np.abs(estimate - y) <= 0.1 * np.abs(y),
    "log": lambda estimate, y: np.abs(estimate - y) < 0.1 * np.abs(1 + y),
    "loss": lambda estimate, y: np.abs(estimate - y + 1) <= 0.1 * np.abs(1 + y),
}
SAME_UNIT = 0.01  # of the shift of 1 that the +1 asks for
ROUNDING = 1e-6  # a shift smaller than this share of 1 is none


def published_targets(run: Results) -> pd.DataFrame:
    """Targets of every usable cell with `y` as published, `estimate`, and what identifies the cell."""
    good = usable(run.cells)
    facts = run.manifest.get("problems") or {}
    offset = {name: float((f.get("meta") or {}).get("target_offset", 0.0)) for name, f in facts.items()}
    joined = run.targets.merge(good[["cell", "problem", "method", "label", "seed", "n_active"]], on="cell")
    return joined.assign(
        y=joined["value"] + joined["problem"].map(offset).fillna(0.0),
        records=joined["problem"].map({name: f.get("n_records") for name, f in facts.items()}),
    )


def drops(results: Mapping[str, Results]) -> Verdict:
    """The judge of "drops 60% of records with every target within 10%", at the published settings and loss."""
    rows: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for run in results.values():
        targets = published_targets(run)
        targets = targets[targets["problem"] == SOURCE_PROBLEM]
        for label, part in targets.groupby("label", sort=True):
            for name in WITHIN:
                row = {"label": str(label), "definition": name} | _within(part, name)
                (rows if (part["method"] == "hard_concrete").all() else others).append(row)
    evidence = pd.DataFrame(rows)
    if evidence.empty:
        return Verdict(UNDECIDED, "")
    word = combine(list(evidence["verdict"]))
    dropped = evidence["dropped_share"]
    reason = (
        f"Over {evidence['seeds'].max()} seeds the fit drops {percent(dropped.min())} to {percent(dropped.max())} of "
        "the records on average, with every target within 10% in at least "
        f"{percent(evidence['within_share'].min())} of the seeds, whatever the definition and the gate."
    )
    only = condition(evidence, ["label"], "definition") if word == ONLY_IF else ""
    points = pd.DataFrame(others).drop(columns="verdict") if others else pd.DataFrame()
    table = pd.concat([evidence, points], ignore_index=True)
    return Verdict(word, reason + _without_a_fit(others), condition=only, evidence=table)


def _without_a_fit(others: list[dict[str, Any]]) -> str:
    """What anybody else gets by the definition that a user is told."""
    told = [
        f"“{row['label']}” ({percent(row['dropped_share'])} dropped, within {percent(row['largest_error'], 2)})"
        for row in others
        if row["definition"] == "evaluation" and row["within_share"] == 1.0
    ]
    return f" So is it with {', '.join(told)}." if told else ""


def _within(part: pd.DataFrame, definition: str) -> dict[str, Any]:
    """Records dropped, and the share of seeds with every target within 10%; a Wilson interval for that share."""
    y, estimate = floats(part["y"]), floats(part["estimate"])
    inside = pd.Series(WITHIN[definition](estimate, y), index=part.index)
    by_cell = part.assign(inside=inside, error=np.abs(estimate - y) / np.abs(y)).groupby("cell")
    every = by_cell["inside"].all().to_numpy(dtype=bool)
    dropped = 1 - floats(by_cell["n_active"].first()) / floats(by_cell["records"].first())
    interval = stats.binomtest(int(every.sum()), every.size).proportion_ci(method="wilson")
    low, high = (float(interval.low), float(interval.high)) if part["seed"].notna().any() else (float("nan"),) * 2
    mean, dropped_low, dropped_high = mean_interval(dropped)
    enough = mean >= DROPPED - SIZE_TOLERANCE
    word: Word = UNDECIDED
    if enough and low >= RELIABLE:
        word = HOLDS
    elif not enough or high < RELIABLE:
        word = FAILS
    return {
        "seeds": int(every.size),
        "dropped_share": mean,
        "dropped_share_low": dropped_low,
        "dropped_share_high": dropped_high,
        "within_share": float(every.mean()),
        "within_share_low": low,
        "within_share_high": high,
        "largest_error": float(by_cell["error"].max().max()),
        "verdict": word,
    }


def moves(results: Mapping[str, Results]) -> Verdict:
    """The judge of "the +1 in the numerator moves the optimum to y − 1": what an exact fit of that loss estimates."""
    rows: list[dict[str, Any]] = []
    for run in results.values():
        targets = published_targets(run)
        targets = targets[(targets["method"] == "dense_nnls") & targets["problem"].str.startswith(SOURCE_PROBLEM)]
        for (problem, label), part in targets.groupby(["problem", "label"], sort=True):
            shift = floats(part["estimate"]) - floats(part["y"])
            error = np.abs(shift) / np.abs(floats(part["y"]))
            word: Word = UNDECIDED
            if np.abs(shift).max() < ROUNDING:
                word = FAILS
            elif np.abs(shift + 1).max() <= SAME_UNIT:
                word = HOLDS
            elif shift.max() < -ROUNDING:
                word = FAILS  # moved, but not to y − 1
            rows.append(
                {"problem": str(problem), "label": str(label), "smallest_target": float(part["y"].min())}
                | {"targets": len(part), "shift_low": float(shift.min()), "shift_high": float(shift.max())}
                | {"least_error": float(error.min()), "largest_error": float(error.max()), "verdict": word}
            )
    evidence = pd.DataFrame(rows)
    if evidence.empty:
        return Verdict(UNDECIDED, "")
    word = combine(list(evidence["verdict"]))
    told = [
        f"{r['problem']}: estimates are {-r['shift_high']:.3f} to {-r['shift_low']:.3f} below their targets, errors of "
        f"{percent(r['largest_error'], 2)} at most"
        for r in rows
    ]
    reason = f"The exact optimum of the loss with the +1: {'; '.join(told)}."
    only = condition(evidence, ["problem"], "label") if word == ONLY_IF else ""
    return Verdict(word, reason, condition=only, evidence=evidence)
