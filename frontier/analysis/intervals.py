"""The interval of a mean by Student's t, and how a middle and its limits stand in a table."""

from __future__ import annotations

import numpy as np
from scipy import stats

from frontier.core.problem import FloatArray

LEVEL = 0.95


def mean_interval(values: FloatArray, level: float = LEVEL) -> tuple[float, float, float]:
    """Mean and its t interval; no width for values that do not vary, NaN limits for a single one."""
    mean = float(values.mean())
    if values.size < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.5 + level / 2, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size))
    return mean, mean - half, mean + half


def with_limits(name: str, interval: tuple[float, float, float]) -> dict[str, float]:
    """A middle and its limits as the columns `name`, `name_low`, `name_high`, which a page writes into one cell."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
