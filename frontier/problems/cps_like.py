"""The source notebook's problem: 5,000 simulated records, totals by age and of a weight to fit, totals by sex held out.

Records are drawn with `RandomState(42)` and targets perturbed with `RandomState(123)`, in the notebook's order, so that
the numbers are the notebook's to the last digit. A record is a person with an age group, a sex and a survey weight.
Rows of M: an indicator for each age group, the record's survey weight, an indicator for each sex.

Two oddities of the source are kept, because results are compared with it, and both have a cure:

* the targets are on the scale of one per record (5,000 in all), so the initial weights are ones; later versions of the
  source's calibrators start from the survey weight column instead (mean 3,360, `initial_weights="survey"`), from where
  Hard Concrete never recovers in 2,000 epochs (training error above 1,500%);
* ages and sexes are perturbed independently, so fitting the ages exactly misses the sexes by at least the floor in
  `meta["heldout_floor"]`. `consistent_targets=True` computes every target from one known weight vector instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import CalibrationProblem

N_RECORDS = 5_000
RECORD_SEED = 42
TARGET_SEED = 123
KNOWN_WEIGHTS_SEED = 456  # ours, not the source's: used only for consistent targets
AGE_GROUPS = ("0-17", "18-34", "35-54", "55-64", "65+")
AGE_SHARES = (0.22, 0.22, 0.26, 0.13, 0.17)
SEX_SHARES = (0.49, 0.51)  # male, female
AGE_SPREAD = (0.7, 1.3)  # range of the factor that turns a count in the records into its target
WEIGHT_SPREAD = (0.9, 1.1)
SEX_SPREAD = (0.8, 1.2)


@dataclass(frozen=True, slots=True)
class _Records:
    """The simulated file: age group, sex ("male", "female") and survey weight of each record, each of shape (n,)."""

    age: NDArray[np.str_]
    sex: NDArray[np.str_]
    weight: FloatArray


def build(
    *, consistent_targets: bool = False, initial_weights: Literal["unit", "survey"] = "unit"
) -> CalibrationProblem:
    """The 8 × 5,000 problem: rows `age=…` (5) and `weight` to fit, rows `sex=…` (2) held out by default.

    consistent_targets  False: the source's targets, each a total of the records times its own random factor, rounded.
                        True: `y = M w_true`, unrounded, with `w_true` (mean 1) in `meta["known_weights"]`, shape (n,).
    initial_weights     "unit": w0 is 1; "survey": w0 is the survey weight.

    `meta["heldout_floor"]` is the smallest held-out mean absolute relative error of any exact fit to the other rows.
    Raises `InputError` for an unknown `initial_weights`.
    """
    records = _draw_records()
    choices = {"survey": records.weight, "unit": np.ones(N_RECORDS)}
    if initial_weights not in choices:
        raise InputError(
            "problem 'cps_like'.initial_weights",
            f"unknown choice '{initial_weights}'",
            cure=did_you_mean(str(initial_weights), choices),
        )
    ages, sexes = _by_falling_count(records.age), _by_falling_count(records.sex)
    M = sp.csr_array(
        np.vstack(
            [*(records.age == a for a in ages), records.weight, *(records.sex == s for s in sexes)], dtype=np.float64
        )
    )
    families = ("age",) * len(ages) + ("weight",) + ("sex",) * len(sexes)
    if consistent_targets:
        known_weights = _known_weights(records)
        y = M @ known_weights
        facts = _consistent_facts(known_weights)
    else:
        y = _source_targets(M, families)
        facts = _source_facts(y, families)
    return CalibrationProblem(
        name="cps_like",
        M=M,
        y=y,
        w0=choices[initial_weights],
        families=families,
        target_names=(*(f"age={a}" for a in ages), "weight", *(f"sex={s}" for s in sexes)),
        meta={"held_out_families": ("sex",), **facts},
    )


def _draw_records() -> _Records:
    random = np.random.RandomState(RECORD_SEED)
    # the order of the three draws is the source's: another order gives another file
    age = random.choice(AGE_GROUPS, N_RECORDS, p=AGE_SHARES)
    male = random.choice([True, False], N_RECORDS, p=SEX_SHARES)
    weight = random.lognormal(8.0, 0.5, N_RECORDS)
    return _Records(age, np.where(male, "male", "female"), weight)


def _by_falling_count(labels: NDArray[np.str_]) -> list[str]:
    """The distinct labels, most frequent first: the order of pandas' `value_counts`, in which the source draws."""
    values, counts = np.unique(labels, return_counts=True)
    return [str(value) for value in values[np.argsort(-counts, kind="stable")]]


def _source_targets(M: sp.csr_array, families: tuple[str, ...]) -> FloatArray:
    random = np.random.RandomState(TARGET_SEED)
    spread = {"age": AGE_SPREAD, "weight": WEIGHT_SPREAD, "sex": SEX_SPREAD}
    totals = M.sum(axis=1)
    return np.array([np.round(total * random.uniform(*spread[f])) for total, f in zip(totals, families, strict=True)])


def _source_facts(y: FloatArray, families: tuple[str, ...]) -> dict[str, Any]:
    """The held-out floor in closed form.

    Everybody has one age group and one sex, so a fit that meets the ages has sexes summing to the ages' total and
    misses the sex targets by `gap = |Σ y_sex − Σ y_age|` in all. Missing a target by e costs e/y_j, so the cheapest
    place for the whole gap is the largest sex: mean absolute relative error `gap / max(y_sex) / 2`.
    """
    ages = y[[f == "age" for f in families]]
    sexes = y[[f == "sex" for f in families]]
    gap = abs(sexes.sum() - ages.sum())
    floor = float(gap / sexes.max() / sexes.size)
    return {
        "heldout_floor": floor,
        "heldout_floor_reason": (
            f"age targets sum to {ages.sum():.0f} but sex targets to {sexes.sum():.0f}: every exact fit of the ages "
            f"misses the sexes by {gap:.0f}, at best all on the larger one ({gap:.0f}/{sexes.max():.0f}/{sexes.size} "
            f"= {floor:.2%})"
        ),
        "source": "source notebook: records RandomState(42), targets perturbed independently with RandomState(123)",
    }


def _known_weights(records: _Records) -> FloatArray:
    """Weights to rediscover: `age factor × sex factor × (weight/mean)^¼ × noise`, scaled to mean 1, shape (n,).

    The factors have the source's spreads, so initial weights are about as wrong as there. The quarter power ties the
    weight row to the rest, and the Gamma(4, ¼) noise (mean 1, positive) keeps the answer from being a raking solution.
    """
    rng = np.random.default_rng(KNOWN_WEIGHTS_SEED)
    age_factor = dict(zip(AGE_GROUPS, rng.uniform(*AGE_SPREAD, size=len(AGE_GROUPS)), strict=True))
    sex_factor = dict(zip(("male", "female"), rng.uniform(*SEX_SPREAD, size=2), strict=True))
    weights = np.array([age_factor[a] * sex_factor[s] for a, s in zip(records.age, records.sex, strict=True)])
    weights *= (records.weight / records.weight.mean()) ** 0.25
    weights *= rng.gamma(4.0, 0.25, size=N_RECORDS)
    weights /= weights.mean()
    weights.flags.writeable = False
    return weights


def _consistent_facts(known_weights: FloatArray) -> dict[str, Any]:
    return {
        "heldout_floor": 0.0,
        "heldout_floor_reason": "every target is M w_true: the known weights meet fitted and held-out rows exactly",
        "known_weights": known_weights,
        "source": f"source notebook's records, targets M w_true with w_true from default_rng({KNOWN_WEIGHTS_SEED})",
    }
