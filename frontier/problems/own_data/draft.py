"""A first draft of a problem from a survey file alone: how it is written, its weights, and what may be published of it.

Of every category the number of rows, of every amount its total, of ages those of bands: with the values that the file
itself has, for its owner to replace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError, some
from frontier.problems.files import build
from frontier.problems.own_data.cells import LOWER, OR, UPPER, WHERE
from frontier.problems.own_data.dialect import Dialect
from frontier.problems.own_data.guess import guessed
from frontier.problems.own_data.ids import numbering
from frontier.problems.own_data.microdata import Microdata, are_codes, select
from frontier.problems.own_data.opening import open_table
from frontier.problems.own_data.tables import Column, Table, is_usable

WEIGHT = re.compile(r".*(weight|wgt|gewicht|poids|peso).*|.*wt|wt.*|w|w0", re.IGNORECASE)
AGE = re.compile(r"(.*[_ .-])?(age|alter|edad)([_ .-].*)?", re.IGNORECASE)
OLDEST = 120
LARGEST_HOUSEHOLD = 10  # rows of one id, on average
BANDS = (0, 18, 30, 45, 65, OLDEST + 1)
MOST_LABELS = 60  # of a category with a total each: a text with more is a name, a place, an answer
DIGITS = 12  # of a value: with fewer, totals and their parts would contradict each other


@dataclass(frozen=True, slots=True)
class Draft:
    """The problem's parameters but for its targets, how the file is written, the targets, and what they leave out."""

    params: dict[str, Any]
    dialect: Dialect
    targets: pd.DataFrame
    n_records: int
    total_weight: float
    left_out: tuple[str, ...]


def draft(path: Path, weight: str | None = None, id: str | None = None) -> Draft:
    """The draft for a survey file, whose initial weights are in the column `weight` and ids in `id`, guessed if None.

    Raises `InputError` where the weights cannot be guessed, or the file cannot be read.
    """
    dialect = guessed(path, path.name)
    data = select(open_table(path, path.name, dialect), {}, None)
    table = data.table
    weight = _weight(table) if weight is None else weight
    table.require(weight, *([] if id is None else [id]))
    id = _id(data) if id is None else id
    left_out: list[str] = []
    rows: list[dict[str, Any]] = [{"name": "rows", "family": "rows", "statistic": "count"}]
    if id is not None and len(np.unique(keys := table.keys(id))) < len(keys):
        rows.append({"name": "records", "family": "rows", "statistic": "records"})
    for name in table.columns:
        if name in (weight, id):
            continue
        found = _cells_of(table, name)
        if isinstance(found, str):
            left_out.append(f"'{name}' ({found})")
        else:
            rows += found
    params: dict[str, Any] = {"microdata": path.name} | dialect.settings()
    params |= ({} if id is None else {"id": id}) | {"weight": weight}
    first = {"name": "", "value": 1.0, "family": "", "note": "of the file itself"}  # in this order
    cells = pd.DataFrame([first | row for row in rows])
    bounds = [name for name in cells.columns if name.endswith((LOWER, UPPER)) and not name.startswith(WHERE)]
    cells = cells.astype(dict.fromkeys(bounds, "Int64"))
    problem = build(**params, targets="targets", folder=path.parent, frames={"targets": cells})
    cells["value"] = [float(f"{value:.{DIGITS}g}") for value in problem.M @ problem.w0]
    none = cells["value"] == 0  # of records without weight: no error is a share of 0
    left_out += [f"'{name}' (0)" for name in cells.loc[none, "name"]]
    cells = cells[~none].reset_index(drop=True)
    return Draft(params, dialect, cells, problem.n_records, float(problem.w0.sum()), tuple(left_out))


def _weight(table: Table) -> str:
    """The one column that is called as weights are and has numbers that can be some."""
    named = [name for name in table.columns if WEIGHT.fullmatch(name.strip()) and _can_weigh(table, name)]
    if len(named) != 1:
        numeric = [name for name in table.columns if _can_weigh(table, name)]
        what = "several columns may be the initial weights" if named else "no column is called as initial weights are"
        raise InputError(
            table.shown, what, got=some(named or numeric), cure="--weight COLUMN; without weights, add a column of ones"
        )
    return named[0]


