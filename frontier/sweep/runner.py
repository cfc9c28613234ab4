"""Runs a plan: batches fan out through joblib, each is written when finished, and nothing finished is run again.

`n_jobs` and the order of completion decide only when a batch runs, never what it returns. A worker that dies costs a
retry: every batch that was under way runs once more, alone in a process of its own, and becomes `crash` rows if that
process dies too. A batch that exceeds the experiment's time limit becomes `timeout` rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from frontier.analysis.metrics import evaluate
from frontier.methods.base import Solution, Status
from frontier.problem import CalibrationProblem, Split
from frontier.refit import is_sparse
from frontier.sweep.deadline import Deadline
from frontier.sweep.measure import refit_measured, solve_measured
from frontier.sweep.plan import Batch, Plan
from frontier.sweep.store import BatchResult, DamagedFile, Store

Report = Callable[[Batch, int], None]  # called with each finished batch and its number of cells without weights
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Task:
    """One batch with all it needs, sent to a worker."""

    store: Store
    batch: Batch
    problem: CalibrationProblem
    split: Split
    contended: bool


def finished(plan: Plan, store: Store, warn: Warn) -> dict[str, BatchResult]:
    """Every batch with a readable result, by key; a damaged file is named, removed, and so solved again."""
    found = {}
    for batch in plan.batches:
        try:
            result = store.read(batch)
        except DamagedFile as error:
            warn(f"damaged result, solving again: {error}")
            store.path(batch).unlink()
            continue
        if result is not None:
            found[batch.key] = result
    return found


def run_batches(
    batches: Sequence[Batch],
    store: Store,
    problems: Mapping[str, CalibrationProblem],
    splits: Mapping[str, Sequence[Split]],
    *,
    jobs: int,
    report: Report,
) -> None:
    """Solve `batches` on `jobs` processes (1: this process) and store each as it finishes."""

    def task(batch: Batch, contended: bool) -> Task:
        label, name = batch.cells[0].problem, batch.cells[0].split
        split = next(split for split in splits[label] if split.name == name)
        return Task(store, batch, problems[label], split, contended)

    limit = next((batch.time_limit_seconds for batch in batches), None)
    suspects = [batch for batch in batches if store.marker(batch).exists()]  # a process died while solving these
    rest = [batch for batch in batches if batch not in suspects]
    with Deadline(store, limit) as deadline:
        while rest:
            try:
                for key, failed in _fan_out([task(batch, jobs > 1) for batch in rest], jobs, limit):
                    report(next(batch for batch in rest if batch.key == key), failed)
                rest = []
            except TerminatedWorkerError:
                overdue = [b for b in rest if b.key in deadline.killed and not store.path(b).exists()]
                for batch in overdue:
                    report(batch, _write_failed(task(batch, contended=False), Status.TIMEOUT, ""))
                rest = [batch for batch in rest if not store.path(batch).exists()]
                if not overdue:  # otherwise the others that were under way are bystanders
                    suspects += [b for b in rest if store.marker(b).exists()] or rest  # died before any was under way
                    rest = [batch for batch in rest if batch not in suspects]
        for batch in suspects:
            report(batch, _run_alone(task(batch, contended=False), deadline))


def _fan_out(tasks: Sequence[Task], jobs: int, limit: float | None) -> Iterable[tuple[str, int]]:
    if jobs == 1:
        return map(solve_batch if limit is None else _in_a_process, tasks)
    parallel = Parallel(
        n_jobs=jobs, backend="loky", return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs"
    )
    found: Iterable[tuple[str, int]] = parallel(delayed(solve_batch)(task) for task in tasks)
    return found


def _in_a_process(task: Task) -> tuple[str, int]:
    """One batch in a process that may be killed; raises `TerminatedWorkerError` if it was."""
    # two workers for one task: with n_jobs=1 joblib would run it in this process
    [(key, failed)] = Parallel(n_jobs=2, backend="loky")([delayed(solve_batch)(task)])
    return key, failed


def _run_alone(task: Task, deadline: Deadline) -> int:
    """One batch in a process of its own; if that process dies, `crash` rows, or `timeout` rows if it was killed."""
    try:
        return _in_a_process(task)[1]
    except TerminatedWorkerError as error:
        if task.batch.key in deadline.killed:
            return _write_failed(task, Status.TIMEOUT, "")
        return _write_failed(task, Status.CRASH, " ".join(str(error).split()) or "the worker process died")


def _write_failed(task: Task, status: Status, message: str) -> int:
    """Store a batch whose process did not live to do it; the number of its cells."""
    cells = len(task.batch.cells)
    if status is Status.TIMEOUT:
        message = (
            f"took longer than {task.batch.time_limit_seconds:g} s, set-up included, for a batch of {cells} points"
        )
    task.store.write(task.batch, _result(task, [Solution.failed(status, message)] * cells))
    return cells


def solve_batch(task: Task) -> tuple[str, int]:
    """Solve, measure, score and store one batch; returns its key and the number of cells without weights."""
    batch = task.batch
    task.store.marker(batch).write_text(str(os.getpid()))
    training = task.problem.restrict(task.split.train)
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
    task.store.write(batch, _result(task, solutions, refits))
    return batch.key, sum(solution.weights is None for solution in solutions)


def _result(
    task: Task, solutions: Sequence[Solution], refits: Sequence[Sequence[Solution]] | None = None
) -> BatchResult:
    """The rows of a batch: each cell as fitted, followed by its refits."""
    problem, batch = task.problem, task.batch
    rows: list[dict[str, Any]] = []
    weights, estimates, traces = [], [], []
    for cell, fitted, arms in zip(batch.cells, solutions, refits or [()] * len(solutions), strict=True):
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
