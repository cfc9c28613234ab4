"""Reweighted L1: its steps against the LASSO, the fall of the log-sum objective, and that it beats plain shrinkage."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.nn_lasso import NnLasso
from frontier.methods.reweighted_l1 import LogSumObjective, ReweightedL1
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import lam_max
from frontier.objectives.least_squares import LeastSquares
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split
from frontier.sweep.measure import solve_measured
from tests.conftest import make_problem


def solve(problem: CalibrationProblem, lams: list[float], method: ReweightedL1) -> list[Solution]:
    return method.solve(problem, [Point(lam=lam) for lam in lams])


def weights_of(solution: Solution) -> np.ndarray:
    assert solution.weights is not None, solution.message
    return solution.weights


def overdetermined() -> tuple[CalibrationProblem, float]:
    problem = make_problem(n=200, m=80, noise=0.3)
    return problem, lam_max(weighted_design(problem))


def test_one_iteration_is_the_lasso_and_the_second_its_weighted_one() -> None:
    problem, top = overdetermined()
    lam = top / 50
    (lasso,) = NnLasso().solve(problem, [Point(lam=lam)])
    (one,) = solve(problem, [lam], ReweightedL1(iterations=1))
    np.testing.assert_allclose(one.weights, lasso.weights, rtol=1e-9, atol=1e-9)  # two exact solves
    w = weights_of(one)
    eps = 0.1 * w[w > 0].mean()
    (weighted,) = NnLasso(costs=tuple(eps / (w + eps))).solve(problem, [Point(lam=lam)])
    (two,) = solve(problem, [lam], ReweightedL1(iterations=2))
    np.testing.assert_allclose(two.weights, weighted.weights, rtol=1e-9, atol=1e-9)  # as above
    assert isinstance(two.objective, LogSumObjective)
    assert two.objective.eps == pytest.approx(eps, rel=1e-12)  # rounding


def test_the_log_sum_objective_falls_with_every_lasso() -> None:
    problem, top = overdetermined()
    steps = [solve(problem, [top / 50], ReweightedL1(iterations=t))[0] for t in range(1, 9)]
    objective = steps[-1].objective
    assert objective is not None
    values = [objective.value(problem, weights_of(step)) for step in steps]
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in itertools.pairwise(values))  # gaps
    assert objective.certificate(problem, weights_of(steps[-1])) is None


def test_it_fits_better_than_the_lasso_at_the_same_number_of_records() -> None:
    problem, _ = overdetermined()
    (plain,) = NnLasso().solve(problem, [Point(budget=8)])
    (reweighted,) = ReweightedL1().solve(problem, [Point(budget=8)])
    assert np.count_nonzero(weights_of(reweighted)) == np.count_nonzero(weights_of(plain)) == 8
    value = LeastSquares().value
    assert value(problem, weights_of(reweighted)) < value(problem, weights_of(plain))


def test_above_lam_max_nothing_is_kept_and_at_zero_it_is_least_squares() -> None:
    problem, top = overdetermined()
    nothing, everything = solve(problem, [1.01 * top, 0.0], ReweightedL1())
    assert not weights_of(nothing).any()
    (dense,) = NnLasso().solve(problem, [Point(lam=0.0)])
    value = LeastSquares().value
    assert value(problem, weights_of(everything)) == pytest.approx(value(problem, weights_of(dense)), rel=1e-9)  # exact


def test_the_result_is_free_of_the_unit_of_the_weights() -> None:
    problem, _ = overdetermined()
    rescaled = CalibrationProblem("rescaled", problem.M * 1e3, problem.y, problem.w0 / 1e3)
    one, other = (ReweightedL1(lam_unit="lam_max").solve(p, [Point(lam=0.01)])[0] for p in (problem, rescaled))
    np.testing.assert_allclose(weights_of(one), 1e3 * weights_of(other), rtol=1e-8, atol=1e-8)  # two exact solves


def test_a_size_that_no_lam_has_is_told() -> None:
    problem = load_problem("cps_ohio")
    train = problem.restrict(default_split(problem).train)
    (solution,) = solve_measured(ReweightedL1(), "reweighted_l1", train, [Point(budget=2_450)])
    assert solution.status is Status.COMPLETED
    size = np.count_nonzero(solution.weights)
    assert solution.message == f"asked for 2450 records, the nearest size reached is {size}"  # told once


def test_a_lasso_that_was_not_solved_is_told() -> None:
    problem, top = overdetermined()
    (solution,) = solve(problem, [top / 1000], ReweightedL1(max_iter=1))
    assert solution.status is Status.NOT_CONVERGED
    assert "relative gap" in solution.message


def test_parameters_are_checked() -> None:
    for wrong in ({"eps": 0.0}, {"eps": float("inf")}, {"iterations": 0}, {"tol": 1.0}, {"max_iter": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            ReweightedL1(**wrong)  # type: ignore[arg-type]
