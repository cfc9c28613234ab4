"""Declared contrasts: what is compared with what, over which sizes, and what stands beside the verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from frontier.analysis.contrasts import contrasts, declared, outcome
from tests.analysis.made_up import curve, tables

A, B = ("a", "none"), ("b", "none")


def one(*points: dict[str, Any], given: Any = ((A, B),)) -> dict[str, Any]:
    rows, _ = contrasts(*tables(*points), given)
    [row] = rows.to_dict("records")
    return {str(name): value for name, value in row.items()}


def noisy(label: str, level: float, size: float = 0.001, **values: Any) -> list[dict[str, Any]]:
    return [
        point
        for seed in range(5)
        for point in curve(
            label, {10: [level + size * seed] * 3, 1000: [level + 2 * size * seed] * 3}, seed=seed, **values
        )
    ]


def test_a_contrast_is_the_difference_of_means_over_the_sizes_that_both_cover() -> None:
    points = [
        *curve("a", {5: [0.9] * 3, 10: [0.2] * 3, 1000: [0.4] * 3}),
        *curve("b", {10: [0.5] * 3, 900: [0.5] * 3, 2000: [0.5] * 3}),
    ]
    row = one(*points)
    assert (row["low"], row["high"]) == (10, 1000)
    assert (row["mean_a"], row["mean_b"], row["difference"]) == pytest.approx((0.3, 0.5, -0.2), rel=1e-12)
    assert row["verdict"] == "A better"  # two deterministic arms, two families that agree
    assert row["basis"].startswith("nothing random")


def test_seeds_of_two_methods_are_not_paired_and_those_of_a_fit_and_its_refit_are() -> None:
    two = one(*noisy("a", 0.2), *noisy("b", 0.3))
    assert "paired" not in two["basis"]
    refits = [point | {"refit": "fitted", "errors": [0.1] * 3} for point in noisy("a", 0.2)]
    same = one(*noisy("a", 0.2), *refits, given=((A, ("a", "fitted")),))
    assert same["basis"] == "paired seeds; these held-out targets only"


def test_skill_is_measured_against_the_untouched_weights() -> None:
    control = curve("w0", {1000: [0.5] * 3}, method="initial_weights")
    row = one(*curve("a", {10: [0.2] * 3, 1000: [0.2] * 3}), *curve("b", {10: [0.6] * 3, 1000: [0.6] * 3}), *control)
    assert (row["skill_a"], row["skill_b"]) == pytest.approx((0.6, -0.2), rel=1e-12)
    without = one(*curve("a", {10: [0.2] * 3, 1000: [0.2] * 3}), *curve("b", {10: [0.6] * 3, 1000: [0.6] * 3}))
    assert np.isnan(without["skill_a"])


def test_a_sign_that_changes_with_the_metric_is_counted() -> None:
    a, b = [0.1, 0.1, 30.0], [0.5, 0.5, 0.9]  # the capped mean prefers a, everything that sees the 30 prefers b
    row = one(*curve("a", {10: a, 1000: a}), *curve("b", {10: b, 1000: b}))
    assert row["difference_capped"] < 0 < row["difference_mape"]
    assert row["metrics_like"] == 2  # capped and median


def test_folds_that_an_arm_lacks_and_seeds_that_it_lacks_somewhere_are_left_out_of_both() -> None:
    points = []
    for fold in range(6):
        where = {"split": f"rotation_{fold + 1}of6"}
        points += [*noisy("a", 0.2, **where), *noisy("b", 0.3, **where)]
    points = [p for p in points if not (p["label"] == "a" and p["seed"] == 4 and p["split"] == "rotation_2of6")]
    row = one(*points)
    assert (row["n_folds"], row["n_seeds_a"], row["n_seeds_b"]) == (6, 4, 5)
    without = [p for p in points if not (p["label"] == "b" and p["split"] == "rotation_1of6")]
    assert one(*without)["n_folds"] == 5


def test_an_arm_without_a_seed_on_every_fold_is_not_compared() -> None:
    folds = [f"rotation_{number}of5" for number in range(1, 6)]
    points = [p for fold in folds for p in (*noisy("a", 0.2, split=fold), *noisy("b", 0.3, split=fold))]
    points = [p for p in points if p["label"] == "b" or p["seed"] == folds.index(p["split"])]
    rows, _ = contrasts(*tables(*points), [(A, B)])
    assert rows.empty


def test_a_contrast_without_a_common_size_or_over_a_wide_gap_has_no_row() -> None:
    apart = [*curve("a", {10: [0.1] * 3, 20: [0.1] * 3}), *curve("b", {30: [0.1] * 3, 90: [0.1] * 3})]
    leap = [*curve("a", {4: [0.1] * 3, 5000: [0.1] * 3}), *curve("b", {4: [0.1] * 3, 100: [0.1] * 3, 5000: [0.1] * 3})]
    for points in (apart, leap):
        rows, families = contrasts(*tables(*points), [(A, B)])
        assert rows.empty
        assert families.empty


def test_the_families_of_a_contrast_come_with_their_intervals_and_sizes() -> None:
    _, families = contrasts(*tables(*noisy("a", 0.2), *noisy("b", 0.3)), [(A, B)])
    assert families[["family", "n_targets", "places"]].values.tolist() == [["first", 2, 1], ["second", 1, 1]]
    assert (families["difference_low"] < -0.1).all()
    assert (families["difference_high"] > -0.1).all()


def test_what_an_experiment_declares_goes_before_the_camps() -> None:
    points = [
        *curve("gates", {10: [0.1] * 3, 20: [0.1] * 3}, method="hard_concrete"),
        *curve("path", {10: [0.1] * 3, 20: [0.1] * 3}, method="nn_lasso"),
    ]
    cells, _ = tables(*points)
    assert declared({}, cells) == [(("gates", "none"), ("path", "none"))]
    assert declared({"contrasts": [["path", "none", "gates", "none"]]}, cells) == [
        (("path", "none"), ("gates", "none"))
    ]
    assert declared({}, cells[cells["label"] == "path"]) == []


def test_without_both_camps_the_first_method_is_compared_with_every_other_but_those_of_the_whole_file() -> None:
    points = [
        *curve("mine", {10: [0.1] * 3, 20: [0.1] * 3}, method="mine.py:MyMethod"),
        *curve("gates", {10: [0.1] * 3, 20: [0.1] * 3}, method="hard_concrete"),
        *curve("core", {10: [0.1] * 3, 20: [0.1] * 3}, method="coreset"),
        *curve("dense", {40: [0.1] * 3}, method="greg"),
    ]
    cells, _ = tables(*points)
    cells.loc[cells["label"] == "dense", ["lam", "budget"]] = None
    found = declared({}, cells)
    assert found == [(("mine", "none"), ("gates", "none")), (("mine", "none"), ("core", "none"))]


@pytest.mark.parametrize(
    ("verdict", "interval", "words"),
    [
        ("A better", (-0.05, -0.04), "A better on both"),
        ("A better", (0.04, 0.05), "trade-off"),
        ("B better", (0.04, 0.05), "B better on both"),
        ("A better", (-0.001, 0.001), "A better held out, the same fit"),
        ("A better", (-0.1, 0.1), "A better held out, fit undecided"),
        ("undecided", (-0.05, -0.04), "A fits closer"),
        ("level", (-0.001, 0.001), "the same fit"),
    ],
)
def test_the_outcome_puts_both_errors_together(verdict: str, interval: tuple[float, float], words: str) -> None:
    assert outcome(verdict, *interval) == words


def test_rows_do_not_depend_on_the_order_of_the_tables() -> None:
    cells, targets = tables(*noisy("a", 0.2), *noisy("b", 0.3))
    shuffled = cells.sample(frac=1, random_state=0), targets.sample(frac=1, random_state=1)
    for found, again in zip(contrasts(cells, targets, [(A, B)]), contrasts(*shuffled, [(A, B)]), strict=True):
        pd.testing.assert_frame_equal(found, again, check_exact=True)


def test_places_are_what_stands_before_the_first_slash_of_a_target() -> None:
    cells, targets = tables(*noisy("a", 0.2), *noisy("b", 0.3))
    known = targets[["target", "family"]].drop_duplicates()
    states = {
        t: f"{'NY' if i % 2 else 'OH'}/{t}" if f == "first" else f"OH/{t}" for i, (t, f) in enumerate(known.values)
    }
    _, families = contrasts(cells, targets.assign(target=targets["target"].map(states)), [(A, B)])
    assert families.set_index("family")["places"].to_dict() == {"first": 2, "second": 1}
