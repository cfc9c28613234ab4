"""Randomised systematic sampling with unequal probabilities (Madow 1949; Hartley & Rao 1962).

Units are put in random order and laid end to end, each as long as its inclusion probability; those under the points
`u, u + 1, …, u + k − 1`, with one `u ~ U(0, 1)`, are the sample. So its size is fixed and each unit's probability is
kept exactly. Nothing is balanced, and the joint probabilities are not computed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError

ROUNDING = 1e-9  # relative: how far float64 probabilities may sum from a whole number


def systematic_sample(probabilities: FloatArray, generator: np.random.Generator) -> NDArray[np.intp]:
    """The units drawn, in ascending order; exactly `Σ π_i` of them, those of probability 1 always.

    Raises `InputError` for probabilities outside [0, 1] or a sum that is not a whole number.
    """
    k = sample_size(probabilities)
    certain = np.flatnonzero(probabilities == 1)
    chance = generator.permutation(np.flatnonzero((probabilities > 0) & (probabilities < 1)))
    draws = k - certain.size
    if not draws:
        return certain
    ends = np.cumsum(probabilities[chance])
    points = generator.random() + np.arange(draws)
    drawn = np.searchsorted(ends * (draws / ends[-1]), points, side="right")  # the ends sum to `draws` but for rounding
    return np.sort(np.concatenate([certain, chance[drawn]]))


def sample_size(probabilities: FloatArray) -> int:
    """`Σ π_i` as the whole number that it must be; `InputError` where it is not, or a probability is not in [0, 1]."""
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise InputError("probabilities", "not probabilities", expected="numbers in [0, 1]")
    total = float(probabilities.sum())
    k = round(total)
    if abs(total - k) > ROUNDING * max(k, 1):
        raise InputError("probabilities", "no fixed sample size", expected="a sum that is a whole number", got=total)
    return k
