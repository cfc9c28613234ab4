"""Newton directions without a normal matrix: `(ρI + A_S diag(d_S) A_Sᵀ) x = −g` by conjugate gradients.

Preconditioned by the diagonal; S are the columns with d ≠ 0, copied together where they are less than half of all
entries (walking over them in place takes three times as long where one in ten is active), and each is read once per
product: `a_iᵀp` and what it adds while it is in the cache. Many entries are cut into up to `PARTS` groups of columns,
whose products are added up in order: threads take groups, and decide nothing but the time. An inexact step is
enough for superlinear convergence (Dembo, Eisenstat & Steihaug 1982): the residual allowed shrinks with the gradient.
It need not be smaller than what makes the next gradient small enough: after a full step on a linear piece of the link
the gradient is the residual.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import allowed_threads, out_of_time

ITERATIONS = 500
FORCING = 0.1  # largest share of the gradient that a direction may leave
ENOUGH = 0.5  # share of the tolerance on the gradient at which a direction is exact enough
PARTS = 4  # of the columns, each with a sum of its own: threads take parts, and decide nothing but the time
IN_PLACE = 0.5  # of all entries: from here on active columns are not copied
PART_ENTRIES = 250_000  # in a part, at least: 0.4 ms, against some 50 µs to hand it to a thread


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Some columns of a matrix (positions in it, or in a copy of them) and their curvatures."""

    columns: sp.csc_array
    items: NDArray[np.intp]
    d: FloatArray

    @classmethod
    def of(cls, columns: sp.csc_array, items: NDArray[np.intp], d: FloatArray, *, in_place: bool) -> _Part:
        return cls(columns, items, d) if in_place else cls(columns[:, items], np.arange(len(items)), d)

    def times(self, p: FloatArray) -> FloatArray:
        """`A_S diag(d) A_Sᵀ p`."""
        out, A = np.zeros_like(p), self.columns
        add_gram_times(A.indptr, A.indices, A.data, self.items, self.d, p, out)
        return out

    def diagonal(self, rows: int) -> FloatArray:
        """The diagonal of `A_S diag(d) A_Sᵀ`."""
        out, A = np.zeros(rows), self.columns
        add_diagonal(A.indptr, A.indices, A.data, self.items, self.d, out)
        return out


@njit(cache=True, nogil=True)
def add_gram_times(
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
    data: FloatArray,
    items: NDArray[np.intp],
    d: FloatArray,
    p: FloatArray,
    out: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Add `Σ_k d_k a (aᵀp)`, a the columns `items` of a CSC matrix, to `out`."""
    for k in range(len(items)):
        start, stop = indptr[items[k]], indptr[items[k] + 1]
        total = 0.0
        for t in range(start, stop):
            total += data[t] * p[indices[t]]
        total *= d[k]
        for t in range(start, stop):
            out[indices[t]] += data[t] * total


@njit(cache=True, nogil=True)
def add_diagonal(
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
    data: FloatArray,
    items: NDArray[np.intp],
    d: FloatArray,
    out: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Add the diagonal of `Σ_k d_k a aᵀ` to `out`."""
    for k in range(len(items)):
        for t in range(indptr[items[k]], indptr[items[k] + 1]):
            out[indices[t]] += data[t] ** 2 * d[k]


def newton_direction(
    columns: sp.csc_array, d: FloatArray, gradient: FloatArray, *, rho: float, scale: float, tol: float
) -> tuple[FloatArray, int]:
    """The direction x (m) for columns A (CSC, m × n) and curvatures d (n), and the iterations that it took.

    The residual is at most `‖g‖ min(0.1, ‖g‖/scale)`, or half of `tol`, the norm at which a gradient counts as 0.
    """
    active = np.flatnonzero(d)
    entries = np.cumsum(np.diff(columns.indptr)[active])
    total = int(entries[-1]) if entries.size else 0
    count = min(max(1, total // PART_ENTRIES), PARTS)
    groups = np.split(active, np.searchsorted(entries, total * np.arange(1, count) / count))
    parts = [_Part.of(columns, group, d[group], in_place=total > IN_PLACE * columns.nnz) for group in groups]
    diagonal = np.full(len(gradient), rho)
    for part in parts:
        diagonal += part.diagonal(len(gradient))
    # a row that no free weight reaches has no curvature when ρ = 0: the step leaves its θ alone
    inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)
    norm = float(np.linalg.norm(gradient))
    target = max(norm * min(FORCING, norm / (scale + 1e-300)), ENOUGH * tol, 1e-14 * norm)
    threads = min(allowed_threads(), count)
    with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
        spread = map if pool is None else pool.map

        def product(p: FloatArray) -> FloatArray:
            return sum(spread(lambda part: part.times(p), parts), rho * p)

        x, r = np.zeros_like(gradient), -gradient
        p = r * inverse
        rz = float(r @ p)
        iterations = 0
        while iterations < ITERATIONS:
            if float(np.linalg.norm(r)) <= target:
                break
            iterations += 1
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
    return x, iterations
