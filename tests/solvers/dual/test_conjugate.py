"""Newton directions by conjugate gradients: as exact as asked, and the same for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.limits import thread_limit
from frontier.solvers.dual import conjugate
from frontier.solvers.dual.conjugate import newton_direction


def system(m: int = 30, n: int = 400) -> tuple[sp.csc_array, FloatArray, FloatArray]:
    """A design, curvatures of which half are 0, and a gradient."""
    rng = np.random.default_rng(0)
    columns = sp.csc_array(sp.random_array((m, n), density=0.2, rng=rng))
    return columns, rng.random(n) * (rng.random(n) < 0.5), rng.normal(size=m)


def test_the_direction_solves_the_newton_system_to_what_the_tolerance_needs() -> None:
    columns, d, gradient = system()
    normal = np.eye(30) + columns.toarray() @ np.diag(d) @ columns.toarray().T
    for tol in (1e-1, 1e-4, 1e-10):
        x = newton_direction(columns, d, gradient, rho=1.0, scale=1e20, tol=tol)[0]  # a scale that asks for everything
        left = np.linalg.norm(normal @ x + gradient)
        assert left <= 0.5 * tol + 1e-12  # half of it, by the rule; float64 rounding
        loose = newton_direction(columns, d, gradient, rho=1.0, scale=1e-9, tol=tol)[0]
        assert np.linalg.norm(normal @ loose + gradient) <= 0.1 * np.linalg.norm(gradient) + 1e-12  # never looser


def test_the_direction_does_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, d, gradient = system()
    monkeypatch.setattr(conjugate, "PART_ENTRIES", 100)
    found = []
    for threads in (1, 2, 5):
        with thread_limit(threads):
            found.append(newton_direction(columns, d, gradient, rho=1.0, scale=1.0, tol=1e-9)[0])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_without_active_columns_the_direction_is_that_of_the_ridge() -> None:
    columns, d, gradient = system()
    x = newton_direction(columns, np.zeros_like(d), gradient, rho=2.0, scale=1.0, tol=1e-12)[0]
    np.testing.assert_allclose(x, -gradient / 2.0, rtol=1e-15)  # one division
    assert not newton_direction(columns, np.zeros_like(d), gradient, rho=0.0, scale=1.0, tol=1e-12)[0].any()
