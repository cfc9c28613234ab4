"""Non-negative iterative hard thresholding: sizes, descent, recovery of a planted support, and its final fit."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.iht import Iht, _largest
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.least_squares import LeastSquares
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split
from tests.conftest import make_problem


def solve(problem: CalibrationProblem, budgets: list[int], method: Iht | None = None) -> list[Solution]:
    return (method or Iht()).solve(problem, [Point(budget=k) for k in budgets])


def planted(n: int = 200, m: int = 60, k: int = 5) -> tuple[CalibrationProblem, np.ndarray]:
    """Columns that are nearly orthogonal, as the theory of thresholding asks, and targets of k of them."""
    rng = np.random.default_rng(0)
    truth = np.zeros(n)
    truth[rng.choice(n, k, replace=False)] = rng.uniform(50, 200, k)
    M = rng.standard_normal((m, n))
    return CalibrationProblem("planted", M, M @ truth, np.ones(n), scale=np.ones(m)), truth


@pytest.mark.parametrize("start", ["zero", "initial"])
def test_no_more_records_than_asked_for_and_the_loss_falls(start: str) -> None:
    problem = make_problem(n=300, m=40, noise=0.3)
    for k, solution in zip((3, 12, 100), solve(problem, [3, 12, 100], Iht(start=start)), strict=True):  # type: ignore[arg-type]
        assert solution.weights is not None
        assert 0 < np.count_nonzero(solution.weights) <= k
        losses = solution.trace["loss"]
        assert (np.diff(losses) <= 1e-12 * losses[0]).all()  # rounding
        # the final fit on the support is at least as good as the last step
        assert LeastSquares().value(problem, solution.weights) <= losses[-1] * (1 + 1e-9)  # rounding


def test_a_planted_support_is_found() -> None:
    problem, truth = planted()
    (solution,) = solve(problem, [5])
    assert solution.status is Status.COMPLETED
    np.testing.assert_allclose(solution.weights, truth, rtol=1e-9)  # the final fit is exact


def test_weights_on_the_support_are_the_non_negative_least_squares_fit() -> None:
    problem = make_problem(n=300, m=40, noise=0.3)
    (raw,) = solve(problem, [12], Iht(refit=False))
    (solution,) = solve(problem, [12])
    assert raw.weights is not None
    assert solution.weights is not None
    support = np.flatnonzero(raw.weights)
    design = weighted_design(problem)
    A = design.A.toarray()[:, support]
    lengths = np.linalg.norm(A, axis=0)
    expected = scipy.optimize.nnls(A / lengths, design.b)[0] / lengths
    np.testing.assert_allclose(solution.weights[support], expected, rtol=1e-9, atol=1e-9)  # two exact solvers
    assert raw.claims["thresholded_active"] == support.size


def test_above_the_number_of_targets_the_size_is_kept() -> None:
    problem = load_problem("cps_ohio")
    train = problem.restrict(default_split(problem).train)
    (solution,) = solve(train, [500], Iht(max_iter=200))
    assert np.count_nonzero(solution.weights) == 500
    assert solution.claims["refit"] is False


def test_a_limit_that_is_too_low_is_not_convergence() -> None:
    (solution,) = solve(make_problem(n=300, m=40, noise=0.3), [12], Iht(max_iter=2))
    assert solution.status is Status.NOT_CONVERGED
    assert "raise max_iter or tol" in solution.message


def test_the_largest_are_the_first_among_equals() -> None:
    np.testing.assert_array_equal(_largest(np.array([2.0, 3.0, -5.0, 2.0, 2.0, 0.0]), 3), [2, 3, 0, 2, 0, 0])
    np.testing.assert_array_equal(_largest(np.array([1.0, -1.0]), 2), [1, 0])


def test_parameters_are_checked() -> None:
    for wrong in ({"tol": 0.0}, {"tol": 1.0}, {"max_iter": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Iht(**wrong)  # type: ignore[arg-type]


def test_gradients_whose_squares_vanish_end_the_iteration() -> None:
    problem = CalibrationProblem(
        "tiny", np.array([[1e-200, 0.0], [0.0, 1.0]]), [1e-200, 0.0], np.ones(2), scale=[1.0, 1.0]
    )
    [solution] = Iht().solve(problem, [Point(budget=1)])
    assert solution.status is Status.COMPLETED
