"""A block of cells trained by the compiled kernel: its state, how it advances, and what a checkpoint of it holds.

Cells are trained in blocks of 16, 8 or 1 side by side (`block_widths`), a rule that knows how many cells there are,
but neither threads nor jobs. Blocks do not influence each other: as many are in memory as there are threads.

Of a long design, where an epoch of a single cell takes milliseconds, blocks are trained one after the other, and an
epoch goes through eight spans of records, each on a thread that is free and with products of its own, which are added
up in their order: the sums, and so the bits, are the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import allowed_threads, out_of_time
from frontier.core.random import STREAM_GATES, keys
from frontier.solvers.gates.kernel import ALPHA, LANES, SCALE, epoch_loop, take_dual
from frontier.solvers.gates.training import Fit, Training

WIDEST = 16  # float32 numbers in an AVX-512 register
MOST_ARRAYS = 8  # of n × cells numbers: padding may not make a batch larger than that
NUMBERS_PER_CALL = 3e8  # a call of the kernel lasts about a second, so that an interrupt is heeded
LONG_DESIGN, SPANS = 1 << 22, 8  # entries from which on an epoch is cut, and into how many spans of records

Span = tuple[int, int]  # from a record, a multiple of `LANES`, to before another


@dataclass(frozen=True, slots=True, eq=False)
class Matrices:
    """The design as the kernel reads it: CSC arrays, b, q, in one precision; shared by all blocks of a task."""

    columns: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.floating]]
    b: NDArray[np.floating]
    q: NDArray[np.floating]

    @classmethod
    def of(cls, task: Training) -> Matrices:
        A, b, q = task.loss.augmented
        real = np.dtype(task.schedule.precision)
        columns = A.indptr.astype(np.int64), A.indices.astype(np.int32, copy=False), A.data.astype(real, copy=False)
        return cls(columns, b.astype(real), q.astype(real))


def is_long(task: Training) -> bool:
    """Whether epochs are cut into spans: a rule that knows the design, and no cells, threads or jobs."""
    return int(task.loss.design.matrix.nnz) >= LONG_DESIGN and task.n_records >= SPANS * LANES


def _spans(n: int) -> list[Span]:
    """Neighbouring spans of about equally many records."""
    borders = [*(k * (n // LANES) // SPANS * LANES for k in range(SPANS)), n]
    return list(pairwise(borders))


def block_widths(cells: int) -> list[int]:
    """How many cells go side by side, block after block; a padded block only while memory stays within 8 arrays."""

    def fits(width: int) -> bool:
        return 7 * (full * WIDEST + width) <= MOST_ARRAYS * cells

    full, rest = divmod(cells, WIDEST)
    widths = [WIDEST] * full
    if rest > 10 and fits(WIDEST):
        return [*widths, WIDEST]
    if rest >= 8:
        return [*widths, 8] + [1] * (rest - 8)
    return [*widths, 8] if rest >= 4 and fits(8) else [*widths] + [1] * rest


class Block:
    """Up to `width` cells in training. `epoch` epochs are done; the gates of the next one are drawn."""

    def __init__(self, task: Training, cells: Sequence[Fit], matrices: Matrices, width: int) -> None:
        self.task, self.cells, self.matrices, self.width = task, tuple(cells), matrices, width
        self.gated = task.gates is not None
        self.epoch = -1
        self._run = epoch_loop(self.gated)
        real = matrices.b.dtype
        arrays, per_chunk, n = 7 if self.gated else 3, LANES // width, task.n_records
        chunks = -(-n // per_chunk)
        self.state = np.zeros((chunks, arrays, per_chunk, width), real)
        padded = [*cells, *[cells[0]] * (width - len(cells))]  # padding repeats the first cell and is never looked at
        seeds = tuple(dict.fromkeys(cell.seed for cell in cells))
        for seed in seeds:
            start = task.clipped_start(seed)
            lanes = [lane for lane, cell in enumerate(padded) if cell.seed == seed]
            self._fill(SCALE, lanes, start.scale)
            if start.log_alpha is not None:
                self._fill(ALPHA, lanes, start.log_alpha)
        drawn = len(seeds) if self.gated else 0
        self._seeds = np.array([[cell.seed == seed for cell in padded] for seed in seeds[:drawn]], real).ravel()
        self._keys = keys(seeds[:drawn], STREAM_GATES, task.schedule.epochs + 2).ravel()
        self._lam = np.tile(np.array([cell.lam for cell in padded], real), per_chunk)
        none = np.zeros(0, real)
        self._limit = none if task.limit is None else task.limit.astype(real)
        self._ridge = none if task.ridge is None else task.ridge.astype(real)
        self.products = np.zeros(len(matrices.b) * width, real)  # A w of the weights drawn last
        self._dual = np.zeros_like(self.products)
        self._of_span = np.zeros((SPANS, self.products.size), real) if is_long(task) else None
        self._temperatures = self._temperature_arrays(real)

    def advance(self, until: int) -> None:
        """Train to the end of epoch `until`, or of the last one that there is time for."""
        train = self._trainer()
        if self._of_span is not None:
            self._advance_by_spans(until, self._of_span, train)
            return
        work = self.state.size + self.matrices.columns[1].size * self.width
        per_call = max(1, int(NUMBERS_PER_CALL / work))
        while self.epoch < until and not out_of_time():
            last = min(self.epoch + per_call, until)
            train(self.products, (self.epoch + 1, last), (0, self.task.n_records))
            self.epoch = last

    def _advance_by_spans(self, until: int, of_span: NDArray[np.floating], train: Callable[..., None]) -> None:
        """Epoch by epoch: the dual of all products, then every span on a thread that is free, then their products."""
        matrices, loss, spans = self.matrices, self._loss(), _spans(self.task.n_records)
        with ThreadPoolExecutor(min(allowed_threads(), SPANS)) as pool:
            while self.epoch < until and not out_of_time():
                epoch = self.epoch + 1
                if epoch > 0:
                    take_dual(self.products, self._dual, matrices.b, matrices.q, *loss, self.width)
                of_span[:] = 0
                list(pool.map(train, of_span, repeat((epoch, epoch)), spans))
                np.add.reduce(of_span, axis=0, out=self.products)  # row after row, whichever was done first
                self.epoch = epoch

    def _loss(self) -> tuple[int, np.floating, np.floating]:
        loss, real = self.task.loss, self.matrices.b.dtype.type
        return loss.kind, real(loss.cap), real(loss.total)

    def _trainer(self) -> Callable[[NDArray[np.floating], Span, Span], None]:
        """The compiled loop with all that does not change: it is given where products go, epochs and records."""
        task, real = self.task, self.matrices.b.dtype.type
        gates = task.gates
        gate = (real(gates.gamma), real(gates.width)) if gates else (real(0), real(0))

        def train(products: NDArray[np.floating], epochs: Span, records: Span) -> None:
            self._run(
                self.width,
                self.matrices.columns,
                self.state.reshape(-1),
                self._seeds,
                self._keys,
                self._lam,
                self._limit,
                self._ridge,
                real(task.lam_l2),
                products,
                self._dual,
                self.matrices.b,
                self.matrices.q,
                self._loss(),
                (*gate, *self._temperatures),
                task.schedule.lr,
                epochs,
                records,
            )

        return train

    def scale(self, cell: int) -> FloatArray:
        """`e^θ` of one cell, n; all NaN when anything in its state has overflowed (it may not show in `e^θ`)."""
        if not np.isfinite(self.state[..., cell]).all():
            return np.full(self.task.n_records, np.nan)
        return self._column(SCALE, cell)

    def log_alpha(self, cell: int) -> FloatArray | None:
        """α of one cell, n; None without gates."""
        return self._column(ALPHA, cell) if self.gated else None

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All that training goes on from: state with Adam's moments and the gates drawn, products in hand, epoch."""
        return {
            "state": self.state,
            "products": self.products,
            "epoch": np.array(self.epoch),
        }

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from the arrays of a checkpoint of the same block."""
        for name in ("state", "products"):
            getattr(self, name)[...] = arrays[name]
        self.epoch = int(arrays["epoch"])

    def _fill(self, array: int, lanes: list[int], values: FloatArray) -> None:
        chunks, _, per_chunk, _ = self.state.shape
        padded = np.zeros(chunks * per_chunk)
        padded[: len(values)] = values
        self.state[:, array, :, lanes] = padded.reshape(chunks, per_chunk)

    def _column(self, array: int, cell: int) -> FloatArray:
        return self.state[:, array, :, cell].ravel()[: self.task.n_records].astype(np.float64)

    def _temperature_arrays(self, real: np.dtype) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        gates = self.task.gates
        if gates is None:
            return np.zeros(0, real), np.zeros(0, real)
        beta = self.task.temperatures
        return (1 / beta).astype(real), np.array([gates.shift_at(t) for t in beta]).astype(real)
