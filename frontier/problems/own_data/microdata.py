"""The estimate matrix of a microdata file and a table of target cells, built variable by variable in bounded memory.

A row of the file passes a target's filters or not; those that pass add their value of the target's variable to their
record. Rows with the same id are one record (persons of a household, say), whose weight and group are those of its head
row. Held at a time are the filter columns, one variable, and the matrix in sparse form, never the file (but the text of
a CSV file up to 64 MB: `tables`). Its peak was 26 bytes per non-zero (2.7 million rows of 63 columns, 29,460 targets,
173 million non-zeros; 12 of them are the matrix).
Dollars may be float32; they are added up as float64.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray, IntArray
from frontier.core.errors import InputError
from frontier.problems.own_data.cells import BOOLEANS, OR, WHERE, Cells, Filter
from frontier.problems.own_data.dialect import cure
from frontier.problems.own_data.lists import LEAVE_OUT, Records, check_weights, read_q
from frontier.problems.own_data.tables import SHOWN, Column, Table, is_usable, near, unusable
from frontier.problems.size import LARGEST_STORED

MOST_CODES = 12  # different whole numbers in a column of codes
CODES_LOOKED_AT = 10_000  # first, to tell a column of amounts quickly

Selection = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True, eq=False)
class Microdata:
    """The rows that `where` selects (`kept`, None: all), and the record of each."""

    table: Table
    kept: IntArray | None
    record: NDArray[np.int32]
    ids: NDArray[np.generic]

    def rows(self) -> IntArray:
        """Positions of the selected rows in the file."""
        return np.arange(len(self.record)) if self.kept is None else self.kept

    def column(self, name: str) -> Column:
        return self.table.column(name).at(self.kept)


def select(table: Table, where: Selection, id: str | None) -> Microdata:
    """The rows of `table` that `where` (column to category, or `a|b|c`) selects, and their records by `id`."""
    table.require(*where, *([id] if id is not None else []))
    table = table.whole()
    rows: IntArray | None = None
    for column, wanted in where.items():
        values = table.column(column)
        rows = np.arange(len(values.values)) if rows is None else rows
        text = str(wanted).lower() if isinstance(wanted, bool) else str(wanted)
        chosen = Filter(WHERE + column, column, wanted=tuple(part.strip() for part in text.split(OR)))
        try:
            rows = rows[chosen.passed(values, rows)]
        except KeyError as error:
            raise _no_such_value(f"problem 'files'.where.{column}", str(error.args[0]), values) from None
        if not rows.size:
            raise _no_such_value(f"problem 'files'.where.{column}", text, values)
    if id is None:
        count = sum(len(array) for _, [array] in table.batches(table.columns[:1])) if rows is None else len(rows)
        numbers = np.arange(count, dtype=np.int32)
        found = Microdata(table, rows, numbers, numbers if rows is None else rows)
    else:
        keys = table.keys(id)
        codes, ids = pd.factorize(keys if rows is None else keys[rows])
        found = Microdata(table, rows, np.asarray(codes, dtype=np.int32), np.asarray(ids))
    if not found.record.size:
        raise InputError(table.shown, "no records", expected="a row per record")
    return found


def record_table(
    data: Microdata, *, head: str | None, codes: Collection[str], leave_out: Collection[str]
) -> pd.DataFrame:
    """Every other column of the file by record: texts and codes of its head row, amounts added up over its rows.

    Of rows without an amount the others are added; a record of which no row has one has none (NaN).

    Codes are the numbers of the columns so named, and of those with at most `MOST_CODES` different whole ones. What
    cannot be read is left out: nothing that is asked of a fit depends on it.
    """
    first = _heads(data, head)
    found: dict[str, pd.Series[Any] | NDArray[np.generic]] = {}
    for name in data.table.columns:
        if name in leave_out:
            continue
        try:
            column = data.column(name)
        except InputError:
            continue
        if column.categories is not None:
            texts = np.array([*column.categories, None], dtype=object)  # the code of a missing value is −1
            found[name] = texts[column.values[first].astype(np.intp)]
        elif column.values.dtype == bool or name in codes:
            found[name] = np.array([f"{value:g}" for value in column.values[first].tolist()], dtype=object)
        elif are_codes(column.values):
            found[name] = pd.Series(column.values[first]).astype("Int64").astype("category")
        else:
            amounts, known = column.values.astype(np.float64), ~column.missing
            found[name] = np.bincount(data.record[known], amounts[known], len(data.ids))
            found[name][np.bincount(data.record[known], minlength=len(data.ids)) == 0] = np.nan
    return pd.DataFrame(found, index=range(len(data.ids)))


def kept_rows(data: Microdata, weights: FloatArray, name: str) -> pd.DataFrame:
    """The rows of the file whose records have weight, all columns as they are, with the weight in a first one.

    A column that is called so already is the initial weight, and renamed.
    """
    at = np.flatnonzero(weights[data.record])
    rows = data.rows()[at]
    parts = [
        pa.RecordBatch.from_arrays(arrays, list(data.table.columns)).take(pa.array(inside - first))
        for first, arrays in data.table.batches(data.table.columns)
        if (inside := rows[(rows >= first) & (rows < first + len(arrays[0]))]).size
    ]
    table: pd.DataFrame = pa.Table.from_batches(parts).to_pandas()
    renamed = table.rename(columns={name: f"{name}_initial"})
    renamed.insert(0, name, weights[data.record[at]])
    return renamed


def are_codes(values: NDArray[np.generic]) -> bool:
    """Whether numbers are few and whole, as codes of a category are."""
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    different = np.unique(known[:CODES_LOOKED_AT])
    if different.size > MOST_CODES:
        return False
    different = np.unique(known)
    return 1 < different.size <= MOST_CODES and bool((different == np.floor(different)).all())


def records_of(
    data: Microdata,
    *,
    weight: str,
    group: str | None,
    head: str | None,
    stratum: str | None = None,
    q: str | None = None,
) -> tuple[Records, tuple[str, ...]]:
    """Ids, initial weights, groups, strata and q, taken from each record's head row, and what there is to warn of.

    head  the column that is true in one row of each record; None: its first row
    """
    table, warned = data.table, []
    table.require(weight, *(name for name in (group, head, stratum, q) if name is not None))
    first = _heads(data, head)
    weights = table.numbers(weight)
    weights = weights if data.kept is None else weights[data.kept]
    if head is None and (weights != weights[first][data.record]).any():
        differ = len(np.unique(data.record[weights != weights[first][data.record]]))
        warned.append(f"{table.shown}: '{weight}' differs within {differ:,} records; that of the first row is taken")
    rows = data.rows()[first]
    check_weights(weights[first], table, weight, rows)
    groups, strata = (None if name is None else table.keys(name)[rows] for name in (group, stratum))
    return Records(data.ids, weights[first], groups, strata, read_q(table, q, rows)), tuple(warned)


def _heads(data: Microdata, head: str | None) -> IntArray:
    """The position among the selected rows of each record's head row."""
    table, n = data.table, len(data.ids)
    first = np.empty(n, dtype=np.intp)
    if head is None:
        first[data.record[::-1]] = np.arange(len(data.record))[::-1]
        return first
    marked = data.column(head)
    if marked.categories is not None or not np.isin(marked.values, (0, 1)).all():
        raise InputError(f"{table.shown}: column '{head}'", "not true or false", expected="true, false, 1 or 0")
    at = np.flatnonzero(marked.values)
    heads = np.bincount(data.record[at], minlength=n)
    if (heads != 1).any():
        i = int((heads != 1).argmax())
        row = int(data.rows()[(data.record == i).argmax()])
        raise InputError(
            table.at(row, head), f"record {data.ids[i]} has {heads[i]} head rows", expected="one per record"
        )
    first[data.record[at]] = at
    return first


