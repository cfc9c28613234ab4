"""The random pivotal method: two units fight for their probabilities until all are decided (Deville & Tillé 1998).

Of two undecided units, drawn at random, with probabilities a and b:

    a + b < 1:   one of them gets a + b, the other 0; the first with probability a/(a + b)
    a + b ≥ 1:   one of them gets 1, the other a + b − 1; the first with probability (1 − b)/(2 − a − b)

so each duel keeps the sum and both expectations, and decides a unit. The size is fixed and the inclusion probabilities
are kept. Joint probabilities are not known.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.solvers.sampling.systematic import sample_size


def pivotal_sample(probabilities: FloatArray, generator: np.random.Generator) -> NDArray[np.intp]:
    """The units drawn, in ascending order; exactly `Σ π_i` of them, those of probability 1 always.

    Raises `InputError` for probabilities outside [0, 1] or a sum that is not a whole number.
    """
    sample_size(probabilities)
    values = probabilities.copy()
    undecided = np.flatnonzero((values > 0) & (values < 1))
    _fight(values, undecided, generator.random((undecided.size, 3)))
    return np.flatnonzero(values > 0.5)  # the last one is 0 or 1 but for the rounding of a sum


@njit(cache=True)
def _fight(values: FloatArray, undecided: NDArray[np.intp], draws: FloatArray) -> None:  # pragma: no cover - compiled
    """Decide all undecided units but one; `draws` (units × 3) choose the two of a duel and the winner."""
    for left in range(len(undecided), 1, -1):
        draw = draws[left - 1]
        first, second = int(draw[0] * left), int(draw[1] * (left - 1))
        second += second >= first
        one, other = undecided[first], undecided[second]
        a, b = values[one], values[other]
        if a + b < 1:
            if draw[2] * (a + b) >= a:
                one, other = other, one
            values[one], values[other] = a + b, 0.0
        else:
            if draw[2] * (2 - a - b) < 1 - b:
                one, other = other, one
            values[one], values[other] = a + b - 1, 1.0
        undecided[min(first, second)] = one  # which goes on
        undecided[max(first, second)] = undecided[left - 1]
