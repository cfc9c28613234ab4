"""Intervals of a mean and of a difference of means by Student's t, and how a middle and its limits stand in a table."""

from __future__ import annotations

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.student import t_quantile

LEVEL = 0.95


def mean_interval(values: FloatArray, level: float = LEVEL) -> tuple[float, float, float]:
    """Mean and its t interval; no width for values that do not vary, NaN limits for a single one."""
    mean = float(values.mean())
    if values.size < 2:
        return mean, float("nan"), float("nan")
    half = float(t_quantile(0.5 + level / 2, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size))
    return mean, mean - half, mean + half


def difference_interval(
    one: FloatArray, other: FloatArray, level: float = LEVEL, *, lonely: bool = False
) -> tuple[float, float, float]:
    """Mean difference of independent samples and its Welch interval; a deterministic side (one value) has no variance.

    With a single value on both sides the limits are the difference itself: nothing there is random. `lonely` says that
    a single value is one draw of something random : then the limits are NaN, and nothing is decided.
    """
    mean = float(one.mean() - other.mean())
    if lonely:
        return mean, float("nan"), float("nan")
    parts = [(float(x.var(ddof=1)) / x.size, x.size - 1) for x in (one, other) if x.size > 1]
    variance = sum(v for v, _ in parts)
    if np.ptp(one) == 0 and np.ptp(other) == 0:
        return mean, mean, mean
    freedom = variance**2 / sum(v**2 / n for v, n in parts)  # Welch-Satterthwaite
    half = float(t_quantile(0.5 + level / 2, freedom) * np.sqrt(variance))
    return mean, mean - half, mean + half


def with_limits(name: str, interval: tuple[float, float, float]) -> dict[str, float]:
    """A middle and its limits as the columns `name`, `name_low`, `name_high`, which a page writes into one cell."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
