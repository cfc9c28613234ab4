"""The compiled active-set kernel: the non-negative LASSO on a working set of columns, solved to rounding.

`min ½‖b − Σ_i x_i a_i‖² + λ Σ c_i x_i`, `x ≥ 0`, over sparse columns of length 1. It is the method of Lawson & Hanson
(1974, chapter 23) with a linear term and a warm start: a Cholesky factor `L Lᵀ` of the active columns' Gram matrix is
kept up to date (append a row, delete a row by Givens rotations), each pivot adds the column whose correlation exceeds
its limit `λ c_i` most, and a step that would make a weight negative stops there and drops it. The objective falls with
every pivot, so it ends.

A column in the span of the active ones cannot be factored in. With `a_j = A_S z` the residual does not move along
`x_j + t, x_S − t z`, and the objective falls by `t λ (c_Sᵀz − c_j)`: a simplex pivot, made until a weight reaches 0.
Nothing here knows the columns outside the working set: `frontier.solvers.lasso.working_set` prices those.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray

IndexArray = NDArray[np.int64]

SUMS = {"reassoc", "contract"}  # sums may be taken in vector order; NaN, infinities and signs stay as written
DEPENDENT = 1e-10  # squared distance from the span (columns have length 1) below which a column counts as in it
CONVERGED, PIVOT_LIMIT, OUT_OF_ROOM = 0, 1, 2


@njit(cache=True, fastmath=SUMS)
def dot(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, i: int, r: FloatArray
) -> float:  # pragma: no cover - compiled
    """`a_iᵀ r`."""
    total = 0.0
    for t in range(indptr[i], indptr[i + 1]):
        total += data[t] * r[indices[t]]
    return total


@njit(cache=True, fastmath=SUMS)
def add(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, i: int, step: float, r: FloatArray
) -> None:  # pragma: no cover - compiled
    """`r ← r + step a_i`."""
    for t in range(indptr[i], indptr[i + 1]):
        r[indices[t]] += step * data[t]


@njit(cache=True, fastmath=SUMS)
def _solve(L: FloatArray, k: int, rhs: FloatArray) -> None:  # pragma: no cover - compiled
    """`rhs ← (L Lᵀ)⁻¹ rhs`, by rows, which are contiguous."""
    for i in range(k):
        total = rhs[i]
        for j in range(i):
            total -= L[i, j] * rhs[j]
        rhs[i] = total / L[i, i]
    for i in range(k - 1, -1, -1):
        value = rhs[i] / L[i, i]
        rhs[i] = value
        for j in range(i):
            rhs[j] -= L[i, j] * value


@njit(cache=True, fastmath=SUMS)
def _delete(L: FloatArray, k: int, at: int) -> None:  # pragma: no cover - compiled
    """Take row `at` out of the factor: move the rows below up and rotate each back to triangular form."""
    cosines = np.empty(k)
    sines = np.empty(k)
    for i in range(at, k - 1):
        for j in range(i + 2):
            L[i, j] = L[i + 1, j]
        for j in range(at, i):
            left, right = L[i, j], L[i, j + 1]
            L[i, j] = cosines[j] * left + sines[j] * right
            L[i, j + 1] = cosines[j] * right - sines[j] * left
        left, right = L[i, i], L[i, i + 1]
        length = np.hypot(left, right)
        cosines[i], sines[i] = left / length, right / length
        L[i, i] = length
        L[i, i + 1] = 0.0


@njit(cache=True, fastmath=SUMS)
def _drop(
    L: FloatArray, S: IndexArray, k: int, at: int, x: FloatArray, inside: NDArray[np.bool_]
) -> int:  # pragma: no cover - compiled
    """Take the active column at position `at` out of the support and the factor; returns the new number of them."""
    x[S[at]] = 0.0
    inside[S[at]] = False
    _delete(L, k, at)
    for i in range(at, k - 1):
        S[i] = S[i + 1]
    return k - 1


@njit(cache=True, fastmath=SUMS)
def _gram_column(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, S: IndexArray, k: int, j: int, dense: FloatArray
) -> FloatArray:  # pragma: no cover - compiled
    """`A_Sᵀ a_j`; `dense` is a zero vector of length m, and is one again afterwards."""
    for t in range(indptr[j], indptr[j + 1]):
        dense[indices[t]] = data[t]
    column = np.empty(k)
    for i in range(k):
        total = 0.0
        for t in range(indptr[S[i]], indptr[S[i] + 1]):
            total += data[t] * dense[indices[t]]
        column[i] = total
    for t in range(indptr[j], indptr[j + 1]):
        dense[indices[t]] = 0.0
    return column


@njit(cache=True, fastmath=SUMS)
def _append(L: FloatArray, k: int, column: FloatArray) -> float:  # pragma: no cover - compiled
    """Put a unit column with Gram entries `column` last in the factor; returns its squared distance from the span.

    Row k of L is written in any case; the caller counts it only when the column is independent.
    """
    norm = 0.0
    for i in range(k):
        total = column[i]
        for j in range(i):
            total -= L[i, j] * L[k, j]
        total /= L[i, i]
        L[k, i] = total
        norm += total * total
    distance = 1.0 - norm
    L[k, k] = np.sqrt(max(distance, 0.0))
    return distance


@njit(cache=True, fastmath=SUMS)
def _residual(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, b: FloatArray, x: FloatArray, S: IndexArray, k: int
) -> FloatArray:  # pragma: no cover - compiled
    r = b.copy()
    for i in range(k):
        value = x[S[i]]
        for t in range(indptr[S[i]], indptr[S[i] + 1]):
            r[indices[t]] -= data[t] * value
    return r


@njit(cache=True, fastmath=SUMS, nogil=True)
def active_set(
    indptr: IndexArray,
    indices: IndexArray,
    data: FloatArray,
    b: FloatArray,
    limit: FloatArray,
    x: FloatArray,
    order: NDArray[np.intp],
    start: FloatArray,
    max_pivots: int,
    tolerance: float,
    stop: NDArray[np.bool_],
) -> tuple[int, int, FloatArray]:  # pragma: no cover - compiled
    """Minimise from the warm start `x` (changed in place); returns a code, the number of pivots and the residual.

    indptr, indices, data   the working set's columns, each of length 1 (CSC, m × p)
    limit                   λ c_i per column, in units of its correlation
    order                   the columns, the heaviest of the warm start first
    start                   the factor of those that have weight, in this order, where it is known; else 0 × 0
    tolerance               a correlation may exceed its limit by `tolerance × limit + 1e-14 ‖b‖`
    stop                    one flag: when somebody raises it, no further pivot follows
    """
    m, p = len(b), len(limit)
    room = min(m, p) + 1
    L = np.zeros((room, room))
    S = np.empty(room, dtype=np.int64)
    dense = np.zeros(m)
    inside = np.zeros(p, dtype=np.bool_)
    banned = np.zeros(p, dtype=np.bool_)
    noise = 1e-14 * np.sqrt(np.dot(b, b))
    k = len(start)
    for i in range(k):
        for j in range(i + 1):  # one by one: the error message of a slice of another length takes 3 s to compile
            L[i, j] = start[i, j]
        S[i] = order[i]
        inside[order[i]] = True
    for j in order[k:]:  # factor the warm start, heaviest first; what depends on them is let go
        if x[j] > 0.0:
            if k < room - 1 or k < min(m, p):
                distance = _append(L, k, _gram_column(indptr, indices, data, S, k, j, dense))
                if distance > DEPENDENT:
                    S[k] = j
                    inside[j] = True
                    k += 1
                    continue
            x[j] = 0.0
    rhs = np.empty(room)
    nowhere = int(np.int64(-1))  # a number by itself is a type of its own, and what it is given to is compiled again
    zero_steps = 0
    pivots = 0
    r = _residual(indptr, indices, data, b, x, S, k)
    while True:
        # the unconstrained minimum on S, as a correction of x: exact on the first pass, a refinement on the next
        while k > 0:
            r = _residual(indptr, indices, data, b, x, S, k)
            for i in range(k):
                total = -limit[S[i]]
                for t in range(indptr[S[i]], indptr[S[i] + 1]):
                    total += data[t] * r[indices[t]]
                rhs[i] = total
            _solve(L, k, rhs)
            step, blocking = 1.0, nowhere
            for i in range(k):
                value = x[S[i]]
                if value + rhs[i] <= 0.0 and -rhs[i] * step >= value:
                    ratio = value / -rhs[i] if rhs[i] < 0.0 else 0.0
                    if ratio <= step:
                        step, blocking = ratio, i
            for i in range(k):
                x[S[i]] = max(x[S[i]] + step * rhs[i], 0.0)
            if blocking < 0:
                break
            pivots += 1
            k = _drop(L, S, k, blocking, x, inside)
            zero_steps = zero_steps + 1 if step == 0.0 else 0
        r = _residual(indptr, indices, data, b, x, S, k)
        if pivots >= max_pivots or stop[0]:
            return PIVOT_LIMIT, pivots, r
        # price: the column furthest above its limit, or the first one when pivots no longer move (Bland's rule)
        best, entering = 0.0, -1
        for j in range(p):
            if inside[j] or banned[j]:
                continue
            total = 0.0
            for t in range(indptr[j], indptr[j + 1]):
                total += data[t] * r[indices[t]]
            excess = total - limit[j] - tolerance * limit[j] - noise
            if excess > best:
                best, entering = excess, j
                if zero_steps > 2 * room:
                    break
        if entering < 0:
            return CONVERGED, pivots, r
        pivots += 1
        column = _gram_column(indptr, indices, data, S, k, entering, dense)
        distance = 0.0
        if k < min(m, p):
            distance = _append(L, k, column)
        if distance <= DEPENDENT:
            # a simplex pivot along x_j + t, x_S − t z, with G z = A_Sᵀ a_j
            for i in range(k):
                rhs[i] = column[i]
            _solve(L, k, rhs)
            gain = -limit[entering]
            step, blocking = np.inf, nowhere
            for i in range(k):
                gain += rhs[i] * limit[S[i]]
                if rhs[i] > 1e-12 and x[S[i]] / rhs[i] < step:
                    step, blocking = x[S[i]] / rhs[i], i
            if gain <= tolerance * limit[entering] or blocking < 0:
                banned[entering] = True  # a violation within rounding: leaving it out costs less than the tolerance
                continue
            for i in range(k):
                x[S[i]] = max(x[S[i]] - step * rhs[i], 0.0)
            k = _drop(L, S, k, blocking, x, inside)
            distance = _append(L, k, _gram_column(indptr, indices, data, S, k, entering, dense))
            x[entering] = step
            zero_steps = zero_steps + 1 if step == 0.0 else 0
            if distance <= DEPENDENT:  # the pivot was too small to divide by: give the column up for this λ
                x[entering] = 0.0
                banned[entering] = True
                continue
        S[k] = entering
        inside[entering] = True
        k += 1
