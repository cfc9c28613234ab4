"""The columns of a weighted design at unit length, and a thin QR factor of the active ones.

With `s_i = ‖a_i‖`, `â_i = a_i/s_i`, `x_i = s_i w_i` and `ĉ_i = c_i/s_i` the non-negative LASSO keeps its form,
`½‖Â x − b‖² + λ ĉᵀx`, `x ≥ 0`, but columns whose lengths differ by 10⁶ (dollars beside counts) no longer spoil the
conditioning. Its solution on an active set S is affine in λ. With `Â_S = Q R`:

    x_S = u − λ v,  u = R⁻¹Qᵀb,  v = R⁻¹y,  y = R⁻ᵀĉ_S;      residual  b − Â x = p + λ d,  p = b − Q Qᵀb,  d = Q y

QR rather than the Cholesky factor of the Gram matrix: active columns of real problems have condition numbers near 10⁸
towards the end of the path, and the Gram matrix squares that. Every quantity is computed from Q and R as they are, so
no error accumulates over the path but the loss of orthogonality of Q, and that is reset every `REFRESH` changes.

Memory is m² + m·min(m, n). No algorithm lives here: `homotopy.py` and `active_set.py` decide what enters and leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import blas, qr, qr_delete

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.objectives.design import WeightedDesign

EPS = float(np.finfo(np.float64).eps)
DEPENDENT = 1e-10  # of a unit column: what is left of it outside the active span when it is taken to lie inside
REFRESH = 500  # updates by rotations lose about eps of orthogonality each
MET = 1e-14  # ‖p‖/‖b‖ and below is rounding: the active columns reproduce b


@dataclass(frozen=True, slots=True)
class Columns:
    """The non-empty columns of a design: `rows` is Âᵀ (CSR, one row per record used), `costs` is ĉ, `lengths` is s.

    Raises `InputError` for a cost that is not a finite number > 0.
    """

    rows: sp.csr_array
    b: FloatArray
    costs: FloatArray
    lengths: FloatArray
    used: NDArray[np.intp]
    n_records: int

    @classmethod
    def of(cls, design: WeightedDesign, costs: FloatArray | float = 1.0) -> Columns:
        A = design.A
        given = np.broadcast_to(np.asarray(costs, dtype=np.float64), A.shape[1:])
        if not (np.isfinite(given).all() and (given > 0).all()):
            raise InputError("costs", "not a cost per record", expected="finite numbers > 0", got=float(given.min()))
        length = np.sqrt(design.curvature)
        used = np.flatnonzero(length > 0)
        rows = sp.csr_array(A.T)[used]
        rows.data *= np.repeat(1.0 / length[used], np.diff(rows.indptr))
        return cls(rows, design.b, given[used] / length[used], length[used], used, int(A.shape[1]))

    def dense(self, i: int) -> FloatArray:
        """Column i of Â as a dense vector, m."""
        rows = self.rows
        at = slice(rows.indptr[i], rows.indptr[i + 1])
        column = np.zeros(self.b.size)
        column[rows.indices[at]] = rows.data[at]
        return column

    def weights(self, active: list[int], x: FloatArray) -> FloatArray:
        """The weights w (n, all records) whose scaled values on the active columns are x."""
        w = np.zeros(self.n_records)
        w[self.used[active]] = x / self.lengths[active]
        return w


class Line(NamedTuple):
    """The solution on an active set for every λ: `x_S = u − λ v`, residual `p + λ d`."""

    u: FloatArray
    v: FloatArray
    p: FloatArray
    d: FloatArray

    def at(self, lam: float) -> FloatArray:
        """`x_S` at λ; what cancels down to rounding is 0."""
        x = self.u - lam * self.v
        x[np.abs(x) <= 8 * EPS * (np.abs(self.u) + lam * np.abs(self.v))] = 0.0
        return x


class ActiveSet:
    """The active columns in order of entry, with their thin QR factor under insertion and deletion."""

    def __init__(self, columns: Columns) -> None:
        m = columns.b.size
        self.columns = columns
        self.capacity = min(m, columns.used.size)
        self.members: list[int] = []
        self.is_active = np.zeros(columns.used.size, dtype=bool)
        # R is padded with the identity, so that BLAS solves with the whole buffer and nothing is copied
        self._Q = np.zeros((m, self.capacity), order="F")
        self._R = np.eye(self.capacity, order="F")
        self._changes = 0

    def __len__(self) -> int:
        return len(self.members)

    def add(self, i: int) -> bool:
        """Append column i; False, and no change, when it lies in the span of the active ones."""
        k = len(self.members)
        if k == self.capacity:
            return False
        Q, rest = self._Q[:, :k], self.columns.dense(i)
        inside = Q.T @ rest
        rest -= Q @ inside
        again = Q.T @ rest  # twice is enough (Giraud, Langou & Rozložník 2005)
        rest -= Q @ again
        pivot = float(np.linalg.norm(rest))
        if pivot <= DEPENDENT:
            return False
        self._Q[:, k] = rest / pivot
        self._R[:k, k] = inside + again
        self._R[k, k] = pivot
        self.members.append(i)
        self.is_active[i] = True
        self._changed()
        return True

    def load(self, members: Sequence[int]) -> None:
        """Make independent columns the active ones of an empty set, in one factorisation."""
        self.members = list(members)
        self.is_active[self.members] = True
        self._factorise()

    def remove(self, position: int) -> None:
        """Drop the active column at `position` of `members`."""
        last = len(self.members) - 1
        self.is_active[self.members.pop(position)] = False
        if position < last:
            Q, R = self._Q[:, : last + 1], self._R[: last + 1, : last + 1]
            Q, R = qr_delete(Q, R, position, which="col", check_finite=False)
            # where Q is square SciPy takes it for a full factor and returns one column and one row too many
            self._Q[:, :last], self._R[:last, :last] = Q[:, :last], R[:last]
        self._pad(last)
        self._changed()

    def coordinates(self, i: int) -> FloatArray:
        """β with `Â_S β` the projection of column i on the active span, `R⁻¹Qᵀâ_i`."""
        k = len(self.members)
        right = np.zeros(self.capacity)
        right[:k] = self._Q[:, :k].T @ self.columns.dense(i)
        return np.asarray(blas.dtrsv(self._R, right)[:k]) if k else right[:0]

    def line(self) -> Line:
        """The affine solution on the active columns."""
        columns, k = self.columns, len(self.members)
        Q, b = self._Q[:, :k], columns.b
        right = np.zeros((self.capacity, 2), order="F")
        right[:k, 0] = Q.T @ b
        p = b - Q @ right[:k, 0]
        p -= Q @ (Q.T @ p)
        if k == b.size or np.linalg.norm(p) <= MET * np.linalg.norm(b):
            p[:] = 0.0
        right[:k, 1] = columns.costs[self.members]
        if k:
            right[:, 1] = blas.dtrsv(self._R, right[:, 1], trans=1)
        d = Q @ right[:k, 1]
        if k:
            right = blas.dtrsm(1.0, self._R, right)
        return Line(right[:k, 0].copy(), right[:k, 1].copy(), p, d)

    def _pad(self, k: int) -> None:
        self._Q[:, k] = 0.0
        self._R[: k + 1, k] = 0.0
        self._R[k, k] = 1.0

    def _changed(self) -> None:
        self._changes += 1
        if self._changes % REFRESH == 0:
            self._factorise()

    def _factorise(self) -> None:
        if k := len(self.members):
            dense = self.columns.rows[self.members].toarray().T
            self._Q[:, :k], self._R[:k, :k] = qr(dense, mode="economic", check_finite=False)
