"""Kills the worker process of a batch that exceeds its limits: code that hangs in a library cannot be asked to stop.

Methods are asked to stop in time (`core.limits`); a process is killed when its batch has not ended after that time
and a grace of 10%, at least 2 s, or when its resident memory exceeds the limit. The parent watches the markers that
workers leave (`Store.marker`: a batch under way and the process that solves it), and kills its own children only: a
marker can be older than the process that now has its id. Time is the monotonic clock's, from when the marker was seen.

Memory is what the process holds when somebody looks (ten times a second), the libraries it has loaded and pages shared
with others included. A limit on its address space (RLIMIT_AS) would be exact and useless: torch, CUDA and thread pools
reserve many times what they use. A method that asks for more than there is at once gets a MemoryError from the system.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType

import psutil

from frontier.core.status import Status
from frontier.results.store import Store
from frontier.sweep.batch import Batch
from frontier.sweep.experiment import Limits

POLL_SECONDS = 0.1
GRACE_SECONDS, GRACE_SHARE = 2.0, 0.1  # whichever is longer: one more step of an iteration, scoring and writing


class Guard:
    """Within the context, `limits` hold for the batches of a store; `killed` says which exceeded them, and how."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self.store, self.limits = store, limits
        self.killed: dict[str, Status] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Guard:
        if self.limits:
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
            seen = {batch: seen.get(batch, now) for batch in self._under_way()}
            for (key, pid), since in seen.items():
                try:
                    worker = psutil.Process(pid)
                    exceeded = self._exceeded(worker, now - since)
                    if exceeded is not None and worker.ppid() == os.getpid():
                        self.killed[key] = exceeded  # first: whoever sees the death asks why
                        worker.kill()
                except psutil.Error:
                    continue  # gone

    def _exceeded(self, worker: psutil.Process, elapsed: float) -> Status | None:
        seconds, gib = self.limits.seconds, self.limits.memory_gib
        if seconds is not None and elapsed > hard_limit(seconds):
            return Status.TIMEOUT
        if gib is not None and worker.memory_info().rss > gib * 2**30:
            return Status.OUT_OF_MEMORY
        return None

    def _under_way(self) -> list[tuple[str, int]]:
        """Batch keys and process ids of all markers."""
        found = []
        for path in self.store.batches.glob("*.started"):
            try:
                found.append((path.stem, int(path.read_text())))
            except (OSError, ValueError):
                continue  # finished just now, or just being written
        return found


def hard_limit(seconds: float) -> float:
    """When a process is killed that was to stop after `seconds`."""
    return seconds + max(GRACE_SECONDS, GRACE_SHARE * seconds)


def verdict(batch: Batch, status: Status) -> str:
    """The message of the rows of a batch whose process was killed for exceeding its limits."""
    limits, points = batch.limits, f"with its batch of {len(batch.cells)} points"
    if status is Status.OUT_OF_MEMORY:
        return f"the process held more than {limits.memory_gib:g} GiB and was killed, {points}"
    seconds = limits.seconds or 0.0
    killed = f"killed after {hard_limit(seconds):g} s"
    return f"did not stop within {seconds:g} s, set-up included, and was {killed}, {points}"
