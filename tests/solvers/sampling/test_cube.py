"""The cube method: size, probabilities, and balance up to the landing phase."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.errors import InputError
from frontier.solvers.sampling.cube import cube_sample, flight
from frontier.solvers.sampling.inclusion import inclusion_probabilities
from tests.solvers.sampling.draws import assert_probabilities_are_kept, frequencies, sizes


def auxiliaries(n: int, p: int, seed: int = 0) -> sp.csr_array:
    """Sparse variables of very different scales: counts and dollars."""
    rng = np.random.default_rng(seed)
    X = rng.lognormal(sigma=1.0, size=(p, n)) * (rng.random((p, n)) < 0.5)
    return sp.csr_array(X * 10.0 ** rng.uniform(0, 7, size=(p, 1)))


def imbalance(X: sp.csr_array, values: np.ndarray, pi: np.ndarray) -> np.ndarray:
    """The relative error of each Horvitz–Thompson total."""
    factor = np.divide(values, pi, out=np.zeros_like(pi), where=pi > 0)
    return np.asarray((X @ factor - X.sum(axis=1)) / X.sum(axis=1))


def test_inclusion_probabilities_are_kept_over_ten_thousand_draws() -> None:
    pi = inclusion_probabilities(sizes(), 12)
    X = auxiliaries(30, 4)
    assert_probabilities_are_kept(frequencies(lambda g: cube_sample(X, pi, g), pi.size), pi)


@pytest.mark.parametrize(("n", "p"), [(40, 3), (600, 50), (3_000, 200)])
def test_the_flight_phase_keeps_every_total_and_decides_all_but_p_units(n: int, p: int) -> None:
    X = auxiliaries(n, p)
    pi = inclusion_probabilities(sizes(n), n // 4)
    X = sp.csr_array(X @ sp.diags_array((pi > 0).astype(float)))  # units of size 0 have no part in any total
    for seed in range(3):
        values = flight(X, pi, np.random.default_rng(seed))
        assert ((values >= 0) & (values <= 1)).all()
        assert np.count_nonzero((values > 0) & (values < 1)) <= p + 1
        assert values.sum() == pytest.approx(n // 4, rel=1e-12)  # rounding
        assert np.max(np.abs(imbalance(X, values, pi))) <= 1e-9  # rounding, at the conditioning of the bases


@pytest.mark.parametrize(("n", "p"), [(40, 3), (600, 50)])
def test_the_size_is_exact_after_landing(n: int, p: int) -> None:
    X = auxiliaries(n, p)
    for k in (p + 2, n // 3, n // 2, n - 1):
        pi = inclusion_probabilities(sizes(n), k)
        for seed in range(5):
            assert cube_sample(X, pi, np.random.default_rng(seed)).size == k


def test_samples_are_balanced_far_better_than_without_balancing() -> None:
    rng = np.random.default_rng(1)
    size = rng.lognormal(size=2_000)
    X = sp.csr_array(rng.uniform(size=(20, 2_000)) * size)  # totals of weights, as in calibration
    pi = inclusion_probabilities(size, 400)
    errors = []
    for variables in (X, sp.csr_array((0, 2_000))):
        samples = [cube_sample(variables, pi, np.random.default_rng(seed)) for seed in range(10)]
        values = [np.isin(np.arange(2_000), sample).astype(float) for sample in samples]
        errors.append(np.mean([np.abs(imbalance(X, value, pi)) for value in values]))
    assert errors[0] < errors[1] / 5  # 20 of 400 drawn units are landed; measured: 9.6 times


def test_the_last_row_is_given_up_first() -> None:
    X = auxiliaries(500, 10)
    pi = inclusion_probabilities(np.random.default_rng(1).lognormal(size=500), 100)
    errors = np.zeros(10)
    for seed in range(100):
        values = np.zeros(500)
        values[cube_sample(X, pi, np.random.default_rng(seed))] = 1.0
        errors += np.abs(imbalance(X, values, pi))
    assert errors[:3].mean() < errors[-3:].mean()


def test_dependent_rows_are_balanced_with_those_they_depend_on() -> None:
    X = auxiliaries(300, 6)
    total = sp.csr_array(np.ones((1, 6))) @ X
    pi = inclusion_probabilities(np.random.default_rng(1).lognormal(size=300), 60)
    size = sp.csr_array(pi[None, :])
    more = sp.csr_array(sp.vstack([X, total, X[2:3], sp.csr_array((1, 300)), size]))
    values = flight(more, pi, np.random.default_rng(0))
    assert np.count_nonzero((values > 0) & (values < 1)) <= 7
    kept = sp.csr_array(sp.vstack([X, total, size]))
    assert np.max(np.abs(imbalance(kept, values, pi))) <= 1e-9  # as above
    assert cube_sample(more, pi, np.random.default_rng(0)).size == 60


def test_without_auxiliaries_it_is_a_design_of_fixed_size() -> None:
    pi = inclusion_probabilities(sizes(), 9)
    assert cube_sample(sp.csr_array((0, 30)), pi, np.random.default_rng(3)).size == 9


def test_where_all_are_certain_nothing_is_drawn() -> None:
    pi = np.array([1.0, 0.0, 1.0])
    np.testing.assert_array_equal(cube_sample(auxiliaries(3, 2), pi, np.random.default_rng(0)), [0, 2])


def test_the_problem_is_left_untouched_and_a_seed_decides() -> None:
    X, pi = auxiliaries(60, 5), inclusion_probabilities(sizes(60), 20)
    before = X.copy(), pi.copy()
    one, other, third = (cube_sample(X, pi, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, third)
    assert (before[0] != X).nnz == 0
    np.testing.assert_array_equal(pi, before[1])


def test_wrong_shapes_and_probabilities_are_refused() -> None:
    with pytest.raises(InputError, match="X: wrong width; expected 4 units, got 3"):
        cube_sample(auxiliaries(3, 2), np.full(4, 0.5), np.random.default_rng(0))
    with pytest.raises(InputError, match="no fixed sample size"):
        cube_sample(auxiliaries(3, 2), np.full(3, 0.5), np.random.default_rng(0))


def test_nearly_parallel_columns_and_rare_rows_stay_balanced() -> None:
    rng = np.random.default_rng(2)
    base = rng.lognormal(size=(30, 1))
    X = base * (1.0 + 1e-5 * rng.standard_normal((30, 1_500)))  # every column within 1e-5 of one direction
    X = np.vstack([X, rng.random((20, 1_500)) < 0.003])
    size = rng.lognormal(size=1_500)
    pi = inclusion_probabilities(size, 400)
    variables = sp.csr_array(X * size)
    variables = variables[np.asarray(variables.sum(axis=1)).ravel() > 0]
    for seed in range(5):
        values = flight(variables, pi, np.random.default_rng(seed))
        assert np.max(np.abs(imbalance(variables, values, pi))) <= 1e-9  # as above
        assert cube_sample(variables, pi, np.random.default_rng(seed)).size == 400


@pytest.mark.parametrize("seed", range(4))
def test_the_size_is_kept_where_partitions_of_many_records_depend_on_each_other(seed: int) -> None:
    n, size = 50_000, 200
    rng = np.random.default_rng(seed)
    groups = [(classes, rng.integers(0, classes, n)) for classes in (4, 7, 22, 9)]
    X = sp.vstack([sp.csr_array((np.ones(n), (of, np.arange(n))), shape=(classes, n)) for classes, of in groups])
    weights = np.ones(n) if seed % 2 else rng.lognormal(size=n)
    pi = inclusion_probabilities(weights, size)
    assert len(cube_sample(sp.csr_array(X) @ sp.diags_array(weights), pi, np.random.default_rng(seed))) == size
