from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from frontier.analysis.aggregate import first_repeats, prepare
from frontier.reporting.misses import errors_by_problem, points_at, sizes_of, worst_misses
from tests.reporting.made import cell, estimates, results


def points(**columns: list[float | None]) -> pd.DataFrame:
    number = len(next(iter(columns.values())))
    base = {"label": [f"m{i}" for i in range(number)], "refit": ["none"] * number, "lam": [None] * number}
    return pd.DataFrame(base | {"budget": [np.nan] * number} | columns)


def test_sizes_are_the_budgets_that_methods_share_and_the_whole_file() -> None:
    table = points(budget=[10.0, 10.0, 70.0, None], n_active_mean=[10.0, 10.0, 70.0, 900.0])
    assert sizes_of(table) == [10.0, 900.0]


def test_without_shared_budgets_sizes_are_the_round_numbers_that_some_point_is_near() -> None:
    assert sizes_of(points(n_active_mean=[3.0, 60.0])) == [2.0, 50.0]


def test_an_arm_stands_at_its_nearest_point_or_nowhere() -> None:
    table = points(label=["a", "a", "b"], n_active_mean=[90.0, 140.0, 400.0])
    assert list(points_at(table, 100.0)["n_active_mean"]) == [90.0]


def test_worst_targets_are_means_over_seeds_and_only_of_their_role() -> None:
    cells = results()
    ready = first_repeats(prepare(cells))
    part = ready[(ready["problem"] == "ohio") & (ready["split"] == "default")]
    errors = errors_by_problem(ready, estimates(cells))["ohio"]
    table = points(label=["Gates"], budget=[200.0], n_active_mean=[201.0])
    worst, families = worst_misses(part, table, errors, [200.0])
    held = [row for row in worst if row["role"] == "held out"]
    assert [errors.names[row["target"]] for row in held] == ["total 3 <i>", "total 2 <i>"]
    mean = 2.5 * (1 + 1.1 + 1.2) / 3  # made.estimates: 10% more with every seed
    assert held[0]["error"] == pytest.approx(mean, rel=1e-12)  # rounding of three additions
    assert held[0]["estimate"] == pytest.approx(4000 * (1 + mean), rel=1e-12)
    capped = {(row["role"], row["family"]): row["error"] for row in families}
    assert capped["held out", "wages"] == 1.0  # limited to 100%
    assert capped["fitted", "wages"] == pytest.approx(0.022, rel=1e-12)  # |−0.02|, seeds 0 to 2


def test_a_target_counts_in_a_role_only_in_the_folds_that_give_it_that_role() -> None:
    cells = results()
    ready = first_repeats(prepare(cells))
    part = ready[(ready["problem"] == "ohio") & ready["split"].str.startswith("rotation")]
    errors = errors_by_problem(ready, estimates(cells))["ohio"]
    worst, _ = worst_misses(part, points(label=["Gates"], budget=[200.0], n_active_mean=[201.0]), errors, [200.0])
    assert len([row for row in worst if row["role"] == "held out"]) == 4  # each in one fold of two


def test_without_estimates_there_is_nothing() -> None:
    ready = first_repeats(prepare(pd.DataFrame([cell(lam=0.1)])))
    assert errors_by_problem(ready, None) == {}
    assert errors_by_problem(ready, pd.DataFrame()) == {}
