"""Several runs as one: their cells, estimates and traces together, and one manifest that says how they were joined.

- A label that two runs use for different methods or parameters, or for the same cells, becomes `label (run)` in each.
- A problem that two runs know under one label with different fingerprints, or split differently, becomes
  `problem (run)` in each: its cells are never drawn together.
- Everything else with one name is one thing; the runs are named after their experiments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from frontier.core.errors import InputError
from frontier.results.run import Run
from frontier.results.schema import IDENTITY, rows_of


def join_runs(runs: Sequence[Run]) -> Run:
    """All `runs` as one, named `a+b`; a single run as it is. `InputError` when two have one name."""
    if len(runs) == 1:
        return runs[0]
    names = [run.name for run in runs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError("results", f"two runs are named '{twice[0]}'", cure="name every run once")
    problems = _clashes(runs, _problem_identity)
    renamed = [_rename(run, "problem", problems) for run in runs]
    methods = _clashes(renamed, _method_identity) | _same_cells(renamed)
    renamed = [_rename(run, "label", methods) for run in renamed]
    told = [f"The runs hold different data or splits under the name {name}: they are kept apart." for name in problems]
    told += [f"The runs mean different things by {name}, or have the same cells of it: kept apart." for name in methods]
    told += ["The runs were made on different machines: their seconds must not be compared."] * _machines_differ(runs)
    return Run(
        _stacked([_with_run(run.cells, run.name) for run in renamed]),
        _manifest(runs, renamed, told or ["No name stands for two things: runs share their problems and labels."]),
        "+".join(names),
        _joined([run.targets for run in renamed], names),
        _joined([run.traces for run in renamed], names),
    )


def _problem_identity(run: Run) -> dict[str, Any]:
    """What makes a problem the same one: its data, and for every split what is known of it."""
    splits = run.manifest.get("splits") or {}
    facts = run.manifest.get("problems") or {}
    return {
        name: ((facts.get(name) or {}).get("fingerprint"), _sizes(splits.get(name) or {}))
        for name in run.cells["problem"].astype(str).unique()
    }


def _sizes(splits: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [(facts or {}).get(size) for size in ("n_train", "n_heldout", "rank")] for name, facts in splits.items()
    }


def _method_identity(run: Run) -> dict[str, Any]:
    known = run.manifest.get("methods") or {}
    return {name: known.get(name) for name in run.cells["label"].astype(str).unique()}


def _clashes(runs: Sequence[Run], identity: Callable[[Run], dict[str, Any]]) -> dict[str, None]:
    """Names that mean different things in two runs, in order; what one of them does not know is no difference."""
    found: dict[str, None] = {}
    first: dict[str, Any] = {}
    for run in runs:
        for name, meaning in identity(run).items():
            if name in first and _differ(first[name], meaning):
                found[name] = None
            first.setdefault(name, meaning)
    return found


def _differ(one: Any, other: Any) -> bool:
    if isinstance(one, tuple):  # a problem: shared splits must agree
        shared = one[1].keys() & other[1].keys()
        return bool(one[0] != other[0] or any(one[1][split] != other[1][split] for split in shared))
    return bool(one != other)


def _same_cells(runs: Sequence[Run]) -> dict[str, None]:
    """Labels of which two runs have a cell with the same identity: joined, it would count twice."""
    found: dict[str, None] = {}
    seen: set[tuple[Any, ...]] = set()
    for run in runs:
        columns = [name for name in IDENTITY if name in run.cells.columns]
        rows = {tuple(row.values()) for row in rows_of(run.cells[columns])}
        found |= dict.fromkeys(sorted(str(row[columns.index("label")]) for row in rows & seen))
        seen |= rows
    return found


def _rename(run: Run, column: str, clashes: Mapping[str, None]) -> Run:
    """The run with each clashing name followed by the run's own."""
    if not clashes:
        return run
    new = {name: f"{name} ({run.name})" for name in clashes}
    cells = run.cells.assign(**{column: run.cells[column].astype(str).map(lambda name: new.get(name, name))})
    manifest = dict(run.manifest)
    for part in ("problems", "splits") if column == "problem" else ("methods",):
        manifest[part] = {new.get(name, name): facts for name, facts in (manifest.get(part) or {}).items()}
    return replace(run, cells=cells, manifest=manifest)


def _with_run(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Cell ids are unique within a run only."""
    return table.assign(cell=name + "/" + table["cell"].astype(str)) if "cell" in table.columns else table


def _joined(tables: Sequence[pd.DataFrame | None], names: Sequence[str]) -> pd.DataFrame | None:
    known = [_with_run(table, name) for table, name in zip(tables, names, strict=True) if table is not None]
    return _stacked(known) if known else None


def _stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all tables; empty ones would only decide the types of the others."""
    full = [table for table in tables if len(table)]
    return pd.concat(full, ignore_index=True) if full else tables[0]


def _machines_differ(runs: Sequence[Run]) -> bool:
    return len({str(run.manifest.get("machine")) for run in runs}) > 1


def _manifest(runs: Sequence[Run], renamed: Sequence[Run], told: Sequence[str]) -> dict[str, Any]:
    """The parts that a report reads: problems and splits of all, texts with the run that they are about."""
    merged: dict[str, Any] = {"problems": {}, "splits": {}, "methods": {}}
    for run in renamed:
        merged["problems"] |= run.manifest.get("problems") or {}
        merged["methods"] |= run.manifest.get("methods") or {}
        for name, splits in (run.manifest.get("splits") or {}).items():
            merged["splits"][name] = merged["splits"].get(name, {}) | splits
    texts = [(run.name, str(run.manifest.get("description") or "")) for run in runs]
    merged["experiment"] = " + ".join(run.name for run in runs)
    merged["description"] = "\n\n".join(f"{name}: {text}" for name, text in texts if text)
    merged["limitations"] = [f"{run.name}: {text}" for run in runs for text in run.manifest.get("limitations") or ()]
    merged["runs"] = [{"name": run.name, "manifest": dict(run.manifest)} for run in runs]
    merged["joined"] = list(told)
    return merged
