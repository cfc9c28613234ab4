"""What it costs to have a batch solved elsewhere: seconds per gigabyte of problem, of processes here and of Dask.

The same batch, one that solves nothing (the initial weights are scored), runs in this process, in a process of
joblib's, and on a Dask cluster of one and of two workers on this machine: so what is measured is copying, not a
network. The problem is sent anew each time, as for a new experiment. Overhead is the wall time beyond that in this
process, and its law `a + b · gigabytes` a line over sizes by least squares, with standard errors. With two workers
there are two batches, one for each, and the problem travels twice.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from scipy.stats import linregress

from frontier.commands.command_line import command, print_lines
from frontier.results.store import Store
from frontier.study.kept import keep
from frontier.sweep.session import Session, open_session

SIZES = ("1/32", "1/8", "1/2", "1", "2")  # of synthetic_populace: 0.01 to 0.7 GB
ENGINES = ("a process of joblib's", "Dask, one worker", "Dask, two workers")
COPIES = {ENGINES[2]: 2}  # of the matrix that are sent: one to each worker
TEXT = """\
problems: [{{name: synthetic_populace, scale: {scale}}}]
methods:
  - {{name: initial_weights}}
  - {{name: initial_weights, label: again}}
"""
GIGABYTE = 1e9


@command
def main(
    out: Annotated[Path, typer.Option(help="the table, a CSV file")] = Path("results/scale_populace/overhead.csv"),
    repeats: Annotated[int, typer.Option(min=1, help="of every size")] = 3,
    sizes: Annotated[str, typer.Option(help="scales of synthetic_populace, with commas")] = ",".join(SIZES),
) -> None:
    """Measure the overhead of processes and of a Dask cluster on this machine (keep it idle: some minutes)."""
    found = measured([size.strip() for size in sizes.split(",")], repeats)
    keep(found, out)
    print_lines([f"{laws(found).to_string(index=False)}\ntable: {out}"])


def measured(sizes: Sequence[str], repeats: int) -> pd.DataFrame:
    """A row per engine, size and repeat: gigabytes of the problem's arrays, wall seconds, and those in this process."""
    rows = []
    with _clusters((1, 2)) as addresses:
        for scale in sizes:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "overhead.yaml"
                path.write_text(TEXT.format(scale=scale), encoding="utf-8")
                session = open_session(path)
                [problem] = session.problems.values()
                M = problem.M
                gigabytes = (M.data.nbytes + M.indices.nbytes + M.indptr.nbytes) / GIGABYTE
                runs = _runs(addresses)
                for _ in range(repeats + 1):  # the first is not counted: workers import what they need
                    alone = _seconds(session, Path(folder), runs["here"], 1)
                    for engine, batches in zip(ENGINES, (1, 1, 2), strict=True):
                        seconds = _seconds(session, Path(folder), runs[engine], batches)
                        rows.append({"engine": engine, "scale": scale, "gigabytes": gigabytes} | {"seconds": seconds})
                        rows[-1] |= {"here": alone}
                del rows[-(repeats + 1) * len(ENGINES) : -repeats * len(ENGINES)]
    return pd.DataFrame(rows)


def laws(table: pd.DataFrame) -> pd.DataFrame:
    """A row per engine: seconds per batch and per gigabyte sent beyond this process, each with its standard error."""
    rows = []
    for engine, part in table.groupby("engine", sort=False):
        more = part.assign(more=part["seconds"] - part["here"], sent=part["gigabytes"] * COPIES.get(str(engine), 1))
        median = more.groupby("sent")["more"].median()
        line = linregress(median.index.to_numpy(float), median.to_numpy(float))
        row: dict[str, Any] = {"engine": engine, "sizes": len(median), "seconds": line.intercept}
        row |= {"seconds_se": line.intercept_stderr, "per_gigabyte": line.slope, "per_gigabyte_se": line.stderr}
        rows.append(row)
    return pd.DataFrame(rows)


def _runs(addresses: Sequence[str]) -> Mapping[str, Callable[..., None]]:
    from frontier.sweep.cluster import run_on_cluster
    from frontier.sweep.runner import run_batches

    one, two = (partial(run_on_cluster, scheduler=address) for address in addresses)
    return {"here": partial(run_batches, jobs=1)} | dict(
        zip(ENGINES, (partial(run_batches, jobs=2), one, two), strict=True)
    )


def _seconds(session: Session, folder: Path, run: Callable[..., None], batches: int) -> float:
    """Wall time of so many batches, into a new store."""
    store = Store(folder / "results")
    store.open(fresh=True)
    start = time.perf_counter()
    run(session.batches[:batches], store, session.problems, report=lambda *_: None)
    return time.perf_counter() - start


@contextmanager
def _clusters(workers: Sequence[int]) -> Iterator[list[str]]:
    """Addresses of local clusters with so many workers each."""
    import distributed

    clusters = [
        distributed.LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=None)  # type: ignore[no-untyped-call]
        for n in workers
    ]
    try:
        yield [cluster.scheduler_address for cluster in clusters]
    finally:
        for cluster in clusters:
            cluster.close()
