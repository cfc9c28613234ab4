"""Time to a gap: how long convex methods took for solutions that the harness certifies to within ε of the optimum.

A point is one problem, split, λ or budget, and seed as fitted; its relative gap is that of its certificate, its seconds
those of the fit, a share of the path's where a path was solved at once. A method that reached a gap by stopping there
is charged for no more; one with a single tolerance has the same seconds at every ε that it passed. To draw a method's
whole curve, list it with several tolerances.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from frontier.results.schema import has_weights, is_first_repeat

GAPS = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10)
TIMED = ("clean", "amortised")  # alone on its threads: others may not be compared


def time_to_gap(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per label with a gap and comparable seconds: points, and for each ε of `GAPS` share reached and seconds.

    `reached_<ε>` is the share of its points with a gap of at most ε, `seconds_<ε>` the median of these. Labels that are
    fastest at the smallest gap come first. Empty without certified gaps.
    """
    known = cells[
        has_weights(cells) & is_first_repeat(cells) & (cells["refit"] == "none") & cells["timing"].isin(TIMED)
        & cells["relative_gap"].notna() & cells["fit_seconds"].notna()
    ]  # fmt: skip
    rows = []
    for label, part in known.groupby("label", sort=True):
        gaps, seconds = (part[name].to_numpy(np.float64) for name in ("relative_gap", "fit_seconds"))
        row: dict[str, object] = {"label": str(label), "points": len(part)}
        for gap in GAPS:
            inside = gaps <= gap
            row |= {f"reached_{gap:g}": float(inside.mean())}
            row |= {f"seconds_{gap:g}": float(np.median(seconds[inside])) if inside.any() else float("nan")}
        rows.append(row)
    order = [f"reached_{GAPS[-1]:g}", f"seconds_{GAPS[0]:g}"]
    return pd.DataFrame(rows).sort_values(order, ascending=[False, True], ignore_index=True) if rows else pd.DataFrame()
