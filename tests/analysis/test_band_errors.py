"""Errors in bands of k against integrals by hand and by a fine grid, and what must not have a row."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontier.analysis.band_errors import band_errors, default_bands
from frontier.analysis.curves import mean_weights
from frontier.core.errors import InputError
from tests.analysis.made_up import curve, tables

WIDE = pd.DataFrame({"problem": ["p"], "band": [3], "low": [10.0], "high": [1000.0]})


def test_a_line_in_log_k_has_the_mean_of_its_ends_target_by_target() -> None:
    cells, targets = tables(*curve("a", {10: [0.4, 0.0, -0.2], 1000: [0.2, 0.3, 0.4]}))
    found = band_errors(cells, targets, bands=WIDE)
    assert found["target"].tolist() == ["u", "v", "x"]
    assert found["family"].tolist() == ["first", "first", "second"]
    np.testing.assert_allclose(found["error"], [0.3, 0.15, 0.3], rtol=1e-15)  # sums of two products
    assert found[
        ["problem", "design", "split", "label", "refit", "band", "low", "high"]
    ].drop_duplicates().values.tolist() == [["p", "default", "default", "a", "none", 3, 10.0, 1000.0]]
    assert found["seed"].isna().all()


def test_the_cap_is_on_each_point_of_each_target_and_can_be_left_out() -> None:
    cells, targets = tables(*curve("a", {10: [3.0, 0, 0], 1000: [0.0, 0, 0]}))
    assert band_errors(cells, targets, bands=WIDE)["error"].tolist() == [0.5, 0, 0]
    assert band_errors(cells, targets, bands=WIDE, capped=False)["error"].tolist() == [1.5, 0, 0]


def test_of_equal_sizes_the_best_trained_counts_and_empty_failed_and_repeated_ones_are_left_out() -> None:
    points = [
        *curve("a", {10: [0.2, 0, 0], 1000: [0.2, 0, 0]}),
        {"label": "a", "budget": 11, "n_active": 10, "errors": [0.6, 0, 0], "status": "unreached", "train_mare": 0},
        {"label": "a", "budget": 5, "n_active": 0, "errors": [0.9, 0, 0]},
        {"label": "a", "budget": 100, "n_active": 100, "errors": [0.9, 0, 0], "status": "not_converged"},
        {"label": "a", "budget": 100, "n_active": 100, "errors": [0.9, 0, 0], "repeat": 1},
    ]
    found = band_errors(*tables(*points), bands=WIDE)
    assert found["error"].tolist() == [pytest.approx(0.4), 0, 0]  # (0.6, then 0.2) / 2


@pytest.mark.parametrize(("ends", "covered"), [((10.2, 981), True), ((10.3, 1000), False), ((10, 980), False)])
def test_a_band_is_covered_within_two_percent_and_the_end_is_carried(ends: tuple[float, float], covered: bool) -> None:
    weights = mean_weights(np.array(ends), 10, 1000)
    assert (weights is not None) == covered
    if weights is not None:
        first, last = math.log(ends[0] / 10), math.log(1000 / ends[1])
        middle = math.log(ends[1] / ends[0]) / 2
        expected = np.array([first + middle, middle + last]) / math.log(100)
        np.testing.assert_allclose(weights, expected, rtol=1e-13)  # logarithms of numbers near each other


def test_each_seed_and_split_has_its_own_rows_only_where_it_spans_the_band() -> None:
    whole, short = {10: [0.2, 0.2, 0.2], 1000: [0.2, 0.2, 0.2]}, {20: [0.2] * 3, 1000: [0.2] * 3}
    points = [
        *curve("b", whole, seed=1, split="rotation_1of2"),
        *curve("b", short, seed=2, split="rotation_1of2"),
        *curve("a", whole, split="rotation_2of2"),
        *curve("a", whole, split="rotation_2of2", refit="fitted"),
        *curve("a", short, split="rotation_1of2"),
    ]
    found = band_errors(*tables(*points), bands=WIDE)
    keys = found[["design", "split", "label", "refit", "seed"]].drop_duplicates().fillna(-1).values.tolist()
    assert keys == [
        ["rotation", "rotation_1of2", "b", "none", 1],
        ["rotation", "rotation_2of2", "a", "fitted", -1],
        ["rotation", "rotation_2of2", "a", "none", -1],
    ]


def test_a_curve_that_leaps_over_a_band_has_no_row_there() -> None:
    near, far = {4: [0.8] * 3, 400: [0.1] * 3}, {4: [0.8] * 3, 401: [0.1] * 3}  # a decade from either end at most
    band = WIDE.assign(low=10.0, high=30.0)
    found = band_errors(*tables(*curve("near", near), *curve("far", far)), bands=band)
    assert set(found["label"]) == {"near"}
    elsewhere = {1: [0.9] * 3, 10: [0.8] * 3, 30: [0.7] * 3, 4000: [0.1] * 3}
    assert len(band_errors(*tables(*curve("a", elsewhere)), bands=band)) == 3


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


def test_no_rows_of_a_run_without_held_out_targets_or_without_bands() -> None:
    cells, targets = tables(*curve("a", {10: [0.2] * 3, 1000: [0.2] * 3}))
    full = band_errors(cells, targets, bands=WIDE)
    for none in (
        band_errors(cells, targets.assign(heldout=False), bands=WIDE),
        band_errors(cells, targets, bands=WIDE.iloc[:0]),
        band_errors(cells.iloc[:0], targets.iloc[:0], bands=WIDE),
    ):
        assert none.empty
        assert none.dtypes.equals(full.dtypes)


def test_targets_of_other_cells_and_damaged_bands_are_refused() -> None:
    cells, targets = tables(*curve("a", {10: [0.2] * 3, 1000: [0.2] * 3}))
    with pytest.raises(InputError, match="not one held-out error for each cell and target"):
        band_errors(cells, targets.iloc[1:], bands=WIDE)
    with pytest.raises(InputError, match="not one held-out error for each cell and target"):
        band_errors(cells, pd.concat([targets, targets.iloc[:1]]), bands=WIDE)
    with pytest.raises(InputError, match="no column 'refit'"):
        band_errors(cells.drop(columns="refit"), targets, bands=WIDE)
    with pytest.raises(InputError, match="not a range"):
        band_errors(cells, targets, bands=WIDE.assign(high=10.0))


def test_bands_are_half_decades_that_two_arms_cover_in_one_split() -> None:
    flat = [0.2] * 3
    points = [
        *curve("a", {3: flat, 120: flat}),
        *curve("b", {9: flat, 400: flat}),
        *curve("c", {1: flat, 400: flat}, split="other"),
        *curve("d", {3: flat, 9: flat}, status="not_converged"),
    ]
    assert default_bands(tables(*points)[0]).values.tolist() == [["p", 2, 10.0, 30.0], ["p", 3, 30.0, 100.0]]


def test_bands_are_cut_where_most_curves_begin_and_end_unless_next_to_nothing_is_left() -> None:
    flat = [0.2] * 3
    points = [*curve("a", {17: flat, 105: flat}), *curve("b", {17: flat, 105: flat}), *curve("c", {1: flat, 34: flat})]
    points += [*curve("dense", {900: flat}), *curve("other dense", {950: flat})]
    assert default_bands(tables(*points)[0]).values.tolist() == [["p", 2, 17.0, 30.0], ["p", 3, 30.0, 100.0]]


def test_rows_do_not_depend_on_the_order_of_the_tables() -> None:
    points = curve("b", {10: [0.2, 0.1, 0.4], 50: [0.3, 0, 0], 1000: [0.1] * 3}) + curve(
        "a", {9: [0.5] * 3, 1000: [0] * 3}
    )
    cells, targets = tables(*points)
    shuffled = cells.sample(frac=1, random_state=0), targets.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(band_errors(cells, targets, bands=WIDE), band_errors(*shuffled, bands=WIDE))
