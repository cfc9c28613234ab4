"""Small problems that several test modules share, and the loud skip of GPU tests."""

from __future__ import annotations

import signal

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.problem import CalibrationProblem


def make_problem(n: int = 60, m: int = 6, seed: int = 0, *, noise: float = 0.1) -> CalibrationProblem:
    """A random problem with a non-negative matrix of unequal columns and targets near those of known weights."""
    rng = np.random.default_rng(seed)
    M = rng.lognormal(sigma=1.0, size=(m, n)) * (rng.random((m, n)) < 0.6)
    M[0] = 1.0  # a population row, so that no column is empty
    w0 = rng.uniform(5, 15, n)
    known = w0 * rng.gamma(2.0, 0.5, n)
    y = M @ known * (1 + noise * rng.standard_normal(m))
    families = tuple("ab"[j % 2] for j in range(m))
    return CalibrationProblem("tiny", sp.csr_array(M), y, w0, families=families)


@pytest.fixture
def tiny() -> CalibrationProblem:
    return make_problem()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `gpu`, loudly, where there is no CUDA device."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="NO CUDA DEVICE: the GPU path was not tested here"))


def heed_interrupts() -> None:
    """For a child that is to be interrupted: a suite that was started in the background has SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
