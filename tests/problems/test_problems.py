"""The registered problems: their published numbers, their declared floors, and that each builds the same way twice."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import relative_residual, weighted_design
from frontier.objectives.l1 import lam_max
from frontier.problems import cps_like
from frontier.problems.cps import build as cps
from frontier.problems.registry import load_problem, problem_names
from frontier.problems.splits import default_split


@cache
def built(name: str) -> CalibrationProblem:
    return load_problem(name)


SHIPPED = [name for name in problem_names() if name != "files"]  # which is nothing without files: tests/problems


def in_cents(problem: CalibrationProblem) -> str:
    """The fingerprint that the data's README publishes: M in whole cents, so that it survives another summation."""
    M = problem.M
    parts = [M.indptr.astype("<i8"), M.indices.astype("<i8"), np.rint(M.data * 100).astype("<i8")]
    return hashlib.sha256(b"".join(a.tobytes() for a in [*parts, problem.y.astype("<f8")])).hexdigest()


# --- every problem


def test_the_shipped_problems_are_registered() -> None:
    assert {"cps_like", "cps_national", "cps_ohio", "l0_readme"} <= set(problem_names())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_problem_is_named_after_its_file_and_built_the_same_way_twice(name: str) -> None:
    assert built(name).name == name
    assert load_problem(name).fingerprint == built(name).fingerprint


@pytest.mark.parametrize("name", SHIPPED)
def test_a_problem_is_finite_and_no_target_or_record_is_out_of_reach(name: str) -> None:
    problem = built(name)
    for array in (problem.M.data, problem.y, problem.w0, problem.scale, problem.importance):
        assert np.isfinite(array).all()
    assert (np.diff(problem.M.indptr) > 0).all()
    assert problem.w0.sum() > 0
    assert isinstance(problem.meta["source"], str)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_default_split_holds_out_the_declared_families(name: str) -> None:
    problem = built(name)
    split = default_split(problem)
    held = {problem.families[j] for j in np.flatnonzero(split.heldout)}
    assert held == set(problem.meta["held_out_families"])
    assert problem.restrict(split.train).n_targets == split.train.sum()


@pytest.mark.parametrize("name", SHIPPED)
def test_an_unknown_parameter_of_a_problem_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="no_such_key: unknown key"):
        load_problem(name, no_such_key=1)


# --- cps_like

SOURCE_TARGETS = {
    "age=35-54": 1447,
    "age=0-17": 978,
    "age=18-34": 931,
    "age=65+": 845,
    "age=55-64": 736,
    "weight": 16_540_779,
    "sex=male": 3003,
    "sex=female": 2664,
}


def training(problem: CalibrationProblem) -> CalibrationProblem:
    return problem.restrict(default_split(problem).train)


def test_cps_like_has_the_targets_of_the_source_notebook_in_its_order() -> None:
    problem = built("cps_like")
    assert dict(zip(problem.target_names, problem.y, strict=True)) == SOURCE_TARGETS
    assert problem.target_names == tuple(SOURCE_TARGETS)
    assert problem.families == ("age",) * 5 + ("weight",) + ("sex",) * 2
    assert problem.M.shape == (8, 5000)


def test_cps_like_rows_are_indicators_and_the_survey_weight() -> None:
    dense = built("cps_like").M.toarray()
    np.testing.assert_array_equal(dense[:5].sum(axis=0), np.ones(5000))
    np.testing.assert_array_equal(dense[6:].sum(axis=0), np.ones(5000))
    assert dense[:5].sum(axis=1).tolist() == [1294, 1122, 1114, 820, 650]
    assert dense[6:].sum(axis=1).tolist() == [2519, 2481]
    np.testing.assert_array_equal(dense[5], load_problem("cps_like", initial_weights="survey").w0)


def test_cps_like_lam_max_is_the_one_that_empties_most_of_the_source_grid() -> None:
    value = lam_max(weighted_design(training(built("cps_like"))))
    assert value == pytest.approx(0.002163, abs=5e-7)  # published to four significant digits


def test_cps_like_initial_weights_are_ones_or_the_survey_weights() -> None:
    np.testing.assert_array_equal(built("cps_like").w0, np.ones(5000))
    survey = load_problem("cps_like", initial_weights="survey")
    assert survey.w0.mean() == pytest.approx(3359.8256, abs=1e-4)  # digits of the pin
    assert survey.y.tolist() == built("cps_like").y.tolist()


def test_cps_like_refuses_other_initial_weights() -> None:
    with pytest.raises(
        InputError, match=r"problem 'cps_like'.initial_weights: unknown choice 'units'; did you mean 'unit'"
    ):
        cps_like.build(initial_weights="units")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="initial_weights: "):
        load_problem("cps_like", initial_weights="units")