def estimate_matrix(data: Microdata, cells: Cells) -> sp.csr_array:
    """M, targets × records, entries of one record added up, indices sorted, no zeros; `InputError` names the target."""
    filters = {name: data.column(name) for name in cells.filter_columns}
    known: dict[Filter, IntArray] = {}
    parts: list[sp.csr_array | None] = [None] * len(cells.variables)
    entries = 0
    for variable in dict.fromkeys(name for names in cells.variables for name in names):
        values = _numbers(data, variable) if variable else None
        for j, names in enumerate(cells.variables):
            if variable not in names:
                continue
            row = _row(data, cells, j, variable, values, _members(data, cells, j, filters, known))
            part = parts[j]
            parts[j] = row if part is None else part + row
            entries += row.nnz
        if entries > LARGEST_STORED:
            raise InputError(cells.targets.table.shown, "too large", expected=f"at most {LARGEST_STORED:,} entries")
    for j, statistic in enumerate(cells.statistics):
        part = parts[j]
        if part is not None and statistic == "records":  # once, in however many columns a record has the item
            part.data[:] = 1.0
    return _stacked(parts, len(data.ids))


def _stacked(rows: list[sp.csr_array | None], n: int) -> sp.csr_array:
    """Rows (1 × n) one above the other, without zeros and read-only; each is given up once it is copied."""
    sizes = [0 if row is None else int(np.count_nonzero(row.data)) for row in rows]
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    entries, indices = np.empty(indptr[-1]), np.empty(indptr[-1], dtype=np.int32)
    for j, row in enumerate(rows):
        if row is not None:
            kept = row.data != 0
            entries[indptr[j] : indptr[j + 1]], indices[indptr[j] : indptr[j + 1]] = row.data[kept], row.indices[kept]
            rows[j] = None
    small = indptr.astype(np.int32 if indptr[-1] < 2**31 else np.int64)
    for array in (entries, indices, small):
        array.flags.writeable = False
    return sp.csr_array((entries, indices, small), shape=(len(rows), n))


