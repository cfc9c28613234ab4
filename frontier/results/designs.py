"""Which splits are one hold-out design: the folds of a rotation are pooled where methods share budgets.

`rotation_1of4`, …, `rotation_4of4` are the design `rotation`; any other split is a design of its own. A problem whose
methods share no budget has nothing to pool by, so there every split stands alone. Names only: how splits are made is in
`frontier.problems.splits`.
"""

from __future__ import annotations

import re

import pandas as pd


def design_of(split: str) -> str:
    """`rotation` for `rotation_2of4`; other splits are a design of their own."""
    return re.sub(r"_\d+of\d+$", "", split)


def has_matched_budgets(cells: pd.DataFrame) -> bool:
    """Whether some budget is shared by two labels: only then is there anything to compare at it."""
    sized = cells[cells["budget"].notna()]
    return bool((sized.groupby("budget")["label"].nunique() > 1).any())


def designs(cells: pd.DataFrame) -> pd.Series[str]:
    """The design of every row of a cells table (problem, split, label, budget), with its index."""
    split = cells["split"].astype(str)
    pooled = {problem for problem, some in cells.groupby("problem") if has_matched_budgets(some)}
    return split.where(~cells["problem"].isin(pooled), split.map(design_of)).rename("design")
