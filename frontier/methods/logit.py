"""The logit method: calibration whose weight ratios w/w0 stay strictly between two bounds.

    minimise (1/N) Σ (w0_i/B) [(x−L) log((x−L)/(1−L)) + (U−x) log((U−x)/(U−1))],  x = w_i/w0_i    subject to A w = b

with `B = (U−L)/((1−L)(U−1))` (Deville & Särndal 1992, case 6), or, relaxed, plus `(1/2ρ)‖b − A w‖²` instead of the
equations (`objectives.distance` defines the unit of ρ). The ratios are a logistic function of `Aᵀθ`, found by Newton.
With L = 0 and U → ∞ the method tends to raking. In float64 a ratio may round to a bound that it only approaches.
"""

from __future__ import annotations

import math
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
class Logit(Method):
    """Weights nearest to the initial ones in the logit distance; exact (relax None) or relaxed.

    relax      None: meet every target (`infeasible` where that cannot be); a number ρ > 0: trade misses for distance
    low, high  strict bounds on w/w0
    tol        worst relative residual that counts as met; relaxed: length of the dual gradient
    max_iter   Newton steps

    Raises `InputError` unless 0 ≤ low < 1 < high < ∞, for relax ≤ 0, tol outside (0, 1) or max_iter < 1.
    """

    axes: ClassVar[frozenset[Coordinate]] = frozenset()

    relax: float | None = None
    low: float = 0.0
    high: float = 10.0
    tol: float = 1e-9
    max_iter: int = 500

    def __post_init__(self) -> None:
        check_parameters(self.relax, self.tol, self.max_iter)
        if not 0 <= self.low < 1:
            raise InputError("low", "not a lower bound on w/w0", expected="0 ≤ low < 1", got=self.low)
        if not (self.high > 1 and math.isfinite(self.high)):
            raise InputError("high", "not an upper bound on w/w0", expected="1 < high < ∞", got=self.high)

    def warm_up(self) -> None:
        compile_kernels(self)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        self.check(points)
        objective = DistanceObjective("logit", self.relax, self.low, self.high)
        return solve_classical(problem, points, objective, tol=self.tol, max_iter=self.max_iter)
