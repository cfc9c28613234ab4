"""L0 by coordinate descent with swaps: `min Σ ω_j r_j² + λ ‖w‖₀ + λ₂ Σ w_i²`, `w ≥ 0`, a minimum that no swap leaves.

Hazimeh & Mazumder (2020, algorithm 2; L0Learn), here for non-negative weights and with the objective and λ of
`hard_concrete`: cyclic coordinate descent with a hard threshold, in variables for which all columns have length 1, then
swaps of one record for another until none lowers the objective (`solvers.lasso.l0_descent`). Records are visited in the
order of their correlation with the targets, so that their own order does not matter.

Local minima depend on where a descent starts. A grid of λ, each half the last, is followed down from
`λ_max = max_i (a_iᵀb)₊²/(‖a_i‖² + λ₂)`, where nothing is kept. A λ starts from the next one of the grid above it, and
again from one below it, where more is kept; the lower minimum counts. On 24 small planted problems, 4 λ each,
that was the best of all supports in all 96 cases, from above alone in 70: a record that pays only once the others have
moved does not come in.
The grid is fixed, so a λ has the same weights whatever else is asked for. Non-convex: the status is `completed` and
there is no certificate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import limit_to_raise, out_of_time, time_flag
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, NonNegative, Number, Share
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.path import Path
from frontier.methods.solution import Solution
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.objectives.l0 import L0Objective
from frontier.solvers.budget_search import Rule, exactly
from frontier.solvers.lasso.columns import Columns
from frontier.solvers.lasso.l0_descent import descend, swap

GRID = 0.5  # from one λ of the grid to the next
BELOW = 2  # steps of the grid from the start above λ to the one below: with 1 it was 92 of 96, with 3 96, with 5 94
SMALLEST_RATIO = 1e-10  # the end of the grid and of the search for budgets, in units of λ_max
RULE = Rule(exactly, narrowest=1e-9, max_evaluations=60, stride=10**0.5)  # λ is slower, the further down
ROUNDING = 1e-14  # of ‖b‖²


@dataclass(frozen=True, kw_only=True)
class L0CoordinateDescent(Method):
    """A local minimum of the L0 objective at each λ or budget.

    lam_l2     λ₂, per squared weight
    lam_unit   whether λ is absolute (as hard_concrete's, per record) or a share of λ_max
    max_swaps  swaps at each λ of the way; 0: coordinate descent alone
    tol        the largest change of a coordinate `‖a_i‖ w_i` in a last pass, in units of the length of b
    max_iter   passes of each descent
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam", "budget"})
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"lam", "budget"})

    lam_l2: NonNegative = 0.0
    lam_unit: Literal["absolute", "lam_max"] = "absolute"
    max_swaps: Number = 1_000
    tol: Share = 1e-9
    max_iter: Count = 100_000

    def warm_up(self) -> None:
        """Compile both kernels."""
        tiny = CalibrationProblem("warm-up", np.array([[1.0, 2.0], [1.0, 1.0]]), np.ones(2), np.ones(2))
        self.solve(tiny, [Point(lam=0.1)])

    def path(self, problem: CalibrationProblem, seed: int | None) -> Path:
        """Every λ starts from two λ of the grid, one above and one below it."""
        state = _Path(weighted_design(problem), self)
        top = state.lam_max
        unit = top if self.lam_unit == "lam_max" else 1.0
        return Path(state.solve, lowest=SMALLEST_RATIO * top, highest=top, unit=unit, rule=RULE)


@dataclass(slots=True)
class _Found:
    """Scaled weights x, passes and swaps on the way to them, and what cut the last descent short, with the cure."""

    x: FloatArray
    passes: int = 0
    swaps: int = 0
    cut: str = ""


class _Path:
    """The descents of one problem; its state is what was found at the λ of the grid so far."""

    def __init__(self, design: WeightedDesign, method: L0CoordinateDescent) -> None:
        self.method = method
        self.columns = Columns.of(design)
        self.d = 1.0 + method.lam_l2 / self.columns.lengths**2
        at_b = self.columns.rows @ design.b
        self.order = np.argsort(-at_b / np.sqrt(self.d), kind="stable")
        self.lam_max = float(np.max(np.maximum(at_b, 0.0) ** 2 / self.d, initial=0.0))
        self.square = float(design.b @ design.b)
        self.grid = [_Found(np.zeros(at_b.size))]

    def solve(self, lam: float) -> Solution:
        steps = self._steps(lam)
        starts = (steps, steps + BELOW) if lam < self.lam_max else (0,)
        ends = [self._local_minimum(self._on_grid(start), lam) for start in starts]
        found = min(ends, key=lambda end: self._value(end.x, lam))
        cut = next((end.cut for end in ends if end.cut), "")
        used = np.arange(found.x.size).tolist()
        return Solution(
            weights=self.columns.weights(used, found.x),
            status=Status.unconverged() if cut else Status.COMPLETED,
            n_iter=found.passes,
            message=cut,
            objective=L0Objective(lam, self.method.lam_l2),
            claims={"swaps": found.swaps, "lam_max": self.lam_max},
        )

    def _steps(self, lam: float) -> int:
        """Steps down the grid to its last λ above this one."""
        ratio = max(lam / self.lam_max, SMALLEST_RATIO) if self.lam_max else 1.0
        return max(math.ceil(math.log(ratio, GRID)) - 1, 0)

    def _on_grid(self, steps: int) -> _Found:
        """What was found so many steps down the grid; the λ on the way there are solved first."""
        while len(self.grid) <= steps:
            self.grid.append(self._local_minimum(self.grid[-1], self.lam_max * GRID ** len(self.grid)))
        return self.grid[steps]

    def _value(self, x: FloatArray, lam: float) -> float:
        residual = self.columns.b - self.columns.rows.T @ x
        return float(residual @ residual + (self.d - 1.0) @ x**2 + lam * np.count_nonzero(x))

    def _least_first(self, x: FloatArray) -> NDArray[np.intp]:
        """The active columns, those first that add the least: where a swap is looked for."""
        active = np.flatnonzero(x > 0.0)
        return active[np.argsort(x[active] ** 2 * self.d[active], kind="stable")]

    def _local_minimum(self, start: _Found, lam: float) -> _Found:
        """From a start to weights that neither a coordinate nor a swap improves."""
        columns, method = self.columns, self.method
        if start.cut and out_of_time():
            return start
        found = _Found(start.x.copy(), start.passes, start.swaps)
        matrix = columns.rows.indptr, columns.rows.indices, columns.rows.data
        tol, noise = method.tol * np.sqrt(self.square), ROUNDING * self.square
        with time_flag() as stop:
            while True:
                r = columns.b - columns.rows.T @ found.x
                settled, passes = descend(*matrix, self.d, self.order, found.x, r, lam, tol, method.max_iter, stop)
                found.passes += passes
                if not settled:
                    found.cut = f"coordinates still move after {passes} passes: raise {limit_to_raise('max_iter')}"
                elif method.max_swaps and swap(*matrix, self.d, self._least_first(found.x), found.x, r, noise, stop):
                    found.swaps += 1
                    if found.swaps - start.swaps <= method.max_swaps:
                        continue
                    found.cut = f"swaps still improve: raise {limit_to_raise('max_swaps')}"
                elif stop[0]:
                    found.cut = f"stopped among swaps: raise {limit_to_raise('max_swaps')}"
                return found
