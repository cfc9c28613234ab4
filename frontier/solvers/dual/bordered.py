"""Newton steps of a problem made of areas: blocks of targets that share no record, and a few rows above them.

With the targets of an area as a block (G_k), and those of several areas, national totals say, as the border (S):

    ρI + A diag(d) Aᵀ = [ G_1        C_1ᵀ ]
                        [      ⋱     ⋮   ]      x_0 = (S − Σ Z_kᵀ Z_k)⁻¹ (r_0 − Σ Z_kᵀ u_k)
                        [ C_1  …     S   ]      x_k = L_k⁻ᵀ (u_k − Z_k x_0)

with `G_k = L_k L_kᵀ`, `Z_k = L_k⁻¹ C_kᵀ`, `u_k = L_k⁻¹ r_k`: the step of the whole matrix, from one factor per block
and one of the border (block elimination: Golub & Van Loan 2013, section 4.5). Blocks are found, not asked for: rows
join the block of their records, those with few entries first, and a row that would join blocks to more than a limit
goes to the border. The limit is the one of three at which a step costs least.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.linalg as sla
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import allowed_threads
from frontier.solvers.dual.conjugate import PARTS

LIMITS = (64, 256, 1024)  # rows of a block
LARGEST_LOCAL = 4_000  # rows of a block and the border together: 128 MB for each part
DENSE_SECONDS, GRAM_SECONDS, ENTRY_SECONDS = 1e-10, 2e-9, 3e-9  # of a factorisation's, a Gram's, a product's operation

Int32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Bordered:
    """Rows by block, records by block, and the rows of the border (positions in A, CSC)."""

    A: sp.csc_array
    rows: list[NDArray[np.intp]]
    items: list[NDArray[np.intp]]
    border: NDArray[np.intp]
    local: Int32  # of each row: its position in its block, or −1 − its position in the border

    @classmethod
    def found(cls, A: sp.csc_array, iterations: float = np.inf) -> Bordered | None:
        """The blocks of a matrix; None where a step costs more than so many iterations of conjugate gradients."""
        counts = np.diff(A.indptr).astype(np.float64)
        gram = GRAM_SECONDS * float((counts**2).sum()) / 2
        best, least = None, ENTRY_SECONDS * iterations * A.nnz
        if gram >= least:
            return None
        rows = np.zeros(A.shape[0] + 1, dtype=np.int64)
        items = np.empty(A.nnz, dtype=np.int32)
        by_row(A.indptr, A.indices, rows, items)
        order = np.argsort(np.diff(rows), kind="stable")
        for limit in LIMITS:
            block = join_rows(rows, items, order, A.shape[1], limit, LARGEST_LOCAL)
            border, sizes = int(np.count_nonzero(block < 0)), np.bincount(block[block >= 0]).astype(np.float64)
            if border + sizes.max(initial=0.0) > LARGEST_LOCAL:
                continue
            dense = (sizes**3 / 3 + sizes**2 * border + sizes * border**2).sum() + border**3 / 3
            seconds = gram + DENSE_SECONDS * float(dense)
            if seconds < least:
                best, least = block, seconds
        return None if best is None else cls._of(A, best)

    @classmethod
    def _of(cls, A: sp.csc_array, block: NDArray[np.intp]) -> Bordered:
        border = np.flatnonzero(block < 0)
        names, number = np.unique(block[block >= 0], return_inverse=True)
        inside = np.flatnonzero(block >= 0)
        order = np.argsort(number, kind="stable")
        rows = np.split(inside[order], np.cumsum(np.bincount(number, minlength=len(names)))[:-1])
        of_row = np.full(len(block), len(names))
        of_row[inside] = number
        local = np.empty(len(block), dtype=np.int32)
        for one in rows:
            local[one] = np.arange(len(one))
        local[border] = -1 - np.arange(len(border))
        # a record belongs to the block of its rows, or to the last one, which has no rows, with none but the border's
        of_item = np.full(A.shape[1], len(names))
        filled = np.flatnonzero(np.diff(A.indptr))
        of_item[filled] = np.minimum.reduceat(of_row[A.indices], A.indptr[filled])
        items = np.split(np.argsort(of_item, kind="stable"), np.cumsum(np.bincount(of_item, minlength=len(names) + 1)))
        return cls(A, [*rows, np.empty(0, dtype=np.intp)], items[: len(names) + 1], border, local)

    def direction(self, d: FloatArray, gradient: FloatArray, ridge: float) -> FloatArray:
        """`−(ridge I + A diag(d) Aᵀ)⁻¹ g`; `LinAlgError` where the matrix is not positive definite."""
        work = np.cumsum([len(items) for items in self.items])
        cuts = np.searchsorted(work, work[-1] * np.arange(1, PARTS) / PARTS)
        groups = np.split(np.arange(len(self.rows)), cuts)
        with ThreadPoolExecutor(min(allowed_threads(), PARTS)) as pool:
            parts = list(pool.map(lambda group: self._eliminated(group, d, gradient, ridge), groups))
        above, right = np.zeros((len(self.border),) * 2), -gradient[self.border]
        for part in parts:
            above += part.above
            right -= part.right
        x = np.empty_like(gradient)
        if len(self.border):
            above[np.diag_indices_from(above)] += ridge
            factor = sla.cho_factor(above, lower=True, overwrite_a=True, check_finite=False)
            x[self.border] = sla.cho_solve(factor, right, check_finite=False)
        for part in parts:
            for k, (L, Z, u) in part.factors.items():
                rest = u - Z @ x[self.border]
                x[self.rows[k]] = sla.solve_triangular(L, rest, lower=True, trans="T", check_finite=False)
        return x

    def _eliminated(self, blocks: NDArray[np.intp], d: FloatArray, gradient: FloatArray, ridge: float) -> _Part:
        b = len(self.border)
        part = _Part(np.zeros((b, b)), np.zeros(b), {})
        for k in blocks:
            size = len(self.rows[k])
            N = np.zeros((size + b, size + b))
            add_local_gram(self.A.indptr, self.A.indices, self.A.data, self.items[k], d, self.local, size, N)
            part.above[...] += N[size:, size:]
            if not size:
                continue
            G, C = N[:size, :size], N[size:, :size]
            G[np.diag_indices_from(G)] += ridge
            L = sla.cholesky(G, lower=True, check_finite=False)
            Z = sla.solve_triangular(L, C.T, lower=True, check_finite=False)
            u = sla.solve_triangular(L, -gradient[self.rows[k]], lower=True, check_finite=False)
            part.above[...] -= Z.T @ Z
            part.right[...] += Z.T @ u
            part.factors[int(k)] = L, Z, u
        return part


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What some blocks add to the border's matrix (its lower triangle) and right-hand side, and their factors."""

    above: FloatArray
    right: FloatArray
    factors: dict[int, tuple[FloatArray, FloatArray, FloatArray]]


