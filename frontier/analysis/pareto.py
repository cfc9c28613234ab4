"""Which points of a frontier no other point dominates (Kung, Luccio & Preparata 1975, through `moocore`).

A point dominates another when it is not larger in either coordinate and smaller in one. So of equal points all are
kept, of two with the same size only the one with the smaller error. A NaN has no place in an order: a point with one is
never non-dominated and dominates nothing.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError


def non_dominated(points: FloatArray) -> NDArray[np.bool_]:
    """A mask over the rows of `points` (P × 2: active records and error, lower is better in both).

    Raises `InputError` for another shape.
    """
    if points.ndim != 2 or points.shape[1] != 2:
        raise InputError("points", "not pairs", expected="shape (P, 2)", got=points.shape)
    found = np.asarray(~np.isnan(points).any(axis=1))
    found[found] = moocore.is_nondominated(points[found], keep_weakly=True)
    return found
