"""Attainment surfaces and differences by hand, and against counting runs at points of the plane."""

from __future__ import annotations

from typing import Any

import moocore
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontier.analysis.attainment import LEVELS, attainment, attainment_difference
from frontier.core.errors import InputError
from tests.analysis.made_up import curve, tables

ERRORS = [0.1, 0.2, 0.3, 0.4, 0.5]  # few values: ties are common
RUNS = st.lists(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from(ERRORS)), min_size=1, max_size=4), min_size=1, max_size=5
)
ARM = ("a", "none")


def cells_of(**arms: list[list[tuple[int, float]]]) -> pd.DataFrame:
    """Cells of arms given as runs, each a list of (records, error); a single run is deterministic."""
    points: list[dict[str, Any]] = []
    for label, runs in arms.items():
        for seed, run in enumerate(runs):
            for number, (k, e) in enumerate(run):
                one = {"label": label, "lam": 0.5**number, "n_active": k, "errors": [e] * 3}
                points.append(one | {"seed": seed if len(runs) > 1 else None})
    return tables(*points)[0]


def share(runs: list[list[tuple[int, float]]], k: float, e: float) -> float:
    """The share of runs that attain (k, e), by definition; errors as the table has them."""
    return sum(any(n <= k and error <= e + 1e-12 for n, error in run) for run in runs) / len(runs)


def surface_error(surface: pd.DataFrame, k: float) -> float:
    """The error of a step surface at k."""
    return float(surface.loc[surface["n_active"] <= k, "error"].min())


def test_surfaces_of_three_runs_by_hand() -> None:
    found = attainment(cells_of(a=[[(10, 0.5), (20, 0.1)], [(10, 0.4), (30, 0.1)], [(15, 0.3), (12, 0.5)]]))
    assert found["n_runs"].eq(3).all()
    by_level = {level: some[["n_active", "error"]].values.tolist() for level, some in found.groupby("level")}
    expected = {
        "best": [[10, 0.4], [15, 0.3], [20, 0.1]],
        # (12, 0.5) is attained by all three, so 10 needs two of them: 0.5; at 15: 0.3 and 0.4; at 20: 0.1 and 0.3
        "median": [[10, 0.5], [15, 0.4], [20, 0.3], [30, 0.1]],
        "worst": [[12, 0.5], [20, 0.4], [30, 0.3]],
    }
    assert by_level.keys() == expected.keys()
    for level, vertices in expected.items():
        np.testing.assert_allclose(by_level[level], vertices, rtol=1e-15)  # a mean over three equal targets


@given(RUNS)
@settings(deadline=None, max_examples=50)  # each makes a table
def test_a_surface_is_the_least_error_that_enough_runs_attain(runs: list[list[tuple[int, float]]]) -> None:
    found = attainment(cells_of(a=runs))
    levels = LEVELS if len(runs) > 1 else {"median": 50.0}
    assert set(found["level"]) == set(levels)
    for level, per_cent in levels.items():
        surface = found[found["level"] == level]
        needed = max(per_cent / 100, 1 / len(runs))
        for k in range(1, 7):
            attained = [e for e in ERRORS if share(runs, k, e) >= needed - 1e-12]
            expected = min(attained, default=np.nan)
            assert surface_error(surface, k) == pytest.approx(expected, nan_ok=True)
        assert (np.diff(surface["n_active"]) > 0).all()
        assert (np.diff(surface["error"]) < 0).all()


@given(RUNS, RUNS)
@settings(deadline=None, max_examples=50)  # each makes a table
def test_a_difference_is_that_of_the_shares_of_runs_everywhere(
    first: list[list[tuple[int, float]]], second: list[list[tuple[int, float]]]
) -> None:
    found = attainment_difference(cells_of(a=first, b=second), ("a", "none"), ("b", "none"))
    k_low, k_high, e_low, e_high, difference = (
        found[name].to_numpy() for name in ("k_low", "k_high", "error_low", "error_high", "difference")
    )
    # in the middle of every cell of the grid on which both are constant, and beyond it
    for k in np.arange(7) + 0.5:
        for e in [0.05, *(error + 0.05 for error in ERRORS)]:
            inside = difference[(k_low < k) & (k < k_high) & (e_low < e) & (e < e_high)]
            assert len(inside) <= 1  # rectangles do not overlap
            assert inside.sum() == pytest.approx(share(first, k, e) - share(second, k, e), abs=1e-12)
    assert (found["difference"] != 0).all()


