"""A made-up file of many areas: 24 totals in each, nested as published ones are, and 19 above all of them if asked for.

An area has its population, by sex, by eight ages, six schoolings and three tenures, its income and hours, the income of
one tenure and the hours of one sex; above the areas stand five origins, twelve industries, income and its product with
hours. A record has 7 to 9 entries in its area and 4 above. The truth is planted: `y = M w` for known weights, which
differ from the initial ones by area and by chance. Records know their area: `partition: area` cuts the file.

It is for what grows with the number of areas: problems in parts, and Newton steps by blocks (`solvers.dual.bordered`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem

SEXES, AGES, SCHOOLING, TENURES = 2, 8, 6, 3
ORIGINS, INDUSTRIES = 5, 12
OWN, ABOVE = 24, 19  # totals of an area, and above all
WEIGHT = (50.0, 150.0)  # records represented, uniform
CHANCE, TILT = 0.2, 0.1  # standard deviations of log(known/initial weight): of a record, of an area
CERTAIN = 500  # records in which no category is empty: the rarest has one in 16
MOST_RECORDS = 80_000_000  # with 9 entries each: 9 GB; with 13, 12
MOST_OWN, MOST_ABOVE = 9, 4  # entries of a record in its area, and above


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
    M, w0, known = _file(areas, records, above, seed)
    names = [f"a{k}/{j:02d}" for k in range(areas) for j in range(OWN)] + [f"all/{j:02d}" for j in range(ABOVE * above)]
    labels = pd.Index([f"a{k}" for k in range(areas)])
    area = np.arange(areas, dtype=np.int32)
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
            "records": lambda: pd.DataFrame({"area": pd.Categorical.from_codes(area.repeat(records), labels)}),
            "source": f"random areas: {areas} of {records} records, seed {seed}",
        },
    )


@dataclass(frozen=True, slots=True)
class _Area:
    """What one area's records have: a row per total of its own, and what the totals above it are of."""

    own: sp.csr_array
    origin: NDArray[np.int8]
    industry: NDArray[np.int8]
    income: FloatArray
    hours: FloatArray


def _file(areas: int, records: int, above: bool, seed: int) -> tuple[sp.csr_array, FloatArray, FloatArray]:
    """Matrix, initial and known weights, made area by area: an area's rows lie together, and only they are its own."""
    n, own = areas * records, areas * records * MOST_OWN
    # as much as there may be: pages of memory that nobody writes to are not taken
    data, indices = np.empty(own + above * n * MOST_ABOVE), np.empty(own + above * n * MOST_ABOVE, dtype=np.int32)
    sizes, end = [], 0
    origin, industry = np.empty((2, n if above else 0), dtype=np.int8)
    income, hours = np.empty((2, n if above else 0))
    w0, known = np.empty((2, n))
    for k in range(areas):
        random = np.random.default_rng([seed, k])
        at = slice(k * records, (k + 1) * records)
        area = _area(records, random)
        start, end = end, end + area.own.nnz
        data[start:end], indices[start:end] = area.own.data, area.own.indices + at.start
        sizes.append(np.diff(area.own.indptr))
        w0[at] = random.uniform(*WEIGHT, records)
        tilt = TILT * random.standard_normal()
        known[at] = w0[at] * np.exp(CHANCE * random.standard_normal(records) + tilt)
        if above:
            origin[at], industry[at], income[at], hours[at] = area.origin, area.industry, area.income, area.hours
    if above:
        everybody = np.arange(n, dtype=np.int32)
        alike = [
            np.flatnonzero(codes == c)
            for codes, number in ((origin, ORIGINS), (industry, INDUSTRIES))
            for c in range(number)
        ]
        rows = [(1.0, who) for who in alike] + [(income, everybody), (income * hours, everybody)]
        for values, who in rows:
            start, end = end, end + len(who)
            data[start:end], indices[start:end] = values, who
            sizes.append(np.array([len(who)]))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int32)
    M = sp.csr_array((data[:end], indices[:end], starts), shape=(len(starts) - 1, n))
    for array in (M.data, M.indices, M.indptr, known):
        array.flags.writeable = False  # the problem takes them as they are
    return M, w0, known


def _area(n: int, random: np.random.Generator) -> _Area:
    """One area of n records; in a small one the first eight have every category between them."""
    sex, age, tenure = (random.integers(0, number, n) for number in (SEXES, AGES, TENURES))
    schooling = np.minimum(age, random.integers(0, SCHOOLING, n))
    if n < CERTAIN:
        at = np.arange(AGES)
        sex[:AGES], age[:AGES], tenure[:AGES] = at % SEXES, at, at % TENURES
        schooling[:AGES] = np.minimum(at, SCHOOLING - 1)
    income = random.lognormal(3.0, 1.0, n) * (1 + schooling)
    hours = random.gamma(3.0, 12.0, n)
    of_each = (np.zeros(n, np.intp), 1 + sex, 3 + age, 11 + schooling, 17 + tenure)  # the row of a record, if any
    row = np.stack([*of_each, *(np.full(n, OWN - 4 + j) for j in range(4))])
    values = np.concatenate([np.ones((len(of_each), n)), [income, hours, income * (tenure == 0), hours * (sex == 0)]])
    everybody = np.broadcast_to(np.arange(n), row.shape)
    own = sp.csr_array((values.ravel(), (row.ravel(), everybody.ravel())), shape=(OWN, n))
    own.eliminate_zeros()
    origin, industry = (random.integers(0, number, n, dtype=np.int8) for number in (ORIGINS, INDUSTRIES))
    return _Area(own, origin, industry, income, hours)
