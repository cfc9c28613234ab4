"""Non-dominated points against the definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontier.analysis.pareto import non_dominated
from frontier.core.errors import InputError

# few values, so that ties, equal points and NaN are common
VALUES = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, float("inf"), float("nan")])


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())  # False for NaN


@given(st.lists(st.tuples(VALUES, VALUES), max_size=12))
def test_a_point_is_kept_when_no_other_dominates_it(points: list[tuple[float, float]]) -> None:
    array = np.array(points, dtype=np.float64).reshape(-1, 2)
    expected = [not np.isnan(p).any() and not any(dominates(q, p) for q in array) for p in array]
    assert non_dominated(array).tolist() == expected


def test_equal_points_are_all_kept_and_a_larger_point_of_the_same_error_is_not() -> None:
    points = np.array([[10, 0.2], [10, 0.2], [20, 0.2], [10, 0.3], [20, 0.1], [5, np.nan]])
    assert non_dominated(points).tolist() == [True, True, False, False, True, False]


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="not pairs"):
        non_dominated(np.zeros((4, 3)))
