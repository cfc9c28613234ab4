"""Curves of held-out errors: means against a fine grid, which points count, and the size of a refit."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontier.analysis.curves import heldout_curves, mean_weights
from frontier.core.errors import InputError
from tests.analysis.made_up import curve, tables


def test_a_line_in_log_k_has_the_mean_of_its_ends_target_by_target() -> None:
    [fold] = heldout_curves(*tables(*curve("a", {10: [0.4, 0.0, -0.2], 1000: [0.2, 0.3, 0.4]})))
    assert fold.targets.tolist() == ["u", "v", "x"]
    assert fold.families.tolist() == ["first", "first", "second"]
    [one] = fold.curves
    weights = mean_weights(one.size, 10, 1000)
    assert weights is not None
    np.testing.assert_allclose(weights @ one.errors, [0.3, 0.15, 0.3], rtol=1e-15)  # sums of two products
    np.testing.assert_allclose(weights @ one.residuals, [0.3, 0.15, 0.1], rtol=1e-15)


def test_the_cap_is_on_each_point_of_each_target() -> None:
    [fold] = heldout_curves(*tables(*curve("a", {10: [3.0, 0, 0], 1000: [0.0, -2, 0]})))
    assert fold.curves[0].errors.tolist() == [[1, 0, 0], [0, 1, 0]]


def test_of_equal_sizes_the_best_trained_counts_and_empty_failed_and_repeated_ones_are_left_out() -> None:
    points = [
        *curve("a", {10: [0.2, 0, 0], 1000: [0.2, 0, 0]}),
        {"label": "a", "budget": 11, "n_active": 10, "errors": [0.6, 0, 0], "status": "unreached", "train_mare": 0},
        {"label": "a", "budget": 5, "n_active": 0, "errors": [0.9, 0, 0]},
        {"label": "a", "budget": 100, "n_active": 100, "errors": [0.9, 0, 0], "status": "not_converged"},
        {"label": "a", "budget": 100, "n_active": 100, "errors": [0.9, 0, 0], "repeat": 1},
    ]
    [fold] = heldout_curves(*tables(*points))
    assert fold.curves[0].size.tolist() == [10, 1000]
    assert fold.curves[0].errors[:, 0].tolist() == [0.6, 0.2]


def test_a_refit_stands_at_the_size_of_its_selection_however_little_it_left_of_it() -> None:
    fits = curve("a", {100: [0.2] * 3, 1000: [0.1] * 3}, seed=0)
    refits = [point | {"refit": "fitted", "n_active": point["n_active"] // 2} for point in fits]
    fitted, refit = heldout_curves(*tables(*fits, *refits))[0].curves
    assert (fitted.refit, refit.refit) == ("fitted", "none") or (fitted.refit, refit.refit) == ("none", "fitted")
    assert fitted.size.tolist() == refit.size.tolist() == [100, 1000]


@pytest.mark.parametrize(("ends", "covered"), [((10.2, 981), True), ((10.3, 1000), False), ((10, 980), False)])
def test_a_range_is_covered_within_two_percent_and_the_end_is_carried(ends: tuple[float, float], covered: bool) -> None:
    weights = mean_weights(np.array(ends), 10, 1000)
    assert (weights is not None) == covered
    if weights is not None:
        first, last = math.log(ends[0] / 10), math.log(1000 / ends[1])
        middle = math.log(ends[1] / ends[0]) / 2
        expected = np.array([first + middle, middle + last]) / math.log(100)
        np.testing.assert_allclose(weights, expected, rtol=1e-13)  # logarithms of numbers near each other


@given(
    st.lists(
        st.tuples(st.integers(1, 3000), st.floats(0, 1)), min_size=2, max_size=8, unique_by=lambda point: point[0]
    ),
    st.tuples(st.floats(1, 3000), st.floats(1.1, 50)),
)
def test_the_mean_is_that_of_a_fine_grid(points: list[tuple[int, float]], band: tuple[float, float]) -> None:
    k, e = (np.array(column, dtype=float) for column in zip(*sorted(points), strict=True))
    low, high = band[0], band[0] * band[1]
    weights = mean_weights(k, low, high)
    if weights is None:
        assert k[0] > low * 1.02 or k[-1] < high / 1.02
        return
    grid = np.log(low) + (np.arange(20_000) + 0.5) / 20_000 * np.log(high / low)
    # each of at most 7 kinks can move the midpoint sum by a cell's width times the jump of a slope: 7 · 1/20,000
    assert weights @ e == pytest.approx(np.interp(grid, np.log(k), e).mean(), abs=4e-4)
    assert weights.sum() == pytest.approx(1, abs=1e-12)  # rounding
    assert (weights >= 0).all()


def test_targets_of_other_cells_are_refused() -> None:
    cells, targets = tables(*curve("a", {10: [0.2] * 3, 1000: [0.2] * 3}))
    for damaged in (targets.iloc[1:], pd.concat([targets, targets.iloc[:1]])):
        with pytest.raises(InputError, match="not one held-out error for each cell and target"):
            heldout_curves(cells, damaged)
    with pytest.raises(InputError, match="no column 'refit'"):
        heldout_curves(cells.drop(columns="refit"), targets)
    assert heldout_curves(cells, targets.assign(heldout=False)) == []
