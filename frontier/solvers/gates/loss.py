"""The data terms that gates and log-space weights are trained on, and their slopes.

`squared`: `Σ ω_j r_j²`, on the weighted design `A = √ω M/scale`. `capped`: `Σ ω_j min(|r_j|, c) / Σ ω_j`, the weighted
absolute percentage error of which no target can cost more than c, on `A = M/scale`. With a conserved total T, weights
are rescaled to `ŵ = T w / Σw` before they are judged; as `∂ŵ_i/∂w_k = (T/Σw)(δ_ik − w_i/Σw)`, the slope with respect to
w is `f (Aᵀd − h)`, `f = T/Σw`, `h = dᵀAŵ/T`. Nothing here knows gates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import WeightedDesign, weighted_design

LossName = Literal["squared", "capped"]
SQUARED, CAPPED = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class DataLoss:
    """`design` (A, b), row weights `q` (m), the cap c (infinite for squared), and the total T to conserve (0: none).

    `root_importance` (m) is what rows of the design were multiplied with, 0 where a target does not count.
    """

    design: WeightedDesign
    q: FloatArray
    kind: int
    cap: float
    total: float
    root_importance: FloatArray

    def estimates(self, weights: FloatArray) -> FloatArray:
        """`A w`, m × cells, of weights as they are (rescale them first where a total is conserved)."""
        return np.asarray(self.design.times(weights))

    def value(self, estimates: FloatArray) -> FloatArray:
        """The data term of each cell (column of `estimates`, m × cells)."""
        residual = estimates - self.design.b[:, None]
        if self.kind == CAPPED:
            return np.asarray(self.q @ np.minimum(np.abs(residual), self.cap))
        return np.asarray(self.q @ residual**2)

    def dual(self, estimates: FloatArray) -> FloatArray:
        """`∂value/∂(A w)`, m × cells."""
        residual = estimates - self.design.b[:, None]
        q = self.q[:, None]
        if self.kind == CAPPED:
            return np.asarray(np.where(np.abs(residual) < self.cap, q * np.sign(residual), 0.0))
        return np.asarray(2.0 * q * residual)

    def mean_error(self, estimates: FloatArray) -> float:
        """Mean `|r_j|` of one cell over the targets with ω_j > 0."""
        counted = self.root_importance > 0
        residual = np.abs(estimates[:, 0] - self.design.b)[counted]
        return float(np.mean(residual / self.root_importance[counted])) if counted.any() else 0.0

    @property
    def augmented(self) -> tuple[sp.csc_array, FloatArray, FloatArray]:
        """A, b and q as training needs them: with a row of ones last, whose product is Σw, where T is conserved."""
        A, b, q = self.design.columns(), self.design.b, self.q
        if self.total:
            A = sp.csc_array(sp.vstack([A, np.ones((1, A.shape[1]))]))
            A.sort_indices()
            b, q = np.append(b, 0.0), np.append(q, 0.0)
        return A, b, q


def data_loss(problem: CalibrationProblem, name: LossName, *, cap: float, conserve_total: bool) -> DataLoss:
    """The data term of a training problem; `InputError` for a cap that is no cap or a total of 0 to conserve."""
    if not cap > 0:
        raise InputError("cap", "not a cap", expected="a number > 0", got=cap)
    total = float(problem.w0.sum()) if conserve_total else 0.0
    if conserve_total and not total > 0:
        raise InputError("conserve_total", "the initial weights sum to 0", expected="a total > 0 to conserve")
    if name == "squared":
        design = weighted_design(problem)
        return DataLoss(design, np.ones(len(design.b)), SQUARED, np.inf, total, np.sqrt(problem.importance))
    omega = problem.importance.sum()
    if not omega > 0:
        raise InputError("loss", "every importance is 0", expected="a target that counts")
    design = WeightedDesign(problem.M, problem.y / problem.scale, 1.0 / problem.scale)
    counted = (problem.importance > 0).astype(np.float64)
    return DataLoss(design, problem.importance / omega, CAPPED, cap, total, counted)
