"""A made-up file of many areas: 24 totals in each, nested as published ones are, and 19 above all of them if asked for.

An area has its population, by sex, by eight ages, six schoolings and three tenures, its income and hours, the income of
one tenure and the hours of one sex; above the areas stand five origins, twelve industries, income and its product with
hours. A record has 7 to 9 entries in its area and 4 above. The truth is planted: `y = M w` for known weights, which
differ from the initial ones by area and by chance. Records know their area: `partition: area` cuts the file.

It is for what grows with the number of areas: problems in parts, and Newton steps by blocks (`solvers.dual.bordered`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem, FloatArray

SEXES, AGES, SCHOOLING, TENURES = 2, 8, 6, 3
ORIGINS, INDUSTRIES = 5, 12
OWN, ABOVE = 24, 19  # totals of an area, and above all
WEIGHT = (50.0, 150.0)  # records represented, uniform
CHANCE, TILT = 0.2, 0.1  # standard deviations of log(known/initial weight): of a record, of an area
CERTAIN = 500  # records in which no category is empty: the rarest has one in 16
MOST_RECORDS = 80_000_000  # with 13 entries each: 12 GB


def build(*, areas: int = 20, records: int = 100, above: bool = False, seed: int = 0) -> CalibrationProblem:
    """The problem with so many areas of so many records each; `above`: with totals above them.

    Raises `InputError` for fewer than one area, fewer than 60 records in one, and a negative seed.
    """
    place = "problem 'areas'"
    if areas < 1:
        raise InputError(f"{place}.areas", "too few", expected="at least 1", got=areas)
    if records < 60:
        raise InputError(f"{place}.records", "too few for 24 totals", expected="at least 60", got=records)
    if areas * records > MOST_RECORDS:
        got = f"{areas:,} × {records:,}"
        raise InputError(place, "too large", expected=f"areas × records ≤ {MOST_RECORDS:,}", got=got)
    if seed < 0:
        raise InputError(f"{place}.seed", "negative seed", expected="a whole number ≥ 0", got=seed)
    random = np.random.default_rng(seed)
    n = areas * records
    area = np.repeat(np.arange(areas, dtype=np.int32), records)
    rows, indptr = _own(area, np.arange(n, dtype=np.int32) % records if records < CERTAIN else None, random)
    if above:
        rows, indptr = _with_those_above(rows, indptr, areas, random)
    data, indices = rows
    columns = sp.csc_array((data, indices, indptr), shape=(OWN * areas + ABOVE * above, n))
    w0 = random.uniform(*WEIGHT, n)
    tilt = TILT * random.standard_normal(areas)
    known = w0 * np.exp(CHANCE * random.standard_normal(n) + np.repeat(tilt, records))
    known.flags.writeable = False
    M = sp.csr_array(columns)
    del columns, rows, data, indices
    for array in (M.data, M.indices, M.indptr):
        array.flags.writeable = False  # the problem takes them as they are
    names = [f"a{k}/{j:02d}" for k in range(areas) for j in range(OWN)] + [f"all/{j:02d}" for j in range(ABOVE * above)]
    labels = np.array([f"a{k}" for k in range(areas)])
    return CalibrationProblem(
        name="areas",
        M=M,
        y=M @ known,
        w0=w0,
        families=("area",) * (OWN * areas) + ("above",) * (ABOVE * above),
        target_names=tuple(names),
        meta={
            "held_out_families": (),
            "known_weights": known,
            "records": lambda: pd.DataFrame({"area": labels[area]}),
            "source": f"random areas: {areas} of {records} records, seed {seed}",
        },
    )


Codes = NDArray[np.int32]
Columns = tuple[FloatArray, Codes]


def _own(area: Codes, position: Codes | None, random: np.random.Generator) -> tuple[Columns, FloatArray]:
    """Entries and rows of every record in its area, and where each record's start (n + 1).

    With the `position` of a record in its area the first eight have every category between them.
    """
    n = len(area)
    sex, age = random.integers(0, SEXES, n, dtype=np.int32), random.integers(0, AGES, n, dtype=np.int32)
    schooling = np.minimum(age, random.integers(0, SCHOOLING, n, dtype=np.int32))
    tenure = random.integers(0, TENURES, n, dtype=np.int32)
    if position is not None:
        early = np.flatnonzero(position < AGES)
        at = position[early]
        sex[early], age[early], tenure[early] = at % SEXES, at, at % TENURES
        schooling[early] = np.minimum(at, SCHOOLING - 1)
    income = random.lognormal(3.0, 1.0, n) * (1 + schooling)
    hours = random.gamma(3.0, 12.0, n)
    first = OWN * area
    ones = np.ones(n)
    rents, woman = tenure == 0, sex == 0
    entries = np.stack([ones, ones, ones, ones, ones, income, hours, income, hours], axis=1)
    row = np.stack(
        [
            first,
            first + 1 + sex,
            first + 3 + age,
            first + 11 + schooling,
            first + 17 + tenure,
            first + 20,
            first + 21,
            first + 22,
            first + 23,
        ],
        axis=1,
    )
    has = np.ones((n, 9), dtype=bool)
    has[:, 7], has[:, 8] = rents, woman
    indptr = np.concatenate([[0], np.cumsum(has.sum(axis=1))])
    return (entries[has], row[has]), indptr


def _with_those_above(
    own: Columns, indptr: FloatArray, areas: int, random: np.random.Generator
) -> tuple[Columns, FloatArray]:
    """The same with four entries more of every record, after its own."""
    n, top = len(indptr) - 1, OWN * areas
    income, hours = own[0][indptr[:-1] + 5], own[0][indptr[:-1] + 6]
    rows = np.stack(
        [
            top + random.integers(0, ORIGINS, n, dtype=np.int32),
            top + ORIGINS + random.integers(0, INDUSTRIES, n, dtype=np.int32),
            np.full(n, top + ORIGINS + INDUSTRIES, dtype=np.int32),
            np.full(n, top + ORIGINS + INDUSTRIES + 1, dtype=np.int32),
        ],
        axis=1,
    )
    entries = np.stack([np.ones(n), np.ones(n), income, income * hours], axis=1)
    ends = indptr[1:]
    data = np.insert(own[0], np.repeat(ends, 4), entries.ravel())
    indices = np.insert(own[1], np.repeat(ends, 4), rows.ravel())
    return (data, indices.astype(np.int32)), indptr + 4 * np.arange(n + 1)
