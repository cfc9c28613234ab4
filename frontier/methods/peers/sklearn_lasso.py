"""Non-negative LASSO by scikit-learn: cyclic coordinate descent with gap-safe screening.

What runs is `sklearn.linear_model.lasso_path(positive=True)` on sparse columns, called λ by λ from the last solution.
Its data term is `1/(2m) ‖b − A w‖²`, so `alpha = λ/m`. Coordinate descent does not change when columns are scaled, so
there is no choice of units to make.

The package stops at a duality gap of `tol ‖b‖²`, which says little where the objective is small, and it looks at its
gap, and screens, only when the largest update has become as small. So here `tol` is a share of the objective at the
start of each λ, and the package is called with `epochs_per_call` epochs at a time: it always computes its gap at the
last of them, and screens anew at the start.

Best settings: the defaults (`tol` 1e-6, 1,000 epochs per call), with `max_iter` 1,000,000 on cps_ohio, for 12 λ from
λ_max/2.6 to 1e-5 λ_max (scikit-learn 1.9.1, default split, CPU seconds on one thread of a busy machine):

    cps_ohio      worst gap 9.9e-7 in 9 s, nearly all of it at the 11th λ (270,000 epochs)
    l0_readme     worst gap 5.4e-7 in 0.84 s
    cps_national  gaps up to 6.1e-7 at the first 10 λ in 60 s; the trials were ended, unfinished, at the 11th

On cps_ohio, one call per λ took 11 s, and random coordinate order did not finish in 40 s; dense columns were slower on
both smaller problems.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Share
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.peers._package import LamUnit, imported, lams_in_force, sparse_columns
from frontier.methods.solution import Solution
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.objectives.l1 import L1Objective, l1_range, lam_max

NAME = "peers.sklearn_lasso"


@dataclass(frozen=True, kw_only=True)
class SklearnLasso(Method):
    """Non-negative LASSO path by scikit-learn.

    tol              duality gap at which a λ counts as solved, as a share of the objective it starts from
    max_iter         epochs of coordinate descent per λ
    epochs_per_call  epochs per call of the package: how often it computes its gap and screens
    lam_unit         whether λ is absolute or a ratio of λ_max
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam"})
    package: ClassVar[str] = "sklearn"

    tol: Share = 1e-6
    max_iter: Count = 100_000
    epochs_per_call: Count = 1_000
    lam_unit: LamUnit = "absolute"

    def lam_range(self, problem: CalibrationProblem) -> tuple[float, float]:
        return l1_range(problem, self.lam_unit)

    def warm_up(self) -> None:
        """Import the package."""
        imported("sklearn.linear_model", NAME)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """The package's solution at each λ, computed from the largest λ down so that each starts from the last.

        Raises `InputError` when scikit-learn is not installed.
        """
        path = _Path(weighted_design(problem), self)
        lams = lams_in_force(points, self.lam_unit, path.lam_max)
        solved = {lam: path.solve(lam) for lam in sorted(set(lams), reverse=True)}
        return [solved[lam] for lam in lams]


class _Path:
    """The package on one design, remembering the last solution as the next start."""

    def __init__(self, design: WeightedDesign, settings: SklearnLasso) -> None:
        self.settings = settings
        self.lasso_path = imported("sklearn.linear_model", NAME).lasso_path
        self.warning = imported("sklearn.exceptions", NAME).ConvergenceWarning
        self.lam_max = lam_max(design)
        self.b = design.b
        self.square = float(design.b @ design.b)
        self.X = sparse_columns(design.A)
        self.m = self.X.shape[0]
        self.w = np.zeros(self.X.shape[1])

    def solve(self, lam: float) -> Solution:
        residual = self.b - self.X @ self.w
        start = 0.5 * float(residual @ residual) + lam * float(self.w.sum())
        allowed = self.settings.tol * start
        # b = 0 has the solution 0, where the package's gap is 0 for any tol
        tol = allowed / self.square if self.square > 0 else self.settings.tol
        gap, n_iter = np.inf, 0
        while n_iter < self.settings.max_iter:
            epochs = min(self.settings.epochs_per_call, self.settings.max_iter - n_iter)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", self.warning)  # the end of a call is not a failure; a status tells it
                _, found, gaps, [used] = self.lasso_path(
                    self.X,
                    self.b,
                    alphas=[lam / self.m],
                    coef_init=self.w,  # overwritten by the package
                    positive=True,
                    precompute=False,
                    check_input=False,
                    return_n_iter=True,
                    tol=tol,
                    max_iter=epochs,
                    random_state=0,  # unused by cyclic descent, and drawn from the global generator when not given
                )
            self.w = found[:, 0].copy()
            gap, n_iter = float(gaps[0]) * self.m, n_iter + used  # the package divides its gap by m
            if gap <= tol * self.square:
                break
        converged = gap <= tol * self.square
        return Solution(
            weights=self.w,
            status=Status.OPTIMAL if converged else Status.NOT_CONVERGED,
            n_iter=n_iter,
            message="" if converged else f"duality gap {gap:.1e} > {allowed:.1e} after {n_iter} epochs",
            objective=L1Objective(lam),
            claims={"gap": gap, "gap_allowed": allowed, "lam_max": self.lam_max},
        )
