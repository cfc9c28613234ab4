"""The least that any implementation of the L0 fit must do per epoch, and how fast this machine does it.

Bytes: the optimiser's six arrays (e^θ, α and two moments each) are read and written once, `6 · 2 · size · n · cells`,
and A is read once per block of cells, `(size + 4) · nnz` (a value and a row index). Operations: two multiply-adds per
entry and cell (`A w` and its transpose), and `ELEMENTWISE` per record and cell. Both rates are measured here, on arrays
of the size that a block of the fit has, by as many threads: what fits in a cache is measured from there. The bound is
the larger of the two times, as a machine can compute while it moves (the roofline model: Williams, Waterman & Patterson
2009); nothing here knows the kernel.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from frontier.solvers.gates.block import WIDEST, block_widths
from frontier.solvers.gates.elementary import OPTIONS

STATE_ARRAYS = 6
ELEMENTWISE = 90  # operations per record and cell: 4 exponentials of 12, 4 quotients and roots, 38 others (the kernel)
CHAIN = 4096  # numbers of the multiply-add loop: in the first cache
SWEEPS = 5


@dataclass(frozen=True, slots=True)
class Bound:
    """Work of a grid, this machine's rates, and the seconds that they allow at best."""

    moved_bytes: float
    operations: float
    bytes_per_second: float
    operations_per_second: float

    @property
    def moving_seconds(self) -> float:
        return self.moved_bytes / self.bytes_per_second

    @property
    def computing_seconds(self) -> float:
        return self.operations / self.operations_per_second

    @property
    def seconds(self) -> float:
        return max(self.moving_seconds, self.computing_seconds)


def bound(*, n: int, nnz: int, cells: int, epochs: int, threads: int, size: int = 4) -> Bound:
    """The bound of training `cells` cells for `epochs` epochs on a design of `nnz` entries; `size` bytes per number."""
    blocks = len(block_widths(cells))
    working = STATE_ARRAYS * size * n * min(cells, WIDEST)  # of one thread at a time
    return Bound(
        moved_bytes=epochs * (2.0 * STATE_ARRAYS * size * n * cells + (size + 4.0) * nnz * blocks),
        operations=epochs * (4.0 * nnz * cells + ELEMENTWISE * n * cells),
        bytes_per_second=bandwidth(working, threads, size),
        operations_per_second=multiply_adds(threads, size),
    )


def bandwidth(working_bytes: int, threads: int, size: int = 4) -> float:
    """Bytes per second that `threads` threads read and write, each sweeping over its own array of that size."""
    arrays = [np.ones(max(working_bytes // size, 1), np.float32 if size == 4 else np.float64) for _ in range(threads)]
    return _rate(_sweep, arrays, 2.0 * working_bytes)


def multiply_adds(threads: int, size: int = 4) -> float:
    """Additions and multiplications per second of `threads` threads, fused and vectorised, in the first cache."""
    arrays = [np.ones(CHAIN, np.float32 if size == 4 else np.float64) for _ in range(threads)]
    return _rate(_multiply_add, arrays, 2.0 * 16 * CHAIN)


def _rate(kernel: Any, arrays: list[NDArray[Any]], work: float) -> float:
    """The best of a few timed runs of about 0.1 seconds each, over all threads."""
    with ThreadPoolExecutor(len(arrays)) as pool:

        def seconds(times: int) -> float:
            start = time.perf_counter()
            list(pool.map(lambda array: kernel(array, times), arrays))
            return time.perf_counter() - start

        seconds(1)  # compiles
        times = max(1, int(0.1 / max(seconds(3) / 3, 1e-7)))
        best = min(seconds(times) for _ in range(SWEEPS))
    return work * times * len(arrays) / best


@njit(**OPTIONS, cache=True, nogil=True)
def _sweep(array, times):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    factor = array.dtype.type(0.999)
    for _ in range(times):
        for i in range(len(array)):
            array[i] = array[i] * factor


@njit(**OPTIONS, cache=True, nogil=True)
def _multiply_add(array, times):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    a, b = array.dtype.type(0.999), array.dtype.type(0.001)
    for _ in range(times):
        for i in range(len(array)):
            x = array[i]
            for _ in range(16):
                x = x * a + b
            array[i] = x
