"""One way to serve a budget: a search over λ that solves nothing twice, heeds the clock, and says when it was cut.

Whatever maps λ to a solution is searched here: a *path* (`Path`, warm-started from λ to λ), and every other method that
knows only λ (`Method.solve_any`). They differ in the `Rule` of the search. On a warm path a λ costs little, so budgets
are met exactly, and one after another, so that results depend on nothing but the points; elsewhere each λ is a full
solve, within 2% of a budget is enough, and all budgets advance together, so that batches are full. A missed budget is
told in `noted`, for all methods alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from frontier.core.limits import out_of_time
from frontier.core.point import Point, reached
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.solution import Claim, Solution
from frontier.objectives.l1 import L1Objective
from frontier.objectives.weight_statistics import active_count
from frontier.solvers.budget_search import BudgetSearch, Rule, exactly

ON_A_PATH = Rule(exactly, narrowest=1e-13, max_evaluations=60)  # a narrower bracket float64 cannot usefully halve
# a λ costs more, the further down; and of the λ of one size the smallest is fair to a penalty that shrinks
DOWNHILL = dataclasses.replace(ON_A_PATH, stride=10**0.5, least=1e-3)
A_SLOW_PATH = dataclasses.replace(DOWNHILL, enough=reached, narrowest=1e-6)
EACH_A_SOLVE = Rule(reached, narrowest=1e-6, max_evaluations=30)


@dataclass(frozen=True, slots=True)
class Path:
    """λ ↦ solution of one training problem (and seed); what a λ starts from is the state of the object behind `solve`.

    solve            the solution at an absolute λ
    lowest, highest  the λ between which budgets are searched
    unit             the absolute λ of `Point(lam=1)`
    size             the number of records at λ, where that is known without solving
    budget           the size meant by a point that has neither λ nor budget
    rule             when a search for a budget ends
    """

    solve: Callable[[float], Solution]
    lowest: float
    highest: float
    unit: float = 1.0
    size: Callable[[float], int] | None = None
    budget: int | None = None
    rule: Rule = ON_A_PATH


def follow(path: Path, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
    """One solution per point, in order: λ are solved from the largest down, then budgets from the smallest up."""

    def solve(at: Sequence[Point]) -> list[Solution]:
        return [Solution.not_begun() if out_of_time() else path.solve(point.lam or 0.0) for point in at]

    search = LamSearch(solve, path.lowest, path.highest, path.rule, path.size)
    lams = {point: path.unit * point.lam for point in points if point.lam is not None}
    search.solve_at(Point(lam=lam) for lam in lams.values())
    found = {point: search.solved[Point(lam=lam)] for point, lam in lams.items()}
    budgets = {point: Point(budget=point.budget or path.budget) for point in points if point.lam is None}
    for point, asked in sorted(budgets.items(), key=lambda item: item[1].budget or 0):
        [nearest] = search.find([asked])
        found[point] = nearest.solution if point.budget else noted(nearest.solution, asked, problem)
    return [found[point] for point in points]


def noted(solution: Solution, point: Point, problem: CalibrationProblem) -> Solution:
    """The solution, with a note in its message when it is not of the size asked for.

    Where the time is used up nobody knows whether the search would have found it: that is a `timeout`.
    """
    if point.budget is None or solution.weights is None:
        return solution
    size = active_count(solution.weights)
    if solution.serves(point.budget, size):
        return solution
    note = f"asked for {point.budget} records, the nearest size reached is {size}"
    if isinstance(solution.objective, L1Objective) and point.budget > problem.n_targets:
        note += f" (an L1 optimum needs at most rank(A) ≤ {problem.n_targets})"
    status = Status.TIMEOUT if solution.status.ended_well and out_of_time() else solution.status
    return dataclasses.replace(solution.with_note(note), status=status)


class Found(NamedTuple):
    """What a search ends with for a budget: the solution, its λ (None: no λ has weights), and the λ tried for it."""

    solution: Solution
    lam: float | None
    tries: int

    def told(self) -> Solution:
        """The solution, with the λ that was found for it and how many were tried."""
        if self.lam is None:
            return self.solution
        claims: dict[str, Claim] = {"searched_lam": self.lam, "searches": self.tries}
        return dataclasses.replace(self.solution, claims=dict(self.solution.claims) | claims)


@dataclass(slots=True)
class LamSearch:
    """Solutions by λ and seed, each solved once, and the sizes seen so far for every seed.

    `solve` solves at λ (and seeds), as many as are wanted at a time; for the others see `Path`.
    """

    solve: Callable[[Sequence[Point]], Sequence[Solution]]
    lowest: float
    highest: float
    rule: Rule
    size: Callable[[float], int] | None = None
    solved: dict[Point, Solution] = field(default_factory=dict)
    _searches: dict[int | None, BudgetSearch] = field(default_factory=dict)
    _failures: dict[int | None, Solution] = field(default_factory=dict)

    def solve_at(self, points: Iterable[Point]) -> None:
        """Solve what is not solved yet, from the largest λ down, as paths are followed."""
        new = sorted(set(points) - self.solved.keys(), key=lambda point: (point.seed or 0, -(point.lam or 0.0)))
        if new:
            self.solved |= zip(new, self.solve(new), strict=True)

    def find(self, points: Sequence[Point]) -> list[Found]:
        """For every point the solution of its budget and seed, or the nearest; all advance together, round by round.

        Each round proposes one λ for each budget that is not served yet. A λ without weights ends the search of its
        seed, and is told; where there is no other, it is what is returned.
        """
        tries = dict.fromkeys(points, 0)
        while True:
            proposed: dict[Point, None] = {}
            for point in points:
                search = self._search(point.seed)
                lam = None if point.seed in self._failures else search.propose(point.budget or 0, tries[point])
                if lam is not None:
                    tries[point] += lam not in (search.lowest, search.highest)
                    proposed[Point(lam=lam, seed=point.seed)] = None
            if not proposed:
                return [self._nearest(point, tries[point]) for point in points]
            if self.size is None:
                self.solve_at(proposed)
            for at in proposed:
                self._see(at)

    def _search(self, seed: int | None) -> BudgetSearch:
        return self._searches.setdefault(seed, BudgetSearch(self.lowest, self.highest, self.rule))

    def _see(self, at: Point) -> None:
        lam, search = at.lam or 0.0, self._search(at.seed)
        if self.size is not None:
            search.seen[lam] = self.size(lam)
            return
        solution = self.solved[at]
        if solution.weights is None:
            self._failures.setdefault(at.seed, solution)
        else:
            believed = solution.status.ended_well or lam == search.highest
            (search.seen if believed else search.doubtful)[lam] = active_count(solution.weights)

    def _nearest(self, point: Point, tries: int) -> Found:
        budget, search, failure = point.budget or 0, self._search(point.seed), self._failures.get(point.seed)
        if not search.sizes:
            assert failure is not None
            return Found(failure, None, tries)
        lam = search.nearest(budget)
        at = Point(lam=lam, seed=point.seed)
        self.solve_at([at])
        solution = self.solved[at]
        if failure is not None and not reached(search.sizes[lam], budget):
            solution = solution.with_note(f"the search for λ was ended by a failure: {failure.message}")
        return Found(solution, lam, tries)
