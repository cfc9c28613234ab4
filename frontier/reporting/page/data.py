"""The data of the interactive page: plain lists and numbers, rounded to what a reader can use.

A *part* is one problem with one split, or with all folds of a rotation together. A row of `points` is the mean of an
arm (label and refit) at one λ or budget over the seeds and folds of a part, with its range and standard error; a row of
`cells` is one seed on one split. Nothing is chosen here by an error, and nothing is drawn here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.aggregate import fit_seconds, tally
from frontier.analysis.budgets import pooled
from frontier.analysis.groups import groups_of, known, rows_where
from frontier.analysis.profiles import HELD_OUT
from frontier.reporting.convergence import thinned_traces
from frontier.reporting.facts import problem_facts
from frontier.reporting.misses import ARM, Errors, sizes_of, worst_misses
from frontier.reporting.prepared import Prepared
from frontier.reporting.quantities import LEAST_ERROR, QUANTITIES, references
from frontier.results.arms import arm_words
from frontier.results.designs import design_of

METRICS = ("n_active", *QUANTITIES)
POINT = (
    *("part", "label", "refit", "lam", "budget", "n_cells", "n_seeds", "n_with_weights", "n_hollow"),
    *METRICS,
    *("certified", "gap", "status", "seconds", "timing"),
)
READ = (
    *("has_weights", "hollow", "split", "seed", "certified", "relative_gap", "status", "fit_seconds", "timing"),
    *METRICS,
)
CELL = (
    *("part", "label", "refit", "lam", "budget", "seed", "hollow"),
    *METRICS,
    *("certified", "gap", "status", "seconds", "timing"),
)
MISS = ("part", "size", "label", "refit", "lam", "budget", "active", "role", "target", "estimate", "residual", "error")
FAMILY = ("part", "size", "label", "refit", "role", "family", "error")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One problem with the splits that are looked at together."""

    problem: str
    design: str
    splits: tuple[str, ...]
    cells: pd.DataFrame

    @property
    def name(self) -> str:
        if len(self.splits) > 1:
            named = "" if self.design == "fold" else f"{self.design}: "
            return f"{named}{len(self.splits)} folds together"
        return self.splits[0]


def page_data(run: Prepared) -> dict[str, Any]:
    """Everything that the page draws; plain JSON values only."""
    ready, styles = run.first, run.styles
    parts = _parts(ready)
    labels = list(styles)
    refits = sorted(ready["refit"].unique(), key=lambda refit: (refit != "none", refit))
    codes = {"label": labels, "refit": refits}
    points = [_points(part.cells) for part in parts]
    found = {
        "quantities": {name: asdict(quantity) for name, quantity in QUANTITIES.items()},
        "least_error": LEAST_ERROR,
        "labels": [{"name": name, "compared": name in run.focus, **asdict(styles[name])} for name in labels],
        "opened": _opened(run, parts, refits),
        "refits": [{"id": refit, "name": arm_words(refit)} for refit in refits],
        "parts": [_facts(part, run, parts) for part in parts],
        "points": _table(POINT, (row | {"part": i} for i, rows in enumerate(points) for row in rows), codes),
        "cells": _table(CELL, _cell_rows(parts), codes),
        "traces": [_plain_trace(row, labels) for row in thinned_traces(ready, run.traces)],
    }
    return found | _misses(parts, points, run.errors, codes)


def _parts(ready: pd.DataFrame) -> list[Part]:
    """For each problem and design: all folds together, then every split on its own."""
    found = []
    for problem, some in ready.groupby("problem", sort=True):
        for design, cells in some.groupby(some["split"].map(design_of), sort=True):
            splits = tuple(sorted(cells["split"].unique()))
            if len(splits) > 1:
                found.append(Part(str(problem), str(design), splits, cells))
            found += [Part(str(problem), str(design), (name,), cells[cells["split"] == name]) for name in splits]
    return found


def _opened(run: Prepared, parts: Sequence[Part], refits: Sequence[str]) -> dict[str, Any]:
    """What the chart shows at first: the part, the arm and the error that the verdict is about, as far as known."""
    found = [(part.problem, part.design) for part in parts]
    key = next((key for key in run.front if key in found), None)
    known = [name for name in (HELD_OUT, "heldout_mare") if run.first[name].notna().any()]
    arm = run.arm if run.arm in refits else "none"
    return {
        "part": 0 if key is None else found.index(key),
        "refit": refits.index(arm) if arm in refits else 0,
        "metric": [*known, "train_mare"][0],
        "declared": bool(run.declared),
    }


def _facts(part: Part, run: Prepared, parts: Sequence[Part]) -> dict[str, Any]:
    """Names, sizes and the lines to read the points against."""
    facts = [problem_facts(run.manifest, part.problem, split) for split in part.splits]
    whole = next(i for i, other in enumerate(parts) if (other.problem, other.design) == (part.problem, part.design))
    lines = [
        asdict(line) | {"values": [plain_value(value) for value in line.values]}
        for line in references(facts, run.initial_error(part.cells))
    ]
    return {
        "problem": part.problem,
        "name": part.name,
        "splits": list(part.splits),
        "whole": whole,  # where the worst misses of this part's design are
        "records": facts[0].records,
        "training": [fact.training for fact in facts if fact.training is not None],
        "references": lines,
    }


