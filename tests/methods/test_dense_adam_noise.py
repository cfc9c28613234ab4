"""Dense Adam with noise beyond the contract: without noise it is `dense_adam`, masks are unbiased, and it repeats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from frontier import InputError, Point, solve, training_log
from frontier.methods.dense_adam_noise import DenseAdamNoise
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.solvers.gates.torch_block import TorchBlock
from frontier.solvers.gates.train import train
from frontier.solvers.gates.training import Fit
from tests.conftest import make_problem
from tests.solvers.gates.tasks import by_autograd, make_task

SHORT: dict[str, Any] = {"epochs": 60, "device": "cpu", "precision": "float64", "lr": 0.02}
NOISY: dict[str, Any] = SHORT | {"dropout_rate": 0.2, "records_per_step": 25, "noise_level": 3.0}
N = make_problem().n_records


def run(seed: int = 0, threads: int = 1, **params: Any) -> Solution:
    [solution] = solve(make_problem(), "dense_adam_noise", [Point(seed=seed)], threads=threads, **params)
    assert solution.weights is not None, solution.message
    return solution


@pytest.mark.parametrize("more", [{}, {"loss": "capped", "conserve_total": True}, {"precision": "float32"}])
def test_without_noise_it_is_dense_adam_bit_for_bit(more: dict[str, Any]) -> None:
    [plain] = solve(make_problem(), "dense_adam", [Point()], **SHORT | more)
    np.testing.assert_array_equal(run(5, noise_level=0.0, **SHORT | more).weights, plain.weights)


def test_a_batch_of_all_records_is_dense_adam_too() -> None:
    [plain] = solve(make_problem(), "dense_adam", [Point()], **SHORT)
    whole = run(noise_level=0.0, records_per_step=N, **SHORT)
    # the same float64 operations by another engine, in another order, through 60 Adam steps
    np.testing.assert_allclose(whole.weights, plain.weights, rtol=1e-8)


def test_noise_only_adds_to_the_start_and_a_limit_still_holds() -> None:
    problem = make_problem()
    start = run(noise_level=3.0, **SHORT | {"epochs": 1, "lr": 1e-12}).weights  # what Adam moves is below rounding
    added = (np.asarray(start) - problem.w0) / 3.0
    assert added.min() >= 0
    assert added.max() <= 1
    assert 0.3 < added.mean() < 0.7  # U(0, 1): 5 standard errors of 60 draws
    limited = run(noise_level=1e3, max_weight_ratio=1.5, **SHORT).weights
    assert (np.asarray(limited) <= 1.5 * problem.w0 * (1 + 1e-12)).all()  # rounding


@pytest.mark.parametrize(
    ("setting", "extra"), [({"dropout_rate": 0.3}, "dropout"), ({"records_per_step": 13}, "batch")]
)
def test_masked_estimates_are_unbiased_and_the_loss_gains_the_stated_ridge(setting: dict[str, Any], extra: str) -> None:
    problem = make_problem()
    method, design, w = DenseAdamNoise(**setting), weighted_design(problem), problem.w0
    epochs = 5 * 800
    masks = np.array([method.mask(N, 0, epoch) for epoch in range(1, epochs + 1)])
    estimates = masks * w @ design.A.T
    contributions, plain = (design.A.toarray() ** 2).sum(axis=0) @ w**2, design.A @ w
    error = estimates.std(axis=0) / np.sqrt(epochs)
    # 4.5 standard errors; those of disjoint batches are smaller
    assert (np.abs(estimates.mean(axis=0) - plain) <= 4.5 * error + 1e-12).all()
    b = N / 5  # 60 records in batches of at most 13: five of 12
    ridge = (
        0.3 / 0.7 * contributions
        if extra == "dropout"
        else (N - b) / (b * (N - 1)) * (N * contributions - plain @ plain)
    )
    losses = ((estimates - design.b) ** 2).sum(axis=1)
    expected = ((plain - design.b) ** 2).sum() + ridge
    assert abs(losses.mean() - expected) < 4.5 * losses.std() / np.sqrt(epochs)
    assert ridge > 20 * losses.std() / np.sqrt(epochs), "too small to be seen: the test shows nothing"


def test_every_pass_sees_every_record_once_in_a_new_order() -> None:
    method = DenseAdamNoise(records_per_step=13)
    turns = [np.array([method.mask(N, 1, 5 * turn + place) > 0 for place in range(1, 6)]) for turn in (0, 1)]
    for batches in turns:
        assert (batches.sum(axis=0) == 1).all()
        assert batches.sum(axis=1).max() <= 13
    assert (turns[0] != turns[1]).any()


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"name": "capped", "cap": 0.5},
        {"conserve_total": True},
        {"lam_l2": 1e-3},
        {"ridge": np.linspace(0.1, 1.0, N)},
    ],
    ids=["squared", "capped", "conserved", "lam_l2", "ridge"],
)
def test_gradients_are_the_finite_differences_of_the_masked_objective(variant: dict[str, Any]) -> None:
    z = DenseAdamNoise(**NOISY).mask(N, 3, 1)
    task = make_task(gated=False, mask=lambda seed, epoch: z, **variant)
    block = TorchBlock(task, [Fit(0.0, 3)], torch.device("cpu"))
    block.advance(1)  # after one epoch the first moment is a tenth of the gradient
    slope = 10 * block.state[1][:, 0].numpy()
    theta, step = np.log(task.start(3).scale), 1e-5

    def objective(theta: np.ndarray) -> float:
        w = z * np.exp(theta)
        judged = w * task.loss.total / w.sum() if task.loss.total else w
        ridge = 0.5 * task.ridge @ w**2 if task.ridge is not None else 0.0
        data = float(task.loss.value(task.loss.estimates(judged[:, None]))[0])
        return data + float(ridge) + task.lam_l2 * float(np.exp(2 * theta).sum())

    for i in [*np.flatnonzero(z)[:6], *np.flatnonzero(z == 0)[:3]]:
        move = np.zeros(N)
        move[i] = step
        by_difference = (objective(theta + move) - objective(theta - move)) / (2 * step)
        # central differences: error of order step², plus the rounding of the objective (up to 1,000) over the step
        assert slope[i] == pytest.approx(by_difference, rel=1e-5, abs=1e-6)


def test_training_equals_autograd_with_torchs_adam_and_a_new_mask_in_each_epoch() -> None:
    method = DenseAdamNoise(**NOISY)
    task = make_task(gated=False, mask=lambda seed, epoch: method.mask(N, seed, epoch))
    cells = [Fit(0.0, 0), Fit(0.0, 4)]
    for cell, found in zip(cells, train(task, cells), strict=True):
        # the same float64 operations in another order, through 30 Adam steps
        np.testing.assert_allclose(found.weights, by_autograd(task, cell)[0], rtol=1e-8)


def test_results_depend_on_the_seed_and_on_no_thread_or_neighbour() -> None:
    alone = [run(seed, **NOISY).weights for seed in (0, 1, 2)]
    points = [Point(seed=seed) for seed in (2, 0, 1)]
    for threads in (1, 2):
        together = solve(make_problem(), "dense_adam_noise", points, threads=threads, **NOISY)
        for point, solution in zip(points, together, strict=True):
            assert point.seed is not None
            np.testing.assert_array_equal(solution.weights, alone[point.seed])
    assert np.abs(np.asarray(alone[0]) - np.asarray(alone[1])).max() > 1e-3
    only = {name: run(1, **SHORT | {"noise_level": 0.0} | {name: NOISY[name]}).weights for name in NOISY.keys() - SHORT}
    for name, weights in only.items():  # each of the three is random by itself
        other = run(2, **SHORT | {"noise_level": 0.0} | {name: NOISY[name]}).weights
        assert np.abs(np.asarray(weights) - np.asarray(other)).max() > 1e-3, name


@pytest.mark.parametrize("name", ["dense_adam", "dense_adam_noise", "hard_concrete"])
def test_the_log_of_a_fit_has_every_target_at_every_traced_epoch(name: str) -> None:
    problem = make_problem()
    point = {"dense_adam": Point(), "dense_adam_noise": Point(seed=1)}.get(name, Point(lam=1e-3, seed=1))
    settings = SHORT | {"trace_every": 20} | ({"dropout_rate": 0.1} if name == "dense_adam_noise" else {"lr": 0.2})
    [plain] = solve(problem, name, [point], **settings)
    [solution] = solve(problem, name, [point], trace_targets=True, **settings)
    log = training_log(problem, solution)
    assert log["epoch"].unique().tolist() == [1, 20, 40, 60]
    assert log["target"].tolist() == list(problem.target_names) * 4
    last, shown = log[log["epoch"] == 60], plain.trace["loss"]
    assert plain.weights is not None
    np.testing.assert_allclose(last["estimate"], problem.M @ plain.weights, rtol=1e-12)  # rounding
    np.testing.assert_allclose(last["relative_error"], (problem.M @ plain.weights - problem.y) / problem.scale)
    np.testing.assert_array_equal(log["loss"].iloc[:: problem.n_targets], shown)
    [short] = solve(problem, name, [point], **settings | {"epochs": 40})
    assert short.weights is not None
    np.testing.assert_allclose(log[log["epoch"] == 40]["estimate"], problem.M @ short.weights, rtol=1e-12)
    with pytest.raises(InputError, match="trace_targets=True"):
        training_log(problem, plain)
    with pytest.raises(InputError, match="trace_targets=True"):
        training_log(problem.restrict(np.arange(3)), solution)


def test_targets_without_a_trace_are_refused() -> None:
    with pytest.raises(InputError, match="trace_targets: nothing is traced"):
        DenseAdamNoise(trace_targets=True)
