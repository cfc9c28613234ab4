"""Solves any method at any point: a method that knows only λ is driven to a record budget by a search over λ.

One `BudgetSearch` per seed looks for all budgets at once; every round proposes one λ per budget that is not served yet,
and what a single `solve` can carry (`Method.batch_over`) goes into one call, so paths stay warm and batches full. A
budget counts as reached by the rule of `solvers.budget_search.reached`. Methods with a budget of their own serve it
themselves. Adding a method needs no code here; one that knows the scale of its λ overrides `Method.lam_range`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from frontier.core.limits import out_of_time
from frontier.core.point import Point, reached
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.solution import Claim, Solution
from frontier.objectives.l1 import L1Objective
from frontier.objectives.weight_statistics import active_count
from frontier.solvers.budget_search import BudgetSearch

MAX_EVALUATIONS = 30  # per budget: each is a full solve here
NARROWEST = 1e-6  # relative width of a bracket of λ between two sizes of which neither serves


def check_points(method: Method, points: Sequence[Point]) -> None:
    """Refuse, before anything runs, points that neither the method nor a search over its λ can serve (`InputError`)."""
    method.check([Point(lam=1.0, seed=p.seed) if _is_driven(method, p) else p for p in points])


def solve_points(method: Method, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
    """One solution per point, in order."""
    driven = [point for point in points if _is_driven(method, point)]
    if not driven:
        return _solve(method, problem, points)
    found = _drive(method, problem, driven)
    rest = [point for point in points if point not in found]
    if rest:
        found |= zip(rest, _solve(method, problem, rest), strict=True)
    return [found[point] for point in points]


def noted(solution: Solution, point: Point, problem: CalibrationProblem) -> Solution:
    """The solution, with a note in its message when it is not of the size asked for.

    Where the time is used up nobody knows whether the search would have found it: that is a `timeout`.
    """
    if point.budget is None or solution.weights is None:
        return solution
    size = active_count(solution.weights)
    if reached(size, point.budget):
        return solution
    note = f"asked for {point.budget} records, the nearest size reached is {size}"
    if isinstance(solution.objective, L1Objective) and point.budget > problem.n_targets:
        note += f" (an L1 optimum needs at most rank(A) ≤ {problem.n_targets})"
    status = Status.TIMEOUT if solution.status.ended_well and out_of_time() else solution.status
    return dataclasses.replace(solution, status=status, message="; ".join(filter(None, (solution.message, note))))


def _solve(method: Method, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
    return [Solution.not_begun()] * len(points) if out_of_time() else method.solve(problem, points)


def _is_driven(method: Method, point: Point) -> bool:
    return method.driven and point.budget is not None


def _drive(method: Method, problem: CalibrationProblem, points: Sequence[Point]) -> dict[Point, Solution]:
    solved: dict[Point, Solution] = {}  # by λ and seed
    searches = {point.seed: _search(method, problem, solved, point.seed) for point in points}
    tries = dict.fromkeys(points, 0)
    failures: dict[int | None, Solution] = {}
    while True:
        wanted: dict[Point, None] = {}
        for point in points:
            search = searches[point.seed]
            lam = None if point.seed in failures else search.propose(point.budget or 0, tries[point])
            if lam is not None:
                tries[point] += lam not in (search.lowest, search.highest)
                wanted[Point(lam=lam, seed=point.seed)] = None
        if not wanted:
            break
        # from the largest λ down, as paths are followed
        for call in method.calls(sorted(wanted, key=lambda p: (p.seed or 0, -(p.lam or 0.0)))):
            solved |= zip(call, _solve(method, problem, call), strict=True)
        for point in wanted:
            if solved[point].weights is None:
                failures.setdefault(point.seed, solved[point])
            elif point.lam is not None:
                searches[point.seed].at(point.lam)
    return {p: _nearest(p, searches[p.seed], tries[p], solved, failures.get(p.seed)) for p in points}


def _search(
    method: Method, problem: CalibrationProblem, solved: dict[Point, Solution], seed: int | None
) -> BudgetSearch:
    def count(lam: float) -> int:
        weights = solved[Point(lam=lam, seed=seed)].weights
        return 0 if weights is None else active_count(weights)

    low, high = method.lam_range(problem)
    return BudgetSearch(count, low, high, reached, NARROWEST, MAX_EVALUATIONS)


def _nearest(
    point: Point, search: BudgetSearch, tries: int, solved: dict[Point, Solution], failure: Solution | None
) -> Solution:
    if not search.seen:
        assert failure is not None
        return failure
    lam = search.nearest(point.budget or 0)
    solution = solved[Point(lam=lam, seed=point.seed)]
    message = solution.message
    if failure is not None and not reached(search.seen[lam], point.budget or 0):
        message = "; ".join(filter(None, (message, f"the search for λ was ended by a failure: {failure.message}")))
    claims: dict[str, Claim] = {"searched_lam": lam, "searches": tries}
    return dataclasses.replace(solution, message=message, claims=dict(solution.claims) | claims)
