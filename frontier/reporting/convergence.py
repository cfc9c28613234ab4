"""Convergence traces for the page: one seed and one split per point, thinned to what a screen can show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

STEPS = 60  # values kept of a trace, spread evenly over the logarithm of the step
AXES = ("iteration", "epoch")  # a trace that says where it was taken is drawn against that
ONE_TARGET = "estimate_"  # as log-space fits name the estimates of single targets: too many for a page


def thinned_traces(ready: pd.DataFrame, traces: pd.DataFrame | None) -> list[dict[str, Any]]:
    """One entry per problem, label and point (first split and seed) and quantity: `x`, `y` and what `x` counts."""
    if traces is None or traces.empty:
        return []
    fitted = ready[(ready["refit"] == "none") & (ready["repeat"] == 0)]
    by_cell = {str(cell): some for cell, some in traces.groupby(traces["cell"].astype(str), sort=False)}
    fitted = fitted[fitted["cell"].isin(list(by_cell))]
    chosen = fitted.sort_values(["split", "seed"], kind="stable").drop_duplicates(["problem", "label", "lam", "budget"])
    found: list[dict[str, Any]] = []
    for row in chosen.sort_values(["problem", "label", "lam", "budget"]).to_dict("records"):
        quantities = {
            str(name): some.sort_values("step")["value"].to_numpy(dtype=np.float64)
            for name, some in by_cell[row["cell"]].groupby("quantity", sort=True)
        }
        axis = next((name for name in AXES if name in quantities), None)
        for name, values in quantities.items():
            if name == axis or name.startswith(ONE_TARGET) or not np.isfinite(values).any():
                continue
            across = np.arange(1.0, len(values) + 1) if axis is None else quantities[axis][: len(values)]
            kept = _spread(len(across))
            point = {key: row[key] for key in ("problem", "split", "label", "lam", "budget", "seed")}
            found.append({**point, "quantity": name, "axis": axis or "step", "x": across[kept], "y": values[kept]})
    return found


def _spread(number: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """At most `STEPS` positions of `number`, the first and the last among them."""
    if number <= STEPS:
        return np.arange(number)
    return np.unique(np.round(np.geomspace(1, number, STEPS)).astype(np.intp)) - 1
