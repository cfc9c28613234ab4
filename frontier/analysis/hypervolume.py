"""The area that a frontier dominates: one number for "fewer records and smaller errors" (Zitzler & Thiele 1999).

A solution with k of n records and error e dominates, in the unit square, all `(x, y)` with `x ≥ ln k / ln n` and
`y ≥ min(e, 1)`; the area of the union is between 0 and 1, larger is better. So the reference point is the same for all
runs of a problem: all n records, error 1. On the logarithmic axis halving the number of records is worth the same
everywhere. Points without records dominate nothing that any error could not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import moocore
import numpy as np


def hypervolume(points: Iterable[tuple[float, float]], n_records: int) -> float:
    """The dominated area of (active records, error) points, without NaN, on a problem of `n_records`."""
    corners = [(log_share(k, n_records), e) for k, e in points]
    return float(moocore.hypervolume(np.array(corners, dtype=np.float64).reshape(-1, 2), ref=[1.0, 1.0]))


def log_share(k: float, n_records: int) -> float:
    """`ln k / ln n`, 0 up to one record."""
    return math.log(max(k, 1)) / math.log(max(n_records, 2))
