"""Stratified raking against set-by-set counting, plain iterative proportional fitting and hand-made cycles."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.registry import build_method
from frontier.methods.solution import Solution
from frontier.methods.stratified_raking import StratifiedRaking, indicator_rows, keep, strata


def margins(seed: int = 0, n: int = 400) -> tuple[CalibrationProblem, NDArray[np.intp], NDArray[np.intp]]:
    """A two-way table: 3 regions × 4 ages, counted by 7 indicator rows with equal totals; region and age by record."""
    rng = np.random.default_rng(seed)
    region, age = rng.integers(0, 3, size=n), rng.choice(4, size=n, p=[0.4, 0.3, 0.2, 0.1])
    M = np.vstack([region == k for k in range(3)] + [age == k for k in range(4)]).astype(float)
    y = 1e5 * np.concatenate([rng.dirichlet(np.full(3, 5.0)), rng.dirichlet(np.full(4, 5.0))])
    w0 = rng.uniform(50.0, 500.0, size=n)
    return CalibrationProblem("margins", M, y, w0), region, age


def with_amounts() -> CalibrationProblem:
    """The table and a dollar target that some weights on the table's margins reproduce."""
    problem, region, _ = margins()
    rng = np.random.default_rng(9)
    income = np.round(rng.lognormal(10.0, 1.0, size=problem.n_records)) * (rng.random(problem.n_records) < 0.8)
    weights = 1e5 / problem.n_records * rng.uniform(0.5, 1.5, size=problem.n_records)
    M = np.vstack([problem.M.toarray(), income])
    return CalibrationProblem("amounts", M, M @ weights, problem.w0, groups=region)


def solve(problem: CalibrationProblem, lam: float, seed: int = 0, method: StratifiedRaking | None = None) -> Solution:
    (solution,) = (method or StratifiedRaking()).solve(problem, [Point(lam=lam, seed=seed)])
    return solution


def weights_of(solution: Solution) -> FloatArray:
    assert solution.weights is not None, solution.message
    return solution.weights


def memberships(problem: CalibrationProblem) -> list[frozenset[int]]:
    """The indicator rows of each record, one record at a time."""
    M = problem.M.toarray()
    counting = [j for j in range(len(M)) if M[j].any() and set(M[j]) <= {0.0, 1.0}]
    return [frozenset(j for j in counting if M[j, i] == 1) for i in range(problem.n_records)]