def _can_weigh(table: Table, name: str) -> bool:
    column = _read(table, name)
    if column is None or column.categories is not None or column.values.dtype == bool or column.missing.any():
        return False
    values = column.values.astype(np.float64)
    return bool(is_usable(values).all() and (values >= 0).all() and values.sum() > 0)


def _read(table: Table, name: str) -> Column | None:
    """A column of texts, truth values or numbers; None for any other (dates, lists)."""
    try:
        return table.column(name)
    except InputError:
        return None


def _id(data: Microdata) -> str | None:
    """The column that numbers the rows, or else the first, if it tells rows or households apart; None if neither."""
    numbers = next(numbering(data), None)
    name = data.table.columns[0] if numbers is None else numbers
    try:
        values = data.table.keys(name)
    except InputError:  # dates, fractions
        return None
    if name == numbers:
        return name
    runs = 1 + np.count_nonzero(values[1:] != values[:-1])  # rows of one household stand together
    return name if runs == len(np.unique(values)) > len(values) / LARGEST_HOUSEHOLD else None


def _cells_of(table: Table, name: str) -> list[dict[str, Any]] | str:
    """The target cells of a column, or why there are none."""
    if not name.strip():
        return "no name"
    if (column := _read(table, name)) is None:
        return "neither texts nor numbers"
    if column.missing.all():
        return "no values"
    if column.categories is None and not is_usable(column.values[~column.missing].astype(np.float64)).all():
        return "infinite or too large"
    labels = _labels(column)
    if labels is not None and len(labels) == 1 and not column.missing.any():
        return "one value"
    return _amounts(name, column) if labels is None else _categories(name, labels)


def _categories(name: str, labels: list[str]) -> list[dict[str, Any]] | str:
    if len(labels) > MOST_LABELS:
        return f"{len(labels):,} texts"
    if any(OR in label or label != label.strip() for label in labels):
        return f"texts with {OR} or a blank at an end"
    common = {"family": name, "statistic": "count"}
    return [{"name": f"{name}={label}", WHERE + name: label} | common for label in labels]


def _amounts(name: str, column: Column) -> list[dict[str, Any]] | str:
    values = column.values[~column.missing].astype(np.float64)
    if AGE.fullmatch(name.strip()) and _are_ages(values):
        return list(_bands(name, values))
    if column.missing.any():
        return "missing values"
    if values.min() == values.max():
        return "one value"
    if OR in name or name.startswith("-"):
        return f"{OR} or - in its name"
    sign = -1.0 if values.sum() < 0 else 1.0  # all that is asked of a value before it is known
    return [{"name": f"{name} total", "value": sign, "family": name, "variable": name, "statistic": "amount"}]


def _bands(name: str, ages: FloatArray) -> Iterator[dict[str, Any]]:
    """The bands of ages that somebody has."""
    for lower, upper in pairwise(BANDS):
        if ((ages >= lower) & (ages < upper)).any():
            last = upper > OLDEST
            row = {"name": f"{name} {lower}+" if last else f"{name} {lower}–{upper - 1}", "family": name}
            yield row | {"statistic": "count", name + LOWER: lower} | ({} if last else {name + UPPER: upper})


def _labels(column: Column) -> list[str] | None:
    """The labels of a category in order; None for amounts."""
    if column.categories is not None:
        return sorted({column.categories[code] for code in np.unique(column.values) if code >= 0})
    if column.values.dtype == bool:
        return [str(value).lower() for value in np.unique(column.values)]
    if are_codes(column.values):
        return [str(int(value)) for value in np.unique(column.values[~column.missing])]
    return None


def _are_ages(values: FloatArray) -> bool:
    return bool(values.size and (values == np.floor(values)).all() and values.min() >= 0 and values.max() <= OLDEST)
