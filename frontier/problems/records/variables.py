"""The variables of records: categories (text, true or false) and amounts (numbers), read from a table with a row each.

A problem whose records are more than columns of M says how to get that table: `meta["records"]`, a function without
arguments, so that nothing is read until somebody asks. No method sees it; `auxiliary.py` and `unfixed.py` make
statistics of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem

if TYPE_CHECKING:
    import pandas as pd

MOST_LABELS = 200  # a column of more texts names its records and does not group them
MOST_CELLS = 600  # of two categories crossed: more are too small to keep
MISSING = "missing"
LEAST_SHARE = 0.01  # of the weight: a category whose loss is one

Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Category:
    """A grouping of the records: the code of each (n, from 0), and what the codes mean.

    `counted`: the labels are numbers, as of children, and a large one that is lost is no group that is missing.
    """

    name: str
    codes: Codes
    labels: tuple[str, ...]
    counted: bool = False

    def __matmul__(self, other: Category) -> Category:
        """The two crossed."""
        codes = self.codes * len(other.labels) + other.codes
        labels = tuple(f"{a}/{b}" for a, b in itertools.product(self.labels, other.labels))
        return Category(f"{self.name} × {other.name}", codes, labels)

    def rows(self, amount: FloatArray) -> sp.csr_array:
        """A row for each label: what its records have of an amount (n); (labels, n)."""
        used = np.flatnonzero(amount)
        shape = (len(self.labels), len(amount))
        return sp.csr_array(sp.coo_array((amount[used], (self.codes[used], used)), shape=shape))


@dataclass(frozen=True, slots=True, eq=False)
class Variables:
    """Categories, the one with most labels first, and amounts (n, NaN where missing), the largest total first."""

    categories: tuple[Category, ...]
    amounts: dict[str, FloatArray]

    @property
    def missing(self) -> dict[str, int]:
        """How many records have no value of an amount, of those that some lack."""
        counts = {name: int(np.isnan(amount).sum()) for name, amount in self.amounts.items()}
        return {name: count for name, count in counts.items() if count}

    def pairs(self) -> Iterator[Category]:
        """Two categories crossed, those with the first before others, none with more than `MOST_CELLS` cells."""
        for one, other in itertools.combinations(self.categories, 2):
            if len(one.labels) * len(other.labels) <= MOST_CELLS:
                yield one @ other


def record_table(problem: CalibrationProblem) -> pd.DataFrame | None:
    """The table of the records that a problem knows of, in its order; None where it knows none."""
    read = problem.meta.get("records")
    if not callable(read):
        return None
    table: pd.DataFrame = read()
    return table


def variables_of(table: pd.DataFrame, weights: FloatArray) -> Variables:
    """What the columns of a record table (n rows) are; `weights` (n) decide which amounts are large.

    Raises `InputError` when the table has not one row per record.
    """
    import pandas as pd

    if len(table) != len(weights):
        raise InputError("records", "not a row per record", expected=f"{len(weights):,} rows", got=f"{len(table):,}")
    categories: list[Category] = []
    amounts: dict[str, FloatArray] = {}
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            values = column.to_numpy(np.float64, na_value=np.nan)
            values = np.where(np.isfinite(values), values, np.nan)
            if np.nansum(np.abs(values)) > 0:
                amounts[str(name)] = values
            continue
        if (found := _category(str(name), column)) is not None:
            categories.append(found)
    categories.sort(key=lambda one: -len(one.labels))
    order = sorted(amounts, key=lambda name: -float(np.nan_to_num(np.abs(amounts[name])) @ weights))
    return Variables(tuple(categories), {name: amounts[name] for name in order})


def _category(name: str, column: pd.Series[Any]) -> Category | None:
    """A column of texts as a category; None for one that does not group the records."""
    import pandas as pd

    codes, labels = pd.factorize(column.astype("object").map(str, na_action="ignore"), sort=True)
    texts = [str(label) for label in labels]
    if (codes < 0).any():
        codes = np.where(codes < 0, len(texts), codes)
        texts.append(MISSING)
    if not 2 <= len(texts) <= MOST_LABELS:
        return None
    counted = isinstance(column.dtype, pd.CategoricalDtype) and pd.api.types.is_numeric_dtype(column.cat.categories)
    return Category(name, np.asarray(codes, dtype=np.intp), tuple(texts), counted)


def emptied(table: pd.DataFrame, before: FloatArray, after: FloatArray) -> tuple[str, ...]:
    """The categories, as `name: label`, of at least 1% of the weight before, and without a record after.

    Smaller ones are cells that no small file can keep all of; those of a missing value are no categories.
    """
    found = []
    for one in (one for one in variables_of(table, before).categories if not one.counted):
        size = len(one.labels)
        had = np.bincount(one.codes, before, size) >= LEAST_SHARE * before.sum()
        has = np.bincount(one.codes, after != 0, size) > 0
        found += [f"{one.name}: {one.labels[i]}" for i in np.flatnonzero(had & ~has) if one.labels[i] != MISSING]
    return tuple(found)


def classes(name: str, values: FloatArray, weights: FloatArray, number: int) -> Category:
    """At most `number` classes of an amount: below 0, 0, of about equal weight above it, and where it is missing."""
    positive = values > 0
    edges: Sequence[float] = [np.nextafter(0.0, 1.0)]
    if positive.any():
        order = np.argsort(values[positive], kind="stable")
        ranked, mass = values[positive][order], np.cumsum(np.maximum(weights[positive][order], 0.0))
        at = np.searchsorted(mass / mass[-1] if mass[-1] > 0 else mass, np.arange(1, number) / number)
        edges = np.unique([np.nextafter(0.0, 1.0), *ranked[np.minimum(at, ranked.size - 1)]]).tolist()
    lower = np.array([-np.inf, 0.0, *edges])
    labels = [f"{name} ≥ {low:.6g}" for low in lower]
    codes = np.searchsorted(lower, values, side="right") - 1
    if (unknown := np.isnan(values)).any():
        codes, labels = np.where(unknown, len(labels), codes), [*labels, f"{name} {MISSING}"]
    return Category(name, np.asarray(codes, dtype=np.intp), tuple(labels))
