"""Raking against iterative proportional fitting: a published implementation, and a plain one."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.raking import Raking
from frontier.methods.solution import Solution
from tests.conftest import make_problem

SHAPE = (4, 3, 5)


def table(seed: int = 0) -> tuple[FloatArray, list[FloatArray]]:
    """A table of initial weights, and the margins of another table on all three axes."""
    rng = np.random.default_rng(seed)
    initial, known = rng.uniform(1, 20, SHAPE), rng.uniform(1, 20, SHAPE)
    return initial, [known.sum(axis=tuple(a for a in range(3) if a != axis)) for axis in range(3)]


def as_problem(initial: FloatArray, margins: list[FloatArray]) -> CalibrationProblem:
    """One record for each cell, one target for each margin: 12 targets, two of which follow from the others."""
    place = np.indices(SHAPE).reshape(3, -1)
    rows = [place[axis] == level for axis in range(3) for level in range(SHAPE[axis])]
    return CalibrationProblem("table", np.array(rows, dtype=float), np.concatenate(margins), initial.ravel())


def solve(problem: CalibrationProblem, method: Raking) -> Solution:
    [solution] = method.solve(problem, [Point()])
    return solution


def test_on_the_margins_of_a_table_it_is_ipfn() -> None:
    from ipfn import ipfn

    initial, margins = table()
    fitted = ipfn.ipfn(
        initial.copy(), margins, [[0], [1], [2]], convergence_rate=1e-13, max_iteration=1000, rate_tolerance=0.0
    ).iteration()
    solution = solve(as_problem(initial, margins), Raking(tol=1e-12))
    assert solution.status is Status.OPTIMAL
    np.testing.assert_allclose(solution.weights, fitted.ravel(), rtol=1e-10)  # both margins are met to about 1e-13


def test_on_the_margins_of_a_table_it_is_plain_iterative_proportional_fitting() -> None:
    initial, margins = table(seed=1)
    fitted = initial.copy()
    for _ in range(200):
        for axis, margin in enumerate(margins):
            others = tuple(a for a in range(3) if a != axis)
            shape = [-1 if a == axis else 1 for a in range(3)]
            fitted *= (margin / fitted.sum(axis=others)).reshape(shape)
    solution = solve(as_problem(initial, margins), Raking(tol=1e-12))
    np.testing.assert_allclose(solution.weights, fitted.ravel(), rtol=1e-10)  # converged to rounding, as is tol


def test_the_log_ratios_are_a_linear_function_of_the_rows() -> None:
    problem = make_problem()
    solution = solve(problem, Raking(tol=1e-12))
    assert solution.weights is not None
    ratios, M = np.log(solution.weights / problem.w0), problem.M.toarray()
    theta, *_ = np.linalg.lstsq(M.T, ratios)
    np.testing.assert_allclose(M.T @ theta, ratios, atol=1e-12)  # rounding of the least-squares solution
    assert float(solution.claims["max_relative_residual"]) <= 1e-12  # tol


def test_one_total_multiplies_every_weight() -> None:
    problem = CalibrationProblem("total", np.ones((1, 5)), [45.0], np.arange(1.0, 6.0))
    np.testing.assert_allclose(solve(problem, Raking()).weights, 3 * problem.w0, rtol=1e-9)  # the default tol


def test_margins_with_different_totals_are_infeasible_until_relaxed() -> None:
    initial, margins = table()
    contradiction = as_problem(initial, [margins[0], 1.2 * margins[1], margins[2]])
    hard = solve(contradiction, Raking())
    assert hard.status is Status.INFEASIBLE
    assert "missed most" in hard.message
    relaxed = solve(contradiction, Raking(relax=1e-3))
    assert relaxed.status is Status.OPTIMAL
    assert 0.05 < float(relaxed.claims["max_relative_residual"]) < 0.2  # the contradiction is shared out


def test_every_point_gets_the_same_solution() -> None:
    problem = make_problem()
    one, other = Raking().solve(problem, [Point(), Point()])
    np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize(("field", "value"), [("relax", -1.0), ("tol", 1.0), ("max_iter", 0)])
def test_parameters_out_of_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(InputError, match=field):
        Raking(**{field: value})
