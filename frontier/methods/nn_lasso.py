"""Non-negative LASSO path, exact and certified: `min ½ Σ ω_j r_j² + λ Σ c_i w_i`, `w ≥ 0`.

`solver: working_set` solves working sets of columns exactly (`solvers.lasso.working_set`), to gaps near rounding, each
λ from the last. `solver: homotopy` walks the whole path, breakpoint by breakpoint (`solvers.lasso.homotopy`).
A budget is served by the smallest λ of the stretch that keeps so many records, to 0.1%: the least shrunk solution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from frontier.core.arrays import FloatArray
from frontier.methods._lasso import LassoPath
from frontier.objectives.design import WeightedDesign
from frontier.solvers.lasso.homotopy import HomotopyPath
from frontier.solvers.lasso.solved import Solved
from frontier.solvers.lasso.working_set import WorkingSetPath, warm


@dataclass(frozen=True, kw_only=True)
class NnLasso(LassoPath):
    """Certified non-negative LASSO at each λ or budget.

    solver           working_set, or homotopy: the path is walked from breakpoint to breakpoint, down to the least λ
    tol              relative duality gap at which a point counts as solved
    max_iter         pivots of the working-set kernel per λ, or breakpoints of the homotopy
    lam_unit         whether λ is absolute or a ratio of λ_max
    costs            c_i, one number or one per record
    target_sparsity  share of zero weights to reach by searching λ (then points carry neither λ nor budget)
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "acceleration": "use solver: working_set, or the method fista for acceleration: none",
        "homotopy": "use solver: homotopy",
    }

    solver: Literal["working_set", "homotopy"] = "working_set"

    def warm_up(self) -> None:
        warm()

    def solver_of(self, design: WeightedDesign, costs: FloatArray) -> Callable[[float], Solved]:
        if self.solver == "homotopy":
            return HomotopyPath(design, costs, self.max_iter).solve
        return partial(WorkingSetPath(design, costs).solve, max_pivots=self.max_iter, tol=self.tol)
