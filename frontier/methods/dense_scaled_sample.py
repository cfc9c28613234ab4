"""Uniform subset of the dense calibrated weights, rescaled to their total: what simply cutting a file down does.

Every record with dense weight has the same chance; those drawn keep their weights up to one common factor. Nothing is
fitted after sampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.methods._dense import DenseThinning, Thin, sampler
from frontier.methods.solution import Claim


@dataclass(frozen=True, kw_only=True)
class DenseScaledSample(DenseThinning):
    """Exactly `budget` records, drawn uniformly. One permutation per seed: subsets are nested along budgets.

    dense    where the dense weights come from (`frontier.methods._dense`)
    penalty  μ or ρ of the dense method; None: its default

    Raises `InputError` for a penalty that is not a finite number > 0, or given to dense weights without one.
    """

    stochastic: ClassVar[bool] = True

    def thinning(self, problem: CalibrationProblem, dense: FloatArray) -> Thin:
        return partial(_draw, dense)


def _draw(dense: FloatArray, point: Point) -> tuple[FloatArray, dict[str, Claim]]:
    drawn = sampler(point).permutation(np.flatnonzero(dense))[: point.budget]
    factor = float(dense.sum() / dense[drawn].sum())
    weights = np.zeros(dense.size)
    weights[drawn] = factor * dense[drawn]
    return weights, {"factor": factor}
