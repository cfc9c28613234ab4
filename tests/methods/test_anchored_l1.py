"""Anchored L1 beyond the contract: against CVXPY, its certificate, budgets, bounds, normalisation."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
import pytest

from frontier import CalibrationProblem, Point, default_split, evaluate, solve
from frontier.core.errors import InputError
from frontier.objectives.anchored import AnchoredObjective
from frontier.objectives.design import weighted_design
from frontier.objectives.weight_statistics import active_count
from tests.conftest import make_problem


def reference(problem: CalibrationProblem, lam: float, mu: float, upper: float | None) -> np.ndarray:
    design = weighted_design(problem)
    w = cp.Variable(problem.n_records, nonneg=True)
    distance = cp.sum(cp.multiply(1 / problem.w0, cp.square(w - problem.w0)))
    loss = 0.5 * cp.sum_squares(design.A.toarray() @ w - design.b) + lam * cp.sum(w) + 0.5 * mu * distance
    limits = [] if upper is None else [w <= upper * problem.w0]
    cp.Problem(cp.Minimize(loss), limits).solve("CLARABEL", tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
    return np.asarray(w.value)


@pytest.mark.parametrize("upper", [None, 1.5])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 2.0, 20.0])
def test_it_agrees_with_cvxpy(tiny: CalibrationProblem, ratio: float, upper: float | None) -> None:
    [solution] = solve(tiny, "anchored_l1", [Point(lam=ratio)], mu=1e-2, mu_unit="absolute", upper=upper)
    expected = reference(tiny, ratio * 1e-2, 1e-2, upper)
    assert solution.status == "optimal"
    np.testing.assert_allclose(solution.weights, expected, atol=1e-5 * tiny.w0.max())  # the reference's own accuracy
    assert solution.objective is not None
    values = [solution.objective.value(tiny, np.maximum(w, 0)) for w in (solution.weights, expected)]  # type: ignore[arg-type]
    assert values[0] <= values[1] * (1 + 1e-9)  # never above an independent solver's value


@pytest.mark.parametrize("hint", [True, False])
def test_the_certificate_is_confirmed_by_the_harness(tiny: CalibrationProblem, hint: bool) -> None:
    for solution in solve(tiny, "anchored_l1", [Point(lam=r) for r in (0.0, 1.0, 5.0)]):
        assert solution.objective is not None
        assert solution.weights is not None
        found = solution.objective.certificate(tiny, solution.weights, solution.dual if hint else None)
        assert found is not None
        assert 0 <= found.relative_gap <= 1e-10  # the method's default tolerance


def test_the_gap_bounds_the_distance_to_the_optimum_from_any_point(tiny: CalibrationProblem) -> None:
    objective = AnchoredObjective(lam=1e-3, mu=1e-2, upper=3.0)
    best = objective.value(tiny, reference(tiny, 1e-3, 1e-2, 3.0).clip(0))
    rng = np.random.default_rng(0)
    for _ in range(50):
        weights = tiny.w0 * rng.uniform(0, 3, tiny.n_records) * (rng.random(tiny.n_records) < 0.7)
        found = objective.certificate(tiny, weights)
        assert found.primal == pytest.approx(objective.value(tiny, weights), rel=1e-12)  # the same sum
        assert found.primal - found.gap <= best + 1e-9 * abs(best)  # a lower bound, up to the reference's accuracy


def test_budgets_of_every_size_are_met_exactly() -> None:
    problem = make_problem(120, 8)
    budgets = [1, 2, 8, 9, 30, 60, 119, 120]
    for solution, budget in zip(
        solve(problem, "anchored_l1", [Point(budget=b) for b in budgets]), budgets, strict=True
    ):
        assert solution.weights is not None
        assert active_count(solution.weights) == budget, solution.message
        assert solution.status == "optimal"


def test_the_relative_anchor_is_free_of_units() -> None:
    problem = make_problem()
    inflated = CalibrationProblem("inflated", problem.M * 7.0, problem.y * 21.0, problem.w0 * 3.0)
    for one, other in zip(
        solve(problem, "anchored_l1", [Point(lam=r) for r in (0.5, 3.0)]),
        solve(inflated, "anchored_l1", [Point(lam=r) for r in (0.5, 3.0)]),
        strict=True,
    ):
        np.testing.assert_allclose(3.0 * one.weights, other.weights, rtol=1e-6, atol=1e-9)  # type: ignore[operator]


def test_records_without_initial_weight_stay_out() -> None:
    problem = make_problem()
    w0 = problem.w0.copy()
    w0[::3] = 0.0
    [solution] = solve(CalibrationProblem("holes", problem.M, problem.y, w0), "anchored_l1", [Point(lam=0.1)])
    assert solution.status == "optimal"
    assert not solution.weights[::3].any()  # type: ignore[index]


def test_conjugate_gradients_reach_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    import frontier.solvers.dual.newton as newton

    problem = make_problem(300, 25)
    points = [Point(lam=r) for r in (0.1, 2.0)]
    dense = solve(problem, "anchored_l1", points)
    monkeypatch.setattr(newton, "DENSE_LIMIT", 10)
    for one, other in zip(dense, solve(problem, "anchored_l1", points), strict=True):
        assert other.status == "optimal"
        assert one.weights is not None
        assert other.weights is not None
        assert other.objective is not None
        gap = 1e-10 * other.objective.value(problem, other.weights)
        # strong convexity: Σ (μ/2w0)(w − w*)² is at most the gap; twice, as the factored solution is at its own
        bound = 2 * np.sqrt(2 * gap * problem.w0 / float(other.claims["mu"]))
        assert bound.max() < 0.01 * problem.w0.mean()
        assert (np.abs(one.weights - other.weights) <= bound).all()


@pytest.mark.parametrize(
    ("params", "said"),
    [({"mu": 0.0}, "mu"), ({"upper": 0.0}, "upper"), ({"tol": 2.0}, "tol"), ({"max_iter": 0}, "max_iter")],
)
def test_wrong_parameters_are_one_clear_line(tiny: CalibrationProblem, params: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"method 'anchored_l1'.{said}"):
        solve(tiny, "anchored_l1", [Point(lam=0.1)], **params)


@pytest.mark.parametrize("off", [0.0, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14])
def test_initial_weights_that_fit_already_but_for_their_last_digits_are_an_optimum(off: float) -> None:
    problem = make_problem(n=60, m=8)
    noise = np.random.default_rng(0).standard_normal(problem.n_targets)
    y = (problem.M @ problem.w0) * (1 + off * noise)
    near = CalibrationProblem("near", problem.M, y, problem.w0)
    [found] = solve(near, "anchored_l1", [Point(lam=0.0)])
    row = evaluate(near, default_split(near), found)
    assert row["status"] == "optimal", row["message"]
    assert found.n_iter is not None
    assert found.n_iter <= 3  # where no gap was small enough it took 37
