"""A batch that takes longer than its limit loses its worker process: a hang in native code listens to nothing less.

The parent watches the markers that workers leave (`Store.marker`: a batch under way and the process that solves it) and
kills a process whose batch is overdue, set-up included. It kills its own children only: a marker can be older than the
process that now has its id. Time is the monotonic clock's, from when the marker was first seen.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType

import psutil

from frontier.sweep.store import Store

POLL_SECONDS = 0.1


class Deadline:
    """Within the context, batches of a store get `limit_seconds` each (None: no limit); `killed` names the overdue."""

    def __init__(self, store: Store, limit_seconds: float | None) -> None:
        self.store, self.limit_seconds = store, limit_seconds
        self.killed: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Deadline:
        if self.limit_seconds is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        seen: dict[tuple[str, int], float] = {}
        while not self._ended.wait(POLL_SECONDS):
            now = time.monotonic()
            current = self._under_way()
            seen = {batch: seen.get(batch, now) for batch in current}
            overdue = [batch for batch, since in seen.items() if now - since > (self.limit_seconds or 0.0)]
            if overdue:
                workers = {child.pid: child for child in psutil.Process().children(recursive=True)}
                for key, pid in overdue:
                    if pid in workers:
                        self.killed.add(key)  # first: whoever sees the death asks why
                        workers[pid].kill()

    def _under_way(self) -> list[tuple[str, int]]:
        """Batch keys and process ids of all markers."""
        found = []
        for path in self.store.batches.glob("*.started"):
            try:
                found.append((path.stem, int(path.read_text())))
            except (OSError, ValueError):
                continue  # finished just now, or just being written
        return found
