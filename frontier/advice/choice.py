"""The choice among trials: the totals first, then what is lost; what seeds cannot tell apart is level.

At each budget an arm is *in order* when it is of the size asked for, its mean error on the totals is at most 1%, or
twice the smallest of any arm there where none comes so far, and its total weight is within 10% of the whole file's. Of
those in order the one that loses least is taken (least error on the totals where nothing is known to be lost), of a
method's arms and then of the methods. Level with it are methods in order whose range over seeds overlaps with its own,
or that lose less than a point more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

TOLERANCE = 0.01  # mean relative error on the totals that nobody asks to improve
AS_GOOD = 2.0  # times the smallest error, where that is above the tolerance
LEVEL = 0.01  # of what is lost
MOST_MOVED = 0.10  # of the total weight
LOST, DISTRIBUTION = "truth_capped", "truth_distribution"
MEANS = {
    **{"records": "n_active", "error": "train_mare", "worst": "train_max_are", "weight": "total_weight"},
    **{"ess": "ess", "largest": "max_weight_ratio", "lost": LOST, "distribution": DISTRIBUTION},
}
KEYS = ["budget", "method", "refit"]


def arms(trials: pd.DataFrame, whole_weight: float) -> pd.DataFrame:
    """A row for each budget, method and arm: means over seeds, the range of what is lost, whether it is in order."""
    usable = trials[trials["train_mare"].notna()]
    columns: dict[str, tuple[str, str]] = {name: (source, "mean") for name, source in MEANS.items()}
    columns |= {"lost_least": (LOST, "min"), "lost_most": (LOST, "max"), "seeds": (LOST, "size")}
    columns |= {"reached": ("budget_reached", "all")}
    found = usable.groupby(KEYS, sort=True).agg(**columns).reset_index()
    found["weight"] /= whole_weight
    best = found[found["reached"]].groupby("budget")["error"].min()
    bound = np.maximum(TOLERANCE, AS_GOOD * found["budget"].map(best))
    found["meets"] = found["reached"] & (found["error"] <= bound)
    found["in_order"] = found["meets"] & (np.abs(found["weight"] - 1) <= MOST_MOVED)
    return found


def table(trials: pd.DataFrame, whole_weight: float, *, fewest: bool = False) -> pd.DataFrame:
    """A row for each budget and method, at its best arm, the best first; `chosen` and `level` say which are taken.

    With `fewest` a row for each method, and the fewest records are taken.
    """
    found = arms(trials, whole_weight)
    rank = np.select([~found["reached"], ~found["meets"], ~found["in_order"]], [3, 2, 1], 0)
    # what is not in order for the totals is ordered by how far it misses them, as is all where no loss is known
    order = np.where((rank == 2) | found["lost"].isna(), found["error"], found["lost"])
    found = found.assign(rank=rank, order=order)
    found = found.sort_values(["budget", "rank", "order", "method", "refit"], kind="stable")
    found = found.drop_duplicates(["budget", "method"])
    if fewest:
        found = found.sort_values(["rank", "records"], kind="stable").assign(level=False)
        found["chosen"] = np.arange(len(found)) == 0
    else:
        found["chosen"] = ~found.duplicated("budget")
        first = found.groupby("budget").transform("first")
        close = (found["lost_least"] <= first["lost_most"]) | (found["lost"] - first["lost"] < LEVEL)
        found["level"] = ~found["chosen"] & (found["rank"] == first["rank"]) & close
    return found.drop(columns=["order", "rank"]).reset_index(drop=True)


def sacrificed(found: pd.DataFrame, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The method of the same budget that loses clearly less than the chosen `row`, but is not in order; or None."""
    others = found[(found["budget"] == row["budget"]) & (found["lost"] < row["lost"] - LEVEL) & ~found["chosen"]]
    if others.empty:
        return None
    least = others.nsmallest(1, "lost").to_dict("records")[0]
    return {str(name): value for name, value in least.items()}
