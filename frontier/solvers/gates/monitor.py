"""Looking at cells in training, which changes nothing in them: their traces, and which of them have settled.

Everything is computed from the weights that a cell would return if training stopped here (test-time gates), so a trace
shows what one would get, not the noise of sampled gates. A settled cell is finished with its weights of that moment;
the cells beside it train on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.solvers.gates.training import Fit, TrainedGates, Training

COLUMNS = ("iteration", "loss", "expected_active", "n_active", "train_mare", "gradient_norm")


class Trainer(Protocol):
    """Cells in training, by whichever engine."""

    epoch: int
    cells: tuple[Fit, ...]

    def advance(self, until: int) -> None: ...
    def scale(self, cell: int) -> FloatArray: ...
    def log_alpha(self, cell: int) -> FloatArray | None: ...
    def arrays(self) -> dict[str, NDArray[np.generic]]: ...
    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """One finished cell: weights (n), the gates' expected active count (NaN without gates), epochs, trace.

    `cut` says that the time was used up before the last epoch; a cell that was not begun has NaN weights and no epochs.
    """

    weights: FloatArray
    expected_active: float
    epochs: int
    settled: bool
    trace: dict[str, FloatArray]
    cut: bool = False
    gates: TrainedGates | None = None

    @classmethod
    def not_begun(cls, n: int) -> Fitted:
        return cls(np.full(n, np.nan), float("nan"), 0, settled=False, trace={}, cut=True)


class Monitor:
    """Traces and early stopping of the cells of one block."""

    def __init__(self, task: Training, cells: Sequence[Fit]) -> None:
        self.task, self.cells = task, tuple(cells)
        rows = 0 if task.traced is None else task.traced.shape[0]
        self.columns = (*COLUMNS, *(f"estimate_{j}" for j in range(rows)))
        self.rows: list[list[tuple[float, ...]]] = [[] for _ in cells]
        self.finished: dict[int, tuple[FloatArray, float, int]] = {}
        self.gates: dict[int, TrainedGates] = {}  # of finished cells, where they are kept
        self._before = np.full((len(cells), 2), np.nan)  # objective and active count at the check before
        self._quiet = np.zeros(len(cells), dtype=np.int64)  # checks in a row without a change

    @property
    def all_settled(self) -> bool:
        return len(self.finished) == len(self.cells)

    def look(self, trainer: Trainer) -> None:
        """Trace and check what is due at the trainer's epoch."""
        schedule, epoch = self.task.schedule, trainer.epoch
        traced = schedule.trace_every and (epoch in (1, schedule.epochs) or epoch % schedule.trace_every == 0)
        checked = schedule.stopping.tol and epoch % schedule.stopping.every == 0 and epoch < schedule.epochs
        if not (traced or checked):
            return
        for cell in range(len(self.cells)):
            if cell in self.finished:
                continue
            weights, expected = self.tested(trainer, cell)
            loss, mare, slope = self._judged(weights)
            active = float(np.count_nonzero(weights))
            if traced:
                estimates = () if self.task.traced is None else self.task.traced @ weights
                self.rows[cell].append((epoch, loss, expected, active, mare, slope, *estimates))
            penalty = self.cells[cell].lam * expected if self.task.gates else 0.0
            if checked and self._settles(cell, loss + penalty, active):
                self.finished[cell] = weights, expected, epoch
                self.gates |= self._gates(trainer, cell)

    def results(self, trainer: Trainer) -> list[Fitted]:
        """Every cell as it ended, in the block's order."""
        return [self._result(trainer, cell) for cell in range(len(self.cells))]

    def tested(self, trainer: Trainer, cell: int) -> tuple[FloatArray, float]:
        """Test-time weights and the expected active count."""
        scale, log_alpha = trainer.scale(cell), trainer.log_alpha(cell)
        gates = self.task.gates
        expected = float("nan")
        if gates is not None and log_alpha is not None:
            expected = float(gates.keep_probability(log_alpha).sum())
        return self.task.tested(scale, log_alpha), expected

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What a checkpoint keeps of it."""
        kept: dict[str, NDArray[np.generic]] = {"before": self._before, "quiet": self._quiet}
        for cell, rows in enumerate(self.rows):
            kept[f"trace_{cell}"] = np.array(rows).reshape(-1, len(self.columns))
        for cell, (weights, expected, epoch) in self.finished.items():
            kept[f"finished_{cell}"] = np.append(weights, [expected, epoch])
        for cell, gates in self.gates.items():
            kept[f"gates_{cell}"] = np.array([gates.scale, gates.open_probability])
        return kept

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        self._before, self._quiet = np.array(arrays["before"], float), np.array(arrays["quiet"], np.int64)
        for cell in range(len(self.cells)):
            self.rows[cell] = [tuple(row) for row in np.asarray(arrays[f"trace_{cell}"], float).tolist()]
            if f"finished_{cell}" in arrays:
                *weights, expected, epoch = np.asarray(arrays[f"finished_{cell}"], float)
                self.finished[cell] = np.array(weights), float(expected), int(epoch)
            if f"gates_{cell}" in arrays:
                self.gates[cell] = TrainedGates(*np.asarray(arrays[f"gates_{cell}"], float))

    def _gates(self, trainer: Trainer, cell: int) -> dict[int, TrainedGates]:
        gates, log_alpha = self.task.gates, trainer.log_alpha(cell)
        if not self.task.keep_gates or gates is None or log_alpha is None:
            return {}
        return {cell: TrainedGates(trainer.scale(cell), gates.keep_probability(log_alpha))}

    def _settles(self, cell: int, objective: float, active: float) -> bool:
        before, count = self._before[cell]
        stopping = self.task.schedule.stopping
        same = count == active and abs(objective - before) <= stopping.tol * abs(before)
        self._quiet[cell] = self._quiet[cell] + 1 if same else 0
        self._before[cell] = objective, active
        return bool(self._quiet[cell] >= stopping.patience)

    def _judged(self, weights: FloatArray) -> tuple[float, float, float]:
        """Data term, mean absolute residual over the targets that count, and the length of the data term's gradient."""
        loss = self.task.loss
        estimates = loss.estimates(weights[:, None])
        gradient = loss.design.transposed_times(loss.dual(estimates)[:, 0])
        return float(loss.value(estimates)[0]), loss.mean_error(estimates), float(np.linalg.norm(gradient))

    def _result(self, trainer: Trainer, cell: int) -> Fitted:
        settled = cell in self.finished
        if settled:
            weights, expected, epochs = self.finished[cell]
        else:
            (weights, expected), epochs = self.tested(trainer, cell), trainer.epoch
        columns = np.array(self.rows[cell]).reshape(-1, len(self.columns)).T
        trace = dict(zip(self.columns, columns, strict=True)) if self.rows[cell] else {}
        cut = not settled and epochs < self.task.schedule.epochs
        gates = self.gates if settled else self._gates(trainer, cell)
        return Fitted(weights, expected, epochs, settled, trace, cut, gates.get(cell))
