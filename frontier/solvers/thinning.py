"""Carathéodory thinning: fewer records, the same totals.

Any non-negative combination of columns is one of at most rank(A) of them (Carathéodory 1911): while the columns of the
active records are dependent, `A_B β = a_j`, weight can move from record j to the others along β, totals unchanged,
until a weight reaches 0.

The records are taken one at a time, the heaviest first, beside a basis B of r = rank(A) columns, at first artificial
ones of weight 0. If β touches an artificial column, the record takes that one's place. Any other record hands its
weight over to the basis: either all of it, and is gone, or as much as it takes to bring a basic record to 0, and takes
the place of that one. This is the primal push of linear programming's crossover (Megiddo 1991). A record costs r², for
β, and a replacement as much again, for the inverse of the basis.

Rows are scaled by their absolute totals `|A| w` and columns to length 1, so units do not matter; then rows are combined
by the singular vectors, `T A` with `T = S⁻¹Uᵀ`, so that its rows are orthonormal. Without that, published totals that
add up to others but for the rounding of single entries (singular values 10⁻⁹ of the largest) would make β, and with it
the totals, worthless. Nothing is optimised: which records stay follows from the order; another order keeps others.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import inv, qr, svd

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.limits import check_time

BLOCK = 2048  # columns that are dense at a time
RANK = 1e-12  # singular values below this share of the largest are 0: less than what float64 totals resolve
# A record is outside the span of the basis if an artificial column has at least this share of its largest |β|.
OUTSIDE = 1e-9
HARRIS = 1e-12  # overshoot that the ratio test allows, in units of the largest scaled weight
REFRESH = 200  # replacements between fresh inverses: each multiplies the error of the inverse by up to 1/|β|
REFINEMENTS = 2  # the second corrects the rounding of the first


def thin(A: sp.sparray, weights: FloatArray) -> FloatArray:
    """Non-negative weights with the same totals `A w`, of which at most rank(A) are not 0.

    A        matrix, m × n
    weights  n, records represented, ≥ 0

    Totals agree to rounding, about 1e-12 of `|A| w` in every row. Active records without an entry get weight 0.
    Raises `InputError` for weights that are negative, not finite, or not one for each column.
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != A.shape[1:]:
        raise InputError("weights", "wrong shape", expected=f"{A.shape[1:]}", got=w.shape)
    if not (np.isfinite(w).all() and (w >= 0).all()):
        raise InputError("weights", "not weights", expected="finite numbers ≥ 0", got=float(np.min(w)))
    records, columns, lengths = _scaled(sp.csr_array(A), w)
    thinned = np.zeros(w.size)
    if records.size:
        x = w[records] * lengths
        order = np.argsort(-x, kind="stable")
        kept, values = _pushed(columns[order], x[order])
        thinned[records[order[kept]]] = values / lengths[order[kept]]
    return thinned


def rank(A: sp.sparray, weights: FloatArray) -> int:
    """The rank of the columns of the active records: the bound that `thin` keeps."""
    records, columns, _ = _scaled(sp.csr_array(A), np.asarray(weights, dtype=np.float64))
    return len(_orthonormal_rows(columns)) if records.size else 0


def _scaled(A: sp.csr_array, w: FloatArray) -> tuple[NDArray[np.intp], sp.csr_array, FloatArray]:
    """The active records that have entries, their scaled columns (the rows of a CSR array), and the lengths taken."""
    totals = abs(A) @ w
    factor = np.divide(1.0, totals, out=np.zeros(totals.size), where=totals > 0)
    columns = sp.csr_array((sp.diags_array(factor) @ A).T)
    lengths = np.sqrt(np.asarray(columns.multiply(columns).sum(axis=1)).ravel())
    records = np.flatnonzero((w > 0) & (lengths > 0))
    return records, sp.csr_array(sp.diags_array(1.0 / lengths[records]) @ columns[records]), lengths[records]


def _blocks(columns: sp.csr_array) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, columns.shape[0], BLOCK)]


