"""Several readings of one set of held-out residuals: a verdict whose sign changes with the metric should say so.

Of signed relative residuals r_j (fractions of |y_j|, with the problem's floor) and published values y_j:

    capped     mean min(|r|, 1)                    the primary one: no target counts for more than itself
    mape       mean |r|                            uncapped: a few targets that are far off decide
    median     median |r|
    wmape      Σ |y r| / Σ |y|                     large totals count for more
    log_ratio  mean |log(1 + r)|, ratios held within 1/1000 and 1000: too small by half is as bad as double
    rmse       √ mean r²
    beyond     the share of targets with |r| > 1
    bias       |mean r|, r held within ±1000%      over- and underestimates cancel

Along a curve, `contributions` (target by target) are averaged over ln k before `summary` puts targets together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.truth import LARGEST_BIAS, LARGEST_RATIO
from frontier.results.schema import ERROR_CAP

METRICS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "capped": lambda r: np.minimum(np.abs(r), ERROR_CAP),
    "mape": np.abs,
    "median": np.abs,
    "wmape": np.abs,
    "log_ratio": lambda r: np.abs(np.log(np.clip(1 + r, 1 / LARGEST_RATIO, LARGEST_RATIO))),
    "rmse": np.square,
    "beyond": lambda r: (np.abs(r) > 1).astype(np.float64),
    "bias": lambda r: np.clip(r, -LARGEST_BIAS, LARGEST_BIAS),
}
PRIMARY = "capped"


def contributions(metric: str, residuals: FloatArray) -> FloatArray:
    """What every target adds to a metric, in the shape of `residuals`."""
    return np.asarray(METRICS[metric](residuals), dtype=np.float64)


def summary(metric: str, values: FloatArray, targets: FloatArray) -> float:
    """The metric of the contributions `values` (T) of targets with the published values `targets` (T)."""
    if metric == "median":
        return float(np.median(values))
    if metric == "wmape":
        return float(np.average(values, weights=np.abs(targets))) if np.any(targets) else float(values.mean())
    mean = float(values.mean())
    return float(np.sqrt(mean)) if metric == "rmse" else abs(mean) if metric == "bias" else mean
