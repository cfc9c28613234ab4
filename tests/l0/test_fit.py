"""The batched fit: closed-form gradients against autograd, Adam against torch's, cells that do not touch each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from frontier.errors import InputError
from frontier.l0.fit import Gates, fit, resolve_device
from frontier.l0.gates import HardConcrete
from frontier.l0.noise import gate_logits
from frontier.l0.schedule import Schedule
from frontier.objective import weighted_design
from frontier.problem import FloatArray
from tests.conftest import make_problem

EPOCHS = 30


def reference_fit(
    theta_start: FloatArray, alpha_start: FloatArray, lam: float, seed: int, lam_l2: float
) -> tuple[FloatArray, FloatArray]:
    """One cell by autograd and `torch.optim.Adam`, written from the formulas of DESIGN section 2."""
    design = weighted_design(make_problem())
    A, b = torch.tensor(design.A.toarray()), torch.tensor(design.b)
    theta, alpha = torch.tensor(theta_start, requires_grad=True), torch.tensor(alpha_start, requires_grad=True)
    optimiser = torch.optim.Adam([theta, alpha], lr=0.1)
    beta, gamma, zeta = 2 / 3, -0.1, 1.1
    n = len(theta_start)
    for epoch in range(1, EPOCHS + 1):
        noise = gate_logits((seed,), epoch, torch.arange(n), torch.empty((n, 1), dtype=torch.float64))[:, 0]
        z = (torch.sigmoid((noise + alpha) / beta) * (zeta - gamma) + gamma).clamp(0, 1)
        residual = A @ (theta.exp() * z) - b
        keep = torch.sigmoid(alpha - beta * np.log(-gamma / zeta))
        loss = residual.square().sum() + lam * keep.sum() + lam_l2 * (2 * theta).exp().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return theta.detach().numpy(), alpha.detach().numpy()


@pytest.mark.parametrize("lam_l2", [0.0, 1e-3])
def test_closed_form_training_equals_autograd_with_torchs_adam(lam_l2: float) -> None:
    problem = make_problem()
    n = problem.n_records
    lams, seeds = np.array([1e-3, 1e-1, 1e-3]), (0, 0, 5)
    theta = np.tile(np.log(problem.w0)[:, None], 3)
    alpha = np.random.default_rng(0).normal(1.0, 1.0, (n, 3))
    result = fit(
        weighted_design(problem),
        theta,
        Schedule(epochs=EPOCHS, lr=0.1, precision="float64"),
        Gates(HardConcrete(), alpha, lams, seeds, lam_l2),
    )
    assert result.log_alpha is not None
    for cell in range(3):
        expected = reference_fit(theta[:, cell], alpha[:, cell], lams[cell], seeds[cell], lam_l2)
        # the same float64 operations in another order, through 30 Adam steps
        np.testing.assert_allclose(result.log_weight[:, cell], expected[0], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(result.log_alpha[:, cell], expected[1], rtol=1e-9, atol=1e-9)


def test_without_gates_it_minimises_least_squares() -> None:
    problem = make_problem(noise=0.0)
    design = weighted_design(problem)
    result = fit(design, np.log(problem.w0)[:, None], Schedule(epochs=2000, lr=0.02, precision="float64"))
    residual = design.A @ np.exp(result.log_weight[:, 0]) - design.b
    assert np.abs(residual).max() < 1e-6  # 60 records, 6 targets: an exact fit exists
    assert result.log_alpha is None


def test_the_trace_changes_nothing_and_has_a_row_per_interval() -> None:
    problem = make_problem()
    start = np.log(problem.w0)[:, None]
    plain = fit(weighted_design(problem), start, Schedule(epochs=20, lr=0.1))
    traced = fit(weighted_design(problem), start, Schedule(epochs=20, lr=0.1, trace_every=10))
    np.testing.assert_array_equal(plain.log_weight, traced.log_weight)
    assert traced.trace_of(0)["iteration"].tolist() == [1, 10, 20]
    assert plain.trace == {}


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"lr": 0.0}, {"trace_every": -1}])
def test_impossible_schedules_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Schedule(**({"epochs": 1, "lr": 0.1} | wrong))  # type: ignore[arg-type]


def test_asking_for_a_missing_gpu_is_one_clear_line() -> None:
    if torch.cuda.is_available():
        assert resolve_device("cuda").type == "cuda"
        return
    with pytest.raises(InputError, match="device: no CUDA device here"):
        resolve_device("cuda")


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu_in_float64() -> None:
    problem = make_problem()
    n = problem.n_records
    gates = Gates(HardConcrete(), np.full((n, 2), 2.0), np.array([1e-3, 1e-2]), (0, 1))
    start = np.tile(np.log(problem.w0)[:, None], 2)
    found = [
        fit(weighted_design(problem), start, Schedule(epochs=20, lr=0.1, precision="float64", device=device), gates)
        for device in ("cpu", "cuda")
    ]
    # issue B: agreement to 1e-4 over the first 20 epochs
    np.testing.assert_allclose(found[0].log_weight, found[1].log_weight, rtol=1e-4, atol=1e-4)
