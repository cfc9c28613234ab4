"""Performance profiles: on what share of the comparisons a method is within a factor of the best (Dolan & Moré 2002).

A comparison is one problem, split and budget that several methods served; a method is there at the arm (as fitted, or
refit) that has the smaller mean error over all of them, its error the mean over seeds. With r the error over the least
one there, ρ(τ) is the share of comparisons with r ≤ τ: ρ(1) how often it is best, and a method that did not serve a
budget is within no factor. Which methods take part decides what is best, so adding one can turn the order of others
(Gould & Scott 2016): read ρ near 1 as a count, and the rest as how bad the bad cases are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from frontier.analysis.arena import judged_by
from frontier.results.schema import settled

FACTORS = (1.0, 1.05, 1.1, 1.25, 1.5, 2.0)
LEAST = 5  # comparisons: of fewer a share says nothing
COMPARISON = ["problem", "split", "budget"]
HELD_OUT = "heldout_capped_mare"


def profiles(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per label: refit, comparisons, served, `within_<factor>` (shares), worst and median ratio.

    The method that is within 1.1 most often comes first. Empty for a run with fewer than five comparisons.
    """
    metric = judged_by(cells, HELD_OUT)
    if metric not in cells.columns:
        return pd.DataFrame()
    rows = cells[settled(cells) & cells["budget"].notna() & cells[metric].notna()]
    errors = rows.groupby([*COMPARISON, "label", "refit"])[metric].mean().astype(float)
    if errors.empty:
        return pd.DataFrame()
    arms = errors.groupby(["label", "refit"]).agg(["mean", "size"]).reset_index()
    arms = arms.sort_values(["size", "mean"], ascending=[False, True], kind="stable").drop_duplicates("label")
    table = errors.unstack(["label", "refit"])[list(zip(arms["label"], arms["refit"], strict=True))]
    table = table[table.notna().sum(axis=1) > 1]
    if len(table) < LEAST:
        return pd.DataFrame()
    best = table.min(axis=1)
    ratio = table.div(best.where(best > 0, np.nan), axis=0).where(table.gt(best, axis=0) | table.isna(), 1.0)
    found = []
    for label, refit in arms[["label", "refit"]].itertuples(index=False):
        own = ratio[label, refit]
        row = {"label": label, "refit": refit, "comparisons": len(table), "served": int(own.notna().sum())}
        row |= {f"within_{factor:g}": float((own <= factor).mean()) for factor in FACTORS}
        found.append(row | {"median": float(own.median()), "worst": float(own.max())})
    order = ["within_1.1", "within_1", "label"]
    return pd.DataFrame(found).sort_values(order, ascending=[False, False, True], ignore_index=True)
