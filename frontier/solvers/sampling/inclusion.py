"""Inclusion probabilities proportional to size: `π_i = min(1, c x_i)` with `Σ π_i = k`.

Units so large that `c x_i ≥ 1` are taken for certain, which leaves fewer draws for the rest, whose c grows, which may
make further units certain, and so on (Särndal, Swensson & Wretman 1992, section 3.6.2). The units that end up certain
are the largest ones, so the fixed point is read off the sorted sizes instead of being iterated towards. Nothing is
drawn here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError

Draw = Callable[[FloatArray, np.random.Generator], NDArray[np.intp]]  # probabilities (n) → the units drawn
CERTAIN = (
    1e-9  # a unit within this of probability 1 is taken for certain: cumulated in float64, it might be drawn twice
)


def inclusion_probabilities(size: FloatArray, k: int) -> FloatArray:
    """The probabilities (n) of a sample of k units, proportional to `size` (n, ≥ 0) and at most 1; they sum to k.

    Units of size 0 have probability 0, and so have those left over when others fill the sample to within `CERTAIN`.
    Raises `InputError` for sizes that are negative or not finite, and for a k that is not between 1 and the number of
    units with a size.
    """
    if not (np.isfinite(size).all() and (size >= 0).all()):
        raise InputError("size", "not sizes", expected="finite numbers ≥ 0", got=float(np.min(size)))
    positive = np.flatnonzero(size > 0)
    if not 1 <= k <= positive.size:
        raise InputError("k", "not a sample size", expected=f"1 to {positive.size} (units with a size)", got=k)
    order = positive[np.argsort(-size[positive], kind="stable")]
    largest_first = size[order]
    rest = np.cumsum(largest_first[::-1])[::-1]  # the total of a unit and all smaller ones, small ones summed first
    # the first unit that need not be certain: with all larger ones certain, its own probability is below 1
    draws = k - np.arange(order.size)
    possible = (draws * largest_first < (1 - CERTAIN) * rest) | (draws <= 0)
    n_certain = int(np.argmax(possible)) if possible.any() else order.size
    probabilities = np.zeros(size.size)
    probabilities[order[:n_certain]] = 1.0
    if n_certain < k:
        drawn = order[n_certain:]
        probabilities[drawn] = size[drawn] * ((k - n_certain) / rest[n_certain])
    return probabilities
