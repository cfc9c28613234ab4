"""How many threads a solve may use: set by the harness, asked by methods that start threads of their own.

BLAS, OpenMP and torch have limits of their own, which the harness sets too. numba's are left alone on purpose: asking
for them starts a second OpenMP runtime, beside which torch's threads were measured to run ten times slower.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LIMIT: ContextVar[int | None] = ContextVar("threads", default=None)


def allowed() -> int:
    """The threads that this solve may use; without a limit, the cores that the process may run on."""
    limit = _LIMIT.get()
    if limit is not None:
        return limit
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """Within it, `allowed()` is `threads`."""
    token = _LIMIT.set(threads)
    try:
        yield
    finally:
        _LIMIT.reset(token)
