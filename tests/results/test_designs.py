"""Which splits are pooled."""

from __future__ import annotations

import pandas as pd

from frontier.results.designs import designs


def cells(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=[7, 7, 9, 10])


def test_folds_are_one_design_where_two_methods_share_a_budget_and_stand_alone_elsewhere() -> None:
    table = cells(
        problem=["shared", "shared", "own", "own"],
        split=["fold_1of2", "default", "fold_1of2", "fold_2of2"],
        label=["a", "b", "a", "b"],
        budget=[10, 10, 10, 20],
    )
    assert designs(table).tolist() == ["fold", "default", "fold_1of2", "fold_2of2"]
    assert designs(table).index.equals(table.index)
