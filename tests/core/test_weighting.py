"""Importance by group: what it comes to, and that a wrong key is one clear line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import frontier
from frontier.core.errors import InputError
from frontier.core.weighting import weighted
from frontier.objectives.design import relative_residual
from tests.conftest import make_problem


def test_group_averaging_makes_every_family_count_as_one_target() -> None:
    problem = frontier.load_problem("cps_ohio", group_average=True)
    families = np.array(problem.families)
    for family in set(families):
        assert problem.importance[families == family].sum() == pytest.approx(1.0, rel=1e-12)  # sum of 1/|g|


def test_multipliers_scale_their_family_alone() -> None:
    plain = frontier.load_problem("cps_ohio")
    first = plain.families[0]
    problem = frontier.load_problem("cps_ohio", group_multipliers={first: 3.0})
    expected = [3.0 if family == first else 1.0 for family in plain.families]
    np.testing.assert_array_equal(problem.importance, plain.importance * expected)
    assert problem.fingerprint != plain.fingerprint


def test_absolute_residuals_are_in_target_units() -> None:
    problem = weighted(make_problem(), residuals="absolute")
    np.testing.assert_array_equal(relative_residual(problem, problem.w0), problem.M @ problem.w0 - problem.y)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"group_multipliers": {"nobody": 2.0}}, "group_multipliers.nobody: unknown family"),
        ({"group_multipliers": {"soi": -1.0}}, "group_multipliers"),
        ({"residuals": "square"}, "residuals: input should be 'relative' or 'absolute'"),
        ({"group_averages": True}, "group_averages: unknown key; did you mean 'group_average'?"),
    ],
)
def test_wrong_keys_are_one_clear_line(params: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        frontier.load_problem("cps_ohio", **params)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
