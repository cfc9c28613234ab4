"""What weights say by themselves, without targets: how many records are active, and how unequal the weights are.

A record is active when its weight is not zero exactly. Interior-point methods return no exact zeros, so an active
weight is one above a threshold relative to the mean positive weight; results count at three thresholds, and reports
say where the choice matters. Effective sample size `(Σw)²/Σw²` and design effect are Kish's (1965, section 11.7).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from frontier.core.problem import CalibrationProblem, FloatArray

ACTIVE_THRESHOLDS = (1e-9, 1e-6, 1e-3)  # relative to the mean positive weight
ACTIVE_THRESHOLD = 1e-6  # the one behind `n_active`


def active_records(weights: FloatArray, threshold: float = ACTIVE_THRESHOLD) -> NDArray[np.bool_]:
    """Where `w_i > threshold × mean positive weight`, (n,); nowhere at exact zeros."""
    positive = weights > 0
    return positive & (weights > threshold * float(weights[positive].mean())) if positive.any() else positive


def active_count(weights: FloatArray, threshold: float = ACTIVE_THRESHOLD) -> int:
    """The number of active records."""
    return int(np.count_nonzero(active_records(weights, threshold)))


def effective_sample_size(weights: FloatArray) -> float:
    """Kish's effective sample size `(Σw)²/Σw²`, records; 0 when every weight is 0."""
    largest = float(weights.max(initial=0.0))
    if largest == 0:
        return 0.0
    scaled = np.ldexp(weights, -np.frexp(largest)[1])  # exactly: neither squares nor sums of these overflow or vanish
    return float(scaled.sum()) ** 2 / float(scaled @ scaled)


def design_effect(weights: FloatArray) -> float:
    """Kish's design effect of unequal weighting on the support, `k Σw²/(Σw)²`, unitless; NaN without a support."""
    ess = effective_sample_size(weights)
    return np.count_nonzero(weights) / ess if ess > 0 else float("nan")


def max_weight_ratio(problem: CalibrationProblem, weights: FloatArray) -> float:
    """`max_i w_i / w0_i`, unitless; infinite when a record with w0 = 0 is given weight, 0 without a support."""
    active = weights > 0
    if not active.any():
        return 0.0
    with np.errstate(divide="ignore"):
        return float(np.max(weights[active] / problem.w0[active]))
