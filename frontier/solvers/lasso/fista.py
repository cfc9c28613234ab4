"""FISTA with adaptive restart and gap-safe screening for the non-negative LASSO, certified.

The iteration is Beck & Teboulle (2009, eqs. 4.1-4.3) with the gradient restart of O'Donoghue & Candès (2015, eq. 13),
warm-started from the last λ. At every certificate the columns that the gap-safe rule excludes from the support of every
solution (Ndiaye et al. 2017, eq. 11; `Certificate.equicorrelated`) leave the problem, so that products get cheaper and,
with fewer columns, steps longer. Certificates are those of the whole problem: nothing rests on the reduced one.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import out_of_time
from frontier.objectives.certificate import Certificate
from frontier.objectives.design import WeightedDesign
from frontier.objectives.l1 import l1_certificate, lam_max
from frontier.solvers.lasso.solved import Solved

CHECK_EVERY = 100  # iterations between certificates: each costs about two iterations, so 2% overhead
SHRUNK = 0.8  # columns are taken out when they are at least a fifth: each time costs a copy and an eigenvalue


class FistaPath:
    """FISTA on one design, remembering the last solution as the next start.

    `kept` are the columns that were still in the problem at its end, ascending: every solution there is 0 outside them.
    """

    def __init__(self, design: WeightedDesign, costs: FloatArray | float = 1.0) -> None:
        self.design = design
        self.costs = np.broadcast_to(np.asarray(costs, dtype=np.float64), design.A.shape[1:])
        self.lam_max = lam_max(design, self.costs)
        self.lipschitz = largest_eigenvalue(design.A)
        self.weights = np.zeros(design.A.shape[1])
        self.kept: NDArray[np.intp] = np.arange(design.A.shape[1])

    def solve(self, lam: float, *, tol: float, max_iter: int) -> Solved:
        """Iterate at `lam` until the certificate's relative gap is at most `tol`, or `max_iter` or the end of time."""
        weights = self.weights if lam < self.lam_max else np.zeros_like(self.weights)
        certificate = l1_certificate(self.design, weights, lam, self.costs)
        kept, reduced = (
            np.arange(weights.size),
            _Reduced(self.design.A, self.design.b, lam * self.costs, self.lipschitz),
        )
        reduced.start(weights)
        rows, iteration, late = [_row(0, certificate, weights)], 0, False
        while certificate.relative_gap > tol and iteration < max_iter and not late and self.lipschitz > 0:
            possible = _members(certificate)[kept]
            if np.count_nonzero(possible) <= SHRUNK * len(kept):
                kept = kept[possible]
                A = sp.csr_array(self.design.A[:, kept])
                reduced = _Reduced(A, self.design.b, lam * self.costs[kept], largest_eigenvalue(A))
                reduced.start(weights[kept])
            steps = min(CHECK_EVERY, max_iter - iteration)
            while steps and not late:
                late = out_of_time()
                reduced.advance()
                steps, iteration = steps - 1, iteration + 1
            weights = np.zeros(weights.size)
            weights[kept] = reduced.w
            certificate = l1_certificate(self.design, weights, lam, self.costs)
            rows.append(_row(iteration, certificate, weights))
        self.weights, self.kept = weights, kept
        names = ("iteration", "objective", "relative_gap", "n_active")
        trace = dict(zip(names, np.array(rows, dtype=np.float64).T, strict=True))
        return Solved(weights, certificate, iteration, {"lipschitz": self.lipschitz, "columns_kept": len(kept)}, trace)


class _Reduced:
    """The problem on some of its columns, and the state of the iteration on it: w, the extrapolated z, the momentum."""

    def __init__(self, A: sp.csr_array, b: FloatArray, penalty: FloatArray, lipschitz: float) -> None:
        self.A, self.At, self.b, self.penalty = A, sp.csr_array(A.T), b, penalty
        self.step = 1.0 / lipschitz if lipschitz > 0 else 0.0

    def start(self, w: FloatArray) -> None:
        self.w = self.z = w
        self.Aw = self.Az = self.A @ w
        self.momentum = 1.0

    def advance(self) -> None:
        """One proximal gradient step at z, then the extrapolation, or a restart of it."""
        w = self.z - self.step * (self.At @ (self.Az - self.b) + self.penalty)
        np.maximum(w, 0.0, out=w)
        Aw, difference = self.A @ w, w - self.w
        if (self.z - w) @ difference > 0:  # the step points uphill of the momentum: forget the momentum
            self.z, self.Az, self.momentum = w, Aw, 1.0
        else:
            momentum = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * self.momentum * self.momentum))
            inertia = (self.momentum - 1.0) / momentum
            self.z, self.Az, self.momentum = w + inertia * difference, Aw + inertia * (Aw - self.Aw), momentum
        self.w, self.Aw = w, Aw


def _members(certificate: Certificate) -> NDArray[np.bool_]:
    assert certificate.equicorrelated is not None
    return certificate.equicorrelated


def _row(iteration: int, certificate: Certificate, weights: FloatArray) -> tuple[float, ...]:
    return iteration, certificate.primal, certificate.relative_gap, int(np.count_nonzero(weights))


def largest_eigenvalue(A: sp.csr_array) -> float:
    """An upper estimate of the largest eigenvalue of `AᵀA` (Lipschitz constant of the gradient), by Lanczos.

    Lanczos approaches from below; the factor 1 + 1e-3 covers its tolerance of 1e-4, so a step of its inverse is safe.
    """
    if A.nnz == 0:
        return 0.0
    m = A.shape[0]
    if m <= 32:  # too small for Lanczos with its default basis
        return float(np.linalg.eigvalsh((A @ A.T).toarray())[-1])
    operator = spla.LinearOperator((m, m), matvec=lambda x: A @ (A.T @ x), dtype=np.float64)
    return 1.001 * float(spla.eigsh(operator, k=1, v0=np.ones(m), tol=1e-4, return_eigenvectors=False)[0])
