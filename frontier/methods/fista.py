"""Non-negative LASSO path, certified: `min ½ Σ ω_j r_j² + λ Σ c_i w_i`, `w ≥ 0`.

`acceleration: none` is textbook FISTA with restart (`frontier.solvers.lasso.textbook`), the source's algorithm.
`acceleration: working_set` solves working sets of columns exactly (`solvers.lasso.working_set`), to gaps near rounding.
`homotopy: true` reads the points off the complete piecewise-linear path (`solvers.lasso.homotopy`). All three are
warm-started down the λ path and report the same certificate, and `not_converged` when a limit comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from frontier.core.errors import InputError
from frontier.core.point import Coordinate
from frontier.core.problem import CalibrationProblem, FloatArray
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.path import Path
from frontier.methods.solution import Claim, Solution
from frontier.objectives.certificate import Certificate
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import L1_PATH_END, L1Objective, l1_certificate, lam_max
from frontier.solvers.lasso.homotopy import homotopy
from frontier.solvers.lasso.textbook import FistaPath
from frontier.solvers.lasso.working_set import WorkingSetPath


@dataclass(frozen=True, kw_only=True)
class Fista(Method):
    """Certified non-negative LASSO at each λ or budget.

    acceleration     working_set (exact working sets) or none (textbook FISTA)
    homotopy         read the points off the complete path instead
    tol              relative duality gap at which a point counts as solved
    max_iter         limit per λ: FISTA iterations, or pivots of the working-set kernel
    lam_unit         whether λ is absolute or a ratio of λ_max
    costs            c_i, one number or one per record
    target_sparsity  share of zero weights to reach by searching λ (then points carry neither λ nor budget)
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam", "budget"})

    acceleration: Literal["working_set", "none"] = "working_set"
    homotopy: bool = False
    tol: float = 1e-8
    max_iter: int = 100_000
    lam_unit: Literal["absolute", "lam_max"] = "absolute"
    costs: float | tuple[float, ...] = 1.0
    target_sparsity: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.tol < 1:
            raise InputError("tol", "not a relative gap", expected="0 < tol < 1", got=self.tol)
        if self.max_iter < 1:
            raise InputError("max_iter", "not an iteration limit", expected="an integer ≥ 1", got=self.max_iter)
        if not (np.ravel(self.costs) > 0).all():
            raise InputError("costs", "not costs", expected="numbers > 0", got=float(np.min(self.costs)))
        if self.homotopy and self.acceleration == "none":
            raise InputError("homotopy", "not FISTA", expected="acceleration: working_set", got="none")
        if self.target_sparsity is not None and not 0 <= self.target_sparsity < 1:
            raise InputError("target_sparsity", "not a share", expected="0 ≤ share < 1", got=self.target_sparsity)

    @property
    def coordinates(self) -> frozenset[Coordinate]:
        return frozenset({"lam", "budget"}) if self.target_sparsity is None else frozenset()

    def warm_up(self) -> None:
        """Compile the working-set kernel."""
        tiny = CalibrationProblem("warm-up", np.array([[1.0, 2.0], [1.0, 1.0]]), np.ones(2), np.ones(2))
        WorkingSetPath(weighted_design(tiny)).solve(0.1, max_pivots=10)

    def path(self, problem: CalibrationProblem, seed: int | None) -> Path:
        """Certified solutions, each started from the last."""
        run = _Run(problem, self)
        budget = None if self.target_sparsity is None else max(1, round((1 - self.target_sparsity) * problem.n_records))
        return Path(
            run.at,
            lowest=L1_PATH_END * run.lam_max,
            highest=run.lam_max,
            unit=run.lam_max if self.lam_unit == "lam_max" else 1.0,
            prepare=run.prepare,
            budget=budget,
        )


class _Run:
    """One problem's solutions, remembered by λ."""

    def __init__(self, problem: CalibrationProblem, method: Fista) -> None:
        self.method = method
        self.costs = _costs(method.costs, problem.n_records)
        self.design = weighted_design(problem)
        self.lam_max = lam_max(self.design, self.costs)
        self.solver: Callable[[float], Solution] = self._textbook() if method.acceleration == "none" else self._exact()

    def prepare(self, lams: Sequence[float]) -> None:
        if self.method.homotopy and lams:
            self._follow(min(lams))

    def _follow(self, lam_min: float) -> None:
        """Compute the complete path down to `lam_min`; λ above it are read off it from now on."""
        path = homotopy(self.design, lam_min, self.costs, self.method.max_iter)
        otherwise = self.solver

        def solve(lam: float) -> Solution:
            if lam < path.lams[-1] and path.status != "out_of_time":
                return otherwise(lam)
            weights = path.weights(max(lam, path.lams[-1]))
            certificate = l1_certificate(self.design, weights, lam, self.costs)
            claims: dict[str, Claim] = {"breakpoints": path.n_breakpoints, "path_status": path.status}
            trace = {"lam": path.lams, "n_active": path.n_active.astype(np.float64)}
            return self._report(lam, weights, certificate, path.n_events, claims, trace)

        self.solver = solve

    def at(self, lam: float) -> Solution:
        return self.solver(lam)

    def _textbook(self) -> Callable[[float], Solution]:
        path = FistaPath(self.design, self.costs)

        def solve(lam: float) -> Solution:
            point = path.solve(lam, tol=self.method.tol, max_iter=self.method.max_iter)
            claims: dict[str, Claim] = {"lipschitz": path.lipschitz}
            return self._report(lam, point.weights, point.certificate, point.n_iter, claims, point.trace)

        return solve

    def _exact(self) -> Callable[[float], Solution]:
        path = WorkingSetPath(self.design, self.costs)

        def solve(lam: float) -> Solution:
            point = path.solve(lam, max_pivots=self.method.max_iter, tol=self.method.tol)
            claims: dict[str, Claim] = {"pricing_rounds": point.rounds, "working_set": point.working_set}
            return self._report(lam, point.weights, point.certificate, point.pivots, claims, {}, point.dual)

        return solve

    def _report(
        self,
        lam: float,
        weights: FloatArray,
        certificate: Certificate,
        n_iter: int,
        claims: dict[str, Claim],
        trace: dict[str, FloatArray],
        dual: FloatArray | None = None,
    ) -> Solution:
        gap = certificate.relative_gap
        solved = gap <= self.method.tol or (lam == 0 and certificate.kkt_residual <= self.method.tol)
        return Solution(
            weights=weights,
            status=Status.OPTIMAL if solved else Status.unconverged(),
            n_iter=n_iter,
            message="" if solved else f"relative gap {gap:.1e} > {self.method.tol:.0e} after {n_iter} iterations",
            objective=L1Objective(lam, None if self.method.costs == 1.0 else self.costs),
            dual=dual,
            trace=trace,
            claims={"relative_gap": gap, "lam_max": self.lam_max} | claims,
        )


def _costs(costs: float | tuple[float, ...], n: int) -> FloatArray:
    values = np.asarray(costs, dtype=np.float64)
    if values.ndim and values.shape != (n,):
        raise InputError("costs", "wrong length", expected=f"one number or {n} (records)", got=values.shape[0])
    return np.broadcast_to(values, (n,))
