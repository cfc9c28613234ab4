"""The Hard Concrete distribution: gates against simulation, slopes against finite differences and autograd."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from frontier.core.errors import InputError
from frontier.solvers.gates.gates import HardConcrete, start_log_alpha

GATES = HardConcrete()
ALPHAS = torch.linspace(-6, 6, 41, dtype=torch.float64)


def test_the_probability_of_a_nonzero_gate_is_the_simulated_share() -> None:
    u = torch.rand(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for alpha in (-2.0, 0.0, 1.5):
        z, _ = GATES.sample(torch.logit(u), torch.full_like(u, alpha))
        expected = float(GATES.keep_probability(np.array(alpha)))
        assert float((z > 0).double().mean()) == pytest.approx(
            expected, abs=0.005
        )  # 4 standard errors of 200,000 draws


def test_the_gate_slope_is_the_finite_difference() -> None:
    noise = torch.logit(torch.tensor(0.4, dtype=torch.float64)).expand_as(ALPHAS)
    step = 1e-6
    _, slope = GATES.sample(noise, ALPHAS)
    difference = (GATES.sample(noise, ALPHAS + step)[0] - GATES.sample(noise, ALPHAS - step)[0]) / (2 * step)
    torch.testing.assert_close(slope, difference, rtol=1e-6, atol=1e-8)  # central difference: error of order step²


def test_the_penalty_slope_is_the_autograd_derivative() -> None:
    alpha = ALPHAS.clone().requires_grad_()
    (automatic,) = torch.autograd.grad(torch.sigmoid(alpha + GATES.penalty_shift).sum(), alpha)
    torch.testing.assert_close(GATES.penalty(ALPHAS)[1], automatic, rtol=1e-12, atol=0)  # same formula in float64


@given(st.floats(-19, 19), st.floats(0.1, 2), st.floats(-1, -0.01), st.floats(1.01, 2))
def test_the_tempered_gate_is_zero_exactly_when_keeping_is_at_most_even(
    alpha: float, temperature: float, gamma: float, zeta: float
) -> None:
    gates = HardConcrete(temperature=temperature, gamma=gamma, zeta=zeta)
    keep = float(gates.keep_probability(np.array(alpha)))
    if abs(keep - 0.5) < 1e-9:
        return  # on the boundary rounding decides
    assert (float(gates.test_gate(np.array(alpha), "tempered")) == 0) == (keep <= 0.5)


def test_the_untempered_gate_closes_later_than_the_tempered_one() -> None:
    alpha = np.array([-2.0])  # below −β log 11 = −1.6, above −log 11 = −2.4
    assert GATES.test_gate(alpha, "tempered")[0] == 0
    assert GATES.test_gate(alpha, "untempered")[0] > 0


def test_closing_takes_as_many_epochs_as_the_design_says() -> None:
    # logit 0.99 = 4.595, β log 11 = 1.599, lr 0.1: 62 epochs
    assert GATES.epochs_to_close(0.99, 0.1) == 62
    assert GATES.epochs_to_close(0.1, 0.1) == 0


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"gamma": 0.1}, {"zeta": 0.9}])
def test_impossible_distributions_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        HardConcrete(**wrong)


def test_start_probabilities_are_checked_and_spread_over_records() -> None:
    np.testing.assert_allclose(start_log_alpha(np.array(0.5), 3), np.zeros(3), atol=1e-15)  # logit ½ = 0 up to rounding
    assert start_log_alpha(np.array(1.0), 2)[0] == pytest.approx(math.log(1e6 - 1), rel=1e-9)  # 1 − 1e-6 has 10 digits
    with pytest.raises(InputError, match="init_keep_prob"):
        start_log_alpha(np.array([0.5, 0.5]), 3)
