"""How often the verdict rules err, in simulations where the truth is known.

Declared families of contrasts as experiments have them: six contrasts, five seeds, two families of one split, eleven
folds of one family each. Spreads are those of cps_national: one family's difference between two arms varies by 5 to 8
points from family to family, a seed's mean by half a point.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from frontier.analysis.paired_test import (
    A_BETTER,
    B_BETTER,
    DEPENDS,
    LEVEL,
    Blocks,
    Comparison,
    compare,
    judge,
    over_splits,
)
from frontier.core.arrays import FloatArray

DELTA = 0.01
CONTRASTS = 6
SEED_SD, FAMILY_SD = 0.006, 0.012  # of one seed: in all targets, in one family
RATIO = 0.08  # n_test/n_train of the eleven folds of cps_national: 55 of 733 targets
WINNERS = (A_BETTER, B_BETTER)


def layout(design: str) -> Blocks:
    if design == "folds":
        return Blocks(np.arange(11), np.arange(11), np.linspace(20.0, 100.0, 11), RATIO)
    n = {"few": 2, "many": 9}[design]
    return Blocks(np.zeros(n, dtype=np.int64), np.arange(n), np.linspace(20.0, 100.0, n), 0.3)


def draw(rng: np.random.Generator, where: Blocks, difference: float, between: float) -> Comparison:
    """Two arms that differ by `difference` on average and by sd `between` from family to family."""
    g = len(where.sizes)
    level = 0.4 + 0.1 * rng.normal(size=g)
    shift = difference + between * rng.normal(size=g)

    def arm(mean: FloatArray) -> FloatArray:
        noise = SEED_SD * rng.normal(size=(5, 1)) + FAMILY_SD * rng.normal(size=(5, g))
        return np.asarray(mean + noise)

    return compare(arm(level + shift), arm(level), where, stochastic=(True, True), paired=False)


def verdicts(design: str, difference: float, between: float, n: int, seed: int) -> NDArray[np.str_]:
    rng, where = np.random.default_rng(seed), layout(design)
    return np.array([judge([draw(rng, where, difference, between) for _ in range(CONTRASTS)], DELTA) for _ in range(n)])


@pytest.mark.parametrize(("design", "between"), [("few", 0.0), ("many", 0.0), ("many", 0.06), ("folds", 0.06)])
def test_without_a_difference_at_most_one_declared_family_in_twenty_has_a_winner(design: str, between: float) -> None:
    found = verdicts(design, 0.0, between, n=400, seed=1)
    assert np.isin(found, WINNERS).any(axis=1).mean() <= 0.05 + 0.022  # two standard errors of a share of 400
    if between == 0:
        assert (found == DEPENDS).any(axis=1).mean() <= 0.05


@pytest.mark.parametrize(("design", "between"), [("few", 0.0), ("many", 0.05), ("folds", 0.05)])
def test_planted_ten_points_are_found_in_four_of_five(design: str, between: float) -> None:
    found = verdicts(design, 0.10, between, n=200, seed=2)
    assert (found == B_BETTER).mean() >= 0.8
    assert not (found == A_BETTER).any()


def test_families_that_contradict_each_other_are_named_as_the_reason() -> None:
    found = verdicts("folds", 0.0, 0.10, n=100, seed=3)
    assert (found == DEPENDS).mean() > 0.9


def test_two_names_of_one_method_are_level_where_the_seeds_are_quiet() -> None:
    rng, where = np.random.default_rng(4), layout("few")
    noise = 0.002 * rng.normal(size=(100, 2, 8, 2))
    found = [judge([compare(0.4 + a, 0.4 + b, where, stochastic=(True, True), paired=False)], DELTA) for a, b in noise]
    assert np.mean([word == LEVEL for [word] in found]) > 0.9


def folds_of_a_calibration(rng: np.random.Generator, sd_family: float) -> FloatArray:
    """Differences of two ridge calibrations over 11 folds of one family each, in a new world: (11,)."""
    sizes = rng.integers(3, 20, size=11)
    family = np.repeat(np.arange(11), sizes)
    shared = rng.lognormal(size=(11, 200)) * (rng.random((11, 200)) < 0.5)
    M = (0.5 * shared[family] + rng.lognormal(size=(family.size, 200))) * (rng.random((family.size, 200)) < 0.2)
    true = rng.lognormal(0.0, 0.6, 200)
    effects = sd_family * rng.standard_normal(11)[family] + 0.1 * rng.standard_normal(family.size)
    A = M / ((M @ true) * np.exp(effects))[:, None]
    kernel, residual = A @ A.T, A.sum(axis=1) - 1
    found = np.empty(11)
    for g in range(11):
        fitted, held = np.flatnonzero(family != g), np.flatnonzero(family == g)
        errors = []
        for ridge in (1e-1, 1e3):  # a fit, and hardly one
            system = kernel[np.ix_(fitted, fitted)] + ridge * np.trace(kernel) / len(kernel) * np.eye(fitted.size)
            theta = np.linalg.solve(system, -residual[fitted])
            errors.append(np.minimum(np.abs(residual[held] + kernel[np.ix_(held, fitted)] @ theta), 1).mean())
        found[g] = errors[0] - errors[1]
    return found


@pytest.mark.parametrize(("sd_family", "covered"), [(0.3, (0.95, 1.0)), (0.0, (0.70, 0.92))])
def test_the_interval_over_folds_covers_where_families_differ_and_not_where_all_share_one_cause(
    sd_family: float, covered: tuple[float, float]
) -> None:
    """In 300 worlds; the truth is the mean difference over worlds. What the docstring of `paired_test` says."""
    from scipy import stats

    rng = np.random.default_rng(5)
    found = np.array([folds_of_a_calibration(rng, sd_family) for _ in range(300)])
    spread = over_splits(found, 1 / 10)
    half = stats.t.isf(0.025, spread.df) * np.sqrt(spread.variance)
    share = (np.abs(found.mean(axis=1) - found.mean()) <= half).mean()
    assert covered[0] <= share <= covered[1]
