"""Random weighted designs, degenerate ones among them, that the tests of `frontier.solvers.lasso` share."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import WeightedDesign, weighted_design


def design(A: FloatArray, b: FloatArray) -> WeightedDesign:
    return WeightedDesign(sp.csr_array(A), np.asarray(b, dtype=np.float64))


def designs() -> dict[str, WeightedDesign]:
    rng = np.random.default_rng(5)
    dense = rng.normal(size=(12, 60))
    counts = rng.integers(0, 3, size=(8, 50)).astype(float)
    skewed = rng.lognormal(sigma=3.0, size=(15, 80)) * (rng.random((15, 80)) < 0.5)
    holes = counts.copy()
    holes[:, ::3] = 0.0
    y = rng.uniform(1, 5, size=6)
    ignored = CalibrationProblem(
        "ignored", rng.random((6, 40)), y, np.ones(40), importance=np.array([1.0, 0.0, 2.0, 1.0, 0.0, 0.5])
    )
    return {
        "random signs": design(dense, rng.normal(size=12)),
        "small counts with ties": design(counts, np.full(8, 3.0)),
        "consistent counts": design(counts, counts @ rng.integers(0, 4, size=50)),
        "columns of unequal lengths": design(skewed, skewed @ rng.random(80) * rng.uniform(0.8, 1.2, size=15)),
        "every column twice": design(np.repeat(counts, 2, axis=1), np.arange(1.0, 9.0)),
        "parallel columns": design(np.hstack((counts, 2 * counts)), np.arange(1.0, 9.0)),
        "empty columns": design(holes, np.arange(1.0, 9.0)),
        "rank 3": design(rng.random((8, 3)) @ rng.random((3, 40)), rng.uniform(1, 2, size=8)),
        "more targets than records": design(rng.random((40, 12)), rng.uniform(1, 2, size=40)),
        "one target": design(rng.random((1, 20)), np.array([2.0])),
        "one record": design(rng.random((7, 1)), np.ones(7)),
        "targets without importance": weighted_design(ignored),
    }


DESIGNS = designs()
