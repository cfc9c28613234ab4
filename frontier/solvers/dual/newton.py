"""Semismooth Newton on the dual of a calibration problem: `min_θ (ρ/2)‖θ‖² − bᵀθ + Σ Φ_i(a_iᵀθ)`, θ of dimension m.

The gradient is `g = ρθ − b + A F(Aᵀθ)`: the amount by which the weights miss the (relaxed) calibration equations. A
generalised Hessian is `ρI + A diag(F') Aᵀ`; Newton directions with an Armijo line search converge globally, and in
finitely many steps near the solution where F is piecewise linear (Li, Sun & Toh 2018, theorem 3.6). The normal matrix
is formed and factored when m is moderate; beyond `DENSE_LIMIT` the system is solved by conjugate gradients without
forming it, and where these take long and the problem is one of areas, block by block (`bordered`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg as sla
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import out_of_time
from frontier.objectives.links import Link
from frontier.solvers.dual.bordered import Bordered
from frontier.solvers.dual.conjugate import add_diagonal, newton_direction

DENSE_LIMIT = 4_000  # rows: a float64 normal matrix of 128 MB, factored in about a second
ARMIJO = 1e-4  # sufficient decrease, the textbook constant (Nocedal & Wright 2006, eq. 3.4)
SMALLEST_STEP = 2.0**-120  # from θ = 0, where links are steep; elsewhere steps end where they no longer move θ
LOOK = 15  # iterations of conjugate gradients: twice as many, and blocks are looked for
RIDGE = 1e-12  # relative to the mean diagonal: keeps a rank-deficient normal matrix factorable when ρ = 0

IndexArray = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class DualPoint:
    """θ (m) with its weights F(Aᵀθ) (n), the norm of the gradient there, and the Newton steps taken."""

    theta: FloatArray
    weights: FloatArray
    gradient_norm: float
    n_iter: int
    converged: bool


class DualNewton:
    """The dual of one matrix and right-hand side, solved for one link after another from warm starts."""

    def __init__(self, A: sp.csc_array | sp.csr_array, b: FloatArray) -> None:
        self.A, self.b = sp.csc_array(A), b  # columns are not copied
        self.A.sort_indices()
        self.At = self.A.T  # CSR of the transpose, sharing memory
        self.dense = A.shape[0] <= DENSE_LIMIT
        self.bordered: Bordered | None = None
        self._looked = LOOK  # at how many iterations blocks were looked for last

    def solve(
        self,
        link: Link,
        theta: FloatArray,
        *,
        tol: float,
        max_iter: int,
        rho: float = 1.0,
        centre: FloatArray | None = None,
    ) -> DualPoint:
        """Minimise from `theta` until `‖g‖ ≤ tol`; not converged when steps, iterations or time run out first.

        With a `centre` c (m) the ridge is `(ρ/2)‖θ − c‖²`, which completes the square in b: a proximal step.
        """
        b = self.b if centre is None else self.b + rho * centre
        # a step that is too long may overflow an exponential link: the line search sees inf or NaN and shortens it
        with np.errstate(over="ignore", invalid="ignore"):
            return self._minimise(link, theta, b, tol, max_iter, rho)

    def _minimise(
        self, link: Link, theta: FloatArray, b: FloatArray, tol: float, max_iter: int, rho: float
    ) -> DualPoint:
        eta = self.At @ theta
        weights = link.weights(eta)
        gradient = rho * theta - b + self.A @ weights
        norm = float(np.linalg.norm(gradient))
        value = _value(link, theta, eta, b, rho)
        steps = 0
        while norm > tol and steps < max_iter and not out_of_time():
            steps += 1
            direction = self._direction(link.slope(eta), gradient, rho, tol)
            moved = self.At @ direction
            slope = float(gradient @ direction)
            step = 1.0
            while True:
                trial_theta, trial_eta = theta + step * direction, eta + step * moved
                trial_value = _value(link, trial_theta, trial_eta, b, rho)
                trial_weights = link.weights(trial_eta)
                trial_gradient = rho * trial_theta - b + self.A @ trial_weights
                trial_norm = float(np.linalg.norm(trial_gradient))
                # near the solution the value stands still in float64: then a smaller gradient is the decrease
                resolved = abs(step * slope) > 1e-12 * (abs(value) + 1e-300)
                if trial_value <= value + ARMIJO * step * slope if resolved else trial_norm < norm:
                    break
                step *= 0.5
                if step < SMALLEST_STEP or np.array_equal(trial_theta, theta):
                    return DualPoint(theta, weights, norm, steps, norm <= tol)
            theta, eta, value = trial_theta, trial_eta, trial_value
            weights, gradient, norm = trial_weights, trial_gradient, trial_norm
        return DualPoint(theta, weights, norm, steps, norm <= tol)

    def _direction(self, slope: FloatArray, gradient: FloatArray, rho: float, tol: float) -> FloatArray:
        scale = float(np.linalg.norm(self.b))
        if not self.dense:
            return self._of_many_rows(slope, gradient, rho, scale, tol)
        normal = np.zeros((len(self.b), len(self.b)))
        add_gram(self.A.indptr, self.A.indices, self.A.data, slope, normal)
        diagonal = np.diagonal(normal)
        extra = rho if rho > 0 else _ridge(diagonal)
        normal[np.diag_indices_from(normal)] += extra
        try:
            factor = sla.cho_factor(normal, lower=True, overwrite_a=True, check_finite=False)
        except sla.LinAlgError:
            return newton_direction(self.A, slope, gradient, rho=max(rho, extra), scale=scale, tol=tol)[0]
        return np.asarray(-sla.cho_solve(factor, gradient, check_finite=False))

    def _of_many_rows(
        self, slope: FloatArray, gradient: FloatArray, rho: float, scale: float, tol: float
    ) -> FloatArray:
        """By conjugate gradients, until a direction takes so many that blocks and a border cost less."""
        extra = rho
        if self.bordered is not None:
            if rho <= 0:
                diagonal = np.zeros(len(self.b))
                add_diagonal(self.A.indptr, self.A.indices, self.A.data, np.arange(len(slope)), slope, diagonal)
                extra = _ridge(diagonal)
            try:
                return self.bordered.direction(slope, gradient, extra)
            except sla.LinAlgError:
                pass
        found, iterations = newton_direction(self.A, slope, gradient, rho=extra, scale=scale, tol=tol)
        if iterations >= 2 * self._looked and self.bordered is None:
            self._looked = iterations
            self.bordered = Bordered.found(self.A, iterations)
        return found


def _ridge(diagonal: FloatArray) -> float:
    """What is added to a normal matrix that no relaxation makes definite."""
    return RIDGE * max(float(diagonal.mean()), 1e-300)


def _value(link: Link, theta: FloatArray, eta: FloatArray, b: FloatArray, rho: float) -> float:
    return float(0.5 * rho * theta @ theta - b @ theta + link.potential(eta).sum())


@njit(cache=True, fastmath={"contract"})
def add_gram(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, d: FloatArray, out: FloatArray
) -> None:  # pragma: no cover - compiled
    """Add the lower triangle of `A diag(d) Aᵀ` to `out` (m × m), from the sorted columns of A (CSC)."""
    for i in range(len(d)):
        if d[i] == 0.0:
            continue
        for s in range(indptr[i], indptr[i + 1]):
            value = d[i] * data[s]
            row = indices[s]
            for t in range(indptr[i], s + 1):
                out[row, indices[t]] += value * data[t]


def warm_up_gram() -> None:
    """Compile the Gram kernel for the types it is used with."""
    one = sp.csc_array(np.ones((1, 1)))
    add_gram(one.indptr, one.indices, one.data, np.ones(1), np.zeros((1, 1)))
