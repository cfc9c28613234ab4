"""Student's t distribution from `scipy.special`: `scipy.stats` takes half a second to import, as long as all else here.

Degrees of freedom may be infinite (the normal distribution) or missing (NaN gives NaN), any shape that broadcasts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from frontier.core.arrays import FloatArray


def t_quantile(p: ArrayLike, freedom: ArrayLike) -> FloatArray:
    """The value below which a share p of the distribution lies."""
    p, freedom = np.broadcast_arrays(np.asarray(p, np.float64), np.asarray(freedom, np.float64))
    return np.asarray(np.where(np.isinf(freedom), ndtri(p), stdtrit(freedom, p)))


def t_above(t: ArrayLike, freedom: ArrayLike) -> FloatArray:
    """The share of the distribution above t."""
    t, freedom = np.broadcast_arrays(np.asarray(t, np.float64), np.asarray(freedom, np.float64))
    return np.asarray(np.where(np.isinf(freedom), ndtr(-t), stdtr(freedom, -t)))
