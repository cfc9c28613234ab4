"""Hypervolume and integrated error of arms by hand, their intervals against scipy's, and what has none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from frontier.analysis.curves import Curve
from frontier.analysis.frontier_statistics import Areas, MeanError, common_range, dominated_areas, frontier_statistics
from frontier.analysis.hypervolume import hypervolume
from frontier.core.errors import InputError
from tests.analysis.made_up import curve, tables

SIZE = {"p": 1000}
ONE_EACH = {name: f"family of {name}" for name in "abcdefgh"}


def statistics(*points: dict[str, Any], families: dict[str, str] | None = None, **options: Any) -> pd.DataFrame:
    cells, targets = tables(*points, **({} if families is None else {"families": families}))
    return frontier_statistics(cells, targets, n_records=SIZE, **{"replicates": 200} | options)


def values(found: pd.DataFrame, label: str, *columns: str) -> list[Any]:
    return found.loc[found["label"] == label, list(columns)].values.tolist()[0]


def test_areas_and_integrated_errors_by_hand_over_two_seeds() -> None:
    points = [
        *curve("a", {10: [0.6, 0.3, 0.3], 100: [0.2] * 3}, seed=0),
        *curve("a", {10: [0.4] * 3, 100: [0.5] * 3}, seed=1),
        *curve("b", {10: [0.5] * 3, 100: [0.5] * 3}),
    ]
    found = statistics(*points)
    # seed 0: a third of the axis at 0.4 above, the last third at 0.2; seed 1: 0.4 from 10 on
    area = (0.6 / 3 + 0.8 / 3 + 2 * 0.6 / 3) / 2
    assert values(found, "a", "hypervolume", "integrated_error", "n_seeds", "n_families") == [
        pytest.approx(area, abs=1e-12),  # sums of products
        pytest.approx((0.3 + 0.45) / 2, abs=1e-12),
        2,
        2,
    ]
    assert values(found, "b", "hypervolume", "integrated_error") == pytest.approx([1 / 3, 0.5], abs=1e-12)
    assert found[["k_low", "k_high"]].values.tolist() == [[10, 100]] * 2


def test_splits_count_alike_however_many_targets_each_holds_out() -> None:
    first, second = {10: [0.4] * 3, 100: [0.4] * 3}, {10: [0.1], 100: [0.1]}
    parts = [
        tables(*(point for label in "ac" for point in curve(label, first, split="rotation_1of2"))),
        tables(*(p for x in "abc" for p in curve(x, second, split="rotation_2of2")), families={"w": "third"}),
    ]
    renamed = [[table.assign(cell=f"{n} " + table["cell"]) for table in part] for n, part in enumerate(parts)]
    cells, targets = (pd.concat(column, ignore_index=True) for column in zip(*renamed, strict=True))
    found = frontier_statistics(cells, targets, n_records=SIZE, replicates=20)
    assert values(found, "a", "design", "n_splits", "integrated_error") == ["rotation", 2, pytest.approx(0.25)]
    assert values(found, "a", "hypervolume") == [pytest.approx((0.6 + 0.9) / 2 * 2 / 3)]
    reason = values(found, "b", "reason", "hypervolume", "integrated_error")
    assert reason[0] == "a seed without points in rotation_1of2"
    assert np.isnan(reason[1:]).all()


@given(
    st.lists(st.tuples(st.integers(1, 100), st.floats(0, 1)), min_size=1, max_size=6, unique_by=lambda point: point[0])
)
def test_areas_of_many_frontiers_at_once_are_hypervolumes(points: list[tuple[int, float]]) -> None:
    k, e = (np.array(column, dtype=float) for column in zip(*sorted(points), strict=True))
    errors = np.column_stack([e, e[::-1], np.ones(len(e))])
    expected = [hypervolume(zip(k, column, strict=True), 100) for column in errors.T]
    np.testing.assert_allclose(dominated_areas(k, errors, 100), expected, atol=1e-12)  # summed otherwise


@given(st.lists(st.integers(0, 3), min_size=5, max_size=5), st.lists(st.integers(0, 2), min_size=2, max_size=2))
def test_a_replicate_is_the_statistic_of_a_table_with_everything_as_often_as_drawn(
    targets: list[int], seeds: list[int]
) -> None:
    if not any(targets) or not any(seeds):
        return
    rng = np.random.default_rng(0)
    k, sizes, n = np.array([10.0, 50.0, 100.0]), (2, 3), 1000
    errors = [[rng.random((3, size)) for _ in seeds] for size in sizes]
    share = np.repeat([1 / 2 / size for size in sizes], sizes)
    times = [targets[:2], targets[2:]]
    areas, means, size = [], [], []
    for fold, drawn in zip(errors, times, strict=True):
        repeated = [
            np.repeat(table, drawn, axis=1) for table, often in zip(fold, seeds, strict=True) for _ in range(often)
        ]
        if sum(drawn):
            areas.append(np.mean([hypervolume(zip(k, table.mean(axis=1), strict=True), n) for table in repeated]))
            means.append(np.mean([table[0].mean() for table in repeated]))
            size.append(sum(drawn) / len(drawn))
    weights = np.array([seeds]) / sum(seeds), np.array([targets], dtype=float)
    curves = [
        [Curve("a", "none", seed, k, table, np.zeros(len(k))) for seed, table in enumerate(fold)] for fold in errors
    ]
    found = Areas(curves, share, n)(*weights)[0]
    assert found == pytest.approx(np.average(areas, weights=size), abs=1e-12)  # summed otherwise
    first = np.hstack([np.array([table[0] for table in fold]) for fold in errors])
    assert MeanError(first, share)(*weights)[0] == pytest.approx(np.average(means, weights=size), abs=1e-12)


def test_an_arm_that_does_not_span_the_range_has_no_integrated_error_but_an_area() -> None:
    flat = [0.3] * 3
    points = [
        *curve("a", {10: flat, 500: flat}),
        *curve("b", {10: flat, 500: flat}),
        *curve("short", {10: flat, 34: flat}),
    ]
    found = statistics(*points, *curve("dense", {900: flat}))
    assert np.isnan(values(found, "short", "integrated_error", "integrated_error_low")).all()
    assert values(found, "short", "reason") == ["spans only 10 to 34 records"]
    assert values(found, "dense", "reason") == ["spans no range of sizes with every seed in every split"]
    assert values(found, "a", "reason") == [""]
    assert values(found, "short", "hypervolume") == [pytest.approx(0.7 * 2 / 3)]


def test_the_range_is_the_one_with_most_pairs_of_arms_times_its_length() -> None:
    # 10–100: 3 pairs · ln 10; 10–1000: 1 pair · ln 100; 1–100: 1 pair · ln 100
    assert common_range([(10, 1000), (1, 100), (1, 1000)]) == (10, 100)
    # a third arm that only shares 50–100 is not worth it: 3 ln 2 < ln 1000
    assert common_range([(1, 1000), (1, 1000), (50, 100)]) == (1, 1000)
    assert np.isnan(common_range([(1, 1000)])).all()
    assert np.isnan(common_range([(900, 900), (800, 800)])).all()
    assert np.isnan(common_range([])).all()


def test_an_interval_over_families_of_one_target_is_that_of_scipy() -> None:
    errors = np.random.default_rng(0).beta(1, 4, 8)
    points = [*curve("a", {10: errors, 100: errors}), *curve("b", {10: errors, 100: errors})]
    found = statistics(*points, families=ONE_EACH, replicates=20_000)
    theirs = stats.bootstrap((errors,), np.mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(1))
    low, high = values(found, "a", "integrated_error_low", "integrated_error_high")
    # other draws: four standard errors of a difference of 2.5% quantiles of 20,000, as in test_bootstrap
    np.testing.assert_allclose((low, high), theirs.confidence_interval, atol=0.04 * (high - low))
    assert values(found, "a", "uncertainty") == ["families"]
    assert values(found, "a", "hypervolume") == [pytest.approx((1 - errors.mean()) * 2 / 3)]
    ends = values(found, "a", "hypervolume_low", "hypervolume_high")
    # a flat frontier's area is linear in its error, so its interval is that of the error, on the same draws
    np.testing.assert_allclose(ends, [(1 - high) * 2 / 3, (1 - low) * 2 / 3], rtol=1e-3)


@pytest.mark.parametrize(
    ("families", "seeds", "expected"),
    [
        (ONE_EACH, 2, "seeds and families"),
        (ONE_EACH, 1, "families"),
        (dict.fromkeys("abcde", "one"), 2, "seeds and targets, for these families"),
        (dict.fromkeys("abcde", "one"), 1, "targets, for these families"),
        (dict.fromkeys("abcd", "one"), 2, "seeds, for these targets"),
        (dict.fromkeys("abcd", "one"), 1, "none: one seed, too few targets"),
    ],
)
def test_what_was_drawn_is_said(families: dict[str, str], seeds: int, expected: str) -> None:
    rng = np.random.default_rng(0)
    points: list[dict[str, Any]] = []
    for seed in range(seeds):
        errors = {10: rng.random(len(families)), 100: rng.random(len(families)) / 2}
        points += curve("a", errors, seed=seed if seeds > 1 else None)
        points += curve("b", errors, seed=seed if seeds > 1 else None)
    found = statistics(*points, families=families)
    assert found["uncertainty"].tolist() == [expected] * 2
    for name in ("hypervolume", "integrated_error"):
        low, value, high = values(found, "a", f"{name}_low", name, f"{name}_high")
        if expected.startswith("none"):
            assert math.isnan(low)
            assert math.isnan(high)
        else:
            assert low < value < high
        assert values(found, "b", f"{name}_low", f"{name}_high") == pytest.approx([low, high], nan_ok=True)


def test_rows_are_the_same_for_the_same_seed_and_any_order_of_the_tables() -> None:
    rng = np.random.default_rng(0)
    points = [p for s in range(3) for p in curve("a", {10: rng.random(8), 100: rng.random(8)}, seed=s)]
    cells, targets = tables(*points, *curve("b", {10: rng.random(8), 100: rng.random(8)}), families=ONE_EACH)
    options: dict[str, Any] = {"n_records": SIZE, "replicates": 100}
    one = frontier_statistics(cells, targets, **options)
    shuffled = cells.sample(frac=1, random_state=0), targets.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(one, frontier_statistics(*shuffled, **options))
    other = frontier_statistics(cells, targets, **options, seed=1)
    pd.testing.assert_series_equal(one["hypervolume"], other["hypervolume"])
    assert (one["hypervolume_low"] != other["hypervolume_low"]).all()


def test_without_held_out_targets_there_are_no_rows_and_an_unknown_size_is_refused() -> None:
    cells, targets = tables(*curve("a", {10: [0.1] * 3}))
    assert frontier_statistics(cells, targets.assign(heldout=False), n_records=SIZE).empty
    with pytest.raises(InputError, match=r"n_records\['p'\]"):
        frontier_statistics(cells, targets, n_records={})
