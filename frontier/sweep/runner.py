"""Runs batches here: they fan out through joblib, each is written when finished, and nothing finished is run again.

`n_jobs` and the order of completion decide only when a batch runs, never what it returns. A worker that dies costs a
retry: every batch that was under way runs once more, alone in a process of its own, and becomes `crash` rows if that
process dies too. A batch that exceeds its limits becomes `timeout` or `out_of_memory` rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from joblib.externals.loky.process_executor import TerminatedWorkerError

from frontier.core.problem import CalibrationProblem
from frontier.core.processes import in_another_process, in_processes
from frontier.core.status import Status
from frontier.results.store import BatchResult, DamagedFile, Store
from frontier.sweep.batch import Batch, cells_without_weights, failed_batch, fit_seconds, solve_batch
from frontier.sweep.experiment import NO_LIMITS, Limits
from frontier.sweep.guard import Guard, verdict
from frontier.sweep.orphan import stop_with

Report = Callable[[Batch, int, float], None]  # a finished batch, its cells without weights, its seconds of fitting
Warn = Callable[[str], None]
Ended = tuple[str, int, float]  # of a batch: key, cells without weights, seconds of fitting


@dataclass(frozen=True, slots=True)
class Job:
    """A batch with its problem and the store of this machine: results are written where they are computed."""

    store: Store
    batch: Batch
    problem: CalibrationProblem
    contended: bool  # whether others run beside it
    parent: int  # the process that holds the store's lock


def stored(batch: Batch, store: Store) -> BatchResult | None:
    """The stored result of a batch, None if there is none.

    Raises `DamagedFile` if it cannot be trusted: not whole, of another batch, or of other cells.
    """
    result = store.read(batch.key)
    if result is None:
        return None
    cells = [row.get("cell") for row in result.rows if row.get("refit", "none") == "none"]
    names = [cell.name for cell in batch.cells]
    if cells != names:
        other = next((cell for cell in cells if cell not in names), f"{len(cells)} cells, not {len(names)}")
        raise DamagedFile(f"{store.path(batch.key).name}: holds cells of another batch ({other})")
    return result


def finished(batches: Sequence[Batch], store: Store, warn: Warn) -> tuple[dict[str, BatchResult], list[Batch]]:
    """Every batch with a readable result of today's code, by key, and the batches with one of earlier code.

    A damaged file is named, removed, and solved again.
    """
    found, earlier = {}, []
    for batch in batches:
        try:
            result = stored(batch, store)
        except DamagedFile as error:
            warn(f"damaged result, solving again: {error}")
            store.path(batch.key).unlink()
            continue
        if result is None:
            continue
        store.marker(batch.key).unlink(missing_ok=True)  # its process was killed between writing and saying so
        if result.code == batch.code:
            found[batch.key] = result
        else:
            earlier.append(batch)
    return found, earlier


def run_batches(
    batches: Sequence[Batch],
    store: Store,
    problems: Mapping[str, CalibrationProblem],
    *,
    jobs: int,
    report: Report,
) -> None:
    """Solve `batches` on `jobs` processes (1: this process) and store each as it finishes."""

    def job(batch: Batch) -> Job:
        return Job(store, batch, problems[batch.problem], contended=jobs > 1, parent=os.getpid())

    limits = batches[0].limits if batches else NO_LIMITS
    suspects = [batch for batch in batches if store.marker(batch.key).exists()]  # a process died while solving these
    rest = [batch for batch in batches if batch not in suspects]
    with Guard(store, limits) as guard:
        while rest:
            try:
                with _fan_out([job(batch) for batch in rest], jobs, limits) as ended:
                    for key, failed, seconds in ended:
                        report(next(batch for batch in rest if batch.key == key), failed, seconds)
                rest = []
            except TerminatedWorkerError:
                killed = [b for b in rest if b.key in guard.killed and not store.path(b.key).exists()]
                for batch in killed:
                    report(batch, *_write_killed(job(batch), guard.killed[batch.key]))
                rest = [batch for batch in rest if not store.path(batch.key).exists()]
                if not killed:  # otherwise the others that were under way are bystanders
                    suspects += [
                        b for b in rest if store.marker(b.key).exists()
                    ] or rest  # died before any was under way
                    rest = [batch for batch in rest if batch not in suspects]
        for batch in suspects:
            report(batch, *_run_alone(replace(job(batch), contended=False), guard))


def _fan_out(jobs: Sequence[Job], processes: int, limits: Limits) -> AbstractContextManager[Iterable[Ended]]:
    task = _in_a_process if limits and processes == 1 else _solve_and_store
    return in_processes(task, ((job,) for job in jobs), processes)


def _in_a_process(job: Job) -> Ended:
    """One batch in a process that may be killed; raises `TerminatedWorkerError` if it was."""
    return in_another_process(_solve_and_store, job)


def _run_alone(job: Job, guard: Guard) -> tuple[int, float]:
    """One batch in a process of its own; if that dies, `crash` rows, or what it was killed for."""
    try:
        return _in_a_process(job)[1:]
    except TerminatedWorkerError as error:
        if job.batch.key in guard.killed:
            return _write_killed(job, guard.killed[job.batch.key])
        message = " ".join(str(error).split()) or "the worker process died"
        if "SIGKILL" in message:
            message += "; SIGKILL comes from outside or, without memory, from the system: limits.memory_gib tells them"
        return _write(job, failed_batch(job.batch, job.problem, Status.CRASH, message))


def _write_killed(job: Job, status: Status) -> tuple[int, float]:
    """Store a batch whose process was killed for exceeding its limits; the number of its cells, no seconds."""
    return _write(job, failed_batch(job.batch, job.problem, status, verdict(job.batch, status)))


def _solve_and_store(job: Job) -> Ended:
    """Solve one batch, marked as under way until it is written; its key, cells without weights, and seconds."""
    stop_with(job.parent)
    job.store.marker(job.batch.key).write_text(str(os.getpid()))
    return job.batch.key, *_write(job, solve_batch(job.batch, job.problem, contended=job.contended))


def _write(job: Job, result: BatchResult) -> tuple[int, float]:
    job.store.write(job.batch.key, result)
    return cells_without_weights(result), fit_seconds(result)
