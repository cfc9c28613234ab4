"""The generalised regression estimator: calibration in the chi-square distance, with bounds on the weight ratios.

    minimise (1/N) Σ (w_i − w0_i)²/(2 w0_i)    subject to A w = b, lower ≤ w/w0 ≤ upper

(Deville & Särndal 1992, cases 1 and 7), or, relaxed, plus `(1/2ρ)‖b − A w‖²` instead of the equations
(`objectives/distance.py`: the unit of ρ). `w = w0 clip(1 + Aᵀθ, lower, upper)`, θ by semismooth Newton. With `lower`
and `upper` it is the truncated linear method. The textbook estimator has no bounds and may return negative weights,
which few can use: the default is `lower = 0`, and `lower: null, negative: true` asks for them. Weights on the lower
bound 0 are exact zeros, but nothing here looks for sparsity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Lt

from frontier.core.bounds import Bounds
from frontier.core.errors import InputError
from frontier.methods._classical import Classical
from frontier.objectives.distance import DistanceObjective


@dataclass(frozen=True, kw_only=True)
class Greg(Classical):
    """Weights nearest to the initial ones in the chi-square distance; exact (relax None) or relaxed.

    relax         None: meet every target (`infeasible` where that cannot be); a number ρ > 0: trade misses for distance
    lower, upper  bounds on w/w0 (truncated linear); None: no bound
    negative      whether negative weights, which a lower bound of None or below 0 lets through, are wanted; if not they
                  end in `error`
    bounds        of the weights themselves (`core.bounds`), held exactly too: trimming that keeps the targets
    tol           worst relative residual that counts as met; relaxed: length of the dual gradient
    max_iter      Newton steps

    Raises `InputError` unless lower < 1 < upper, for relax ≤ 0, tol outside (0, 1), max_iter < 1, and for negative
    weights that the lower bound rules out.
    """

    lower: Annotated[float, Lt(1), "the initial weights have ratio 1"] | None = 0.0
    upper: Annotated[float, Gt(1), "the initial weights have ratio 1"] | None = None
    negative: bool = False
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.negative and self.lower is not None and self.lower >= 0:
            raise InputError("negative", f"no weight is negative with lower: {self.lower:g}", cure="set lower: null")

    @property
    def signed(self) -> bool:
        return self.negative

    @property
    def distance(self) -> DistanceObjective:
        return DistanceObjective("chi_square", self.relax, self.lower, self.upper)
