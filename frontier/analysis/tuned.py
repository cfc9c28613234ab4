"""Defaults against tuned settings on what judged neither, budget by budget, and whether the order of methods survives.

The error is of hidden targets where a truth is known, else of held-out ones. Each side has the weights (as fitted or
refit) that were best on the inner hold-outs, so nothing is chosen here. A difference is over the problems and splits
of the comparison, paired; its interval is Student's t over them, none for a single one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.arena import judged_by
from frontier.analysis.intervals import mean_interval, with_limits
from frontier.results.schema import has_weights, is_first_repeat, is_hollow

HELD_OUT = "heldout_mare"


def tuned_table(cells: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """One row per method and budget: error of the default and of the tuned settings, their difference, the search.

    Columns: label (of the default), budget, searched, default, tuned (mean errors), difference with limits, pairs,
    trials, refused, failed, cpu_seconds (means over searches), inner_default, inner_tuned (losses that chose),
    settings, failure (why a trial failed), of_default and of_tuned (errors by problem and split). Empty for a run
    that nothing was tuned for.
    """
    found = pd.DataFrame(list(manifest.get("tuned") or ()))
    if found.empty:
        return found
    rows = [_row(part, cells, manifest) for _, part in found.groupby(["default", "budget"], sort=False, dropna=False)]
    return pd.DataFrame([row for row in rows if row["pairs"]])


def _row(part: pd.DataFrame, cells: pd.DataFrame, manifest: Mapping[str, Any]) -> dict[str, Any]:
    metric = judged_by(cells, HELD_OUT)
    usable = cells[has_weights(cells) & ~is_hollow(cells) & is_first_repeat(cells)]
    before: dict[tuple[str, str], float] = {}
    after: dict[tuple[str, str], float] = {}
    for one in part.to_dict("records"):
        where = usable if not one["problem"] else usable[
            (usable["problem"] == one["problem"]) & (usable["split"] == one["split"])
        ]  # fmt: skip
        for (problem, split), some in where.groupby(["problem", "split"], sort=False):
            n = manifest["problems"][problem]["n_records"]
            sides = [_error(some, *arm, one["budget"], n, metric) for arm in _arms(one)]
            if np.isfinite(sides).all():
                before[str(problem), str(split)], after[str(problem), str(split)] = sides
    first = part.iloc[0]
    default, tuned = np.array(list(before.values())), np.array(list(after.values()))
    seconds = part.groupby(["problem", "split"])["cpu_seconds"].first()
    row = {
        **{"label": first["default"], "budget": first["budget"], "searched": first["label"] != first["default"]},
        **{"default": default.mean() if before else np.nan, "tuned": tuned.mean() if after else np.nan},
        **{"pairs": len(before), "trials": part["trials"].mean(), "refused": part["refused"].mean()},
        **{"failed": part["failed"].mean(), "cpu_seconds": float(seconds.mean())},
        **{"inner_default": part["inner_default"].mean(), "inner_tuned": part["inner_tuned"].mean()},
        **{"settings": list(part["settings"]), "failure": next(filter(None, part.get("failure", [])), "")},
        **{"of_default": before, "of_tuned": after},
    }
    return row | (with_limits("difference", mean_interval(tuned - default)) if before else {})


def _arms(one: Mapping[Any, Any]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Label and weights of the default, and of the tuned settings."""
    return (one["default"], one["default_refit"]), (one["label"], one["refit"])


def _error(some: pd.DataFrame, label: str, refit: str, budget: float | None, n: int, metric: str) -> float:
    """The mean error over seeds of one arm at a budget."""
    own = some[(some["label"] == label) & (some["refit"] == refit)]
    if budget is None or np.isnan(budget):
        own = own[own["budget"].isna()]
    else:
        own = own[own["budget"] == (round(budget * n) if budget < 1 else budget)]
    return float(own[metric].astype(float).mean()) if len(own) else float("nan")


def orders(table: pd.DataFrame) -> pd.DataFrame:
    """One row per budget: methods from the least error on, as configured and as tuned, and Kendall's τ of the two.

    `lead` is by how much the best tuned method errs less than the next one, paired, with its limits.
    """
    rows = []
    for budget, part in table.groupby("budget", sort=True, dropna=False):
        if len(part) < 2:
            continue
        from scipy import stats  # half a second, which only a run with tuning needs

        tau = float(stats.kendalltau(part["default"], part["tuned"]).statistic)
        sides = {side: list(part.sort_values(side, kind="stable")["label"]) for side in ("default", "tuned")}
        best, second = part.sort_values("tuned", kind="stable")["of_tuned"].iloc[:2]
        both = [second[key] - best[key] for key in best if key in second]
        lead = mean_interval(np.array(both)) if both else (np.nan,) * 3
        rows.append({"budget": budget, "tau": tau} | sides | with_limits("lead", lead))
    return pd.DataFrame(rows, columns=["budget", "tau", "default", "tuned", "lead", "lead_low", "lead_high"])
