"""Exact best-subset selection against brute force, and the heuristics against it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods import best_subset
from frontier.methods.base import Method
from frontier.methods.best_subset import BestSubset
from frontier.methods.hard_concrete import HardConcreteCalibrator
from frontier.methods.iht import Iht
from frontier.methods.omp import Omp
from frontier.methods.reweighted_l1 import ReweightedL1
from frontier.methods.solution import Solution
from frontier.objectives.absolute import LadObjective
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import lam_max
from frontier.objectives.weight_statistics import active_count
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split, every_target
from frontier.sweep.measure import solve_measured
from frontier.sweep.scoring import evaluate
from frontier.sweep.solve import solve as frontier_solve
from tests.conftest import make_problem

value = LadObjective(0.0).value


def solve(problem: CalibrationProblem, budgets: list[int], method: BestSubset | None = None) -> list[Solution]:
    return (method or BestSubset()).solve(problem, [Point(budget=k) for k in budgets])


def weights_of(solution: Solution) -> np.ndarray:
    assert solution.weights is not None, solution.message
    return solution.weights


def planted(**params: float) -> CalibrationProblem:
    problem = load_problem("planted", **params)
    return problem.restrict(default_split(problem).train)


def brute_force(problem: CalibrationProblem, k: int) -> float:
    """The least absolute deviations of every support of k records, one linear programme each."""
    factor = problem.importance / problem.scale
    A, b = problem.M.toarray() * factor[:, None], problem.y * factor
    identity = np.eye(b.size)
    best = np.inf
    for support in itertools.combinations(range(problem.n_records), k):
        matrix = np.hstack([A[:, list(support)], identity, -identity])
        cost = np.append(np.zeros(k), np.ones(2 * b.size))
        best = min(best, linprog(cost, A_eq=matrix, b_eq=b, method="highs-ds").fun)
    return float(best)


@pytest.mark.parametrize("seed", range(3))
def test_it_matches_brute_force_on_twelve_records(seed: int) -> None:
    noisy = make_problem(n=12, m=8, seed=seed, noise=0.3)
    rng = np.random.default_rng(seed)
    problem = CalibrationProblem("small", noisy.M, noisy.y, noisy.w0, importance=rng.uniform(0.2, 3.0, 8))
    for k, solution in zip((1, 2, 4), solve(problem, [1, 2, 4]), strict=True):
        assert solution.status is Status.OPTIMAL, solution.message
        assert np.count_nonzero(weights_of(solution)) <= k
        # the gap at which a value counts as proven, 1e-6 of the value at w = 0
        assert value(problem, weights_of(solution)) == pytest.approx(
            brute_force(problem, k), abs=1e-6 * value(problem, np.zeros(12))
        )


def test_a_planted_truth_is_found() -> None:
    problem = load_problem("planted", n_records=40, n_targets=15, k=4)
    (solution,) = solve(problem.restrict(default_split(problem).train), [4])
    assert solution.status is Status.OPTIMAL
    np.testing.assert_allclose(
        weights_of(solution), problem.meta["known_weights"], rtol=1e-6, atol=1e-6
    )  # LP tolerances


def test_the_value_falls_with_the_budget_down_to_that_without_one() -> None:
    problem = planted(n_records=30, n_targets=10, noise=0.1)
    values = [value(problem, weights_of(s)) for s in solve(problem, [1, 2, 3, 30])]
    assert values == sorted(values, reverse=True)
    (solution,) = solve(problem, [30])
    assert solution.objective is not None
    certificate = solution.objective.certificate(problem, weights_of(solution), solution.dual)
    assert certificate is not None
    assert certificate.relative_gap <= 1e-9  # a vertex, to rounding


def heuristics(problem: CalibrationProblem, budgets: tuple[int, ...]) -> list[tuple[Method, list[Point]]]:
    by_budget = [Point(budget=k) for k in budgets]
    top = lam_max(weighted_design(problem))
    gates = HardConcreteCalibrator(epochs=300, lr=0.2, device="cpu", precision="float64")
    return [
        (Omp(), by_budget),
        (Iht(), by_budget),
        (Iht(start="initial"), by_budget),
        (ReweightedL1(), [*by_budget, Point(lam=top / 5)]),
        (gates, [Point(lam=lam, seed=seed) for lam in (0.05, 0.3, 1.0) for seed in (0, 1)]),
    ]


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_no_heuristic_beats_the_optimum(noise: float) -> None:
    problem = planted(n_records=40, n_targets=15, k=4, noise=noise)
    optimum: dict[int, float] = {}
    compared = set()
    for method, points in heuristics(problem, (1, 2, 3, 5)):
        for found in method.solve(problem, points):
            k = active_count(weights_of(found), 0.0)
            if not 0 < k <= 5:  # supports that the exact search need not prove
                continue
            if k not in optimum:
                (exact,) = solve(problem, [k])
                assert exact.status is Status.OPTIMAL, exact.message
                optimum[k] = value(problem, weights_of(exact))
            compared.add(type(method).__name__)
            # what HiGHS leaves unproven: 1e-6 of the value at w = 0
            assert value(problem, weights_of(found)) >= optimum[k] - 1e-6 * value(problem, np.zeros(40))
    assert {"Omp", "Iht", "ReweightedL1", "HardConcreteCalibrator"} <= compared


def test_a_time_limit_is_not_convergence_and_the_bound_is_claimed() -> None:
    problem = planted(n_records=100, n_targets=20, k=100, noise=0.1)
    (solution,) = solve(problem, [5], BestSubset(time_limit_seconds=0.05))
    assert "raise time_limit_seconds" in solution.message
    assert solution.status is Status.TIMEOUT
    [measured] = solve_measured(BestSubset(time_limit_seconds=0.05), "best_subset", problem, [Point(budget=5)])
    assert measured.message.startswith("stopped by the clock, so not reproducible")
    found = value(problem, weights_of(solution))
    assert 0 <= float(solution.claims["bound"]) < found
    (greedy,) = Omp().solve(problem, [Point(budget=5)])
    assert found <= value(problem, weights_of(greedy))


def test_a_given_bound_is_a_constraint() -> None:
    problem = planted(n_records=30, n_targets=10, k=3)
    (free,) = solve(problem, [3])
    limit = 0.5 * float(weights_of(free).max())
    (bounded,) = solve(problem, [3], BestSubset(upper=limit))
    assert bounded.status is Status.OPTIMAL
    assert weights_of(bounded).max() <= limit * (1 + 1e-9)  # LP tolerance
    assert value(problem, weights_of(bounded)) > value(problem, weights_of(free))


def test_derived_bounds_contain_the_optimum() -> None:
    problem = planted(n_records=30, n_targets=10, k=3, noise=0.1)
    (solution,) = solve(problem, [2])
    assert weights_of(solution).max() <= float(solution.claims["largest_bound"])


def test_records_that_cancel_without_limit_need_a_bound() -> None:
    M = np.array([[1.0, -1.0, 0.5], [2.0, -2.0, 0.1], [0.5, -0.5, 0.9]])
    problem = CalibrationProblem("cancelling", M, np.array([1.0, 1.0, 2.0]), np.ones(3))
    (solution,) = solve(problem, [1])
    assert solution.status is Status.ERROR
    assert "give upper" in solution.message
    (solution,) = solve(problem, [1], BestSubset(upper=10.0))
    assert solution.status is Status.OPTIMAL


def test_large_problems_and_wrong_parameters_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InputError, match="best_subset: too many records for an exact search; expected at most 200, got 201"
    ):
        solve(make_problem(n=201), [3])
    for wrong in ({"upper": 0.0}, {"upper": float("inf")}, {"time_limit_seconds": -1.0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            BestSubset(**wrong)
    assert best_subset.MAX_RECORDS >= 150


def test_a_proven_optimum_of_fewer_records_serves_the_budget() -> None:
    problem = CalibrationProblem("one is enough", np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([3.0, 3.0]), np.ones(2))
    [solution] = frontier_solve(problem, "best_subset", [Point(budget=2)])
    row = evaluate(problem, every_target(problem), solution)
    assert (row["status"], row["n_active"], row["budget_reached"], row["message"]) == ("optimal", 1, True, "")
