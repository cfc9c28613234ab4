"""Best subset selection locally: coordinate descent with a hard threshold, then swaps of one column for another.

    minimise ‖b − Â x‖² + Σ (d_i − 1) x_i² + λ ‖x‖₀,   x ≥ 0,   columns of length 1,   d_i ≥ 1

In one coordinate, with `ρ = â_iᵀ(residual) + x_i`, the minimum is `ρ/d_i` where `ρ > 0` and `ρ²/d_i > λ`, else 0.
`descend` goes round until no coordinate moves. `swap` takes a column out and the best other one in, at its own best
value, where that lowers the objective; where no swap does, x is a "partial swap inescapable" minimum of order 1
(Hazimeh & Mazumder 2020, algorithms 1 and 2). The objective falls with every step, so both end.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.solvers.lasso.kernel import SUMS, IndexArray, add, dot

GAIN = 1e-10  # of what the column adds that goes, and 1e-14 of ‖b‖²: a swap that gains less is rounding


@njit(cache=True, fastmath=SUMS, nogil=True)
def descend(
    indptr: IndexArray,
    indices: IndexArray,
    data: FloatArray,
    d: FloatArray,
    order: IndexArray,
    x: FloatArray,
    r: FloatArray,
    lam: float,
    tol: float,
    max_passes: int,
    stop: NDArray[np.bool_],
) -> tuple[bool, int]:  # pragma: no cover - compiled
    """Change x (p) and its residual r (m) into a fixed point; returns whether it is one, and the passes made.

    indptr, indices, data   the columns, each of length 1 (CSC, m × p)
    order                   of all coordinates in a pass; between passes over all come passes over the active ones
    tol                     a pass over all in which no x_i moved by more is the last
    stop                    one flag: when somebody raises it, no further pass follows
    """
    passes, everywhere = 0, True
    while passes < max_passes and not stop[0]:
        passes += 1
        moved = 0.0
        for i in order:
            if not (everywhere or x[i] > 0.0):
                continue
            rho = dot(indptr, indices, data, i, r) + x[i]
            value = rho / d[i] if rho > 0.0 and rho * rho > lam * d[i] else 0.0
            step = value - x[i]
            if step != 0.0:
                x[i] = value
                add(indptr, indices, data, i, -step, r)
                moved = max(moved, abs(step))
        if moved <= tol and everywhere:
            return True, passes
        everywhere = moved <= tol
    return False, passes


@njit(cache=True, fastmath=SUMS, nogil=True)
def swap(
    indptr: IndexArray,
    indices: IndexArray,
    data: FloatArray,
    d: FloatArray,
    leaving: IndexArray,
    x: FloatArray,
    r: FloatArray,
    noise: float,
    stop: NDArray[np.bool_],
) -> bool:  # pragma: no cover - compiled
    """Make the first swap of one of the active columns `leaving`, in this order, that lowers the objective.

    Returns whether there was one. `noise` is the gain that counts as rounding.
    """
    for i in leaving:
        if stop[0]:
            return False
        own = x[i]
        add(indptr, indices, data, i, own, r)
        rho = max(dot(indptr, indices, data, i, r), 0.0)
        best, entering = rho * rho / d[i] * (1.0 + GAIN) + noise, -1
        for j in range(len(x)):
            if x[j] == 0.0:
                rho = dot(indptr, indices, data, j, r)
                if rho > 0.0 and rho * rho > best * d[j]:
                    best, entering = rho * rho / d[j], j
        if entering >= 0:
            x[i] = 0.0
            x[entering] = dot(indptr, indices, data, entering, r) / d[entering]
            add(indptr, indices, data, entering, -x[entering], r)
            return True
        add(indptr, indices, data, i, -own, r)
    return False
