"""Gates as a module: against simulation, finite differences and the compiled fit, in every precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.stats as st
import torch

from frontier.core.errors import InputError
from frontier.solvers.gates.gates import HardConcrete
from frontier.solvers.gates.modules import HardConcreteGates
from frontier.solvers.gates.train import train
from frontier.solvers.gates.training import Fit
from tests.solvers.gates.tasks import make_task

N = 100_000
ALPHAS = torch.linspace(-20, 20, 81)


def at(alpha: torch.Tensor | float, n: int = 1, *, learning: bool = True, **settings: Any) -> HardConcreteGates:
    """Gates at given logits, float64 unless those are a tensor."""
    alpha = torch.full((n,), alpha, dtype=torch.float64) if isinstance(alpha, float) else alpha
    gates = HardConcreteGates(len(alpha), seed=0, **settings).to(alpha.dtype)
    with torch.no_grad():
        gates.qz_logits.copy_(alpha)
    return gates.requires_grad_(learning)


@pytest.mark.parametrize("alpha", [-2.0, 0.3, 1.5])
@pytest.mark.parametrize("temperature", [0.25, 2 / 3])
def test_sampled_gates_follow_the_cdf(alpha: float, temperature: float) -> None:
    gates = at(alpha, N, constants=HardConcrete(temperature=temperature))
    z = gates.sample().detach()
    one = at(alpha, learning=False, constants=HardConcrete(temperature=temperature))
    masses = [float(one.log_prob(torch.tensor(x)).exp()) for x in (0.0, 1.0)]
    for mass, hits in zip(masses, ((z == 0).sum(), (z == 1).sum()), strict=True):
        assert st.binomtest(int(hits), N, mass).pvalue > 1e-4  # fixed seed: exceeded once in 10,000
    inner = np.sort(z[(z > 0) & (z < 1)].numpy())
    low, high = masses[0], 1 - masses[1]
    inside = (one.cdf(torch.as_tensor(inner)).detach().numpy() - low) / (high - low)
    assert st.kstest(inside, "uniform").pvalue > 1e-4  # Kolmogorov–Smirnov on what is neither 0 nor 1; fixed seed


def test_masses_and_density_add_up_to_one_and_to_the_cdf() -> None:
    gates = at(0.7, learning=False)
    mass = math.exp(float(gates.log_prob(torch.tensor(0.0))))

    def density(x: float) -> float:
        return math.exp(float(gates.log_prob(torch.tensor(x, dtype=torch.float64))))

    for x in (0.2, 0.9):
        area = scipy.integrate.quad(density, 0, x)[0]
        found = float(gates.cdf(torch.tensor(x, dtype=torch.float64)))
        assert mass + area == pytest.approx(found, abs=1e-8)  # the quadrature's own tolerance
    whole = mass + scipy.integrate.quad(density, 0, 1)[0] + density(1.0)
    assert whole == pytest.approx(1, abs=1e-8)  # as above
    outside = torch.tensor([-0.1, 1.1])
    assert gates.log_prob(outside).tolist() == [-math.inf] * 2
    assert gates.cdf(torch.tensor([-0.1, 1.0, 1.1])).tolist() == [0, 1, 1]
    assert 1 - float(gates.cdf(torch.tensor(0.0))) == pytest.approx(float(gates.open_probability()), rel=1e-12)


@pytest.mark.parametrize(
    ("init_mean", "temperature", "open_probability"), [(0.999, 0.5, 0.9997), (0.8, 0.25, 0.879), (0.99, 2 / 3, 0.998)]
)
def test_the_start_is_what_it_says_it_is(init_mean: float, temperature: float, open_probability: float) -> None:
    constants = HardConcrete(temperature=temperature)
    theirs = HardConcreteGates(3, constants=constants, start_probability=init_mean, start="location")
    assert theirs.open_probability()[0].item() == pytest.approx(open_probability, abs=5e-4)  # as many digits as stated
    ours = HardConcreteGates(3, constants=constants, start_probability=init_mean)
    assert ours.open_probability()[0].item() == pytest.approx(init_mean, rel=1e-6)  # float32


def test_penalty_and_gate_gradients_are_finite_differences() -> None:
    alpha, step = torch.linspace(-6, 6, 25, dtype=torch.float64), 1e-6
    of: Any
    for of in (
        HardConcreteGates.penalty,
        lambda gates: gates.sample().sum(),
        lambda gates: gates.deterministic("tempered").sum(),
        lambda gates: gates.deterministic("untempered").sum(),
        lambda gates: gates.log_prob(torch.tensor(0.3)).sum(),
    ):
        gates = at(alpha)
        (slope,) = torch.autograd.grad(of(gates), list(gates.parameters()))
        shifted = [torch.stack([of(at(alpha + s * step * torch.eye(25)[i])).detach() for i in range(25)])
                   for s in (1, -1)]  # fmt: skip
        difference = (shifted[0] - shifted[1]) / (2 * step)
        torch.testing.assert_close(slope, difference, rtol=1e-6, atol=1e-8)  # central difference: error of order step²


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_half_precisions_are_stable_up_to_a_logit_of_20(dtype: torch.dtype) -> None:
    gates, exact = at(ALPHAS.to(dtype)), at(ALPHAS.to(dtype).double())
    z = torch.linspace(0, 1, len(ALPHAS))
    pairs = [(gates.open_probability(), exact.open_probability()), (gates.log_prob(z), exact.log_prob(z)),
             (gates.deterministic(), exact.deterministic()), (gates.sample(), exact.sample()),
             (gates.cdf(z), exact.cdf(z))]  # fmt: skip
    rounding = 2e-5 if dtype == torch.float32 else 8e-3  # a gate rounds to bfloat16's 8 bits; u has 24 bits
    for found, expected in pairs:
        assert found.isfinite().all()
        torch.testing.assert_close(found.double(), expected, rtol=rounding, atol=rounding)
    sum(found.float().sum() for found, _ in pairs).backward()  # type: ignore[union-attr]
    assert gates.qz_logits.grad is not None
    assert gates.qz_logits.grad.isfinite().all()


def test_a_fit_by_modules_is_the_compiled_fit() -> None:
    """Same noise, gates, penalty, Adam: both agree after 30 epochs, with temperatures that change."""
    task = make_task(keep_gates=True)
    cell = Fit(1e-2, 3)
    [fitted] = train(task, [cell])
    assert fitted.gates is not None
    assert task.gates is not None
    start = task.start(cell.seed)
    gates = at(torch.tensor(start.log_alpha))
    gates.seed = cell.seed
    theta = torch.tensor(np.log(start.scale), requires_grad=True)
    A, b, q = torch.tensor(task.loss.design.A.toarray()), torch.tensor(task.loss.design.b), torch.tensor(task.loss.q)
    optimiser = torch.optim.Adam([theta, gates.qz_logits], lr=task.schedule.lr)
    for _ in range(task.schedule.epochs):
        value = (q * (A @ (theta.exp() * gates()) - b) ** 2).sum() + cell.lam * gates.penalty()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    gates.eval()
    np.testing.assert_allclose(theta.exp().detach(), fitted.gates.scale, rtol=1e-6)  # what issue I asks for
    np.testing.assert_allclose(gates.open_probability().detach(), fitted.gates.open_probability, atol=1e-6)  # as above
    np.testing.assert_allclose((theta.exp() * gates()).detach(), fitted.weights, rtol=1e-6, atol=1e-6)  # as above


def test_noise_comes_from_the_seed_and_the_number_of_the_draw() -> None:
    one, same, other = HardConcreteGates(50, seed=1), HardConcreteGates(50, seed=1), HardConcreteGates(50, seed=2)
    first, second = one(), one()
    assert torch.equal(first, same())
    assert torch.equal(second, same())
    assert not torch.equal(first, second)
    assert not torch.equal(first, other())
    assert torch.equal(one.eval()(), one())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"input_dim": 0}, "shape: no gates"),
        ({"input_dim": 2, "output_dim": 0}, "shape: no gates"),
        ({"input_dim": 2, "start_probability": 1.0}, "start_probability: out of range; expected 0 < p < 1, got 1.0"),
        ({"input_dim": 2, "start_probability": float("nan")}, "start_probability: out of range"),
    ],
)
def test_impossible_gates_are_one_clear_line(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        HardConcreteGates(**wrong)
    with pytest.raises(InputError, match="temperature"):
        HardConcreteGates(2).temperature = 0.0


@pytest.mark.gpu
def test_the_device_does_not_change_the_gates() -> None:
    cpu, gpu = at(ALPHAS), at(ALPHAS).to("cuda")
    for found, expected in ((gpu.sample(), cpu.sample()), (gpu.open_probability(), cpu.open_probability())):
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-5, atol=1e-5)  # float32, other orders
