"""Standard errors: replicates are made as the whole file was, what failed is said, and numbers are those by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import frontier
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.core.resampling import with_factors
from frontier.core.status import Status
from frontier.problems.records.estimates import estimates
from frontier.problems.splits import every_target
from frontier.solvers.sampling.replicates import make, units_of
from frontier.sweep.facts import sampling_errors

RNG = np.random.default_rng(2)
N = 120
TABLE = pd.DataFrame(
    {
        "income": RNG.lognormal(mean=10, sigma=0.6, size=N).round(),
        "tax": RNG.uniform(0, 5000, size=N).round(),
        "sex": RNG.choice(["f", "m"], size=N),
        "region": RNG.choice(["east", "north", "west"], size=N, p=[0.5, 0.3, 0.2]),
        "school": np.repeat(np.arange(30), 4),
    }
)
ROWS = np.vstack([*(TABLE["sex"] == sex for sex in "fm"), *(TABLE["region"] == r for r in ("east", "north", "west"))])
Y = np.array([700.0, 560.0, 600.0, 420.0, 240.0])


def problem(**changes: object) -> CalibrationProblem:
    names = ("f", "m", "east", "north", "west")
    whole = CalibrationProblem(
        "schools", sp.csr_array(ROWS * 1.0), Y, np.full(N, 10.0), target_names=names, groups=TABLE["school"].to_numpy()
    )
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


def raked(w0: FloatArray) -> FloatArray:
    """Iterative proportional fitting, by hand."""
    w = w0.copy()
    for _ in range(200):
        for margin in (slice(0, 2), slice(2, 5)):
            w = w * ((Y[margin] / (ROWS[margin] @ w)) @ ROWS[margin])
    return w


def test_the_jackknife_of_raked_clusters_is_that_of_iterative_proportional_fitting() -> None:
    found = frontier.standard_errors(
        problem(),
        ["mean income", "total income", "ratio tax / income"],
        records=TABLE,
        method="raking",
        kind="jk1",
        jobs=1,
    )
    income, tax = TABLE["income"].to_numpy(), TABLE["tax"].to_numpy()
    values = []
    for school in range(30):
        w = raked(np.where(TABLE["school"] == school, 0.0, 10.0 * 30 / 29))
        values.append([w @ income / w.sum(), w @ income, w @ tax / (w @ income)])
    w = raked(np.full(N, 10.0))
    expected = np.sqrt(29 / 30 * np.sum((np.array(values) - np.mean(values, axis=0)) ** 2, axis=0))
    np.testing.assert_allclose(found.table["estimate"][0], w @ income / w.sum(), rtol=1e-8)  # both solve to 1e-9
    np.testing.assert_allclose(found.table["standard_error"], expected, rtol=1e-5)  # differences of such numbers
    half = 2.045229642132703  # of t, 29 degrees of freedom
    np.testing.assert_allclose(found.table["high"] - found.table["low"], 2 * half * expected, rtol=1e-5)
    assert repr(found).splitlines()[-1] == (
        "± one standard error: 30 jackknife replicates (JK1) of 30 groups, calibration repeated in each"
    )


def test_what_targets_fix_has_no_error() -> None:
    found = frontier.standard_errors(problem(), ["share sex", "count"], records=TABLE, method="greg", jobs=1)
    assert (found.table["standard_error"] < 1e-6 * found.table["estimate"]).all()  # calibration is exact to 1e-9
    assert "± 0 (fixed by the targets)" in repr(found)


def test_the_number_of_processes_decides_nothing() -> None:
    for settings in ({"method": "raking"}, {"method": "pps_sample", "budget": 40}):
        one, two = (
            frontier.standard_errors(problem(), "mean income", records=TABLE, number=12, jobs=jobs, **settings)
            for jobs in (1, 2)
        )
        pd.testing.assert_frame_equal(one.table, two.table, check_exact=True)


def test_a_selection_is_repeated_with_its_refit_and_a_seed_of_its_own() -> None:
    whole = problem()
    found = frontier.standard_errors(
        whole,
        "mean income",
        records=TABLE,
        method="pps_sample",
        budget=40,
        seed=3,
        refit="fitted",
        number=5,
        keep_weights=True,
        jobs=1,
    )
    made = make("bootstrap", units_of(N, whole.groups), number=5, seed=3)
    assert found.replicates is not None
    for r in range(5):
        factors = made.factors(r)
        again = frontier.calibrate(
            with_factors(whole, factors), method="pps_sample", budget=40, seed=4 + r, refit="fitted"
        )
        expected = np.zeros(N)
        expected[factors > 0] = again.weights
        np.testing.assert_array_equal(found.replicates[:, r], expected)
    assert "calibration and selection repeated in each, with a seed of its own" in found.how


def test_a_share_of_the_records_is_one_of_the_whole_file() -> None:
    settings = {"records": TABLE, "method": "pps_sample", "number": 3, "jobs": 1}
    share, count = (
        frontier.standard_errors(problem(), "mean income", budget=budget, **settings)  # type: ignore[arg-type]
        for budget in (0.25, 30)
    )
    pd.testing.assert_frame_equal(share.table, count.table)


def test_weights_that_were_fitted_before_are_the_estimate_and_the_method_is_repeated() -> None:
    weights = frontier.calibrate(problem(), method="pps_sample", budget=40, seed=9).weights
    found = frontier.standard_errors(
        problem(), "mean income", records=TABLE, weights=weights, method="pps_sample", budget=40, number=10, jobs=1
    )
    assert weights is not None
    assert found.table["estimate"][0] == pytest.approx(weights @ TABLE["income"] / weights.sum(), rel=1e-12)


def test_replicates_that_cannot_be_calibrated_are_left_out_and_said() -> None:
    rows = np.vstack([ROWS, TABLE["school"] < 1])  # a target that one cluster serves
    whole = CalibrationProblem(
        "one", sp.csr_array(rows * 1.0), np.append(Y, 50.0), np.full(N, 10.0), groups=TABLE["school"].to_numpy()
    )
    found = frontier.standard_errors(whole, "mean income", records=TABLE, method="raking", number=30, jobs=1)
    without = [r for r in range(30) if make("bootstrap", units_of(N, whole.groups), number=30).factors(r)[0] == 0]
    assert [number for number, _, _ in found.failures] == without
    assert {status for _, status, _ in found.failures} == {Status.INFEASIBLE}
    assert f"{len(without)} of 30 replicates are left out ({len(without)} infeasible)" in repr(found)
    assert np.isfinite(found.table["standard_error"]).all()
    assert len(found.used) == 30 - len(without)


@pytest.mark.parametrize("statistic", ["mean income", "total tax", "ratio tax / income", "median income"])
def test_linearised_errors_are_near_those_of_the_bootstrap(statistic: str) -> None:
    settings = {"records": TABLE, "by": "sex", "method": "raking", "jobs": 1}
    linear, boot = (
        frontier.standard_errors(problem(), statistic, kind=kind, **settings) for kind in ("linearised", "bootstrap")
    )
    # 200 replicates leave 5% (one standard error), the terms that linearisation lacks and the steps of a median more
    ratio = linear.table["standard_error"] / boot.table["standard_error"]
    assert ratio.between(0.65, 1.35).all()


def test_weights_alone_are_linearised_and_read_the_kept_records_as_the_sample() -> None:
    weights = frontier.calibrate(problem(), method="pps_sample", budget=40, refit="fitted").weights
    found = frontier.standard_errors(problem(), "mean income", records=TABLE, weights=weights)
    kept = np.flatnonzero(weights)
    small = dataclasses.replace(problem(), M=problem().M[:, kept], w0=np.ones(kept.size), groups=problem().groups[kept])  # type: ignore[index]
    same = frontier.standard_errors(small, "mean income", records=TABLE.iloc[kept], weights=weights[kept])  # type: ignore[index]
    pd.testing.assert_frame_equal(found.table, same.table)
    assert "of the 30 groups" not in found.how or len(np.unique(TABLE["school"][kept])) == 30


def test_strata_are_heeded() -> None:
    strata = np.repeat(["a", "b"], [60, 60])
    found = frontier.standard_errors(
        problem(strata=strata), "mean income", records=TABLE, method="raking", kind="jkn", jobs=1
    )
    assert "30 jackknife replicates (JKn) of 30 groups in 2 strata" in found.how


def test_given_replicate_weights_are_calibrated_again_or_used_as_they_are() -> None:
    made = make("jk1", units_of(N, TABLE["school"]))
    columns = np.column_stack([10.0 * made.factors(r) for r in range(30)])
    settings = {"records": TABLE, "jobs": 1, "method": "raking"}
    ours = frontier.standard_errors(problem(), "mean income", kind="jk1", keep_weights=True, **settings)  # type: ignore[arg-type]
    theirs = frontier.standard_errors(problem(), "mean income", kind="jk1", replicate_weights=columns, **settings)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(ours.table, theirs.table)
    as_they_are = frontier.standard_errors(
        problem(),
        "mean income",
        records=TABLE,
        weights=ours.weights,
        kind="jk1",
        replicate_weights=ours.replicates,
        jobs=1,
    )
    pd.testing.assert_frame_equal(ours.table, as_they_are.table)


def test_statistics_are_those_by_hand() -> None:
    weights = np.linspace(1, 3, N)
    words = ["count", "mean income", "share sex", "quantile income 0.9", "total east"]
    found = estimates(problem(), TABLE, words, ["region"])
    table = pd.Series(found.of(weights), index=pd.MultiIndex.from_arrays([found.names, found.domains]))
    west = TABLE["region"] == "west"
    assert table["count", "region=west"] == pytest.approx(weights[west].sum())
    assert table["mean income", "region=west"] == pytest.approx(
        np.average(TABLE["income"][west], weights=weights[west])
    )
    assert table["share sex=f", "all"] == pytest.approx(weights[TABLE["sex"] == "f"].sum() / weights.sum())
    order = np.argsort(TABLE["income"])
    reached = np.cumsum(weights[order]) >= 0.9 * weights.sum()
    assert table["quantile income 0.9", "all"] == TABLE["income"].to_numpy()[order][reached.argmax()]
    assert table["total east", "all"] == pytest.approx(weights[TABLE["region"] == "east"].sum())  # a target's name


def test_records_without_a_value_are_left_out_of_every_sum_and_counted() -> None:
    weights, known = np.linspace(1, 3, N), np.arange(N) % 7 > 0
    table = TABLE.assign(income=TABLE["income"].where(known))
    words = ["mean income", "total income", "ratio tax / income", "median income", "mean tax"]
    found, only = estimates(problem(), table, words), TABLE[known]
    w = weights[known]
    mean, sum_of_taxes = np.average(only["income"], weights=w), w @ only["tax"]
    order = np.argsort(only["income"].to_numpy())
    median = only["income"].to_numpy()[order][(np.cumsum(w[order]) >= 0.5 * w.sum()).argmax()]
    by_hand = [mean, w @ only["income"], sum_of_taxes / (w @ only["income"]), median]
    np.testing.assert_allclose(found.of(weights), [*by_hand, np.average(TABLE["tax"], weights=weights)], rtol=1e-12)
    assert (found.linearised(weights)[:4, ~known] == 0).all()
    assert found.without == dict.fromkeys(words[:4], 18)
    told = frontier.standard_errors(problem(), words, records=table, weights=np.full(N, 10.0))
    assert "mean income: without 18 of 120 records, which have no value" in repr(told)


@pytest.mark.parametrize("gaps", [0, 7])
def test_linearised_variables_are_derivatives(gaps: int) -> None:
    weights = np.linspace(1, 3, N)
    table = TABLE.assign(income=TABLE["income"].where(np.arange(N) % gaps > 0)) if gaps else TABLE
    found = estimates(
        problem(), table, ["count", "total tax", "mean income", "ratio tax / income", "share sex"], ["sex"]
    )
    z = found.linearised(weights)
    for i in (0, 50):
        step = np.zeros(N)
        step[i] = 1e-5
        derivative = (found.of(weights + step) - found.of(weights - step)) / 2e-5
        np.testing.assert_allclose(z[:, i], derivative, rtol=1e-5, atol=1e-7 * np.abs(z).max(axis=1).min())


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({}, "weights: neither weights nor a method"),
        ({"weights": np.ones(N), "kind": "jk1"}, "kind: jk1 calibrates again, but by what"),
        ({"method": "raking", "kind": "jackknife"}, "unknown kind 'jackknife'"),
        ({"method": "raking", "statistics": "mean incom"}, "did you mean 'income'"),
        ({"method": "raking", "statistics": "average income"}, "not a statistic"),
        ({"method": "raking", "statistics": "mean sex"}, "'sex' is text, not an amount; ask for its categories"),
        ({"method": "raking", "statistics": "quantile income 2"}, "not a quantile"),
        ({"method": "raking", "statistics": "ratio tax"}, "not a ratio"),
        ({"method": "raking", "by": "place"}, "by: no column 'place'"),
        ({"method": "raking", "records": None}, "no column 'income'; the problem knows no variables of its records"),
        ({"method": "raking", "around": "median"}, "around: not a centre"),
        ({"method": "raking", "records": TABLE[:5]}, "not a row per record"),
        ({"method": "raking", "records": TABLE.assign(income=np.nan)}, "'income' has no value in 120 records"),
        (
            {"method": "logit", "params": {"low": 0.9, "high": 1.1}},
            "the file itself cannot be calibrated so: infeasible",
        ),
    ],
)
def test_what_cannot_be_is_one_line(settings: dict[str, object], match: str) -> None:
    given: dict[str, object] = {"statistics": "mean income", "records": TABLE, "jobs": 1}
    with pytest.raises(InputError, match=match):
        frontier.standard_errors(problem(), **(given | settings))  # type: ignore[arg-type]


def test_the_sampling_error_of_a_manifest_is_what_resampling_gives() -> None:
    whole = problem(y=ROWS @ np.full(N, 10.0))
    found = sampling_errors(whole, every_target(whole))
    made = make("bootstrap", units_of(N, whole.groups), number=4000)
    missed = [np.abs(ROWS @ (10.0 * made.factors(r)) - whole.y) / whole.y for r in range(4000)]
    # the mean over five totals of absolute errors, which are nearly normal; 4,000 draws give it to 1%
    assert found == {"train": pytest.approx(np.mean(missed), rel=0.05)}
