"""Stability of a selection over seeds: the published formulas on the whole matrix, and what the index means."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from frontier.analysis.stability import stability


def counted(chosen: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Records kept and shared, of a matrix seeds × records of zeros and ones."""
    kept = chosen.sum(axis=1)
    return kept, ((chosen @ chosen.T).sum(axis=1) - kept) / (len(chosen) - 1), chosen.shape[1]


def draws(seeds: int, records: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(3)
    return (rng.random((seeds, records)) < 0.7 * rng.random(records)).astype(float)


def test_counts_alone_give_what_the_published_formulas_give_from_the_matrix() -> None:
    chosen = draws(6, 400)
    seeds, n = chosen.shape
    share, p, kept = chosen.mean(), chosen.mean(axis=0), chosen.sum(axis=1)
    index = 1 - chosen.var(axis=0, ddof=1).mean() / (share * (1 - share))
    each = (chosen * p).mean(axis=1) - kept * share / n
    each += index / 2 * (2 * share * kept / n - kept / n - share + 1)
    each /= share * (1 - share)
    half = 1.959964 * np.sqrt(4 / seeds**2 * ((each - each.mean()) ** 2).sum())
    np.testing.assert_allclose(stability(*counted(chosen)), (index, index - half, index + half), rtol=1e-6)


def test_the_same_records_for_every_seed_are_1_and_draws_at_random_are_0() -> None:
    np.testing.assert_allclose(stability(*counted(np.tile(draws(1, 400), (5, 1)))), 1, rtol=1e-12)
    rng = np.random.default_rng(0)
    index, _, _ = stability(*counted((rng.random((50, 2_000)) < 0.2).astype(float)))
    assert abs(index) < 5e-3  # 1,225 pairs of 2,000 records: a standard error below 1e-3


@pytest.mark.parametrize(("seeds", "coverage"), [(3, 0.70), (10, 0.88)])
def test_the_interval_covers_as_often_as_is_said_of_it(seeds: int, coverage: float) -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(0.2, 1.8, 2_000)  # a tenth of the records, some in nearly every draw
    true = 1 - (p * (1 - p)).mean() / (p.mean() * (1 - p.mean()))
    found = [stability(*counted((rng.random((seeds, p.size)) < p).astype(float))) for _ in range(400)]
    covered = np.mean([low <= true <= high for _, low, high in found])
    assert abs(covered - coverage) < 0.08  # three standard errors of a share of 400 are 0.07


@pytest.mark.parametrize("chosen", [np.ones((3, 10)), np.zeros((3, 10)), draws(1, 10)])
def test_nothing_is_said_where_no_choice_was_made_or_one_seed_made_it(chosen: NDArray[np.float64]) -> None:
    assert np.isnan(stability(chosen.sum(axis=1), np.zeros(len(chosen)), chosen.shape[1])).all()
