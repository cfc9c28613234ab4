"""The non-negative LASSO beyond the contract: certified against CVXPY, honest at its limit, sparsity on request."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

import frontier.solvers.lasso.working_set as path_module
from frontier import Point, default_split, evaluate, load_problem, solve
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import L1Objective, lam_max
from frontier.solvers.lasso.fista import largest_eigenvalue
from frontier.sweep.session import open_session
from tests.conftest import make_problem

RATIOS = [1.0, 0.8, 0.3, 0.05, 0.005, 0.0]


def test_every_lam_ends_within_the_certified_gap_of_cvxpy(tiny: CalibrationProblem) -> None:
    points = [Point(lam=ratio) for ratio in RATIOS]
    ours = solve(tiny, "nn_lasso", points, lam_unit="lam_max", tol=1e-9)
    reference = solve(tiny, "cvxpy_reference", points, lam_unit="lam_max")
    for one, other in zip(ours, reference, strict=True):
        assert one.objective is not None
        assert one.weights is not None
        assert other.weights is not None
        certificate = one.objective.certificate(tiny, one.weights)
        assert certificate is not None
        assert certificate.relative_gap <= 1e-9 or one.objective.lam == 0
        values = [one.objective.value(tiny, w) for w in (one.weights, other.weights)]
        assert values[0] == pytest.approx(values[1], rel=1e-6, abs=1e-9)  # the reference's own tolerance


def test_without_a_penalty_it_solves_nonnegative_least_squares() -> None:
    problem = make_problem(n=5, m=12)  # more targets than records: a positive minimum
    [solution] = solve(problem, "nn_lasso", [Point(lam=0.0)], tol=1e-10)
    design = weighted_design(problem)
    expected, _ = scipy.optimize.nnls(design.A.toarray(), design.b)
    np.testing.assert_allclose(solution.weights, expected, rtol=1e-4, atol=1e-6)  # gap 1e-10, conditioning about 1e6


def test_at_lam_max_nothing_is_kept_and_just_below_something_is(tiny: CalibrationProblem) -> None:
    top = lam_max(weighted_design(tiny))
    empty, single = solve(tiny, "nn_lasso", [Point(lam=top), Point(lam=0.999 * top)], tol=1e-12)
    assert not empty.weights.any()  # type: ignore[union-attr]
    assert np.count_nonzero(single.weights) == 1


def test_the_iteration_limit_is_admitted_and_the_best_point_kept(tiny: CalibrationProblem) -> None:
    [solution] = solve(tiny, "fista", [Point(lam=1e-4)], max_iter=3, tol=1e-12)
    assert solution.status == "not_converged"
    assert solution.n_iter == 3
    assert "after 3 iterations" in solution.message
    assert solution.weights is not None


def test_a_false_claim_of_optimality_is_overruled_by_the_harness(tiny: CalibrationProblem) -> None:
    split = default_split(tiny)
    [solution] = solve(tiny, "fista", [Point(lam=1e-3)], tol=0.1)
    row = evaluate(tiny, split, solution)
    assert row["claimed_status"] == "optimal"
    assert row["status"] == "not_converged"
    assert "certificate" in row["message"]
    assert row["certified"] is False


def test_the_harness_is_given_the_dual_that_an_interior_point_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_module, "INTERIOR_FROM", 0)  # of active records: always but for the first λ
    monkeypatch.setattr(path_module, "PATIENCE", 0)  # pivots before it
    problem = make_problem(n=200, m=20)
    points = [Point(lam=0.3), Point(lam=1e-2), Point(lam=1e-3)]
    for solution in solve(problem, "nn_lasso", points, lam_unit="lam_max")[1:]:
        assert solution.dual is not None
        assert solution.weights is not None
        assert solution.objective is not None
        certificate = solution.objective.certificate(problem, solution.weights, solution.dual)
        assert certificate is not None
        assert certificate.relative_gap == solution.claims["relative_gap"]  # the same sums
        assert solution.status == "optimal"


def test_target_sparsity_finds_a_lam_with_that_many_zeros() -> None:
    problem = make_problem(n=200, m=20)
    [solution] = solve(problem, "nn_lasso", [Point()], target_sparsity=0.95)
    assert np.count_nonzero(solution.weights) == pytest.approx(10, abs=1)  # supports jump by one record at a time
    [dense] = solve(problem, "nn_lasso", [Point()], target_sparsity=0.5)
    assert "the nearest size reached is" in dense.message  # more than rank(A) = 20 records are never needed


def test_the_step_is_never_longer_than_the_largest_eigenvalue_allows() -> None:
    for m in (3, 40):
        design = weighted_design(make_problem(n=100, m=m))
        exact = np.linalg.norm(design.A.toarray(), 2) ** 2
        assert exact * (1 - 1e-12) <= largest_eigenvalue(design.A) <= exact * 1.002  # Lanczos with its safety factor


def test_the_notebooks_lams_are_all_zero_but_two() -> None:
    problem = load_problem("cps_like")
    training = problem.restrict(default_split(problem).train)
    grid = [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]
    solutions = solve(training, "nn_lasso", [Point(lam=lam) for lam in grid])
    assert [bool(s.weights.any()) for s in solutions] == [True, True] + [False] * 10  # type: ignore[union-attr]
    assert {s.status for s in solutions} == {"optimal"}


@pytest.mark.parametrize(
    ("params", "said"),
    [({"tol": 0.0}, "tol"), ({"max_iter": 0}, "max_iter"), ({"target_sparsity": 1.0}, "target_sparsity")],
)
def test_wrong_parameters_are_one_clear_line(tiny: CalibrationProblem, params: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=f"method 'nn_lasso'.{said}"):
        solve(tiny, "nn_lasso", [Point(lam=0.1)], **params)


def test_a_negative_lam_is_refused() -> None:
    with pytest.raises(InputError, match="lam: not a penalty; expected a finite λ ≥ 0, got -1"):
        Point(lam=-1.0)


@pytest.mark.parametrize(("name", "settings"), [("nn_lasso", {"solver": "homotopy"}), ("fista", {"tol": 1e-9})])
def test_the_three_ways_agree_at_every_lam(name: str, settings: dict[str, object]) -> None:
    problem = make_problem(150, 10)
    points = [Point(lam=ratio) for ratio in RATIOS[:5]]
    exact = solve(problem, "nn_lasso", points, lam_unit="lam_max")
    other = solve(problem, name, points, lam_unit="lam_max", **settings)
    for one, two in zip(exact, other, strict=True):
        assert one.status == two.status == "optimal", two.message
        assert one.objective is not None
        values = [one.objective.value(problem, s.weights) for s in (one, two)]  # type: ignore[arg-type]
        assert values[0] == pytest.approx(values[1], rel=1e-8)  # ten times the gap that FISTA leaves


def test_costs_per_record_move_the_support_to_the_cheap_ones() -> None:
    problem = make_problem(100, 8)
    costs = np.where(np.arange(100) < 50, 1.0, 100.0)
    [solution] = solve(problem, "nn_lasso", [Point(lam=0.3)], lam_unit="lam_max", costs=tuple(costs))
    row = evaluate(problem, default_split(problem), solution)
    assert row["certified"]
    assert not solution.weights[50:].any()  # type: ignore[index]


def test_budgets_up_to_the_rank_are_met_or_the_nearest_is_named() -> None:
    problem = make_problem(200, 20)
    for solution in solve(problem, "nn_lasso", [Point(budget=k) for k in (1, 5, 10, 15)]):
        assert solution.point is not None
        count, asked = np.count_nonzero(solution.weights), solution.point.budget
        assert solution.status == "optimal"
        assert abs(count - asked) <= 1  # the path may skip a size
        assert (count == asked) == ("nearest size reached" not in solution.message)


@pytest.mark.parametrize("solver", ["working_set", "homotopy"])
def test_a_budget_is_served_by_the_smallest_lam_of_its_size_whatever_else_is_asked(solver: str) -> None:
    problem = make_problem(200, 20)
    points = [Point(budget=k) for k in (3, 8, 14)]
    together = solve(problem, "nn_lasso", points, solver=solver)
    for point, one in zip(points, together, strict=True):
        [alone] = solve(problem, "nn_lasso", [point], solver=solver)
        assert isinstance(one.objective, L1Objective)
        assert isinstance(alone.objective, L1Objective)
        assert alone.objective.lam == pytest.approx(one.objective.lam, rel=1e-3)  # as near as it is sought (`DOWNHILL`)
        [below] = solve(problem, "nn_lasso", [Point(lam=one.objective.lam / 1.001)])
        assert np.count_nonzero(one.weights) == point.budget != np.count_nonzero(below.weights)


def test_fista_serves_a_budget_at_the_same_lam() -> None:
    problem = make_problem(200, 20)
    points = [Point(budget=k) for k in (3, 8, 14)]
    for one, other in zip(solve(problem, "nn_lasso", points), solve(problem, "fista", points), strict=True):
        assert isinstance(one.objective, L1Objective)
        assert isinstance(other.objective, L1Objective)
        assert other.objective.lam == pytest.approx(one.objective.lam, rel=1e-3)  # as near as it is sought


def test_equal_columns_are_flagged_as_a_support_that_is_not_unique(tiny: CalibrationProblem) -> None:
    doubled = CalibrationProblem(
        "doubled", np.hstack([tiny.M.toarray()] * 2), tiny.y, np.concatenate([tiny.w0, tiny.w0])
    )
    unique, tied = (
        evaluate(p, default_split(p), solve(p, "nn_lasso", [Point(lam=0.3)], lam_unit="lam_max")[0])
        for p in (tiny, doubled)
    )
    assert unique["support_is_unique"]
    assert not tied["support_is_unique"]
    assert tied["n_active"] == unique["n_active"] == unique["active_rank"]
    assert tied["n_equicorrelated"] == 2 * unique["n_equicorrelated"]


@pytest.mark.parametrize("name", ["cps_like", "cps_ohio"])
def test_it_agrees_with_the_reference_at_every_lam_of_the_experiments(name: str) -> None:
    session = open_session(f"experiments/{name}.yaml")
    problem = session.problems[name]
    training = problem.restrict(session.splits[name][0].train)
    specs = [s for s in session.experiment.methods if s.name == "nn_lasso"]
    assert specs
    for spec in specs:
        for one in spec.method.solve(training, spec.points_on(training.n_records)):
            assert one.objective is not None
            assert one.weights is not None
            found = one.objective.certificate(training, one.weights)
            assert found is not None
            assert found.relative_gap <= 1e-6
            [reference] = solve(training, "cvxpy_reference", [Point(lam=one.objective.lam)])
            value = one.objective.value(training, reference.weights)  # type: ignore[arg-type]
            # both gaps are at most 1e-6; at λ = 0 the minimum is 0
            assert one.objective.value(training, one.weights) == pytest.approx(value, rel=1e-6, abs=1e-6)
