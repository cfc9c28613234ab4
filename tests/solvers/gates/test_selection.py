"""Selections by open probabilities: sizes, types, and inclusion probabilities over 10,000 draws."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.solvers.gates.selection import select
from tests.solvers.sampling.draws import assert_probabilities_are_kept, frequencies

OPEN = np.concatenate([[1.0, 0.999, 0.98], np.random.default_rng(0).beta(0.4, 0.8, 27)])


@pytest.mark.parametrize(("size", "learned"), [(8, 8), (20, 20), (12, 6)])
def test_inclusion_probabilities_are_kept_over_ten_thousand_draws(size: int, learned: int) -> None:
    def draw(generator: np.random.Generator) -> np.ndarray:
        return select(OPEN, size, generator, learned_size=learned).items

    pi = select(OPEN, size, np.random.default_rng(0), learned_size=learned).probabilities
    assert pi.sum() == pytest.approx(size, rel=1e-12)  # a sum of 30 numbers
    assert_probabilities_are_kept(frequencies(draw, OPEN.size), pi)


def test_every_size_is_exact_and_every_type_as_many_as_asked() -> None:
    for seed in range(50):
        found = select(OPEN, 15, np.random.default_rng(seed), learned_size=9)
        assert (np.diff(found.items) > 0).all()
        assert [np.count_nonzero(found.kinds == kind) for kind in ("learned", "random")] == [9, 6]


def test_items_too_likely_for_chance_are_certain() -> None:
    found = select(np.array([0.9, 0.9, 0.01, 0.01, 0.01]), 3, np.random.default_rng(0))
    assert found.certain == 2
    assert {0, 1} <= set(found.items)
    np.testing.assert_allclose(found.probabilities, [1, 1, 1 / 3, 1 / 3, 1 / 3], rtol=1e-12)  # float64


def test_a_selection_of_all_has_all_for_certain_and_one_without_a_learned_share_equal_chances() -> None:
    assert (select(OPEN, 30, np.random.default_rng(0), learned_size=10).probabilities == 1).all()
    np.testing.assert_allclose(select(OPEN, 6, np.random.default_rng(0), learned_size=0).probabilities, 0.2, rtol=1e-12)


@pytest.mark.parametrize(("size", "learned", "said"), [(0, 0, "size"), (31, 31, "size"), (5, 6, "learned_size")])
def test_impossible_sizes_are_refused(size: int, learned: int, said: str) -> None:
    with pytest.raises(InputError, match=f"^{said}: "):
        select(OPEN, size, np.random.default_rng(0), learned_size=learned)
