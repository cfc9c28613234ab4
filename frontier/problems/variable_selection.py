"""Variable selection as calibration: which of p features make up y? Samples are targets, features are records.

    y = c + X β + σ ε,    rows of X normal with correlation ρ^|j − k| between features j and k (AR(1)),   ε ~ N(0, 1)

Weights cannot be negative, so a feature is two records, its column and the mirrored one: `M = [X, −X]`, `β = w⁺ − w⁻`.
y and X are centred by the means of the fitted samples, which is the intercept's own fit, and residuals are absolute
(scale 1, in units of y). So `Σ r²` is n times the mean squared error, and a penalty that others write beside that mean
is n times as large here. Initial weights are 1: no prediction. Truth is β: rows are judged by recall, false discovery
rate and error of the coefficients (`core.truth`). Further samples, centred by the same means, are held out.

The default is the documented example of a sparse linear model with Hard Concrete gates: β = [1, 0, −2, 0], c = 30.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.core.truth import Truth
from frontier.problems.size import check_size

N_HELDOUT = 100


def build(
    *,
    n_samples: int = 500,
    n_features: int = 4,
    coefficients: tuple[float, ...] = (1.0, -2.0),
    rho: float = 0.5,
    sigma: float = 1.5,
    intercept: float = 30.0,
    seed: int = 0,
) -> CalibrationProblem:
    """The problem of `n_samples` targets, and 100 held out, and `2 n_features` records.

    coefficients  those that are not 0, equally spaced among the features: the i-th of k at feature ⌊i p/k⌋
    rho           correlation of neighbouring features, in (−1, 1)
    sigma         standard deviation of the noise, ≥ 0
    seed          of the one generator behind everything: another replicate

    Raises `InputError` for sizes below 1, more coefficients than features, and values outside their ranges.
    """
    place = "problem 'variable_selection'"
    check_size(n_samples, n_features, place, ("n_samples", "n_features"))
    k = len(coefficients)
    if not (1 <= k <= n_features and all(value and math.isfinite(value) for value in coefficients)):
        expected = f"1 to {n_features} (n_features) finite numbers, none of them 0"
        raise InputError(f"{place}.coefficients", "not coefficients", expected=expected, got=coefficients)
    if not -1 < rho < 1:
        raise InputError(f"{place}.rho", "not a correlation", expected="−1 < rho < 1", got=rho)
    if not (0 <= sigma < math.inf and math.isfinite(intercept)):
        name, value = ("sigma", sigma) if math.isfinite(intercept) else ("intercept", intercept)
        raise InputError(f"{place}.{name}", "out of range", expected="a finite number, sigma ≥ 0", got=value)
    if seed < 0:
        raise InputError(f"{place}.seed", "negative seed", expected="a whole number ≥ 0", got=seed)
    random = np.random.default_rng(seed)
    X = random.standard_normal((n_samples + N_HELDOUT, n_features))
    for j in range(1, n_features):
        X[:, j] = rho * X[:, j - 1] + math.sqrt(1 - rho**2) * X[:, j]
    beta = np.zeros(n_features)
    beta[[i * n_features // k for i in range(k)]] = coefficients
    y = intercept + X @ beta + sigma * random.standard_normal(len(X))
    X -= X[:n_samples].mean(axis=0)
    y -= y[:n_samples].mean()
    known = np.concatenate([np.maximum(beta, 0.0), np.maximum(-beta, 0.0)])
    known.flags.writeable = False
    identity = sp.eye_array(n_features)
    names = tuple(f"x{j}" for j in range(n_features))
    return CalibrationProblem(
        name="variable_selection",
        M=np.hstack([X, -X]),
        y=y,
        w0=np.ones(2 * n_features),
        scale=np.ones(len(y)),
        families=("fitted",) * n_samples + ("held_out",) * N_HELDOUT,
        target_names=tuple(f"sample_{i}" for i in range(len(y))),
        truth=Truth(
            sp.csr_array(sp.hstack([identity, -identity])),
            beta,
            names,
            ("coefficient",) * n_features,
            np.zeros(n_features, dtype=bool),
            coefficients=True,
        ),
        meta={
            "held_out_families": ("held_out",),
            "known_weights": known,
            "source": f"random regression: {k} of {n_features} features, ρ {rho:g}, σ {sigma:g}, seed {seed}",
        },
    )
