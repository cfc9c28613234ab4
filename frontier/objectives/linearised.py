"""The linearised variance of estimates from calibrated weights: of the residuals that calibration leaves.

A total of z (n) with calibrated weights w has, to first order, the error of `Σ w_i e_i` (Deville & Särndal 1992, eq.
3.4), with

    e = z − Aᵀ β,   β = (A diag(s) Aᵀ + (ρ/N) I)⁻¹ A diag(s) z

A the weighted design, s the slopes of the link at w (w itself for raking, w0 for GREG: to this order all distances are
alike) and ρ/N the ridge of a relaxed calibration, 0 of an exact one. Over units g of strata h, drawn with replacement:

    v = Σ_h n_h/(n_h − 1) Σ_g (u_hg − ū_h)²,   u_hg = Σ_{i in g} w_i e_i

For other statistics z is their linearised variable (Deville 1999), `problems/records/estimates.py`. It does not know
that weights were selected or that a model with many targets fits few records too well; replicates do.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg as sla
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray

LEAST_RIDGE = (
    1e-10  # relative to rows of length 1: targets that others settle leave residuals as they are to nine digits
)


def residuals(A: sp.csr_array, z: FloatArray, slopes: FloatArray, ridge: float = 0.0) -> FloatArray:
    """`e = z − Aᵀβ` of every variable, (K, n), for a design A (m × n), z (K, n), s (n) and the ridge ρ/N."""
    weighted = sp.csr_array(A @ sp.diags_array(slopes))
    normal = (weighted @ A.T).toarray()
    length = np.sqrt(np.diagonal(normal))
    length = np.where(length > 0, length, 1.0)
    normal /= np.outer(length, length)
    normal[np.diag_indices_from(normal)] += LEAST_RIDGE + ridge / length**2
    right = (weighted @ z.T) / length[:, None]
    beta = sla.cho_solve(sla.cho_factor(normal, check_finite=False), right, check_finite=False) / length[:, None]
    return np.asarray(z - (A.T @ beta).T)


def variance_of_totals(
    parts: FloatArray | sp.csr_array, unit: NDArray[np.intp], stratum: NDArray[np.intp]
) -> FloatArray:
    """`v` of the sums of `parts` (K, n); codes of the `unit` of each record (n), and the `stratum` of each unit (G)."""
    sizes = np.bincount(stratum)
    of_units = sp.csr_array(sp.csr_array(parts) @ _indicator(unit, stratum.size))
    of_strata = _indicator(stratum, sizes.size)
    sums, squares = (of_units @ of_strata).toarray(), (of_units.power(2) @ of_strata).toarray()
    return np.asarray(np.maximum(squares - sums**2 / sizes, 0.0) @ (sizes / (sizes - 1)))


def _indicator(code: NDArray[np.intp], size: int) -> sp.csr_array:
    """A row for each code with a one in its column."""
    n = code.size
    return sp.csr_array((np.ones(n), code, np.arange(n + 1)), shape=(n, size))
