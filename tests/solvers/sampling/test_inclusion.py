"""Inclusion probabilities: their sum, their proportions, and units that are certain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from frontier.core.errors import InputError
from frontier.solvers.sampling.inclusion import inclusion_probabilities
from tests.solvers.sampling.draws import sizes


def iterated(size: np.ndarray, k: int) -> np.ndarray:
    """The textbook's iteration: whatever comes out above 1 becomes certain, and the rest is computed anew."""
    certain = np.zeros(size.size, dtype=bool)
    while True:
        pi = np.where(certain, 1.0, size * (k - certain.sum()) / size[~certain].sum())
        more = pi > 1
        if not more.any():
            return pi
        certain |= more


@pytest.mark.parametrize("k", [1, 5, 12, 20, 28])
def test_they_are_those_of_the_textbooks_iteration(k: int) -> None:
    pi = inclusion_probabilities(sizes(), k)
    np.testing.assert_allclose(pi, iterated(sizes(), k), rtol=1e-8)  # certain within 1e-9 of probability 1
    assert pi.sum() == pytest.approx(k, rel=1e-14)  # rounding


@given(some.lists(some.floats(1e-3, 1e3), min_size=2, max_size=40), some.data())
def test_they_sum_to_the_sample_size_and_keep_proportions_below_one(values: list[float], data: some.DataObject) -> None:
    size = np.array(values)
    k = data.draw(some.integers(1, size.size))
    pi = inclusion_probabilities(size, k)
    assert pi.sum() == pytest.approx(k, rel=1e-12)  # rounding over sizes of six orders
    assert ((pi > 0) & (pi <= 1)).all()
    ratio = pi[pi < 1] / size[pi < 1]
    if ratio.size:
        assert np.ptp(ratio) <= 1e-12 * ratio.max()  # one factor for all
        assert (size[pi == 1] >= size[pi < 1].max()).all()


def test_all_units_with_a_size_can_be_asked_for() -> None:
    np.testing.assert_array_equal(inclusion_probabilities(np.array([0.0, 1e-9, 3.0, 1.0]), 3), [0, 1, 1, 1])


def test_units_whose_chance_is_below_rounding_have_none_when_others_fill_the_sample() -> None:
    np.testing.assert_array_equal(inclusion_probabilities(np.array([1e3, 1e-7]), 1), [1, 0])


def test_equal_sizes_have_equal_probabilities() -> None:
    np.testing.assert_allclose(inclusion_probabilities(np.ones(8), 3), 3 / 8, rtol=1e-15)


@pytest.mark.parametrize("k", [0, 30, 100])
def test_an_impossible_sample_size_is_refused(k: int) -> None:
    with pytest.raises(InputError, match=r"k: not a sample size; expected 1 to 29"):
        inclusion_probabilities(sizes(), k)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_wrong_sizes_are_refused(wrong: float) -> None:
    with pytest.raises(InputError, match="size: not sizes"):
        inclusion_probabilities(np.array([1.0, wrong]), 1)
