"""A table of target cells: what each calibration target adds up over the rows of a microdata file, written by hand.

    name, value          the target; family, importance and scale as in every target list
    variable             the column that is added up; blank: 1 for every row; `a|b`: both columns; `-a`: sign changed
    statistic            amount (or persons): the sum of the variable; count: rows where it is not 0 (of each column of
                         `a|b`); records: records with a row where it is not 0
    variable_lower, _upper   only values from lower (included) to upper (excluded); a count then counts those
    where:<column>       only rows of this category, or of `a|b|c`
    <column>_lower, _upper   only rows where the column is in this range

Blank: no filter. All filters of a row hold at once. A missing value passes no filter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import IntArray
from frontier.core.errors import InputError, mistakes, raise_first
from frontier.problems.own_data.lists import REMARKS, TARGET_COLUMNS, Targets, read_targets
from frontier.problems.own_data.tables import Column, Table, near

Statistic = Literal["amount", "persons", "count", "records"]
STATISTICS: tuple[Statistic, ...] = ("amount", "persons", "count", "records")
WHERE, LOWER, UPPER, OR = "where:", "_lower", "_upper", "|"
OWN = (*TARGET_COLUMNS, *REMARKS, "variable", "statistic")
BOOLEANS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows whose `column` is one of `wanted`, or in [lower, upper); `name` is the target table's column."""

    name: str
    column: str
    wanted: tuple[str, ...] = ()
    lower: float = -math.inf
    upper: float = math.inf

    def passed(self, values: Column, rows: IntArray | slice) -> NDArray[np.bool_]:
        """Which of `rows` pass; `KeyError` names a wanted value that no value of the column can be."""
        if values.categories is not None:
            if not self.wanted:
                raise KeyError(values.categories[0] if values.categories else "")
            table = np.isin(np.array((*values.categories, "")), self.wanted)
            table[-1] = False  # the code of a missing value is −1
            return np.asarray(table[values.values[rows]])
        numbers = values.values[rows].astype(np.float64)
        if self.wanted:
            return np.isin(numbers, [number(text, values) for text in self.wanted])
        return np.asarray((numbers >= self.lower) & (numbers < self.upper))


