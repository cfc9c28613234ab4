"""Does a file selected to meet the totals keep the distribution: quantiles, Gini and poverty rate of an income?

Judged where the truth is known (`problems/census_arena.py`): the error of the distribution of each selection as fitted,
minus that of a probability sample of the same size from the dense calibrated weights, with nothing fitted after. Every
problem is an independent sample, so the difference is a paired t test over them, Bonferroni over the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.intervals import mean_interval, with_limits
from frontier.results.run import Run
from frontier.results.schema import settled
from frontier.study.claims.model import FAILS, HOLDS, Verdict, conclude, corrected_level, labels_of, ruled

DISTRIBUTION = "truth_distribution"
SELECTIONS = ("hard_concrete", "anchored_l1", "coreset")


def keeps(results: Mapping[str, Run]) -> Verdict:
    """The judge of "a file selected to meet the totals keeps the distribution"."""
    pairs = [pair for name, run in results.items() for pair in _pairs(name, run)]
    level = corrected_level(max(1, len(pairs)))
    rows = [row | _compare(*errors, level) for row, errors in pairs]
    return conclude(rows, _tell, what="{method}", where="{experiment}, {budget:,} records")


def _pairs(name: str, run: Run) -> list[tuple[dict[str, Any], tuple[pd.Series[Any], pd.Series[Any]]]]:
    if DISTRIBUTION not in run.cells.columns:
        return []
    rows = run.cells[settled(run.cells)]
    rows = rows[(rows["refit"] == "none") & rows["budget"].notna()]
    sampled = labels_of(run, "pps_sample", {"dense": "anchored_l1"})
    found = []
    for budget in sorted(rows["budget"].unique().tolist()):
        part = rows[rows["budget"] == budget]
        sample = part[part["label"].isin(sampled[:1])].set_index("problem")[DISTRIBUTION]
        for method, fits in part[part["method"].isin(SELECTIONS)].groupby("method", sort=True):
            errors = fits.set_index("problem")[DISTRIBUTION]
            shared = errors.index.intersection(sample.index)
            if len(shared) > 1:
                row = {"experiment": name, "method": str(method), "budget": int(budget), "samples": len(shared)}
                found.append((row, (errors.loc[shared], sample.loc[shared])))
    return found


def _compare(errors: pd.Series[Any], sample: pd.Series[Any], level: float) -> dict[str, Any]:
    interval = mean_interval((errors - sample).to_numpy(np.float64), level)
    row = {"distribution_error": float(errors.mean()), "sample_distribution_error": float(sample.mean())}
    verdict = ruled(holds=interval[2] < 0, fails=interval[1] > 0)
    return row | with_limits("difference_error", interval) | {"verdict": verdict}


def _tell(evidence: pd.DataFrame) -> tuple[str, str]:
    told = [
        f"{method} better in {int((part['verdict'] == HOLDS).sum())} and worse in "
        f"{int((part['verdict'] == FAILS).sum())} of {len(part)}"
        for method, part in evidence.groupby("method", sort=True)
    ]
    return f"Than a probability sample of the same size: {'; '.join(told)} arenas and budgets.", ""
