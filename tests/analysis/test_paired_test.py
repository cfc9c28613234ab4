"""The difference of two arms: its variance by hand, its verdicts in simulations where the truth is known."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from frontier.analysis.paired_test import (
    A_BETTER,
    B_BETTER,
    EQUIVALENT,
    UNDECIDED,
    Blocks,
    Comparison,
    adjusted,
    compare,
    decide,
    next_level,
    over_families,
    over_seeds,
    over_splits,
)
from frontier.core.problem import FloatArray

EXACTLY = 1e-12  # relative: the same few sums in another order
DELTA = 0.01
BOTH, NEITHER = (True, True), (False, False)


def blocks(splits: list[int], sizes: list[float] | None = None, ratio: float = 0.5) -> Blocks:
    """One family per block."""
    n = len(splits)
    return Blocks(np.array(splits), np.arange(n), np.array(sizes or [1.0] * n), ratio)


def verdict(comparison: Comparison, delta: float = DELTA) -> str:
    return str(decide(comparison, delta, comparison.p_difference(), comparison.p_equivalent(delta)))


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
    assert (float(found.low), float(found.high)) == pytest.approx((0.3 - half, 0.3 + half), rel=EXACTLY)
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
    assert four.exact
    assert math.isnan(float(four.p_difference()))


@pytest.mark.parametrize(
    ("families", "expected"),
    [
        ([-0.10, -0.05, -0.02], A_BETTER),
        ([0.10, 0.05, 0.02], B_BETTER),
        ([-0.30, -0.05, 0.02], UNDECIDED),  # one family says otherwise
        ([-0.009, 0.005, 0.009], EQUIVALENT),  # however the families are weighed
        ([-0.012, -0.002, -0.002], UNDECIDED),  # less than δ on the mean, not in every family
        ([-0.30], UNDECIDED),  # a single family gives no interval
        ([-0.003], EQUIVALENT),
    ],
)
def test_an_exact_difference_has_a_winner_only_when_every_family_says_so(families: list[float], expected: str) -> None:
    one = np.array([families])
    found = compare(0.5 + one, np.full(one.shape, 0.5), blocks([0] * one.size), stochastic=NEITHER, paired=False)
    assert found.exact
    assert (found.low, found.high) == pytest.approx((min(families), max(families)), abs=1e-15)  # 0.5 ± d − 0.5
    assert verdict(found) == expected


def test_a_single_seed_has_no_interval_and_no_verdict() -> None:
    found = compare(np.full((1, 3), 0.9), np.full((1, 3), 0.1), blocks([0] * 3), stochastic=(True, False), paired=False)
    assert math.isnan(float(found.low))
    assert verdict(found) == UNDECIDED


def test_on_few_families_a_winner_over_seeds_needs_all_of_them() -> None:
    noise = np.linspace(-1e-3, 1e-3, 5)[:, None]
    b = np.zeros((5, 3))
    with_all = compare(noise + np.array([-0.2, -0.1, -0.01]), b, blocks([0] * 3), stochastic=BOTH, paired=True)
    without = compare(noise + np.array([-0.2, -0.1, 0.02]), b, blocks([0] * 3), stochastic=BOTH, paired=True)
    assert with_all.p_difference() < 1e-4 > without.p_difference()  # five seeds within 0.1 points agree on 10
    assert (verdict(with_all), verdict(without)) == (A_BETTER, UNDECIDED)


def test_equivalence_is_two_one_sided_tests() -> None:
    rng = np.random.default_rng(3)
    a, b = 0.3 + 0.004 * rng.normal(size=(2, 8, 1))
    found = compare(a, b, blocks([0]), stochastic=BOTH, paired=True)
    d = (a - b)[:, 0]
    below = stats.ttest_1samp(d, DELTA, alternative="less").pvalue
    above = stats.ttest_1samp(d, -DELTA, alternative="greater").pvalue
    assert float(found.p_equivalent(DELTA)) == pytest.approx(max(below, above), rel=1e-9)  # scipy's own arithmetic


def test_a_sure_difference_below_delta_is_equivalent_and_has_no_winner() -> None:
    a = np.linspace(0.304, 0.306, 6)[:, None]
    found = compare(a, np.full((1, 1), 0.3), blocks([0]), stochastic=(True, False), paired=False)
    assert found.p_difference() < 1e-3  # the interval excludes 0 by far
    assert verdict(found) == EQUIVALENT
    assert verdict(found, delta=0.001) == B_BETTER


def test_lower_error_is_better_whichever_arm_comes_first() -> None:
    low, high = 0.1 + 1e-3 * np.arange(5.0)[:, None], 0.3 + 1e-3 * np.arange(5.0)[::-1, None]
    assert verdict(compare(low, high, blocks([0]), stochastic=BOTH, paired=True)) == A_BETTER
    assert verdict(compare(high, low, blocks([0]), stochastic=BOTH, paired=True)) == B_BETTER


def test_differences_without_any_spread_are_taken_as_they_are() -> None:
    same = np.full((3, 2), 0.25)
    assert verdict(compare(same, same, blocks([0, 1]), stochastic=BOTH, paired=True)) == EQUIVALENT
    assert verdict(compare(same + 0.1, same, blocks([0, 1]), stochastic=BOTH, paired=True)) == B_BETTER


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
    unit = Comparison(zero, zero, zero[None], np.array(se), np.array(float(df)), zero, zero, False, False, "")
    true = float(unit.detectable(level))
    estimated = se * np.sqrt(rng.chisquare(df, n) / df)
    found = np.abs(rng.normal(true, se, n) / estimated) > stats.t.isf(level / 2, df)
    assert found.mean() == pytest.approx(0.8, abs=0.004)  # four standard errors of a share of 200,000


# --- simulations: several arms and bands judged together -------------------------------------------------------------

FAMILIES = {"default": 3, "rotation": 8, "many": 9}
# As on cps_national: a mean error of 0.3, its differences between two arms' seeds have a standard deviation of 0.016.
LEVEL = 0.3
SEED_SD, FAMILY_SD, SPLIT_SD = 0.006, 0.012, 0.006  # of one seed: in all targets, in one family, in one split


def layout(design: str) -> Blocks:
    n = FAMILIES[design]
    splits = np.arange(n) % 4 if design == "rotation" else np.zeros(n, dtype=np.int64)
    return Blocks(np.sort(splits), np.arange(n), np.linspace(2.0, 40.0, n), 1 / 3)


def draw(rng: np.random.Generator, where: Blocks, n: int, arms: int, bands: int, seeds: int) -> FloatArray:
    """Errors of one method under several names, (simulations, arms, bands, seeds, blocks); bands half correlated."""

    def noise(sd: float, last: int) -> FloatArray:
        common, own = rng.normal(size=(n, arms, 1, seeds, last)), rng.normal(size=(n, arms, bands, seeds, last))
        return np.asarray(sd * (common + own) / math.sqrt(2))

    difficulty = 0.1 * rng.normal(size=(n, 1, 1, 1, len(where.sizes)))
    split = noise(SPLIT_SD, where.n_splits)[..., where.splits]
    return np.asarray(LEVEL + difficulty + noise(SEED_SD, 1) + split + noise(FAMILY_SD, len(where.sizes)))


def judged(errors: FloatArray, where: Blocks, *, paired: bool, stochastic: tuple[bool, bool] = BOTH) -> Any:
    """Verdicts (simulations, pairs × bands), Holm-adjusted in each simulation."""
    pairs = list(itertools.combinations(range(errors.shape[1]), 2))
    found = [compare(errors[:, a], errors[:, b], where, stochastic=stochastic, paired=paired) for a, b in pairs]
    p, q = (
        np.concatenate(values, axis=1)
        for values in zip(*[(c.p_difference(), c.p_equivalent(DELTA)) for c in found], strict=True)
    )
    p, q = np.array([adjusted(row) for row in p]), np.array([adjusted(row) for row in q])
    bands = errors.shape[2]
    return np.concatenate(
        [
            decide(c, DELTA, p[:, i * bands : (i + 1) * bands], q[:, i * bands : (i + 1) * bands])
            for i, c in enumerate(found)
        ],
        axis=1,
    )


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("design", list(FAMILIES))
def test_one_method_under_several_names_has_no_winner(design: str, paired: bool) -> None:
    where = layout(design)
    errors = draw(np.random.default_rng(5), where, 400, arms=4, bands=3, seeds=5)
    verdicts = judged(errors, where, paired=paired)
    assert np.isin(verdicts, [UNDECIDED, EQUIVALENT]).all(axis=1).mean() >= 0.95


def test_correlated_folds_have_no_winner_by_chance_and_would_have_without_the_correction() -> None:
    rng, ratio, folds, n = np.random.default_rng(6), 1 / 3, 4, 4000
    share = ratio / (1 + ratio)  # the correlation that the correction stands for: n_test/(n_test + n_train)
    common, own = rng.normal(size=(n, 2, 1, 1, 1)), rng.normal(size=(n, 2, 1, 1, folds))
    errors = 0.3 + 0.02 * (math.sqrt(share) * common + math.sqrt(1 - share) * own)
    wrong = {}
    for corrected in (ratio, 0.0):
        where = Blocks(np.arange(folds), np.arange(folds), np.ones(folds), corrected)
        verdicts = judged(errors, where, paired=False, stochastic=NEITHER)
        wrong[corrected] = np.isin(verdicts, [A_BETTER, B_BETTER]).mean()
    assert wrong[ratio] < 0.05 + 0.014  # four standard errors of a share of 4,000
    assert wrong[0.0] > 0.09


@pytest.mark.parametrize("design", ["default", "many"])
def test_an_error_a_fifth_lower_is_found_among_other_arms_and_bands(design: str) -> None:
    where = layout(design)
    errors = draw(np.random.default_rng(7), where, 100, arms=3, bands=2, seeds=5)
    errors[:, 1] *= 0.8
    verdicts = judged(errors, where, paired=True)  # pairs 0-1, 0-2, 1-2
    assert (verdicts[:, :2] == B_BETTER).all(axis=1).sum() >= 80
    assert (verdicts[:, 4:] == A_BETTER).all(axis=1).sum() >= 80
    assert np.isin(verdicts[:, 2:4], [UNDECIDED, EQUIVALENT]).all(axis=1).sum() >= 95


def test_over_four_folds_an_error_a_fifth_lower_is_found_when_it_is_the_only_comparison() -> None:
    where = layout("rotation")
    errors = draw(np.random.default_rng(8), where, 100, arms=2, bands=1, seeds=5)
    errors[:, 1] *= 0.8
    assert (judged(errors, where, paired=True) == B_BETTER).sum() >= 80