@njit(cache=True)
def by_row(
    indptr: Int32, indices: Int32, starts: NDArray[np.int64], items: Int32
) -> None:  # pragma: no cover - compiled
    """The columns of each row from those of a CSC matrix: where they start (m + 1), and which they are."""
    for j in indices:
        starts[j + 1] += 1
    for j in range(1, len(starts)):
        starts[j] += starts[j - 1]
    at = starts[:-1].copy()
    for i in range(len(indptr) - 1):
        for t in range(indptr[i], indptr[i + 1]):
            items[at[indices[t]]] = i
            at[indices[t]] += 1


@njit(cache=True)
def join_rows(
    indptr: NDArray[np.int64], indices: Int32, order: NDArray[np.intp], n: int, limit: int, most: int
) -> NDArray[np.intp]:  # pragma: no cover - compiled
    """The block of each row (a record that it is named after), −1: border; rows join in this order.

    As soon as the border has more than `most` rows, what is left joins it.
    """
    parent = np.arange(n)
    rows = np.zeros(n, np.int64)  # of the block that a record is the root of
    seen = np.full(n, -1)
    first = np.full(len(order), -1)
    above = 0
    for j in order:
        if above > most:
            break
        total, root = 1, -1
        for t in range(indptr[j], indptr[j + 1]):
            i = indices[t]
            while parent[i] != i:
                parent[i] = parent[parent[i]]
                i = parent[i]
            if seen[i] != j:
                seen[i] = j
                total += rows[i]
                root = i
            if total > limit:
                break
        if total > limit or root < 0:
            above += 1
            continue
        for t in range(indptr[j], indptr[j + 1]):
            i = indices[t]
            while parent[i] != i:
                i = parent[i]
            parent[i] = root
        rows[root] = total
        first[j] = root
    for j in range(len(order)):
        i = first[j]
        if i >= 0:
            while parent[i] != i:
                i = parent[i]
            first[j] = i
    return first


@njit(cache=True, nogil=True)
def add_local_gram(
    indptr: Int32,
    indices: Int32,
    data: FloatArray,
    items: NDArray[np.intp],
    d: FloatArray,
    local: Int32,
    size: int,
    out: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Add the lower triangle of `Σ d_i a_i a_iᵀ` over some columns, in the rows of their block and then the border."""
    for i in items:
        if d[i] == 0.0:
            continue
        for s in range(indptr[i], indptr[i + 1]):
            value, row = d[i] * data[s], local[indices[s]]
            row = row if row >= 0 else size - 1 - row
            for t in range(indptr[i], s + 1):
                column = local[indices[t]]
                column = column if column >= 0 else size - 1 - column
                out[max(row, column), min(row, column)] += value * data[t]
