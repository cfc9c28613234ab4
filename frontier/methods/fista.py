"""Non-negative LASSO by FISTA with adaptive restart, certified: `min ½ Σ ω_j r_j² + λ Σ w_i`, `w ≥ 0`.

The iteration is Beck & Teboulle (2009, eqs. 4.1-4.3) with the gradient restart of O'Donoghue & Candès (2015, eq. 13),
warm-started down the λ path. It stops when the relative duality gap at the returned point is at most `tol`, and says
`not_converged` when the iteration limit comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from frontier.errors import InputError
from frontier.methods.base import Coordinate, Method, Point, Solution, Status
from frontier.objective import Certificate, L1Objective, WeightedDesign, l1_certificate, lam_max, weighted_design
from frontier.problem import CalibrationProblem, FloatArray

CHECK_EVERY = 100  # iterations between certificates: each costs about two iterations, so 2% overhead
BISECTIONS = 25  # halvings of log λ for target_sparsity: a factor of 1e6 down to 1e-7 of a decade
SMALLEST_RATIO = 1e-6  # the end of the path that target_sparsity searches, in units of λ_max


@dataclass(frozen=True, kw_only=True)
class Fista(Method):
    """Certified non-negative LASSO path.

    tol              relative duality gap at which a point counts as solved
    max_iter         iteration limit per λ
    lam_unit         whether λ is absolute or a ratio of λ_max
    target_sparsity  share of zero weights to reach by searching λ (then points carry no λ)
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam"})

    tol: float = 1e-6
    max_iter: int = 100_000
    lam_unit: Literal["absolute", "lam_max"] = "absolute"
    target_sparsity: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.tol < 1:
            raise InputError("tol", "not a relative gap", expected="0 < tol < 1", got=self.tol)
        if self.max_iter < 1:
            raise InputError("max_iter", "not an iteration limit", expected="an integer ≥ 1", got=self.max_iter)
        if self.target_sparsity is not None and not 0 <= self.target_sparsity < 1:
            raise InputError("target_sparsity", "not a share", expected="0 ≤ share < 1", got=self.target_sparsity)

    @property
    def coordinates(self) -> frozenset[Coordinate]:
        return frozenset({"lam"}) if self.target_sparsity is None else frozenset()

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """The certified solution at each λ, computed from the largest λ down so that each starts from the last."""
        path = _Path(weighted_design(problem), tol=self.tol, max_iter=self.max_iter)
        if self.target_sparsity is not None:
            solution = self._at_sparsity(path, self.target_sparsity)
            return [solution for _ in points]
        unit = 1.0 if self.lam_unit == "absolute" else path.lam_max
        lams = [unit * float(point.lam) for point in points if point.lam is not None]
        solved: dict[float, Solution] = {}
        for lam in sorted(set(lams), reverse=True):
            solved[lam] = path.solve(lam)
        return [solved[lam] for lam in lams]

    def _at_sparsity(self, path: _Path, sparsity: float) -> Solution:
        """The λ whose share of zeros is nearest to `sparsity`, by bisection on log λ."""
        wanted = max(1, round((1 - sparsity) * path.n))
        low, high = np.log(SMALLEST_RATIO * path.lam_max), np.log(path.lam_max)
        best: tuple[int, Solution] | None = None
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            solution = path.solve(float(np.exp(middle)))
            active = int(np.count_nonzero(path.weights))
            if best is None or abs(active - wanted) < abs(best[0] - wanted):
                best = active, solution
            if active == wanted:
                break
            low, high = (middle, high) if active > wanted else (low, middle)
        assert best is not None
        active, solution = best
        message = solution.message
        if active != wanted:
            message += f"nearest support on the path has {active} records, asked for {wanted}"
        claims = dict(solution.claims) | {"target_active": wanted, "achieved_active": active}
        return Solution(
            weights=solution.weights,
            status=solution.status,
            n_iter=solution.n_iter,
            message=message,
            objective=solution.objective,
            trace=solution.trace,
            claims=claims,
        )


class _Path:
    """FISTA on one design, remembering the last solution as the next start."""

    def __init__(self, design: WeightedDesign, *, tol: float, max_iter: int) -> None:
        self.design, self.tol, self.max_iter = design, tol, max_iter
        self.A = design.A
        self.At = sp.csr_array(design.A.T)
        self.n = int(design.A.shape[1])
        self.lam_max = lam_max(design)
        self.lipschitz = largest_eigenvalue(design.A)
        self.weights = np.zeros(self.n)

    def solve(self, lam: float) -> Solution:
        weights, certificate, n_iter, trace = self._iterate(lam)
        self.weights = weights
        solved = certificate.relative_gap <= self.tol
        message = ""
        if not solved:
            message = f"relative gap {certificate.relative_gap:.1e} > {self.tol:.0e} after {n_iter} iterations"
        return Solution(
            weights=weights,
            status=Status.OPTIMAL if solved else Status.NOT_CONVERGED,
            n_iter=n_iter,
            message=message,
            objective=L1Objective(lam),
            trace={name: np.array(values, dtype=np.float64) for name, values in trace.items()},
            claims={"relative_gap": certificate.relative_gap, "lam_max": self.lam_max, "lipschitz": self.lipschitz},
        )

    def _iterate(self, lam: float) -> tuple[FloatArray, Certificate, int, dict[str, list[float]]]:
        A, At, b = self.A, self.At, self.design.b
        trace: dict[str, list[float]] = {"iteration": [], "objective": [], "relative_gap": [], "n_active": []}

        def certify(weights: FloatArray, iteration: int) -> Certificate:
            certificate = l1_certificate(self.design, weights, lam)
            trace["iteration"].append(iteration)
            trace["objective"].append(certificate.primal)
            trace["relative_gap"].append(certificate.relative_gap)
            trace["n_active"].append(int(np.count_nonzero(weights)))
            return certificate

        w = self.weights if lam < self.lam_max else np.zeros(self.n)
        certificate = certify(w, 0)
        if certificate.relative_gap <= self.tol or self.lipschitz == 0:
            return w, certificate, 0, trace
        step = 1.0 / self.lipschitz
        Aw = A @ w
        z, Az, momentum = w, Aw, 1.0
        for iteration in range(1, self.max_iter + 1):
            gradient = At @ (Az - b)
            w_next = z - step * (gradient + lam)
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
            if iteration % CHECK_EVERY == 0 or iteration == self.max_iter:
                certificate = certify(w, iteration)
                if certificate.relative_gap <= self.tol:
                    break
        return w, certificate, iteration, trace


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
