"""All households of the CPS file, each in two congressional districts of its state: 8,746 targets × 382,100 records.

Public CPS files do not say in which district a household lives. So each is placed in `copies` districts of its state,
drawn without replacement with chances proportional to population, and its weight is shared out equally. The draw is the
Gumbel top-k trick (Kool, van Hoof & Welling 2019, section 2): the districts with the largest `log population + Gumbel
noise`. A state with fewer districts gives fewer copies. Within a state the initial weights therefore know no difference
between districts except chance. `groups` is the household: its copies belong together (`data/README.md`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.problems.cps import build as cps

MOST_COPIES = 8  # 1.5 million records


def build(*, min_records: int = 10, copies: int = 2, seed: int = 0) -> CalibrationProblem:
    """The 8,746 × 382,100 problem; SNAP (by state and by district), Medicaid and EITC totals are held out by default.

    min_records  targets with fewer non-zero records are left out
    copies       districts that a household is placed in; the data's README publishes 2
    seed         of the draw; the data's README publishes 0

    Raises `InputError` as `cps.assemble` does, for `copies` outside 1 to 8 and for a negative seed.
    """
    place = "problem 'cps_districts'"
    if not 1 <= copies <= MOST_COPIES:
        raise InputError(f"{place}.copies", "not a number of districts", expected=f"1 to {MOST_COPIES}", got=copies)
    if seed < 0:
        raise InputError(f"{place}.seed", "negative seed", expected="a whole number ≥ 0", got=seed)
    targets = cps.calibration_targets()
    placed = _placed(cps.tax_units(), cps.district_populations(), copies, np.random.default_rng(seed))
    # the populations of a state are those of its districts: they are counted once
    chosen = targets[targets["family"] != "census_age_state"]
    return cps.assemble("cps_districts", placed, chosen, household="placement", min_records=min_records)


def _placed(units: pd.DataFrame, districts: pd.DataFrame, copies: int, random: np.random.Generator) -> pd.DataFrame:
    """The tax units of every household, once for each of its districts, one copy of a household after the other.

    New columns: `district`, and `placement`, which tells copies apart; `weight` is divided by the number of copies.
    """
    heads = units[units["is_household_head_unit"].to_numpy(bool)]
    household = np.asarray(units["household_id"], dtype=np.intp)
    drawn = _draw(heads, districts, copies, random)
    given = np.count_nonzero(drawn >= 0, axis=1)[household]
    row = np.repeat(np.arange(len(units)), given)
    copy = np.arange(row.size) - np.repeat(np.cumsum(given) - given, given)
    order = np.lexsort((row, copy, household[row]))
    row, copy = row[order], copy[order]
    placed = units.iloc[row].reset_index(drop=True)
    return placed.assign(
        district=districts["district"].to_numpy(object)[drawn[household[row], copy]],
        placement=household[row] * copies + copy,
        weight=placed["weight"] / given[row],
    )


def _draw(heads: pd.DataFrame, districts: pd.DataFrame, copies: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Districts of each household (its number × copies) as rows of `districts`, the first drawn first; −1: no more.

    States come in the order of `districts` and households in file order: the order is part of the published draw.
    """
    drawn = np.full((int(heads["household_id"].max()) + 1, copies), -1, dtype=np.intp)
    state_of_household, log_population = (
        heads["state"].to_numpy(object),
        np.log(districts["population"].to_numpy(float)),
    )
    for state, numbers in districts.groupby("state", sort=False).indices.items():
        households = heads["household_id"].to_numpy()[state_of_household == state]
        keys = log_population[numbers] + random.gumbel(size=(len(households), len(numbers)))
        best = np.argsort(keys, axis=1)[:, ::-1][:, :copies]
        drawn[households, : best.shape[1]] = numbers[best]
    return drawn
