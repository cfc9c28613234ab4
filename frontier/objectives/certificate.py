"""What a method declares that it minimised, and how far from the optimum it can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem

CERTIFIED_GAP = 1e-6  # a relative duality gap up to this counts as solved
CERTIFIED_KKT = 1e-8  # and so does this KKT residual, where no dual point may be near: λ = 0, cancelling columns


def least_value(unit: float) -> float:
    """The least value of which float64 resolves the share `CERTIFIED_GAP`, of an objective that is of size `unit`.

    A gap is held against this where the minimum is nearly 0: initial weights that fit already.
    """
    return unit * float(np.finfo(np.float64).eps) / CERTIFIED_GAP


@dataclass(frozen=True, slots=True)
class Certificate:
    """A primal value with a proven lower bound: `gap = primal − dual ≥ 0`, and the residual of the KKT conditions.

    `relative_gap` divides by `reference`: the primal value for λ > 0, the loss at w = 0 for λ = 0 (where the minimum
    may be 0). `kkt_residual` has no unit, so that no column is too small to count; each objective says how.
    `n_equicorrelated` bounds the equicorrelation set: the records that the gap-safe rule cannot exclude from every
    solution's support. Where it exceeds the active count, the count may be the solver's choice, not λ's.
    """

    primal: float
    gap: float
    relative_gap: float
    kkt_residual: float
    n_equicorrelated: int | None = None
    active_rank: int | None = None
    support_is_unique: bool | None = None
    equicorrelated: NDArray[np.bool_] | None = None


class Objective(Protocol):
    """What a method says it minimised; `lam` is the λ in force (absolute), NaN where there is none."""

    @property
    def lam(self) -> float: ...

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float: ...

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None: ...
