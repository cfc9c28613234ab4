"""What Newton steps by blocks and a border gain on a file of areas: the same fits with them and by conjugate gradients.

Problem `areas` under shared totals, of several sizes; each method runs both ways in turn, and both end certified or at
the same tolerance. A ratio below 1 would say that looking for blocks was in vain.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from frontier.commands.command_line import command, print_lines
from frontier.core.point import Point
from frontier.methods.anchored_l1 import AnchoredL1
from frontier.methods.base import Method
from frontier.methods.raking import Raking
from frontier.problems.registry import load_problem
from frontier.solvers.dual import newton
from frontier.study.kept import keep
from frontier.sweep.measure import limited_threads

AREAS, SIZES = 650, [100, 1000]
METHODS: dict[str, tuple[Method, Point]] = {
    "anchored_l1, λ = 10 μ": (AnchoredL1(), Point(lam=10.0)),
    "raking": (Raking(), Point()),
    "raking, relax 0.001": (Raking(relax=1e-3), Point()),
}
NEVER = 10**9


@command
def main(
    out: Annotated[Path, typer.Option(help="the table, a CSV file")] = Path("results/scale_populace/blocks.csv"),
    repeats: Annotated[int, typer.Option(min=1, help="of every fit")] = 3,
    records: Annotated[
        list[int] | None, typer.Option(min=60, help="per area, may be given again; default 100, 1000")
    ] = None,
    areas: Annotated[int, typer.Option(min=1)] = AREAS,
) -> None:
    """Measure Newton steps by blocks against conjugate gradients on files of areas (keep the machine idle)."""
    found = measured(records or SIZES, areas, repeats)
    keep(found, out)
    print_lines([f"{ratios(found).to_string(index=False)}\ntable: {out}"])


def measured(records: list[int], areas: int, repeats: int) -> pd.DataFrame:
    """A row per size, method, way and repeat: targets, records, non-zeros, seconds, Newton steps, status."""
    rows = []
    for size in records:
        problem = load_problem("areas", areas=areas, records=size, above=True)
        facts = {"n_targets": problem.n_targets, "n_records": problem.n_records, "nnz": int(problem.M.nnz)}
        for name, (method, point) in METHODS.items():
            for repeat in range(-1, repeats):  # the first compiles
                for way in ("blocks", "conjugate gradients"):
                    with _way(way), limited_threads(2):
                        start = time.perf_counter()
                        [solution] = method.solve(problem, [point])
                        seconds = time.perf_counter() - start
                    row = {"method": name, "way": way, "repeat": repeat, "seconds": seconds} | facts
                    rows.append(row | {"steps": solution.n_iter, "status": str(solution.status)})
    table = pd.DataFrame(rows)
    return table[table["repeat"] >= 0].reset_index(drop=True)


def ratios(table: pd.DataFrame) -> pd.DataFrame:
    """A row per size and method: median seconds both ways, their ratio with its range over repeats, Newton steps."""
    rows = []
    for (records, method), part in table.groupby(["n_records", "method"], sort=True):
        by_way = part.pivot_table(index="repeat", columns="way", values="seconds")
        ratio = by_way["conjugate gradients"] / by_way["blocks"]
        steps = part.groupby("way")["steps"].median()
        rows.append(
            {"method": method, "n_records": records, "n_targets": int(part["n_targets"].iloc[0])}
            | {"blocks": by_way["blocks"].median(), "conjugate": by_way["conjugate gradients"].median()}
            | {"ratio": float(np.median(ratio)), "least": float(ratio.min()), "most": float(ratio.max())}
            | {"steps": int(steps["blocks"]), "status": ", ".join(dict.fromkeys(part["status"]))}
        )
    return pd.DataFrame(rows)


@contextmanager
def _way(way: str) -> Iterator[None]:
    """Within it blocks are looked for as usual, or never."""
    before = newton.LOOK
    newton.LOOK = before if way == "blocks" else NEVER
    try:
        yield
    finally:
        newton.LOOK = before
