"""The dominated area against brute force, and what it must and must not see."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontier.analysis.hypervolume import hypervolume

POINTS = st.lists(st.tuples(st.integers(1, 100), st.floats(0, 1.5)), min_size=1, max_size=6)


@given(POINTS)
def test_the_area_is_the_share_of_a_fine_grid_that_is_dominated(points: list[tuple[int, float]]) -> None:
    grid = (np.arange(200) + 0.5) / 200
    dominated = np.zeros((200, 200), dtype=bool)
    for k, e in points:
        dominated |= (grid[:, None] >= math.log(k) / math.log(100)) & (grid[None, :] >= e)
    # every border crosses at most 200 + 200 cells of 40,000
    assert hypervolume(points, 100) == pytest.approx(dominated.mean(), abs=0.01)


@given(POINTS, st.tuples(st.integers(1, 100), st.floats(0, 1.5)))
def test_a_dominated_point_changes_nothing_and_none_takes_area_away(
    points: list[tuple[int, float]], more: tuple[int, float]
) -> None:
    before, after = hypervolume(points, 100), hypervolume([*points, more], 100)
    assert after >= before
    if any(k <= more[0] and e <= more[1] for k, e in points):
        assert after == before


def test_an_exact_fit_of_one_record_dominates_everything_and_an_empty_solution_nothing() -> None:
    assert hypervolume([(1, 0.0)], 100) == 1.0
    assert hypervolume([(0, 1.0)], 100) == 0.0
