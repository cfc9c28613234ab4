"""Leakage by hand, and the figures that the data's own documentation gives."""

from __future__ import annotations

import numpy as np
import pytest

from frontier import CalibrationProblem, Split, default_split, load_problem
from frontier.problems.splits import rotation
from frontier.sweep.leakage import leakage


def test_a_combination_of_fitted_rows_is_settled_and_an_orthogonal_row_is_not() -> None:
    M = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [3.0, 2.0, 0, 0], [0, 0, 5.0, 0], [1.0, 0, 1.0, 0]])
    problem = CalibrationProblem("hand", M, np.ones(5), [1.0, 1.0, 3.0, 1.0])
    split = Split("hand", np.array([True, True, False, False, False]))
    # the last row: 1 of its weighted squared length 1·1 + 3·1 is reproduced
    np.testing.assert_allclose(leakage(problem, split), [1.0, 0.0, 0.25], atol=1e-12)  # rounding of an eigenproblem


def test_nested_rows_that_are_fitted_twice_do_not_disturb_it() -> None:
    M = np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 1.0, 0], [1.0, 1.0, 1.0]])
    problem = CalibrationProblem("hand", M, np.ones(4), np.ones(3))
    assert leakage(problem, Split("s", np.array([True, True, True, False])))[0] == pytest.approx(2 / 3, abs=1e-9)


def test_cps_ohio_leaks_as_its_documentation_says_and_no_fold_of_its_rotation_is_settled() -> None:
    problem = load_problem("cps_ohio")
    split = default_split(problem)
    found = leakage(problem, split)
    families = np.array(problem.families)[split.heldout]
    medians = {family: round(float(np.median(found[families == family])), 2) for family in set(families)}
    assert medians == {"usda_snap": 0.25, "cms_medicaid": 0.36, "irs_eitc": 0.42}  # the README of the data
    folds = rotation(problem, k=4)
    assert len(folds) == 4
    for fold in folds:
        assert np.median(leakage(problem, fold)) < 0.5


def test_no_fold_of_the_national_rotation_is_settled_by_what_it_fits() -> None:
    problem = load_problem("cps_national")
    folds = rotation(problem, k=3)
    assert len(folds) == 3
    for fold in folds:
        held = {family for family, out in zip(problem.families, fold.heldout, strict=True) if out}
        assert held
        assert not held & {"soi_agi", "soi_wages"}
        assert np.median(leakage(problem, fold)) < 0.5
