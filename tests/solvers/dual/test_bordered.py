"""Newton steps by blocks and a border: the step of the whole matrix, from blocks that are found."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.limits import thread_limit
from frontier.objectives.links import LinearLink
from frontier.solvers.dual import newton
from frontier.solvers.dual.bordered import Bordered
from frontier.solvers.dual.newton import DualNewton


def areas(count: int = 40, records: int = 30, rows: int = 5, above: int = 3, seed: int = 0) -> sp.csc_array:
    """`count` areas with targets of their own, and targets of all areas over them, in a random order of rows."""
    random = np.random.default_rng(seed)
    blocks = [sp.random_array((rows, records), density=0.4, rng=random) for _ in range(count)]
    border = sp.random_array((above, count * records), density=0.5, rng=random)
    A = sp.csr_array(sp.vstack([sp.block_diag(blocks), border]))
    found = sp.csc_array(A[random.permutation(A.shape[0])][:, random.permutation(A.shape[1])])
    found.sort_indices()
    return found


def dense_step(A: sp.csc_array, d: FloatArray, gradient: FloatArray, ridge: float) -> FloatArray:
    full = A.toarray()
    return -np.linalg.solve(full * d @ full.T + ridge * np.eye(len(full)), gradient)


@pytest.mark.parametrize("above", [0, 1, 7])
def test_the_step_is_that_of_the_whole_matrix(above: int) -> None:
    A, random = areas(above=above), np.random.default_rng(1)
    found = Bordered.found(A)
    assert found is not None
    assert len(found.border) <= above  # few rows over all: areas may also be joined to larger blocks
    d, gradient = (
        random.uniform(0.0, 2.0, A.shape[1]) * (random.random(A.shape[1]) < 0.8),
        random.normal(size=A.shape[0]),
    )
    # a ridge of 0.1 on eigenvalues up to about 100: six digits are lost at most
    np.testing.assert_allclose(
        found.direction(d, gradient, 0.1), dense_step(A, d, gradient, 0.1), rtol=1e-9, atol=1e-10
    )


def test_threads_decide_nothing() -> None:
    A, random = areas(), np.random.default_rng(1)
    found = Bordered.found(A)
    assert found is not None
    d, gradient = random.uniform(0.1, 2.0, A.shape[1]), random.normal(size=A.shape[0])
    steps = []
    for threads in (1, 3):
        with thread_limit(threads):
            steps.append(found.direction(d, gradient, 0.1))
    np.testing.assert_array_equal(*steps)


def test_rows_without_records_and_records_without_rows_are_no_trouble() -> None:
    A = sp.csc_array(sp.vstack([areas(), sp.csr_array((2, 1200))]))
    A = sp.csc_array(sp.hstack([A, sp.csr_array((A.shape[0], 3))]))
    found = Bordered.found(A)
    assert found is not None
    d, gradient = np.ones(A.shape[1]), np.ones(A.shape[0])
    np.testing.assert_allclose(found.direction(d, gradient, 0.5), dense_step(A, d, gradient, 0.5), rtol=1e-9)


def test_a_matrix_that_is_not_of_areas_has_no_blocks() -> None:
    everywhere = sp.csc_array(sp.random_array((3000, 4000), density=0.01, rng=np.random.default_rng(0)))
    assert Bordered.found(everywhere, iterations=100) is None


def test_a_calibration_of_areas_takes_the_steps_of_the_dense_one(monkeypatch: pytest.MonkeyPatch) -> None:
    A = areas(count=60, records=80, rows=6, above=4)
    w0 = np.random.default_rng(2).uniform(1, 3, A.shape[1])
    b = A @ (w0 * np.random.default_rng(3).uniform(0.8, 1.2, len(w0)))
    link = LinearLink(w0, w0, lower=0.0)
    dense = DualNewton(A, b)
    monkeypatch.setattr(newton, "DENSE_LIMIT", 10)
    monkeypatch.setattr(newton, "LOOK", 1)
    bordered = DualNewton(A, b)
    one, other = (
        solver.solve(link, np.zeros(len(b)), tol=1e-10, max_iter=99, rho=1e-3) for solver in (dense, bordered)
    )
    assert dense.dense
    assert bordered.bordered is not None  # found when conjugate gradients took more than one iteration
    assert one.converged
    assert other.converged
    assert abs(one.n_iter - other.n_iter) <= 1  # the first step is by conjugate gradients
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-8)
