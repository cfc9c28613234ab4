"""What verdicts on pairs say of each arm: its mean error in every band, whom it beats, and who beats it.

Input is the frame of `frontier.analysis.pairwise`, one row per pair of arms in a band. Here every pair is seen from
both sides, an *arm* against a *rival*; differences turn their sign with the side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from frontier.reporting.arms import Arm
from frontier.reporting.numbers import count

BETTER, WORSE, EQUIVALENT, UNDECIDED = "better", "worse", "equivalent", "undecided"
SIDES = {
    "a": {"A better": BETTER, "B better": WORSE},
    "b": {"A better": WORSE, "B better": BETTER},
}

ALPHA = 0.05  # of the adjusted tests (`frontier.analysis.paired_test`)


def band_name(low: float, high: float) -> str:
    """`300–1,000 records`."""
    return f"{count(round(low))}–{count(round(high))} records"


def points(delta: float) -> str:
    """`1 percentage point`, `0.5 percentage points`."""
    return f"{100 * delta:g} percentage point{'' if delta == 0.01 else 's'}"


def both_sides(frame: pd.DataFrame) -> pd.DataFrame:
    """Two rows per pair: `arm` and `rival` (label, refit), `difference` = arm − rival with its ends, `verdict` on arm.

    `leaning` is better or worse where the unadjusted 95% interval excludes 0, else empty; not where it is exact.
    `torn`: the adjusted test finds a difference, but held-out families disagree about its sign, so there is no winner.
    """
    sides = []
    for own, other in (("a", "b"), ("b", "a")):
        side = frame.assign(
            arm=pd.Series(_arms(frame, own), index=frame.index, dtype=object),
            rival=pd.Series(_arms(frame, other), index=frame.index, dtype=object),
            mean=frame[f"mean_{own}"],
            verdict=frame["verdict"].replace(SIDES[own]),
        )
        if own == "b":
            ends = {"difference_low": -frame["difference_high"], "difference_high": -frame["difference_low"]}
            side = side.assign(difference=-frame["difference"], **ends)
        sides.append(side)
    found = pd.concat(sides, ignore_index=True)
    tested = found["p_value"].notna()
    found["torn"] = torn(found)
    found["leaning"] = ""
    found.loc[tested & (found["difference_high"] < 0), "leaning"] = BETTER
    found.loc[tested & (found["difference_low"] > 0), "leaning"] = WORSE
    return found


def torn(frame: pd.DataFrame) -> pd.Series:
    """Which comparisons have no winner only because held-out families disagree."""
    different = (frame["p_adjusted"] <= ALPHA) & ~frame["families_agree"].astype(bool)
    return different & (frame["verdict"] == UNDECIDED)


def _arms(frame: pd.DataFrame, side: str) -> list[Arm]:
    names = (frame[f"{column}_{side}"].astype(str).tolist() for column in ("label", "refit"))
    return list(zip(*names, strict=True))


def standings(sides: pd.DataFrame) -> pd.DataFrame:
    """One row per band and arm of one problem and design: `mean` error, and how many rivals in each verdict."""
    rows: list[dict[str, Any]] = []
    for (band, low, high, arm), some in sides.groupby(["band", "low", "high", "arm"], sort=True):
        verdicts: Mapping[Any, int] = some["verdict"].value_counts().to_dict()
        most = some[some["n_splits"] == some["n_splits"].max()]  # a rival may share fewer splits
        row: dict[str, Any] = {"band": band, "low": low, "high": high, "arm": arm, "mean": float(most["mean"].median())}
        rows.append(row | {name: verdicts.get(name, 0) for name in (BETTER, WORSE, EQUIVALENT, UNDECIDED)})
    return pd.DataFrame(rows)


def ranked(table: pd.DataFrame) -> list[Arm]:
    """The arms of `standings`, the lowest errors first: by their mean distance from the mean of each band's arms."""
    distance = table["mean"] - table.groupby("band")["mean"].transform("mean")
    return list(distance.groupby(table["arm"]).mean().sort_values(kind="stable").index)
