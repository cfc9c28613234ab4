"""The area that a frontier dominates: one number for "fewer records and smaller errors" (Zitzler & Thiele 1999).

A solution with k of n records and error e dominates, in the unit square, all `(x, y)` with `x ≥ ln k / ln n` and
`y ≥ min(e, 1)`; the area of the union is between 0 and 1, larger is better. On the logarithmic axis halving the number
of records is worth the same everywhere. Points without records dominate nothing that any error could not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


def hypervolume(points: Iterable[tuple[float, float]], n_records: int) -> float:
    """The dominated area of (active records, error) points on a problem of `n_records`."""
    corners = sorted((math.log(max(k, 1)) / math.log(max(n_records, 2)), min(e, 1.0)) for k, e in points)
    area, lowest = 0.0, 1.0
    for x, y in corners:
        if y < lowest:
            area += (lowest - y) * (1.0 - x)
            lowest = y
    return area
