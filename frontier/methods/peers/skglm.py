"""Non-negative LASSO by the package `skglm` (Bertrand et al. 2022): coordinate descent on working sets, extrapolated.

What runs is `skglm.solvers.AndersonCD` with `datafits.Quadratic` and `penalties.L1(alpha, positive=True)`, warm-started
down the λ path. Its data term is `1/(2m) ‖b − A w‖²`, so `alpha = λ/m`. Two things are done around the package so that
it is at its best here:

* `solve` is called in a loop. Its own `path` initialises the data term in plain Python, once per call.
* Anderson extrapolation lets the package's running product `A w` drift from `w`, and its stopping criterion is computed
  from the drifted product: on cps_ohio it then stops at relative gaps near 1e-4 whatever `tol` is. So `A w` is computed
  anew after each call, and the package is called again from there while the drift could hide a violation above `tol`.

The package's criterion is the largest distance of a gradient to its subdifferential, an absolute number. `tol` bounds
it as a share of the largest gradient at w = 0 times λ/λ_max (so, without scaling, of `alpha`). With `scale_columns`
every column has length 1 and the penalty is `WeightedL1`: the same problem, other units for the criterion and for the
choice of working sets.

Best settings: the fastest found, by CPU seconds on one thread of a busy machine, that bring the relative gap to 1e-6 at
each of 12 λ from λ_max/2.6 to 1e-5 λ_max (skglm 0.5, default split; compilation apart):

    problem       scale_columns  tol   p0   max_iter  max_epochs   worst gap  CPU seconds  settings tried
    cps_ohio      yes            2e-5  20   10        1000         5.0e-7     0.30         262
    l0_readme     no             3e-6  200  20        1000         3.4e-7     0.24         60
    cps_national  yes            1e-5  10   10        1000         3.9e-7     10.4         11, and some 40 before

The last two λ take most of the time on the CPS problems, and how much depends chaotically on the settings and on λ
itself: on cps_ohio, rounding λ to six digits doubled the time of one setting. The search on cps_national was not
finished. Dense columns were slower on cps_ohio and l0_readme, and `ws_strategy="fixpoint"` was no faster on the CPS
problems.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Share
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.peers._package import LamUnit, imported, lams_in_force, sparse_columns
from frontier.methods.solution import Solution
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.objectives.l1 import L1Objective, l1_range, lam_max

NAME = "peers.skglm"
# two targets and two records: the smallest problem that compiles every kernel, with λ below its λ_max of 4/3
_TINY = CalibrationProblem("tiny", sp.csr_array([[1.0, 2.0], [1.0, 0.0]]), np.array([3.0, 1.0]), np.ones(2))


@dataclass(frozen=True, kw_only=True)
class SkglmLasso(Method):
    """Non-negative LASSO path by skglm.

    tol            the package's stopping criterion, as a share of the largest gradient at 0 times λ/λ_max
    max_iter       working sets per call of the package
    max_epochs     passes of coordinate descent per working set
    p0             size of the first working set, records
    max_calls      calls of the package per λ: the first, and those that undo the drift of its running product
    scale_columns  whether columns are brought to length 1 (with a weighted penalty, so the problem is the same)
    lam_unit       whether λ is absolute or a ratio of λ_max
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam"})
    package: ClassVar[str] = "skglm"

    tol: Share = 1e-6
    max_iter: Count = 20
    max_epochs: Count = 1_000
    p0: Count = 30
    max_calls: Count = 20
    scale_columns: bool = False
    lam_unit: LamUnit = "absolute"

    def lam_range(self, problem: CalibrationProblem) -> tuple[float, float]:
        return l1_range(problem, self.lam_unit)

    def warm_up(self) -> None:
        """Import the package and compile its kernels for the types that `solve` uses."""
        self.solve(_TINY, [Point(lam=0.1)])

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """The package's solution at each λ, computed from the largest λ down so that each starts from the last.

        Raises `InputError` when skglm is not installed.
        """
        path = _Path(weighted_design(problem), self)
        lams = lams_in_force(points, self.lam_unit, path.lam_max)
        solved = {lam: path.solve(lam) for lam in sorted(set(lams), reverse=True)}
        return [solved[lam] for lam in lams]


class _Path:
    """The package on one design, remembering the last solution as the next start."""

    def __init__(self, design: WeightedDesign, settings: SkglmLasso) -> None:
        self.settings = settings
        self.AndersonCD: Any = imported("skglm.solvers", NAME).AndersonCD
        self.penalties = imported("skglm.penalties", NAME)
        self.datafit = imported("skglm.datafits", NAME).Quadratic()
        self.lam_max = lam_max(design)
        self.b = design.b
        lengths = np.sqrt(np.asarray(design.A.multiply(design.A).sum(axis=0)).ravel())
        self.factor = np.ones_like(lengths)
        X = sparse_columns(design.A)
        if settings.scale_columns:
            self.factor = np.where(lengths > 0, lengths, 1.0)
            X.data /= np.repeat(self.factor, np.diff(X.indptr))
        self.X, self.m = X, X.shape[0]
        self.longest = float(np.max(lengths / self.factor))
        self.gradient = float(np.max(np.abs(X.T @ design.b))) / self.m
        self.w = np.zeros(X.shape[1])
        self.Xw = np.zeros(self.m)

    def solve(self, lam: float) -> Solution:
        settings = self.settings
        alpha = lam / self.m
        share = lam / self.lam_max if 0 < lam < self.lam_max else 1.0  # at λ = 0 the gradient alone sets the scale
        tol = settings.tol * share * self.gradient
        solver = self.AndersonCD(
            max_iter=settings.max_iter,
            max_epochs=settings.max_epochs,
            p0=min(settings.p0, len(self.w)),
            tol=tol,
            fit_intercept=False,
        )
        criterion, drift, n_iter, call = np.inf, np.inf, 0, 0
        for call in range(1, settings.max_calls + 1):  # noqa: B007  # counted in the claims
            # the package works in place: both arrays are ours alone
            self.w, objectives, criterion = solver.solve(
                self.X, self.b, self.datafit, self._penalty(alpha), self.w, self.Xw
            )
            n_iter += len(objectives)
            fresh = np.asarray(self.X @ self.w)
            # |x_jᵀ(Xw − X w)|/m ≤ drift: how much of the gradient the running product may have got wrong
            drift = self.longest * float(np.linalg.norm(fresh - self.Xw)) / self.m
            self.Xw = fresh
            if criterion <= tol and drift <= tol:
                break
        converged = bool(criterion <= tol and drift <= tol)
        message = ""
        if not converged:
            message = f"criterion {criterion / tol:.1e} × tol, drift {drift / tol:.1e} × tol after {call} calls"
        return Solution(
            weights=self.w / self.factor,
            status=Status.OPTIMAL if converged else Status.NOT_CONVERGED,
            n_iter=n_iter,
            message=message,
            objective=L1Objective(lam),
            claims={"criterion": float(criterion), "tol_in_force": tol, "calls": call, "lam_max": self.lam_max},
        )

    def _penalty(self, alpha: float) -> Any:
        if not self.settings.scale_columns:
            return self.penalties.L1(alpha, positive=True)
        return self.penalties.WeightedL1(alpha, 1.0 / self.factor, positive=True)
