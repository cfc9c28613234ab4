"""Classical calibration: weights near the initial ones in a distance, on or near the calibration targets.

    hard     minimise D(w)/N                            subject to A w = b       (Deville & Särndal 1992)
    relaxed  minimise D(w)/N + (1/2ρ) ‖b − A w‖²        (ridge calibration: Chambers 1996; Rao & Singh 1997)

with the weighted design A, b, `D(w) = Σ G_i(w_i)` and `N = Σ w0`. The division by N fixes the unit of ρ: D/N is half
the mean squared relative change of a weight (to second order; each record counts w0 times), `‖b − A w‖²` the sum of
squared relative errors. Both are free of units, of the number of records and of the size of w0, so one ρ means the same
on every problem: at ρ = 0.01, missing one target by 10% costs as much as changing all weights by 100%. Distances:

    chi_square  G = (w − w0)²/(2 w0)        on lower ≤ w/w0 ≤ upper (GREG)
    entropy     G = w log(w/w0) − w + w0    (raking)
    logit       `LogitLink`                 on lower < w/w0 < upper

each divided by q_i where records have weights in the distance (`CalibrationProblem.q`), which makes θ act q_i times on
record i: F(q_i a_iᵀθ). A record with w0 = 0 keeps weight 0. No solver lives here (`frontier.solvers.dual.calibrate`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.certificate import Certificate, least_value
from frontier.objectives.design import weighted_design
from frontier.objectives.links import (
    BoundedExponentialLink,
    DistanceLink,
    ExponentialLink,
    LinearLink,
    LogitLink,
    WeightedLink,
)

Kind = Literal["chi_square", "entropy", "logit"]
Box = tuple[FloatArray, FloatArray]  # lower and upper ends, (n,) each


@dataclass(frozen=True, slots=True)
class DistanceObjective:
    """`D(w)/N`, plus `(1/2ρ)‖b − A w‖²` where `relax` = ρ is a number; `lower` and `upper` bound w/w0 (None: not).

    `box`: lower and upper ends of w itself, (n,) each, of the first two distances. `q`: weights of the records in the
    distance, (n,); None: 1.
    """

    kind: Kind
    relax: float | None = None
    lower: float | None = 0.0
    upper: float | None = None
    box: Box | None = field(default=None, compare=False)
    q: FloatArray | None = field(default=None, compare=False)

    @property
    def lam(self) -> float:
        return float("nan")

    def link(self, w0: FloatArray) -> DistanceLink:
        """The link of D; θ belongs to D itself, not to D/N."""
        found = self._link(w0)
        return found if self.q is None else WeightedLink(found, self.q)

    def metric(self, w0: FloatArray) -> FloatArray:
        """`w0 q`, (n,): the slope of the link at 0, which rows of A are measured in."""
        return w0 if self.q is None else w0 * self.q

    def _link(self, w0: FloatArray) -> DistanceLink:
        if self.kind == "entropy":
            return ExponentialLink(w0) if self.box is None else BoundedExponentialLink(w0, *self.box)
        if self.kind == "logit":
            assert self.lower is not None
            assert self.upper is not None
            return LogitLink(w0, self.lower, self.upper)
        lower, upper = self.ends(w0, np.inf)
        return LinearLink(p=w0, q=w0, lower=lower, upper=upper)

    def ends(self, w0: FloatArray, far: float) -> tuple[FloatArray, FloatArray]:
        """Bounds of the weights, (n,) each; `far` times w0 (∞ for w0 = 0 too) where there are none."""
        most = np.full(w0.size, np.inf) if np.isinf(far) else far * w0
        low = -most if self.lower is None else self.lower * w0
        high = most if self.upper is None else self.upper * w0
        return (low, high) if self.box is None else (np.maximum(low, self.box[0]), np.minimum(high, self.box[1]))

    def ridge(self, problem: CalibrationProblem) -> float:
        """ρ/N, the ridge of the dual of D; 0 for the hard problem."""
        return (self.relax or 0.0) / total(problem)

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        """D(w)/N, and the penalty of the relaxed problem; infinite outside the bounds."""
        value = float(self.link(problem.w0).distance(weights).sum()) / total(problem)
        if self.relax is not None:
            design = weighted_design(problem)
            residual = design.b - design.times(weights)
            value += float(residual @ residual) / (2 * self.relax)
        return value

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None:
        """Duality gap at the hint θ (m), summed from non-negative terms, and the residual of the KKT conditions.

        Relaxed: `gap = (1/N) Σ [G(w) + Φ(η) − ηw] + (1/2ρ)‖r − (ρ/N)θ‖²` with η = Aᵀθ, r = b − A w; without a hint
        `θ = (N/ρ) r`. Hard: the last term becomes `|θᵀr|/N`, which bounds the difference of the primal and dual values
        also where w misses the equations a little; None without a hint. The KKT conditions are `r = (ρ/N)θ` and
        `w = F(η)`, the latter measured in mean weights. `relative_gap` divides by the primal value; where w0 is
        calibrated already, by `least_value`. In the hard case it is never below the worst |r_j|, since weights off the
        equations solve nothing, however small their distance.
        """
        design, N = weighted_design(problem), total(problem)
        residual = design.b - design.times(weights)
        if dual is None and self.relax is None:
            return None
        theta = residual * (N / self.relax) if dual is None and self.relax is not None else np.asarray(dual)
        eta, link = design.transposed_times(theta), self.link(problem.w0)
        missed = residual - self.ridge(problem) * theta
        gap = float(link.excess(weights, eta).sum()) / N
        if self.relax is not None:
            gap += float(missed @ missed) / (2 * self.relax)
            unit = 1 + float(design.b @ design.b) / (2 * self.relax)
            least = 0.0
        else:
            gap += abs(float(theta @ residual)) / N
            unit, least = 1.0, float(np.max(np.abs(residual)))
        primal = self.value(problem, weights)
        drift = float(np.max(np.abs(weights - link.weights(eta)))) / (float(weights.mean()) or 1.0)
        return Certificate(
            primal=primal,
            gap=gap,
            relative_gap=max(gap / max(primal, least_value(unit)), least) if np.isfinite(primal) else np.inf,
            kkt_residual=max(float(np.max(np.abs(missed))), abs(drift)),
        )


def total(problem: CalibrationProblem) -> float:
    """N = Σ w0, the number of units represented; 1 where no record has an initial weight."""
    return float(problem.w0.sum()) or 1.0
