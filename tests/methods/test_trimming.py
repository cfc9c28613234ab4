"""Trimming that keeps the constraints: the nearest weights within bounds that meet every target, exactly."""

from __future__ import annotations

import dataclasses
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import frontier
from frontier.core.bounds import Bounds
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.problems.splits import every_target
from tests.conftest import make_problem

BOUNDS = {"max_weight": 20.0, "min_weight": 4.0}


def untrimmed() -> CalibrationProblem:
    """Targets that weights within the bounds meet, and initial weights beyond them."""
    problem = make_problem(n=80, m=5)
    rng = np.random.default_rng(0)
    w0 = rng.lognormal(2.0, 0.7, 80)
    assert w0.max() > 25
    return CalibrationProblem("untrimmed", problem.M, problem.M @ np.clip(w0 * 1.1, 5.0, 18.0), w0)


@pytest.mark.parametrize("method", ["raking", "greg"])
@pytest.mark.parametrize("with_q", [False, True])
def test_trimmed_weights_are_the_nearest_by_an_independent_solver(method: str, with_q: bool) -> None:
    problem = untrimmed()
    q = np.random.default_rng(1).uniform(0.5, 2.0, 80) if with_q else np.ones(80)
    problem = dataclasses.replace(problem, q=q if with_q else None)
    [found] = frontier.solve(problem, method, tol=1e-11, bounds=BOUNDS)
    assert found.status is Status.OPTIMAL
    assert found.weights is not None
    assert (found.weights >= 4.0).all()
    assert (found.weights <= 20.0).all()
    assert (found.weights == 20.0).any()
    np.testing.assert_allclose(problem.M @ found.weights, problem.y, rtol=1e-10)  # tol
    assert frontier.evaluate(problem, every_target(problem), found)["certified"]
    w, A = cp.Variable(80), problem.M.toarray() / problem.scale[:, None]
    far: Any = cp.kl_div(w, problem.w0) if method == "raking" else cp.square(w - problem.w0) / (2 * problem.w0)
    least = cp.Problem(cp.Minimize(cp.sum(far / q)), [A @ w == problem.y / problem.scale, w >= 4.0, w <= 20.0])
    least.solve(solver="CLARABEL", tol_gap_rel=1e-11, tol_gap_abs=1e-11, tol_feas=1e-11)
    np.testing.assert_allclose(found.weights, w.value, rtol=1e-4)  # an interior point near the bounds
    value = float((far / q).value.sum())  # the same function of both, so that the better is seen
    w.value = found.weights
    assert float((far / q).value.sum()) == pytest.approx(value, rel=1e-8)  # its own tolerance


@pytest.mark.parametrize("method", ["raking", "greg"])
def test_bounds_that_leave_no_room_are_infeasible_and_say_so(method: str) -> None:
    [found] = frontier.solve(untrimmed(), method, bounds={"max_weight": 5.0})
    assert found.status is Status.INFEASIBLE
    assert found.message.startswith("no weights within the bounds meet all targets; set relax: 0.1 (where ")
    assert "widen the bounds" in found.message


def test_trimming_holds_with_tolerances_and_ratios_too() -> None:
    problem = dataclasses.replace(untrimmed(), tolerance=np.full(5, 2.0))
    [found] = frontier.solve(problem, "raking", bounds={"max_weight": 20.0, "max_ratio": 1.5})
    assert found.status is Status.OPTIMAL
    assert found.weights is not None
    lower, upper = Bounds(max_weight=20.0, max_ratio=1.5).box(problem.w0)
    assert (found.weights <= upper).all()
    assert (found.weights >= lower).all()
    assert (np.abs(problem.M @ found.weights - problem.y) <= 2.0 * (1 + 1e-6)).all()  # what counts as rounding