def test_a_difference_of_as_many_runs_is_that_of_moocore() -> None:
    rng = np.random.default_rng(0)
    runs = [[(int(k), float(e)) for k, e in zip(rng.integers(1, 99, 9), rng.random(9), strict=True)] for _ in range(8)]
    found = attainment_difference(cells_of(a=runs[:4], b=runs[4:]), ("a", "none"), ("b", "none"))
    first, second = (
        np.array([(k, e, seed) for seed, run in enumerate(some) for k, e in run]) for some in (runs[:4], runs[4:])
    )
    theirs = moocore.eafdiff(first, second, rectangles=True)
    ours = found[["k_low", "error_low", "k_high", "error_high", "difference"]].to_numpy(dtype=float)
    for point in np.column_stack([rng.uniform(0, 100, 500), rng.random(500)]):
        values = [
            rows[(rows[:, :2] <= point).all(axis=1) & (point < rows[:, 2:4]).all(axis=1), 4].sum()
            for rows in (ours, theirs)
        ]
        assert values[0] == pytest.approx(values[1] / 4, abs=1e-12)  # a count of 4 runs as a share


def test_a_single_run_against_five_is_compared_by_shares_not_by_counts() -> None:
    five = [[(10, 0.2)]] * 4 + [[(10, 0.4)]]
    found = attainment_difference(cells_of(a=[[(10, 0.3)]], b=five), ("a", "none"), ("b", "none"))
    columns = ["k_low", "k_high", "error_low", "error_high", "difference", "n_runs_a", "n_runs_b"]
    np.testing.assert_allclose(
        found[columns].values.astype(float),
        [[10, np.inf, 0.2, 0.3, -0.8, 1, 5], [10, np.inf, 0.3, 0.4, 0.2, 1, 5]],
        rtol=1e-12,  # a share is a count divided by five
    )


def test_swapping_the_arms_turns_the_sign_and_an_arm_does_not_differ_from_itself() -> None:
    cells = cells_of(a=[[(10, 0.2)], [(20, 0.1)]], b=[[(15, 0.2)], [(10, 0.4)], [(3, 0.3)]])
    one = attainment_difference(cells, ("a", "none"), ("b", "none"))
    other = attainment_difference(cells, ("b", "none"), ("a", "none"))
    assert sorted(one["difference"]) == pytest.approx(sorted(-other["difference"]), abs=1e-12)
    assert attainment_difference(cells, ARM, ARM).empty


def test_folds_of_a_rotation_are_one_run_and_a_point_that_a_fold_lacks_is_left_out() -> None:
    points = [
        *curve("a", {10: [0.2] * 3, 50: [0.1] * 3, 90: [0.0] * 3}, split="rotation_1of2"),
        {"label": "a", "budget": 10, "n_active": 40, "errors": [0.4] * 3, "split": "rotation_2of2"},
        {"label": "a", "budget": 50, "n_active": 50, "errors": [0.3] * 3, "split": "rotation_2of2"},
        *curve("b", {10: [0.3] * 3}, split="rotation_1of2"),
    ]
    found = attainment(tables(*points)[0])
    assert found[["design", "label", "n_runs", "level"]].drop_duplicates().values.tolist() == [
        ["rotation", "a", 1, "median"]
    ]
    np.testing.assert_allclose(found[["n_active", "error"]], [[20, 0.3], [50, 0.2]], rtol=1e-14)  # √(10 · 40); means


def test_points_that_failed_are_empty_or_have_no_held_out_error_attain_nothing() -> None:
    points = [
        *curve("a", {10: [0.2] * 3}),
        *curve("a", {5: [0.1] * 3}, status="not_converged"),
        *curve("a", {0: [0.1] * 3}),
        *curve("b", {5: [float("nan")] * 3}),
    ]
    cells, _ = tables(*points)
    assert attainment(cells)[["label", "n_active"]].values.tolist() == [["a", 10]]
    with pytest.raises(InputError, match="without held-out points"):
        attainment_difference(cells, ("a", "none"), ("b", "none"))
