"""Calibration to intervals: rounded totals are met within their rounding, and the optimum is certified."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

import frontier
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.registry import build_method
from frontier.objectives.distance import DistanceObjective
from frontier.objectives.interval import IntervalObjective, within
from frontier.problems.splits import every_target
from frontier.sweep.scoring import evaluate
from tests.conftest import make_problem

CLASSICAL = {"raking": {}, "greg": {}, "logit": {"low": 0.0, "high": 30.0}}


def rounded(step: float, **changes: object) -> CalibrationProblem:
    problem = make_problem(n=60, m=6, noise=0.02)
    y = np.round(problem.y / step) * step
    return dataclasses.replace(problem, y=y, scale=None, floor=1.0, tolerance=np.full(6, step / 2), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", CLASSICAL)
def test_every_target_is_met_within_its_rounding_and_the_optimum_is_certified(method: str) -> None:
    problem = rounded(100.0)
    [solution] = frontier.solve(problem, method, **CLASSICAL[method])
    assert solution.status is Status.OPTIMAL
    assert solution.weights is not None
    assert within(problem, solution.weights).all()
    row = evaluate(problem, every_target(problem), solution)
    assert row["certified"]
    [exact] = frontier.solve(dataclasses.replace(problem, tolerance=None, floor=None), method, **CLASSICAL[method])
    if exact.weights is not None:  # what may be missed by its rounding costs no more than what may not
        assert exact.objective is not None
        assert solution.objective is not None
        plain = exact.objective
        assert plain.value(problem, solution.weights) <= plain.value(problem, exact.weights)


def test_the_optimum_is_that_of_an_independent_solver() -> None:
    problem = rounded(200.0)
    [solution] = frontier.solve(problem, "greg")
    assert solution.weights is not None
    assert solution.objective is not None
    whole = IntervalObjective(DistanceObjective("chi_square"), np.full(6, 100.0))

    def value(w: np.ndarray) -> float:
        slack = (problem.y - problem.M @ w) / 100.0
        price = 0.01**2 * problem.w0.sum() / 6 * (slack @ slack) / 2
        return float((np.square(w - problem.w0) / (2 * problem.w0)).sum() + price) / (problem.w0.sum() + 6)

    dense = problem.M.toarray()
    other = scipy.optimize.minimize(
        value,
        solution.weights * 0.9 + 0.1 * problem.w0,
        method="SLSQP",
        bounds=[(0, None)] * 60,
        constraints=[
            {"type": "ineq", "fun": lambda w: 1 - (problem.y - dense @ w) / 100.0},
            {"type": "ineq", "fun": lambda w: 1 + (problem.y - dense @ w) / 100.0},
        ],
        options={"maxiter": 2000, "ftol": 1e-14},
    )
    assert value(solution.weights) == pytest.approx(whole.value(problem, solution.weights), rel=1e-6)  # s is rounded
    assert value(solution.weights) <= other.fun * (1 + 1e-6)  # the tolerance of the other's constraints


def test_totals_that_contradict_by_rounding_alone_are_met_and_others_are_infeasible() -> None:
    rows = sp.csr_array(np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]))
    names = ("a", "b")

    def made(tolerance: float) -> CalibrationProblem:
        return CalibrationProblem(
            "two", rows, np.array([100.0, 101.0]), np.ones(3) * 30, target_names=names, tolerance=np.full(2, tolerance)
        )

    [met] = frontier.solve(made(0.6), "raking")
    assert met.status is Status.OPTIMAL
    assert met.weights is not None
    assert 100.4 - 1e-6 <= met.weights.sum() <= 100.6 + 1e-6  # a millionth of a tolerance is rounding
    [not_met] = frontier.solve(made(0.4), "raking")
    assert not_met.status is Status.INFEASIBLE


def test_hard_and_soft_targets_mix() -> None:
    problem = rounded(200.0)
    assert problem.tolerance is not None
    mixed = dataclasses.replace(problem, tolerance=np.where(np.arange(6) == 0, 0.0, problem.tolerance), floor=None)
    [solution] = frontier.solve(mixed, "raking")
    assert solution.weights is not None
    assert abs(mixed.M @ solution.weights - mixed.y)[0] <= 1e-8 * mixed.y[0]
    assert within(mixed, solution.weights).all()


def test_weights_outside_an_interval_are_certified_by_nothing() -> None:
    problem = rounded(100.0)
    [solution] = frontier.solve(problem, "raking")
    assert solution.weights is not None
    assert solution.objective is not None
    found = solution.objective.certificate(problem, 1.5 * solution.weights, solution.dual)
    assert found is None or not found.relative_gap < 1e-3


def test_a_relaxed_calibration_and_a_problem_without_tolerances_are_as_they_were() -> None:
    problem = rounded(100.0)
    exact = dataclasses.replace(problem, tolerance=None, floor=None)
    for given in (problem, dataclasses.replace(problem, tolerance=np.zeros(6), floor=None)):
        relaxed = [build_method("raking", {"relax": 0.1}, "x").solve(p, [frontier.Point()])[0] for p in (given, exact)]
        np.testing.assert_array_equal(relaxed[0].weights, relaxed[1].weights)
    assert problem.fingerprint != exact.fingerprint
    assert problem.restrict([1, 3]).tolerance is not None
