"""How many times faster L1 is than L0, a fit against a fit, from timings taken alone on their threads.

`ratio = seconds of an L0 cell / seconds of an L1 cell`. An L0 cell is one λ and seed trained for the epochs that the
grid of its problem asks for, `epochs · Σ fit_seconds / Σ n_iter` (its cost is proportional to epochs, so a slow peer
need not be run to the end); an L1 cell is one λ: the share of its path, or one run of stratified raking. The range is
over repeats or runs: least L0 over most L1 to most L0 over least L1.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.intervals import with_limits
from frontier.analysis.regression.timings import MACHINE
from frontier.analysis.speed import ALONE
from frontier.core.arrays import FloatArray
from frontier.core.status import ENDED_WELL
from frontier.results.run import Run
from frontier.study.claims.model import Verdict, conclude, ruled

CLAIMED = (12.0, 90.0)  # faster than that is no less true
L0_PEER = "peers.l0_python"
L0 = {  # the method, and whether its cells are solved together
    "l0-python, one fit after another": (L0_PEER, False),
    "ours, one cell": ("hard_concrete", False),
    "ours, a cell of a grid": ("hard_concrete", True),
}
L1 = {
    "published (stratified raking)": "stratified_raking",
    "ours (NN-LASSO path)": "nn_lasso",
}
PAIRS = (  # what is compared: old with old, ours with ours, and the mixture
    ("l0-python, one fit after another", "published (stratified raking)"),
    ("ours, one cell", "ours (NN-LASSO path)"),
    ("ours, a cell of a grid", "ours (NN-LASSO path)"),
    ("l0-python, one fit after another", "ours (NN-LASSO path)"),
)


def speed(results: Mapping[str, Run]) -> Verdict:
    """The judge of "the L1 solver is 12-90 times faster"; ratios are of timings from one machine."""
    by_machine: dict[tuple[Any, ...], list[pd.DataFrame]] = {}
    for run in results.values():
        if run.manifest.get("jobs", 1) == 1:
            machine = tuple((run.manifest.get("machine") or {}).get(fact) for fact in MACHINE)
            by_machine.setdefault(machine, []).append(_with_peer(alone(run.cells)))
    rows = [row for parts in by_machine.values() for row in _ratios(pd.concat(parts))]
    return conclude(rows, _tell, what="{l0} against {l1}")


def _ratios(cells: pd.DataFrame) -> list[dict[str, Any]]:
    """Every pair of an L0 and an L1 on every problem, from timings of one machine."""
    rows = []
    for (slow, fast), (problem, part) in itertools.product(PAIRS, cells.groupby("problem", sort=True)):
        method, together = L0[slow]
        timed = part[part["with_peer"]]
        grid = timed[(timed["method"] == "hard_concrete") & timed["together"]]
        left = timed[(timed["method"] == method) & (timed["together"] == together)]
        right = part[part["method"] == L1[fast]]
        if grid.empty or left.empty or right.empty:
            continue
        epochs = float(grid["n_iter"].max())
        rows.append(
            {"problem": str(problem), "l0": slow, "l1": fast, "epochs": epochs}
            | {"l0_threads": int(left["threads"].max()), "l1_threads": int(right["threads"].max())}
            | _ratio(_per_epoch(left) * epochs, _per_point(right))
        )
    return rows


def _tell(evidence: pd.DataFrame) -> tuple[str, str]:
    told = [
        f"{slow} against {fast}: " + ", ".join(f"{r['problem']} {_times(r['ratio'])}" for r in part.to_dict("records"))
        for (slow, fast), part in evidence.groupby(["l0", "l1"], sort=False)
    ]
    least = int((evidence["ratio_low"] >= CLAIMED[0]).sum())
    more = int((evidence["ratio_low"] > CLAIMED[1]).sum())
    reason = (
        f"{_times(evidence['ratio'].min())} to {_times(evidence['ratio'].max())} as fast, a fit against a fit: at "
        f"least {CLAIMED[0]:.0f} times in {least} of {len(evidence)} comparisons, more than {CLAIMED[1]:.0f} times in "
        f"{more}."
    )
    return reason, f"Times as fast, {'; '.join(told)}."


def alone(cells: pd.DataFrame) -> pd.DataFrame:
    """Finished cells as fitted whose timings may be compared."""
    done = cells["status"].isin(ENDED_WELL) & (cells["refit"] == "none")
    return cells[done & cells["timing"].isin(ALONE)]


def _with_peer(cells: pd.DataFrame) -> pd.DataFrame:
    """The same cells, with whether l0-python ran beside them, and whether a cell was solved together with others."""
    return cells.assign(
        with_peer=bool((cells["method"] == L0_PEER).any()),
        together=(cells["batch_size"] > 1).fillna(value=False).astype(bool) & (cells["method"] != L0_PEER),
    )


def _per_epoch(cells: pd.DataFrame) -> FloatArray:
    """Seconds of an epoch of a cell, by repeat."""
    sums = cells.groupby("repeat")[["fit_seconds", "n_iter"]].sum()
    return np.asarray(sums["fit_seconds"] / sums["n_iter"], dtype=np.float64)


def _per_point(cells: pd.DataFrame) -> FloatArray:
    """Seconds of a point: means by repeat of a path, or one number for each cell that ran by itself."""
    if (cells["timing"] == "clean").all():
        return np.asarray(cells["fit_seconds"], dtype=np.float64)
    return np.asarray(cells.groupby(["label", "repeat"])["fit_seconds"].mean(), dtype=np.float64)


def _ratio(slow: FloatArray, fast: FloatArray) -> dict[str, Any]:
    low, high = float(slow.min() / fast.max()), float(slow.max() / fast.min())
    slow_seconds, fast_seconds = float(np.median(slow)), float(np.median(fast))
    return (
        {"l0_seconds": slow_seconds, "l1_seconds": fast_seconds}
        | with_limits("ratio", (slow_seconds / fast_seconds, low, high))
        | {"verdict": ruled(holds=low >= CLAIMED[0], fails=high < CLAIMED[0])}
    )


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.2g}×"
