"""Replicates give the textbook variances of totals and means in small designs, by enumeration or on average."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.solvers.sampling.replicates import Replicates, Units, given, make, units_of

RNG = np.random.default_rng(11)
X = RNG.lognormal(size=24)  # of 24 records with weight 1
STRATA = np.repeat(["a", "b", "c"], [4, 8, 12])
PAIRS = np.repeat(np.arange(12), 2)


def totals(replicates: Replicates, x: np.ndarray = X) -> np.ndarray:
    return np.array([[replicates.factors(r) @ x] for r in range(len(replicates))])


def variance(replicates: Replicates, x: np.ndarray = X) -> float:
    return float(replicates.variance(totals(replicates, x))[0])


def with_replacement(x: np.ndarray, units: Units) -> float:
    """Σ_h n_h/(n_h − 1) Σ (u − ū_h)², by loops."""
    u = np.bincount(units.of_record, x)
    parts = [u[units.stratum == h] for h in range(len(units.sizes))]
    return float(sum(len(part) * part.var(ddof=1) for part in parts))


def test_jk1_of_a_mean_is_s_squared_over_n() -> None:
    found = make("jk1", units_of(24))
    means = np.array([[factor @ X / factor.sum()] for factor in map(found.factors, range(24))])
    assert found.variance(means)[0] == pytest.approx(X.var(ddof=1) / 24, rel=1e-12)  # an identity, but for rounding


def test_jkn_of_a_total_is_the_stratified_variance_of_clusters() -> None:
    units = units_of(24, groups=PAIRS, strata=STRATA)
    found = make("jkn", units)
    assert (len(found), found.degrees) == (12, 9)
    assert variance(found) == pytest.approx(with_replacement(X, units), rel=1e-12)  # an identity, but for rounding


def test_jk1_of_one_stratum_is_jkn() -> None:
    assert variance(make("jk1", units_of(24))) == pytest.approx(variance(make("jkn", units_of(24))), rel=1e-12)


@pytest.mark.parametrize(("kind", "fay"), [("brr", None), ("fay", 0.3), ("fay", None)])
def test_balanced_half_samples_are_all_half_samples(kind: str, fay: float | None) -> None:
    units = units_of(24, strata=PAIRS)
    found = make(kind, units, fay=fay)
    assert len(found) == 20  # the Hadamard matrix of a prime 19 = 3 mod 4, the first beyond 12 strata
    # over all 2^12 half-samples the variance of a total is Σ (u_1 − u_2)²
    assert variance(found) == pytest.approx(float(np.sum((X[::2] - X[1::2]) ** 2)), rel=1e-12)
    assert all(found.factors(r).sum() == pytest.approx(24) for r in range(20))


def test_the_bootstrap_of_a_total_is_right_on_average() -> None:
    units = units_of(24, groups=PAIRS, strata=STRATA)
    found = make("bootstrap", units, number=8000)
    # the variance of a variance of 8,000 normal draws is 2/8,000 of its square: 4 of its standard errors
    assert variance(found) == pytest.approx(with_replacement(X, units), rel=4 * np.sqrt(2 / 8000))
    factors = np.array([found.factors(r) for r in range(400)])
    for h, size in zip("abc", (2, 4, 6), strict=True):  # n − 1 draws of n units, each worth n/(n − 1)
        np.testing.assert_allclose(factors[:, h == STRATA].sum(axis=1), 2 * size, rtol=1e-12)
        draws = factors[:, h == STRATA] * (size - 1) / size
        np.testing.assert_allclose(draws, np.round(draws), atol=1e-12)  # whole numbers, but for rounding
    assert (factors[:, ::2] == factors[:, 1::2]).all()  # units are drawn whole


def test_one_seed_gives_one_bootstrap() -> None:
    a, b, c = (make("bootstrap", units_of(24), number=3, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.factors(2), b.factors(2))
    assert (a.factors(2) != c.factors(2)).any()
    assert (a.factors(2) != a.factors(1)).any()


def test_successive_differences_of_one_turn_are_exact() -> None:
    found = make("sdr", units_of(23), number=24)
    x = X[:23]
    around = found.variance(totals(found, x), around=np.array([x.sum()]))
    circle = np.append(np.diff(x), x[0] - x[-1])
    assert around[0] == pytest.approx(0.5 * float(circle @ circle), rel=1e-12)  # an identity, but for rounding


def test_successive_differences_of_many_turns_are_right_on_average() -> None:
    found = make("sdr", units_of(2000), number=80)
    factors = np.array([found.factors(r) for r in range(len(found))])
    x = np.random.default_rng(0).normal(size=(2000, 400))
    ratio = found.variance(factors @ x, around=x.sum(axis=0)) / 2000
    # each ratio has a variance of about 2/80 or less; the mean of 400 is within 4 of its standard errors
    assert ratio.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / 80 / 400))


def test_random_groups_stand_for_many_units() -> None:
    found = make("jk1", units_of(1000), number=50)
    x = np.random.default_rng(3).normal(size=1000)
    assert variance(found, x) == pytest.approx(1000.0, rel=4 * np.sqrt(2 / 49))  # 4 standard errors of 49 degrees


def test_given_replicates_are_factors_of_the_initial_weights() -> None:
    w0 = np.linspace(1, 2, 24)
    jack = make("jk1", units_of(24))
    columns = np.column_stack([w0 * jack.factors(r) for r in range(24)])
    found = given(columns, w0, units_of(24), kind="jk1")
    assert variance(found, w0 * X) == pytest.approx(variance(jack, w0 * X), rel=1e-12)  # but for rounding
    other = given(columns, w0, units_of(24), kind="other", coefficients=jack.coefficients)
    assert variance(other, w0 * X) == pytest.approx(variance(jack, w0 * X), rel=1e-12)  # but for rounding


def test_a_replicate_that_failed_is_left_out_and_the_others_stand_for_it() -> None:
    found = make("bootstrap", units_of(24), number=4)
    estimates = np.array([[1.0], [3.0], [np.nan], [2.0]])
    assert found.variance(estimates)[0] == pytest.approx(2 / 4 * 4 / 3)
    assert np.isnan(found.variance(np.array([[1.0], [np.nan], [np.nan], [np.nan]]))[0])


@pytest.mark.parametrize(
    ("what", "match"),
    [
        (
            lambda: make("brr", units_of(24)),
            "brr wants two units in every stratum; expected 2, got 24 in stratum 'all'",
        ),
        (lambda: make("jackknife", units_of(24)), "unknown kind 'jackknife'"),
        (lambda: make("jk1", units_of(24, strata=STRATA)), "use jkn"),
        (lambda: make("jkn", units_of(24), number=3), "jkn has no choice of it"),
        (lambda: make("bootstrap", units_of(24), number=1), "not a number of replicates"),
        (lambda: make("bootstrap", units_of(24), fay=0.5), "not Fay's factor"),
        (
            lambda: units_of(3, strata=["a", "b", "b"]),
            "one unit tells nothing of a variance; expected at least 2, got a",
        ),
        (lambda: units_of(4, groups=[1, 1, 2, 2], strata=[1, 2, 2, 2]), "a group in two strata; got 2 and 1"),
        (
            lambda: given(np.ones((3, 4)), np.ones(3), units_of(3), kind="jkn"),
            "does not say what given replicates count",
        ),
        (
            lambda: given(-np.ones((3, 4)), np.ones(3), units_of(3), kind="jk1"),
            r"replicate weights\[0, 0\]: not a weight",
        ),
    ],
)
def test_what_cannot_be_is_one_line(what: object, match: str) -> None:
    with pytest.raises(InputError, match=match):
        what()  # type: ignore[operator]
