"""Where it fails: the families of totals, then the single totals, that the compared methods miss by most.

All stand at one size, and nothing is chosen by an error but the order. A run without held-out targets, or with a single
label, has no such section.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from frontier.reporting.document import Block, Section, Table, Text
from frontier.reporting.misses import Errors, Matrix, arm_key, at_one_size, by_family, means, rows_by_arm
from frontier.reporting.numbers import MISSING, count, percent, significant
from frontier.reporting.prepared import Key, Prepared
from frontier.results.arms import arm_name

PLACE = 6
FRONT = True
MOST_FAMILIES = 10
MOST_TARGETS = 6


def blocks(run: Prepared) -> list[Block]:
    """Two tables for each problem and design of the first page with held-out estimates of what is compared."""
    told: list[Block] = []
    for key in run.front if run.can_compare else ():
        inside = _part(run, key)
        if inside:
            told += inside if len(run.front) == 1 else [Section(run.titles[key], inside, folded=bool(told))]
    return [Section("Where it fails", told)] if told else []


def _part(run: Prepared, key: Key) -> list[Block]:
    part = run.parts[key]
    errors = run.errors.get(key[0])
    if errors is None:
        return []
    size, rows = at_one_size(run.pooled[key], run.focus)
    shown = _shown(run, rows)
    placed = rows_by_arm(part, errors)
    found: dict[str, Mapping[str, Matrix]] = {}
    for name, point in shown.items():
        cells = placed.get(arm_key(point))
        if cells:
            found[name] = means(errors, cells, errors.heldout[cells])
    compared = [name for name in found if name not in run.controls]
    if not compared:
        return []
    near = f"near {count(size)} records" if size else "with the whole file"
    families = Text(f"Held-out error by family of totals, each total capped at 100%, {near}; the worst first:")
    targets = Text("The totals that these methods miss by most, estimate over published value − 1 where held out:")
    return [families, _families(errors, found, compared), targets, _targets(errors, found, compared)]


def _shown(run: Prepared, rows: pd.DataFrame) -> dict[str, Mapping[Any, Any]]:
    """The compared arms at one size by name, the initial weights before them."""
    shown: dict[str, Mapping[Any, Any]] = {}
    for label in [*sorted(run.controls), *run.focus]:
        for refit in dict.fromkeys([run.arm, "none"]):
            some = rows[(rows["label"] == label) & (rows["refit"] == refit)]
            if len(some):
                shown[arm_name(label, refit)] = some.iloc[0].to_dict()
                break
    return shown


def _families(errors: Errors, found: Mapping[str, Mapping[str, Matrix]], compared: list[str]) -> Table:
    table = pd.DataFrame(
        {
            name: {row["family"]: row["error"] for row in by_family(errors, told["capped"])}
            for name, told in found.items()
        }
    )
    order = table[compared].mean(axis=1).sort_values(ascending=False, kind="stable").index[:MOST_FAMILIES]
    held = np.isfinite(next(iter(found.values()))["error"])
    sizes = pd.Series(errors.families[held]).value_counts()
    rows = [[str(f), count(int(sizes.get(f, 0))), *(percent(v) for v in table.loc[f])] for f in order]
    return Table(["family", "held-out totals", *found], rows, numbers=range(1, 2 + len(found)))


def _targets(errors: Errors, found: Mapping[str, Mapping[str, Matrix]], compared: list[str]) -> Table:
    every = np.array([found[name]["error"] for name in compared])
    known = np.flatnonzero(np.isfinite(every).all(axis=0))
    worst = known[np.argsort(-np.median(every[:, known], axis=0), kind="stable")[:MOST_TARGETS]]
    rows = [
        [
            *(errors.names[j], str(errors.families[j]), significant(float(errors.values[j]))),
            *(_signed(float(told["residual"][j])) for told in found.values()),
        ]
        for j in worst
    ]
    return Table(["total", "family", "published", *found], rows, numbers=range(2, 3 + len(found)))


def _signed(residual: float) -> str:
    """`+54.0%`, `−12.3%`."""
    if np.isnan(residual):
        return MISSING
    return ("+" if residual >= 0 else "") + percent(residual)
