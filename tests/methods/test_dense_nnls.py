"""Non-negative least squares against SciPy's, and as the bound that it is meant to be."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.dense_nnls import DenseNnls
from frontier.methods.nn_lasso import NnLasso
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import L1Objective, lam_max
from frontier.objectives.least_squares import LeastSquares
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split
from tests.conftest import make_problem


def solve(problem: CalibrationProblem, method: DenseNnls | None = None) -> Solution:
    (solution,) = (method or DenseNnls()).solve(problem, [Point()])
    return solution


def overdetermined() -> CalibrationProblem:
    return make_problem(n=30, m=60, noise=0.3)


@pytest.mark.parametrize("problem", [make_problem(), overdetermined()], ids=["consistent", "overdetermined"])
def test_the_loss_is_that_of_scipys_solver(problem: CalibrationProblem) -> None:
    design = weighted_design(problem)
    A = design.A.toarray()
    lengths = np.linalg.norm(A, axis=0)
    loss = scipy.optimize.nnls(A / lengths, design.b)[1] ** 2 / 2
    solution = solve(problem)
    assert solution.status is Status.OPTIMAL
    assert solution.weights is not None
    # both exact but for rounding, 1e-16 of the loss at w = 0 where the minimum is 0
    assert LeastSquares().value(problem, solution.weights) == pytest.approx(loss, rel=1e-10, abs=1e-20)
    assert np.count_nonzero(solution.weights) <= problem.n_targets


def test_no_penalised_solution_fits_better() -> None:
    problem = overdetermined()
    weights = solve(problem).weights
    assert weights is not None
    top = lam_max(weighted_design(problem))
    for solution in NnLasso().solve(problem, [Point(lam=top * share) for share in (0.3, 1e-2, 1e-4)]):
        assert solution.weights is not None
        assert LeastSquares().value(problem, weights) < LeastSquares().value(problem, solution.weights)


def test_real_households_reach_the_kkt_conditions() -> None:
    problem = load_problem("cps_ohio")
    train = problem.restrict(default_split(problem).train)
    solution = solve(train)
    assert solution.status is Status.OPTIMAL
    assert solution.objective == L1Objective(0.0)
    assert solution.weights is not None
    assert L1Objective(0.0).certificate(train, solution.weights).kkt_residual <= 1e-9  # what the method promises
    assert solution.claims["value"] == pytest.approx(0.0, abs=1e-20)  # 34 targets, 5,177 records: an exact fit


def test_importance_decides_what_is_fitted() -> None:
    M, y = np.ones((2, 1)), np.array([1.0, 3.0])
    for importance, weight in (((1.0, 0.0), 1.0), ((0.0, 1.0), 3.0)):
        problem = CalibrationProblem("two", M, y, np.ones(1), importance=importance)
        weights = solve(problem).weights
        assert weights is not None
        assert weights[0] == pytest.approx(weight, rel=1e-14)  # rounding


def test_every_point_gets_the_same_solution_and_points_carry_no_lam() -> None:
    one, other = DenseNnls().solve(make_problem(), [Point(), Point()])
    np.testing.assert_array_equal(one.weights, other.weights)
    with pytest.raises(InputError, match="not an axis"):
        DenseNnls().solve(make_problem(), [Point(lam=0.1)])


def test_a_limit_that_is_too_low_is_not_convergence() -> None:
    solution = solve(overdetermined(), DenseNnls(max_iter=2))
    assert solution.status is Status.NOT_CONVERGED
    assert "KKT residual" in solution.message
    assert solution.weights is not None


@pytest.mark.parametrize("wrong", [{"tol": 0.0}, {"tol": 1.0}, {"tol": float("nan")}, {"max_iter": 0}])
def test_parameters_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        DenseNnls(**wrong)  # type: ignore[arg-type]
