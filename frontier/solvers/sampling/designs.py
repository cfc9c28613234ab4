"""Designs that draw in proportion to size, by name: how often each unit is drawn, and the expectation of that.

    systematic        Madow 1949, in random order (`systematic`)
    sampford          Sampford 1967, whose joint probabilities are known (`sampford`)
    pivotal           Deville & Tillé 1998, of random duels (`pivotal`)
    with_replacement  k independent draws, p_i = x_i/Σx: a unit may be drawn several times (Hansen & Hurwitz 1943)

The first three draw `min(1, c x_i)` in expectation (`inclusion`), 0 or 1 times, and k units in all. Under each of them
`Σ y_i n_i/E[n_i]`, over the units drawn, is unbiased for the total of y.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from frontier.core import random
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.solvers.sampling.inclusion import Draw, inclusion_probabilities
from frontier.solvers.sampling.pivotal import pivotal_sample
from frontier.solvers.sampling.sampford import sampford_sample
from frontier.solvers.sampling.systematic import systematic_sample

Design = Literal["systematic", "sampford", "pivotal", "with_replacement"]

FIXED_SIZE: Mapping[str, Draw] = {
    "systematic": systematic_sample,
    "sampford": sampford_sample,
    "pivotal": pivotal_sample,
}


def expected_draws(size: FloatArray, k: int, design: Design) -> FloatArray:
    """How often each unit is drawn in expectation, (n,), with sum k; `size` (n, ≥ 0).

    Raises `InputError` for an unknown design, sizes that are none, and a k outside 1 to the number of sizes above 0.
    """
    if design not in (*FIXED_SIZE, "with_replacement"):
        expected = " or ".join((*FIXED_SIZE, "with_replacement"))
        raise InputError("design", "unknown design", expected=expected, got=repr(design))
    inclusion = inclusion_probabilities(size, k)
    return size * (k / float(size.sum())) if design == "with_replacement" else inclusion


def draws(expected: FloatArray, design: Design, generator: np.random.Generator) -> FloatArray:
    """How often each unit is drawn, (n,), whole numbers with sum k; `expected` is that of `expected_draws`."""
    if design == "with_replacement":
        p = expected / expected.sum()
        return generator.multinomial(round(float(expected.sum())), p).astype(np.float64)
    found = np.zeros(expected.size)
    found[FIXED_SIZE[design](expected, generator)] = 1.0
    return found


def draw_sample(
    size: FloatArray, k: int, *, design: Design = "systematic", seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """A sample of k units in proportion to `size` (n, ≥ 0): how often each was drawn, and the expectation of that.

    Both (n,). The sample of a seed is that of `pps_sample`. Raises `InputError` as `expected_draws` does.
    """
    expected = expected_draws(np.asarray(size, dtype=np.float64), k, design)
    generator = random.generator(seed, random.STREAM_SAMPLE)
    return draws(expected, design, generator), expected