def test_cps_like_floor_is_the_gap_between_ages_and_sexes_on_the_larger_sex() -> None:
    meta = built("cps_like").meta
    assert meta["heldout_floor"] == 730 / 3003 / 2
    assert f"{meta['heldout_floor']:.2%}" == "12.15%"
    assert "4937" in meta["heldout_floor_reason"]
    assert "5667" in meta["heldout_floor_reason"]


def test_cps_like_floor_is_what_a_linear_program_finds_among_exact_fits() -> None:
    # minimise mean |M w − y|/y over the sexes, subject to w ≥ 0 and M w = y for ages and weight
    problem = built("cps_like")
    heldout = default_split(problem).heldout
    A = sp.diags_array(1 / problem.scale) @ problem.M
    ones = np.ones(problem.n_targets)
    misses = sp.eye_array(2)
    above = sp.hstack([A[heldout], -misses])  # A w − miss ≤ 1
    below = sp.hstack([-A[heldout], -misses])  # 1 − A w ≤ miss
    found = linprog(
        c=np.r_[np.zeros(problem.n_records), 0.5, 0.5],
        A_ub=sp.vstack([above, below]).tocsc(),
        b_ub=np.r_[ones[heldout], -ones[heldout]],
        A_eq=sp.hstack([A[~heldout], sp.csr_array((6, 2))]).tocsc(),
        b_eq=ones[~heldout],
        method="highs",
    )
    assert found.status == 0
    assert found.fun == pytest.approx(problem.meta["heldout_floor"], abs=1e-6)  # HiGHS: feasibility to 1e-7


def test_cps_like_consistent_targets_are_met_by_the_known_weights_and_by_no_obvious_ones() -> None:
    problem = load_problem("cps_like", consistent_targets=True, initial_weights="unit")
    known = problem.meta["known_weights"]
    np.testing.assert_allclose(relative_residual(problem, known), 0, atol=1e-12)  # one float64 sum of 5,000 terms
    assert problem.meta["heldout_floor"] == 0.0
    assert known.shape == (5000,)
    assert (known > 0).all()
    assert known.mean() == pytest.approx(1, abs=1e-12)  # float64 rounding of the mean
    assert not known.flags.writeable
    # non-trivial: ones miss ages by a fifth and sexes by a twentieth, and weights differ within age and sex
    at_ones = np.abs(relative_residual(problem, problem.w0))
    assert at_ones[:5].max() > 0.2
    assert at_ones[6:].min() > 0.05
    assert known.std() > 0.3
    assert problem.target_names == tuple(SOURCE_TARGETS)


def test_cps_like_consistent_and_source_variants_share_their_records() -> None:
    consistent, source = load_problem("cps_like", consistent_targets=True), built("cps_like")
    np.testing.assert_array_equal(consistent.M.toarray(), source.M.toarray())
    np.testing.assert_array_equal(consistent.w0, source.w0)
    assert "known_weights" not in source.meta


# --- l0_readme


def test_l0_readme_has_the_shape_density_and_ranges_of_the_readme() -> None:
    problem = built("l0_readme")
    assert problem.M.shape == (200, 10_000)
    assert problem.M.nnz == 600_000
    assert 0 < problem.M.data.min() < problem.M.data.max() < 1
    assert problem.M.data.mean() == pytest.approx(0.5, abs=0.002)  # 5 standard errors of 600,000 uniforms
    assert 1e6 < problem.y.min() < problem.y.max() < 1e8
    np.testing.assert_array_equal(problem.w0, np.ones(10_000))
    assert problem.meta["held_out_families"] == ()


def test_l0_readme_depends_on_its_seed_alone() -> None:
    small = {"n_targets": 4, "n_records": 30}
    first = load_problem("l0_readme", **small)
    np.random.seed(5)
    assert load_problem("l0_readme", **small).fingerprint == first.fingerprint
    assert load_problem("l0_readme", **small, seed=1).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_targets": 0}, "n_targets: too few; .*got 0"),
        ({"n_records": -1}, "n_records: too few; .*got -1"),
        ({"density": 0.0}, "density: not a share"),
        ({"density": 1.01}, "density: not a share; .*got 1.01"),
        ({"seed": -1}, "seed: negative seed"),
        ({"n_records": 10, "density": 0.01}, "density: .* targets without a single record; .*raise density"),
        ({"n_targets": 2.5}, "n_targets: .*got 2.5"),
    ],
)
def test_l0_readme_refuses_bad_parameters(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"problem 'l0_readme'.{message}"):
        load_problem("l0_readme", **params)


