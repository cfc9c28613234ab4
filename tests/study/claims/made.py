"""Run made up cell by cell, for tests of the judges: a claim must follow whatever they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from frontier.results.run import Run
from frontier.results.schema import cells_table
from tests.analysis.runs import MACHINE, row

Cell = dict[str, Any]


def cell(method: str, label: str | None = None, **values: Any) -> Cell:
    """One cell as fitted; its name is its identity, refit included."""
    made = row(label or method, method=method, **({"certified": None, "threads": 1, "n_iter": 100} | values))
    refit = made["refit"]
    made["cell"] = f"{made['problem']}/{made['cell']}" + ("" if refit == "none" else f"/refit={refit}")
    return made


def seeds(values: Iterable[float], make: Callable[[int, float], Cell]) -> list[Cell]:
    """A cell for every value, seeds counted from 0."""
    return [make(seed, value) for seed, value in enumerate(values)]


def results(cells: Iterable[Cell], targets: pd.DataFrame | None = None, **manifest: Any) -> Run:
    facts: dict[str, Any] = {"machine": MACHINE, "jobs": 1, "problems": {"p": {"n_records": 1000, "meta": {}}}}
    table = cells_table(list(cells))
    for name in ("n_active_1e-3", "certified", "objective", "lam_absolute", "heldout_capped_mare", "train_capped_mare"):
        if name not in table.columns:
            table[name] = {"n_active_1e-3": table["n_active"]}.get(name, pd.NA)
    return Run(table, facts | manifest, targets=targets)


def targets_of(
    cells: Iterable[Cell],
    value: Mapping[str, float],
    estimate: Callable[[Cell, str], float],
    heldout: Iterable[str] = (),
) -> pd.DataFrame:
    """The targets table of `cells`: values by name, estimates by cell and name."""
    held = set(heldout)
    rows = []
    for one in cells:
        for name, y in value.items():
            found = estimate(one, name)
            rows.append(
                {"cell": one["cell"], "target": name, "family": "f", "heldout": name in held, "value": y}
                | {"estimate": found, "relative_residual": (found - y) / abs(y)}
            )
    return pd.DataFrame(rows)
