"""What the two methods of the non-negative LASSO share: `min ½ Σ ω_j r_j² + λ Σ c_i w_i`, `w ≥ 0`, certified.

A method gives its solver, λ ↦ `Solved`, warm-started from the last λ; `methods.path` follows it, also to budgets and to
`target_sparsity`. A point is `optimal` where the certificate says so, else `not_converged`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Lt

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.point import Coordinate
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Positive, Share
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.path import DOWNHILL, Path
from frontier.methods.solution import Solution
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.objectives.l1 import L1_PATH_END, L1Objective, lam_max
from frontier.solvers.budget_search import Rule
from frontier.solvers.lasso.solved import Solved


@dataclass(frozen=True, kw_only=True)
class LassoPath(Method):
    """The fields and the search of both methods; their own files say what the fields mean there."""

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam", "budget"})

    tol: Share = 1e-8
    max_iter: Count = 100_000
    lam_unit: Literal["absolute", "lam_max"] = "absolute"
    costs: Positive | tuple[Positive, ...] = 1.0
    target_sparsity: Annotated[float, Ge(0), Lt(1)] | None = None

    axes: ClassVar[frozenset[Coordinate]] = frozenset({"lam", "budget"})
    rule: ClassVar[Rule] = DOWNHILL

    @property
    def coordinates(self) -> frozenset[Coordinate]:
        return self.axes if self.target_sparsity is None else frozenset()

    @abstractmethod
    def solver_of(self, design: WeightedDesign, costs: FloatArray) -> Callable[[float], Solved]:
        """λ ↦ the solution there, started from the last."""

    def path(self, problem: CalibrationProblem, seed: int | None) -> Path:
        """Certified solutions, each started from the last."""
        design, costs = weighted_design(problem), self._costs(problem.n_records)
        top, solver = lam_max(design, costs), self.solver_of(design, costs)

        def solve(lam: float) -> Solution:
            return self._solution(solver(lam), lam, costs, top)

        return Path(
            solve,
            lowest=L1_PATH_END * top,
            highest=top,
            unit=top if self.lam_unit == "lam_max" else 1.0,
            rule=self.rule,
            budget=None
            if self.target_sparsity is None
            else max(1, round((1 - self.target_sparsity) * problem.n_records)),
        )

    def _costs(self, n: int) -> FloatArray:
        values = np.asarray(self.costs, dtype=np.float64)
        if values.ndim and values.shape != (n,):
            raise InputError("costs", "wrong length", expected=f"one number or {n} (records)", got=values.shape[0])
        return np.broadcast_to(values, (n,))

    def _solution(self, found: Solved, lam: float, costs: FloatArray, top: float) -> Solution:
        gap = found.certificate.relative_gap
        solved = gap <= self.tol or (lam == 0 and found.certificate.kkt_residual <= self.tol)
        return Solution(
            weights=found.weights,
            status=Status.OPTIMAL if solved else Status.unconverged(),
            n_iter=found.n_iter,
            message="" if solved else f"relative gap {gap:.1e} > {self.tol:.0e} after {found.n_iter} iterations",
            objective=L1Objective(lam, None if self.costs == 1.0 else costs),
            dual=found.dual,
            trace=found.trace,
            claims={"relative_gap": gap, "lam_max": top, **found.told},
        )
