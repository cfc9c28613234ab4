"""The generalised regression estimator: calibration in the chi-square distance, with bounds on the weight ratios.

    minimise (1/N) Σ (w_i − w0_i)²/(2 w0_i)    subject to A w = b, lower ≤ w/w0 ≤ upper

(Deville & Särndal 1992, cases 1 and 7), or, relaxed, plus `(1/2ρ)‖b − A w‖²` instead of the equations
(`objectives/distance.py`: the unit of ρ). `w = w0 clip(1 + Aᵀθ, lower, upper)`, θ by semismooth Newton. The textbook
estimator has no bounds and may return negative weights, which no benchmark can use: the default is `lower = 0`. Weights
on the lower bound 0 are exact zeros, but nothing here looks for sparsity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from frontier.core.errors import InputError
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.methods._classical import check_parameters, compile_kernels, solve_classical
from frontier.methods.base import Method
from frontier.methods.solution import Solution
from frontier.objectives.distance import DistanceObjective


@dataclass(frozen=True, kw_only=True)
class Greg(Method):
    """Weights nearest to the initial ones in the chi-square distance; exact (relax None) or relaxed.

    relax         None: meet every target (`infeasible` where that cannot be); a number ρ > 0: trade misses for distance
    lower, upper  bounds on w/w0; None: no bound. Without a lower bound negative weights end in `error`
    tol           worst relative residual that counts as met; relaxed: length of the dual gradient
    max_iter      Newton steps

    Raises `InputError` unless lower < 1 < upper, for relax ≤ 0, tol outside (0, 1) or max_iter < 1.
    """

    axes: ClassVar[frozenset[Coordinate]] = frozenset()

    relax: float | None = None
    lower: float | None = 0.0
    upper: float | None = None
    tol: float = 1e-9
    max_iter: int = 500

    def __post_init__(self) -> None:
        check_parameters(self.relax, self.tol, self.max_iter)
        if self.lower is not None and not self.lower < 1:
            raise InputError("lower", "excludes the initial weights", expected="a ratio < 1", got=self.lower)
        if self.upper is not None and not self.upper > 1:
            raise InputError("upper", "excludes the initial weights", expected="a ratio > 1", got=self.upper)

    def warm_up(self) -> None:
        compile_kernels(self)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        self.check(points)
        objective = DistanceObjective("chi_square", self.relax, self.lower, self.upper)
        return solve_classical(problem, points, objective, tol=self.tol, max_iter=self.max_iter)
