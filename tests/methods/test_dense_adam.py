"""Dense log-space Adam beyond the contract: it fits, keeps every record, and respects caps and totals."""

from __future__ import annotations

import numpy as np
import pytest

from frontier import Point, solve
from frontier.core.problem import CalibrationProblem
from frontier.methods.solution import Solution
from tests.conftest import make_problem


def run(problem: CalibrationProblem, **params: object) -> Solution:
    [solution] = solve(problem, "dense_adam", [Point()], device="cpu", **params)
    assert solution.status in ("completed", "stopped_early"), solution.message
    return solution


def test_it_reaches_an_exact_fit_with_every_weight_positive() -> None:
    problem = make_problem(noise=0.0)
    solution = run(problem, precision="float64", lr=0.02)
    assert solution.sparsity == 0
    error = np.abs(solution.predict(problem.M) - problem.y) / problem.scale
    assert error.max() < 1e-6  # 60 records, 6 targets: an exact fit exists


def test_caps_and_totals_hold() -> None:
    problem = make_problem()
    capped = run(problem, max_weight_ratio=1.2)
    assert capped.weights is not None
    assert (capped.weights <= 1.2 * problem.w0 * (1 + 1e-6)).all()  # float32
    conserved = run(problem, conserve_total=True)
    assert conserved.weights is not None
    assert conserved.weights.sum() == pytest.approx(problem.w0.sum(), rel=1e-9)  # rescaled in float64


def test_it_stops_when_it_has_settled() -> None:
    solution = run(make_problem(noise=0.0), stop_tol=1e-3, epochs=5000, lr=0.02)
    assert solution.status == "stopped_early"
    assert solution.n_iter < 5000
