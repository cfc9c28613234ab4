"""Raking: calibration in the entropy distance, whose weights are positive multiples `w0 e^{Aᵀθ}` of the initial ones.

    minimise (1/N) Σ w_i log(w_i/w0_i) − w_i + w0_i    subject to A w = b

(Deville & Särndal 1992, case 2), or, relaxed, plus `(1/2ρ)‖b − A w‖²` instead of the equations (`objectives.distance`
defines the unit of ρ). On the margins of a table this is iterative proportional fitting (Ireland & Kullback 1968); here
the targets may be any linear totals, and θ is found by Newton's method. Ratios are not bounded above: see `logit`.
"""

from __future__ import annotations

from dataclasses import dataclass

from frontier.core.bounds import Bounds
from frontier.methods._classical import Classical
from frontier.objectives.distance import DistanceObjective


@dataclass(frozen=True, kw_only=True)
class Raking(Classical):
    """Weights nearest to the initial ones in the entropy distance; exact (relax None) or relaxed.

    relax     None: meet every target (`infeasible` where that cannot be); a number ρ > 0: trade misses for distance
    bounds    of the weights themselves (`core.bounds`), held exactly too: trimming that keeps the targets
    tol       worst relative residual that counts as met; relaxed: length of the dual gradient
    max_iter  Newton steps

    Raises `InputError` for relax ≤ 0, tol outside (0, 1) or max_iter < 1.
    """

    bounds: Bounds | None = None

    @property
    def distance(self) -> DistanceObjective:
        return DistanceObjective("entropy", self.relax)
