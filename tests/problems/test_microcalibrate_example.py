"""microcalibrate's example: the source's numbers, its loss with the +1, and what the example cannot show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.objectives.design import relative_residual
from frontier.problems.registry import load_problem


def test_it_has_the_targets_of_the_source_in_its_order() -> None:
    problem = load_problem("microcalibrate_example")
    assert problem.M.shape == (10, 5000)
    assert problem.target_names[:2] == ("income_18-30", "employed_18-30")
    assert problem.target_names[-2:] == ("income_total", "employed_total")
    np.testing.assert_allclose(problem.y, 1.1 * problem.M.sum(axis=1), rtol=1e-12)  # float64 sums of 5,000 terms
    np.testing.assert_array_equal(problem.w0, np.ones(5000))
    assert problem.M[9].sum() == 3262  # employed, RandomState(42) in the source's order of draws
    assert problem.meta["held_out_families"] == ()


def test_it_is_met_to_a_tenth_before_anything_is_fitted_and_by_eight_records() -> None:
    problem = load_problem("microcalibrate_example")
    np.testing.assert_allclose(relative_residual(problem, problem.w0), -1 / 11, rtol=1e-12)  # float64 rounding
    assert np.linalg.matrix_rank(problem.M.toarray()) == 8


def test_it_with_the_plus_one_is_the_packages_loss() -> None:
    published, plus = load_problem("microcalibrate_example"), load_problem("microcalibrate_example", plus_one=True)
    w = np.random.default_rng(0).uniform(0, 2, 5000)
    estimate = published.M @ w
    loss = ((estimate - published.y + 1) / (published.y + 1)) ** 2
    np.testing.assert_allclose(relative_residual(plus, w) ** 2, loss, rtol=1e-9)  # float64, differences of large sums
    np.testing.assert_allclose(plus.y + plus.meta["target_offset"], published.y, rtol=1e-12)  # float64 rounding


def test_it_in_other_units_is_the_same_problem_without_the_plus_one_only() -> None:
    w = np.random.default_rng(0).uniform(0, 2, 5000)

    def residual(**params: Any) -> Any:
        return relative_residual(load_problem("microcalibrate_example", **params), w)

    np.testing.assert_allclose(residual(unit=1000.0), residual(), rtol=1e-9)  # float64, differences of large sums
    assert np.abs(residual(unit=1000.0, plus_one=True) - residual(plus_one=True)).max() > 0.1
    assert load_problem("microcalibrate_example", totals=False).n_targets == 8


@pytest.mark.parametrize("unit", [0.0, -1.0, float("inf")])
def test_it_refuses_a_unit_that_is_none(unit: float) -> None:
    with pytest.raises(InputError, match="unit: not a unit"):
        load_problem("microcalibrate_example", unit=unit)
