"""Balanced sampling of dense calibrated weights: `π_i = min(1, c w_i)`, sampled weights `w_i/π_i`, fitted totals kept.

The cube method (Deville & Tillé 2004, with the fast flight phase of Chauvet & Tillé 2006) draws a sample of fixed size
whose Horvitz–Thompson estimates of the training targets equal those of the dense weights, `Σ_{i∈s} M_ji w_i/π_i = Σ_i
M_ji w_i`, but for what the landing phase gives up: it decides the last records, about as many as there are targets, by
dropping targets one after another, the least important ω_j first and, among equals, the last one in the file.
(Dropping the least volatile targets first was tried on `cps_ohio` and `cps_national` and is no better.) Nothing is
fitted after sampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.methods._dense import DenseThinning, Thin, balanced_draw, certain, sampled, sampler, warm_up_cube
from frontier.methods.solution import Claim
from frontier.objectives.design import weighted_design
from frontier.solvers.sampling.inclusion import inclusion_probabilities


@dataclass(frozen=True, kw_only=True)
class BalancedSample(DenseThinning):
    """Exactly `budget` records, drawn in proportion to dense weights and balanced on the training targets.

    dense    where the dense weights come from (`frontier.methods._dense`)
    penalty  μ or ρ of the dense method; None: its default

    Claims the records taken for certain, and the worst imbalance `max_j |(A(w − w_dense))_j|`, the amount in units of
    the residual scale (times √ω_j) by which a training estimate differs from the dense one.

    Raises `InputError` for a penalty that is not a finite number > 0, or given to dense weights without one.
    """

    stochastic: ClassVar[bool] = True

    def warm_up(self) -> None:
        """Compile the dense method and the kernels of both phases."""
        super().warm_up()
        warm_up_cube()

    def thinning(self, problem: CalibrationProblem, dense: FloatArray) -> Thin:
        A = weighted_design(problem).A
        balanced = balanced_draw(A, problem.importance, dense)

        def draw(point: Point) -> tuple[FloatArray, dict[str, Claim]]:
            assert point.budget is not None
            probabilities = inclusion_probabilities(dense, point.budget)
            weights = sampled(dense, probabilities, balanced(probabilities, sampler(point)))
            claims: dict[str, Claim] = {
                "certain": certain(probabilities),
                "worst_imbalance": float(np.max(np.abs(A @ (weights - dense)))),
            }
            return weights, claims

        return draw
