"""Sampling proportional to dense weight times leverage: records that the calibration equations rest on are kept.

    π_i ∝ w_i (mix + (1 − mix) ℓ_i/ℓ̄),    ℓ_i² = a_iᵀ (A diag(w) Aᵀ)⁺ a_i,    sampled weights w_i/π_i

with the weighted design A, w the dense calibrated weights and ℓ̄ their weighted mean. `w_i ℓ_i²` is the leverage of
record i in the equations `A w = b`: the share of their directions that it alone supports, between 0 and 1; they sum to
the rank (Drineas, Mahoney & Muthukrishnan 2006; Cohen & Peng 2015). Chances in proportion to w ℓ bound the variance of
every estimate of a target at once, where chances in proportion to w (`pps_sample`) bound none. `mix` gives every record
its share by weight too, for statistics that no target is about and for the effective sample size. Nothing is fitted
after sampling: the refits of an experiment do that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import scipy.sparse as sp
from annotated_types import Ge, Le

from frontier.core.arrays import FloatArray
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.search_space import Between, OneOf, Space
from frontier.methods._dense import DenseThinning, Thin, balanced_draw, certain, sampled, sampler, warm_up_cube
from frontier.methods.solution import Claim
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.solvers.sampling.inclusion import inclusion_probabilities
from frontier.solvers.sampling.leverage import leverages
from frontier.solvers.sampling.systematic import systematic_sample


@dataclass(frozen=True, kw_only=True)
class LeverageSample(DenseThinning):
    """Exactly `budget` records, drawn in proportion to dense weight and leverage.

    dense      where the dense weights come from (`frontier.methods._dense`)
    penalty    μ or ρ of the dense method; None: its default
    mix        share of a record's chance that goes by weight alone; 1 is `pps_sample`
    auxiliary  whether auxiliary statistics of the problem count as equations too, where it has any
    balanced   draw by the cube method, so that fitted totals are kept (`balanced_sample`); seconds with 500 targets,
               out of reach with thousands

    Claims the records taken for certain and the rank of the equations.

    Raises `InputError` for a penalty that is not a finite number > 0, or given to dense weights without one.
    """

    stochastic: ClassVar[bool] = True
    auxiliary_too: ClassVar[bool] = True

    search_space: ClassVar[Space] = dict(DenseThinning.search_space) | {
        "mix": Between(0.0, 1.0),
        "balanced": OneOf((False, True)),
    }

    mix: Annotated[float, Ge(0), Le(1)] = 0.2
    auxiliary: bool = True
    balanced: bool = False

    def warm_up(self) -> None:
        """Compile the dense method, and the kernels of the cube where it draws."""
        super().warm_up()
        if self.balanced:
            warm_up_cube()

    def thinning(self, problem: CalibrationProblem, dense: FloatArray) -> Thin:
        design = weighted_design(problem)
        extra = problem.auxiliary if self.auxiliary else None
        rows = design
        if extra is not None:
            rows = WeightedDesign(sp.csr_array(sp.vstack([design.A, extra])), np.zeros(0))
        leverage, rank = leverages(rows, dense)
        mean = float(dense @ leverage) / float(dense.sum())
        chances = dense * (self.mix + (1 - self.mix) * leverage / mean) if mean > 0 else dense
        drawn = balanced_draw(design.A, problem.importance, dense) if self.balanced else systematic_sample

        def draw(point: Point) -> tuple[FloatArray, dict[str, Claim]]:
            assert point.budget is not None
            probabilities = inclusion_probabilities(chances, point.budget)
            weights = sampled(dense, probabilities, drawn(probabilities, sampler(point)))
            return weights, {"certain": certain(probabilities), "rank": rank}

        return draw
