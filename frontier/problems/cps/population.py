"""The households of all three survey years as a population whose every statistic is known (`problems/census_arena.py`).

Assembled once per process, then shared; a sample takes columns. Everything here is exact: totals are sums over the
200,576 households with their weights.

    M           published cells, nation and states (2,376 rows), as in `cps_states` but household by household
    hidden      items by state, by state and age of the head, by AGI class and filing status; tax revenue by decile
    auxiliary   numbers of tax units by state and AGI class, by state and age of the head, and in fine classes of AGI

An *item* is an amount in dollars or the number of tax units that have any of it. Hidden items and auxiliary rows share
no variable: auxiliary ones count tax units, which no hidden one does. Items in `RESERVED` are the second set of hidden
totals. The tax schedule is 10% of AGI above $12,000, 20% above $50,000 and 35% above $200,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.problems.cps import build as cps

ITEMS = (
    *("wages", "taxable_interest", "ordinary_dividends", "business_income", "capital_gains", "ira_distributions"),
    *("total_pensions", "social_security", "unemployment_compensation", "snap_benefits", "eitc"),
    *("medicaid_persons", "persons_under_18"),
)
RESERVED = ("exempt_interest", "qualified_dividends", "taxable_pensions", "taxable_social_security")
PERSONS = ("medicaid_persons", "persons_under_18")  # a number of persons, not of dollars
AGES = (0, 35, 50, 65)  # of the head, lower ends
FINE_AGES = (0, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75)
CLASSES = (-np.inf, 1.0, 25e3, 50e3, 100e3, 200e3)  # of AGI, lower ends, dollars
FINE_CLASSES = (-np.inf, 1.0, 10e3, 20e3, 30e3, 40e3, 50e3, 75e3, 100e3, 150e3, 200e3, 500e3)
BRACKETS = ((12e3, 0.10), (50e3, 0.10), (200e3, 0.15))  # of the tax: above how many dollars, how much more
LEAST_SUPPORT = 100  # households of the population behind a hidden total

Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Rows over all households: published cells, hidden and auxiliary statistics, and what a response depends on.

    `hidden_rows` has a row for each hidden total: name, unit, item, cells (`state`, `state_age`, `class_status` or
    `decile`), reserve. `weights` are what households stand for; `age` is of the head, `state` a code from 0.
    """

    M: sp.csc_array
    targets: pd.DataFrame
    hidden: sp.csc_array
    hidden_rows: pd.DataFrame
    auxiliary: sp.csc_array
    weights: FloatArray
    income: FloatArray
    age: FloatArray
    state: Codes
    benefits: NDArray[np.bool_]
    pensions: FloatArray

    @property
    def totals(self) -> FloatArray:
        """The published cells as the population has them, in the order of `targets`."""
        return np.asarray(self.M @ self.weights)


@cache
def population() -> Population:
    """All households with their statistics; takes some seconds once."""
    units, targets = cps.tax_units(), cps.calibration_targets()
    targets = targets[targets["geography_level"] != "district"].reset_index(drop=True)
    household = units["household_id"].to_numpy(np.intp)
    n = int(household.max()) + 1
    head = units["is_household_head_unit"].to_numpy(bool)
    state = np.asarray(units["state"].cat.codes, dtype=np.intp)
    hidden, rows = _hidden(units, household, state)
    kept = np.diff(hidden.indptr) >= LEAST_SUPPORT
    receives = sum(
        _values(units, name) != 0 for name in ("snap_benefits", "medicaid_persons", "unemployment_compensation")
    )
    return Population(
        M=sp.csc_array(cps.estimate_matrix(units, targets, household, household)),
        targets=targets,
        hidden=sp.csc_array(hidden[kept]),
        hidden_rows=rows[kept].reset_index(drop=True),
        auxiliary=sp.csc_array(_auxiliary(units, household, state)),
        weights=_of_heads(_values(units, "weight"), head, household, n),
        income=np.bincount(household, _values(units, "agi"), n).astype(np.float64),
        age=_of_heads(_values(units, "age_head"), head, household, n),
        state=_of_heads(state, head, household, n).astype(np.intp),
        benefits=np.bincount(household, receives, n) > 0,
        pensions=np.bincount(household, _values(units, "total_pensions"), n).astype(np.float64),
    )