def test_an_indicator_row_has_stored_entries_that_are_all_one() -> None:
    M = np.array(
        [[1.0, 0.0, 1.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    )
    problem = CalibrationProblem("hand", M, np.ones(6), np.ones(3))
    found = indicator_rows(problem)
    assert {j: list(records) for j, records in found.items()} == {0: [0, 2], 4: [1], 5: [0, 1, 2]}


@pytest.mark.parametrize("seed", range(5))
def test_strata_are_the_distinct_sets_of_indicator_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    M = (rng.random((6, 60)) < 0.4) * np.where(rng.random((6, 1)) < 0.7, 1.0, rng.random((6, 60)))
    M[:, :3] = 0.0  # records in no row are a stratum of their own
    problem = CalibrationProblem("random", M, np.ones(6), np.ones(60))
    found, sets = strata(60, indicator_rows(problem).values()), memberships(problem)
    assert sorted(set(found)) == list(range(len(set(sets))))
    assert len(set(zip(found.tolist(), sets, strict=True))) == len(set(sets))


@pytest.mark.parametrize("lam", [0.0, 0.1, 0.7, 2.0, 50.0])
def test_each_stratum_keeps_the_share_that_lam_says_and_at_least_one_record(lam: float) -> None:
    problem = with_amounts()
    sets = memberships(problem)
    solution = solve(problem, lam)
    kept = Counter(group for group, w in zip(sets, weights_of(solution), strict=True) if w > 0)
    assert kept == {group: max(1, math.floor(size * math.exp(-lam))) for group, size in Counter(sets).items()}
    assert solution.claims == {"kept_records": kept.total(), "strata": 12, "indicator_rows": 7}


def test_lam_zero_keeps_every_record_whatever_the_seed() -> None:
    problem = with_amounts()
    first, second = (weights_of(solve(problem, 0.0, seed)) for seed in (0, 1))
    assert (first > 0).all()
    np.testing.assert_array_equal(first, second)


def test_one_seed_gives_nested_records_along_lam_and_seeds_differ() -> None:
    problem = with_amounts()
    kept = [weights_of(solve(problem, lam, seed=3)) > 0 for lam in (0.0, 0.3, 0.6, 1.2, 3.0, 20.0)]
    for larger, smaller in itertools.pairwise(kept):
        assert (larger | ~smaller).all()
        assert larger.sum() > smaller.sum()
    assert (kept[2] != (weights_of(solve(problem, 0.6, seed=4)) > 0)).any()
    np.testing.assert_array_equal(kept[2], weights_of(solve(problem, 0.6, seed=3)) > 0)


def test_the_draw_is_uniform_within_a_stratum() -> None:
    stratum = np.repeat([0, 1], [10, 30])
    drawn = np.zeros(40)
    for seed in range(2000):
        drawn += keep(stratum, np.random.default_rng(seed).permutation(40), lam=math.log(2.0) - 1e-9)
    # 2,000 draws of one half: standard deviation 22 records, so 100 is 4.5 of them
    assert drawn == pytest.approx(np.full(40, 1000.0), abs=100)


def test_raking_margins_is_iterative_proportional_fitting() -> None:
    problem, region, age = margins()
    solution = solve(problem, 0.0)
    table = np.zeros((3, 4))
    np.add.at(table, (region, age), 1.0)
    counts = table.copy()
    for _ in range(solution.n_iter):
        table *= (problem.y[:3] / table.sum(axis=1))[:, None]
        table *= problem.y[3:] / table.sum(axis=0)
    expected = (table / counts)[region, age]
    assert weights_of(solution) == pytest.approx(expected, rel=1e-11)  # sums of hundreds of records instead of 12 cells
    assert solution.status is Status.COMPLETED
    assert solution.objective is None
    assert problem.M @ weights_of(solution) == pytest.approx(problem.y, rel=1e-5)  # change per cycle below 1e-6


def test_raking_from_the_initial_weights_keeps_their_ratios_within_a_cell() -> None:
    problem, region, age = margins()
    w = weights_of(solve(problem, 0.0, method=StratifiedRaking(start="initial")))
    cell = (region == 1) & (age == 2)
    factors = w[cell] / problem.w0[cell]
    assert factors == pytest.approx(np.full(cell.sum(), factors[0]), rel=1e-12)  # the same factors, multiplied in order
    assert problem.M @ w == pytest.approx(problem.y, rel=1e-5)  # change per cycle below 1e-6


def test_one_cycle_by_hand() -> None:
    M = np.array([[0.0, 2.0, 4.0], [1.0, 1.0, 0.0]])
    problem = CalibrationProblem("hand", M, np.array([30.0, 8.0]), np.ones(3))
    solution = solve(problem, 0.0, method=StratifiedRaking(max_iter=1))
    # the indicator row comes first: (1, 1) → (4, 4); then the row of 2 and 4 totals 12, Σ w x² = 32,
    # and the step ½ (30 − 12)/32 = 9/32 makes the factors 1 + 18/32 and 1 + 36/32
    assert weights_of(solution) == pytest.approx(np.array([4.0, 6.25, 2.125]), rel=1e-15)  # exact in binary
    assert solution.status is Status.NOT_CONVERGED
    assert "after 1 cycles" in solution.message
    assert solution.n_iter == 1


def test_a_linear_step_cuts_a_weight_to_a_tenth_at_most() -> None:
    M = np.array([[1.0, 100.0]])
    problem = CalibrationProblem("hand", M, np.array([-5000.0]), np.ones(2))
    w = weights_of(solve(problem, 0.0, method=StratifiedRaking(max_iter=1)))
    step = 0.5 * (-5000.0 - 101.0) / (1.0 + 100.0**2)
    assert w == pytest.approx(np.array([1.0 + step, 0.1]), rel=1e-12)  # a few roundings


def test_amounts_are_met_together_with_the_margins() -> None:
    problem = with_amounts()
    solution = solve(problem, 0.0, method=StratifiedRaking(max_iter=5000))
    assert solution.status is Status.COMPLETED
    # the damped steps halve the remaining error about once a cycle: within 1e-3 when weights move by 1e-6
    assert problem.M @ weights_of(solution) == pytest.approx(problem.y, rel=1e-3)


def test_cycles_end_when_the_weights_stand_still_but_not_before_the_sixth() -> None:
    problem = CalibrationProblem("hand", np.ones((1, 3)), np.array([3.0]), np.ones(3))  # right from the start
    solution = solve(problem, 0.0)
    assert (solution.status, solution.n_iter) == (Status.COMPLETED, 6)
    np.testing.assert_array_equal(weights_of(solution), np.ones(3))
    problem = with_amounts()
    solution = solve(problem, 0.5)
    change = solution.trace["relative_change"]
    assert len(change) == solution.n_iter == solution.trace["iteration"][-1]
    assert (change[5:-1] >= 1e-6).all()


def test_contradictory_rows_stand_still_without_being_met() -> None:
    problem = CalibrationProblem("contradiction", np.ones((2, 2)), np.array([10.0, 20.0]), np.ones(2))
    solution = solve(problem, 0.0)
    assert solution.status is Status.COMPLETED
    assert problem.M @ weights_of(solution) == pytest.approx(np.array([20.0, 20.0]), rel=1e-15)  # the last row wins


def test_a_cycle_limit_is_not_convergence() -> None:
    solution = solve(with_amounts(), 0.0, method=StratifiedRaking(max_iter=7))
    assert solution.status is Status.NOT_CONVERGED
    assert "still change" in solution.message
    assert solution.n_iter == 7


def test_weights_that_overflow_are_an_error_without_weights() -> None:
    problem = CalibrationProblem("overflow", np.array([[1e-4]]), np.array([1e308]), np.ones(1))
    solution = solve(problem, 0.0)
    assert solution.status is Status.ERROR
    assert "overflow" in solution.message
    assert solution.weights is None


def test_coverage_keeps_enough_members_of_every_indicator_row() -> None:
    problem, region, age = margins()
    small = CalibrationProblem("small", problem.M, problem.y / 100.0, problem.w0)  # totals of 1,000: 100 records
    method = StratifiedRaking(min_coverage_weight=10.0)
    plain, covered = solve(small, 3.0), solve(small, 3.0, method=method)
    kept, more = weights_of(plain) > 0, weights_of(covered) > 0
    assert (more | ~kept).all()
    members = [region == k for k in range(3)] + [age == k for k in range(4)]
    for row, target in zip(members, small.y, strict=True):
        assert (more & row).sum() >= min(math.ceil(target / 10.0), row.sum())
        assert (kept & row).sum() < math.ceil(target / 10.0)
    assert covered.claims["kept_records"] == more.sum()
    loose = solve(small, 3.0, method=StratifiedRaking(min_coverage_weight=1e6))  # one member: strata see to that
    np.testing.assert_array_equal(weights_of(loose), weights_of(plain))


def test_coverage_cannot_keep_more_members_than_there_are() -> None:
    problem, _, _ = margins()  # totals of 1e5 ask for 1e4 of 400 records
    w = weights_of(solve(problem, 3.0, method=StratifiedRaking(min_coverage_weight=10.0)))
    assert (w > 0).all()


def test_rows_that_cannot_be_met_do_not_break_the_cycle() -> None:
    M = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]])
    problem = CalibrationProblem("hard", M, np.array([4.0, -2.0, 3.0, 7.0]), np.ones(4))
    solution = solve(problem, 0.0)  # a negative count has no non-negative weights: 0 is nearest
    assert weights_of(solution) == pytest.approx(np.array([2.0, 2.0, 0.0, 0.0]), abs=0)


def test_several_points_are_solved_in_order_and_the_problem_is_left_alone() -> None:
    problem = with_amounts()
    before = problem.fingerprint
    method = StratifiedRaking(start="initial")
    points = [Point(lam=1.0, seed=2), Point(lam=0.2, seed=0), Point(lam=1.0, seed=0)]
    solutions = method.solve(problem, points)
    for point, solution in zip(points, solutions, strict=True):
        assert point.lam is not None
        assert point.seed is not None
        np.testing.assert_array_equal(solution.weights, solve(problem, point.lam, point.seed, method).weights)
    assert problem.fingerprint == before


def test_points_and_parameters_are_checked() -> None:
    problem, _, _ = margins()
    with pytest.raises(InputError, match="seeds"):
        StratifiedRaking().solve(problem, [Point(lam=0.1)])
    wrong: list[dict[str, Any]] = [{"tol": 0.0}, {"min_coverage_weight": -1.0}, {"max_iter": 0}]
    for parameters in wrong:
        with pytest.raises(InputError, match=next(iter(parameters))):
            StratifiedRaking(**parameters)
    assert build_method("stratified_raking", {"min_coverage_weight": 10.0}, "m") == StratifiedRaking(
        min_coverage_weight=10.0
    )
