"""The k largest dense calibrated weights, rescaled to the dense total.

The obvious way to shrink a file, and deterministic; between equal weights the earlier record stays. Nothing is fitted
after selecting.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.methods._dense import DenseThinning, Thin
from frontier.methods.solution import Claim


@dataclass(frozen=True, kw_only=True)
class TopK(DenseThinning):
    """Exactly `budget` records, those with the largest dense weights.

    dense    where those come from (`frontier.methods._dense`)
    penalty  μ or ρ of the dense method; None: its default

    Raises `InputError` for a penalty that is not a finite number > 0, or given to dense weights without one.
    """

    def thinning(self, problem: CalibrationProblem, dense: FloatArray) -> Thin:
        return partial(_select, dense)


def _select(dense: FloatArray, point: Point) -> tuple[FloatArray, dict[str, Claim]]:
    kept = np.argsort(-dense, kind="stable")[: point.budget]
    share = float(dense[kept].sum() / dense.sum())
    weights = np.zeros(dense.size)
    weights[kept] = dense[kept] / share
    return weights, {"share_of_weight": share}
