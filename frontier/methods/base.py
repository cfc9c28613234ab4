"""The one contract of every method: `Method.solve(problem, points) -> list[Solution]`, one per point, in order.

A method whose solutions are a path along λ says what the path is (`Method.path`) and leaves the rest to
`frontier.methods.path`: the order of λ, the search for budgets, the clock. All others define `solve` themselves; one
that knows only λ is driven to a budget by the same search (`Method.solve_any`, `Method.lam_range`). A method is a
frozen dataclass whose fields are its YAML parameters; it sees the training problem only. What it returns are weights
and beliefs (`claims`); metrics and certificates are the harness's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from frontier.core.bounds import Bounds
from frontier.core.errors import InputError
from frontier.core.limits import out_of_time
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import check_ranges
from frontier.core.search_space import Space
from frontier.methods.path import EACH_A_SOLVE, LamSearch, Path, follow
from frontier.methods.solution import Solution

Arm = Literal["none", "fitted", "initial"]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A calibration method. Subclasses are frozen dataclasses in a file of their own; the file name is the name.

    `batch_over`   axes one `solve` call may carry (a subset of {"lam", "budget", "seed"})
    `stochastic`   whether the result depends on the seed
    `axes`         which of λ and budget a point may carry; empty: the method has a single point per seed
    `refit_from`   what the records that it keeps are best weighted again from (`methods.refit`), or `none`
    `holds`        whether it has fields `exact` and `bounds`, and ends by them itself (`told`)
    `auxiliary_too` whether it keeps auxiliary statistics: it is then given the categories that a problem knows of
    `by_dual`      whether it solves a dual in the targets: areas under shared totals then cost little more than apart
    `search_space` what to try for its parameters when it is tuned; empty: it runs at its defaults (`frontier tune`)
    `renamed`      parameters of earlier versions, each with the cure that its error gives

    Raises `InputError` for a parameter outside the range that its declaration gives (`frontier.core.ranges`).
    """

    batch_over: ClassVar[frozenset[str]] = frozenset()
    stochastic: ClassVar[bool] = False
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"lam"})
    refit_from: ClassVar[Arm] = "initial"
    holds: ClassVar[bool] = False
    auxiliary_too: ClassVar[bool] = False
    by_dual: ClassVar[bool] = False
    search_space: ClassVar[Space] = {}
    renamed: ClassVar[Mapping[str, str]] = {}

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def coordinates(self) -> frozenset[Coordinate]:
        """`axes`, unless the parameters decide."""
        return self.axes

    def told(self, *, exact: bool = False, bounds: Bounds | None = None) -> Self:
        """This method asked for exactly its budget, or for bounds, where it holds them itself and has none of its own.

        Every other method is brought to them by the refit that follows (`methods.refit`, `methods.exact_size`).
        """
        if not self.holds:
            return self
        wishes = {"exact": exact, "bounds": bounds or None}
        return dataclasses.replace(self, **{name: getattr(self, name) or wish for name, wish in wishes.items()})

    @property
    def signed(self) -> bool:
        """Whether its weights may be negative because its user asked for that; all others are refused."""
        return False

    @property
    def driven(self) -> bool:
        """Whether this method reaches a budget only by a search over λ (`solve_any`)."""
        return "lam" in self.coordinates and "budget" not in self.coordinates

    def lam_range(self, problem: CalibrationProblem) -> tuple[float, float]:
        """The λ, in this method's unit, between which a budget is searched; override it where the scale is known.

        By default it is as wide as any loss of relative residuals can ask for, per record or per unit of weight.
        """
        return 1e-15, 1e6

    def calls(self, points: Sequence[Point]) -> list[tuple[Point, ...]]:
        """The points grouped by the axes that one `solve` cannot carry, in order of first appearance.

        Budgets of a driven method share one search, so they are one group.
        """
        carried = self.batch_over | ({"budget"} if self.driven else set())
        groups: dict[tuple[object, ...], list[Point]] = {}
        for point in points:
            axes = (("lam", point.lam), ("budget", point.budget), ("seed", point.seed))
            groups.setdefault(tuple(None if axis in carried else value for axis, value in axes), []).append(point)
        return [tuple(group) for group in groups.values()]

    def check(self, points: Sequence[Point]) -> None:
        """Refuse, before anything runs, points that this method cannot serve (`InputError`)."""
        for point in points:
            for name in ("lam", "budget"):
                if getattr(point, name) is not None and name not in self.coordinates:
                    allowed = " or ".join(sorted(self.coordinates)) or "neither lam nor budget"
                    raise InputError(name, f"not an axis of {type(self).__name__}", expected=allowed, got=name)
            if self.coordinates and point.lam is None and point.budget is None:
                raise InputError("point", "incomplete", expected=" or ".join(sorted(self.coordinates)), got="neither")
            if self.stochastic and point.seed is None:
                raise InputError(
                    "seeds", "missing for a stochastic method", expected="a list of seeds", cure="add seeds: [0, 1, 2]"
                )

    def check_problem(self, problem: CalibrationProblem) -> None:
        """Refuse, before anything runs, a problem that this method cannot take as it is configured (`InputError`)."""

    def warm_up(self) -> None:
        """Import and compile what `solve` needs, so that it is timed apart from solving."""

    def path(self, problem: CalibrationProblem, seed: int | None) -> Path:
        """λ ↦ solution of one training problem, for a method that is a path; its state begins anew with every call."""
        raise NotImplementedError(f"{type(self).__name__} defines neither solve nor path")

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """Solve one training problem at every point; solutions are in the order of `points`."""
        self.check(points)
        found: dict[Point, Solution] = {}
        for call in self.calls(points):
            found |= zip(call, follow(self.path(problem, call[0].seed), problem, call), strict=True)
        return [found[point] for point in points]

    def check_any(self, points: Sequence[Point]) -> None:
        """Refuse, before anything runs, points that neither `solve` nor a search over λ can serve (`InputError`)."""
        self.check([Point(lam=1.0, seed=point.seed) if _is_searched(self, point) else point for point in points])

    def solve_any(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """As `solve`, and budgets of a method that knows only λ by a search over it; in time, or `timeout`.

        What one `solve` can carry (`batch_over`) goes into one call, so paths stay warm and batches full.
        """
        searched = [point for point in points if _is_searched(self, point)]
        if not searched:
            return _in_time(self, problem, points)

        def solve(at: Sequence[Point]) -> list[Solution]:
            solved: dict[Point, Solution] = {}
            for call in self.calls(at):
                solved |= zip(call, _in_time(self, problem, call), strict=True)
            return [solved[point] for point in at]

        search = LamSearch(solve, *self.lam_range(problem), EACH_A_SOLVE)
        found = dict(zip(searched, (one.told() for one in search.find(searched)), strict=True))
        rest = [point for point in points if point not in found]
        if rest:
            found |= zip(rest, _in_time(self, problem, rest), strict=True)
        return [found[point] for point in points]


def _is_searched(method: Method, point: Point) -> bool:
    return method.driven and point.budget is not None


def _in_time(method: Method, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
    return [Solution.not_begun()] * len(points) if out_of_time() else method.solve(problem, points)
