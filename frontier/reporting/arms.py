"""What an arm is called, a label with what its weights are (as fitted or refit), and which two stand for the camps."""

from __future__ import annotations

import pandas as pd

from frontier.analysis.curves import frontier_points

ARMS = {"none": "as fitted", "fitted": "refit", "initial": "refit from w0"}

CAMPS = ("hard_concrete", ("anchored_l1", "nn_lasso"))  # methods; of the second camp the first that there is

Arm = tuple[str, str]  # label, refit


def arm_words(refit: str) -> str:
    """`as fitted`, `refit`, `refit from w0`, with another ρ `refit, ρ = 0.01`; of an unknown kind `refit nnls`."""
    anchor, at, rho = refit.partition("@")
    words = ARMS.get(anchor, f"refit {anchor}")
    return f"{words}, ρ = {rho}" if at else words


def arm_name(label: str, refit: str) -> str:
    """`PPS sample, refit`; as fitted, the label alone."""
    return label if refit == "none" else f"{label}, {arm_words(refit)}"


def camps_of(cells: pd.DataFrame) -> tuple[Arm, Arm] | None:
    """The arms of the two camps, refit where both are; None when one of them has no point in the run."""
    cells = frontier_points(cells)
    found = [
        next((part.iloc[0] for name in names if len(part := cells[cells["method"] == name])), None)
        for names in ((CAMPS[0],), CAMPS[1])
    ]
    if any(row is None for row in found):
        return None
    labels = [str(row["label"]) for row in found if row is not None]
    common = [set(cells.loc[cells["label"] == label, "refit"]) for label in labels]
    refit = "fitted" if all("fitted" in refits for refits in common) else "none"
    return (labels[0], refit), (labels[1], refit)
