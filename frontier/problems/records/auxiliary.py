"""Numbers of records by category: the generic statistics that `coreset` keeps of a large file, made from its variables.

Two categories crossed, the largest amounts in classes of about equal weight, and the first category crossed with
coarse classes of the largest amount. A handful of such systems: each costs one entry per record in every epoch. They
count records, and add up no amount: amounts are what a selection is judged by (`unfixed.py`).
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Literal

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.problems.records.variables import Category, Variables, classes, record_table, variables_of

if TYPE_CHECKING:
    import pandas as pd

MOST_SYSTEMS = 6
FINE, COARSE = 40, 10  # classes of an amount
LEAST_RECORDS = 10  # of a row


def with_auxiliary(problem: CalibrationProblem, table: pd.DataFrame | None = None) -> CalibrationProblem:
    """The problem with numbers of records by category, from a table of its records or the one it knows of.

    A problem that has auxiliary statistics, or neither table nor categories, comes back as it is.
    """
    if problem.auxiliary is not None:
        return problem
    table = record_table(problem) if table is None else table
    rows = None if table is None else counts(variables_of(table, problem.w0), problem.w0)
    return problem if rows is None else dataclasses.replace(problem, auxiliary=rows)


def counted(problem: CalibrationProblem, *, auxiliary: Literal["none", "categories"] = "none") -> CalibrationProblem:
    """Every problem's parameter `auxiliary: categories`: the problem with numbers of its records by category.

    Raises `InputError` for a problem that has auxiliary statistics of its own, or knows no categories.
    """
    if auxiliary == "none":
        return problem
    if problem.auxiliary is not None:
        raise InputError("auxiliary", "has auxiliary statistics of its own", cure="drop it")
    found = with_auxiliary(problem)
    if found.auxiliary is None:
        raise InputError("auxiliary", "nothing is known of the records", expected="microdata", cure="drop it")
    return found


def counts(variables: Variables, weights: FloatArray) -> sp.csr_array | None:
    """A row of ones for each cell of at most `MOST_SYSTEMS` systems of cells, (rows, n); None without variables."""
    rows = [system.rows(np.ones(len(weights))) for system in systems(variables, weights)]
    if not rows:
        return None
    whole = sp.csr_array(sp.vstack(rows))
    kept = np.diff(whole.indptr) >= LEAST_RECORDS
    return whole[np.flatnonzero(kept)] if kept.any() else None


def systems(variables: Variables, weights: FloatArray) -> list[Category]:
    """What is counted: amounts in classes and categories crossed, in turns."""
    amounts = list(variables.amounts.items())
    first = variables.categories[:1]
    crossed = list(itertools.islice(variables.pairs(), MOST_SYSTEMS))
    told = {part for pair in crossed for part in pair.name.split(" × ")}
    crossed += [one for one in variables.categories if one.name not in told]
    mixed = [one @ classes(name, values, weights, COARSE) for one in first for name, values in amounts[:1]]
    fine = [classes(name, values, weights, FINE) for name, values in amounts]
    turns = itertools.zip_longest(fine, [*mixed, *crossed])
    return [one for pair in turns for one in pair if one is not None][:MOST_SYSTEMS]
