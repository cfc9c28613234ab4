"""How much the equations of a calibration rest on each record: leverages, exact or from random combinations of rows.

`ℓ_i² = a_iᵀ (A diag(w) Aᵀ)⁺ a_i`: `w_i ℓ_i²` is the share of the equations' directions that record i alone supports,
between 0 and 1; they sum to the rank (Drineas, Mahoney & Muthukrishnan 2006). Up to `EXACT_ROWS` rows by an
eigendecomposition, m³ operations. Beyond it by a sketch: with independent signs z (n) and `G y = A diag(√w) z`,
G the Gram matrix, `a_iᵀ y` has mean 0 and variance ℓ_i² (Spielman & Srivastava 2011, section 3), so `DRAWS` of them
give ℓ_i within 18% (a standard deviation), good enough for chances, which the sampled weights divide by. The systems
are solved together by conjugate gradients, loosely, with rows of length 1 and a small ridge.
"""

# mypy: disable-error-code="no-untyped-call,call-arg,unreachable"
# an intrinsic is called without its typing context, and has no type hints

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.linalg as sla
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

from frontier.core import random
from frontier.core.arrays import FloatArray
from frontier.core.limits import allowed_threads, check_time
from frontier.objectives.design import WeightedDesign, scale_rows
from frontier.solvers.dual.conjugate import PARTS, add_diagonal
from frontier.solvers.gates.lanes import gather, scatter

EXACT_ROWS = 4_000  # a Gram matrix of 128 MB, decomposed in half a minute
CHUNK = 4_096  # records at a time
DEPENDENT = 1e-10  # of the largest eigenvalue of the Gram matrix of rows of length 1: what counts as no direction
DRAWS = 16  # systems side by side: two registers of eight numbers
ITERATIONS, ENOUGH = 60, 1e-2  # of conjugate gradients, and the share of the right-hand sides that they may leave
RIDGE = 1e-4  # relative to rows of length 1: keeps directions that nested rows lack out of the sketch


def leverages(design: WeightedDesign, weights: FloatArray) -> tuple[FloatArray, int]:
    """`ℓ_i` for every column of A (m × n), and the rank, which is Σ w_i ℓ_i²."""
    if design.shape[0] <= EXACT_ROWS:
        return exact_leverages(design.A, weights)
    return sketched_leverages(design.columns(), weights)


def exact_leverages(rows: sp.csr_array, weights: FloatArray) -> tuple[FloatArray, int]:
    """Leverages by the eigenvalues of the Gram matrix of rows of length 1."""
    lengths = np.sqrt(rows.power(2) @ weights)
    used = np.flatnonzero(lengths > 0)
    A = sp.csc_array(sp.diags_array(1 / lengths[used]) @ rows[used])
    gram = (A @ sp.diags_array(weights) @ A.T).toarray()
    values, vectors = sla.eigh(gram, check_finite=False)
    kept = values > DEPENDENT * values[-1]
    whitened = np.ascontiguousarray(vectors[:, kept] / np.sqrt(values[kept]))
    columns, found = (A.indptr.astype(np.int64), A.indices, A.data), np.empty(A.shape[1])
    with ThreadPoolExecutor(allowed_threads()) as pool:  # each record by itself: the same for any number of threads
        for _ in pool.map(lambda i: squared_lengths(*columns, i, CHUNK, whitened, found), range(0, len(found), CHUNK)):
            check_time()
    return np.sqrt(found), int(kept.sum())


def sketched_leverages(A: sp.csc_array, weights: FloatArray) -> tuple[FloatArray, int]:
    """Leverages within 18% or so, the same for any number of threads; rows of `A` are scaled in place."""
    m, n = A.shape
    squares = np.zeros(m)
    add_diagonal(A.indptr, A.indices, A.data, np.arange(n), weights, squares)
    inverse = np.divide(1.0, np.sqrt(squares), out=np.zeros(m), where=squares > 0)
    scale_rows(A, inverse)
    sketch = _Sketch(A, weights)
    found = sketch.projected(_solved(sketch, sketch.right_hand_sides()))
    return found, round(float(weights @ found**2))


