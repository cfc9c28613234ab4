"""Does one frontier dominate another: at every size of the other a smaller error with no more records?

A point of a method is one λ or budget, as its mean over seeds. A rival's point of k records is compared with the best
point of the claimed winner among those of at most 1.02 k records (the tolerance of a budget). Choosing the best by the
error that is compared favours the claim. The difference has a Welch interval over seeds, Bonferroni-corrected for the
rival's points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.intervals import difference_interval
from frontier.core.arrays import FloatArray
from frontier.core.point import BUDGET_TOLERANCE
from frontier.results.run import Run
from frontier.results.schema import selected, settled
from frontier.study.claims.model import (
    FAILS,
    HOLDS,
    UNDECIDED,
    Judge,
    Verdict,
    Word,
    conclude,
    corrected_level,
    floats,
    published,
    ruled,
    single_draw,
)

RIVAL = "hard_concrete"
METRICS = {"heldout_capped_mare": "held-out", "train_capped_mare": "training"}  # at most 100% a target
ARMS = {"none": "as fitted", "fitted": "refit"}
SETTING = ["metric", "problem", "split", "arm", "experiment"]


def dominates(method: str) -> Judge:
    """The judge of "`method` dominates the entire frontier of Hard Concrete", over every result that has both."""

    def judge(results: Mapping[str, Run]) -> Verdict:
        settings = [
            {"experiment": name} | row for name, run in results.items() for row in _settings(published(run), method)
        ]
        evidence = pd.DataFrame(settings)
        if settings:
            evidence = evidence.sort_values(SETTING, ignore_index=True)
        return conclude(evidence, _tell, what="{metric}, {arm}")

    return judge


def _tell(evidence: pd.DataFrame) -> tuple[str, str]:
    parts = [(str(metric), part) for metric, part in evidence.groupby("metric", sort=True)]
    return " ".join(_told(metric, part) for metric, part in parts), " ".join(_by_problem(*part) for part in parts)


def _told(metric: str, evidence: pd.DataFrame) -> str:
    """In how many settings it dominates, and at how many sizes each has the smaller error."""
    n = evidence[["sizes", "l1_better", "l0_better"]].sum()
    holding = int((evidence["verdict"] == HOLDS).sum())
    return (
        f"By {metric} error it dominates in {holding} of {len(evidence)} settings; of {n['sizes']} sizes L1 has the "
        f"smaller error at {n['l1_better']}, Hard Concrete at {n['l0_better']}, and the seeds leave the rest open."
    )


def _by_problem(metric: str, evidence: pd.DataFrame) -> str:
    """The same sizes by problem."""
    parts = []
    for problem, part in evidence.groupby("problem", sort=True):
        n = part[["sizes", "l1_better", "l0_better", "l1_absent"]].sum()
        absent = f" ({n['l1_absent']} for want of an L1 point that small)" if n["l1_absent"] else ""
        parts.append(f"{problem} {n['l1_better']} and {n['l0_better']}{absent} of {n['sizes']}")
    return f"Sizes with a smaller {metric} error of L1 and of Hard Concrete: {', '.join(parts)}."


def _settings(cells: pd.DataFrame, method: str) -> list[dict[str, Any]]:
    rows = []
    sized = cells.assign(n_active=selected(cells))
    for (problem, split, refit), part in sized[settled(cells)].groupby(["problem", "split", "refit"], sort=True):
        if str(refit) not in ARMS or not {RIVAL, method} <= set(part["method"]):
            continue
        for metric, name in METRICS.items():
            found = compare(part[part["method"] == method], part[part["method"] == RIVAL], metric)
            if found:
                rows.append(
                    {"problem": str(problem), "split": str(split), "arm": ARMS[str(refit)], "metric": name} | found
                )
    return rows


def compare(winner: pd.DataFrame, rival: pd.DataFrame, metric: str) -> dict[str, Any]:
    """How often each is better over the rival's points, the largest differences, and the setting's verdict."""
    ours, theirs = _points(winner, metric), _points(rival, metric)
    if not ours or not theirs:
        return {}
    level = corrected_level(len(theirs))
    words: list[Word] = []
    absent, differences = 0, []
    for size, errors, lonely in theirs:
        small = [point for point in ours if point[0] <= size * (1 + BUDGET_TOLERANCE)]
        best = min(small, key=lambda point: float(point[1].mean()), default=None)
        if best is None:
            words.append(FAILS)
            absent += 1
            continue
        mean, low, high = difference_interval(best[1], errors, level, lonely=lonely or best[2])
        differences.append(mean)
        words.append(ruled(holds=high < 0, fails=low > 0))
    sizes = [size for size, _, _ in theirs]
    return {
        "sizes": len(theirs),
        "smallest_records": min(sizes),
        "largest_records": max(sizes),
        "l1_better": words.count(HOLDS),
        "l0_better": words.count(FAILS),
        "l1_absent": absent,
        "undecided": words.count(UNDECIDED),
        "least_error_difference": min(differences, default=float("nan")),
        "largest_error_difference": max(differences, default=float("nan")),
        "verdict": ruled(holds=set(words) == {HOLDS}, fails=FAILS in words),
    }


def _points(cells: pd.DataFrame, metric: str) -> list[tuple[float, FloatArray, bool]]:
    """Mean size and errors over seeds of every λ or budget, empty solutions included, and whether it is one draw."""
    known = cells[cells[metric].notna()]
    found = []
    for _, part in known.groupby(["label", "lam", "budget"], dropna=False, sort=True):
        errors = floats(part[metric])
        if np.isfinite(errors).all():
            found.append((float(part["n_active"].mean()), errors, single_draw(part)))
    return found