def _orthonormal_rows(columns: sp.csr_array) -> FloatArray:
    """T, r × m, with orthonormal rows `T A` where A has the given columns, by a QR decomposition block after block.

    Not from `A Aᵀ`: that squares singular values, and 10⁻⁹ of the largest would be lost.
    """
    R = np.zeros((0, columns.shape[1]))
    for block in _blocks(columns):
        (R,) = qr(np.vstack((R, columns[block].toarray())), mode="r", check_finite=False, overwrite_a=True)
        R = R[: R.shape[1]]
    _, s, Vt = svd(R, full_matrices=False, check_finite=False)
    r = int(np.count_nonzero(s > RANK * s[0]))
    return np.asarray(Vt[:r] / s[:r, None])


def _pushed(columns: sp.csr_array, x: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
    """The positions of the records that stay when all are pushed in the order given, and their scaled weights > 0."""
    T = _orthonormal_rows(columns)
    basis = _Basis(len(T))
    for block in _blocks(columns):
        check_time()
        for offset, column in enumerate(columns[block] @ T.T):
            j = block.start + offset
            basis.push(j, column, float(x[j]))
    return basis.solved()


class _Basis:
    """r independent columns with weights ≥ 0, and the inverse of their matrix; artificial columns have member −1."""

    def __init__(self, r: int) -> None:
        self.members = np.full(r, -1, dtype=np.intp)
        self.x = np.zeros(r)
        self.columns = np.eye(r)  # row p is the p-th basic column
        self.inverse = np.eye(r, order="F")
        self.total = np.zeros(r)  # of all records pushed so far
        self._replaced = 0

    def push(self, j: int, column: FloatArray, weight: float) -> None:
        """Take record j with its weight into account."""
        self.total += weight * column
        beta = self.inverse @ column
        size = np.abs(beta)
        artificial = np.where(self.members < 0, size, 0.0)
        p = int(np.argmax(artificial))
        if artificial[p] > OUTSIDE * np.max(size):
            self._replace(p, j, column, weight, beta)
            return
        moved, p = self._ratio(beta, weight)
        self.x = np.maximum(self.x + moved * beta, 0.0)
        if p >= 0:
            self._replace(p, j, column, weight - moved, beta)

    def _ratio(self, beta: FloatArray, weight: float) -> tuple[float, int]:
        """How much of the weight moves along β, and the basic record that this brings to 0 (−1: all of it moves).

        Harris's two passes (1973): the largest step that overshoots no weight by more than a tolerance, then among
        the records that reach 0 within it the one that changes fastest, since a replacement divides by its β.
        """
        falling = np.flatnonzero((beta < 0) & (self.members >= 0))
        if not falling.size:
            return weight, -1
        x, rate = self.x[falling], -beta[falling]
        reach = float(np.min((x + HARRIS * np.max(self.x)) / rate))
        if weight <= reach:
            return weight, -1
        within = np.flatnonzero(x <= reach * rate)
        best = int(within[np.argmax(rate[within])])
        return min(weight, float(x[best] / rate[best])), int(falling[best])

    def _replace(self, p: int, j: int, column: FloatArray, weight: float, beta: FloatArray) -> None:
        self.members[p], self.x[p], self.columns[p] = j, weight, column
        self._replaced += 1
        if self._replaced % REFRESH == 0:
            self._refresh()
        else:
            change = beta.copy()
            change[p] -= 1.0
            self.inverse -= np.outer(change / beta[p], self.inverse[p])

    def _refresh(self) -> None:
        """Compute the inverse afresh and solve for the weights: what rounding has piled up goes.

        A weight below 0 is rounding too. The totals lack it until the next refresh, after lighter records.
        """
        self.inverse = np.asfortranarray(inv(self.columns.T, check_finite=False))
        for _ in range(REFINEMENTS):
            self.x = np.maximum(self.x + self.inverse @ (self.total - self.x @ self.columns), 0.0)

    def solved(self) -> tuple[NDArray[np.intp], FloatArray]:
        """The basic records with weight, and their weights."""
        self._refresh()
        keep = (self.members >= 0) & (self.x > 0)
        return self.members[keep], self.x[keep]
