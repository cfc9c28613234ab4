"""The L0 example of microcalibrate's documentation: 5,000 records, 10 totals by age group of income and employment.

Source: PolicyEngine/microcalibrate 0.21.1, `docs/l0_regularization.ipynb`, example 1. Records are drawn with
`RandomState(42)` in the notebook's order: one of four age groups (equally likely), a log-normal income
(location 10.5, spread 0.8), and an employment flag (probability 0.65), all independent. Rows of M, for each age group
and then for everybody: incomes, and employment flags. Every target is 1.1 times the total of the records; initial
weights are ones. There the package's L0 fit keeps 1,998 records ("dataset reduction: 60.0%").

What the example cannot show, by construction:

* the initial weights miss every target by 1/11 = 9.09%, so "within 10%" holds before anything is fitted;
* M has rank 8 (the totals are sums of the groups), so 8 records can meet all ten targets exactly;
* nothing is held out: the two totals leak into the groups and the other way round.

The package minimises `mean_j ((M w − y + 1)_j / (y + 1)_j)²` (its `utils/metrics.py`), whose minimum is at `y − 1`.
With `plus_one` the problem is that one: targets `y − 1` with scale `|y + 1|`. A relative loss does not care in which
unit a target is counted; this one does, and `unit` shows it.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem

N_RECORDS = 5_000
RECORD_SEED = 42
AGE_GROUPS = ("18-30", "31-50", "51-65", "65+")
INCOME_LOCATION, INCOME_SPREAD = 10.5, 0.8  # of log income
EMPLOYED_SHARE = 0.65
TARGET_FACTOR = 1.1
N_TOTALS = 2  # the last rows: income and employment over all ages


def build(*, plus_one: bool = False, unit: float = 1.0, totals: bool = True) -> CalibrationProblem:
    """The 10 × 5,000 problem (8 × 5,000 without the totals over all ages). Nothing is held out by default, as in the
    source.

    plus_one  False: targets y, scale |y|. True: the source's loss, as targets `y − 1` with scale `|y + 1|`.
    unit      what targets are counted in: dollars and persons divided by it (both M and y)
    totals    whether the two totals over all ages are targets too, as in the source: `y − 1` then contradicts itself

    `meta["target_offset"]` is what is added to a target of this problem to get the source's y, in target units.
    Raises `InputError` for a unit that is not a positive number.
    """
    if not (math.isfinite(unit) and unit > 0):
        raise InputError("problem 'microcalibrate_example'.unit", "not a unit", expected="a number > 0", got=unit)
    M, names = _rows()
    kept = len(names) if totals else len(names) - N_TOTALS
    M, names = M[:kept] / unit, names[:kept]
    y = TARGET_FACTOR * M.sum(axis=1)
    offset = 1.0 if plus_one else 0.0
    return CalibrationProblem(
        name="microcalibrate_example",
        M=sp.csr_array(M),
        y=y - offset,
        w0=np.ones(N_RECORDS),
        scale=np.abs(y + 1.0) if plus_one else np.abs(y),
        families=tuple(name.partition("_")[0] for name in names),
        target_names=names,
        meta={
            "held_out_families": (),
            "target_offset": offset,
            "source": "microcalibrate 0.21.1, docs/l0_regularization.ipynb: records RandomState(42), targets 1.1 × "
            "totals",
        },
    )


def _rows() -> tuple[FloatArray, tuple[str, ...]]:
    """M (10, n) in dollars and persons, and the names of its rows."""
    random = np.random.RandomState(RECORD_SEED)
    # the order of the three draws is the source's: another order gives another file
    age = random.choice(AGE_GROUPS, N_RECORDS)
    income = random.lognormal(INCOME_LOCATION, INCOME_SPREAD, N_RECORDS)
    employed = random.binomial(1, EMPLOYED_SHARE, N_RECORDS).astype(np.float64)
    names: list[str] = []
    rows: list[FloatArray] = []
    for group in AGE_GROUPS:
        member = age == group
        names += [f"income_{group}", f"employed_{group}"]
        rows += [member * income, member * employed]
    return np.array([*rows, income, employed]), (*names, "income_total", "employed_total")
