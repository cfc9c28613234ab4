"""Sampford's design, the pivotal method and draws with replacement: sizes, probabilities, joint probabilities."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats as st

import frontier
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.solvers.sampling.designs import Design, draws, expected_draws
from frontier.solvers.sampling.joint import JointDesign, horvitz_thompson_variance, joint_probabilities
from frontier.solvers.sampling.pivotal import pivotal_sample
from frontier.solvers.sampling.sampford import sampford_sample
from frontier.solvers.sampling.systematic import systematic_sample
from tests.conftest import make_problem
from tests.solvers.sampling.draws import N_DRAWS, assert_probabilities_are_kept, frequencies, sizes

FIXED: dict[Design, Callable[..., np.ndarray]] = {"sampford": sampford_sample, "pivotal": pivotal_sample}
SMALL = np.array([0.15, 0.4, 0.55, 0.9, 0.35, 0.65])  # sum 3


def test_the_design_of_a_name_is_its_function() -> None:
    for name, sample in (FIXED | {"systematic": systematic_sample}).items():
        pi = expected_draws(sizes(), 7, name)
        drawn = np.flatnonzero(draws(pi, name, np.random.default_rng(1)))
        np.testing.assert_array_equal(drawn, sample(pi, np.random.default_rng(1)))
    with pytest.raises(InputError, match="design: unknown design; expected systematic or sampford or pivotal"):
        expected_draws(sizes(), 7, "snowball")  # type: ignore[arg-type]


@pytest.mark.parametrize("design", FIXED)
@pytest.mark.parametrize("k", [1, 8, 20, 28])
def test_inclusion_probabilities_are_kept_over_ten_thousand_draws(design: Design, k: int) -> None:
    pi = expected_draws(sizes(), k, design)
    assert_probabilities_are_kept(frequencies(lambda g: FIXED[design](pi, g), pi.size), pi)


@pytest.mark.parametrize("design", FIXED)
@pytest.mark.parametrize("n", [3, 50, 20_000])
def test_the_size_is_exact_and_no_unit_is_drawn_twice(design: Design, n: int) -> None:
    for seed in range(5):
        drawn = FIXED[design](expected_draws(sizes(n, seed), n // 2, design), np.random.default_rng(seed))
        assert drawn.size == n // 2
        assert (np.diff(drawn) > 0).all()


@pytest.mark.parametrize("design", FIXED)
def test_certain_units_are_drawn_and_what_is_no_design_of_fixed_size_is_refused(design: Design) -> None:
    sample = FIXED[design]
    np.testing.assert_array_equal(sample(np.array([1.0, 0.0, 1.0]), np.random.default_rng(0)), [0, 2])
    for wrong in ([0.5, 0.7], [1.2, 0.8], [-0.5, 1.5], [np.nan, 1.0]):
        with pytest.raises(InputError, match="probabilities"):
            sample(np.array(wrong), np.random.default_rng(0))


def test_draws_with_replacement_are_multinomial() -> None:
    size = sizes()
    expected = expected_draws(size, 12, "with_replacement")
    np.testing.assert_allclose(expected, 12 * size / size.sum(), rtol=1e-12)  # rounding
    assert expected.max() > 1  # a unit that is drawn more than once
    generator = np.random.default_rng(0)
    counts = np.array([draws(expected, "with_replacement", generator) for _ in range(N_DRAWS)])
    assert (counts.sum(axis=1) == 12).all()
    drawn = expected > 0
    total, p = counts.sum(axis=0)[drawn], expected[drawn] / 12
    # Pearson's statistic of all draws: exceeded once in 10,000 runs by draws with these probabilities
    assert ((total - 12 * N_DRAWS * p) ** 2 / (12 * N_DRAWS * p)).sum() <= st.chi2.ppf(1 - 1e-4, drawn.sum() - 1)
    assert (counts[:, ~drawn] == 0).all()


def sampford_by_enumeration(pi: FloatArray) -> FloatArray:
    """π_ij of all samples: a first unit in proportion to π, k − 1 more to π/(1−π), accepted where all differ."""
    k, odds = round(pi.sum()), pi / (1 - pi)
    found = np.zeros((pi.size, pi.size))
    for s in itertools.combinations(range(pi.size), k):
        chance = sum(pi[first] * np.prod(odds[[i for i in s if i != first]]) for first in s)
        found[np.ix_(s, s)] += chance
    return np.asarray(found * (k / np.trace(found)))


def systematic_by_enumeration(pi: FloatArray) -> FloatArray:
    """π_ij over all orders of the units and all starts: between the ends of units modulo 1 the sample is the same."""
    found = np.zeros((pi.size, pi.size))
    orders = list(itertools.permutations(range(pi.size)))
    for order in orders:
        ends = np.cumsum(pi[list(order)])
        ends *= round(ends[-1]) / ends[-1]  # as the sampler does
        cuts = np.unique(np.append(np.append(ends % 1.0, 0.0), 1.0))
        for low, high in itertools.pairwise(cuts):
            points = (low + high) / 2 + np.arange(round(pi.sum()))
            s = [order[i] for i in np.searchsorted(ends, points, side="right")]
            found[np.ix_(s, s)] += (high - low) / len(orders)
    return found


ENUMERATED = {"sampford": sampford_by_enumeration, "systematic": systematic_by_enumeration}


@pytest.mark.parametrize("design", ENUMERATED)
def test_joint_probabilities_are_those_of_all_samples(design: JointDesign) -> None:
    for pi in (SMALL, np.array([0.5, 0.5, 0.5, 0.5]), np.array([0.97, 0.98, 0.03, 0.02]), np.array([0.2, 0.7, 0.1])):
        found, enumerated = joint_probabilities(pi, design), ENUMERATED[design](pi)
        np.testing.assert_allclose(np.diagonal(enumerated), pi, atol=1e-12)  # the enumeration itself is right
        np.testing.assert_allclose(found, enumerated, atol=1e-12)  # rounding
    with_certain = joint_probabilities(np.append([1.0, 0.0], SMALL), design)
    np.testing.assert_allclose(with_certain[2:, 2:], ENUMERATED[design](SMALL), atol=1e-12)  # rounding
    np.testing.assert_array_equal(with_certain[0, 2:], SMALL)
    assert not with_certain[1].any()


def test_joint_probabilities_of_draws_with_replacement_are_those_of_all_sequences() -> None:
    expected = expected_draws(np.array([1.0, 2.0, 3.0, 4.0]), 3, "with_replacement")
    p, found = expected / 3, np.zeros((4, 4))
    for sequence in itertools.product(range(4), repeat=3):
        s = sorted({*sequence})
        found[np.ix_(s, s)] += np.prod(p[list(sequence)])
    np.testing.assert_allclose(joint_probabilities(expected, "with_replacement"), found, atol=1e-12)  # rounding
    poisson = joint_probabilities(SMALL, "poisson")
    np.testing.assert_allclose(poisson - np.diag(SMALL - SMALL**2), np.outer(SMALL, SMALL), atol=1e-15)  # rounding


@pytest.mark.parametrize(("n", "k"), [(300, 40), (300, 270), (40, 39)])
def test_joint_probabilities_of_many_units_add_up(n: int, k: int) -> None:
    pi = expected_draws(np.random.default_rng(0).lognormal(size=n), k, "sampford")
    joint = joint_probabilities(pi, "sampford")
    np.testing.assert_allclose(joint.sum(axis=1), k * pi, rtol=1e-9)  # Σ_j π_ij = k π_i; rounding of taking units out
    assert (joint <= np.outer(pi, pi) * (1 + 1e-9) + np.diag(pi)).all()  # Sampford: never above independent draws


def test_joint_probabilities_hold_in_samples() -> None:
    pi = expected_draws(sizes(12), 5, "sampford")
    joint, generator, found = joint_probabilities(pi, "sampford"), np.random.default_rng(3), np.zeros((12, 12))
    for _ in range(N_DRAWS):
        s = sampford_sample(pi, generator)
        found[np.ix_(s, s)] += 1
    open_pairs = np.triu((joint > 0) & (joint < 1), 1)
    p = joint[open_pairs]
    z = (found[open_pairs] - N_DRAWS * p) / np.sqrt(N_DRAWS * p * (1 - p))
    assert np.abs(z).max() <= st.norm.ppf(1 - 0.5e-4 / p.size)  # Bonferroni: once in 10,000 runs


@pytest.mark.parametrize("design", ["sampford", "systematic"])
def test_the_estimated_variance_is_unbiased_over_all_samples(design: JointDesign) -> None:
    pi, y = SMALL, np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
    joint = joint_probabilities(pi, design)
    centred = (joint - np.outer(pi, pi)) * np.outer(y / pi, y / pi)
    truth = float(centred.sum())
    generator = np.random.default_rng(0)
    sample = sampford_sample if design == "sampford" else systematic_sample
    found = []
    for _ in range(4_000):
        s = sample(pi, generator)
        found.append(horvitz_thompson_variance(y[s], joint[np.ix_(s, s)]))
    error = float(np.std(found)) / np.sqrt(len(found))
    assert abs(float(np.mean(found)) - truth) <= 4 * error  # standard errors of a mean over a fixed seed


def test_the_variance_of_a_poisson_sample_is_unbiased_over_all_its_samples() -> None:
    pi, y = SMALL, np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
    joint, mean = joint_probabilities(pi, "poisson"), 0.0
    for taken in itertools.product((False, True), repeat=6):
        s = np.flatnonzero(taken)
        chance = np.prod(np.where(taken, pi, 1 - pi))
        mean += chance * horvitz_thompson_variance(y[s], joint[np.ix_(s, s)], fixed_size=False)
    assert mean == pytest.approx(float(((1 - pi) / pi * y**2).sum()), rel=1e-12)  # rounding


def test_what_joint_probabilities_cannot_be_had_of_is_refused() -> None:
    with pytest.raises(InputError, match="design: joint probabilities are not known; expected poisson"):
        joint_probabilities(SMALL, "pivotal")  # type: ignore[arg-type]
    many = np.full(30, 0.5)
    with pytest.raises(InputError, match="probabilities: more than 20 units by chance; got 30"):
        joint_probabilities(many, "systematic")
    with pytest.raises(InputError, match="a pair that is never drawn together"):
        horvitz_thompson_variance(np.ones(2), np.array([[0.5, 0.0], [0.0, 0.5]]))
    with pytest.raises(InputError, match=r"joint: wrong shape; expected \(3, 3\), got \(2, 2\)"):
        horvitz_thompson_variance(np.ones(3), np.eye(2))


def test_a_sample_drawn_from_python_is_that_of_the_method() -> None:
    problem = make_problem()
    for design in ("systematic", "sampford", "with_replacement"):
        [solution] = frontier.solve(
            problem, "pps_sample", [frontier.Point(budget=9, seed=3)], design=design, dense="initial"
        )
        drawn, expected = frontier.draw_sample(problem.w0, 9, design=design, seed=3)
        np.testing.assert_allclose(solution.weights, problem.w0 * drawn / expected, rtol=1e-12)  # rounding
