"""Statistics of the records that no target fixes: what a small file can lose of the whole calibrated one.

With v the weights of the whole file, every statistic's value under v is what a small file should give too; the metrics
are those of a known truth (`core/truth.py`), with the whole file in its place. No truth is needed for it, and none is
claimed: it is what was there before the file was made small.

    amounts     of every variable, in units and as the number of records that have any, by category and by the first
                category crossed with others
    income      of the largest amount: quantiles, Gini coefficient and share below half the median, everywhere and by
                the first category
    categories  of three crossed, where there are no amounts
    pairs       a bare matrix: the number of records that two targets have in common, and how many have what a target
                adds up

Records without a value of an amount are left out of its statistics. Statistics that a target fixes, those that
auxiliary rows of the problem count, and those of fewer than 50 records are left out.
"""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.core.truth import Distribution, Truth
from frontier.problems.records.variables import Category, Variables, record_table, variables_of

LEAST_RECORDS = 50  # behind a statistic
MOST_AMOUNTS, MOST_PAIRS = 12, 4
MOST_PLACES = 60  # labels of the category that the distribution is looked at by
MOST_CROSSED = 500  # pairs of targets


def unfixed(problem: CalibrationProblem, weights: FloatArray, table: pd.DataFrame | None = None) -> Truth | None:
    """What `weights` (n, of the whole file) say of statistics that no target of the problem fixes; None without any."""
    table = record_table(problem) if table is None else table
    variables = None if table is None else variables_of(table, weights)
    known = variables is not None and (variables.categories or variables.amounts)
    rows, names, units = _of_variables(variables) if variables is not None and known else _of_matrix(problem)
    rows = sp.csr_array(rows)
    totals = np.asarray(rows @ weights)
    kept = (np.diff(rows.indptr) >= LEAST_RECORDS) & (totals > 0)
    told = [problem.M] if problem.auxiliary is None else [problem.M, problem.auxiliary]
    kept &= ~np.isin(_keys(rows), np.concatenate([_keys(matrix) for matrix in told]))
    distribution = None if variables is None else _distribution(variables, weights)
    if not kept.any():
        return None
    at = np.flatnonzero(kept)
    return Truth(
        H=rows[at],
        totals=totals[at],
        names=tuple(names[i] for i in at),
        units=tuple(units[i] for i in at),
        reserve=np.zeros(at.size, dtype=bool),
        distribution=distribution,
    )


def _of_variables(variables: Variables) -> tuple[sp.csr_array, list[str], list[str]]:
    """Amounts by category, or categories crossed three times, as rows with their names and units."""
    n = len(variables.categories[0].codes) if variables.categories else len(next(iter(variables.amounts.values())))
    whole = Category("", np.zeros(n, dtype=np.intp), ("all",))
    if not variables.amounts:
        three = itertools.combinations(variables.categories, 3)
        crossed = [a @ b @ c for a, b, c in itertools.islice(three, MOST_PAIRS)]
        return _by_cell([("records", "records", np.ones(n))], crossed or [*variables.pairs()] or [whole])
    systems = [whole, *variables.categories, *itertools.islice(variables.pairs(), MOST_PAIRS)]
    values: list[tuple[str, str, FloatArray]] = []
    for name, amount in itertools.islice(variables.amounts.items(), MOST_AMOUNTS):
        amount = np.nan_to_num(amount)  # a sum over records with a value
        values += [(name, name, np.maximum(amount, 0.0)), (f"{name}/records", "records", (amount != 0) * 1.0)]
    return _by_cell(values, systems)


def _by_cell(
    values: list[tuple[str, str, FloatArray]], systems: list[Category]
) -> tuple[sp.csr_array, list[str], list[str]]:
    blocks, names, units = [], [], []
    for name, unit, amount in values:
        for system in systems:
            blocks.append(system.rows(amount))
            names += [f"{name}/{label}" for label in system.labels]
            units += [unit] * len(system.labels)
    return sp.csr_array(sp.vstack(blocks)), names, units


def _of_matrix(problem: CalibrationProblem) -> tuple[sp.csr_array, list[str], list[str]]:
    """How many records have what each target adds up, and how many two targets have in common."""
    has = sp.csr_array(problem.M != 0, dtype=np.float64)
    support = np.diff(has.indptr)
    pairs = sp.triu(has @ has.T, k=1, format="coo")
    (first, second), shared = pairs.coords, pairs.data
    between = np.flatnonzero((shared >= LEAST_RECORDS) & (shared < np.minimum(support[first], support[second])))
    if len(between) > MOST_CROSSED:  # evenly spread over all pairs
        between = between[np.linspace(0, len(between) - 1, MOST_CROSSED).astype(np.intp)]
    both = has[first[between]] * has[second[between]]
    names = list(problem.target_names)
    crossed = [f"{names[i]} and {names[j]}" for i, j in zip(first[between], second[between], strict=True)]
    rows = sp.csr_array(sp.vstack([has, both])) if len(between) else has
    return rows, [*(f"{name}/records" for name in names), *crossed], ["records"] * rows.shape[0]


def _keys(rows: sp.csr_array) -> NDArray[np.uint64]:
    """A number for each row that rows have in common which are multiples of each other."""
    found = np.zeros(rows.shape[0], dtype=np.uint64)
    for j, (start, stop) in enumerate(itertools.pairwise(rows.indptr)):
        if stop > start:
            entries = np.round(rows.data[start:stop] / rows.data[start], 9)
            columns = rows.indices[start:stop].astype(np.int64)
            digest = hashlib.blake2b(columns.tobytes() + entries.tobytes(), digest_size=8)
            found[j] = np.frombuffer(digest.digest(), dtype=np.uint64)[0]
    return found


def _distribution(variables: Variables, weights: FloatArray) -> Distribution | None:
    """The distribution of the largest amount, where most of the weight has any of it."""
    for amount in variables.amounts.values():
        if weights[amount > 0].sum() > 0.5 * weights.sum():
            places = [one for one in variables.categories if len(one.labels) <= MOST_PLACES]
            place = places[0].codes if places else np.zeros(len(amount), dtype=np.intp)
            return Distribution.of(amount, place, weights)
    return None
