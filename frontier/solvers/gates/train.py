"""The batched fit: cut the cells into blocks, train the blocks, look at them on the way, and return every cell.

On the CPU blocks are trained by the compiled kernel: one per thread at a time (as many threads as are allowed), or, of
a long design, one after the other on all threads. On a GPU they are trained by torch, as many cells at once as
`torch_block.cells_at_once` says. Fits with a mask, which the kernel does not know, are trained by torch on the CPU too,
each cell a block. A cell's result depends on none of this but the device. When the time of the solve is used up, blocks
stop where they are, and those whose turn has not come are not begun.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from pathlib import Path

from frontier.core.errors import InputError
from frontier.core.limits import allowed_threads, out_of_time
from frontier.solvers.gates.block import Block, Matrices, block_widths, is_long
from frontier.solvers.gates.checkpoint import Checkpoints
from frontier.solvers.gates.monitor import Fitted, Monitor, Trainer
from frontier.solvers.gates.schedule import Device
from frontier.solvers.gates.training import Fit, Training

LONG_COLUMNS = 24  # entries per record: with 60 a grid took 25% less with cells of a λ side by side, with 8 15% more


def cuda_asked(device: Device) -> bool:
    """Whether a fit goes to the GPU: `auto` takes one that is there; asking for one that is not is an `InputError`."""
    if device == "cpu":
        return False
    available = _has_driver()
    if available:
        import torch

        available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise InputError("device", "no CUDA device here", expected="auto or cpu", got="cuda", cure="use device: auto")
    return available


@cache
def _has_driver() -> bool:
    """Whether a driver is here without which torch finds no GPU: it is faster to look for than torch to import."""
    if Path("/dev/kfd").exists():  # AMD's
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def train(task: Training, cells: Sequence[Fit], checkpoints: Checkpoints | None = None) -> list[Fitted]:
    """Train all cells; the results are in their order."""
    order = sorted(range(len(cells)), key=_neighbour(task, cells))
    blocks, at_once = _blocks(task, [cells[i] for i in order])
    threads = min(allowed_threads(), at_once)
    if threads == 1:
        done = [_train(task, part, build, checkpoints) for part, build in blocks]
    else:
        contexts = [copy_context() for _ in blocks]  # the time that is left is part of it
        with ThreadPoolExecutor(threads) as pool:
            done = list(
                pool.map(lambda block, context: context.run(_train, task, *block, checkpoints), blocks, contexts)
            )
    found = [result for results in done for result in results]
    return [result for _, result in sorted(zip(order, found, strict=True), key=lambda pair: pair[0])]


def _neighbour(task: Training, cells: Sequence[Fit]) -> Callable[[int], tuple[float, ...]]:
    """What cells are sorted by, so that those side by side share work.

    Those of a seed share their noise, those of a λ their closed records, whose columns are read for none of them.
    """
    if task.gates is not None and task.loss.design.matrix.nnz > LONG_COLUMNS * task.n_records:
        return lambda i: (-cells[i].lam, cells[i].seed)
    return lambda i: (cells[i].seed,)


def _blocks(task: Training, cells: Sequence[Fit]) -> tuple[list[tuple[Sequence[Fit], Callable[[], Trainer]]], int]:
    """The cells of each block, in the order of `cells`, and its building: when its turn comes; gone when done.

    Beside them how many may be trained at once: one where a block itself uses all threads, or the whole GPU.
    """
    builds: list[tuple[Sequence[Fit], Callable[[], Trainer]]] = []
    cuda = cuda_asked(task.schedule.device)
    if cuda or task.mask is not None:
        import torch

        from frontier.solvers.gates.torch_block import TorchBlock, cells_at_once

        size, device = (cells_at_once(task), torch.device("cuda")) if cuda else (1, torch.device("cpu"))
        parts = [cells[i : i + size] for i in range(0, len(cells), size)]
        builds = [(part, lambda part=part: TorchBlock(task, part, device)) for part in parts]  # type: ignore[misc]
        return builds, 1 if cuda else len(parts)
    matrices = Matrices.of(task)
    first = 0
    for width in block_widths(len(cells)):
        part = cells[first : first + width]
        builds.append((part, lambda part=part, width=width: Block(task, part, matrices, width)))  # type: ignore[misc]
        first += width
    return builds, 1 if is_long(task) else len(builds)


def _train(
    task: Training, cells: Sequence[Fit], build: Callable[[], Trainer], checkpoints: Checkpoints | None
) -> list[Fitted]:
    if out_of_time():
        return [Fitted.not_begun(task.n_records) for _ in cells]
    trainer = build()
    monitor = Monitor(task, trainer.cells)
    looks = task.schedule.events
    stops = set(looks)
    if checkpoints is not None:
        checkpoints.load(trainer, monitor, task.schedule.epochs)
        stops |= set(range(checkpoints.every, task.schedule.epochs, checkpoints.every))
    for stop in sorted(stops):
        if stop <= trainer.epoch:
            continue
        trainer.advance(stop)
        if trainer.epoch < stop:  # out of time
            if checkpoints is not None and trainer.epoch > 0:
                checkpoints.save(trainer, monitor)
            return monitor.results(trainer)
        if stop in looks:
            monitor.look(trainer)
        if monitor.all_settled:
            break
        if checkpoints is not None and stop % checkpoints.every == 0:
            checkpoints.save(trainer, monitor)
    if checkpoints is not None:
        checkpoints.finish(trainer, monitor)
    return monitor.results(trainer)
