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
    # the area is summed in another order with a point more: at most 7 terms of size ≤ 1, each rounded to 1.1e-16
    assert after >= before - 1e-15
    if any(k <= more[0] and e <= more[1] for k, e in points):
        assert after == pytest.approx(before, abs=1e-15)


@given(POINTS)
def test_it_is_the_sum_of_the_strips_of_the_staircase(points: list[tuple[int, float]]) -> None:
    area, lowest = 0.0, 1.0
    for k, e in sorted(points):
        area += max(lowest - e, 0.0) * (1.0 - math.log(k) / math.log(100))
        lowest = min(lowest, e)
    assert hypervolume(points, 100) == pytest.approx(area, abs=1e-12)  # the same areas summed otherwise


def test_areas_by_hand() -> None:
    assert hypervolume([(10, 0.5)], 100) == 0.25  # from half of the log axis on, half of the errors
    assert hypervolume([(10, 0.5), (10, 0.5), (50, 0.5), (10, 2.0)], 100) == 0.25
    # strips: x from 0.5 on above 0.5, x from 0.75 on between 0.1 and 0.5
    assert hypervolume([(100, 0.5), (1000, 0.1)], 10_000) == pytest.approx(0.5 * 0.5 + 0.25 * 0.4, abs=1e-15)
    assert hypervolume([(100, 0.0), (3, 1.0), (3, 7.0)], 100) == 0.0
    assert hypervolume([], 100) == 0.0


def test_an_exact_fit_of_one_record_dominates_everything_and_an_empty_solution_nothing() -> None:
    assert hypervolume([(1, 0.0)], 100) == 1.0
    assert hypervolume([(0, 1.0)], 100) == 0.0
