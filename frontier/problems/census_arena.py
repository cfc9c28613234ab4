"""Samples of a known population: calibration problems of the real kind, whose truth is known to the last dollar.

The 200,576 households of the CPS file with their weights W are the population. A replicate draws some of them with
chance `π ∝ √W`, each by itself (Poisson sampling); those drawn answer with probability

    p = logistic(1 + s (−0.4 z(log income) + 0.3 z(age) − 0.3 benefits + 0.3 state + 0.3 noise))        at_random
    the same with s (… − 0.4 z(log pensions))                                                           not_at_random

where z(·) is standardised over the population, `benefits` is 1 for who receives any, `state` and `noise` are standard
normal draws for every state and household, and s is the strength. The initial weights are `W/π` divided by the
response rate: they know the design and not the response. Targets are published cells with the population's own totals,
off by a sampling error of `target_noise` of each. What no target says is the truth (`problems/cps/population.py`):
methods never see it, the yardstick does (`core/truth.py`).
"""

from __future__ import annotations

from functools import cache, partial
from typing import Annotated, Literal

import numpy as np
import scipy.sparse as sp
from annotated_types import Ge, Le
from numpy.typing import NDArray
from scipy.special import expit

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.core.truth import Distribution, Truth
from frontier.problems.cps import build as cps
from frontier.problems.cps.population import Population, population
from frontier.problems.cps.sampling import respondents, standardised
from frontier.problems.cps.variables import households

Targets = Literal["national", "national_and_benefits", "states"]
Response = Literal["none", "at_random", "not_at_random"]

BENEFITS = ("usda_snap", "cms_medicaid", "irs_eitc")
STATES = ("soi_state_agi", "census_age_state")
BENEFIT_ITEMS = ("snap_benefits", "medicaid_persons", "eitc")  # their state totals are published with the benefits
INTERCEPT = 1.0  # of the response: 73% at strength 0
STATE_SEED = 2026  # of the states' effects, the same in every replicate
LEAST_N, MOST_N = 500, 120_000


def build(
    *,
    replicate: Annotated[int, Ge(0), Le(2**31)] = 0,
    n: int = 40_000,
    response: Response = "not_at_random",
    strength: float = 1.0,
    targets: Targets = "national",
    target_noise: float = 0.005,
    min_records: int = 10,
    exam: bool = False,
) -> CalibrationProblem:
    """The problem of one sample; nothing is held out of its targets, since the truth is known.

    replicate     which sample; samples are independent given the population
    n             expected number of respondents
    response      who answers; `none`: everybody drawn does
    strength      how much response depends on who is asked
    targets       which published cells are known: some 480, 730 or 2,100 rows
    target_noise  standard deviation of a total's error, as a share of it
    min_records   targets with fewer non-zero records in the sample are left out
    exam          the hidden statistics themselves are the auxiliary ones, without their totals: a bound on what any
                  choice of records could do, no method's result

    Raises `InputError` for an n outside 500 to 120,000, a negative strength or noise, or when no target is left.
    """
    place = "problem 'census_arena'"
    if not LEAST_N <= n <= MOST_N:
        raise InputError(f"{place}.n", "no such sample", expected=f"{LEAST_N:,} to {MOST_N:,} households", got=n)
    for name, value in (("strength", strength), ("target_noise", target_noise)):
        if not 0 <= value <= 10:
            raise InputError(f"{place}.{name}", "out of range", expected="a number from 0 to 10", got=value)
    people = population()
    rng = np.random.default_rng([replicate, 20_261_127])
    answers = _response(people, response, strength, rng)
    records, design, rate = respondents(people.weights, answers, n, rng)
    noise = 1.0 + target_noise * rng.standard_normal(len(people.targets))  # drawn for all: one does not depend on which
    rows = _published(people, targets)
    M = sp.csr_array(people.M[:, records])[rows]
    kept = np.diff(M.indptr) >= min_records
    if not kept.any():
        raise InputError(f"{place}.min_records", "no target is left", got=min_records)
    chosen = people.targets.iloc[rows[kept]]
    auxiliary = sp.csr_array((people.hidden if exam else people.auxiliary)[:, records])
    return CalibrationProblem(
        name="census_arena",
        M=M[kept],
        y=(people.totals * noise)[rows[kept]],
        w0=design / rate,
        families=tuple(chosen["family"]),
        target_names=tuple(chosen["name"]),
        groups=records,
        meta={"source": cps.SOURCE, "record": "household", "replicate": replicate, "held_out_families": ()}
        | {"records": partial(households, records)},
        auxiliary=auxiliary[np.diff(auxiliary.indptr) > 0],
        truth=_truth(people, records, targets, design / answers[records]),
    )


def _response(people: Population, response: Response, strength: float, rng: np.random.Generator) -> FloatArray:
    """The probability that each household answers."""
    noise = rng.standard_normal(people.weights.size)
    if response == "none":
        return np.ones(people.weights.size)
    effects = np.random.default_rng(STATE_SEED).standard_normal(int(people.state.max()) + 1)
    tendency = -0.4 * standardised(np.log(np.maximum(people.income, 1e3))) + 0.3 * standardised(people.age)
    tendency += -0.3 * people.benefits + 0.3 * effects[people.state] + 0.3 * noise
    if response == "not_at_random":
        tendency -= 0.4 * standardised(np.log1p(people.pensions))
    return np.asarray(expit(INTERCEPT + strength * tendency), dtype=np.float64)


def _published(people: Population, targets: Targets) -> NDArray[np.intp]:
    """The rows of the population's published cells that are known."""
    family, level = people.targets["family"], people.targets["geography_level"]
    known = level == "us"
    if targets == "national_and_benefits":
        known |= family.isin(BENEFITS)
    elif targets == "states":
        known |= family.isin(STATES)
    return np.flatnonzero(known & (people.totals > 0))


def _truth(people: Population, records: NDArray[np.intp], targets: Targets, right: FloatArray) -> Truth:
    """What the population has and the targets do not say."""
    rows = people.hidden_rows
    hidden = np.ones(len(rows), dtype=bool)
    if targets == "national_and_benefits":
        hidden &= ~((rows["cells"] == "state") & rows["item"].isin(BENEFIT_ITEMS)).to_numpy()
    shown = rows[hidden]
    return Truth(
        H=sp.csr_array(people.hidden[:, records])[np.flatnonzero(hidden)],
        totals=np.asarray(people.hidden @ people.weights)[hidden],
        names=tuple(shown["name"]),
        units=tuple(shown["unit"]),
        reserve=shown["reserve"].to_numpy(bool),
        distribution=_distribution().of_records(records),
        weights=right,
    )


@cache
def _distribution() -> Distribution:
    people = population()
    return Distribution.of(people.income, people.state, people.weights)
