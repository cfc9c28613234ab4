"""Verdicts on frames of band errors: who is paired with whom, what is compared, what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from frontier.analysis.pairwise import COLUMNS, pairwise_verdicts, train_shares
from frontier.core.errors import InputError

TARGETS = {"age": ("age1", "age2"), "sex": ("sex1",), "wages": ("wages1", "wages2", "wages3")}
SHARES = {("p", "default"): 0.75, ("p", "rotation_1of2"): 0.6, ("p", "rotation_2of2"): 0.8}
SHARES |= {("p", f"rotation_{i}of3"): 0.7 for i in (1, 2, 3)}


def arm(label: str, level: float, seeds: int | range | None = 5, **values: Any) -> pd.DataFrame:
    """Rows of band_errors for one arm: `level` plus noise of its own for every seed and target."""
    rng = np.random.default_rng(sum(map(ord, label)))
    noise, split = values.pop("noise", 0.002), values.pop("split", "default")
    numbers: Any = [pd.NA] if seeds is None else range(seeds) if isinstance(seeds, int) else seeds
    rows = [
        {"seed": seed, "family": family, "target": target, "error": level + noise * rng.normal()}
        for seed in numbers
        for family, targets in TARGETS.items()
        for target in targets
    ]
    found = pd.DataFrame(rows).assign(
        problem="p", split=split, label=label, refit="none", band=4, low=100.0, high=300.0
    )
    found = found.assign(design=str(split).split("_")[0], **values)
    return found.astype({"seed": "Int64"})


def verdicts(*arms: pd.DataFrame, **options: Any) -> pd.DataFrame:
    return pairwise_verdicts(pd.concat(arms, ignore_index=True), train_share=SHARES, **options)


def only(*arms: pd.DataFrame, **options: Any) -> dict[str, Any]:
    [row] = verdicts(*arms, **options).to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_the_arm_with_the_lower_error_is_better_and_names_are_in_order() -> None:
    row = only(arm("zebra", 0.2), arm("ant", 0.3))
    assert (row["label_a"], row["label_b"], row["verdict"]) == ("ant", "zebra", "B better")
    assert row["difference"] == row["mean_a"] - row["mean_b"] > 0
    assert row["difference_low"] > 0
    row = only(arm("zebra", 0.3), arm("ant", 0.2))
    assert (row["verdict"], row["families_agree"], row["n_families_a"]) == ("A better", True, 3)


def test_seeds_that_both_arms_have_are_paired_and_others_left_out() -> None:
    a, b = arm("a", 0.2, range(2, 8)), arm("b", 0.2, 5)
    row = only(a, b)
    means = [part.groupby("seed")["error"].mean().loc[2:4].to_numpy(dtype=float) for part in (a, b)]
    assert row["p_value"] == pytest.approx(stats.ttest_rel(*means).pvalue, rel=1e-9)  # the same test in scipy
    assert row["n_seeds"] == 3
    assert row["basis"] == "paired seeds; these held-out targets only"


def test_arms_with_other_seeds_are_compared_unpaired() -> None:
    a, b = arm("a", 0.2, range(5, 9)), arm("b", 0.2, 5)
    row = only(a, b)
    means = [part.groupby("seed")["error"].mean().to_numpy(dtype=float) for part in (a, b)]
    welch = stats.ttest_ind(*means, equal_var=False)
    assert row["p_value"] == pytest.approx(welch.pvalue, rel=1e-9)  # the same test in scipy
    assert (row["n_seeds"], row["basis"]) == (4, "seeds; these held-out targets only")


def test_a_deterministic_arm_is_broadcast_over_its_rivals_seeds() -> None:
    a, b = arm("a", 0.2), arm("b", 0.25, None)
    row = only(a, b)
    means = a.groupby("seed")["error"].mean().to_numpy(dtype=float)
    expected = stats.ttest_1samp(means, b["error"].mean())
    assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)  # the same test in scipy
    assert row["n_seeds"] == 5


def test_two_deterministic_arms_on_one_split_are_exact_for_their_targets() -> None:
    row = only(arm("a", 0.2, None), arm("b", 0.4, None))
    assert row["verdict"] == "A better"
    assert row["basis"] == "exact, range over families; these held-out targets only"
    assert math.isnan(row["p_adjusted"])
    assert row["difference_low"] < row["difference"] < row["difference_high"] < 0


def test_folds_are_a_corrected_resampled_t_test_with_the_mean_ratio_of_their_sizes() -> None:
    parts = [arm("a", 0.2, None, split="rotation_1of2"), arm("a", 0.3, None, split="rotation_2of2")]
    parts += [arm("b", 0.1, None, split="rotation_1of2", noise=0), arm("b", 0.1, None, split="rotation_2of2", noise=0)]
    row = only(*parts)
    by_split = [float(part["error"].mean()) - 0.1 for part in parts[:2]]
    ratio = (0.4 / 0.6 + 0.2 / 0.8) / 2
    se = math.sqrt((1 / 2 + ratio) * np.var(by_split, ddof=1))
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(np.mean(by_split) / se, 1), rel=1e-9)  # sums in another order
    assert (row["n_splits"], row["design"], row["verdict"]) == (2, "rotation", "undecided")


FOLDS = ("rotation_1of3", "rotation_2of3", "rotation_3of3")


def test_a_pair_is_compared_only_where_both_cover_the_band() -> None:
    a = [arm("a", 0.2, split=split) for split in FOLDS]
    b = [arm("b", 0.2, split=split) for split in FOLDS[1:]]
    assert only(*a, *b)["n_splits"] == 2
    assert verdicts(*a, b[0]).empty  # one fold of three is not the rotation
    assert verdicts(arm("a", 0.2), arm("b", 0.2, band=5, low=300.0, high=1000.0)).empty


def test_a_seed_that_does_not_cover_a_split_is_left_out_of_all() -> None:
    a = [arm("a", 0.2, 5, split=FOLDS[0]), arm("a", 0.2, range(1, 5), split=FOLDS[1]), arm("a", 0.2, split=FOLDS[2])]
    b = [arm("b", 0.2, split=split) for split in FOLDS]
    row = only(*a, *b)
    assert (row["n_seeds"], row["n_splits"]) == (4, 3)
    a[1] = arm("a", 0.2, 2, split=FOLDS[1])  # most seeds do not: the split does not count
    row = only(*a, *b)
    assert (row["n_seeds"], row["n_splits"]) == (5, 2)


def test_holm_is_over_all_pairs_and_bands_of_a_problem_and_design() -> None:
    arms = [arm(name, 0.2, band=band, low=1.0 * band, high=2.0 * band) for name in "abc" for band in (1, 2)]
    table = verdicts(*arms)
    assert len(table) == 6
    smallest = table["p_value"].min()
    assert table["p_adjusted"].min() == pytest.approx(min(1, 6 * smallest), rel=1e-12)  # one product
    elsewhere = pd.concat([*arms, arm("a", 0.2, problem="q"), arm("b", 0.2, problem="q")])
    both = pairwise_verdicts(elsewhere, train_share=SHARES | {("q", "default"): 0.5})
    pd.testing.assert_frame_equal(both[both["problem"] == "p"], table)


def test_equivalence_needs_delta_and_delta_is_a_parameter() -> None:
    arms = [arm("a", 0.2, 10, noise=1e-4), arm("b", 0.205, 10, noise=1e-4)]
    assert only(*arms)["verdict"] == "equivalent"
    assert only(*arms, delta=0.002)["verdict"] == "A better"
    assert only(*arms, delta=0.002)["delta"] == 0.002


def test_the_order_of_rows_changes_nothing() -> None:
    arms = [arm(name, level, split=f"rotation_{i}of2") for name, level in (("a", 0.2), ("b", 0.3)) for i in (1, 2)]
    arms += [arm("c", 0.4, None, split=f"rotation_{i}of2") for i in (1, 2)]
    frame = pd.concat([*arms, arm("a", 0.2), arm("b", 0.2)], ignore_index=True)
    before = frame.copy()
    expected = pairwise_verdicts(frame, train_share=SHARES)
    shuffled = pairwise_verdicts(frame.sample(frac=1, random_state=0), train_share=SHARES)
    pd.testing.assert_frame_equal(shuffled, expected, rtol=1e-9)  # sums in another order
    pd.testing.assert_frame_equal(frame, before)
    assert tuple(expected.columns) == COLUMNS


def test_no_rows_give_no_rows() -> None:
    assert tuple(verdicts(arm("a", 0.2)).columns) == COLUMNS
    assert verdicts(arm("a", 0.2).iloc[:0]).empty


def test_arms_must_be_scored_on_the_same_targets() -> None:
    with pytest.raises(InputError, match="different targets"):
        verdicts(arm("a", 0.2), arm("b", 0.2).iloc[1:])
    with pytest.raises(InputError, match="different targets"):
        verdicts(arm("a", 0.2), arm("b", 0.2).iloc[[0, *range(30)]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"error": math.nan}, "errors.error: not finite"),
        ({"problem": "q"}, r"train_share\[q, default\]: no share"),
    ],
)
def test_bad_frames_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        verdicts(arm("a", 0.2).assign(**change), arm("b", 0.2))


def test_an_arm_has_seeds_or_has_none() -> None:
    with pytest.raises(InputError, match="rows with and without a seed"):
        verdicts(arm("a", 0.2), arm("a", 0.2, None), arm("b", 0.2))


def test_a_missing_column_and_a_delta_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="no column 'family'"):
        verdicts(arm("a", 0.2).drop(columns="family"))
    with pytest.raises(InputError, match="delta: not positive"):
        verdicts(arm("a", 0.2), delta=0.0)


def test_the_share_of_fitted_targets_is_read_from_the_targets_table() -> None:
    cells = pd.DataFrame({"cell": ["c", "d", "failed"], "problem": "p", "split": ["s", "t", "u"]})
    held = [True, False, False, False, True, True, False, False]
    targets = pd.DataFrame({"cell": ["c"] * 4 + ["d"] * 4, "heldout": held})
    assert train_shares(targets, cells) == {("p", "s"): 0.75, ("p", "t"): 0.5}


def test_one_arm_under_several_names_with_other_seeds_has_no_winner() -> None:
    winners = 0
    for simulation in range(20):
        names = [f"{name}{simulation}" for name in "abc"]
        arms = [arm(name, 0.2, range(5 * i, 5 * i + 5), noise=0.05) for i, name in enumerate(names)]
        winners += int(verdicts(*arms)["verdict"].str.contains("better").any())
    assert winners <= 4  # at most 1 in 20 is expected: more than 4 of 20 has a probability below 0.3%
