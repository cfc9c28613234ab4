"""Newton directions without a normal matrix: `(ρI + A_S diag(d_S) A_Sᵀ) x = −g` by conjugate gradients.

Preconditioned by the diagonal; S are the columns with d ≠ 0, copied together (a compiled product that walks over them
in place takes three times as long where one in ten is active). Many entries are cut into up to `PARTS` groups of
columns, whose products are added up in order: threads take groups, and decide nothing but the time. An inexact step is
enough for superlinear convergence (Dembo, Eisenstat & Steihaug 1982): the residual allowed shrinks with the gradient.
It need not be smaller than what makes the next gradient small enough: after a full step on a linear piece of the link
the gradient is the residual.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import scipy.sparse as sp

from frontier.core.limits import allowed_threads, out_of_time
from frontier.core.problem import FloatArray

ITERATIONS = 500
FORCING = 0.1  # largest share of the gradient that a direction may leave
ENOUGH = 0.5  # share of the tolerance on the gradient at which a direction is exact enough
PARTS = 4
PART_ENTRIES = 250_000  # in a part, at least: 0.4 ms, against some 50 µs to hand it to a thread


def newton_direction(
    columns: sp.csc_array, d: FloatArray, gradient: FloatArray, *, rho: float, scale: float, tol: float
) -> FloatArray:
    """The direction x (m) for columns A (CSC, m × n) and curvatures d (n).

    The residual is at most `‖g‖ min(0.1, ‖g‖/scale)`, or half of `tol`, the norm at which a gradient counts as 0.
    """
    active = np.flatnonzero(d)
    entries = np.cumsum(np.diff(columns.indptr)[active])
    total = int(entries[-1]) if entries.size else 0
    count = min(max(1, total // PART_ENTRIES), PARTS)
    groups = np.split(active, np.searchsorted(entries, total * np.arange(1, count) / count))
    parts = [columns[:, group] for group in groups]
    curvatures = [d[group] for group in groups]
    diagonal = np.full(len(gradient), rho)
    for part, curvature in zip(parts, curvatures, strict=True):
        squares = part.data**2 * np.repeat(curvature, np.diff(part.indptr))
        diagonal += np.bincount(part.indices, weights=squares, minlength=len(gradient))
    # a row that no free weight reaches has no curvature when ρ = 0: the step leaves its θ alone
    inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)
    norm = float(np.linalg.norm(gradient))
    target = max(norm * min(FORCING, norm / (scale + 1e-300)), ENOUGH * tol, 1e-14 * norm)
    threads = min(allowed_threads(), count)
    with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
        spread = map if pool is None else pool.map

        def product(p: FloatArray) -> FloatArray:
            return sum(spread(lambda part, curvature: part @ (curvature * (part.T @ p)), parts, curvatures), rho * p)

        x, r = np.zeros_like(gradient), -gradient
        p = r * inverse
        rz = float(r @ p)
        for _ in range(ITERATIONS):
            if float(np.linalg.norm(r)) <= target:
                break
            Hp = product(p)
            bend = float(p @ Hp)
            if not bend > 0:
                break
            x, r = x + (rz / bend) * p, r - (rz / bend) * Hp
            z = r * inverse
            rz, previous = float(r @ z), rz
            p = z + (rz / previous) * p
            if out_of_time():  # x is a direction of descent from the first step on
                break
    return x
