"""Non-negative orthogonal matching pursuit against a plain version of it on SciPy's non-negative least squares."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.dense_nnls import DenseNnls
from frontier.methods.omp import Omp
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.least_squares import LeastSquares
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split
from tests.conftest import make_problem


def solve(problem: CalibrationProblem, budgets: list[int], method: Omp | None = None) -> list[Solution]:
    return (method or Omp()).solve(problem, [Point(budget=k) for k in budgets])


def textbook(problem: CalibrationProblem, k: int) -> np.ndarray:
    """The support grows by the best-correlated record; all weights are fitted anew; what is 0 leaves."""
    design = weighted_design(problem)
    A = design.A.toarray()
    lengths = np.linalg.norm(A, axis=0)
    A /= lengths
    x = np.zeros(problem.n_records)
    while np.count_nonzero(x) < k:
        correlation = A.T @ (design.b - A @ x)
        correlation[x > 0] = 0
        support = np.append(np.flatnonzero(x), np.argmax(correlation))
        x[:] = 0
        x[support] = scipy.optimize.nnls(A[:, support], design.b)[0]
    return x / lengths


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_textbooks_algorithm(seed: int) -> None:
    problem = make_problem(n=80, m=30, seed=seed, noise=0.3)
    budgets = [1, 2, 5, 9]
    for k, solution in zip(budgets, solve(problem, budgets), strict=True):
        assert solution.status is Status.COMPLETED
        assert np.count_nonzero(solution.weights) == k
        expected = textbook(problem, k)
        np.testing.assert_allclose(solution.weights, expected, rtol=1e-9, atol=1e-12)  # two exact solvers


def test_the_loss_falls_along_the_path() -> None:
    problem = make_problem(n=200, m=30, noise=0.3)
    losses = [LeastSquares().value(problem, s.weights) for s in solve(problem, [1, 2, 4, 8]) if s.weights is not None]
    assert losses == sorted(losses, reverse=True)


def test_a_budget_beyond_the_path_gets_its_end_and_a_message() -> None:
    problem = make_problem(n=200, m=30, noise=0.3)
    (dense,) = DenseNnls().solve(problem, [Point()])
    small, large = solve(problem, [3, 150])
    assert np.count_nonzero(small.weights) == 3
    assert large.status is Status.COMPLETED
    size = np.count_nonzero(large.weights)
    assert large.message == f"the path ends with {size} records, as no other one improves the fit; asked for 150"
    assert large.weights is not None
    assert dense.weights is not None
    value = LeastSquares().value
    assert value(problem, large.weights) == pytest.approx(value(problem, dense.weights), rel=1e-9)  # the same optimum


def test_a_limit_that_is_too_low_is_not_convergence() -> None:
    (solution,) = solve(make_problem(n=200, m=30, noise=0.3), [12], Omp(max_iter=3))
    assert solution.status is Status.NOT_CONVERGED
    assert "raise max_iter" in solution.message


def test_real_households_have_every_size_up_to_the_number_of_targets() -> None:
    problem = load_problem("cps_ohio")
    train = problem.restrict(default_split(problem).train)
    for k, solution in zip((5, 17, 34), solve(train, [5, 17, 34]), strict=True):
        assert np.count_nonzero(solution.weights) == k


def test_parameters_are_checked() -> None:
    with pytest.raises(InputError, match="max_iter"):
        Omp(max_iter=0)
