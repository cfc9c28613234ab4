"""Runs a plan on the workers of a Dask cluster, through joblib's Dask backend; results come back here and are stored.

Problems are scattered before the batches, and each reaches a worker once; a batch brings its points and its split. The
plan decides threads, as everywhere: a worker runs one batch at a time, and one with more than one thread is refused.
Workers whose code or packages differ from the client's are refused too, since their rows would.

A worker that dies costs its batches another run elsewhere. The scheduler gives a batch up when four workers died with
it, be it its fault or that of the batch beside it: such batches run again, each alone, and become `crash` rows if that
kills a worker too. A batch stops itself within its `limits.seconds`; nothing here can kill one on another machine that
does not, and memory is the affair of the worker's own `--memory-limit`.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import distributed
from distributed.comm.addressing import get_address_host_port
from distributed.versions import VersionMismatchWarning
from joblib import Parallel, delayed, parallel_config
from joblib._dask import DaskDistributedBackend

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.results.provenance import code_digest, versions
from frontier.results.store import BatchResult, Store
from frontier.sweep.batch import Batch, cells_without_weights, failed_batch, fit_seconds, solve_batch
from frontier.sweep.runner import Report

Client = Any  # distributed.Client, half of which has no types
Task = tuple[Batch, CalibrationProblem]

CONNECT_SECONDS = 10.0  # to the scheduler
WORKER_SECONDS = 15.0  # for the first worker to report to it
ABANDONED_SECONDS = 60.0  # without any worker: a nanny starts a new one in a few
START_WORKERS = "start some: dask worker ADDRESS --nworkers 2 --nthreads 1"


@dataclass(frozen=True, slots=True)
class Lost:
    """What a batch comes to that the cluster gave up: killed with its workers, or because its data went with them."""

    killed: bool
    reason: str


class Backend(DaskDistributedBackend):  # type: ignore[misc]  # joblib has no types
    """joblib's, but for two things that it does (version 1.6) when workers die.

    It never calls back for a task that the scheduler gave up (`_collect` sets an exception that nobody looks at), so
    that `Parallel` waits for ever: here such a task has the result `Lost`. And with a single worker `Parallel` works in
    the client's own process: here there are always two jobs, which decides nothing else, as all is sent at once.
    """

    def effective_n_jobs(self, n_jobs: int) -> int:
        return 2

    def give_up(self) -> None:
        """Make every task `Lost` that is not done."""
        self.client.cancel(list(self._results))

    async def _collect(self) -> None:
        while self._continue:
            async for future, result in self.waiting_futures:
                self._results.pop(future)
                callback = self._callbacks.pop(future)
                if future.status == "finished":
                    callback(result)
                else:
                    error = result[1] if future.status == "error" else future.status
                    callback([("", Lost(isinstance(error, distributed.KilledWorker), " ".join(str(error).split())))])
            await asyncio.sleep(0.01)


def run_on_cluster(
    batches: Sequence[Batch],
    store: Store,
    problems: Mapping[str, CalibrationProblem],
    *,
    scheduler: str,
    report: Report,
) -> None:
    """Solve `batches` on the workers of the scheduler at an address, and store each as it comes back.

    Raises `InputError` when there is no scheduler or no worker, or for workers that would not give the same rows, and
    `ConnectionError` when scheduler or workers are gone.
    """

    def task(batch: Batch) -> Task:
        return batch, problems[batch.problem]

    def write(batch: Batch, result: BatchResult) -> None:
        store.write(batch.key, result)
        report(batch, cells_without_weights(result), fit_seconds(result))

    rest = {batch.key: batch for batch in batches}
    with _connected(scheduler) as client:
        _check_workers(client, scheduler)
        progress = data_lost = True
        while rest and progress and data_lost:
            progress = data_lost = False
            for key, result in _round(client, [task(batch) for batch in rest.values()]):
                if isinstance(result, Lost):
                    data_lost |= not result.killed
                else:
                    write(rest.pop(key), result)
                    progress = True
            _check_alive(client, scheduler)
        for batch in rest.values():
            [(_, result)] = _round(client, [task(batch)])
            _check_alive(client, scheduler)
            if isinstance(result, Lost):
                message = f"given up by the cluster, also when it ran alone: {result.reason}"
                result = failed_batch(*task(batch), Status.CRASH, message)
            write(batch, result)


def _round(client: Client, tasks: Sequence[Task]) -> Iterator[tuple[str, BatchResult | Lost]]:
    """What becomes of each task, with the key of its batch unless it is `Lost`, as it comes."""
    try:
        client.wait_for_workers(1, timeout=ABANDONED_SECONDS)
    except TimeoutError:
        raise ConnectionError(f"{client.scheduler.address}: all its workers are gone") from None
    # to one worker, from which the others take it on first need: of a broadcast, which is what joblib's `scatter` does,
    # Dask's memory manager drops the copies that no task needs yet, and they travel again
    problems = {id(problem): problem for _, problem in tasks}
    there = {name: client.scatter(problem, hash=False) for name, problem in problems.items()}
    backend = Backend(client=client)
    with parallel_config(backend=backend):
        parallel = Parallel(n_jobs=-1, return_as="generator_unordered", batch_size=1, pre_dispatch="all")
    with _ended_when_abandoned(client, backend), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* tasks (which were|have been)", category=UserWarning)
        yield from parallel(delayed(_solve_there)(batch, there[id(problem)], environment()) for batch, problem in tasks)


def _solve_there(batch: Batch, problem: CalibrationProblem, client: Mapping[str, str]) -> tuple[str, BatchResult]:
    """One batch, on a worker; one that joined late may be of other code than those that were looked at."""
    _check_environment(client, environment(), "a worker")
    return batch.key, solve_batch(batch, problem, contended=True)


@functools.cache
def environment() -> dict[str, str]:
    """All that decides the rows beside the plan: the code and the versions it runs with."""
    return {"frontier's code": code_digest()[:12]} | versions()


def _check_environment(client: Mapping[str, str], worker: Mapping[str, str], place: str) -> None:
    for name, version in client.items():
        if worker.get(name) != version:
            cure = "install the same on both: rows would differ"
            raise InputError(place, f"another version of {name}", expected=version, got=worker.get(name), cure=cure)


def _check_workers(client: Client, scheduler: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError:
        problem = f"no workers after {WORKER_SECONDS:g} s"
        raise InputError(scheduler, problem, cure=START_WORKERS.replace("ADDRESS", scheduler)) from None
    for worker, threads in client.nthreads().items():
        if threads != 1:
            cure = "start workers with --nthreads 1: the plan decides threads per batch"
            raise InputError(worker, "a worker that runs several batches at once", expected=1, got=threads, cure=cure)
    try:
        found = client.run(environment)
    except (ImportError, AttributeError) as error:
        raise InputError(scheduler, f"workers without this code: {error}", cure="install the same on all") from None
    for worker, theirs in found.items():
        _check_environment(environment(), theirs, worker)


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    """A client of the scheduler at an address, closed at the end."""
    cure = "start one with `dask scheduler`, and give the address that it prints"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VersionMismatchWarning)  # told in one line by what follows
        try:
            get_address_host_port(scheduler)  # a client that is given nonsense hangs when it is deleted
            client: Client = distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise InputError("--scheduler", f"no scheduler at {scheduler}: {error}", cure=cure) from None
    # a scheduler that is gone and an interrupt are told in one line, not with the stacks of what they broke
    logs = [logging.getLogger(name) for name in ("distributed.client", "distributed.batched", "tornado.application")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield client
    finally:
        client.close()
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


@contextmanager
def _ended_when_abandoned(client: Client, backend: Backend) -> Iterator[None]:
    """Without workers tasks wait for ever: within it they are given up when there have been none for a while."""
    ended = threading.Event()

    def watch() -> None:
        idle, poll = 0.0, min(5.0, ABANDONED_SECONDS / 2)
        while idle < ABANDONED_SECONDS and not ended.wait(poll):
            idle = 0.0 if client.status != "running" or client.nthreads() else idle + poll
        if not ended.is_set():
            backend.give_up()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _check_alive(client: Client, scheduler: str) -> None:
    if client.status != "running":
        raise ConnectionError(f"{scheduler}: the scheduler is gone")
