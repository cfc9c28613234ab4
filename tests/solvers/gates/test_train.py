"""The batched fit: traces and early stopping change nothing, checkpoints resume bit for bit, budgets are met."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import frontier.solvers.gates.train as training
from frontier.core.errors import InputError
from frontier.core.limits import thread_limit
from frontier.core.point import reached
from frontier.objectives.design import weighted_design
from frontier.solvers.gates.block import Block
from frontier.solvers.gates.checkpoint import Checkpoints
from frontier.solvers.gates.monitor import Fitted
from frontier.solvers.gates.multisection import multisection
from frontier.solvers.gates.schedule import Device, EarlyStopping, Precision, Schedule, Temperature, TemperatureShape
from frontier.solvers.gates.torch_block import TorchBlock
from frontier.solvers.gates.train import cuda_asked, train
from frontier.solvers.gates.training import Fit, rescaled
from tests.conftest import DEVICES, make_problem
from tests.solvers.gates.tasks import make_task

CELLS = [Fit(10.0**-k, seed) for k in range(1, 5) for seed in (1, 0)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_cells_come_back_in_their_order_whatever_the_blocks(precision: Precision, device: Device) -> None:
    task = make_task(precision=precision, device=device)
    together = train(task, CELLS)
    for cell, found in zip(CELLS, together, strict=True):
        [alone] = train(task, [cell])
        np.testing.assert_array_equal(found.weights, alone.weights)


def test_long_columns_put_cells_of_a_lam_side_by_side_and_change_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task(precision="float32")
    cells = [Fit(lam, seed) for lam in (1e-3, 1e-1, 1.0) for seed in range(4)]
    by_seed = train(task, cells)
    monkeypatch.setattr("frontier.solvers.gates.train.LONG_COLUMNS", 0)
    for one, other in zip(by_seed, train(task, cells), strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)


def test_without_gates_it_minimises_least_squares() -> None:
    problem = make_problem(noise=0.0)
    [found] = train(make_task(problem, gated=False, epochs=2000, lr=0.02), [Fit(0.0, 0)])
    design = weighted_design(problem)
    assert np.abs(design.A @ found.weights - design.b).max() < 1e-6  # 60 records, 6 targets: an exact fit exists
    assert np.isnan(found.expected_active)


def test_the_trace_changes_nothing_and_shows_what_stopping_would_return() -> None:
    plain = train(make_task(), CELLS)
    traced = train(make_task(trace_every=10), CELLS)
    early = train(make_task(epochs=10), CELLS)
    for one, other, tenth in zip(plain, traced, early, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
        assert one.trace == {}
        assert other.trace["iteration"].tolist() == [1, 10, 20, 30]
        assert other.trace["n_active"][1] == np.count_nonzero(tenth.weights)
        assert other.trace["expected_active"][1] == tenth.expected_active


def test_a_settled_cell_stops_with_the_weights_of_that_moment_and_the_others_train_on() -> None:
    stopping = EarlyStopping(tol=1e-2, every=20, patience=2)
    whole = train(make_task(epochs=600), CELLS)
    stopped = train(make_task(epochs=600, stopping=stopping), CELLS)
    settled = [found for found in stopped if found.settled]
    assert 0 < len(settled) < len(CELLS), "none or all settled: the test shows nothing"
    for cell, one, other in zip(CELLS, whole, stopped, strict=True):
        if other.settled:
            [again] = train(make_task(epochs=other.epochs), [cell])
            np.testing.assert_array_equal(other.weights, again.weights)
            assert other.epochs % 20 == 0
        else:
            np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("killed_after", [3, 10, 29])
def test_a_killed_fit_resumes_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int, device: Device
) -> None:
    stopping = EarlyStopping(tol=0.5, every=4, patience=2)
    schedule = {"precision": "float32", "device": device, "trace_every": 5, "stopping": stopping}
    task = make_task(**schedule, traced=make_problem().M)
    whole = train(task, CELLS)
    checkpoints = Checkpoints(tmp_path, 1, "a fit")
    kind: Any = Block if device == "cpu" else TorchBlock
    advance = kind.advance

    def killed(self: Any, until: int) -> None:
        if until > killed_after:
            raise KeyboardInterrupt
        advance(self, until)

    with monkeypatch.context() as patched:
        patched.setattr(kind, "advance", killed)
        with pytest.raises(KeyboardInterrupt):
            train(task, CELLS, checkpoints)
    assert list(tmp_path.iterdir())
    resumed = train(task, CELLS, checkpoints)
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
        assert one.epochs == other.epochs
        assert one.trace.keys() == other.trace.keys() != set()
        for name in one.trace:
            np.testing.assert_array_equal(one.trace[name], other.trace[name])
    assert not list(tmp_path.iterdir()), "a finished fit leaves its checkpoints behind"


def test_a_damaged_checkpoint_is_one_clear_line_and_another_fits_is_not_taken_up(tmp_path: Path) -> None:
    task, cell = make_task(), [Fit(1e-2, 0)]

    class Stop(Exception):
        pass

    def interrupted(folder: Path, digest: str) -> None:
        checkpoints = Checkpoints(folder, 10, digest)
        keep = Checkpoints.save

        def save(self: Checkpoints, *arguments: Any) -> None:
            keep(self, *arguments)
            raise Stop

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Checkpoints, "save", save)
            with pytest.raises(Stop):
                train(task, cell, checkpoints)

    interrupted(tmp_path, "one")
    interrupted(tmp_path, "another")
    assert len(list(tmp_path.iterdir())) == 2
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"no usable checkpoint: checksum mismatch.*; delete it to start over"):
        train(task, cell, Checkpoints(tmp_path, 10, "one"))


def test_budgets_are_reached_for_every_seed() -> None:
    task = make_task(make_problem(n=600), epochs=200)
    wanted = [(budget, seed) for budget in (300, 60) for seed in (0, 1)]
    found = multisection(lambda cells: train(task, cells), wanted, 1e-2)
    for budget, seed in wanted:
        met = found[budget, seed]
        assert reached(met.count, budget)
        [again] = train(task, [Fit(met.lam, seed)])
        np.testing.assert_array_equal(met.fit.weights, again.weights)


def test_a_budget_that_no_lam_meets_gets_the_nearest_size() -> None:
    def trained(cells: list[Fit]) -> list[Fitted]:  # counts of 100 above λ = 1, and 10 below: nothing between
        sizes = [100 if cell.lam < 1 else 10 for cell in cells]
        return [Fitted(np.r_[np.ones(k), np.zeros(200 - k)], float(k), 1, settled=False, trace={}) for k in sizes]

    found = multisection(trained, [(80, 0), (15, 0), (150, 0), (5, 0)], 1.0)
    assert [found[budget, 0].count for budget in (80, 15, 150, 5)] == [100, 10, 100, 10]


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_lams_that_leave_more_records_than_asked_for_are_not_tried_and_the_answer_is_the_same(seeds: int) -> None:
    asked: list[Fit] = []

    def trained(cells: list[Fit]) -> list[Fitted]:  # of 2,000 records fewer the larger λ, of every seed others
        asked.extend(cells)
        sizes = [round(2000 / (1 + 1e3 * (1 + 0.1 * cell.seed) * cell.lam)) for cell in cells]
        return [Fitted(np.r_[np.ones(k), np.zeros(2000 - k)], float(k), 1, settled=False, trace={}) for k in sizes]

    wanted = [(budget, seed) for budget in (100, 30) for seed in range(seeds)]
    found = multisection(trained, wanted, 1.0)
    tried = len(asked)
    whole = multisection(trained, wanted, 1.0, at_once=True)
    assert whole[wanted[0]].rounds == 1 + (len(asked) > tried + 13 * seeds)  # the grid, then one of cuts
    assert [(found[key].lam, found[key].rounds) for key in wanted] == [
        (whole[key].lam, whole[key].rounds) for key in wanted
    ]
    assert all(reached(found[key].count, key[0]) for key in wanted)
    assert tried <= len(asked) - tried - 5 * seeds  # of 13 λ at least five a seed are left out


def test_a_budget_of_nearly_all_records_is_looked_for_down_to_the_smallest_lam() -> None:
    def trained(cells: list[Fit]) -> list[Fitted]:
        sizes = [200 if cell.lam < 1e-5 else 10 for cell in cells]
        return [Fitted(np.r_[np.ones(k), np.zeros(200 - k)], float(k), 1, settled=False, trace={}) for k in sizes]

    assert multisection(trained, [(200, 0)], 1.0)[200, 0].count == 200


def test_rescaling_shares_out_what_capped_weights_cannot_take() -> None:
    weights, limit = np.array([1.0, 2.0, 0.0, 5.0]), np.array([10.0, 10.0, 10.0, 6.0])
    np.testing.assert_allclose(rescaled(weights, 18.0, limit), [4.0, 8.0, 0.0, 6.0])
    np.testing.assert_allclose(rescaled(weights, 4.0, None), weights / 2)
    np.testing.assert_array_equal(rescaled(weights, 100.0, limit), [10.0, 10.0, 0.0, 6.0])  # as far as the caps allow
    np.testing.assert_array_equal(rescaled(np.zeros(3), 4.0, None), np.zeros(3))


@pytest.mark.parametrize("shape", ["linear", "exponential", "cosine"])
def test_temperatures_go_from_start_to_end_without_turning(shape: Any) -> None:
    over = Temperature(initial=2.0, final=0.5, shape=shape).over(50)
    assert over[0] == pytest.approx(2.0)
    assert over[-1] == pytest.approx(0.5)
    assert (np.diff(over) < 0).all()
    middle = {"linear": 1.25, "exponential": 1.0, "cosine": 1.25}[shape]
    assert Temperature(initial=2.0, final=0.5, shape=shape).over(51)[25] == pytest.approx(middle)


@pytest.mark.parametrize("shape", ["constant", "linear", "exponential", "cosine"])
def test_the_temperature_anneals_over_some_epochs_and_then_holds(shape: TemperatureShape) -> None:
    start = 0.5 if shape == "constant" else 2.0
    over = Temperature(initial=start, final=0.5, shape=shape, anneal_epochs=20).over(50)
    np.testing.assert_array_equal(over[:20], Temperature(initial=start, final=0.5, shape=shape).over(20))
    np.testing.assert_allclose(over[19:], 0.5, rtol=1e-15)  # one rounding
    with pytest.raises(InputError, match="anneal_epochs: β would not arrive"):
        Temperature(initial=start, final=0.5, shape=shape, anneal_epochs=20).over(19)
    with pytest.raises(InputError, match="anneal_epochs: no epochs"):
        Temperature(initial=start, final=0.5, shape=shape, anneal_epochs=0)


def test_without_a_driver_torch_is_not_imported_to_ask_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it raises
    monkeypatch.setattr(training, "_has_driver", lambda: False)
    assert not cuda_asked("auto")
    monkeypatch.setattr(training, "_has_driver", lambda: True)
    with pytest.raises(ModuleNotFoundError):
        cuda_asked("auto")


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"lr": 0.0}, {"lr": float("nan")}, {"trace_every": -1}],
)
def test_impossible_schedules_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Schedule(**({"epochs": 1, "lr": 0.1} | wrong))  # type: ignore[arg-type]


def test_asking_for_a_missing_gpu_is_one_clear_line() -> None:
    if torch.cuda.is_available():
        assert cuda_asked("cuda")
        return
    assert not cuda_asked("auto")
    with pytest.raises(InputError, match="device: no CUDA device here"):
        cuda_asked("cuda")


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu_in_float64() -> None:
    tasks = [make_task(epochs=20, device=device) for device in ("cpu", "cuda")]
    for one, other in zip(*(train(task, CELLS) for task in tasks), strict=True):
        # issue B: agreement to 1e-4 over the first 20 epochs
        np.testing.assert_allclose(one.weights, other.weights, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("threads", "arrays"), [(2, 8), (16, 9)])
def test_a_grid_needs_no_more_memory_than_eight_arrays_of_its_size_or_nine_all_at_once(
    threads: int, arrays: int
) -> None:
    problem = make_problem(n=20_000, m=6)
    task = make_task(problem, epochs=3, precision="float32")
    cells = [Fit(10.0**-k, seed) for k in range(12) for seed in range(4)]
    with thread_limit(threads):
        train(task, cells)  # compiled before memory is counted
        tracemalloc.start()
        found = train(task, cells)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    matrix = task.loss.design.A
    held = 3 * (matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes)  # float64, by columns, and float32
    assert len(found) == 48
    # issue B: at most 8 arrays of n × cells × 4 bytes, the weights returned among them, plus M. Where all blocks train
    # at once, none has given its state back before all weights are there: 7 arrays, and these in float64. A thread has
    # objects of its own, 3 KB once when all were at their peak in one moment
    assert peak <= arrays * 4 * problem.n_records * len(cells) + held + 4096 * threads


@pytest.mark.gpu
def test_the_gpu_ends_with_the_cpus_distribution() -> None:
    problem = make_problem(n=600)
    cells = [Fit(lam, seed) for lam in (1e-3, 1e-2, 1e-1) for seed in range(20)]
    tasks = [make_task(problem, epochs=300, precision="float32", device=device) for device in ("cpu", "cuda")]
    ours, theirs = (
        np.array([np.count_nonzero(found.weights) for found in train(task, cells)], float).reshape(3, 20)
        for task in tasks
    )
    error = np.sqrt((ours.var(axis=1, ddof=1) + theirs.var(axis=1, ddof=1)) / 20)
    assert (
        np.abs(ours.mean(axis=1) - theirs.mean(axis=1)) <= 2 * error + 0.5
    ).all()  # two standard errors, and a record
