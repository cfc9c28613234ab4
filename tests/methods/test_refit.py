"""The refit against CVXPY, its promises (whole support, never a worse fit), its anchors, its failures."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import frontier
from frontier import CalibrationProblem, InputError, Point, Solution, Status, default_split, evaluate
from frontier.methods.refit import refit_arm
from frontier.objectives.design import relative_residual
from tests.conftest import make_problem


def selection(problem: CalibrationProblem, k: int = 25, seed: int = 3) -> Solution:
    """k records, weighted at random around their initial weights."""
    rng = np.random.default_rng(seed)
    weights = np.zeros(problem.n_records)
    support = rng.choice(problem.n_records, k, replace=False)
    weights[support] = problem.w0[support] * rng.gamma(2.0, 1.0, k)
    return Solution(weights, Status.COMPLETED, point=Point(budget=k, seed=seed), method="drawn")


def loss(problem: CalibrationProblem, solution: Solution) -> float:
    assert solution.weights is not None
    r = relative_residual(problem, solution.weights)
    return float(0.5 * problem.importance @ r**2)


def by_cvxpy(problem: CalibrationProblem, v: np.ndarray, rho: float) -> np.ndarray:
    """The same programme by an exponential-cone solver, in units of the anchor weights."""
    on = np.flatnonzero(v)
    x = cp.Variable(len(on), nonneg=True)
    A = (problem.M.toarray() / problem.scale[:, None])[:, on] * v[on]
    fit = cp.sum_squares(cp.multiply(np.sqrt(problem.importance), A @ x - problem.y / problem.scale))
    distance = v[on] @ cp.kl_div(x, np.ones(len(on))) / v.sum()
    programme = cp.Problem(cp.Minimize(0.5 * fit + rho * distance))
    programme.solve(solver="CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    weights = np.zeros(len(v))
    weights[on] = x.value * v[on]
    return weights


@pytest.mark.parametrize("anchor", ["fitted", "initial"])
@pytest.mark.parametrize("rho", [1.0, 0.1, 1e-3])
def test_it_finds_the_weights_that_cvxpy_finds(anchor: str, rho: float) -> None:
    problem = make_problem(n=60, m=8, noise=0.3)
    omega = np.array([1.0, 2.0, 0.0, 1.0, 0.5, 1.0, 1.0, 3.0])
    problem = CalibrationProblem("tiny", problem.M, problem.y, problem.w0, importance=omega)
    chosen = selection(problem)
    found = frontier.refit(problem, chosen, anchor, rho=rho)  # type: ignore[arg-type]
    assert chosen.weights is not None
    v = chosen.weights
    if anchor == "initial":
        v = np.where(v > 0, problem.w0, 0.0)
        v = v * problem.w0.sum() / v.sum()
    expected = by_cvxpy(problem, v, rho)
    assert found.objective is not None
    values = [found.objective.value(problem, weights) for weights in (found.weights, expected)]  # type: ignore[arg-type]
    assert values[0] == pytest.approx(values[1], rel=1e-8)  # Clarabel stops at 1e-12 of its own scaled programme
    np.testing.assert_allclose(found.weights, expected, rtol=1e-6, atol=1e-6 * v.mean())  # Clarabel's weights


def test_the_harness_certifies_a_refit_row_and_refuses_a_spoiled_one() -> None:
    problem = make_problem(n=60, m=8, noise=0.3)
    split = default_split(problem)
    found = frontier.refit(problem, selection(problem))
    row = evaluate(problem, split, found)
    assert (row["refit"], row["status"], row["certified"]) == ("fitted", "optimal", True)
    assert row["relative_gap"] < 1e-9  # Newton ends near rounding
    assert (row["budget"], row["seed"], row["method"], row["budget_reached"]) == (25, 3, "drawn", True)
    assert found.weights is not None
    spoiled = Solution(found.weights * 1.01, Status.OPTIMAL, objective=found.objective, refit="fitted")
    assert evaluate(problem, split, spoiled)["status"] == "not_converged"


@given(st.integers(0, 10_000), st.integers(1, 59), st.sampled_from([10.0, 0.1, 1e-4]))
@settings(max_examples=60, deadline=None)
def test_it_keeps_the_whole_support_and_never_fits_worse(seed: int, k: int, rho: float) -> None:
    problem = make_problem(n=60, m=8, seed=seed, noise=0.5)
    chosen = selection(problem, k, seed)
    found = frontier.refit(problem, chosen, rho=rho)
    assert found.weights is not None
    assert chosen.weights is not None
    assert ((found.weights > 0) == (chosen.weights > 0)).all()
    # w = v costs no distance, so the optimum's loss plus its price is at most the loss of v (1e-9: its tolerance)
    assert found.objective is not None
    assert found.objective.value(problem, found.weights) <= loss(problem, chosen) * (1 + 1e-9) + 1e-12
    assert loss(problem, found) <= loss(problem, chosen) * (1 + 1e-9) + 1e-12


def test_a_record_that_only_hurts_is_left_with_hardly_any_weight_but_kept() -> None:
    problem = CalibrationProblem("hurt", np.array([[1.0, 1e6]]), [10.0], [1.0, 1.0])
    chosen = Solution(np.array([5.0, 5.0]), Status.COMPLETED)
    found = frontier.refit(problem, chosen, rho=1e-9)
    assert found.weights is not None
    assert (found.weights > 0).all()


def test_it_is_free_of_units_and_of_the_size_of_weights() -> None:
    problem = make_problem(n=60, m=8, noise=0.3)
    chosen = selection(problem)
    assert chosen.weights is not None
    found = frontier.refit(problem, chosen)
    other = CalibrationProblem(
        "other", problem.M * 50.0, problem.y * 5000.0, problem.w0 * 100.0, scale=problem.scale * 5000.0
    )
    scaled = frontier.refit(other, Solution(chosen.weights * 100.0, Status.COMPLETED))
    np.testing.assert_allclose(scaled.weights, 100.0 * found.weights, rtol=1e-7)  # type: ignore[operator]  # Newton's tolerance


def test_an_exact_fit_is_left_alone() -> None:
    problem = make_problem(n=60, m=8)
    chosen = selection(problem)
    assert chosen.weights is not None
    exact = CalibrationProblem("exact", problem.M, problem.M @ chosen.weights, problem.w0)
    np.testing.assert_allclose(frontier.refit(exact, chosen).weights, chosen.weights, rtol=1e-9)  # Newton's tolerance


@pytest.mark.parametrize("off", [1e-6, 1e-9, 1e-10, 1e-12])
def test_a_fit_that_is_exact_but_for_its_last_digits_is_certified(off: float) -> None:
    problem = make_problem(n=60, m=8)
    chosen = selection(problem)
    assert chosen.weights is not None
    noise = np.random.default_rng(0).standard_normal(problem.n_targets)
    y = (problem.M @ chosen.weights) * (1 + off * noise)
    near = CalibrationProblem("near", problem.M, y, problem.w0)
    row = evaluate(near, default_split(near), frontier.refit(near, chosen))
    assert row["status"] == "optimal", row["message"]


def test_no_support_no_weights_and_no_initial_weight_are_told_and_never_raised() -> None:
    problem = make_problem()
    for weights in (np.zeros(60), None):
        status = Status.COMPLETED if weights is not None else Status.ERROR
        found = frontier.refit(problem, Solution(weights, status, point=Point(lam=1.0)))
        assert (found.status, found.weights, found.refit) == (Status.INFEASIBLE, None, "fitted")
        assert found.point == Point(lam=1.0)
        assert "no support" in found.message
    w0 = problem.w0.copy()
    w0[7] = 0.0
    bare = CalibrationProblem("bare", problem.M, problem.y, w0)
    found = frontier.refit(bare, Solution(np.ones(60), Status.COMPLETED), "initial")
    assert found.message == "1 records of the support have no initial weight"
    assert frontier.refit(bare, Solution(np.ones(60), Status.COMPLETED)).status is Status.OPTIMAL


def test_wrong_arguments_are_one_clear_line() -> None:
    problem = make_problem()
    chosen = selection(problem)
    with pytest.raises(InputError, match="anchor: unknown anchor; expected fitted or initial, got 'w0'"):
        frontier.refit(problem, chosen, "w0")  # type: ignore[arg-type]
    for rho in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="rho: not a strength"):
            frontier.refit(problem, chosen, rho=rho)
    with pytest.raises(InputError, match="solution: weights of another problem; expected 60, got 5"):
        frontier.refit(problem, Solution(np.ones(5), Status.COMPLETED))


@pytest.mark.parametrize("arm", ["fitted", "initial", "fitted@0.01", "initial@10"])
def test_an_arm_names_its_anchor_and_its_strength(arm: str) -> None:
    anchor, rho = refit_arm(arm)
    assert (anchor, rho) == {
        "fitted": ("fitted", 0.1),
        "initial": ("initial", 0.1),
        "fitted@0.01": ("fitted", 0.01),
        "initial@10": ("initial", 10.0),
    }[arm]


@pytest.mark.parametrize("arm", ["none", "w0", "fitted@", "fitted@0", "fitted@nan", "fitted@0.010", "fitted@-1", "@1"])
def test_an_arm_that_is_none_is_one_line(arm: str) -> None:
    with pytest.raises(InputError, match=r"refit: unknown refit.*fitted@0\.01"):
        refit_arm(arm)
