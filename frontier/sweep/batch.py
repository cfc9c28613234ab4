"""A batch of cells, and what comes back when it is solved: rows, weights, estimates, traces. It knows no store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.bounds import NO_BOUNDS, Bounds
from frontier.core.limits import time_limit
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.status import Status
from frontier.methods.solution import Solution
from frontier.objectives.distance import Box
from frontier.results.schema import identity
from frontier.results.store import BatchResult
from frontier.sweep.experiment import NO_LIMITS, Limits
from frontier.sweep.measure import failure, refit_measured, solve_measured
from frontier.sweep.method_entry import MethodSpec
from frontier.sweep.scoring import score

Scored = tuple[Solution, FloatArray | None, dict[str, Any]]  # with its estimate of every target, and its metrics


@dataclass(frozen=True, slots=True)
class Cell:
    """The identity of one result: problem label, split name, method label, point, and repeat if there are several."""

    problem: str
    split: str
    label: str
    point: Point
    repeat: int = 0
    repeated: bool = False  # whether the experiment has repeats, so that `repeat` tells cells apart

    @property
    def name(self) -> str:
        coordinates = [f"{k}={v!r}" for k, v in self.point.coordinates.items() if v is not None]
        coordinates += [f"repeat={self.repeat}"] if self.repeated else []
        return "/".join([self.problem, self.split, self.label, *coordinates])

    def named(self, arm: str) -> str:
        """The name of the row as fitted ("none"), or of a refit."""
        return self.name if arm == "none" else f"{self.name}/refit={arm}"


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Cells solved in one call, with all that a worker needs to know beside the problem itself.

    `threads` are those that the call may use, `anchors` the refits of each sparse solution that are stored beside it,
    `bounds` those of all weights, `limits` what its process may take; `key` digests all that decides the result but
    the code, which `code` does.
    """

    cells: tuple[Cell, ...]
    split: Split
    method: MethodSpec
    threads: int
    key: str
    anchors: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS
    code: str = ""
    bounds: Bounds = NO_BOUNDS

    @property
    def problem(self) -> str:
        """The label of the problem that all cells are of."""
        return self.cells[0].problem


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A batch of a problem in parts, which is not solved itself: the batches of its parts, and what they hold of it.

    Beside each batch of a part: which of its cells each cell of the whole is (budgets of a small part may coincide).
    `records` are those of each part (positions in the whole).
    """

    batch: Batch
    parts: tuple[tuple[Batch, tuple[int, ...]], ...]
    records: tuple[NDArray[np.intp], ...]


def solve_batch(batch: Batch, problem: CalibrationProblem, *, contended: bool) -> BatchResult:
    """Solve, measure and score one batch within its time; `contended` when others run beside it."""
    method, threads = batch.method, batch.threads
    points = [cell.point for cell in batch.cells]
    with time_limit(batch.limits.seconds):
        training = problem.restrict(batch.split.train)
        solutions = solve_measured(method.method, method.name, training, points, threads=threads, contended=contended)
        box = batch.bounds.box(training.w0) if batch.bounds else None
        if box is not None:
            solutions = [_within(training, solution, box, threads) for solution in solutions]
        refits = [
            [refit_measured(training, solution, anchor, threads=threads, box=box) for anchor in batch.anchors]
            if solution.is_selection
            else []
            for solution in solutions
        ]
    return _result(batch, problem, solutions, refits)


def _within(training: CalibrationProblem, solution: Solution, box: Box, threads: int) -> Solution:
    """A solution whose weights are within the bounds: itself, or its refit over the box from its own weights."""
    weights = solution.weights
    if weights is None:
        return solution
    kept = weights != 0
    if ((weights <= box[1]) & (weights >= box[0]))[kept].all():
        return solution
    found = refit_measured(training, solution, "fitted", threads=threads, box=box)
    timing = dataclasses.replace(found.timing, refit_seconds=solution.timing.refit_seconds)
    return dataclasses.replace(found.with_note("brought within the bounds by a refit"), refit="none", timing=timing)


def failed_batch(batch: Batch, problem: CalibrationProblem, status: Status, message: str) -> BatchResult:
    """What a batch comes to whose process did not live to return it: `status` for every cell."""
    failures = [Solution.failed(status, message)] * len(batch.cells)
    return _result(batch, problem, failures, [[]] * len(failures))


def cells_without_weights(result: BatchResult) -> int:
    """How many cells of a batch failed."""
    return sum(row["n_active"] is None for row in result.rows if row["refit"] == "none")


def fit_seconds(result: BatchResult) -> float:
    """What the fits of a batch took together, refits apart: its cells carry shares."""
    return float(sum(row["fit_seconds"] or 0.0 for row in result.rows if row["refit"] == "none"))


def _result(
    batch: Batch, problem: CalibrationProblem, solutions: Sequence[Solution], refits: Sequence[Sequence[Solution]]
) -> BatchResult:
    """The rows of a batch: each cell as fitted, followed by its refits."""
    return batch_result(
        batch,
        problem,
        (
            (cell, *scored(problem, batch.split, returned))
            for cell, fitted, arms in zip(batch.cells, solutions, refits, strict=True)
            for returned in (fitted, *arms)
        ),
    )


def batch_result(
    batch: Batch, problem: CalibrationProblem, found: Iterable[tuple[Cell, Solution, FloatArray | None, dict[str, Any]]]
) -> BatchResult:
    """A row, weights, estimates and traces for each scored solution of a cell, in order."""
    rows: list[dict[str, Any]] = []
    weights, estimates, traces = [], [], []
    for cell, solution, estimate, metrics in found:
        arm = solution.refit
        whose = identity(
            problem=cell.problem,
            split=cell.split,
            method=batch.method.name,
            label=cell.label,
            point=cell.point,
            refit=arm,
        )
        also = {
            "cell": cell.named(arm),
            "repeat": cell.repeat,
            "batch_size": len(batch.cells),
            "threads": batch.threads,
            "code": batch.code,
        }
        rows.append(whose | metrics | also)
        # sparse one by one: all at once would be cells × records numbers, most of them 0
        empty = sp.csr_array((1, problem.n_records))
        weights.append(empty if solution.weights is None else sp.csr_array(solution.weights[None, :]))
        estimates.append(np.full(problem.n_targets, np.nan) if estimate is None else estimate)
        traces.append({name: list(map(float, values)) for name, values in solution.trace.items()})
    return BatchResult(rows, sp.csr_array(sp.vstack(weights)), np.array(estimates), traces)


def scored(problem: CalibrationProblem, split: Split, solution: Solution) -> Scored:
    """A solution with its estimate of every target and its metrics; what cannot be scored has failed."""
    try:
        estimate = None if solution.weights is None else problem.M @ solution.weights
        return solution, estimate, score(problem, split, solution, estimate)
    except Exception as error:  # noqa: BLE001  # failures are data: weights that overflow must not lose a sweep
        message = f"cannot be scored: {failure(error).message}"
        failed = dataclasses.replace(solution, weights=None, status=Status.ERROR, message=message)
        return failed, None, score(problem, split, failed, None)