def _values(units: pd.DataFrame, name: str) -> FloatArray:
    return units[name].to_numpy(np.float64)


def _of_heads(values: FloatArray | Codes, head: NDArray[np.bool_], household: Codes, n: int) -> FloatArray:
    found = np.zeros(n)
    found[household[head]] = values[head]
    return found


def class_of(values: FloatArray, lower: tuple[float, ...]) -> Codes:
    """The class, from 0, of each value, by the lower ends of the classes."""
    return np.searchsorted(np.array(lower), values, side="right") - 1


def _hidden(units: pd.DataFrame, household: Codes, state: Codes) -> tuple[sp.csr_array, pd.DataFrame]:
    """One row for each item and cell, and what each is; then tax revenue by decile of AGI."""
    states = list(units["state"].cat.categories)
    statuses = list(units["filing_status"].cat.categories)
    status = np.asarray(units["filing_status"].cat.codes, dtype=np.intp)
    agi, age = _values(units, "agi"), _values(units, "age_head")
    systems: dict[str, tuple[Codes, list[str]]] = {
        "state": (state, states),
        "state_age": (
            state * len(AGES) + class_of(age, AGES),
            [f"{place}/age={lower}.." for place in states for lower in AGES],
        ),
        "class_status": (
            class_of(agi, CLASSES) * len(statuses) + status,
            [f"agi={lower:g}../{name}" for lower in CLASSES for name in statuses],
        ),
    }
    blocks: list[sp.csr_array] = []
    rows: list[tuple[str, str, str, str, bool]] = []
    for item in (*ITEMS, *RESERVED):
        values = np.maximum(_values(units, item), 0.0)
        kinds = [("persons", values)] if item in PERSONS else [("dollars", values), ("units", (values != 0) * 1.0)]
        for cells, (code, names) in systems.items():
            for unit, amounts in kinds:
                blocks.append(_by_cell(code, amounts, household, len(names)))
                rows += [(f"{item}/{unit}/{name}", unit, item, cells, item in RESERVED) for name in names]
    decile = _deciles(agi, _values(units, "weight"))
    tax = np.sum([rate * np.maximum(agi - above, 0.0) for above, rate in BRACKETS], axis=0)
    blocks.append(_by_cell(decile, tax, household, 10))
    rows += [(f"tax/dollars/decile={d + 1}", "dollars", "tax", "decile", False) for d in range(10)]
    table = pd.DataFrame(rows, columns=["name", "unit", "item", "cells", "reserve"])
    return sp.csr_array(sp.vstack(blocks)), table


def _auxiliary(units: pd.DataFrame, household: Codes, state: Codes) -> sp.csr_array:
    """Numbers of tax units; rows without any are left out by who takes some of the households."""
    agi, age = _values(units, "agi"), _values(units, "age_head")
    one, places = np.ones(len(units)), int(state.max()) + 1
    fine = np.concatenate([[-np.inf, 1.0], np.geomspace(1e3, 2e6, 60)])
    systems = (
        (state * len(FINE_CLASSES) + class_of(agi, FINE_CLASSES), places * len(FINE_CLASSES)),
        (state * len(FINE_AGES) + class_of(age, FINE_AGES), places * len(FINE_AGES)),
        (class_of(agi, tuple(fine)), len(fine)),
    )
    return sp.csr_array(sp.vstack([_by_cell(code, one, household, size) for code, size in systems]))


def _by_cell(code: Codes, values: FloatArray, household: Codes, size: int) -> sp.csr_array:
    """A row for each of `size` cells: what the units of each household in it add up to."""
    used = values != 0
    shape = (size, int(household.max()) + 1)
    block = sp.csr_array((values[used], (code[used], household[used])), shape=shape)
    block.sum_duplicates()
    return block


def _deciles(values: FloatArray, weights: FloatArray) -> Codes:
    """The decile, from 0, of each unit among all units with their weights."""
    order = np.argsort(values, kind="stable")
    shares = np.cumsum(weights[order]) / weights.sum()
    found = np.empty(len(values), dtype=np.intp)
    found[order] = np.minimum((10 * shares).astype(np.intp), 9)
    return found
