"""Any method at any budget: by a search over its λ, with an honest row where the size cannot be had."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from frontier import CalibrationProblem, Point, Solution, Status, default_split, evaluate, solve
from frontier.core.errors import InputError
from frontier.core.point import reached
from frontier.methods.base import Method
from frontier.methods.path import noted
from frontier.objectives.weight_statistics import active_count
from tests.conftest import make_problem


@dataclass(frozen=True, kw_only=True)
class Threshold(Method):
    """Keeps the records whose noisy score exceeds λ: one size per λ, another for every seed."""

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam"})
    stochastic: ClassVar[bool] = True
    fails_below: float = 0.0

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        CALLS.append(tuple(points))
        return [self._one(problem, point) for point in points]

    def _one(self, problem: CalibrationProblem, point: Point) -> Solution:
        assert point.lam is not None
        if point.lam < self.fails_below:
            return Solution.failed(Status.ERROR, "too small")
        score = np.random.default_rng(point.seed).lognormal(sigma=3.0, size=problem.n_records)
        return Solution(np.where(score > point.lam, 1.0, 0.0), Status.COMPLETED)


CALLS: list[tuple[Point, ...]] = []


def sizes(solutions: Sequence[Solution]) -> list[int]:
    return [0 if s.weights is None else active_count(s.weights) for s in solutions]


@pytest.mark.parametrize(
    ("size", "budget", "is_reached"),
    [(49, 49, True), (48, 49, False), (49, 50, True), (98, 100, True), (97, 100, False), (1020, 1000, True)],
)
def test_reached_is_within_two_percent_and_exact_below_fifty(size: int, budget: int, is_reached: bool) -> None:
    assert reached(size, budget) is is_reached


def test_a_method_with_only_lam_is_driven_to_every_budget_for_every_seed() -> None:
    problem = make_problem(n=400)
    points = [Point(budget=k, seed=s) for k in (390, 7, 100) for s in (3, 0)]
    CALLS.clear()
    found = Threshold().solve_any(problem, points)
    for size, point in zip(sizes(found), points, strict=True):
        assert point.budget is not None
        assert reached(size, point.budget)
    assert all(len({point.seed for point in call}) == 1 for call in CALLS)  # what one call cannot carry is not in one
    assert max(len(call) for call in CALLS) == 3  # the budgets of a seed advance together
    asked = [point for call in CALLS for point in call]
    assert len(asked) == len(set(asked))  # nothing is solved twice


def test_lam_points_and_budgets_may_stand_side_by_side_in_any_order() -> None:
    problem = make_problem(n=400)
    points = [Point(budget=30, seed=0), Point(lam=1.0, seed=0), Point(budget=200, seed=1)]
    found = Threshold().solve_any(problem, points)
    [plain] = Threshold().solve(problem, [points[1]])
    np.testing.assert_array_equal(found[1].weights, plain.weights)
    backwards = Threshold().solve_any(problem, points[::-1])[::-1]
    assert sizes(found) == sizes(backwards)


def test_a_registered_method_with_only_lam_takes_budgets_from_python_and_from_the_harness() -> None:
    problem = make_problem(n=200, m=20)
    split = default_split(problem)
    for solution, lad in zip(
        solve(problem, "cvxpy_reference", [Point(budget=5), Point(budget=10)]),
        solve(problem, "cvxpy_reference", [Point(budget=5), Point(budget=10)], objective="lad"),
        strict=True,
    ):
        row = evaluate(problem, split, solution)
        assert row["status"] == "optimal"
        assert (row["n_active"], row["budget_reached"]) == (row["budget"], True)
        assert row["lam_absolute"] == pytest.approx(solution.claims["searched_lam"])
        assert active_count(lad.weights) == lad.point.budget or "nearest size" in lad.message  # type: ignore[arg-type,union-attr]


def test_a_size_that_does_not_exist_is_a_row_that_says_why() -> None:
    problem = make_problem(n=200, m=20)
    for name, params in (("nn_lasso", {}), ("cvxpy_reference", {"objective": "lad"})):  # by its own search, and driven
        [solution] = solve(problem, name, [Point(budget=150)], **params)
        row = evaluate(problem, default_split(problem), solution)
        assert (row["status"], row["claimed_status"], row["budget_reached"]) == ("unreached", "optimal", False)
        assert row["n_active"] <= 20
        assert f"asked for 150 records, the nearest size reached is {row['n_active']}" in row["message"]
        assert ("rank(A) ≤ 20" in row["message"]) == (name == "nn_lasso")
        assert row["train_mare"] >= 0  # it has weights, and they are judged


def test_a_failure_during_the_search_keeps_the_nearest_and_is_told() -> None:
    problem = make_problem(n=400)
    method = dataclasses.replace(Threshold(), fails_below=1e-3)  # the far end of the search fails at once
    near, far = (method.solve_any(problem, [Point(budget=k, seed=0)])[0] for k in (1, 390))
    for solution, budget in ((near, 1), (far, 390)):
        message = noted(solution, Point(budget=budget), problem).message
        assert "the search for λ was ended by a failure: too small" in message
        assert f"asked for {budget} records" in message
    nothing = dataclasses.replace(method, fails_below=1e9).solve_any(problem, [Point(budget=9, seed=0)])
    assert nothing[0].status is Status.ERROR


def test_budgets_that_nothing_can_serve_are_refused_before_anything_runs() -> None:
    Threshold().check_any([Point(budget=3, seed=0)])
    with pytest.raises(InputError, match="missing for a stochastic method"):
        Threshold().check_any([Point(budget=3)])
    with pytest.raises(InputError, match="budget: not an axis of Greg"):
        solve(make_problem(), "greg", [Point(budget=3)])
    with pytest.raises(InputError, match="fewer than a gate needs to close"):
        solve(make_problem(), "hard_concrete", [Point(budget=3, seed=0)], epochs=10)


def test_stratified_raking_finds_its_lam_from_the_draw_alone() -> None:
    problem = make_problem(n=300, m=6)
    for solution in solve(problem, "stratified_raking", [Point(budget=k, seed=1) for k in (20, 77, 200)]):
        assert solution.point is not None
        assert solution.claims["kept_records"] == solution.point.budget  # one stratum of 300: every size exists
