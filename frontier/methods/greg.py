"""The generalised regression estimator: calibration in the chi-square distance, with bounds on the weight ratios.

    minimise (1/N) Σ (w_i − w0_i)²/(2 w0_i)    subject to A w = b, lower ≤ w/w0 ≤ upper

(Deville & Särndal 1992, cases 1 and 7), or, relaxed, plus `(1/2ρ)‖b − A w‖²` instead of the equations
(`objectives/distance.py`: the unit of ρ). `w = w0 clip(1 + Aᵀθ, lower, upper)`, θ by semismooth Newton. The textbook
estimator has no bounds and may return negative weights, which no benchmark can use: the default is `lower = 0`. Weights
on the lower bound 0 are exact zeros, but nothing here looks for sparsity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Lt

from frontier.methods._classical import Classical
from frontier.objectives.distance import DistanceObjective


@dataclass(frozen=True, kw_only=True)
class Greg(Classical):
    """Weights nearest to the initial ones in the chi-square distance; exact (relax None) or relaxed.

    relax         None: meet every target (`infeasible` where that cannot be); a number ρ > 0: trade misses for distance
    lower, upper  bounds on w/w0; None: no bound. Without a lower bound negative weights end in `error`
    tol           worst relative residual that counts as met; relaxed: length of the dual gradient
    max_iter      Newton steps

    Raises `InputError` unless lower < 1 < upper, for relax ≤ 0, tol outside (0, 1) or max_iter < 1.
    """

    lower: Annotated[float, Lt(1), "the initial weights have ratio 1"] | None = 0.0
    upper: Annotated[float, Gt(1), "the initial weights have ratio 1"] | None = None

    @property
    def distance(self) -> DistanceObjective:
        return DistanceObjective("chi_square", self.relax, self.lower, self.upper)
