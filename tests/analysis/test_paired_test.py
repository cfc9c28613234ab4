"""The difference of two arms: its variance by hand, its verdicts in simulations where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from frontier.analysis.paired_test import (
    A_BETTER,
    B_BETTER,
    DEPENDS,
    LEVEL,
    NOT_JUDGED,
    OUT_OF_REACH,
    UNDECIDED,
    Blocks,
    Comparison,
    Spread,
    adjusted,
    compare,
    judge,
    next_level,
    over_families,
    over_seeds,
    over_splits,
)

EXACTLY = 1e-12  # relative: the same few sums in another order
DELTA = 0.01
BOTH, NEITHER = (True, True), (False, False)


def blocks(splits: list[int], sizes: list[float] | None = None, ratio: float = 0.5) -> Blocks:
    """One family per block."""
    n = len(splits)
    return Blocks(np.array(splits), np.arange(n), np.array(sizes or [1.0] * n), ratio)


def verdict(comparison: Comparison, delta: float = DELTA) -> str:
    [word] = judge([comparison], delta)
    return word


def test_the_variance_over_splits_is_nadeau_and_bengios() -> None:
    # D = 0.1, 0.2, 0.6: mean 0.3, s² = (0.04 + 0.01 + 0.09)/2 = 0.07; (1/3 + 1/4)·0.07
    spread = over_splits(np.array([0.1, 0.2, 0.6]), 0.25)
    assert float(spread.variance) == pytest.approx(7 / 12 * 0.07, rel=EXACTLY)
    assert spread.df == 2


def test_the_interval_over_splits_is_worked_by_hand() -> None:
    # sizes 1 and 3 in split 0: D_0 = (0.1 + 3·0.5)/4 = 0.4; D_1 = 0.2. mean 0.3, s² = 0.02, SE² = (1/2 + 1)·0.02
    a = np.array([[0.1, 0.5, 0.2]])
    found = compare(a, np.zeros((1, 3)), blocks([0, 0, 1], [1, 3, 7], 1.0), stochastic=NEITHER, paired=False)
    assert float(found.difference) == pytest.approx(0.3, rel=EXACTLY)
    half = stats.t.isf(0.025, 1) * math.sqrt(0.03)
    assert tuple(map(float, found.interval)) == pytest.approx((0.3 - half, 0.3 + half), rel=EXACTLY)
    assert float(found.p_difference()) == pytest.approx(2 * stats.t.sf(0.3 / math.sqrt(0.03), 1), rel=EXACTLY)


def test_the_jackknife_over_families_of_equal_size_is_the_usual_variance_of_a_mean() -> None:
    values = np.array([0.1, 0.4, 0.2, 0.9, 0.3])
    spread = over_families(values, np.full(5, 7.0))
    assert float(spread.variance) == pytest.approx(values.var(ddof=1) / 5, rel=EXACTLY)


def test_the_jackknife_over_families_leaves_out_one_at_a_time() -> None:
    values, sizes = np.array([0.1, 0.4, 0.2, 0.9, 0.3]), np.array([1.0, 5.0, 2.0, 9.0, 3.0])
    means = [np.average(np.delete(values, g), weights=np.delete(sizes, g)) for g in range(5)]
    by_hand = 4 / 5 * ((means - np.average(values, weights=sizes)) ** 2).sum()
    assert float(over_families(values, sizes).variance) == pytest.approx(by_hand, rel=EXACTLY)


def test_paired_seeds_are_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6, 3))
    found = compare(a, b, blocks([0, 0, 0]), stochastic=BOTH, paired=True)
    assert float(found.p_difference()) == pytest.approx(stats.ttest_rel(a.mean(1), b.mean(1)).pvalue, rel=1e-9)
    assert found.basis == "paired seeds; these held-out targets only"


def test_unpaired_seeds_are_welchs_test() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(6, 3)), 3 * rng.normal(size=(4, 3))
    found = compare(a, b, blocks([0, 0, 0]), stochastic=BOTH, paired=False)
    assert float(found.p_difference()) == pytest.approx(
        stats.ttest_ind(a.mean(1), b.mean(1), equal_var=False).pvalue,
        rel=1e-9,  # scipy's own arithmetic
    )


def test_a_deterministic_arm_is_held_against_every_seed_of_its_rival() -> None:
    a, b = np.array([[0.1], [0.2], [0.4]]), np.array([[0.05]])
    found = compare(a, b, blocks([0]), stochastic=(True, False), paired=False)
    alone = stats.ttest_1samp(a[:, 0], 0.05)
    assert float(found.p_difference()) == pytest.approx(alone.pvalue, rel=1e-9)  # scipy's own arithmetic
    turned = compare(b, a, blocks([0]), stochastic=(False, True), paired=False)
    assert float(turned.p_difference()) == pytest.approx(float(found.p_difference()), rel=EXACTLY)


def test_several_sources_add_up_and_the_targets_limit_the_degrees_of_freedom() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 5, 3))
    found = compare(a, b, blocks([0, 1, 2]), stochastic=BOTH, paired=True)
    terms = [over_splits((a - b).mean(0), 0.5), over_seeds((a - b).mean(1))]
    assert float(found.standard_error) ** 2 == pytest.approx(float(sum(t.variance for t in terms)), rel=EXACTLY)
    assert found.df <= 2


def test_five_families_on_one_split_are_a_sample_and_four_are_not() -> None:
    a, b = np.arange(5.0)[None] / 10, np.zeros((1, 5))
    five = compare(a, b, blocks([0] * 5), stochastic=NEITHER, paired=False)
    assert five.basis == "5 held-out families"
    four = compare(a[:, :4], b[:, :4], blocks([0] * 4), stochastic=NEITHER, paired=False)
    assert four.basis == "nothing random: exact; these held-out targets only"
    assert math.isnan(float(four.p_difference()))


@pytest.mark.parametrize(
    ("families", "expected"),
    [
        ([-0.10, -0.05, -0.02], A_BETTER),
        ([0.10, 0.05, 0.02], B_BETTER),
        ([-0.30, -0.05, 0.02], DEPENDS),  # one family says otherwise
        ([-0.30, -0.05, 0.002], UNDECIDED),  # less than δ in one family: neither contrary nor with the others
        ([-0.009, 0.005, 0.009], LEVEL),  # however the families are weighed
        ([-0.30], UNDECIDED),  # a single family is no rule
        ([-0.003], LEVEL),
    ],
)
def test_an_exact_difference_has_a_winner_only_when_every_family_says_so(families: list[float], expected: str) -> None:
    one = np.array([families])
    found = compare(0.5 + one, np.full(one.shape, 0.5), blocks([0] * one.size), stochastic=NEITHER, paired=False)
    assert verdict(found) == expected


def test_a_single_seed_has_no_interval_and_no_verdict() -> None:
    found = compare(np.full((1, 3), 0.9), np.full((1, 3), 0.1), blocks([0] * 3), stochastic=(True, False), paired=False)
    assert np.isnan(found.interval).all()
    assert not found.family_signs(0.05, DELTA).any()
    assert verdict(found) == UNDECIDED


def test_on_few_families_a_winner_over_seeds_must_not_be_contradicted_beyond_the_seeds() -> None:
    noise = np.linspace(-1e-3, 1e-3, 5)[:, None]
    b = np.zeros((5, 3)) + noise[::-1]
    found = {}
    for last in (-0.01, 1e-4, 0.02):
        c = compare(noise + np.array([-0.2, -0.1, last]), b, blocks([0] * 3), stochastic=BOTH, paired=False)
        assert c.p_difference() < 1e-4  # five seeds within 0.1 points agree on 10
        found[last] = verdict(c)
    assert found == {-0.01: A_BETTER, 1e-4: A_BETTER, 0.02: DEPENDS}


def test_over_folds_a_mean_may_win_although_a_family_disagrees() -> None:
    rng = np.random.default_rng(5)
    d = np.array([-0.2, -0.22, -0.18, -0.21, -0.19, -0.2, 0.02])
    a, b = 0.5 + d + 1e-4 * rng.normal(size=(5, 7)), 0.5 + 1e-4 * rng.normal(size=(5, 7))
    where = blocks(list(range(7)), ratio=0.05)
    assert verdict(compare(a, b, where, stochastic=BOTH, paired=False)) == A_BETTER
    torn = compare(a - 2 * (d > -0.2) * d, b, where, stochastic=BOTH, paired=False)
    assert verdict(torn) == DEPENDS


@pytest.mark.parametrize("folds", [2, 3, 4])
def test_fewer_than_five_folds_judge_nothing(folds: int) -> None:
    a, b = np.full((1, folds), 0.1), np.full((1, folds), 0.9)
    found = compare(a, b, blocks(list(range(folds))), stochastic=NEITHER, paired=False)
    assert verdict(found) == NOT_JUDGED


def test_a_comparison_that_no_difference_could_decide_is_out_of_reach() -> None:
    a, b = np.array([[0.1], [0.9]]), np.array([[0.2], [0.8]])
    found = compare(a, b, blocks([0]), stochastic=BOTH, paired=False)
    assert float(found.detectable(0.05)) > 1
    assert verdict(found) == OUT_OF_REACH


def test_the_margin_is_where_two_one_sided_tests_begin_to_show_equivalence() -> None:
    rng = np.random.default_rng(3)
    a, b = 0.3 + 0.004 * rng.normal(size=(2, 8, 1))
    found = compare(a, b, blocks([0]), stochastic=BOTH, paired=True)
    d, margin = (a - b)[:, 0], float(found.margin(0.05))
    below = stats.ttest_1samp(d, margin, alternative="less").pvalue
    above = stats.ttest_1samp(d, -margin, alternative="greater").pvalue
    assert max(below, above) == pytest.approx(0.05, rel=1e-9)  # scipy's own arithmetic


def test_a_sure_difference_below_delta_is_level_and_has_no_winner() -> None:
    a = np.linspace(0.304, 0.306, 6)[:, None]
    found = compare(a, np.full((1, 1), 0.3), blocks([0]), stochastic=(True, False), paired=False)
    assert found.p_difference() < 1e-3  # the interval excludes 0 by far
    assert verdict(found) == LEVEL
    assert verdict(found, delta=0.001) == B_BETTER


def test_lower_error_is_better_whichever_arm_comes_first() -> None:
    low, high = 0.1 + 1e-3 * np.arange(5.0)[:, None], 0.3 + 1e-3 * np.arange(5.0)[::-1, None]
    assert verdict(compare(low, high, blocks([0]), stochastic=BOTH, paired=True)) == A_BETTER
    assert verdict(compare(high, low, blocks([0]), stochastic=BOTH, paired=True)) == B_BETTER


def test_differences_without_any_spread_are_taken_as_they_are() -> None:
    same = np.full((3, 2), 0.25)
    assert verdict(compare(same, same, blocks([0, 0]), stochastic=BOTH, paired=True)) == LEVEL
    assert verdict(compare(same + 0.1, same, blocks([0, 0]), stochastic=BOTH, paired=True)) == B_BETTER


def test_holm_is_worked_by_hand_and_leaves_out_what_is_no_test() -> None:
    found = adjusted(np.array([0.03, math.nan, 0.01, 0.04]))
    # ordered 0.01, 0.03, 0.04: 3·0.01, then 2·0.03, then max(0.06, 1·0.04)
    assert found[[0, 2, 3]] == pytest.approx([0.06, 0.03, 0.06], rel=EXACTLY)
    assert math.isnan(found[1])
    assert next_level(found) == pytest.approx(0.05 / 2, rel=EXACTLY)


def test_the_minimum_detectable_difference_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(4)
    df, level, n = 4, 0.001, 200_000
    se = 0.02
    zero = np.array(0.0)
    unit = Comparison(
        zero, zero, zero[None], Spread(zero[None], zero[None]), np.array(se), np.array(float(df)), 1, False, ""
    )
    true = float(unit.detectable(level))
    estimated = se * np.sqrt(rng.chisquare(df, n) / df)
    found = np.abs(rng.normal(true, se, n) / estimated) > stats.t.isf(level / 2, df)
    assert found.mean() == pytest.approx(0.8, abs=0.004)  # four standard errors of a share of 200,000
