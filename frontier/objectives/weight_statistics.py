"""What weights say by themselves, without targets: how many records are active, and how unequal the weights are.

A record is active when its weight is not zero exactly. Interior-point methods return no exact zeros, so an active
weight is one above a threshold relative to the mean size of those that are not 0 (negative ones, where they were asked
for, by their size too); results count at three thresholds, and reports say where the choice matters. Effective sample
size `(Σw)²/Σw²` and design effect are Kish's (1965, section 11.7).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem

ACTIVE_THRESHOLDS = (1e-9, 1e-6, 1e-3)  # relative to the mean size of weights that are not 0
ACTIVE_THRESHOLD = 1e-6  # the one behind `n_active`


def active_records(weights: FloatArray, threshold: float = ACTIVE_THRESHOLD) -> NDArray[np.bool_]:
    """Where `|w_i| > threshold × mean |w| of the weights that are not 0`, (n,); nowhere at exact zeros."""
    size = np.abs(weights)
    some = size > 0
    return some & (size > threshold * float(size[some].mean())) if some.any() else some


def active_count(weights: FloatArray, threshold: float = ACTIVE_THRESHOLD) -> int:
    """The number of active records."""
    return int(np.count_nonzero(active_records(weights, threshold)))


def effective_sample_size(weights: FloatArray) -> float:
    """Kish's effective sample size `(Σw)²/Σw²`, records; 0 when every weight is 0."""
    largest = float(np.abs(weights).max(initial=0.0))
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
