"""Descent on many columns at once: near the minimum from anywhere, and the kernel ends where it ends without it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

import frontier.solvers.lasso.working_set as path_module
from frontier.objectives.design import WeightedDesign
from frontier.solvers.lasso.descent import BLOCK_FROM, descend, factor
from frontier.solvers.lasso.working_set import WorkingSetPath


def design(n: int = 3000, m: int = 900, seed: int = 0) -> WeightedDesign:
    """Sparse columns of a few entries, and estimates of known weights with noise: supports of hundreds."""
    rng = np.random.default_rng(seed)
    A = sp.random_array(
        (m, n), density=8 / m, rng=rng, data_sampler=lambda size: rng.lognormal(size=size), format="csr"
    )
    return WeightedDesign(A, A @ rng.uniform(0, 2, n) * rng.uniform(0.9, 1.1, m))


def at_unit_length(of: WeightedDesign, lam: float) -> tuple[sp.csc_array, np.ndarray]:
    lengths = np.sqrt(of.curvature)
    used = np.flatnonzero(lengths > 0)
    columns = sp.csc_array(of.A)[:, used]
    columns.data /= np.repeat(lengths[used], np.diff(columns.indptr))
    return columns, lam / lengths[used]


def test_descent_ends_near_the_minimum_from_nothing_and_stays_there() -> None:
    problem = design()
    path = WorkingSetPath(problem)
    lam = 0.05 * path.lam_max
    exact = path.solve(lam, max_pivots=100_000)
    assert exact.certificate.relative_gap < 1e-12
    columns, limit = at_unit_length(problem, lam)
    x, residual = descend(columns, problem.b, limit, np.zeros(columns.shape[1]))
    np.testing.assert_allclose(residual, problem.b - columns @ x, atol=1e-10 * np.linalg.norm(problem.b))
    value = residual @ residual / 2 + limit @ x
    assert exact.certificate.primal <= value * (1 + 1e-12)
    assert value <= exact.certificate.primal * 1.001  # it looks for a support, not for digits
    again, _ = descend(columns, problem.b, limit, x)
    assert np.mean((again > 0) == (x > 0)) > 0.99


@pytest.mark.parametrize("ratio", [0.02, 0.004])
def test_the_solution_is_that_of_the_kernel_alone(ratio: float, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = design(seed=1)
    with_descent = WorkingSetPath(problem)
    found = with_descent.solve(ratio * with_descent.lam_max, max_pivots=100_000)
    monkeypatch.setattr(path_module, "LARGE", 10**9)  # no set is
    alone = WorkingSetPath(problem).solve(ratio * with_descent.lam_max, max_pivots=100_000)
    assert max(found.certificate.relative_gap, alone.certificate.relative_gap) < 1e-12
    np.testing.assert_allclose(found.weights, alone.weights, atol=1e-8 * alone.weights.max())  # of condition 1e4
    assert found.n_iter < alone.n_iter, "descent had nothing to do"


def test_a_factor_by_blocks_is_the_grams_and_dependent_or_few_columns_have_none() -> None:
    columns, _ = at_unit_length(design(m=2000), 1.0)
    order = np.random.default_rng(0).permutation(columns.shape[1])[: BLOCK_FROM + 40]
    found = factor(columns, order)
    assert found is not None
    part = columns[:, order]
    np.testing.assert_allclose(found @ found.T, (part.T @ part).toarray(), atol=1e-12)
    assert factor(columns, order[: BLOCK_FROM - 1]) is None
    assert factor(columns, np.r_[order, order[:1]]) is None  # the same column twice
    assert factor(columns, np.arange(2001)) is None  # more columns than targets
