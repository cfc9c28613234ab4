"""GREG: its closed form, its bounds, and what it does with negative weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import frontier
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.greg import Greg
from frontier.methods.solution import Solution
from frontier.problems.splits import every_target
from tests.conftest import make_problem


def solve(problem: CalibrationProblem, method: Greg) -> Solution:
    [solution] = method.solve(problem, [Point()])
    return solution


def closed_form(problem: CalibrationProblem) -> np.ndarray:
    """`w0 ∘ (1 + Mᵀ(M diag(w0) Mᵀ)⁻¹(y − M w0))` (Deville & Särndal 1992, eq. 2.4 with q = 1)."""
    M, w0 = problem.M.toarray(), problem.w0
    return np.asarray(w0 * (1 + M.T @ np.linalg.solve((M * w0) @ M.T, problem.y - M @ w0)))


def test_without_bounds_in_the_way_it_is_the_regression_estimator() -> None:
    problem = make_problem()
    expected = closed_form(problem)
    assert (expected > 0).all()
    for lower in (None, 0.0):
        solution = solve(problem, Greg(lower=lower, tol=1e-12))
        assert solution.status is Status.OPTIMAL
        np.testing.assert_allclose(solution.weights, expected, rtol=1e-9)  # tol times the condition of M


def test_a_ridge_regression_is_its_relaxed_form() -> None:
    problem, rho = make_problem(), 0.05
    A, b, w0 = problem.M.toarray() / problem.scale[:, None], problem.y / problem.scale, problem.w0
    ridge = rho / w0.sum() * np.eye(len(b))
    expected = w0 * (1 + A.T @ np.linalg.solve((A * w0) @ A.T + ridge, b - A @ w0))
    np.testing.assert_allclose(solve(problem, Greg(relax=rho, tol=1e-12)).weights, expected, rtol=1e-9)  # as above


def test_negative_weights_end_in_an_error_that_tells_the_cure() -> None:
    problem = make_problem(seed=1)
    assert (closed_form(problem) < 0).any()
    solution = solve(problem, Greg(lower=None))
    assert solution.status is Status.ERROR
    assert solution.weights is None
    assert "1 weights are negative" in solution.message
    assert "set lower: 0" in solution.message
    assert solve(problem, Greg()).status is Status.OPTIMAL


def test_negative_weights_that_were_asked_for_are_kept_and_certified() -> None:
    problem = make_problem(seed=1)
    found = frontier.calibrate(problem, method="greg", params={"lower": None, "negative": True, "tol": 1e-12})
    assert found.status is Status.OPTIMAL
    np.testing.assert_allclose(found.weights, closed_form(problem), rtol=1e-9)  # tol times the condition of M
    row = frontier.evaluate(problem, every_target(problem), found)
    assert row["certified"]
    assert row["n_active"] == problem.n_records  # a negative weight is one
    with pytest.raises(InputError, match="negative weight; expected a finite number ≥ 0"):
        frontier.score(problem, closed_form(problem))
    assert frontier.score(problem, closed_form(problem), negative=True)["ess"] == pytest.approx(row["ess"], rel=1e-9)


EXPERIMENT = """
name: signed
problems: [{name: files, matrix: matrix.npz, targets: targets.csv, records: records.csv}]
refit: [none, fitted]
methods:
  - {name: greg, label: linear, lower: null, negative: true, relax: null}
  - {name: greg, label: refused, lower: null}
"""


def test_an_experiment_keeps_negative_weights_where_they_are_asked_for_and_refuses_them_elsewhere(
    tmp_path: Path,
) -> None:
    frontier.write_problem(make_problem(seed=1), tmp_path)
    path = tmp_path / "signed.yaml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    cells = frontier.run_experiment(path, jobs=1, out=tmp_path / "run").set_index("label")
    assert cells.loc["linear", "status"] == "optimal"
    assert cells.loc["linear", "certified"]
    assert cells.loc["linear", "n_active"] == 60
    assert cells.loc["refused", "status"] == "error"


def test_bounds_or_a_refit_from_negative_weights_are_infeasible_and_say_why() -> None:
    problem = make_problem(seed=1)
    found = frontier.refit(problem, solve(problem, Greg(lower=None, negative=True)))
    assert found.status is Status.INFEASIBLE
    assert found.message == "1 records of the support have no weight above 0 to start from"


def test_negative_weights_need_a_lower_bound_that_lets_them_through() -> None:
    with pytest.raises(InputError, match="negative: no weight is negative with lower: 0; set lower: null"):
        Greg(negative=True)
    assert Greg(lower=-2.0, negative=True).signed
    assert not Greg(lower=None).signed


def test_the_weights_stay_in_the_box_and_meet_the_targets() -> None:
    problem = make_problem(seed=1)
    solution = solve(problem, Greg(lower=0.5, upper=3.0))
    assert solution.weights is not None
    ratio = solution.weights / problem.w0
    assert ratio.min() == pytest.approx(0.5)
    assert ratio.max() <= 3.0 * (1 + 1e-15)  # one rounding of w/w0
    assert float(solution.claims["max_relative_residual"]) <= 1e-9  # the default tol


def test_infeasible_targets_are_a_status_with_a_cure() -> None:
    problem = make_problem()
    solution = solve(CalibrationProblem("far", problem.M, 9 * problem.y, problem.w0), Greg(upper=1.5))
    assert solution.status is Status.INFEASIBLE
    assert "set relax" in solution.message


@pytest.mark.parametrize(
    ("field", "value"),
    [("lower", 1.0), ("upper", 1.0), ("relax", 0.0), ("relax", np.inf), ("tol", 0.0), ("max_iter", 0)],
)
def test_parameters_out_of_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(InputError, match=field):
        Greg(**{field: value})