def unknown_categories(data: Microdata, cells: Cells) -> tuple[str, ...]:
    """One warning per filter column for categories that no row has, where the target has others that some row has."""
    warned = []
    for name in dict.fromkeys(f.name for filters in cells.filters for f in filters if len(f.wanted) > 1):
        wanted = [(j, f) for j, filters in enumerate(cells.filters) for f in filters if f.name == name]
        values = data.column(wanted[0][1].column)
        if values.categories is None:
            continue
        there = {values.categories[code] for code in np.unique(values.values) if code >= 0}
        lost: dict[str, int] = {}
        for j, f in wanted:
            lost |= {text: j for text in f.wanted if text not in there and text not in lost}
        if lost:
            text, j = next(iter(lost.items()))
            warned.append(f"{cells.targets.at(j, name)}: no record has {text!r} ({len(lost):,} such categories)")
    return tuple(warned)


def missing_categories(data: Microdata, cells: Cells) -> tuple[str, ...]:
    """One warning for each column that targets ask for a category of, and that some rows have no value in."""
    found = []
    for name in cells.categories:
        missing = int(data.column(name).missing.sum())
        if missing:
            rows = "1 row" if missing == 1 else f"{missing:,} rows"
            found.append(f"{data.table.shown}: {rows} without '{name}' count in no target that asks for one")
    return tuple(found)


def empty_target(data: Microdata, cells: Cells, j: int) -> InputError:
    """Why no record adds to target j: the filter that left no row, or a variable that is 0 in all that are left."""
    inside = np.arange(len(data.record))
    for chosen in _in_order(cells.filters[j]):
        inside = inside[chosen.passed(data.column(chosen.column), inside)]
        if not inside.size:
            got = repr(OR.join(chosen.wanted)) if chosen.wanted else f"{chosen.lower:g} to {chosen.upper:g}"
            values = data.column(chosen.column)
            if chosen.wanted and not chosen.passed(values, np.arange(len(data.record))).any():
                return _no_such_value(cells.targets.at(j, chosen.name), OR.join(chosen.wanted), values)
            return InputError(
                cells.targets.at(j, chosen.name), "no record passes this and the other filters", got=got, cure=LEAVE_OUT
            )
    what = f"0 in all {len(inside):,} rows that pass the filters"
    return InputError(cells.targets.at(j, "variable"), what, cure=LEAVE_OUT)


