"""The time that a solve may take: set by the harness for a batch, asked by iterations that can stop between two steps.

An iteration that finds its time used up ends as at its iteration limit: with its best point, and the status `timeout`.
What it returns then depends on the speed of the machine and cannot be reproduced; results that are ready in time are
the same as without a limit, since asking changes nothing. Time is the monotonic clock's. A thread that a solve starts
does not inherit the limit: run it in a copy of the context.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_END: ContextVar[float | None] = ContextVar("end", default=None)


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


def out_of_time() -> bool:
    """Whether the time is used up: iterations then stop. Once true it stays true."""
    end = _END.get()
    return end is not None and time.monotonic() >= end


def limit_to_raise(name: str) -> str:
    """What ended an iteration that did not converge, for the cure in its message: the time, or the limit `name`."""
    return "limits.seconds" if out_of_time() else name
