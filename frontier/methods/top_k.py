"""The k largest dense calibrated weights, rescaled to the dense total.

The obvious way to shrink a file, and deterministic; between equal weights the earlier record stays. Nothing is fitted
after selecting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem, FloatArray
from frontier.methods._dense import DenseMethod, dense_method, thin_dense, warm_up_dense
from frontier.methods.base import Method
from frontier.methods.solution import Claim, Solution


@dataclass(frozen=True, kw_only=True)
class TopK(Method):
    """Exactly `budget` records, those with the largest dense weights.

    dense    where those come from (`frontier.methods._dense`)
    penalty  μ or ρ of the dense method; None: its default

    Raises `InputError` for a penalty that is not a finite number > 0, or given to dense weights without one.
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"budget"})
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})

    dense: DenseMethod = "anchored_l1"
    penalty: float | None = None

    def __post_init__(self) -> None:
        dense_method(self.dense, self.penalty)

    def warm_up(self) -> None:
        warm_up_dense(self.dense, self.penalty)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """The largest weights at each budget."""
        self.check(points)
        return thin_dense(problem, points, self.dense, self.penalty, _select)


def _select(dense: FloatArray, point: Point) -> tuple[FloatArray, dict[str, Claim]]:
    kept = np.argsort(-dense, kind="stable")[: point.budget]
    share = float(dense[kept].sum() / dense.sum())
    weights = np.zeros(dense.size)
    weights[kept] = dense[kept] / share
    return weights, {"share_of_weight": share}
