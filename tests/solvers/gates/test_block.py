"""The compiled kernel: against autograd with torch's Adam, against finite differences, and against its torch twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import frontier.solvers.gates.block as block_module
from frontier.core.problem import CalibrationProblem
from frontier.core.random import STREAM_GATES, keys
from frontier.solvers.gates.block import MOST_ARRAYS, WIDEST, Block, Matrices, block_widths
from frontier.solvers.gates.gates import HardConcrete
from frontier.solvers.gates.kernel import LANES, M_ALPHA, M_THETA, SIGMOID, draw_logits
from frontier.solvers.gates.schedule import Temperature
from frontier.solvers.gates.torch_block import TorchBlock, gate_logits
from frontier.solvers.gates.train import train
from frontier.solvers.gates.training import Fit, Training
from frontier.sweep.measure import limited_threads
from tests.conftest import DEVICES, make_problem
from tests.solvers.gates.tasks import by_autograd, make_task

CELLS = [Fit(1e-3, 0), Fit(1e-1, 0), Fit(1e-3, 5)]
N = make_problem().n_records
VARIANTS: dict[str, dict[str, Any]] = {
    "squared": {},
    "capped": {"name": "capped", "cap": 0.3},
    "conserved total": {"conserve_total": True},
    "capped, conserved total": {"name": "capped", "cap": 0.5, "conserve_total": True},
    "ridge on e^2theta": {"lam_l2": 1e-3},
    "ridge on the weight ratio": {"ridge": np.linspace(0.1, 1.0, N)},
    "limited": {"limit": make_problem().w0 * np.linspace(0.9, 1.2, N)},
    "cooling": {"temperature": Temperature(initial=1.0, final=0.4, shape="cosine")},
    "other gates": {"gates": HardConcrete(temperature=0.4, gamma=-0.3, zeta=1.4)},
    "dense": {"gated": False},
    "dense, limited, conserved": {"gated": False, "conserve_total": True, "limit": make_problem().w0 * 1.1},
}


def trained(task: Training, cells: list[Fit], width: int = 8) -> Block:
    block = Block(task, cells, Matrices.of(task), width)
    block.advance(task.schedule.epochs)
    return block


@pytest.mark.parametrize("variant", VARIANTS)
def test_training_equals_autograd_with_torchs_adam(variant: str) -> None:
    task = make_task(**VARIANTS[variant])
    block = trained(task, CELLS)
    for cell, wanted in enumerate(CELLS):
        scale, log_alpha = by_autograd(task, wanted)
        # the same float64 operations in another order, through 30 Adam steps
        np.testing.assert_allclose(block.scale(cell), scale, rtol=1e-8)
        if task.gates is not None:
            np.testing.assert_allclose(block.log_alpha(cell), log_alpha, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_torch_engine_agrees_with_the_kernel(variant: str, device: str) -> None:
    task = make_task(**VARIANTS[variant])
    block, twin = trained(task, CELLS), TorchBlock(task, CELLS, torch.device(device))
    twin.advance(task.schedule.epochs)
    for cell in range(len(CELLS)):
        np.testing.assert_allclose(block.scale(cell), twin.scale(cell), rtol=1e-8)  # as above
        if task.gates is not None:
            np.testing.assert_allclose(block.log_alpha(cell), twin.log_alpha(cell), rtol=1e-8, atol=1e-8)


def test_float32_training_stays_near_float64() -> None:
    double, single = trained(make_task(), CELLS), trained(make_task(precision="float32"), CELLS)
    for cell in range(len(CELLS)):
        # rounding of 6e-8 per operation over 30 steps; an Adam step can turn on the sign of a tiny gradient
        np.testing.assert_allclose(single.scale(cell), double.scale(cell), rtol=2e-3)


@pytest.mark.parametrize("variant", ["squared", "capped", "conserved total", "ridge on the weight ratio"])
def test_gradients_are_the_finite_differences_of_the_objective(variant: str) -> None:
    task = make_task(**VARIANTS[variant])
    cell = Fit(0.05, 3)
    block = Block(task, [cell], Matrices.of(task), 1)
    block.advance(1)  # after one epoch the first moments are a tenth of the gradient
    theta_slope, alpha_slope = (10 * block._column(array, 0) for array in (M_THETA, M_ALPHA))
    start, gates = task.start(cell.seed), task.gates
    assert gates is not None
    assert start.log_alpha is not None
    noise = gate_logits((cell.seed,), 1, torch.arange(N), torch.float64)[:, 0].numpy()

    def objective(theta: np.ndarray, alpha: np.ndarray) -> float:
        z = np.clip(gates.width / (1 + np.exp(-(noise + alpha) / gates.temperature)) + gates.gamma, 0, 1)
        w = np.exp(theta) * z
        ridge = 0.5 * task.ridge @ w**2 if task.ridge is not None else 0.0
        judged = w * task.loss.total / w.sum() if task.loss.total else w
        data = float(task.loss.value(task.loss.estimates(judged[:, None]))[0])
        return data + float(ridge) + cell.lam * float(gates.keep_probability(alpha).sum())

    theta, step = np.log(start.scale), 1e-5
    for i in range(0, N, 7):
        move = np.zeros(N)
        move[i] = step
        by_theta = (objective(theta + move, start.log_alpha) - objective(theta - move, start.log_alpha)) / (2 * step)
        by_alpha = (objective(theta, start.log_alpha + move) - objective(theta, start.log_alpha - move)) / (2 * step)
        # central differences: error of order step², plus the rounding of the objective (up to 1,000) over the step
        assert theta_slope[i] == pytest.approx(by_theta, rel=1e-5, abs=1e-6)
        assert alpha_slope[i] == pytest.approx(by_alpha, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_cells_bits_do_not_depend_on_the_cells_beside_it(precision: str) -> None:
    task = make_task(make_problem(n=150), precision=precision)
    many = [Fit(10.0**-k, seed) for seed in (0, 3) for k in range(8)]
    wide = trained(task, many, WIDEST)
    for cell in (0, 5, 11):
        for width in (1, 8):
            alone = trained(task, [many[cell]], width)
            np.testing.assert_array_equal(wide.scale(cell), alone.scale(0))
            np.testing.assert_array_equal(wide.log_alpha(cell), alone.log_alpha(0))


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("variant", ["squared", "conserved total", "limited", "dense"])
def test_an_epoch_cut_into_spans_has_the_same_bits_for_any_number_of_threads(
    variant: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = make_problem(n=4500)
    params = VARIANTS[variant] | ({"limit": problem.w0} if variant == "limited" else {})
    task = make_task(problem, precision=precision, **params)
    cells = CELLS if task.gates is not None else CELLS[:1]
    uncut = trained(task, cells, 8 if len(cells) > 1 else 1)
    monkeypatch.setattr(block_module, "LONG_DESIGN", 0)
    blocks, fits = [], []
    for threads in (1, 2, 5):
        with limited_threads(threads):
            blocks.append([trained(task, [cell], 1) for cell in cells])
            fits.append([fit.weights for fit in train(task, cells)])
        np.testing.assert_array_equal(fits[-1], fits[0])
        for k, alone in enumerate(blocks[-1]):
            np.testing.assert_array_equal(alone.state, blocks[0][k].state)
            if precision == "float64":  # the same sums in another order, through 30 Adam steps
                np.testing.assert_allclose(alone.scale(0), uncut.scale(k), rtol=1e-8)
    spans = block_module._spans(4500)
    assert len(spans) == 8
    assert [begin for begin, _ in spans[1:]] == [end for _, end in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (0, 4500)


def test_leaving_out_closed_gates_changes_no_bit() -> None:
    """Alone, a cell's closed records are left out of both products; beside cells with all gates open, they are not."""
    task = make_task(make_problem(n=150), precision="float32", epochs=1500)
    sparse, full = Fit(0.3, 0), Fit(0.0, 0)
    alone, beside = trained(task, [sparse], 1), trained(task, [sparse, *[full] * 7], 8)
    closed = (alone.state[:, SIGMOID] < 1 / 12).reshape(-1)[:150]
    assert 0.5 < closed.mean() < 1  # there is something to leave out, and something left
    for array in range(7):
        one, other = (block.state[:, array, :, 0].ravel()[:150] for block in (alone, beside))
        np.testing.assert_array_equal(one, other)
    idle = np.abs(alone.state[:, M_THETA])
    assert (idle == 0).any()  # long closed
    assert not ((idle > 0) & (idle < np.finfo(np.float32).tiny)).any()  # nothing denormal: slow


