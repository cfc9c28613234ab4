"""The example in the README of `l0-python` 0.6.2: a random sparse matrix and random targets.

The README draws `M = scipy.sparse.random(Q, N, density=0.3)` (entries uniform on [0, 1)) and then
`y = numpy.random.uniform(1e6, 1e8, Q)` with Q = 200 targets and N = 10,000 households, unseeded; here both come from
one seeded generator, in the same order. Initial weights are ones (`init_weights=1.0`).

It is a speed and capacity test, not a survey: rows are independent of each other, so no target says anything about
another one, and weights must grow to the order of 10⁴ before any target is near.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.problems.size import check_size

TARGET_RANGE = (1e6, 1e8)


def build(*, n_targets: int = 200, n_records: int = 10_000, density: float = 0.3, seed: int = 0) -> CalibrationProblem:
    """The README's problem, `n_targets × n_records`. Nothing is held out by default, as in the README.

    `meta["held_out_families"]` is empty: the rows are independent draws, so fitted ones say nothing about the
    others. Hold rows out with a split design to see just that.

    density  share of the entries of M that are non-zero, in (0, 1]
    seed     of the one generator behind M and y

    Raises `InputError` for a count below 1, a density outside (0, 1], a negative seed, and when M has an empty row
    (a target that no record contributes to cannot be met).
    """
    place = "problem 'l0_readme'"
    check_size(n_targets, n_records, place)
    if not 0 < density <= 1:
        raise InputError(f"{place}.density", "not a share", expected="0 < density ≤ 1", got=density)
    if seed < 0:
        raise InputError(f"{place}.seed", "negative seed", expected="a whole number ≥ 0", got=seed)
    rng = np.random.default_rng(seed)
    M = sp.random_array((n_targets, n_records), density=density, format="csr", rng=rng)
    empty = np.flatnonzero(np.diff(M.indptr) == 0)
    if empty.size:
        raise InputError(
            f"{place}.density",
            f"{empty.size} targets without a single record",
            expected="a non-zero entry in every row of M",
            got=f"density {density} with {n_records} records",
            cure="raise density or n_records",
        )
    return CalibrationProblem(
        name="l0_readme",
        M=M,
        y=rng.uniform(*TARGET_RANGE, size=n_targets),
        w0=np.ones(n_records),
        meta={"held_out_families": (), "source": f"README example of l0-python 0.6.2, seed {seed}"},
    )
