"""Sampford's design: fixed size, inclusion probabilities kept, joint probabilities known exactly (Sampford 1967).

    P(s) ∝ Π_{i∈s} π_i Π_{i∉s} (1 − π_i) Σ_{i∈s} (1 − π_i)    for samples s of size k = Σ π_i

(Bondesson, Traat & Lundqvist 2006, section 2). The first two products are Poisson sampling with the same probabilities:
a Poisson sample is drawn until one has size k, which takes about √(2π Σ π_i(1 − π_i)) of them, and it is accepted with
the share that its last factor is of the largest possible. That is Sampford's own rejective procedure without its draws
with replacement, which for hundreds of units hardly ever are distinct. Units that are certain stand apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import check_time
from frontier.solvers.sampling.systematic import sample_size


def sampford_sample(probabilities: FloatArray, generator: np.random.Generator) -> NDArray[np.intp]:
    """The units drawn, in ascending order; exactly `Σ π_i` of them, those of probability 1 always.

    Raises `InputError` for probabilities outside [0, 1] or a sum that is not a whole number.
    """
    certain = np.flatnonzero(probabilities == 1)
    size = sample_size(probabilities) - certain.size
    chance = np.flatnonzero((probabilities > 0) & (probabilities < 1))
    if not size:
        return certain
    pi = probabilities[chance]
    most = size - float(np.sort(pi)[:size].sum())  # of Σ_{i∈s} (1 − π_i): the units of the smallest probabilities
    while True:
        check_time()
        drawn = np.flatnonzero(generator.random(pi.size) < pi)
        if drawn.size == size and generator.random() * most < size - float(pi[drawn].sum()):
            return np.sort(np.concatenate([certain, chance[drawn]]))
