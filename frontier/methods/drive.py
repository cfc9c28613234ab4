"""Solves any method at any point: one that knows only λ is driven to a record budget by a search over λ.

What a single `solve` can carry (`Method.batch_over`) goes into one call, so paths stay warm and batches full. Methods
with a budget of their own serve it themselves. Adding a method needs no code here; one that knows the scale of its λ
overrides `Method.lam_range`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from frontier.core.limits import out_of_time
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.methods.base import Method
from frontier.methods.path import EACH_A_SOLVE, Found, LamSearch
from frontier.methods.solution import Claim, Solution


def check_points(method: Method, points: Sequence[Point]) -> None:
    """Refuse, before anything runs, points that neither the method nor a search over its λ can serve (`InputError`)."""
    method.check([Point(lam=1.0, seed=p.seed) if _is_driven(method, p) else p for p in points])


def solve_points(method: Method, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
    """One solution per point, in order."""

    driven = [point for point in points if _is_driven(method, point)]
    if not driven:
        return _solve(method, problem, points)

    def solve(at: Sequence[Point]) -> list[Solution]:
        solved: dict[Point, Solution] = {}
        for call in method.calls(at):
            solved |= zip(call, _solve(method, problem, call), strict=True)
        return [solved[point] for point in at]

    search = LamSearch(solve, *method.lam_range(problem), EACH_A_SOLVE)
    found = dict(zip(driven, map(_claimed, search.find(driven)), strict=True))
    rest = [point for point in points if point not in found]
    if rest:
        found |= zip(rest, _solve(method, problem, rest), strict=True)
    return [found[point] for point in points]


def _solve(method: Method, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
    return [Solution.not_begun()] * len(points) if out_of_time() else method.solve(problem, points)


def _is_driven(method: Method, point: Point) -> bool:
    return method.driven and point.budget is not None


def _claimed(found: Found) -> Solution:
    """The solution, with the λ that was found for it and how many were tried."""
    if found.lam is None:
        return found.solution
    claims: dict[str, Claim] = {"searched_lam": found.lam, "searches": found.tries}
    return dataclasses.replace(found.solution, claims=dict(found.solution.claims) | claims)
