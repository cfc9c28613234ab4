"""Does the seed decide which records a method keeps? Its stability over seeds (`analysis/stability.py`), at each size.

A point is a λ or a budget as fitted. Selections that keep next to nothing or nearly all are told like the others: the
index corrects for what chance would have in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from frontier.analysis.intervals import LEVEL, with_limits
from frontier.analysis.stability import EXCELLENT, stability
from frontier.results.run import Run
from frontier.results.schema import POINT
from frontier.results.supports import SHARED
from frontier.study.claims.model import (
    FAILS,
    HOLDS,
    Verdict,
    conclude,
    corrected_level,
    fits_of,
    floats,
    published,
    ruled,
)

METHOD = "hard_concrete"
BESIDE = ("pps_sample", "balanced_sample", "random_reweight")  # drawn at random: what no learning comes to
LEAST_SEEDS = 3


def steady(results: Mapping[str, Run]) -> Verdict:
    """The judge of "Hard Concrete keeps the same records whatever the seed"."""
    found = [(name, run, part) for name, run in results.items() for part in _points(run, METHOD)]
    level = corrected_level(max(1, len(found)))
    rows = []
    for name, run, part in found:
        row = _row(run, part, level) | {"experiment": name}
        low, high = row["stability_low"], row["stability_high"]
        rows.append(row | {"verdict": ruled(holds=low > EXCELLENT, fails=high < EXCELLENT)})
    drawn = [_row(run, part) for run in results.values() for method in BESIDE for part in _points(run, method)]
    return conclude(rows, lambda evidence: _tell(evidence, pd.DataFrame(drawn)), what="{records:,.0f} records")


def _tell(evidence: pd.DataFrame, drawn: pd.DataFrame) -> tuple[str, str]:
    told = [f"{problem} {_range(part)} over {len(part)} sizes" for problem, part in evidence.groupby("problem")]
    small = evidence.loc[evidence.groupby("problem")["records"].idxmin()]
    common = [
        f"{row['problem']} {row['records']:,.0f} records, of which two seeds share {row['shared_records']:,.0f}"
        for row in small.to_dict("records")
    ]
    counts = evidence["verdict"].value_counts()
    reason = (
        f"Stability (1: the same records for every seed, 0: as many in common as by chance): {'; '.join(told)}; "
        f"above {EXCELLENT} at {counts.get(HOLDS, 0)} of {len(evidence)} sizes, below at {counts.get(FAILS, 0)}."
    )
    detail = f"The smallest selections: {'; '.join(common)}."
    if len(drawn):
        told = [f"{method} {_range(part)}" for method, part in drawn.groupby("method")]
        detail += f" What is drawn at random: {'; '.join(told)}."
    return reason, detail


def _range(part: pd.DataFrame) -> str:
    return f"{part['stability'].min():z.2f} to {part['stability'].max():z.2f}"


def _points(run: Run, method: str) -> list[pd.DataFrame]:
    """The settled fits of every λ or budget, one row a seed."""
    if SHARED not in run.cells.columns:
        return []
    rows = fits_of(published(run), method)
    parts = [part for _, part in rows.groupby(list(POINT), dropna=False, sort=True)]
    return [part for part in parts if len(part) >= LEAST_SEEDS and part[SHARED].notna().all()]


def _row(run: Run, part: pd.DataFrame, level: float = LEVEL) -> dict[str, Any]:
    problem = str(part["problem"].iloc[0])
    kept, shared = floats(part["n_active"]), floats(part[SHARED])
    index = stability(kept, shared, int(run.manifest["problems"][problem]["n_records"]), level)
    row: dict[str, Any] = {
        "method": str(part["method"].iloc[0]),
        "problem": problem,
        "split": str(part["split"].iloc[0]),
    }
    row |= {"seeds": len(part), "records": float(kept.mean()), SHARED: float(shared.mean())}
    return row | with_limits("stability", index)
