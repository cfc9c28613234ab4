"""Progress of a sweep: a live bar with ETA on a terminal, a plain line every few seconds elsewhere.

Where the work of each piece is known, progress is by cost: what is left of a method takes the seconds a piece of work
that its finished batches took, of a method not yet seen those of all. Otherwise every unit counts the same.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

LINE_EVERY_SECONDS = 5.0


class SweepProgress:
    """Counts finished cells; `quiet` shows nothing. Use as a context manager.

    `expected` are the method and the work (any unit, the same for all) of each piece that is left, in their order.
    """

    def __init__(
        self,
        total: int,
        done: int,
        *,
        quiet: bool = False,
        unit: str = "cells",
        expected: Sequence[tuple[str, float]] = (),
    ) -> None:
        self.total, self.done, self.failed, self.resumed, self.unit = total, done, 0, done, unit
        self.left: dict[str, float] = defaultdict(float)  # work by method, and of what is done its work and seconds
        self.worked: dict[str, float] = defaultdict(float)
        self.spent: dict[str, float] = defaultdict(float)
        for label, work in expected:
            self.left[label] += work
        self.first = expected[0][0] if expected else ""
        self.console = Console(stderr=True, quiet=quiet)
        self.started = self.last_line = time.monotonic()
        self.bar: Progress | None = None
        if self.console.is_terminal and not quiet:
            first, lost = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[failed]}", "red")
            count, eta = TextColumn("{task.fields[count]}"), TextColumn("ETA {task.fields[eta]}")
            self.bar = Progress(first, lost, BarColumn(), count, TimeElapsedColumn(), eta, console=self.console)
            self.task = self.bar.add_task(self._first_step(), total=1.0, **self._shown("unknown"))

    def __enter__(self) -> SweepProgress:
        if self.bar:
            self.bar.start()
            return self
        if self.resumed:
            self._say(f"resumed: {self.resumed} of {self.total} {self.unit} were already solved")
        if self.first:
            self._say(f"{self._count()}, {self._first_step()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar:
            self.bar.stop()

    def advance(self, label: str, cells: int, failed: int, work: float = 0.0, seconds: float = 0.0) -> None:
        """One batch of `cells` is done, of which `failed` have no weights; its work took `seconds` of fitting."""
        self.done += cells
        self.failed += failed
        self.left[label] -= work
        self.worked[label] += work
        self.spent[label] += seconds
        now = time.monotonic()
        left = self.seconds_left(now - self.started)
        eta = "unknown" if left is None else _duration(left)
        if self.bar:
            share = 1.0 if self.done >= self.total else 0.0 if left is None else (now - self.started) / (
                now - self.started + left
            )  # fmt: skip
            self.bar.update(self.task, completed=share, description=label, **self._shown(eta))
            return
        if now - self.last_line < LINE_EVERY_SECONDS and self.done < self.total:
            return
        self.last_line = now
        failures = f", {self.failed} failed" if self.failed else ""
        self._say(f"{self._count()} ({label}){failures}, {_duration(now - self.started)} elapsed, ETA {eta}")

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def seconds_left(self, elapsed: float) -> float | None:
        """Until all is done, when so much time has gone by; None while nothing is known.

        Batches that run beside each other, and what is not fitting, are in it: what is left goes on at the rate of
        elapsed time to seconds of fitting so far.
        """
        spent = sum(self.spent.values())
        if self.first and spent > 0:
            rate = spent / sum(self.worked.values())
            left = sum(
                work * (self.spent[label] / self.worked[label] if self.worked[label] else rate)
                for label, work in self.left.items()
            )
            return max(0.0, left) * elapsed / spent
        new = self.done - self.resumed
        return (self.total - self.done) * elapsed / new if new and elapsed > 0 else None

    def _shown(self, eta: str) -> dict[str, Any]:
        """The fields of the bar."""
        return {"failed": f"{self.failed} failed" if self.failed else "", "count": self._count(), "eta": eta}

    def _count(self) -> str:
        return f"{self.done}/{self.total} {self.unit}"

    def _first_step(self) -> str:
        return f"{self.first} first (compiled now if it is new here)" if self.first else "starting"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
