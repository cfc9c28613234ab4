"""The time and the threads that a solve may take: set by the harness for a batch, asked by the code that can heed them.

*Time.* An iteration that finds its time used up ends as at its iteration limit: with its best point, and the status
`timeout`. What it returns then depends on the speed of the machine and cannot be reproduced; results that are ready in
time are the same as without a limit, since asking changes nothing. Time is the monotonic clock's. A thread that a solve
starts does not inherit the limit: run it in a copy of the context. A compiled loop asks a flag (`time_flag`), and what
has no best point raises `OutOfTime` (`check_time`).

*Threads.* BLAS, OpenMP and torch have limits of their own, which the harness sets too. numba's are left alone on
purpose: asking for them starts a second OpenMP runtime, beside which torch's threads ran ten times slower.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.typing import NDArray

_END: ContextVar[float | None] = ContextVar("end", default=None)  # of the time, on the monotonic clock, seconds
_THREADS: ContextVar[int | None] = ContextVar("threads", default=None)


class OutOfTime(Exception):
    """The time is used up, and there is nothing to return yet."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Within it, `out_of_time()` becomes true after `seconds`; never with None, also inside another limit."""
    token = _END.set(None if seconds is None else time.monotonic() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def remaining_seconds() -> float | None:
    """The time that is left, at least 0; None without a limit."""
    end = _END.get()
    return None if end is None else max(end - time.monotonic(), 0.0)


def at_most(seconds: float) -> float:
    """`seconds`, or the time that is left where that is less."""
    left = remaining_seconds()
    return seconds if left is None else min(seconds, left)


def out_of_time() -> bool:
    """Whether the time is used up: iterations then stop. Once true it stays true."""
    end = _END.get()
    return end is not None and time.monotonic() >= end


def check_time() -> None:
    """Raise `OutOfTime` when the time is used up."""
    if out_of_time():
        raise OutOfTime


@contextmanager
def time_flag() -> Iterator[NDArray[np.bool_]]:
    """An array of one flag, raised when the time is used up: for compiled code that has let go of the interpreter."""
    flag = np.zeros(1, dtype=np.bool_)
    seconds = remaining_seconds()
    if seconds is None:
        yield flag
        return
    timer = threading.Timer(seconds, flag.fill, [True])
    timer.daemon = True
    timer.start()
    try:
        yield flag
    finally:
        timer.cancel()


def limit_to_raise(name: str) -> str:
    """What ended an iteration that did not converge, for the cure in its message: the time, or the limit `name`."""
    return "limits.seconds" if out_of_time() else name


@contextmanager
def thread_limit(threads: int | None) -> Iterator[None]:
    """Within it, `allowed_threads()` is `threads`; with None, the cores that the process may run on."""
    token = _THREADS.set(threads)
    try:
        yield
    finally:
        _THREADS.reset(token)


def allowed_threads() -> int:
    """The threads that this solve may use; without a limit, the cores that the process may run on."""
    limit = _THREADS.get()
    if limit is not None:
        return limit
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
