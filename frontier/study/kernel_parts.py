"""Where an epoch of the L0 kernel goes: what its own instructions take on numbers that are in the first cache.

Four parts, each timed by itself on this machine: a draw (a hash and two logarithms per record and seed), an update
(Adam on scale and α, the gate's slope, the next gate: 3 exponentials, 3 quotients and 2 roots per record and cell),
and the two products (an entry of A with a row of W numbers, read in one and read and written in the other). Their sum
is what an epoch would take if memory were infinitely fast, columns were long, and no gate were closed; the distance
from it is memory, short columns and the book-keeping of chunks, and closed gates bring it down.
"""

# mypy: disable-error-code="call-arg"
# an intrinsic is called without its typing context

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from frontier.solvers.gates.block import block_widths
from frontier.solvers.gates.elementary import OPTIONS
from frontier.solvers.gates.kernel import LANES, draw_logits, update_gated
from frontier.solvers.gates.lanes import gather, scatter

ROWS, LONG, COLUMNS = 128, 64, 32  # of the made matrix: 64 entries per column, and rows that stay in the first cache
SWEEPS = 7


@dataclass(frozen=True, slots=True)
class Parts:
    """Seconds of the parts of an epoch, all cells, one thread."""

    draws: float
    updates: float
    products: float

    @property
    def seconds(self) -> float:
        return self.draws + self.updates + self.products


def parts(*, n: int, nnz: int, cells: int, seeds: int, epochs: int, threads: int) -> Parts:
    """What training `cells` cells for `epochs` epochs takes at the rates of this machine's first cache.

    Blocks of cells are shared out to threads; cells of a seed stand together, so a block draws for few seeds.
    """
    widths = block_widths(cells)
    drawn = sum(max(1, min(round(seeds * width / cells), width)) for width in widths)
    update, draw = _update_seconds(), _draw_seconds()
    entry = {width: _entry_seconds(width) for width in set(widths)}
    share = epochs / min(threads, len(widths))
    return Parts(
        draws=share * n * drawn * draw,
        updates=share * n * sum(widths) * update,
        products=share * nnz * sum(entry[width] for width in widths),
    )


def _draw_seconds() -> float:
    """Seconds of a draw."""
    out = np.empty(LANES, np.float32)
    return _fastest(lambda: draw_logits(0, np.uint64(7), out), LANES)


def _update_seconds() -> float:
    """Seconds of a record's update in one cell; a step of 0, so that the state stays as it is."""
    real = np.float32
    random = np.random.default_rng(0)
    chunk = random.uniform(0.1, 1.0, 7 * LANES).astype(real)
    work = random.uniform(0.1, 1.0, 6 * LANES).astype(real)
    constants = [real(x) for x in (0.0, 1.5, 1.5, 1.6, -0.1, 1.2, 0.0, 1.0)]
    return _fastest(lambda: update_gated(chunk, work, *constants), LANES)


def _entry_seconds(width: int) -> float:
    """Seconds of an entry of A in both products, for one block of cells."""
    random = np.random.default_rng(0)
    indices = np.sort(random.integers(0, ROWS, (COLUMNS, LONG)), axis=1).astype(np.int32).ravel()
    data = random.uniform(0.1, 1.0, indices.size).astype(np.float32)
    matrix, out = np.ones(ROWS * width, np.float32), np.zeros(ROWS * width, np.float32)
    work, run = np.ones(COLUMNS * width, np.float32), _products(width)
    return _fastest(lambda: run(indices, data, matrix, work, out), indices.size)


def _products(width: int) -> Callable[..., None]:
    @njit(**OPTIONS, nogil=True)
    def run(indices, data, matrix, work, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
        for i in range(COLUMNS):
            gather(width, data, indices, i * LONG, (i + 1) * LONG, matrix, work, i * width)
        for i in range(COLUMNS):
            scatter(width, data, indices, i * LONG, (i + 1) * LONG, work, i * width, out)
        out[:] = 0

    return run  # type: ignore[no-any-return]


def _fastest(call: Callable[[], object], items: int) -> float:
    """Seconds per item of the fastest of some timed runs of about 20 ms each."""
    call()
    start = time.perf_counter()
    call()
    times = max(1, int(0.02 / max(time.perf_counter() - start, 1e-7)))
    best = np.inf
    for _ in range(SWEEPS):
        start = time.perf_counter()
        for _ in range(times):
            call()
        best = min(best, time.perf_counter() - start)
    return best / (times * items)
