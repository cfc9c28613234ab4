"""Uniform subset of the dense calibrated weights, rescaled to their total: what simply cutting a file down does.

Every record with dense weight has the same chance; those drawn keep their weights up to one common factor. Nothing is
fitted after sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem, FloatArray
from frontier.methods._dense import DenseMethod, dense_method, sampler, thin_dense, warm_up_dense
from frontier.methods.base import Method
from frontier.methods.solution import Claim, Solution


@dataclass(frozen=True, kw_only=True)
class DenseScaledSample(Method):
    """Exactly `budget` records, drawn uniformly. One permutation per seed: subsets are nested along budgets.

    dense    where the dense weights come from (`frontier.methods._dense`)
    penalty  μ or ρ of the dense method; None: its default

    Raises `InputError` for a penalty that is not a finite number > 0, or given to dense weights without one.
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"budget", "seed"})
    stochastic: ClassVar[bool] = True
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})

    dense: DenseMethod = "anchored_l1"
    penalty: float | None = None

    def __post_init__(self) -> None:
        dense_method(self.dense, self.penalty)

    def warm_up(self) -> None:
        warm_up_dense(self.dense, self.penalty)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """One sample per point."""
        self.check(points)
        return thin_dense(problem, points, self.dense, self.penalty, _draw)


def _draw(dense: FloatArray, point: Point) -> tuple[FloatArray, dict[str, Claim]]:
    drawn = sampler(point).permutation(np.flatnonzero(dense))[: point.budget]
    factor = float(dense.sum() / dense[drawn].sum())
    weights = np.zeros(dense.size)
    weights[drawn] = factor * dense[drawn]
    return weights, {"factor": factor}
