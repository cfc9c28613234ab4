"""Households placed in districts: the published problem to the last cent, and what every placement must keep."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import pandas as pd
import pytest

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.problems.cps import build as cps
from frontier.problems.cps_districts import _placed
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split


@cache
def built() -> CalibrationProblem:
    return load_problem("cps_districts")


def test_it_is_the_published_problem() -> None:
    problem = built()
    M = problem.M
    assert M.shape == (8_746, 382_100)
    assert M.nnz == 5_483_747
    assert default_split(problem).train.sum() == 8_055
    assert problem.w0.sum() == 123_343_135
    parts = [M.indptr.astype("<i8"), M.indices.astype("<i8"), np.rint(M.data * 100).astype("<i8"), problem.y]
    digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    assert digest == "a2c8981678743ae6d45ce843a2e22c01c008d95931291d2edb682f63e4012236"


def test_it_holds_out_what_the_other_cps_problems_do_and_snap_by_district() -> None:
    meta = built().meta
    assert meta["held_out_families"] == ("usda_snap", "acs_snap_cd", "cms_medicaid", "irs_eitc")
    assert meta["never_hold_out_alone"] == ("soi_agi", "soi_wages", "census_households_cd")
    assert "census_age_state" not in built().families


def test_the_copies_of_a_household_are_one_group_and_share_its_weight() -> None:
    groups = built().groups
    assert groups is not None
    households, copies = np.unique(groups, return_counts=True)
    assert len(households) == 200_576
    assert set(copies) == {1, 2}
    heads = cps.tax_units().query("is_household_head_unit").set_index("household_id")["weight"]
    np.testing.assert_allclose(np.bincount(groups, built().w0), heads.sort_index(), rtol=1e-15)  # two halves


def placed(copies: int, seed: int = 0) -> pd.DataFrame:
    """Three households of A (two districts, 3:1) and one of B (one district); the first has two units."""
    units = pd.DataFrame(
        {
            "household_id": [0, 0, 1, 2, 3],
            "is_household_head_unit": [True, False, True, True, True],
            "state": ["A", "A", "B", "A", "A"],
            "weight": [6, 60, 7, 8, 9],
        }
    )
    districts = pd.DataFrame({"state": ["B", "A", "A"], "district": ["B-0", "A-1", "A-2"], "population": [5, 300, 100]})
    return _placed(units, districts, copies, np.random.default_rng(seed))


def test_a_household_is_placed_in_different_districts_of_its_state_with_all_its_units() -> None:
    found = placed(2)
    assert found["household_id"].tolist() == [0, 0, 0, 0, 1, 2, 2, 3, 3]
    assert found["weight"].tolist() == [3, 30, 3, 30, 7, 4, 4, 4.5, 4.5]
    assert set(found.loc[found["state"] == "B", "district"]) == {"B-0"}
    assert set(found.loc[found["state"] == "A", "household_id"]) == {0, 2, 3}
    for _, household in found[found["state"] == "A"].groupby("household_id"):
        assert set(household["district"]) == {"A-1", "A-2"}
    for _, copy in found.groupby("placement"):
        assert copy["district"].nunique() == 1
        assert copy["is_household_head_unit"].sum() == 1


def test_one_copy_falls_on_districts_in_proportion_to_their_population() -> None:
    drawn = [d for seed in range(400) for d in placed(1, seed).query("state == 'A'")["district"]]
    share = np.mean(np.array(drawn) == "A-1")  # the first household counts twice, with its two units
    assert share == pytest.approx(0.75, abs=0.06)  # 1,200 independent households: 4 standard errors, one weighted 2


@pytest.mark.parametrize(("key", "value"), [("copies", 0), ("copies", 9), ("seed", -1), ("min_records", 0)])
def test_impossible_parameters_are_refused(key: str, value: int) -> None:
    with pytest.raises(InputError, match=f"problem 'cps_districts'.{key}: "):
        load_problem("cps_districts", **{key: value})
