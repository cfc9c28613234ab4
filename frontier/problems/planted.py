"""Small random instances with a known answer: targets that k records meet exactly, or nearly.

Entries of M are log-normal, so columns are positive and far from orthogonal (cosines about 0.4 on average), as survey
columns are. The truth has k records with log-normal weights; `y = M w_true`, each target multiplied by `1 + noise N(0,
1)`. Without noise and with k below the number of fitted targets the truth is the sparsest exact fit almost surely;
with `k = n_records` nothing is sparse and no small support is special. Initial weights know only the truth's total.
Further rows of the same kind, without noise, are held out: whoever finds the truth meets them too.

It is for comparing with exact best-subset selection (`best_subset`), which larger problems do not allow.
"""

from __future__ import annotations

import numpy as np

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.problems.size import check_size

SPREAD = 1.0  # standard deviation of log entries and log weights
N_HELDOUT = 10


def build(
    *, n_records: int = 100, n_targets: int = 20, k: int = 5, noise: float = 0.0, seed: int = 0
) -> CalibrationProblem:
    """The instance: `n_targets` rows to fit and 10 held out, `n_records` columns, k of them with weight.

    k      records with weight in the truth, `meta["known_weights"]` (n)
    noise  standard deviation of a fitted target's relative error; below 1/4, so that targets stay positive
    seed   of the one generator behind everything

    Raises `InputError` for counts below 1, k above `n_records`, noise outside [0, 0.25), and a negative seed.
    """
    place = "problem 'planted'"
    check_size(n_targets, n_records, place)
    if not 1 <= k <= n_records:
        raise InputError(f"{place}.k", "not a number of records", expected=f"1 to {n_records} (n_records)", got=k)
    if not 0 <= noise < 0.25:
        raise InputError(f"{place}.noise", "not a relative error", expected="0 ≤ noise < 0.25", got=noise)
    if seed < 0:
        raise InputError(f"{place}.seed", "negative seed", expected="a whole number ≥ 0", got=seed)
    rng = np.random.default_rng(seed)
    M = rng.lognormal(sigma=SPREAD, size=(n_targets + N_HELDOUT, n_records))
    known = np.zeros(n_records)
    known[rng.choice(n_records, k, replace=False)] = 100.0 * rng.lognormal(sigma=SPREAD, size=k)
    y = M @ known
    # drawn within four standard deviations: targets stay positive, whatever the seed
    y[:n_targets] *= 1.0 + noise * np.clip(rng.standard_normal(n_targets), -4.0, 4.0)
    known.flags.writeable = False
    return CalibrationProblem(
        name="planted",
        M=M,
        y=y,
        w0=np.full(n_records, known.sum() / n_records),
        families=("fitted",) * n_targets + ("held_out",) * N_HELDOUT,
        meta={
            "held_out_families": ("held_out",),
            "known_weights": known,
            "source": f"random instance: {k} of {n_records} records, noise {noise:g}, seed {seed}",
        },
    )