def number(text: str, values: Column) -> float:
    """A category of a column of numbers or booleans as a number; `KeyError` when it is none."""
    if values.values.dtype == bool and text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    try:
        return float(text)
    except ValueError:
        raise KeyError(text) from None


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The target list with what each target adds up: variables ("" is 1 for every row), range, and filters."""

    targets: Targets
    variables: tuple[tuple[str, ...], ...]
    statistics: tuple[Statistic, ...]
    ranges: tuple[tuple[float, float], ...]
    filters: tuple[tuple[Filter, ...], ...]
    unused: tuple[str, ...]

    @property
    def filter_columns(self) -> list[str]:
        return list(dict.fromkeys(f.column for filters in self.filters for f in filters))

    @property
    def units(self) -> tuple[str, ...]:
        """What each target adds up: totals of one unit may be added."""
        return tuple(
            "|".join(v) if s in ("amount", "persons") and any(v) else "rows" if s != "records" else s
            for v, s in zip(self.variables, self.statistics, strict=True)
        )

    @property
    def categories(self) -> list[str]:
        """The columns that targets select categories of."""
        return list(dict.fromkeys(f.column for filters in self.filters for f in filters if f.wanted))


def read_cells(table: Table, microdata: Table, floor: float | None) -> Cells:
    """The target cells in a table; `InputError` for a column, statistic or filter that the microdata do not have."""
    targets = read_targets(table, floor)
    statistics = _statistics(table, targets)
    variables = _variables(table, microdata, targets)
    ranged = _ranges(targets, "variable") if _has_range(table, "variable") else None
    filters: list[list[Filter]] = [[] for _ in statistics]
    unused = []
    for column, name, is_range in _filter_columns(table, microdata):
        if not column:
            unused.append(name)
        elif is_range:
            for row, (lower, upper) in enumerate(_ranges(targets, column)):
                if (lower, upper) != (-math.inf, math.inf):
                    filters[row].append(Filter(name, column, lower=lower, upper=upper))
        else:
            for row, text in enumerate(table.texts(name, blank="")):
                if text:
                    wanted = tuple(part.strip() for part in text.split(OR))
                    filters[row].append(Filter(name, column, wanted=wanted))
    every = tuple((-math.inf, math.inf) for _ in statistics)
    return Cells(
        targets,
        variables,
        tuple(next(known for known in STATISTICS if known == text) for text in statistics),
        every if ranged is None else tuple(ranged),
        tuple(map(tuple, filters)),
        tuple(unused),
    )


def mistakes_in_cells(table: Table, microdata: Table, floor: float | None) -> list[InputError]:
    """All that is wrong with a table of target cells by itself, column by column."""
    columns = [name for name in ("value", "importance", "scale", "tolerance") if name in table.columns]
    numbers = [partial(table.numbers, name, blank=math.nan) for name in columns]
    of_list = mistakes([lambda: read_targets(table, floor), *numbers])
    targets = None if of_list else read_targets(table, floor)  # which give names to places
    of_cells = [
        lambda: _statistics(table, targets),
        lambda: _variables(table, microdata, targets),
        lambda: list(_filter_columns(table, microdata)),
        lambda: read_cells(table, microdata, floor),
    ]
    return of_list + [error for error in mistakes(of_cells) if str(error) not in {str(one) for one in of_list}]


def _statistics(table: Table, targets: Targets | None = None) -> list[str]:
    """What each target counts or adds up; `targets` give names to places."""
    table.require("statistic")
    statistics = table.texts("statistic")
    at = table.at if targets is None else targets.at
    raise_first(
        InputError(at(row, "statistic"), f"unknown statistic {text!r}", cure=near(text, STATISTICS))
        for row, text in enumerate(statistics)
        if text not in STATISTICS
    )
    return statistics


def _variables(table: Table, microdata: Table, targets: Targets | None = None) -> tuple[tuple[str, ...], ...]:
    """The columns that each target adds up, "" for 1 in every row."""
    if "variable" not in table.columns:
        return (("",),) * len(table.texts("statistic"))
    names = table.texts("variable", blank="")
    at = table.at if targets is None else targets.at
    found, wrong = [tuple(part.strip() for part in text.split(OR)) for text in names], []
    for row, columns in enumerate(found):
        for column in columns:
            if column and column not in microdata.columns and column.removeprefix("-") not in microdata.columns:
                what = f"no column '{column}' in {microdata.shown}"
                wrong.append(InputError(at(row, "variable"), what, cure=near(column, microdata.columns)))
        if len({*columns}) < len(columns) or (len(columns) > 1 and "" in columns):
            wrong.append(InputError(at(row, "variable"), "not distinct columns", got=repr(names[row])))
    raise_first(wrong)
    return tuple(found)


def _has_range(table: Table, column: str) -> bool:
    return column + LOWER in table.columns or column + UPPER in table.columns


def _filter_columns(table: Table, microdata: Table) -> Iterator[tuple[str, str, bool]]:
    """Column of the microdata ("": the table's column is not used), column of the table, and whether it is a range.

    A column that looks like a filter and filters nothing would change a target in silence, so it is refused.
    """
    ranges = []
    for name in table.columns:
        stem = name.removesuffix(LOWER).removesuffix(UPPER)
        if name in OWN or stem == "variable":
            continue
        if name.startswith(WHERE):
            column = name.removeprefix(WHERE).strip()
        elif stem != name:
            column = stem
        else:
            if name in microdata.columns:
                raise InputError(
                    f"{table.shown}: column '{name}'", "not a filter", cure=f"name it '{WHERE}{name}', or drop it"
                )
            yield "", name, False
            continue
        if column not in microdata.columns:
            cure = near(column, microdata.columns)
            raise InputError(f"{table.shown}: column '{name}'", f"no column '{column}' in {microdata.shown}", cure=cure)
        if name.startswith(WHERE):
            yield column, name, False
        elif column not in ranges:
            ranges.append(column)
            yield column, name, True


def _ranges(targets: Targets, column: str) -> list[tuple[float, float]]:
    """[lower, upper) of every target; blanks are infinite, and infinity may be written."""
    table = targets.table
    ends = []
    for suffix, blank in ((LOWER, -math.inf), (UPPER, math.inf)):
        name = column + suffix
        if name not in table.columns:
            ends.append(np.full(len(targets.names), blank))
            continue
        parts = [np.asarray(table.as_numbers(a, i, name).fill_null(blank)) for i, [a] in table.batches([name])]
        ends.append(np.concatenate(parts))
    lower, upper = ends
    empty = ~(lower < upper)  # also NaN
    if empty.any():
        row = int(empty.argmax())
        shown = column + (LOWER if column + LOWER in table.columns else UPPER)
        got = f"{lower[row]:g} to {upper[row]:g}"
        raise InputError(targets.at(row, shown), "an empty range", expected="lower < upper", got=got)
    return list(zip(lower.tolist(), upper.tolist(), strict=True))
