"""Links: derivatives, conjugacy, bounds, and the edge cases of float64."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.objectives.links import BoundedExponentialLink, DistanceLink, ExponentialLink, LinearLink, LogitLink

W0 = np.array([0.5, 1.0, 3.0, 20.0, 0.0])
ETA = np.linspace(-3.1, 2.9, 25)
LINKS: dict[str, DistanceLink] = {
    "linear": LinearLink(p=W0, q=W0, lower=-np.inf),
    "linear, bounded": LinearLink(p=W0, q=W0, lower=0.3 * W0, upper=2.5 * W0),
    "linear, anchored": LinearLink(p=W0, q=W0 / 0.7, c=0.2),
    "exponential": ExponentialLink(W0),
    "exponential, bounded": BoundedExponentialLink(W0, 0.3 * W0, 2.5 * W0),
    "exponential, capped": BoundedExponentialLink(W0, 0.0 * W0, np.full(5, 25.0)),
    "logit": LogitLink(W0, 0.2, 4.0),
    "logit from zero": LogitLink(W0, 0.0, 1.5),
}
EVERY = pytest.mark.parametrize("name", LINKS)


@EVERY
def test_the_weights_are_the_derivative_of_the_potential_and_the_slope_that_of_the_weights(name: str) -> None:
    link, h = LINKS[name], 1e-5
    for value in ETA:
        eta = np.full(5, value)
        rise = (link.potential(eta + h) - link.potential(eta - h)) / (2 * h)
        # central differences: h² of truncation and eps·|Φ|/h of rounding, both near 1e-9 of the largest weight
        np.testing.assert_allclose(rise, link.weights(eta), rtol=1e-7, atol=2e-8)
        slope = (link.weights(eta + h) - link.weights(eta - h)) / (2 * h)
        np.testing.assert_allclose(slope, link.slope(eta), rtol=1e-7, atol=2e-8)


@EVERY
def test_the_potential_is_the_conjugate_of_the_distance(name: str) -> None:
    link = LINKS[name]
    for value in ETA:
        eta = np.full(5, value)
        w = link.weights(eta)
        sizes = 1e-13 * (1 + np.abs(eta * w))  # rounding of three terms of the size of ηw
        assert (np.abs(link.distance(w) + link.potential(eta) - eta * w) <= sizes).all()


@EVERY
def test_the_excess_is_what_the_fenchel_young_inequality_leaves(name: str) -> None:
    link = LINKS[name]
    for at in (-2.0, -0.3, 0.0, 0.4, 1.9):
        w = link.weights(np.full(5, at))
        for value in ETA:
            eta = np.full(5, value)
            excess = link.excess(w, eta)
            assert (excess >= 0).all()
            plain = link.distance(w) + link.potential(eta) - eta * w
            np.testing.assert_allclose(excess, plain, rtol=1e-10, atol=1e-12)  # plain: differences of terms up to 1e3
        assert link.excess(w, np.full(5, at)).max() <= 1e-14  # zero but for one rounding of w/w0


@pytest.mark.parametrize("name", [name for name, link in LINKS.items() if not getattr(link, "c", 0.0)])
def test_the_distance_without_a_price_of_weight_is_zero_at_the_initial_weights_only(name: str) -> None:
    link = LINKS[name]
    assert link.distance(W0).tolist() == [0.0] * 5
    assert (link.distance(1.2 * W0)[:4] > 0).all()
    np.testing.assert_array_equal(link.weights(np.zeros(5)), W0)


@EVERY
def test_a_record_without_initial_weight_gets_none_and_weight_on_it_is_infinitely_far(name: str) -> None:
    link = LINKS[name]
    assert all(link.weights(np.full(5, value))[4] == 0.0 for value in (-50.0, 0.0, 3.0))
    assert link.distance(W0 + 0.1)[4] == np.inf


def test_distances_are_infinite_outside_the_bounds() -> None:
    linear, logit = LINKS["linear, bounded"], LINKS["logit"]
    for link, ratios in ((linear, (0.2, 2.6)), (logit, (0.1, 4.1))):
        for ratio in ratios:
            assert np.isinf(link.distance(ratio * W0)[:4]).all()


def test_the_logit_ratios_stay_strictly_between_their_bounds() -> None:
    link = LogitLink(np.ones(201), 0.2, 4.0)
    ratios = link.weights(np.linspace(-10, 10, 201))
    assert ((ratios > 0.2) & (ratios < 4.0)).all()
    assert (np.diff(ratios) > 0).all()
    far = link.weights(np.full(201, 1e4))
    assert np.isfinite(far).all()
    assert far.max() <= 4.0


def test_a_wide_logit_is_raking() -> None:
    eta = np.linspace(-2, 2, 5)
    wide, raking = LogitLink(W0, 0.0, 1e6), ExponentialLink(W0)
    np.testing.assert_allclose(wide.weights(eta), raking.weights(eta), rtol=2e-5)  # they differ by about e^η/U


def test_logit_potentials_are_accurate_near_zero_and_finite_far_away() -> None:
    link = LogitLink(np.ones(1), 0.2, 4.0)
    for eta in (1e-9, -1e-9):  # Φ(η) = η + η²/2 …: a difference of logarithms would keep 7 digits only
        assert link.potential(np.array([eta]))[0] == pytest.approx(eta + eta**2 / 2, rel=1e-14)
    assert link.potential(np.array([1e4]))[0] == pytest.approx(4e4, rel=1e-3)  # slope 4 to the right
    assert link.potential(np.array([-1e4]))[0] == pytest.approx(-2e3, rel=1e-3)  # slope 0.2 to the left


def test_exponents_are_capped_before_they_overflow() -> None:
    assert np.isfinite(ExponentialLink(np.ones(1)).weights(np.array([1e5]))).all()
