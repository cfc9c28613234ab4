"""Drawing samples of a known population: chances of a given sum, and variables that a response depends on."""

from __future__ import annotations

import numpy as np

from frontier.core.problem import FloatArray


def with_chance(size: FloatArray, expected: float) -> FloatArray:
    """`π = min(1, c size)` with `Σ π = expected`, (N,)."""
    low, high = 0.0, expected / size[size > 0].min()
    for _ in range(100):  # bisection: the sum rises with c
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.minimum(1.0, middle * size).sum() < expected else (low, middle)
    return np.asarray(np.minimum(1.0, high * size), dtype=np.float64)


def standardised(values: FloatArray) -> FloatArray:
    """Values with mean 0 and standard deviation 1."""
    return np.asarray((values - values.mean()) / values.std(), dtype=np.float64)