def _in_order(filters: tuple[Filter, ...]) -> list[Filter]:
    """Categories before ranges: they leave the fewest rows."""
    return sorted(filters, key=lambda chosen: not chosen.wanted)


def _members(
    data: Microdata, cells: Cells, j: int, filters: Mapping[str, Column], known: dict[Filter, IntArray]
) -> IntArray:
    """The selected rows that pass every filter of target j.

    `known` are the rows of single categories, at most all rows once per filter column.
    """
    inside = np.arange(len(data.record)) if not cells.filters[j] else np.empty(0, dtype=np.intp)
    for i, chosen in enumerate(_in_order(cells.filters[j])):
        values = filters[chosen.column]
        try:
            if i > 0:
                inside = inside[chosen.passed(values, inside)]
            elif chosen in known:
                inside = known[chosen]
            else:
                inside = np.flatnonzero(chosen.passed(values, slice(None)))
                if len(chosen.wanted) == 1:
                    known[chosen] = inside
        except KeyError as error:
            place = cells.targets.at(j, chosen.name)
            if not chosen.wanted:
                raise InputError(place, f"a range of '{chosen.column}', which is text in {data.table.shown}") from None
            raise _no_such_value(place, str(error.args[0]), values) from None
        if not inside.size:
            break
    return inside


def _row(
    data: Microdata, cells: Cells, j: int, variable: str, values: NDArray[np.generic] | None, inside: IntArray
) -> sp.csr_array:
    """What one variable adds to the row of target j, by record."""
    entries = np.ones(len(inside)) if values is None else values[inside].astype(np.float64)
    bad = ~is_usable(entries)
    if bad.any():
        place = data.table.at(int(data.rows()[inside[bad.argmax()]]), variable)
        what = "missing value" if np.isnan(entries[bad.argmax()]) else unusable(entries[bad.argmax()])
        raise InputError(place, f"{what}, used by target {cells.targets.names[j]!r}", expected="a number")
    lower, upper = cells.ranges[j]
    ranged = (lower, upper) != (-np.inf, np.inf)
    present = (entries >= lower) & (entries < upper) if ranged else entries != 0
    if cells.statistics[j] in ("count", "records"):
        entries = np.ones(len(entries))
    columns, entries = data.record[inside[present]], entries[present]
    row = sp.csr_array((entries, columns, np.array([0, len(columns)], dtype=np.int32)), shape=(1, len(data.ids)))
    row.sum_duplicates()
    return row


def _numbers(data: Microdata, variable: str) -> NDArray[np.generic]:
    if variable not in data.table.columns:  # `-column`
        return -_numbers(data, variable.removeprefix("-")).astype(np.float64)
    found = data.column(variable)
    if found.categories is not None:
        texts = (text for text in found.categories if not data.table.is_number(text))
        wrong = next(texts, next(iter(found.categories), ""))
        raise InputError(
            f"{data.table.shown}: column '{variable}'",
            "not numbers",
            expected="numbers to add up",
            got=repr(wrong[:SHOWN]),
            cure=cure(wrong),
        )
    return found.values


def _no_such_value(place: str, wanted: str, values: Column) -> InputError:
    """No row has a category: which ones there are."""
    if values.categories is not None:
        there = [values.categories[code] for code in np.unique(values.values) if code >= 0]
        return InputError(place, "no record has this value", got=repr(wanted), cure=near(wanted, there))
    known = ", ".join(BOOLEANS) if values.values.dtype == bool else "a number that occurs"
    return InputError(place, "no record has this value", expected=known, got=repr(wanted))
