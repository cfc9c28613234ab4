"""FISTA: the non-negative LASSO `min ½ Σ ω_j r_j² + λ Σ c_i w_i`, `w ≥ 0`, by accelerated proximal gradient.

Beck & Teboulle's algorithm with adaptive restart, on the columns that gap-safe screening leaves
(`solvers.lasso.fista`), warm-started down the λ path, with a certificate of its own at the point that it returns. It
is a first-order method: on ill-conditioned survey columns it may end at its iteration limit, and says so. The exact
path of the same problem is `nn_lasso`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from frontier.core.arrays import FloatArray
from frontier.methods._lasso import LassoPath
from frontier.methods.path import A_SLOW_PATH
from frontier.objectives.design import WeightedDesign
from frontier.solvers.budget_search import Rule
from frontier.solvers.lasso.fista import FistaPath
from frontier.solvers.lasso.solved import Solved


@dataclass(frozen=True, kw_only=True)
class Fista(LassoPath):
    """Certified non-negative LASSO by FISTA at each λ or budget.

    tol              relative duality gap at which a point counts as solved
    max_iter         iterations per λ
    lam_unit         whether λ is absolute or a ratio of λ_max
    costs            c_i, one number or one per record
    target_sparsity  share of zero weights to reach by searching λ (then points carry neither λ nor budget)
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "acceleration": "leave it out: fista is FISTA; exact working sets are the method nn_lasso",
        "homotopy": "use the method nn_lasso with solver: homotopy",
    }

    rule: ClassVar[Rule] = A_SLOW_PATH

    def solver_of(self, design: WeightedDesign, costs: FloatArray) -> Callable[[float], Solved]:
        return partial(FistaPath(design, costs).solve, tol=self.tol, max_iter=self.max_iter)
