"""One batch: what is sent to whoever solves it, and the rows that come back. It knows neither store nor machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from frontier.core.limits import time_limit
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.status import Status
from frontier.methods.refit import is_sparse
from frontier.methods.solution import Solution
from frontier.results.store import BatchResult
from frontier.sweep.measure import refit_measured, solve_measured
from frontier.sweep.plan import Batch
from frontier.sweep.scoring import evaluate


@dataclass(frozen=True, slots=True)
class Task:
    """A batch with its split; the problem goes beside it, so that it can be sent once for many batches."""

    batch: Batch
    split: Split
    contended: bool


def solve_batch(task: Task, problem: CalibrationProblem) -> BatchResult:
    """Solve, measure and score one batch within its time."""
    batch = task.batch
    with time_limit(batch.limits.seconds):
        training = problem.restrict(task.split.train)
        solutions = solve_measured(
            batch.method.method,
            batch.method.name,
            training,
            [cell.point for cell in batch.cells],
            threads=batch.threads,
            contended=task.contended,
        )
        refits = [
            [refit_measured(training, solution, anchor, threads=batch.threads) for anchor in batch.anchors]
            if is_sparse(solution)
            else []
            for solution in solutions
        ]
    return _result(task, problem, solutions, refits)


def failed_batch(task: Task, problem: CalibrationProblem, status: Status, message: str) -> BatchResult:
    """What a batch comes to whose process did not live to return it: `status` for every cell."""
    failures = [Solution.failed(status, message)] * len(task.batch.cells)
    return _result(task, problem, failures, [[]] * len(failures))


def cells_without_weights(result: BatchResult) -> int:
    """How many cells of a batch failed."""
    return sum(row["n_active"] is None for row in result.rows if row["refit"] == "none")


def _result(
    task: Task, problem: CalibrationProblem, solutions: Sequence[Solution], refits: Sequence[Sequence[Solution]]
) -> BatchResult:
    """The rows of a batch: each cell as fitted, followed by its refits."""
    batch = task.batch
    rows: list[dict[str, Any]] = []
    weights, estimates, traces = [], [], []
    for cell, fitted, arms in zip(batch.cells, solutions, refits, strict=True):
        for solution in (fitted, *arms):
            identity = {
                "cell": cell.name if solution.refit == "none" else f"{cell.name}/refit={solution.refit}",
                "problem": cell.problem,
                "method": batch.method.name,
                "label": cell.label,
                "lam": cell.point.lam,
                "budget": cell.point.budget,
                "seed": cell.point.seed,
                "repeat": cell.repeat,
                "batch_size": len(batch.cells),
                "threads": batch.threads,
            }
            rows.append(evaluate(problem, task.split, solution) | identity)
            kept = solution.weights is not None
            weights.append(solution.weights if kept else np.zeros(problem.n_records))
            estimates.append(problem.M @ weights[-1] if kept else np.full(problem.n_targets, np.nan))
            traces.append({name: list(map(float, values)) for name, values in solution.trace.items()})
    return BatchResult(rows, sp.csr_array(np.array(weights)), np.array(estimates), traces)
