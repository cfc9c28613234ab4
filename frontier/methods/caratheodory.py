"""Carathéodory thinning of another method's weights: at most rank(M) records, every fitted estimate as it was.

Any weights can be thinned so (`thinning.py`), so at budgets of rank(M) and above a small training error says nothing
about a method. What this one shows is what is lost instead: held-out error and effective sample size. Nothing is
minimised beyond what the source minimises: its objective is kept where thinning leaves its value unchanged (always for
losses; also for L1 at its optimum, where costs are a combination of the rows of M), and is least squares otherwise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.limits import OutOfTime
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.base import Arm, Method
from frontier.methods.registry import build_method, method_class
from frontier.methods.solution import Solution
from frontier.objectives.certificate import Objective
from frontier.objectives.least_squares import LeastSquares
from frontier.solvers.thinning import rank, thin

# The change of the objective's value up to which it counts as unchanged: relative to the value, a thousand times less
# than the gap of a converged source; and relative to the value at w = 0, for values that are 0 but for rounding.
UNCHANGED = 1e-9
ROUNDING = 1e-14


@dataclass(frozen=True, kw_only=True)
class Caratheodory(Method):
    """The weights of a deterministic method, thinned to at most rank(M) records.

    source         name of that method; points carry what it needs
    source_params  its parameters; those not given are filled in with its defaults

    Claims: `rank` of the active columns, active records before and after, and the worst change of an estimate in units
    of the residual scale. Raises `InputError` for a stochastic source and for parameters that the source refuses.
    """

    axes: ClassVar[frozenset[Coordinate]] = frozenset()  # of the default source
    refit_from: ClassVar[Arm] = "none"  # every fitted estimate is as it was

    source: str = "dense_nnls"
    source_params: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if method_class(self.source, "source").stochastic:
            raise InputError(
                "source", f"'{self.source}' is stochastic", expected="a deterministic method", cure="choose another"
            )
        method = build_method(self.source, self.source_params, "source_params")
        object.__setattr__(self, "source_params", dataclasses.asdict(method))

    @property
    def method(self) -> Method:
        """The source, configured."""
        return build_method(self.source, self.source_params, "source_params")

    @property
    def coordinates(self) -> frozenset[Coordinate]:
        return self.method.coordinates

    def lam_range(self, problem: CalibrationProblem) -> tuple[float, float]:
        return self.method.lam_range(problem)

    def check(self, points: Sequence[Point]) -> None:
        """Refuse points that the source cannot serve."""
        self.method.check(points)

    def warm_up(self) -> None:
        self.method.warm_up()

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """The thinned solution of the source at each point, each solved by itself."""
        self.check(points)
        method = self.method
        return [self._thinned(problem, method.solve(problem, [point])[0]) for point in points]

    def _thinned(self, problem: CalibrationProblem, found: Solution) -> Solution:
        if found.weights is None:
            return dataclasses.replace(found, message=f"{self.source}: {found.message}")
        try:
            weights = thin(problem.M, found.weights)
        except OutOfTime:
            return Solution.failed(Status.TIMEOUT, f"{self.source}'s weights were not thinned in time")
        objective = _kept(found.objective, problem, found.weights, weights)
        status = found.status
        if objective is None and status is Status.OPTIMAL:
            status = Status.COMPLETED
        return dataclasses.replace(
            found,
            weights=weights,
            status=status,
            objective=objective or LeastSquares(),
            dual=found.dual if objective is not None else None,
            claims={
                "rank": rank(problem.M, found.weights),
                "active_before": int(np.count_nonzero(found.weights)),
                "active_after": int(np.count_nonzero(weights)),
                "worst_change": float(np.max(np.abs(problem.M @ (weights - found.weights)) / problem.scale)),
            },
        )


def _kept(
    objective: Objective | None, problem: CalibrationProblem, before: FloatArray, after: FloatArray
) -> Objective | None:
    """The objective, where its value is the same before and after."""
    if objective is None:
        return None
    value = objective.value(problem, before)
    at_zero = abs(objective.value(problem, np.zeros_like(before)))
    change = abs(objective.value(problem, after) - value)
    return objective if change <= UNCHANGED * abs(value) + ROUNDING * at_zero else None
