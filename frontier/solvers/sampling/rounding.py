"""Whole numbers instead of weights, by a random rounding that is unbiased and keeps totals nearly.

    W_i = ⌊w_i⌋ + u_i,   u_i = 0 or 1,   E[u_i] = w_i − ⌊w_i⌋,   Σ_i x_i u_i ≈ Σ_i x_i E[u_i]

The cube method (Deville & Tillé 2004; `cube`) draws u with the fractional parts as inclusion probabilities, balanced on
x: of p variables it loses what the landing of at most p + 1 records decides. Σ W is Σ w rounded up or down, so that its
expectation is kept as well. Every estimate of W has the expectation that w gives it.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.solvers.sampling.cube import cube_sample

WHOLE = 1e-9  # of a unit: what counts as no fraction, and as a whole sum


def balanced_rounding(weights: FloatArray, X: sp.sparray, generator: np.random.Generator) -> FloatArray:
    """W, (n,), whole numbers next to `weights` (n, ≥ 0 or not); totals of X (p × n) kept, the first rows best."""
    lower = np.floor(weights + WHOLE)
    fraction = np.maximum(weights - lower, 0.0)
    fraction[fraction < WHOLE] = 0.0
    total = float(fraction.sum())
    missing = np.ceil(total - WHOLE) - total  # the chance that Σ W is rounded down, that of a record without any x
    probabilities = np.append(fraction, max(missing, 0.0))
    rows = sp.csr_array(X) @ sp.diags_array(fraction)
    phantom = sp.csr_array((rows.shape[0], 1))
    drawn = cube_sample(sp.csr_array(sp.hstack([rows, phantom])), probabilities, generator)
    rounded = lower.copy()
    rounded[drawn[drawn < weights.size]] += 1.0
    return rounded
