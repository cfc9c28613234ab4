"""Calibration to intervals: each target is met within its tolerance, as one that was published rounded can be met.

    minimise D(w)/N' + (price) Σ_j s_j²/2   subject to   A w + δ∘s = b,  −1 ≤ s_j ≤ 1

δ_j is the tolerance of target j in the units of b, 0 for one that must be met exactly: hard and soft targets mix
(Burgard, Münnich & Rupp 2019 set up the same box with penalties). The slack s has a small price, so that the nearest of
all weights that are in order is taken and targets are not missed for nothing: using up all tolerances costs as much as
changing every weight by 1%. With records for the slack, of initial weight 1 on [0, 2], it is a problem of
`objectives.distance`, and has its dual and its certificate.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.certificate import Certificate
from frontier.objectives.distance import DistanceObjective
from frontier.objectives.links import DistanceLink, LinearLink

ALL_OF_IT = 0.01  # what using up every tolerance costs: as much as this relative change of every weight
EXACT = 1e-8  # relative error that counts as none
OUTSIDE = 1e-6  # of a tolerance: how far outside counts as rounding; equations are solved to 1e-9 of a target


@dataclass(frozen=True, slots=True, eq=False)
class StackedLink:
    """The links of the records and of the slack, one after the other."""

    records: DistanceLink
    slack: DistanceLink
    n: int

    def weights(self, eta: FloatArray) -> FloatArray:
        return np.append(self.records.weights(eta[: self.n]), self.slack.weights(eta[self.n :]))

    def slope(self, eta: FloatArray) -> FloatArray:
        return np.append(self.records.slope(eta[: self.n]), self.slack.slope(eta[self.n :]))

    def potential(self, eta: FloatArray) -> FloatArray:
        return np.append(self.records.potential(eta[: self.n]), self.slack.potential(eta[self.n :]))

    def distance(self, w: FloatArray) -> FloatArray:
        return np.append(self.records.distance(w[: self.n]), self.slack.distance(w[self.n :]))

    def excess(self, w: FloatArray, eta: FloatArray) -> FloatArray:
        n = self.n
        return np.append(self.records.excess(w[:n], eta[:n]), self.slack.excess(w[n:], eta[n:]))


@dataclass(frozen=True, slots=True)
class WithSlack(DistanceObjective):
    """The distance of a problem whose last `slack` records are the slack of its targets."""

    slack: int = 0

    @property
    def records(self) -> DistanceObjective:
        """The distance of the records alone."""
        return DistanceObjective(self.kind, None, self.lower, self.upper, self.box, self.q)

    def metric(self, w0: FloatArray) -> FloatArray:
        n = w0.size - self.slack
        return np.append(self.records.metric(w0[:n]), w0[n:])

    def link(self, w0: FloatArray) -> DistanceLink:
        n = w0.size - self.slack
        q = np.full(self.slack, self.slack / (ALL_OF_IT**2 * max(float(w0[:n].sum()), 1.0)))
        return StackedLink(self.records.link(w0[:n]), LinearLink(p=w0[n:], q=q, lower=0.0, upper=2.0), n)

    def ends(self, w0: FloatArray, far: float) -> tuple[FloatArray, FloatArray]:
        n = w0.size - self.slack
        low, high = self.records.ends(w0[:n], far)
        return np.append(low, np.zeros(self.slack)), np.append(high, np.full(self.slack, 2.0))


@dataclass(frozen=True, slots=True)
class IntervalObjective:
    """What a classical method minimises where targets have tolerances (m, target units): `distance`, with slack."""

    distance: DistanceObjective
    tolerance: FloatArray = field(compare=False)

    @property
    def lam(self) -> float:
        return float("nan")

    @property
    def with_slack(self) -> WithSlack:
        """The distance of `augmented`."""
        d = self.distance
        return WithSlack(d.kind, None, d.lower, d.upper, d.box, d.q, slack=int(np.count_nonzero(self.tolerance)))

    def augmented(self, problem: CalibrationProblem) -> CalibrationProblem:
        """The problem with a record for each slack: M w + δ (s' − 1) = y, s' = 1 + s."""
        loose = np.flatnonzero(self.tolerance)
        shape = (problem.n_targets, loose.size)
        columns = sp.csr_array((self.tolerance[loose], (loose, np.arange(loose.size))), shape=shape)
        return CalibrationProblem(
            problem.name,
            sp.csr_array(sp.hstack([problem.M, columns])),
            problem.y + self.tolerance,
            np.append(problem.w0, np.ones(loose.size)),
            scale=problem.scale,
            importance=problem.importance,
            target_names=problem.target_names,
        )

    def slack(self, problem: CalibrationProblem, weights: FloatArray) -> FloatArray:
        """The slack records' weights that `weights` leave, 1 + s, on [0, 2] but for rounding where all is in order."""
        loose = np.flatnonzero(self.tolerance)
        left = 1.0 + (problem.y - problem.M @ weights)[loose] / self.tolerance[loose]
        return np.where((left < 0) & (left > -OUTSIDE), 0.0, np.where((left > 2) & (left < 2 + OUTSIDE), 2.0, left))

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        return self.with_slack.value(self.augmented(problem), np.append(weights, self.slack(problem, weights)))

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None:
        """The duality gap of the problem with slack; infinite where a target is missed by more than its tolerance."""
        whole = np.append(weights, np.maximum(self.slack(problem, weights), 0.0))
        found = self.with_slack.certificate(self.augmented(problem), whole, dual)
        return found if found is None or np.isfinite(found.primal) else dataclasses.replace(found, relative_gap=np.inf)


def within(problem: CalibrationProblem, weights: FloatArray) -> NDArray[np.bool_]:
    """Which targets `weights` (n) meet within their tolerance, (m,); to eight digits where they have none."""
    tolerance = np.zeros(problem.n_targets) if problem.tolerance is None else problem.tolerance
    room = np.maximum(tolerance * (1 + OUTSIDE), EXACT * problem.scale)
    return np.asarray(np.abs(problem.M @ weights - problem.y) <= room)