def test_the_kernel_draws_the_noise_of_the_torch_engine() -> None:
    [[key]] = keys((7,), STREAM_GATES, 4)[3:]
    for real, precision in ((np.float32, torch.float32), (np.float64, torch.float64)):
        drawn = np.empty(LANES, real)
        draw_logits(1000, key, drawn)
        other = gate_logits((7,), 3, torch.arange(1000, 1000 + LANES), precision)
        np.testing.assert_allclose(drawn, other[:, 0].numpy(), rtol=1e-5 if real is np.float32 else 1e-13, atol=1e-6)


@pytest.mark.parametrize("stop", [1, 7, 29])
def test_a_restored_block_goes_on_with_the_same_bits(stop: int) -> None:
    task = make_task(precision="float32")
    whole = trained(task, CELLS)
    first = Block(task, CELLS, Matrices.of(task), 8)
    first.advance(stop)
    kept = {name: np.array(array) for name, array in first.arrays().items()}
    second = Block(task, CELLS, Matrices.of(task), 8)
    second.restore(kept)
    second.advance(task.schedule.epochs)
    np.testing.assert_array_equal(whole.state, second.state)


def test_padding_never_costs_more_than_the_promised_memory() -> None:
    padded = []
    for cells in range(1, 200):
        widths = block_widths(cells)
        assert sum(widths) >= cells
        assert sum(widths[:-1]) < cells
        if sum(widths) > cells:
            padded.append(cells)
            assert 7 * sum(widths) <= MOST_ARRAYS * cells
    assert padded


def test_a_weight_that_overflows_is_not_hidden() -> None:
    problem = make_problem()
    huge = CalibrationProblem("huge", problem.M * 1e30, problem.y, problem.w0)
    block = trained(make_task(huge, precision="float32"), [Fit(1e-3, 0)])
    assert not np.isfinite(block.scale(0)).all()