# --- real CPS records

PUBLISHED = {
    "cps_ohio": (
        (39, 5_177),
        23_498,
        34,
        4_787_894,
        "57080d85f618ce7a8a5ea36f4eb9ad54847b379e8299af7280b27bef4e41ea1f",
    ),
    "cps_national": (
        (733, 51_498),
        470_413,
        478,
        122_975_802,
        "97d0346ea8beccfef7240aed9d4f0b638e32d789126f4c927e86e39a452985f2",
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_cps_problem_is_the_published_one(name: str) -> None:
    problem = built(name)
    shape, nnz, fitted, weight, fingerprint = PUBLISHED[name]
    assert problem.M.shape == shape
    assert problem.M.nnz == nnz
    assert default_split(problem).train.sum() == fitted
    assert problem.w0.sum() == weight
    assert in_cents(problem) == fingerprint


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_cps_problem_declares_its_families_and_has_one_household_per_record(name: str) -> None:
    problem = built(name)
    assert problem.meta["held_out_families"] == ("usda_snap", "cms_medicaid", "irs_eitc")
    assert problem.meta["never_hold_out_alone"] == ("soi_agi", "soi_wages", "census_households_cd")
    assert problem.meta["record"] == "household"
    assert len(np.unique(problem.groups)) == problem.n_records
    assert (problem.w0 > 0).all()


def test_target_names_and_families_are_those_of_the_file() -> None:
    targets = cps.calibration_targets().set_index("name")
    problem = built("cps_ohio")
    assert problem.target_names[:1] == ("OH/tax_units/count/agi=-inf..1",)
    chosen = targets.loc[list(problem.target_names)]
    assert tuple(chosen["family"]) == problem.families
    np.testing.assert_array_equal(chosen["value"], problem.y)


def test_a_larger_min_records_leaves_out_the_thin_targets_only() -> None:
    every, thick = built("cps_ohio"), load_problem("cps_ohio", min_records=200)
    counts = dict(zip(every.target_names, np.diff(every.M.indptr), strict=True))
    assert thick.target_names == tuple(name for name in every.target_names if counts[name] >= 200)
    assert 0 < thick.n_targets < every.n_targets


@pytest.mark.parametrize(("min_records", "message"), [(0, "too few"), (10**6, "no target is left; expected at most")])
def test_a_min_records_that_leaves_an_empty_row_or_no_row_is_refused(min_records: int, message: str) -> None:
    with pytest.raises(InputError, match=f"problem 'cps_ohio'.min_records: {message}"):
        load_problem("cps_ohio", min_records=min_records)


def test_data_files_are_those_whose_checksums_the_readme_lists() -> None:
    folder = resources.files("frontier.problems.cps.data")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for file in ("cps_tax_units.parquet", "calibration_targets.csv", "district_populations.csv"):
        content = (folder / file).read_bytes()
        assert f"| {len(content):,} | `{hashlib.sha256(content).hexdigest()}` |" in readme


def test_there_are_436_districts_of_the_states_in_the_file() -> None:
    districts = cps.district_populations()
    assert len(districts) == 436
    assert set(districts["state"]) == set(cps.tax_units()["state"].cat.categories)


def hand_made_units() -> pd.DataFrame:
    """Five units of three households: two in OH (the first of two units, the last of two), one in PA."""
    return pd.DataFrame(
        {
            "household_id": [10, 10, 11, 12, 12],
            "is_household_head_unit": [True, False, True, True, False],
            "state": ["OH", "OH", "PA", "OH", "OH"],
            "weight": [5, 6, 7, 8, 9],
            "filing_status": ["single", "married_joint", "single", "single", "head_of_household"],
            "is_filer": [True, True, True, False, True],
            "age_head": [30, 40, 26, 85, 29],
            "age_spouse": [0, 28, 0, 0, 0],
            "persons_under_18": [0, 2, 1, 0, 1],
            "agi": [0.5, 1.0, 50.0, 20.0, 99.0],
            "business_income": [10.0, -4.0, 0.0, 3.0, -1.0],
            "snap_benefits": [0.0, 7.0, 0.0, 2.0, 0.0],
        }
    )


def hand_made_targets(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = [*cps.CELL, *cps.ITEM]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(name=[f"t{i}" for i in range(len(rows))], family="soi_agi", value=1.0)


NO = (np.nan, np.nan)
INF = float("inf")
RULES = {
    "units are counted": (("us", "US", *NO, np.nan, "tax_units", "count", *NO), [1, 1, 1, 1, 1]),
    "a state's units only": (("state", "PA", *NO, np.nan, "tax_units", "count", *NO), [0, 0, 1, 0, 0]),
    "filers with lower ≤ AGI < upper": (("us", "US", 1, 99, np.nan, "tax_units", "count", *NO), [0, 1, 1, 0, 0]),
    "an open class": (("us", "US", -INF, 1, np.nan, "tax_units", "count", *NO), [1, 0, 0, 0, 0]),
    "a filing status": (("us", "US", *NO, "single", "agi", "amount", *NO), [0.5, 0, 50, 20, 0]),
    "profit": (("state", "OH", *NO, np.nan, "business_profit", "amount", *NO), [10, 0, 0, 3, 0]),
    "loss, counted positive": (("us", "US", *NO, np.nan, "business_loss", "amount", *NO), [0, 4, 0, 0, 1]),
    "a count of losses": (("us", "US", *NO, np.nan, "business_loss", "count", *NO), [0, 1, 0, 0, 1]),
    "persons under 18": (("us", "US", *NO, np.nan, "population", "persons", 0, 18), [0, 2, 1, 0, 1]),
    "heads and spouses by age": (("us", "US", *NO, np.nan, "population", "persons", 25, 30), [0, 1, 1, 0, 1]),
    "the open age band": (("us", "US", *NO, np.nan, "population", "persons", 85, INF), [0, 0, 0, 1, 0]),
    "households once, on the head": (("us", "US", *NO, np.nan, "snap_benefits", "households", *NO), [1, 0, 0, 1, 0]),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_row_of_m_follows_the_rule_of_the_data(rule: str) -> None:
    target, expected = RULES[rule]
    problem = cps.assemble("made", hand_made_units(), hand_made_targets([target]), record="tax_unit", min_records=1)
    np.testing.assert_array_equal(problem.M.toarray(), [expected])
    assert problem.w0.tolist() == [5, 6, 7, 8, 9]
    assert problem.groups is not None
    assert problem.groups.tolist() == [10, 10, 11, 12, 12]


@pytest.mark.parametrize("rule", RULES)
def test_a_household_adds_its_units_up_and_has_the_weight_of_its_head_unit(rule: str) -> None:
    target, expected = RULES[rule]
    problem = cps.assemble("made", hand_made_units(), hand_made_targets([target]), min_records=1)
    e = np.array(expected)
    np.testing.assert_array_equal(problem.M.toarray(), [[e[0] + e[1], e[2], e[3] + e[4]]])
    assert problem.w0.tolist() == [5, 7, 8]
    assert problem.groups is not None
    assert problem.groups.tolist() == [10, 11, 12]


def test_a_household_that_stands_twice_is_two_records_of_one_group() -> None:
    units = hand_made_units()
    copies = pd.concat([units.assign(copy=units["household_id"]), units.assign(copy=units["household_id"] + 100)])
    targets = hand_made_targets([RULES["units are counted"][0]])
    problem = cps.assemble("made", copies, targets, household="copy", min_records=1)
    np.testing.assert_array_equal(problem.M.toarray(), [[2, 1, 2, 2, 1, 2]])
    assert problem.groups is not None
    assert problem.groups.tolist() == [10, 11, 12] * 2


def test_building_a_problem_leaves_its_tables_as_they_were() -> None:
    units, targets = hand_made_units(), hand_made_targets([rule[0] for rule in RULES.values()])
    cps.assemble("made", units, targets, min_records=2)
    pd.testing.assert_frame_equal(units, hand_made_units())
    pd.testing.assert_frame_equal(targets, hand_made_targets([rule[0] for rule in RULES.values()]))


# --- planted


def test_planted_targets_are_those_of_the_known_weights_but_for_the_noise() -> None:
    for noise in (0.0, 0.1):
        problem = load_problem("planted", n_records=40, n_targets=15, k=4, noise=noise, seed=3)
        known = problem.meta["known_weights"]
        error = relative_residual(problem, known)
        fitted = default_split(problem).train
        assert np.count_nonzero(known) == 4
        assert problem.w0.sum() == pytest.approx(known.sum(), rel=1e-12)  # rounding
        assert np.abs(error[~fitted]).max() <= 1e-14  # rounding: held-out rows carry no noise
        assert 0.5 * noise <= np.sqrt(np.mean(error[fitted] ** 2)) <= 2 * noise + 1e-14  # 15 draws


@pytest.mark.parametrize(
    "wrong", [{"n_records": 0}, {"n_targets": 0}, {"k": 0}, {"k": 101}, {"noise": 0.3}, {"noise": -0.1}, {"seed": -1}]
)
def test_planted_refuses_impossible_parameters(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"problem 'planted'.{next(iter(wrong))}: "):
        load_problem("planted", **wrong)
