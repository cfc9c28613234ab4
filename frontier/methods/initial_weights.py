"""The initial weights, untouched: the control that every fit has to beat.

A method that errs more on held-out or hidden statistics than these weights has lost by fitting what the file knew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.base import Arm, Method
from frontier.methods.solution import Solution


@dataclass(frozen=True, kw_only=True)
class InitialWeights(Method):
    """`w = w0`; nothing is fitted, and a point carries neither λ nor budget."""

    axes: ClassVar[frozenset[Coordinate]] = frozenset()
    refit_from: ClassVar[Arm] = "none"

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """w0, the same for every point."""
        self.check(points)
        return [Solution(problem.w0, Status.COMPLETED) for _ in points]
