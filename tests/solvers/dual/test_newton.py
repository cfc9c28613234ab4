"""The dual Newton core: its gradient, its two linear solvers, rank deficiency, proximal steps."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.objectives.design import weighted_design
from frontier.objectives.links import ExponentialLink, LinearLink, Link, LogitLink
from frontier.solvers.dual.newton import DualNewton, add_gram
from tests.conftest import make_problem

PROBLEM = make_problem()
DESIGN = weighted_design(PROBLEM)
LINKS: dict[str, Link] = {
    "linear": LinearLink(p=PROBLEM.w0, q=PROBLEM.w0, lower=-np.inf),
    "clipped": LinearLink(p=PROBLEM.w0, q=PROBLEM.w0, lower=0.6 * PROBLEM.w0, upper=2.0 * PROBLEM.w0),
    "exponential": ExponentialLink(PROBLEM.w0),
    "logit": LogitLink(PROBLEM.w0, 0.0, 6.0),
}
EVERY = pytest.mark.parametrize("name", LINKS)


def dual_value(link: Link, theta: FloatArray, rho: float) -> float:
    return float(rho / 2 * theta @ theta - DESIGN.b @ theta + link.potential(DESIGN.A.T @ theta).sum())


@EVERY
def test_the_gradient_is_that_of_the_dual_by_finite_differences(name: str) -> None:
    link, rho, h = LINKS[name], 0.1, 1e-6
    theta = np.random.default_rng(0).normal(scale=0.5, size=len(DESIGN.b))
    gradient = rho * theta - DESIGN.b + DESIGN.A @ link.weights(DESIGN.A.T @ theta)
    for j, e in enumerate(np.eye(len(theta))):
        numeric = (dual_value(link, theta + h * e, rho) - dual_value(link, theta - h * e, rho)) / (2 * h)
        assert numeric == pytest.approx(gradient[j], rel=1e-6, abs=1e-8)  # rounding eps·|ψ|/h is about 1e-9
    stopped = DualNewton(DESIGN.A, DESIGN.b).solve(link, theta, tol=1e-12, max_iter=0, rho=rho)
    assert stopped.gradient_norm == pytest.approx(np.linalg.norm(gradient), rel=1e-12)  # one more rounding


@EVERY
@pytest.mark.parametrize("rho", [1.0, 1e-4])
def test_conjugate_gradients_find_what_the_factored_normal_matrix_finds(name: str, rho: float) -> None:
    found = []
    for dense in (True, False):
        newton = DualNewton(DESIGN.A, DESIGN.b)
        newton.dense = dense
        point = newton.solve(LINKS[name], np.zeros(len(DESIGN.b)), tol=1e-12, max_iter=200, rho=rho)
        assert point.converged
        found.append(point.weights)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8)  # gradients of 1e-12 through a condition of about 1e3


@EVERY
@pytest.mark.parametrize("dense", [True, False])
def test_rank_deficient_equations_are_met_to_rounding(name: str, dense: bool) -> None:
    mixed = np.vstack([np.eye(len(DESIGN.b)), np.ones(len(DESIGN.b)), np.arange(len(DESIGN.b))])
    A, b = sp.csr_array(mixed @ DESIGN.A.toarray()), mixed @ (DESIGN.A @ (1.1 * PROBLEM.w0))
    newton = DualNewton(A, b)
    newton.dense = dense
    point = newton.solve(LINKS[name], np.zeros(len(b)), tol=1e-11, max_iter=200, rho=0.0)
    assert point.converged
    assert np.abs(A @ point.weights - b).max() <= 1e-11  # the tolerance asked for


@pytest.mark.parametrize("dense", [True, False])
def test_a_row_of_zeros_does_not_break_the_hard_dual(dense: bool) -> None:
    A = sp.csr_array(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))
    newton = DualNewton(A, np.array([4.0, 0.0]))
    newton.dense = dense
    point = newton.solve(ExponentialLink(np.ones(3)), np.zeros(2), tol=1e-12, max_iter=50, rho=0.0)
    np.testing.assert_allclose(point.weights, 4 / 3, rtol=1e-12)  # the tolerance asked for


def test_a_dual_without_curvature_stops_without_an_exception() -> None:
    A = sp.csr_array(np.array([[0.0, 0.0]]))
    for dense in (True, False):
        newton = DualNewton(A, np.ones(1))
        newton.dense = dense
        assert not newton.solve(ExponentialLink(np.ones(2)), np.zeros(1), tol=1e-9, max_iter=5, rho=0.0).converged


def test_a_step_that_overflows_the_exponential_is_shortened_silently() -> None:
    A = sp.csr_array(np.array([[1.0, 1e-3]]))
    point = DualNewton(A, np.array([1e6])).solve(
        ExponentialLink(np.array([1.0, 1.0])), np.zeros(1), tol=1e-6, max_iter=100, rho=0.0
    )
    assert point.converged
    assert A @ point.weights == pytest.approx([1e6])


def test_a_proximal_step_is_a_shifted_right_hand_side() -> None:
    link, centre = LINKS["exponential"], np.linspace(-1, 1, len(DESIGN.b))
    start = np.zeros(len(DESIGN.b))
    near = DualNewton(DESIGN.A, DESIGN.b).solve(link, start, tol=1e-12, max_iter=99, rho=0.5, centre=centre)
    shifted = DualNewton(DESIGN.A, DESIGN.b + 0.5 * centre).solve(link, start, tol=1e-12, max_iter=99, rho=0.5)
    np.testing.assert_array_equal(near.theta, shifted.theta)
    missed = DESIGN.b - DESIGN.A @ near.weights
    np.testing.assert_allclose(missed, 0.5 * (near.theta - centre), atol=1e-12)  # the tolerance asked for


def test_it_starts_at_the_solution_when_the_weights_fit_already() -> None:
    point = DualNewton(DESIGN.A, DESIGN.A @ PROBLEM.w0).solve(
        LINKS["exponential"], np.zeros(len(DESIGN.b)), tol=1e-12, max_iter=9, rho=0.0
    )
    assert (point.n_iter, point.converged) == (0, True)
    np.testing.assert_array_equal(point.weights, PROBLEM.w0)


def test_the_normal_matrix_is_the_weighted_gram_matrix_of_the_rows() -> None:
    rng = np.random.default_rng(3)
    A = sp.csc_array(sp.random_array((7, 40), density=0.3, rng=rng))
    A.sort_indices()
    d = rng.random(40) * (rng.random(40) < 0.7)
    out = np.zeros((7, 7))
    add_gram(A.indptr, A.indices, A.data, d, out)
    expected = np.tril(A.toarray() @ np.diag(d) @ A.toarray().T)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-15)  # sums of 40 products in another order
