"""Progress of a sweep: a live bar with ETA on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY_SECONDS = 5.0


class SweepProgress:
    """Counts finished cells; `quiet` shows nothing. Use as a context manager."""

    def __init__(self, total: int, done: int, *, quiet: bool = False, unit: str = "cells") -> None:
        self.total, self.done, self.failed, self.resumed, self.unit = total, done, 0, done, unit
        self.console = Console(stderr=True, quiet=quiet)
        self.started = self.last_line = time.monotonic()
        self.bar: Progress | None = None
        if self.console.is_terminal and not quiet:
            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn(unit),
                TimeElapsedColumn(),
                TextColumn("ETA"),
                TimeRemainingColumn(),
                console=self.console,
            )
            self.task = self.bar.add_task("starting", total=total, completed=done)

    def __enter__(self) -> SweepProgress:
        if self.bar:
            self.bar.start()
        elif self.resumed:
            self.console.print(
                f"resumed: {self.resumed} of {self.total} {self.unit} were already solved", highlight=False
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar:
            self.bar.stop()

    def advance(self, label: str, cells: int, failed: int) -> None:
        """One batch of `cells` is done, of which `failed` have no weights."""
        self.done += cells
        self.failed += failed
        if self.bar:
            failures = f" [red]{self.failed} failed[/red]" if self.failed else ""
            self.bar.update(self.task, advance=cells, description=f"{label}{failures}")
            return
        now = time.monotonic()
        if now - self.last_line < LINE_EVERY_SECONDS and self.done < self.total:
            return
        self.last_line = now
        elapsed = now - self.started
        rate = (self.done - self.resumed) / elapsed if elapsed > 0 else 0.0
        eta = f"{(self.total - self.done) / rate:.0f} s" if rate > 0 else "unknown"
        failures = f", {self.failed} failed" if self.failed else ""
        line = f"{self.done}/{self.total} {self.unit} ({label}){failures}, {elapsed:.0f} s elapsed, ETA {eta}"
        self.console.print(line, highlight=False)
