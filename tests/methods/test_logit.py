"""The logit method: strict bounds, and its limits raking and GREG."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.greg import Greg
from frontier.methods.logit import Logit
from frontier.methods.raking import Raking
from tests.conftest import make_problem


def weights(problem: CalibrationProblem, method: Greg | Logit | Raking) -> FloatArray:
    [solution] = method.solve(problem, [Point()])
    assert solution.status is Status.OPTIMAL, solution.message
    assert solution.weights is not None
    return solution.weights


@pytest.mark.parametrize("relax", [None, 0.01])
@pytest.mark.parametrize(("low", "high"), [(0.0, 2.5), (0.25, 2.3), (0.5, 2.1)])
def test_the_ratios_stay_strictly_inside_the_bounds(low: float, high: float, relax: float | None) -> None:
    problem = make_problem()
    raked = weights(problem, Raking(relax=relax)) / problem.w0
    assert raked.max() > high  # the bounds matter
    ratio = weights(problem, Logit(low=low, high=high, relax=relax)) / problem.w0
    assert low < ratio.min()
    assert ratio.max() < high


def test_a_range_from_zero_to_far_above_is_raking_at_a_distance_of_one_over_high() -> None:
    problem = make_problem()
    raked = weights(problem, Raking(tol=1e-12))
    away = [np.max(np.abs(weights(problem, Logit(high=high, tol=1e-12)) / raked - 1)) for high in (1e2, 1e3, 1e4)]
    np.testing.assert_allclose(np.divide(away[:-1], away[1:]), 10, rtol=0.1)  # first order in 1/high
    assert away[-1] < 1e-3


def test_for_small_changes_of_the_weights_the_three_methods_agree_to_first_order() -> None:
    problem = make_problem()
    away = []
    for size in (1e-2, 1e-3):
        y = problem.M @ problem.w0 * (1 + size * np.linspace(-1, 1, problem.n_targets))
        near = CalibrationProblem("near", problem.M, y, problem.w0)
        found = [weights(near, m) for m in (Greg(tol=1e-13), Raking(tol=1e-13), Logit(high=4.0, tol=1e-13))]
        away.append(max(np.max(np.abs(w - found[0]) / problem.w0) for w in found[1:]))
    assert away[0] / away[1] == pytest.approx(100, rel=0.3)  # F(η) = 1 + η + O(η²) for all of them


def test_bounds_that_exclude_the_targets_are_infeasible_until_relaxed() -> None:
    problem = make_problem()
    doubled = CalibrationProblem("doubled", problem.M, 2 * (problem.M @ problem.w0), problem.w0)
    [hard] = Logit(low=0.5, high=1.5).solve(doubled, [Point()])
    assert hard.status is Status.INFEASIBLE
    assert "widen the bounds" in hard.message
    assert (weights(doubled, Logit(low=0.5, high=1.5, relax=0.01)) <= 1.5 * problem.w0).all()


@pytest.mark.parametrize(
    ("field", "value"), [("low", -0.1), ("low", 1.0), ("high", 1.0), ("high", np.inf), ("relax", 0.0), ("tol", 2.0)]
)
def test_parameters_out_of_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(InputError, match=field):
        Logit(**{field: value})
