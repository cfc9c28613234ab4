"""Columns of microdata that number the rows: they say nothing of a record, and weights may be written under one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from frontier.core.errors import InputError, some
from frontier.problems.own_data.microdata import Microdata

FEW_REPEATED = 0.05  # of the records: a file of persons has more with several rows
NAMED = re.compile(r"(.*[_ .-])?(id|ids|nr|no|num|number|key|serial|index|unnamed: 0)", re.IGNORECASE)


def repeated_ids(data: Microdata, id: str | None) -> tuple[str, ...]:
    """A warning where nearly every record is one row, and a few are several: ids that were given twice, perhaps."""
    rows = np.bincount(data.record, minlength=len(data.ids))
    several = np.flatnonzero(rows > 1)
    if id is None or not several.size or several.size > FEW_REPEATED * len(rows):
        return ()
    what = f"{several.size:,} ids of '{id}' stand in several rows, each is one record"
    return (f"{data.table.shown}: {what}: {some(data.ids[several].tolist())}",)


def numbering(data: Microdata) -> Iterator[str]:
    """The columns that are named as ids are (`id`, `person_id`, `Serial`) and tell all rows apart."""
    return (name for name in data.table.columns if NAMED.fullmatch(name.strip()) and _tells_apart(data, name))


def _tells_apart(data: Microdata, name: str) -> bool:
    try:
        column = data.column(name)
    except InputError:  # it cannot be read, which is said where it is asked for
        return False
    return not column.missing.any() and len(np.unique(column.values)) == len(column.values) > 1


def unused_ids(data: Microdata, id: str | None) -> tuple[str, ...]:
    """A warning about the first column that numbers the rows, where no ids are given."""
    name = next(numbering(data), None) if id is None else None
    if name is None:
        return ()
    return (f"{data.table.shown}: '{name}' numbers the rows: give id: {name}, and weights are written under it",)
