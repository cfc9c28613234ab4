"""Randomised systematic sampling: size and probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.solvers.sampling.inclusion import inclusion_probabilities
from frontier.solvers.sampling.systematic import systematic_sample
from tests.solvers.sampling.draws import assert_probabilities_are_kept, frequencies, sizes


@pytest.mark.parametrize("k", [1, 8, 20])
def test_inclusion_probabilities_are_kept_over_ten_thousand_draws(k: int) -> None:
    pi = inclusion_probabilities(sizes(), k)
    assert_probabilities_are_kept(frequencies(lambda g: systematic_sample(pi, g), pi.size), pi)


@pytest.mark.parametrize("n", [3, 50, 20_000])
def test_the_size_is_exact_and_no_unit_is_drawn_twice(n: int) -> None:
    for seed in range(20):
        pi = inclusion_probabilities(sizes(n, seed), n // 2)
        drawn = systematic_sample(pi, np.random.default_rng(seed))
        assert drawn.size == n // 2
        assert (np.diff(drawn) > 0).all()


def test_where_all_are_certain_all_are_drawn() -> None:
    np.testing.assert_array_equal(systematic_sample(np.array([1.0, 0.0, 1.0]), np.random.default_rng(0)), [0, 2])


@pytest.mark.parametrize("wrong", [[0.5, 0.7], [1.2, 0.8], [-0.5, 1.5], [np.nan, 1.0]])
def test_what_is_no_design_of_fixed_size_is_refused(wrong: list[float]) -> None:
    with pytest.raises(InputError, match="probabilities"):
        systematic_sample(np.array(wrong), np.random.default_rng(0))
