"""Selections of exactly k items by trained gates: drawn from their open probabilities, some at random beside them.

The learned share, k_l items, is drawn with `π_i = min(1, c p_i)`, `Σ π_i = k_l` (`solvers.sampling.inclusion`: those
that reach 1 are the certainty class), p the open probabilities; the random share, k_r items, with equal chances from
the others. As both shares have fixed sizes, an item is in the whole selection with probability

    π_i + (1 − π_i) k_r/(n − k_l)

How the learned share is drawn, given π, is the caller's choice among `solvers.sampling`: any design of fixed size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.solvers.sampling.inclusion import Draw, inclusion_probabilities
from frontier.solvers.sampling.systematic import systematic_sample


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Items in ascending order, which of them are of the learned share, the inclusion probabilities of all n items.

    `certain` items have a learned π of 1.
    """

    items: NDArray[np.intp]
    learned: NDArray[np.bool_]
    probabilities: FloatArray
    certain: int

    @property
    def kinds(self) -> NDArray[np.str_]:
        """The type of each selection: learned or random."""
        return np.where(self.learned, "learned", "random")


def select(
    open_probability: FloatArray,
    size: int,
    generator: np.random.Generator,
    *,
    learned_size: int | None = None,
    draw: Draw = systematic_sample,
) -> Selection:
    """Exactly `size` of n items, `learned_size` of them (None: all) by their open probabilities (n).

    Raises `InputError` for sizes that are not 1 ≤ size ≤ n, 0 ≤ learned_size ≤ size.
    """
    n = open_probability.size
    check_size(size, n)
    learned_size = size if learned_size is None else learned_size
    if not 0 <= learned_size <= size:
        raise InputError("learned_size", "not a share of the size", expected=f"0 to {size}", got=learned_size)
    chances, drawn = np.zeros(n), np.zeros(0, dtype=np.intp)
    if learned_size:
        chances = inclusion_probabilities(open_probability, learned_size)
        drawn = draw(chances, generator)
    others = np.setdiff1d(np.arange(n), drawn, assume_unique=True)
    added = generator.choice(others, size - learned_size, replace=False)
    probabilities = chances
    if others.size:
        probabilities = 1 - (1 - chances) * (1 - (size - learned_size) / others.size)
    items = np.sort(np.concatenate([drawn, added]))
    return Selection(items, np.isin(items, drawn), probabilities, int(np.count_nonzero(chances == 1)))


def check_size(size: int, n: int, place: str = "size") -> None:
    """Refuse a number of items that n do not have (`InputError`)."""
    if not 1 <= size <= n:
        raise InputError(place, "not a number of items", expected=f"1 to {n} (items)", got=size)
