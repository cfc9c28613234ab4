"""The logit method: calibration whose weight ratios w/w0 stay strictly between two bounds.

    minimise (1/N) Σ (w0_i/B) [(x−L) log((x−L)/(1−L)) + (U−x) log((U−x)/(U−1))],  x = w_i/w0_i    subject to A w = b

with `B = (U−L)/((1−L)(U−1))` (Deville & Särndal 1992, case 6), or, relaxed, plus `(1/2ρ)‖b − A w‖²` instead of the
equations (`objectives.distance` defines the unit of ρ). The ratios are a logistic function of `Aᵀθ`, found by Newton.
With L = 0 and U → ∞ the method tends to raking. In float64 a ratio may round to a bound that it only approaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Lt

from frontier.methods._classical import Classical
from frontier.objectives.distance import DistanceObjective


@dataclass(frozen=True, kw_only=True)
class Logit(Classical):
    """Weights nearest to the initial ones in the logit distance; exact (relax None) or relaxed.

    relax      None: meet every target (`infeasible` where that cannot be); a number ρ > 0: trade misses for distance
    low, high  strict bounds on w/w0
    tol        worst relative residual that counts as met; relaxed: length of the dual gradient
    max_iter   Newton steps

    Raises `InputError` unless 0 ≤ low < 1 < high < ∞, for relax ≤ 0, tol outside (0, 1) or max_iter < 1.
    """

    low: Annotated[float, Ge(0), Lt(1)] = 0.0
    high: Annotated[float, Gt(1)] = 10.0

    @property
    def distance(self) -> DistanceObjective:
        return DistanceObjective("logit", self.relax, self.low, self.high)
