"""A made-up population of the largest published shape, up to 16 times it: 32,633 targets × 337,704 records at scale 1.

Sixty variables (half counts, half amounts) are totalled for the nation, for the nation by income class, for 51 states
and for 436 districts. Rows are nested: the district rows of a variable add up to those of its states, these to the
nation's, and the class rows to what of the nation's is above the lowest class. A record lives in one district and has
about 21 of the variables, each with an entry on every level, some 86 in all. Targets span more than six orders of
magnitude.

The truth is planted: `y = M w` for known weights w (n, `meta["known_weights"]`). The initial weights differ from them
by district, by income and by chance. Nothing is held out.

`scale` multiplies records, targets, states and districts alike; variables, entries per record and records per district
stay, so non-zeros are proportional to records: 28.9 million at scale 1, 462 million at scale 16, where the matrix takes
5.2 GiB and its building 8. Rows are ordered by level, variable and place. Then nothing needs to be
sorted: records are ordered by district, so the entries of a variable are its row of the nation as they are, and its
rows of states and districts when cut at their borders.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray, IntArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem

RECORDS, TARGETS, NONZEROS = 337_704, 32_633, 28_900_000  # the largest case that l0-paper reports
STATES, DISTRICTS, VARIABLES = 51, 436, 60
CLASS_SHARE = 0.1  # of the targets: by income class; the rest is about 60 × (1 + 51 + 436)
SMALLEST_SCALE, LARGEST_SCALE, FEWEST = Fraction(1, 128), Fraction(16), Fraction(1, 5)
RAREST = 0.05  # share of records with the rarest variable: some 30 in the smallest district, so that no row is empty
LARGEST_UNIT = 1e4  # of amounts; the units of the variables are log-spaced from 1
AMOUNT_SPREAD, INCOME_EFFECT = 0.8, 0.4  # of log amounts: within an income, and between incomes
WEIGHT_MEAN, WEIGHT_SPREAD = 400.0, 0.5  # households that a record stands for, 135 million in all; of log weights
DISTRICT_TILT, INCOME_TILT, CHANCE = 0.2, 0.15, 0.3  # standard deviations of log(known/initial weight)

Positions = NDArray[np.int32]
Entries = tuple[Positions, FloatArray]  # of one variable: the records that have it, and how much


def build(*, scale: float | str = "1/64", seed: int = 0, records: float | str = 1) -> CalibrationProblem:
    """The problem with `scale · records · 337,704` records and `scale · 32,633` targets, both rounded.

    scale  1/128 to 16, a number or a fraction in text (`1/64`: 5,277 records, 510 targets, 0.45 million non-zeros)
    seed   of the one generator behind everything
    records  records per district, as a multiple of the published ones, 1/5 to 16: so that targets may stay as they are

    Raises `InputError` for a scale outside this range or that is no number, and for a negative seed.
    """
    share = _fraction(scale, "scale", SMALLEST_SCALE)
    dense = _fraction(records, "records", FEWEST)
    if seed < 0:
        raise InputError("problem 'synthetic_populace'.seed", "negative seed", expected="a whole number ≥ 0", got=seed)
    n, m = round(RECORDS * share * dense), round(TARGETS * share)
    states = max(1, round(STATES * share))
    districts = min(round(DISTRICTS * max(share, Fraction(1))), (m - round(CLASS_SHARE * m)) // VARIABLES - 1 - states)
    by_class = m - VARIABLES * (1 + states + districts)
    classes = by_class // VARIABLES + (np.arange(VARIABLES) < by_class % VARIABLES)  # rows by class of each variable

    random = np.random.default_rng(seed)
    steps = random.uniform(0.8, 1.2, districts)
    border = np.rint(n * np.r_[0.0, np.cumsum(steps)] / steps.sum()).astype(np.intp)
    state_border = border[np.rint(np.linspace(0, districts, states + 1)).astype(np.intp)]
    income = random.standard_normal(n)
    entries = [_entries(v, share_with, income, random) for v, share_with in enumerate(_shares(classes))]
    M = _matrix(entries, [np.array([0, n]), state_border, border], income, classes)

    w0 = WEIGHT_MEAN * np.exp(WEIGHT_SPREAD * random.standard_normal(n) - WEIGHT_SPREAD**2 / 2)
    tilt = DISTRICT_TILT * np.repeat(random.standard_normal(districts), np.diff(border))
    known = w0 * np.exp(tilt + INCOME_TILT * income + CHANCE * random.standard_normal(n))
    known.flags.writeable = False
    alike = np.ones(VARIABLES, dtype=np.intp)
    levels = {"us": alike, "class": classes, "state": states * alike, "district": districts * alike}
    names = [
        (f"{level}_{'count' if v % 2 == 0 else 'amount'}", f"{level}-{place + 1}/v{v:02d}")
        for level, places in levels.items()
        for v, number in enumerate(places)
        for place in range(number)
    ]
    return CalibrationProblem(
        name="synthetic_populace",
        M=M,
        y=M @ known,
        w0=w0,
        families=tuple(family for family, _ in names),
        target_names=tuple(name for _, name in names),
        meta={
            "held_out_families": (),
            "known_weights": known,
            "source": f"random population, scale {share}, seed {seed}",
        },
    )


def _fraction(given: float | str, name: str, smallest: Fraction) -> Fraction:
    place = f"problem 'synthetic_populace'.{name}"
    expected = f"{smallest} to {LARGEST_SCALE}, as a number or a fraction"
    try:
        share = Fraction(given)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise InputError(place, "not a number", expected=expected, got=repr(given)) from None
    if not smallest <= share <= LARGEST_SCALE:
        raise InputError(place, "outside the sizes that keep the shape", expected=expected, got=given)
    return share


def _shares(classes: IntArray) -> FloatArray:
    """The share of records that have each variable: evenly spaced from `RAREST`, as many as make `NONZEROS` at scale 1.

    A variable's entry stands in three rows, and in a fourth where a class row holds it: all but one of `classes + 1`.
    """
    rows, even = 3 + classes / (classes + 1), np.linspace(0.0, 1.0, VARIABLES)
    range_of_shares = (NONZEROS / RECORDS - RAREST * rows.sum()) / (rows @ even)
    return np.asarray(RAREST + range_of_shares * even)


def _entries(variable: int, share: float, income: FloatArray, random: np.random.Generator) -> Entries:
    """Which records have a variable, and how much: 1 for a count (even numbers), a log-normal amount otherwise."""
    records = np.flatnonzero(random.random(income.size) < share).astype(np.int32)  # small integers are enough
    if variable % 2 == 0:
        return records, np.ones(records.size)
    unit = LARGEST_UNIT ** (variable / (VARIABLES - 1))
    spread = AMOUNT_SPREAD * random.standard_normal(records.size)
    return records, unit * np.exp(spread + INCOME_EFFECT * income[records])


def _matrix(entries: list[Entries], borders: list[IntArray], income: FloatArray, classes: IntArray) -> sp.csr_array:
    """M in CSR form: nation, income classes, states, districts; in each level variable by variable, place by place.

    `borders` are those of the nation, the states and the districts, in records.
    """
    by_class = [_by_class(*entry, income, number) for entry, number in zip(entries, classes, strict=True)]
    nation, *parts = (
        ([records for records, _ in entries], [values for _, values in entries], _row_sizes(entries, border))
        for border in borders
    )
    levels = [nation, tuple(zip(*by_class, strict=True)), *parts]
    indices = np.concatenate([part for level in levels for part in level[0]])
    data = np.concatenate([part for level in levels for part in level[1]])
    sizes = np.concatenate([part for level in levels for part in level[2]])
    starts = np.r_[0, np.cumsum(sizes)].astype(np.int32)
    for array in (data, indices, starts):
        array.flags.writeable = False  # the problem takes them as they are
    return sp.csr_array((data, indices, starts), shape=(sizes.size, income.size))


def _row_sizes(entries: list[Entries], border: IntArray) -> list[IntArray]:
    """Entries of each variable between neighbouring borders."""
    return [np.diff(np.searchsorted(records, border)) for records, _ in entries]


def _by_class(
    records: Positions, values: FloatArray, income: FloatArray, classes: int
) -> tuple[Positions, FloatArray, IntArray]:
    """The entries above the lowest of `classes + 1` equally large income classes, class by class, and rows' sizes."""
    edges = np.quantile(income, np.arange(1, classes + 1) / (classes + 1))
    number = np.searchsorted(edges, income[records])
    order = np.argsort(number, kind="stable")
    sizes = np.bincount(number, minlength=classes + 1)
    order = order[sizes[0] :]
    return records[order], values[order], sizes[1:]