class _Sketch:
    """Products of a matrix, by columns, with `DRAWS` vectors at a time."""

    def __init__(self, A: sp.csc_array, weights: FloatArray) -> None:
        self.columns = A.indptr.astype(np.int64), A.indices, A.data
        self.shape, self.weights = A.shape, weights
        self.borders = np.searchsorted(A.indptr, A.nnz * np.arange(PARTS + 1) / PARTS).clip(0, A.shape[1])

    def right_hand_sides(self) -> FloatArray:
        """`A diag(√w) Z`, m × draws, Z of signs."""
        generator, total = random.generator(0, random.STREAM_SKETCH), np.zeros((self.shape[0], DRAWS))
        for first in range(0, self.shape[1], CHUNK):
            root = np.sqrt(self.weights[first : first + CHUNK])
            signs = 2.0 * generator.integers(0, 2, (len(root), DRAWS)) - 1
            add_columns(*self.columns, first, root[:, None] * signs, total.reshape(-1))
        return total

    def gram(self, Y: FloatArray) -> FloatArray:
        """`(A diag(w) Aᵀ + ridge) Y`."""
        with ThreadPoolExecutor(min(allowed_threads(), PARTS)) as pool:
            return np.asarray(sum(pool.map(lambda k: self._part(k, Y), range(PARTS)), RIDGE * Y))

    def _part(self, k: int, Y: FloatArray) -> FloatArray:
        out = np.zeros_like(Y)
        add_grams(*self.columns, self.borders[k], self.borders[k + 1], self.weights, Y.reshape(-1), out.reshape(-1))
        return out

    def projected(self, Y: FloatArray) -> FloatArray:
        """The root of the mean square of `a_iᵀ y` over the draws, n."""
        found = np.empty(self.shape[1])
        squared_lengths(*self.columns, 0, len(found), np.ascontiguousarray(Y), found)
        return np.sqrt(found / DRAWS)


def _solved(sketch: _Sketch, B: FloatArray) -> FloatArray:
    """`G Y = B` by conjugate gradients, every column by itself, until all are near enough or iterations run out."""
    Y, R = np.zeros_like(B), B.copy()
    P, squares = R.copy(), np.square(R).sum(axis=0)
    enough = ENOUGH**2 * squares
    for _ in range(ITERATIONS):
        if (squares <= enough).all():
            break
        check_time()
        Q = sketch.gram(P)
        bend = (P * Q).sum(axis=0)
        step = np.divide(squares, bend, out=np.zeros(DRAWS), where=bend > 0)
        Y, R = Y + step * P, R - step * Q
        before, squares = squares, np.square(R).sum(axis=0)
        P = R + np.divide(squares, before, out=np.zeros(DRAWS), where=before > 0) * P
    return Y


@njit(cache=True, nogil=True)
def add_columns(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: FloatArray,
    first: int,
    factors: FloatArray,
    out: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Add `Σ a_i factors_i` over consecutive columns from number `first` to `out` (m × draws, flat)."""
    flat = factors.ravel()
    for k in range(len(factors)):
        scatter(DRAWS, data, indices, indptr[first + k], indptr[first + k + 1], flat, k * DRAWS, out)


@njit(cache=True, nogil=True)
def add_grams(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: FloatArray,
    first: int,
    last: int,
    d: FloatArray,
    Y: FloatArray,
    out: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Add `Σ d_i a_i (a_iᵀ Y)` over the columns from `first` to before `last` to `out`."""
    work = np.zeros(DRAWS)
    for i in range(first, last):
        gather(DRAWS, data, indices, indptr[i], indptr[i + 1], Y, work, 0)
        work *= d[i]
        scatter(DRAWS, data, indices, indptr[i], indptr[i + 1], work, 0, out)


@njit(cache=True, nogil=True)
def squared_lengths(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: FloatArray,
    first: int,
    number: int,
    rows: FloatArray,
    out: FloatArray,
) -> None:  # pragma: no cover - compiled
    """The square of the length of `a_iᵀ rows`, rows (m × r), for a number of columns from the first on."""
    work = np.empty(rows.shape[1])
    for i in range(first, min(first + number, len(out))):
        work[:] = 0.0
        for p in range(indptr[i], indptr[i + 1]):
            factor, row = data[p], rows[indices[p]]
            for k in range(len(work)):
                work[k] += factor * row[k]
        out[i] = (work * work).sum()
