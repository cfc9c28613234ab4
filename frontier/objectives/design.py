"""The weighted design: the residual of every loss, and the matrix and vector it is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.problem import CalibrationProblem, FloatArray

RANK_LIMIT = 1_500  # columns whose rank is worth a singular value decomposition (seconds) per cell

RANK_TOLERANCE = 1e-14  # of squared singular values of columns of length 1: the rounding of a Gram matrix


def relative_residual(problem: CalibrationProblem, weights: FloatArray) -> FloatArray:
    """`r = (M w − y)/scale`, shape (m,), unitless."""
    return np.asarray((problem.M @ weights - problem.y) / problem.scale)


@dataclass(frozen=True, eq=False)
class WeightedDesign:
    """`A = √ω·M/scale` (CSR, m × n, per unit of weight) and `b = √ω·y/scale` (m, unitless).

    `at_b` = Aᵀb and `curvature` = `‖a_i‖²` (both n) are computed once, when first asked for, and so is `inward`: a
    direction d (m) that makes a sharp angle with most columns, and Aᵀd (n).
    """

    A: sp.csr_array
    b: FloatArray

    @cached_property
    def at_b(self) -> FloatArray:
        return np.asarray(self.A.T @ self.b)

    @cached_property
    def curvature(self) -> FloatArray:
        squares = np.bincount(self.A.indices, weights=self.A.data**2, minlength=self.A.shape[1])
        return np.asarray(squares, dtype=np.float64)

    @cached_property
    def inward(self) -> tuple[FloatArray, FloatArray]:
        """`d = Σ a_i/‖a_i‖`: where columns are alike, as those of a survey are, `a_iᵀd > 0` for all of them."""
        lengths = np.sqrt(self.curvature)
        d = np.asarray(self.A @ np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0))
        return d, np.asarray(self.A.T @ d)


def weighted_design(problem: CalibrationProblem) -> WeightedDesign:
    """The weighted design of a problem, for which every quadratic loss is plain `½‖A w − b‖²`."""
    row_factor = np.sqrt(problem.importance) / problem.scale
    M = problem.M
    A = sp.csr_array((M.data * np.repeat(row_factor, np.diff(M.indptr)), M.indices, M.indptr), shape=M.shape)
    return WeightedDesign(A, problem.y * row_factor)


def column_rank(design: WeightedDesign, index: NDArray[np.intp]) -> int | None:
    """The numerical rank of some columns, each scaled to length 1; None beyond `RANK_LIMIT` in both dimensions."""
    lengths = np.sqrt(design.curvature[index])
    index, lengths = index[lengths > 0], lengths[lengths > 0]
    if min(len(index), design.A.shape[0]) > RANK_LIMIT:
        return None
    if not len(index):
        return 0
    part = sp.csc_array(design.A)[:, index] @ sp.diags_array(1 / lengths)
    if len(index) > design.A.shape[0]:
        eigenvalues = np.linalg.eigvalsh((part @ part.T).toarray())
        return int(np.count_nonzero(eigenvalues > RANK_TOLERANCE * eigenvalues[-1]))
    return int(np.linalg.matrix_rank(part.toarray(), tol=np.sqrt(RANK_TOLERANCE)))
