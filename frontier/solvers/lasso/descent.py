"""Which of many new columns carry weight, nearly: coordinate descent, accelerated by extrapolation.

On columns of length 1 a pass sets each weight to its minimum in turn, `x_j ← max(0, x_j + a_jᵀr − λ c_j)`; after every
five the next iterates are extrapolated (Anderson acceleration, Bertrand & Massias 2021), which is kept where the
objective falls. A pass costs as much as two products with the columns, where a pivot of the exact kernel costs k²
operations for each single column that joins k others. It ends when two rounds leave the support as it is: the kernel
goes on from there, and is exact.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky

from frontier.core.arrays import FloatArray
from frontier.solvers.lasso.kernel import DEPENDENT, SUMS, IndexArray, add, dot

PASSES, ROUNDS = 5, 40  # passes between extrapolations, and at most so many of those
BLOCK_FROM = 500  # columns that are worth a factorisation by blocks
RIDGE = 1e-10  # of the extrapolation's normal equations


@njit(cache=True, fastmath=SUMS, nogil=True)
def _pass(
    indptr: IndexArray,
    indices: IndexArray,
    data: FloatArray,
    limit: FloatArray,
    x: FloatArray,
    r: FloatArray,
) -> None:  # pragma: no cover - compiled
    """One pass over all columns; `x` and its residual `r` are changed in place."""
    for j in range(len(limit)):
        value = max(x[j] + dot(indptr, indices, data, j, r) - limit[j], 0.0)
        step = value - x[j]
        if step != 0.0:
            x[j] = value
            add(indptr, indices, data, j, -step, r)


def descend(columns: sp.csc_array, b: FloatArray, limit: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weights (p, ≥ 0) near the minimum of `½‖b − A x‖² + limitᵀx`, from `x`, of columns of length 1; the residual."""
    arrays = columns.indptr.astype(np.int64), columns.indices.astype(np.int64), columns.data
    x = np.array(x)
    r = b - columns @ x
    support, same = x > 0, 0
    for _ in range(ROUNDS):
        iterates = [x.copy()]
        for _ in range(PASSES):
            _pass(*arrays, limit, x, r)
            iterates.append(x.copy())
        guess = _extrapolated(np.array(iterates))
        rest = b - columns @ guess
        if rest @ rest / 2 + limit @ guess < r @ r / 2 + limit @ x:
            x, r = guess, rest
        now = x > 0
        same = same + 1 if np.array_equal(now, support) else 0
        support = now
        if same == 2:
            break
    return x, r


def _extrapolated(iterates: FloatArray) -> FloatArray:
    """`Σ c_k x_k`, `Σ c_k = 1`, whose steps `Σ c_k (x_k − x_{k−1})` nearly cancel; negative weights are 0."""
    steps = np.diff(iterates, axis=0)
    normal = steps @ steps.T
    normal += RIDGE * np.trace(normal) * np.eye(len(normal))
    if not normal.any():
        return np.asarray(iterates[-1])
    found = np.linalg.solve(normal, np.ones(len(normal)))
    return np.asarray(np.maximum(found / found.sum() @ iterates[1:], 0.0))


def factor(columns: sp.csc_array, order: NDArray[np.intp]) -> FloatArray | None:
    """The Cholesky factor (lower) of the Gram matrix of some columns in an order, by blocks.

    None for a few, which the kernel factors as fast, and for columns that are not clearly independent: it sorts those.
    """
    if len(order) < BLOCK_FROM or len(order) > columns.shape[0]:
        return None
    part = columns[:, order]
    try:
        found = cholesky((part.T @ part).toarray(), lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return None
    return np.ascontiguousarray(found) if np.square(np.diagonal(found)).min() > 10 * DEPENDENT else None
