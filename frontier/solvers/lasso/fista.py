"""Textbook FISTA with adaptive restart for the non-negative LASSO: the source's algorithm, certified.

The iteration is Beck & Teboulle (2009, eqs. 4.1-4.3) with the gradient restart of O'Donoghue & Candès (2015, eq. 13),
warm-started from the last λ. It stops when the relative duality gap at the returned point is at most `tol`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from frontier.core.limits import out_of_time
from frontier.core.problem import FloatArray
from frontier.objectives.certificate import Certificate
from frontier.objectives.design import WeightedDesign
from frontier.objectives.l1 import l1_certificate, lam_max

CHECK_EVERY = 100  # iterations between certificates: each costs about two iterations, so 2% overhead


@dataclass(frozen=True, slots=True, eq=False)
class FistaPoint:
    """Where FISTA stopped at one λ: weights (n), certificate there, iterations, and the trace of its certificates."""

    weights: FloatArray
    certificate: Certificate
    n_iter: int
    trace: dict[str, FloatArray]


class FistaPath:
    """FISTA on one design, remembering the last solution as the next start."""

    def __init__(self, design: WeightedDesign, costs: FloatArray | float = 1.0) -> None:
        self.design = design
        self.At = sp.csr_array(design.A.T)
        self.costs = costs
        self.lam_max = lam_max(design, costs)
        self.lipschitz = largest_eigenvalue(design.A)
        self.weights = np.zeros(design.A.shape[1])

    def solve(self, lam: float, *, tol: float, max_iter: int) -> FistaPoint:
        """Iterate at `lam` until the certificate's relative gap is at most `tol`, or `max_iter` or the end of time."""
        A, At, b = self.design.A, self.At, self.design.b
        rows: list[tuple[float, ...]] = []

        def certify(weights: FloatArray, iteration: int) -> Certificate:
            certificate = l1_certificate(self.design, weights, lam, self.costs)
            rows.append((iteration, certificate.primal, certificate.relative_gap, int(np.count_nonzero(weights))))
            return certificate

        w = self.weights if lam < self.lam_max else np.zeros_like(self.weights)
        certificate, iteration = certify(w, 0), 0
        if self.lipschitz > 0:
            step, penalty = 1.0 / self.lipschitz, lam * self.costs
            Aw = A @ w
            z, Az, momentum = w, Aw, 1.0
            while certificate.relative_gap > tol and iteration < max_iter:
                iteration, late = iteration + 1, out_of_time()
                w_next = z - step * (At @ (Az - b) + penalty)
                np.maximum(w_next, 0.0, out=w_next)
                Aw_next = A @ w_next
                difference = w_next - w
                if (z - w_next) @ difference > 0:  # the step points uphill of the momentum: forget the momentum
                    z, Az, momentum = w_next, Aw_next, 1.0
                else:
                    momentum_next = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum))
                    inertia = (momentum - 1.0) / momentum_next
                    z = w_next + inertia * difference
                    Az = Aw_next + inertia * (Aw_next - Aw)
                    momentum = momentum_next
                w, Aw = w_next, Aw_next
                if iteration % CHECK_EVERY == 0 or iteration == max_iter or late:
                    certificate = certify(w, iteration)
                if late:
                    break
        self.weights = w
        columns = np.array(rows, dtype=np.float64).T
        names = ("iteration", "objective", "relative_gap", "n_active")
        return FistaPoint(w, certificate, iteration, dict(zip(names, columns, strict=True)))


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
