"""How much of a held-out target the fitted ones settle already: where it is nearly all, holding it out tests nothing.

For a held-out row a_j of M, the share of its length that a linear combination of the fitted rows reproduces,
`R²_j = g_jF G_FF⁺ g_Fj / g_jj` with `G = M diag(w0) Mᵀ`: uncentred, records counted w0 times.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem, Split

RANK_TOLERANCE = 1e-12  # of squared singular values of rows of length 1: nested targets are exact combinations


def leakage(problem: CalibrationProblem, split: Split) -> FloatArray:
    """R² of every held-out row, in their order, between 0 (nothing in common) and 1 (settled by the fit)."""
    rows = sp.csr_array(problem.M @ sp.diags_array(np.sqrt(problem.w0)))
    gram = (rows @ rows.T).toarray()
    length = np.sqrt(np.diagonal(gram))
    length = np.where(length > 0, length, 1.0)  # a row without weighted records has nothing to reproduce
    gram /= np.outer(length, length)
    fitted, held = np.flatnonzero(split.train), np.flatnonzero(split.heldout)
    values, vectors = np.linalg.eigh(gram[np.ix_(fitted, fitted)])
    kept = values > RANK_TOLERANCE * values[-1]
    projected = vectors[:, kept].T @ gram[np.ix_(fitted, held)]
    return np.asarray(np.clip((projected**2 / values[kept, None]).sum(axis=0), 0.0, 1.0))
