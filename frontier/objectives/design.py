"""The weighted design: the residual of every loss, and the matrix and vector it is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.problem import AT_ONCE, CalibrationProblem

RANK_LIMIT = 1_500  # columns whose rank is worth a singular value decomposition (seconds) per cell

RANK_TOLERANCE = 1e-14  # of squared singular values of columns of length 1: the rounding of a Gram matrix


def relative_residual(problem: CalibrationProblem, weights: FloatArray) -> FloatArray:
    """`r = (M w − y)/scale`, shape (m,), unitless."""
    return np.asarray((problem.M @ weights - problem.y) / problem.scale)


@dataclass(frozen=True, eq=False)
class WeightedDesign:
    """`A = √ω·M/scale` (m × n, per unit of weight) and `b = √ω·y/scale` (m, unitless).

    Given as a matrix and the factor of each of its rows (None: 1). Products (`times`, `transposed_times`) need no copy
    of it; `A` (CSR) is made when first asked for, and kept: 8 bytes per non-zero; `columns()` (CSC) is made each time:
    12. `at_b` = Aᵀb and `curvature` = `‖a_i‖²` (both n) are computed once, when first asked for, and so is `inward`: a
    direction d (m) that makes a sharp angle with most columns, and Aᵀd (n).
    """

    matrix: sp.csr_array
    b: FloatArray
    factor: FloatArray | None = None

    @cached_property
    def A(self) -> sp.csr_array:
        if self.factor is None:
            return self.matrix
        M = self.matrix
        return sp.csr_array((M.data * np.repeat(self.factor, np.diff(M.indptr)), M.indices, M.indptr), shape=M.shape)

    @property
    def shape(self) -> tuple[int, int]:
        m, n = self.matrix.shape
        return int(m), int(n)

    def times(self, weights: FloatArray) -> FloatArray:
        """`A w`, for one vector (n) or for several as columns."""
        product = np.asarray(self.matrix @ weights)
        return product if self.factor is None else (product.T * self.factor).T

    def transposed_times(self, theta: FloatArray) -> FloatArray:
        """`Aᵀθ` (n)."""
        return np.asarray(self.matrix.T @ (theta if self.factor is None else self.factor * theta))

    def columns(self) -> sp.csc_array:
        """A by columns, rows in order; made without A."""
        found = self.matrix.tocsc()
        found.sort_indices()
        if self.factor is not None:
            scale_rows(found, self.factor)
        return found

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


def scale_rows(columns: sp.csc_array, factor: FloatArray) -> None:
    """Multiply every row by its factor (m), in place and a few entries at a time: no second copy of the matrix."""
    for start in range(0, columns.nnz, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        columns.data[part] *= factor[columns.indices[part]]


def weighted_design(problem: CalibrationProblem) -> WeightedDesign:
    """The weighted design of a problem, for which every quadratic loss is plain `½‖A w − b‖²`."""
    factor = np.sqrt(problem.importance) / problem.scale
    return WeightedDesign(problem.M, problem.y * factor, factor)


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
