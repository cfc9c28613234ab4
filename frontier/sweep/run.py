"""A session run: the results folder locked, what it lacks solved, the tables written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import Split
from frontier.results.manifest import read_manifest
from frontier.results.provenance import code_digest
from frontier.results.store import BatchResult, Store
from frontier.results.tables import write_tables
from frontier.sweep.batch import Batch
from frontier.sweep.experiment import Experiment
from frontier.sweep.facts import run_manifest
from frontier.sweep.parted import put_together
from frontier.sweep.progress import SweepProgress
from frontier.sweep.runner import finished, run_batches, stored
from frontier.sweep.session import Session, open_session


def run_session(
    session: Session,
    store: Store,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    fresh: bool = False,
    only: Sequence[str] = (),
    quiet: bool = False,
    warn: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Solve every unfinished batch (of the labels or methods in `only`, if any) and write the tables.

    Results of other code than is here count as unfinished, and with `fresh` every result of what is selected does.
    Batches run on `jobs` processes here, or on the workers of the Dask scheduler at the address `scheduler`.
    """
    if session.experiment.tune is not None:
        place = f"experiment '{session.experiment.name}': tune"
        raise InputError(place, "settings are searched first, then compared", cure="use `python -m frontier tune`")
    check_jobs(session.experiment, jobs, scheduler)
    if scheduler is not None and session.experiment.limits.memory_gib is not None:
        warn("limits.memory_gib is not watched on a cluster: give its workers a --memory-limit")
    run = _runner(jobs, scheduler)
    selected = _selected(session, only)
    with store.lock():
        anew = fresh and not only  # with `only`, what is selected goes, and nothing else
        store.open(anew)
        if fresh:
            _discard((batch for batch in session.batches if batch.method.label in selected), store)
        earlier = _earlier_manifest(store, anew)
        known, stale = finished(session.batches, store, warn)
        missing = [batch for batch in session.batches if batch.key not in known]
        todo = [batch for batch in missing if batch.method.label in selected]
        for line in _of_other_code(stale, todo):
            warn(line)
        _discard(todo, store)
        total = sum(len(b.cells) for b in session.batches if b.method.label in selected)
        if todo:
            known = {}  # not kept while solving: they would count in the peak memory that cells report
        started, clock = time.time(), time.monotonic()  # the system's clock may jump
        work = {batch.key: len(batch.cells) * session.solved[batch.problem].M.nnz for batch in todo}
        expected = [(batch.method.label, work[batch.key]) for batch in todo]
        with SweepProgress(total, total - sum(len(b.cells) for b in todo), quiet=quiet, expected=expected) as progress:

            def report(batch: Batch, failed: int, seconds: float) -> None:
                progress.advance(batch.method.label, len(batch.cells), failed, work[batch.key], seconds)

            run(todo, store, session.solved, report=report)
        manifest = run_manifest(session, jobs, code_digest(), earlier) | {
            "backend": "loky" if scheduler is None else "dask",
            "started_unix_seconds": round(started),
            "elapsed_seconds": round(time.monotonic() - clock, 1),
            "cells_solved_now": sum(len(b.cells) for b in todo),
            "cells_resumed": sum(len(b.cells) for b in session.batches) - sum(len(b.cells) for b in missing),
            "cells_not_run": sum(len(b.cells) for b in missing) - sum(len(b.cells) for b in todo),
        }
        if "merged" in earlier:  # which machine produced the batches that are kept
            manifest["merged"] = earlier["merged"]
        return write_tables(store.folder, stored_parts(session, store, known), session.problems, manifest)


def check_jobs(experiment: Experiment, jobs: int, scheduler: str | None = None) -> None:
    """Refuse a number of processes, or a cluster, that cannot be or that the experiment does not want."""
    if jobs < 1:
        raise InputError("jobs", "not a number of processes", expected="an integer ≥ 1", got=jobs)
    if jobs > 1 and scheduler is not None:
        raise InputError("jobs", "not together with a scheduler, whose workers are the processes", cure="drop it")
    if (jobs > 1 or scheduler is not None) and experiment.timing == "clean":
        place, got = ("jobs", jobs) if scheduler is None else ("scheduler", scheduler)
        raise InputError(
            place, "the experiment asks for clean timings", expected=1, got=got, cure="run it here with one process"
        )


def _discard(batches: Iterable[Batch], store: Store) -> None:
    """Take away the results of batches, those that there are."""
    for batch in batches:
        store.path(batch.key).unlink(missing_ok=True)


def _of_other_code(stale: Sequence[Batch], todo: Sequence[Batch]) -> Iterator[str]:
    """What to say of results that earlier code of their method made, label by label."""
    for label in sorted({batch.method.label for batch in stale}):
        cells = sum(len(batch.cells) for batch in stale if batch.method.label == label)
        again = any(batch.method.label == label for batch in todo)
        what = "are solved again" if again else "stay in the tables, as --only leaves them out"
        yield f"the code of '{label}' has changed: its {cells} finished cells {what}"


def stored_parts(
    session: Session, store: Store, known: Mapping[str, BatchResult] | None = None
) -> Iterator[tuple[str, Split, BatchResult]]:
    """Problem label, split and result of every finished batch, in plan order; `known` need not be read again.

    Batches of parts are one (`sweep.parted`).
    """
    read = ((b, (known or {}).get(b.key) or stored(b, store)) for b in session.batches)
    yield from put_together(read, session.wholes, session.problems)


def _runner(jobs: int, scheduler: str | None) -> Callable[..., None]:
    """What runs batches where they are to run; `InputError` without the extra that a cluster needs."""
    if scheduler is None:
        return partial(run_batches, jobs=jobs)
    try:
        from frontier.sweep.cluster import run_on_cluster  # imports distributed
    except ModuleNotFoundError as error:
        if error.name not in ("dask", "distributed"):
            raise
        cure = "python -m pip install -c constraints.txt -e '.[dask]'"
        raise InputError("--backend dask", f"needs the extra 'dask': {error}", cure=cure) from None
    return partial(run_on_cluster, scheduler=scheduler)


def _selected(session: Session, only: Sequence[str]) -> set[str]:
    labels = {spec.label: spec.name for spec in session.experiment.methods}
    for name in only:
        if name not in labels and name not in labels.values():
            known = [*labels, *labels.values()]
            raise InputError("--only", f"no such method in this experiment: '{name}'", cure=did_you_mean(name, known))
    return {label for label, name in labels.items() if not only or label in only or name in only}


def _earlier_manifest(store: Store, fresh: bool) -> dict[str, Any]:
    path = store.folder / "manifest.json"
    return {} if fresh or not path.exists() else read_manifest(store.folder)


def run_experiment(
    path: Path | str, jobs: int = 1, out: Path | str | None = None, *, fresh: bool = False, quiet: bool = True
) -> pd.DataFrame:
    """The cells table of an experiment file, solving only what `out` (default `results/<experiment>`) lacks."""
    session = open_session(path)
    folder = Path(out) if out is not None else Path("results") / session.experiment.name
    return run_session(session, Store(folder), jobs=jobs, fresh=fresh, quiet=quiet)