def _points(cells: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per arm and λ or budget: of each metric [mean, lowest, highest, standard error]."""
    rows = []
    ordered = cells.sort_values(["label", "is_refit", "refit", "lam", "budget"], kind="stable")
    for key, group in groups_of(ordered, ARM, READ):
        good = rows_where(group, group["has_weights"])
        spent, timing = fit_seconds(good)
        confirmed = [value for value in good["certified"] if value is not None]
        n_seeds = len(set(known(group["seed"])))
        row = key | {"n_cells": len(group["seed"]), "n_seeds": n_seeds, "n_with_weights": len(good["seed"])}
        row |= {"n_hollow": int(good["hollow"].sum()), "status": tally(group["status"]), "timing": timing}
        row["certified"] = None if not confirmed else 2 if all(confirmed) else 1 if any(confirmed) else 0
        row["gap"] = float(np.fmax.reduce(good["relative_gap"], initial=np.nan))
        row["seconds"] = float(spent.mean()) if spent.size else None
        for metric, (mean, error) in pooled(good, METRICS).items():
            there = known(good[metric])
            lowest, highest = (there.min(), there.max()) if there.size else (np.nan, np.nan)
            row[metric] = [mean, lowest, highest, error]
        rows.append(row)
    return rows


def _cell_rows(parts: Sequence[Part]) -> Iterable[Mapping[Any, Any]]:
    for number, part in enumerate(parts):
        if len(part.splits) > 1:
            continue  # its cells are those of its folds
        for row in part.cells.to_dict("records"):
            certified = None if pd.isna(row["certified"]) else 2 * int(row["certified"])
            told = {"part": number, "certified": certified, "gap": row["relative_gap"], "seconds": row["fit_seconds"]}
            yield row | told | {"hollow": int(row["hollow"])}


def _misses(
    parts: Sequence[Part],
    points: Sequence[list[dict[str, Any]]],
    errors: Mapping[str, Errors],
    codes: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Worst targets and errors by family of every design that has estimates."""
    worst: list[dict[str, Any]] = []
    families: list[dict[str, Any]] = []
    names: dict[str, list[Any]] = {}
    sizes: dict[int, list[float]] = {}
    for number, part in enumerate(parts):
        first = next(i for i, other in enumerate(parts) if (other.problem, other.design) == (part.problem, part.design))
        if number != first or part.problem not in errors:
            continue
        known = errors[part.problem]
        table = pd.DataFrame(points[number])
        table["n_active_mean"] = [value[0] for value in table["n_active"]]
        sizes[number] = sizes_of(table)
        found = worst_misses(part.cells, table, known, sizes[number])
        for rows, into in zip(found, (worst, families), strict=True):
            into += [row | {"part": number, "active": row["n_active_mean"]} for row in rows]
    for problem, known in errors.items():
        shown = sorted({row["target"] for row in worst if parts[row["part"]].problem == problem})
        names[problem] = [[j, known.names[j], str(known.families[j]), plain_value(known.values[j])] for j in shown]
    every = dict(codes) | {"family": sorted({row["family"] for row in families}), "role": ["held out", "fitted"]}
    return {
        "sizes": {str(number): [plain_value(size) for size in some] for number, some in sizes.items()},
        "targets": names,
        "families": every["family"],
        "misses": _table(MISS, worst, every),
        "family_errors": _table(FAMILY, families, every),
    }


def _table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], codes: Mapping[str, Sequence[str]]) -> Any:
    """`{columns, rows}`; names that `codes` lists become their position in it."""
    places = {column: {name: i for i, name in enumerate(names)} for column, names in codes.items()}
    lines = [[places[name][row[name]] if name in places else _value(row[name]) for name in columns] for row in rows]
    return {"columns": list(columns), "rows": lines}


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [plain_value(each) for each in value]
    return value if isinstance(value, str) else plain_value(value)


def plain_value(value: Any) -> float | int | None:
    """Five significant digits; None for what is missing or infinite."""
    if value is None or pd.isna(value) or not math.isfinite(value):
        return None
    rounded = float(f"{float(value):.5g}") if abs(value) < 1e5 or value != round(value) else float(value)
    return int(rounded) if rounded == round(rounded) else rounded


def _plain_trace(row: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    plain = {name: row[name] for name in ("problem", "split", "quantity", "axis")}
    numbers = {name: plain_value(row[name]) for name in ("lam", "budget", "seed")}
    return (
        plain | numbers | {"label": labels.index(row["label"]), **{k: [plain_value(v) for v in row[k]] for k in "xy"}}
    )
