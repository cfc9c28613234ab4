"""BCa intervals against scipy's, their coverage by simulation, and which resamples are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from frontier.analysis.bootstrap import TargetDraws, bca_interval, draws_of, joint_interval, leave_one_out, target_draws

Array = NDArray[np.float64]


def mean_of(table: Array, seeds: Array, targets: Array) -> Array:
    """The mean of a seeds × targets table under B rows of weights."""
    return np.asarray(((seeds @ table) * targets).sum(axis=1) / targets.sum(axis=1))


def interval(table: Array, draws: TargetDraws, seed: int) -> tuple[float, float, float]:
    rng = np.random.default_rng(seed)
    return joint_interval(lambda s, t: mean_of(table, s, t), targets=draws, n_seeds=len(table), rng=rng)


@pytest.mark.parametrize("n", [6, 40])
def test_the_interval_of_a_skewed_mean_is_that_of_scipy_on_the_same_replicates(n: int) -> None:
    # in 1024ths, so that sums are exact: scipy takes equal means that are rounded differently for different ones
    sample = np.round(1024 * np.random.default_rng(n).lognormal(size=n)) / 1024
    theirs = stats.bootstrap((sample,), np.mean, method="BCa", n_resamples=999, rng=np.random.default_rng(1))
    ours = bca_interval(sample.mean(), theirs.bootstrap_distribution, [leave_one_out(n) @ sample])
    # the acceleration is a ratio of sums of cubes, rounded in another order
    np.testing.assert_allclose(ours, theirs.confidence_interval, rtol=1e-9)


def test_the_acceleration_of_two_samples_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.lognormal(size=12), rng.exponential(size=30)

    def difference(x: Array, y: Array, axis: int = -1) -> Array:
        return np.asarray(np.mean(x, axis=axis) - np.mean(y, axis=axis))

    theirs = stats.bootstrap((first, second), difference, method="BCa", n_resamples=999, rng=np.random.default_rng(1))
    left_out = [leave_one_out(12) @ first - second.mean(), first.mean() - leave_one_out(30) @ second]
    ours = bca_interval(float(difference(first, second)), theirs.bootstrap_distribution, left_out)
    np.testing.assert_allclose(ours, theirs.confidence_interval, rtol=1e-9)  # as above


def test_the_whole_way_agrees_with_scipy_on_other_random_draws() -> None:
    sample = np.random.default_rng(3).lognormal(size=40)
    theirs = stats.bootstrap((sample,), np.mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(1))
    draws = target_draws(["one"], ["t"], replicates=20_000, rng=np.random.default_rng(2))
    _, low, high = interval(sample[:, None], draws, seed=5)
    # a 2.5% quantile of 20,000 draws has a standard error of some 0.1% of probability: 0.014 of the width at the skewed
    # end; twice √2 of that
    np.testing.assert_allclose((low, high), theirs.confidence_interval, atol=0.04 * (high - low))


def test_the_interval_of_a_mean_covers_it_in_95_of_100_normal_samples() -> None:
    # 5,000 samples: a standard error of √(0.95·0.05/5000) = 0.31%. With n = 100 the bootstrap's own shortfall is 0.6%:
    # it sees 99% of the variance, and normal, not t, quantiles. So ±2% leaves 4.5 standard errors. All samples share
    # their 1,000 draws, as methods do.
    samples, n, covered = 5000, 100, 0
    rng = np.random.default_rng(0)
    draws = target_draws(["one"] * n, [str(i) for i in range(n)], replicates=1000, rng=rng)
    assert draws.drawn == "targets"
    for values in rng.standard_normal((samples, 1, n)):
        _, low, high = joint_interval(lambda s, t, v=values: mean_of(v, s, t), targets=draws, n_seeds=1, rng=rng)
        covered += low <= 0 <= high
    assert 0.93 <= covered / samples <= 0.97


def test_the_joint_interval_of_seeds_and_families_covers_the_mean_in_95_of_100_normal_tables() -> None:
    # as above, ±2% is 4 standard errors; 40 seeds and 40 families of 2 targets, effects of both equal, the noise of a
    # cell smaller (it is counted about three times, Owen 2007): each side sees 39/40 of its variance
    samples, seeds, families = 2000, 40, 40
    rng = np.random.default_rng(1)
    names = [f"{family}{target}" for family in range(families) for target in range(2)]
    draws = target_draws([name[:-1] for name in names], names, replicates=500, rng=rng)
    assert draws.drawn == "families"
    covered = 0
    for _ in range(samples):
        table = (
            rng.normal(size=(seeds, 1)) + np.repeat(rng.normal(size=families), 2) + 0.3 * rng.normal(size=(seeds, 80))
        )
        _, low, high = joint_interval(lambda s, t, v=table: mean_of(v, s, t), targets=draws, n_seeds=seeds, rng=rng)
        covered += low <= 0 <= high
    assert 0.93 <= covered / samples <= 0.97


def test_families_are_drawn_whole_and_as_often_as_there_are() -> None:
    families = [*"aabbbcdde"]
    draws = target_draws(families, [str(i) for i in range(9)], replicates=300, rng=np.random.default_rng(0))
    assert draws.drawn == "families"
    first = [families.index(name) for name in "abcde"]
    assert (draws.replicates == draws.replicates[:, [families.index(name) for name in families]]).all()
    assert draws.replicates[:, first].sum(axis=1) == pytest.approx(5)  # counts, divided and multiplied by 5
    np.testing.assert_allclose(draws.jackknife[0][:, first], 1.25 * (1 - np.eye(5)))


def test_targets_are_drawn_within_their_families_when_these_are_few_and_not_in_families_that_are_small() -> None:
    families, names = [*"aaaaabbcccccc"], [*"uvwxystuvwxyz"]
    draws = target_draws(families, names, replicates=300, rng=np.random.default_rng(0))
    assert draws.drawn == "targets"
    for start, stop in ((0, 5), (7, 13)):
        np.testing.assert_allclose(draws.replicates[:, start:stop].sum(axis=1), stop - start)
        assert np.ptp(draws.replicates[:, start]) > 0
    assert (draws.replicates[:, 5:7] == 1).all()
    assert [block.shape for block in draws.jackknife] == [(5, 13), (6, 13)]
    np.testing.assert_allclose(draws.jackknife[0][1], [1.25, 0, 1.25, 1.25, 1.25, *[1] * 8])
    few = target_draws([*"aabbccdd"], [*"stuvwxyz"], replicates=10, rng=np.random.default_rng(0))
    assert few.drawn == ""
    assert few.jackknife == ()
    assert (few.replicates == 1).all()


def test_a_target_held_out_in_two_splits_is_drawn_once_for_both() -> None:
    draws = target_draws([*"aaaaaaaa"], [*"uvwxyuvz"], replicates=50, rng=np.random.default_rng(0))
    assert (draws.replicates[:, :2] == draws.replicates[:, 5:7]).all()


def test_methods_that_share_draws_have_a_difference_without_noise_when_they_differ_by_a_constant() -> None:
    draws = target_draws([*"abcdefg"], [*"abcdefg"], replicates=200, rng=np.random.default_rng(0))
    table = np.random.default_rng(1).random((5, 7))
    observed, low, high = interval(table, draws, seed=2)
    shifted = interval(table + 0.25, draws, seed=2)
    np.testing.assert_allclose(shifted, np.array([observed, low, high]) + 0.25, rtol=1e-12)  # rounding of the sums
    assert low < observed < high


def test_without_anything_to_draw_there_is_no_interval_and_without_variation_it_is_a_point() -> None:
    none = target_draws(["a"], ["t"], replicates=20, rng=np.random.default_rng(0))
    assert np.isnan(interval(np.array([[0.3]]), none, seed=0)[1:]).all()
    assert interval(np.array([[0.3], [0.3]]), none, seed=0) == (0.3, 0.3, 0.3)


def test_rounding_of_the_last_digit_moves_no_interval() -> None:
    # of five seeds 4% of all draws are the five themselves, in another order: equal but for the order of their sum
    sample = np.random.default_rng(5).lognormal(size=5)
    drawn, left_out = draws_of(5, 999, np.random.default_rng(1)) @ sample, [leave_one_out(5) @ sample]
    ties = np.abs(drawn - sample.mean()) < 1e-12
    assert ties.mean() > 0.02
    expected = bca_interval(sample.mean(), np.where(ties, sample.mean(), drawn), left_out)
    for way in (1, -1):
        moved = bca_interval(sample.mean(), drawn + way * 1e-15, left_out)
        np.testing.assert_allclose(moved, expected, rtol=1e-14)  # what was added


def test_an_observed_value_outside_its_replicates_has_no_interval() -> None:
    replicates = np.array([1.0, 2.0, 3.0])
    assert np.isnan(bca_interval(0.5, replicates, [replicates])).all()
    assert np.isnan(bca_interval(float("nan"), replicates, [replicates])).all()


def test_draws_have_the_mean_and_variance_of_a_multinomial() -> None:
    weights = draws_of(4, 20_000, np.random.default_rng(0))
    assert (weights.sum(axis=1) == 1).all()
    # standard errors: √(0.75/4/4/20,000) = 0.0015 of a mean; some 1% of a variance of 0.75/16
    np.testing.assert_allclose(weights.mean(axis=0), 0.25, atol=0.006)
    np.testing.assert_allclose(weights.var(axis=0), 0.75 / 16, rtol=0.05)
