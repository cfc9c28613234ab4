"""Drawing samples of a known population: chances of a given sum, and variables that a response depends on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray


def respondents(
    weights: FloatArray, answers: FloatArray, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], FloatArray, float]:
    """Who is drawn with chance `π ∝ √W` and answers, expected n of them; their `W/π`; the response rate `Σ W p/Σ W`.

    `answers` (N) are the probabilities p to answer; initial weights are W/π over the rate: they do not know p.
    """
    rate = float(weights @ answers / weights.sum())
    chance = with_chance(np.sqrt(weights), n / rate)
    drawn = rng.random(chance.size) < chance
    records = np.flatnonzero(drawn & (rng.random(chance.size) < answers))
    return records, weights[records] / chance[records], rate


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
