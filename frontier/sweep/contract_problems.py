"""The small problems that the contract of a method is checked on."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from frontier.core.problem import CalibrationProblem


def small_problem(n: int = 60, m: int = 6, seed: int = 0, *, noise: float = 0.1) -> CalibrationProblem:
    """A random problem with a non-negative matrix of unequal columns and targets near those of known weights."""
    rng = np.random.default_rng(seed)
    M = rng.lognormal(sigma=1.0, size=(m, n)) * (rng.random((m, n)) < 0.6)
    M[0] = 1.0  # a population row, so that no column is empty
    w0 = rng.uniform(5, 15, n)
    known = w0 * rng.gamma(2.0, 0.5, n)
    y = M @ known * (1 + noise * rng.standard_normal(m))
    families = tuple("ab"[j % 2] for j in range(m))
    return CalibrationProblem("tiny", sp.csr_array(M), y, w0, families=families)


def degenerate_problems() -> dict[str, CalibrationProblem]:
    """Problems of extreme shapes, each under what is extreme about it."""
    shapes = {
        "one record": (np.array([[2.0], [1.0]]), [4.0, 2.0], [1.0]),
        "one target": (np.ones((1, 5)), [10.0], np.ones(5)),
        "more targets than records": (np.eye(4)[:, :3] + 0.1, np.ones(4), np.ones(3)),
        "an empty column": (np.array([[1.0, 0.0, 2.0]]), [3.0], np.ones(3)),
        "a row of zeros": (np.array([[1.0, 1.0], [0.0, 0.0]]), [3.0, 1.0], np.ones(2)),
        "equal columns": (np.ones((2, 4)), [3.0, 3.0], np.ones(4)),
    }
    return {what: CalibrationProblem(what, M, np.array(y), np.array(w0)) for what, (M, y, w0) in shapes.items()}
