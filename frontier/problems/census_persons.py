"""Samples of a census of persons: counts only, some hundred published totals, and crossed tables as the truth.

The adults of the CPS file (heads and spouses of tax units) with their weights W are the census. A replicate draws
about n of them with chance `π ∝ √W`, each by itself; those drawn answer with probability

    logistic(1 + s (−0.4 z(class of income) + 0.3 z(age) − 0.3 medicaid + 0.3 state + 0.3 noise))

where z(·) is standardised, `state` and `noise` are standard normal draws, and s is the strength. Initial weights are
`W/π` divided by the response rate. Published are margins: persons by state, age, class of AGI and filing status, with
wages by age, on Medicaid by age, with SNAP by status. Hidden are tables crossed with the state; auxiliary statistics
(`methods/coreset.py`) are other crossed tables, by age. Everything is a number of persons, as in a population census,
where `census_arena` has mostly amounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated

import numpy as np
import scipy.sparse as sp
from annotated_types import Ge, Le
from numpy.typing import NDArray
from scipy.special import expit

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.core.truth import hidden_truth
from frontier.problems.cps import build as cps
from frontier.problems.cps.population import AGES, CLASSES, FINE_AGES, LEAST_SUPPORT, class_of
from frontier.problems.cps.sampling import respondents, standardised

STATE_SEED = 2027  # of the states' effects, the same in every replicate
PUBLISHED = ("state", "age", "class", "status", "works/age", "medicaid/age", "snap/status", "filer/all")
HIDDEN = ("state/age4", "state/class", "state/status", "works/state", "snap/state", "medicaid/state", "filer/state")
AUXILIARY = ("age/status", "age/class", "works/class", "snap/class")
LEAST_N, MOST_N = 500, 120_000

Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """Rows of ones over all persons: published, hidden and auxiliary counts with their names; what a response needs."""

    rows: dict[str, sp.csc_array]
    names: dict[str, tuple[str, ...]]
    weights: FloatArray
    tendency: FloatArray
    state: Codes


@cache
def census() -> Census:
    """All adults with their counts; takes a second once."""
    units = cps.tax_units()
    unit = np.concatenate([np.arange(len(units)), np.flatnonzero(units["age_spouse"].to_numpy() > 0)])
    spouse = np.arange(len(unit)) >= len(units)
    age = np.where(spouse, units["age_spouse"].to_numpy()[unit], units["age_head"].to_numpy()[unit]).astype(np.float64)
    amount = {
        name: units[name].to_numpy(np.float64)[unit] for name in ("agi", "wages", "medicaid_persons", "snap_benefits")
    }
    category = {name: units[name].cat for name in ("state", "filing_status")}
    codes: dict[str, tuple[Codes, list[str]]] = {
        "all": (np.zeros(len(unit), dtype=np.intp), [""]),
        "age": (class_of(age, FINE_AGES), [f"age={lower}.." for lower in FINE_AGES]),
        "age4": (class_of(age, AGES), [f"age={lower}.." for lower in AGES]),
        "class": (class_of(amount["agi"], CLASSES), [f"agi={lower:g}.." for lower in CLASSES]),
        "state": (category["state"].codes.to_numpy(np.intp)[unit], list(category["state"].categories)),
        "status": (category["filing_status"].codes.to_numpy(np.intp)[unit], list(category["filing_status"].categories)),
    }
    having = {
        "works": amount["wages"] > 0,
        "medicaid": amount["medicaid_persons"] > 0,
        "snap": amount["snap_benefits"] > 0,
        "filer": units["is_filer"].to_numpy(bool)[unit],
    }
    rows, names = {}, {}
    for kind, tables in (("published", PUBLISHED), ("hidden", HIDDEN), ("auxiliary", AUXILIARY)):
        parts, told = [], []
        for table in tables:
            first, _, second = table.partition("/")
            counted = having.get(first, np.ones(len(unit), dtype=bool))
            (code, labels), (other, others) = codes["all" if first in having else first], codes[second or "all"]
            cell = np.flatnonzero(counted)
            shape = (len(labels) * len(others), len(unit))
            parts.append(
                sp.csr_array((np.ones(cell.size), (code[cell] * len(others) + other[cell], cell)), shape=shape)
            )
            told += [f"{table}: {a} {b}".strip() for a in labels for b in others]
        stacked = sp.csr_array(sp.vstack(parts))
        kept = np.flatnonzero(np.diff(stacked.indptr) >= LEAST_SUPPORT)
        rows[kind], names[kind] = sp.csc_array(stacked[kept]), tuple(told[k] for k in kept)
    tendency = (
        -0.4 * standardised(codes["class"][0].astype(np.float64)) + 0.3 * standardised(age) - 0.3 * having["medicaid"]
    )
    weights = units["weight"].to_numpy(np.float64)[unit]
    return Census(rows, names, weights, tendency, codes["state"][0])


def build(
    *,
    replicate: Annotated[int, Ge(0), Le(2**31)] = 0,
    n: int = 4_600,
    strength: Annotated[float, Ge(0), Le(10)] = 1.0,
    min_records: Annotated[int, Ge(1), Le(10**6)] = 10,
) -> CalibrationProblem:
    """The problem of one sample; nothing is held out of its targets, since the truth is known.

    replicate    which sample; samples are independent given the census
    n            expected number of respondents
    strength     how much response depends on who is asked
    min_records  targets with fewer persons in the sample are left out

    Raises `InputError` for an n outside 500 to 120,000, or when no target is left.
    """
    place = "problem 'census_persons'"
    if not LEAST_N <= n <= MOST_N:
        raise InputError(f"{place}.n", "no such sample", expected=f"{LEAST_N:,} to {MOST_N:,} persons", got=n)
    people = census()
    rng = np.random.default_rng([replicate, 20_261_128])
    effects = np.random.default_rng(STATE_SEED).standard_normal(int(people.state.max()) + 1)
    noise = rng.standard_normal(people.weights.size)
    answers = expit(1 + strength * (people.tendency + 0.3 * effects[people.state] + 0.3 * noise))
    records, design, rate = respondents(people.weights, answers, n, rng)
    M = sp.csr_array(people.rows["published"][:, records])
    kept = np.flatnonzero(np.diff(M.indptr) >= min_records)
    if not kept.size:
        raise InputError(f"{place}.min_records", "no target is left", got=min_records)
    names = [people.names["published"][j] for j in kept]
    hidden, auxiliary = people.rows["hidden"], sp.csr_array(people.rows["auxiliary"][:, records])
    truth = hidden_truth(
        sp.csr_array(hidden[:, records]),
        np.asarray(hidden @ people.weights),
        people.names["hidden"],
        [name.split(":")[0] for name in people.names["hidden"]],
    )
    return CalibrationProblem(
        name="census_persons",
        M=M[kept],
        y=np.asarray(people.rows["published"] @ people.weights)[kept],
        w0=design / rate,
        families=tuple(name.split(":")[0] for name in names),
        target_names=tuple(names),
        meta={"source": cps.SOURCE, "record": "adult", "replicate": replicate, "held_out_families": ()},
        auxiliary=auxiliary[np.flatnonzero(np.diff(auxiliary.indptr))],
        truth=truth,
    )
