"""Candidates tried at budgets: a row of metrics for each method, budget, seed and arm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from frontier.advice.candidates import Candidate
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.processes import in_processes
from frontier.methods.registry import configured, find_method
from frontier.objectives.weight_statistics import active_count
from frontier.problems.splits import every_target
from frontier.sweep.measure import refit_measured, solve_measured
from frontier.sweep.scoring import Row, evaluate

SMALLEST = 10  # records that a search for the smallest file begins with
COARSE, FINE = 8, 5  # budgets at a time in that search, whole range and between the two that enclose the answer


def tried(
    problem: CalibrationProblem, candidate: Candidate, budgets: Sequence[int], seeds: int, exact: bool = False
) -> list[Row]:
    """The rows of one candidate, every arm of every budget and seed, scored on all targets and the problem's truth.

    exact  files of exactly the size asked for; arms without a refit are then left out where they are of another size
    """
    place = f"method '{candidate.method}'"
    method = configured(find_method(candidate.method, place), candidate.params, place).told(exact=exact)
    points = [
        Point(budget=budget, seed=seed)
        for budget in budgets
        for seed in (range(seeds) if method.stochastic else (None,))
    ]
    training = problem.restrict(range(problem.n_targets))
    split = every_target(problem)
    rows: list[Row] = []
    for solution in solve_measured(method, candidate.method, training, points, threads=None):
        for arm in candidate.arms:
            size = solution.point.budget if exact and solution.point else None
            judged = solution if arm == "none" else refit_measured(training, solution, arm, exactly=size)
            weights = solution.weights
            if arm != "none" or not exact or method.holds or weights is None or active_count(weights) == size:
                rows.append(evaluate(problem, split, judged))
    return rows


def smallest(problem: CalibrationProblem, candidate: Candidate, error: float, seeds: int) -> list[Row]:
    """The rows of one candidate at the smallest budget found whose mean error on the totals is at most `error`.

    Two geometric grids, the second between the last budget that misses it and the first that does not; [] where even
    half of the records miss it.
    """
    low, high = min(SMALLEST, problem.n_records // 2), problem.n_records // 2
    for number in (COARSE, FINE):
        budgets = _grid(low, high, number)
        rows = tried(problem, candidate, budgets, 1)
        met = [k for k in budgets if any(row["budget"] == k and _meets(row, error) for row in rows)]
        if not met:
            return []
        below = [k for k in budgets if k < met[0]]
        low, high = (below[-1] if below else met[0]), met[0]
        if low == high:
            break
    return tried(problem, candidate, [high], seeds)


def _meets(row: Row, error: float) -> bool:
    return row["train_mare"] is not None and row["train_mare"] <= error


def _grid(low: int, high: int, number: int) -> list[int]:
    ratio = (high / low) ** (1 / (number - 1))
    return sorted({round(low * ratio**i) for i in range(number)})


def in_parallel(
    task: Callable[..., list[Row]], problem: CalibrationProblem, some: Sequence[Candidate], jobs: int, *args: Any
) -> AbstractContextManager[Iterable[list[Row]]]:
    """`task(problem, candidate, *args)` of every candidate, on `jobs` processes, as they end."""
    return in_processes(task, ((problem, candidate, *args) for candidate in some), jobs)
