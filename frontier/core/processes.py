"""Calls fanned out over worker processes of this machine (joblib's loky), their results as they end."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from joblib import Parallel, delayed
from joblib.executor import get_memmapping_executor

T = TypeVar("T")

# A worker that has grown by 300 MB since its first task (torch and numba loaded late are enough) is replaced by loky,
# which says so from its own thread: where warnings are errors that thread dies, and its pool waits for ever. What
# joblib says of results nobody waits for any more is not news either.
NO_NEWS = ("A worker stopped while some jobs", ".*tasks (which were|have been)")

# Ctrl-C reaches workers too, and one that is still importing would print where: whoever began them ends them.
DEAF: dict[str, Any] = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}


@contextmanager
def in_processes(task: Callable[..., T], calls: Iterable[tuple[Any, ...]], processes: int) -> Iterator[Iterator[T]]:
    """`task(*call)` of every call on `processes` workers, as they end; one process is this one, call after call.

    Leaving the context, early or by an exception too, ends the workers' tasks: the pool is one for all that a process
    does, and results collected later by chance would take the workers away from whoever works then.
    Raises `TerminatedWorkerError` where a worker died, and what the task raises.
    """
    if processes == 1:
        yield (task(*call) for call in calls)
        return
    parallel = Parallel(
        processes, backend="loky", return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs", **DEAF
    )
    with _without_news():
        folder = Path.cwd()
        results: Generator[T] = parallel(delayed(_in_folder)(folder, task, *call) for call in calls)
        with closing(results):
            yield results


def in_another_process(task: Callable[..., T], *call: Any) -> T:
    """`task(*call)` in a process that may be killed, the same one for call after call.

    An interrupt ends it. Raises `TerminatedWorkerError` where it died, and what the task raises.
    """
    workers = get_memmapping_executor(1, **DEAF)  # `Parallel` takes one worker for this process
    with _without_news():
        future = workers.submit(_in_folder, Path.cwd(), task, *call)
        try:
            result: T = future.result()
        finally:
            if not future.done():
                workers.terminate(kill_workers=True)
    return result


@contextmanager
def _without_news() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in NO_NEWS:
            warnings.filterwarnings("ignore", message, UserWarning)
        yield


def _in_folder(folder: Path, task: Callable[..., T], *call: Any) -> T:
    """`task(*call)` where its caller works: a worker that is used again was begun elsewhere, perhaps."""
    os.chdir(folder)
    return task(*call)
