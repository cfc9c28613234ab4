"""What the sampling tests share: sizes, and how far the frequencies of many draws are from the probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.stats as st
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray

N_DRAWS = 10_000


def sizes(n: int = 30, seed: int = 0) -> FloatArray:
    """Sizes from tiny to dominating, the first one 0."""
    size = np.random.default_rng(seed).lognormal(sigma=1.5, size=n)
    size[0] = 0.0
    return size


def frequencies(draw: Callable[[np.random.Generator], NDArray[np.intp]], n: int) -> FloatArray:
    """How often each of n units is in 10,000 samples."""
    generator = np.random.default_rng(0)
    count = np.zeros(n)
    for _ in range(N_DRAWS):
        count[draw(generator)] += 1
    return count


def assert_probabilities_are_kept(count: FloatArray, probabilities: FloatArray) -> None:
    """0 and 1 exactly; the others by a chi-square bound.

    Each term `(f_i − Dπ_i)²/(Dπ_i(1 − π_i))` is chi-square with 1 degree of freedom. Units of one sample are
    correlated, so their sum is only roughly chi-square with n; the bound on the worst term always holds (Bonferroni).
    """
    assert (count[probabilities == 0] == 0).all()
    assert (count[probabilities == 1] == N_DRAWS).all()
    chance = (probabilities > 0) & (probabilities < 1)
    pi = probabilities[chance]
    terms = (count[chance] - N_DRAWS * pi) ** 2 / (N_DRAWS * pi * (1 - pi))
    # fixed seeds: bounds that a sampler which keeps π exceeds once in 10,000 runs
    assert terms.sum() <= st.chi2.ppf(1 - 1e-4, pi.size)
    assert terms.max() <= st.chi2.ppf(1 - 1e-4 / pi.size, 1)
