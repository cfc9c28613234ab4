"""What pps_sample, dense_scaled_sample, balanced_sample and top_k, which thin dense weights, have in common."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

import frontier
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods._dense import DenseMethod, dense_solution
from frontier.methods.registry import build_method, method_class
from frontier.methods.solution import Solution
from frontier.problems.splits import every_target
from tests.conftest import make_problem

METHODS = ["pps_sample", "dense_scaled_sample", "balanced_sample", "top_k"]


def solve(name: str, problem: CalibrationProblem, budgets: list[int], seed: int = 0, **params: Any) -> list[Solution]:
    method = build_method(name, params, name)
    return method.solve(problem, [Point(budget=k, seed=seed if method.stochastic else None) for k in budgets])


def weights_of(solution: Solution) -> np.ndarray:
    assert solution.weights is not None, solution.message
    return solution.weights


@pytest.mark.parametrize("name", METHODS)
def test_sizes_are_exact_and_the_dense_total_is_kept(name: str) -> None:
    problem = make_problem(n=300)
    total = weights_of(dense_solution(problem, "anchored_l1", None)).sum()
    for budget, solution in zip((250, 7, 60), solve(name, problem, [250, 7, 60]), strict=True):
        assert solution.status is Status.COMPLETED
        assert np.count_nonzero(solution.weights) == budget
        # rounding; balanced_sample keeps Σ w/π with its fixed size, as π is proportional to w but for the certain ones
        assert weights_of(solution).sum() == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("dense", get_args(DenseMethod))
def test_any_dense_weights_can_be_thinned(name: str, dense: DenseMethod) -> None:
    problem = make_problem(m=12, n=80)
    kept = weights_of(dense_solution(problem, dense, None)) > 0
    (solution,) = solve(name, problem, [5], dense=dense)
    assert solution.claims["dense_active"] == kept.sum()
    assert np.count_nonzero(solution.weights) == 5
    assert (kept | (weights_of(solution) == 0)).all()


@pytest.mark.parametrize("name", METHODS)
def test_a_budget_above_the_dense_records_is_infeasible(name: str) -> None:
    problem = make_problem()
    (solution,) = solve(name, problem, [61], dense="initial")
    assert solution.status is Status.INFEASIBLE
    assert solution.message == "budget 61 exceeds the 60 records that initial gives weight"
    (solution,) = solve(name, problem, [60], dense="initial")
    np.testing.assert_allclose(weights_of(solution), problem.w0, rtol=1e-14)  # rounding of a total


@pytest.mark.parametrize("name", METHODS)
def test_dense_weights_that_did_not_converge_are_not_passed_off_as_such(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "frontier.methods._dense.dense_solution"
    for status, weights in ((Status.NOT_CONVERGED, np.ones(60)), (Status.INFEASIBLE, None)):
        monkeypatch.setattr(module, lambda *_, s=status, w=weights: Solution(w, s, message="too hard"))
        (solution,) = solve(name, make_problem(), [5])
        assert solution.status is status
        assert solution.message == "dense weights by anchored_l1: too hard"


@pytest.mark.parametrize("name", METHODS)
def test_wrong_parameters_are_refused(name: str) -> None:
    for penalty in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="penalty: out of range"):
            method_class(name)(penalty=penalty)  # type: ignore[call-arg]
    with pytest.raises(InputError, match=r"dense weights 'initial' have no penalty; got 0.1; drop it"):
        build_method(name, {"dense": "initial", "penalty": 0.1}, name)
    with pytest.raises(InputError, match="dense"):
        build_method(name, {"dense": "sparse"}, name)


@pytest.mark.parametrize("name", METHODS)
def test_the_penalty_reaches_the_dense_method(name: str) -> None:
    problem = make_problem()
    for dense in ("anchored_l1", "raking"):
        (loose,) = solve(name, problem, [30], dense=dense, penalty=1e6)
        (plain,) = solve(name, problem, [30], dense="initial")
        # an enormous penalty leaves the initial weights, so the same records are kept
        np.testing.assert_array_equal(weights_of(loose) > 0, weights_of(plain) > 0)


def test_sampled_weights_are_the_dense_ones_over_the_probabilities() -> None:
    problem = make_problem(n=300)
    dense = weights_of(dense_solution(problem, "anchored_l1", None))
    for name in ("pps_sample", "balanced_sample"):
        (solution,) = solve(name, problem, [100])
        w = weights_of(solution)
        drawn = w > 0
        certain = drawn & (w <= dense * (1 + 1e-9))
        assert certain.sum() == solution.claims["certain"]
        assert np.ptp(w[drawn & ~certain]) <= 1e-12 * w.max()  # w/π = 1/c, up to rounding
        assert w[drawn & ~certain].min() > dense[drawn & ~certain].max()


def test_estimates_of_samples_are_unbiased() -> None:
    problem = make_problem(n=100)
    truth = problem.M @ weights_of(dense_solution(problem, "anchored_l1", None))
    for name in ("pps_sample", "balanced_sample"):
        method = build_method(name, {}, name)
        solutions = method.solve(problem, [Point(budget=40, seed=seed) for seed in range(400)])
        estimates = np.array([problem.M @ weights_of(s) for s in solutions])
        error = estimates.std(axis=0) / np.sqrt(len(estimates))
        # standard errors of a mean over fixed seeds; the first row counts records' weights and is met exactly
        assert (np.abs(estimates.mean(axis=0) - truth)[1:] <= 4 * error[1:]).all()


@pytest.mark.parametrize("design", ["sampford", "pivotal", "with_replacement"])
def test_a_pps_sample_of_any_design_is_unbiased_and_of_its_size(design: str) -> None:
    problem = make_problem(n=100)
    dense = weights_of(dense_solution(problem, "anchored_l1", None))
    method = build_method("pps_sample", {"design": design}, "pps_sample")
    solutions = method.solve(problem, [Point(budget=40, seed=seed) for seed in range(400)])
    found = np.array([weights_of(solution) for solution in solutions])
    # standard errors of means over fixed seeds, for each of 100 records: within 5 but once in 17,000 runs
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - dense) <= 5 * error + 1e-9 * dense).all()
    kept = np.count_nonzero(found, axis=1)
    assert (kept <= 40).all() if design == "with_replacement" else (kept == 40).all()
    np.testing.assert_allclose(found.sum(axis=1), dense.sum(), rtol=1e-9)  # as for the systematic one
    [judged] = frontier.solve(problem, method, [Point(budget=40, seed=1)])
    row = frontier.evaluate(problem, every_target(problem), judged)
    assert row["budget_reached"]
    assert row["status"] == "completed"


def test_balancing_brings_the_training_estimates_nearer_to_the_dense_ones() -> None:
    problem = make_problem(n=2_000, m=10)
    dense = weights_of(dense_solution(problem, "anchored_l1", None))

    def imbalance(name: str) -> float:
        w = [weights_of(solve(name, problem, [400], seed)[0]) for seed in range(5)]
        return float(np.mean([np.abs(problem.M @ (x - dense)) / problem.y for x in w]))

    assert imbalance("balanced_sample") < imbalance("pps_sample") / 3  # 10 of 400 are landed; measured: 7.7 times


def test_the_most_important_targets_are_given_up_last() -> None:
    problem = make_problem(n=1_000, m=12)
    errors = []
    for importance in (100.0, 0.01):  # of the last four targets, against 1 for the others
        omega = np.where(np.arange(12) >= 8, importance, 1.0)
        weighted = CalibrationProblem("weighted", problem.M, problem.y, problem.w0, importance=omega)
        solutions = [solve("balanced_sample", weighted, [100], seed, dense="initial")[0] for seed in range(40)]
        missed = [np.abs(problem.M @ (weights_of(s) - problem.w0)) / problem.y for s in solutions]
        errors.append(np.mean(missed, axis=0)[8:].mean())
    assert errors[0] < errors[1]


def test_subsets_of_dense_weights_are_nested_and_keep_their_proportions() -> None:
    problem = make_problem(n=300)
    dense = weights_of(dense_solution(problem, "anchored_l1", None))
    small, large = (weights_of(s) for s in solve("dense_scaled_sample", problem, [20, 80]))
    assert (large[small > 0] > 0).all()
    assert (
        np.ptp(small[small > 0] / dense[small > 0]) <= 1e-12 * (small[small > 0] / dense[small > 0]).max()
    )  # rounding


def test_top_k_keeps_the_largest() -> None:
    problem = make_problem(n=300)
    dense = weights_of(dense_solution(problem, "anchored_l1", None))
    (solution,) = solve("top_k", problem, [50])
    kept = weights_of(solution) > 0
    assert dense[kept].min() >= dense[~kept].max()
    assert solution.claims["share_of_weight"] == pytest.approx(dense[kept].sum() / dense.sum(), rel=1e-12)  # rounding
