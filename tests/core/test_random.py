"""Counter-based noise: uniform, independent across its coordinates, the same however it is asked for."""

from __future__ import annotations

import numpy as np
import scipy.stats as st
import torch

from frontier.core.random import STREAM_LOG_ALPHA, STREAM_LOG_WEIGHT, UNIFORM_MARGIN, key, normal
from frontier.solvers.gates.torch_block import gate_logits

N = 20_000


def uniforms(seeds: tuple[int, ...], epoch: int, n: int = N, dtype: torch.dtype = torch.float64) -> np.ndarray:
    return torch.sigmoid(gate_logits(seeds, epoch, torch.arange(n), dtype)).double().numpy()


def test_uniforms_are_uniform() -> None:
    for seed in range(3):
        assert st.kstest(uniforms((seed,), 1)[:, 0], "uniform").pvalue > 1e-3  # three fixed draws, none suspicious


def test_neighbouring_seeds_epochs_and_records_are_uncorrelated() -> None:
    first, second = uniforms((0, 1), 1).T
    later = uniforms((0,), 2)[:, 0]
    for one, other in ((first, second), (first, later), (first[1:], first[:-1])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(N)  # four standard errors of a null correlation


def test_a_seed_draws_the_same_noise_beside_others_and_for_more_records() -> None:
    np.testing.assert_array_equal(uniforms((7,), 3)[:100, 0], uniforms((2, 7), 3, n=100)[:, 1])


def test_float32_noise_is_the_rounded_float64_noise() -> None:
    single, double = uniforms((5,), 1, dtype=torch.float32), uniforms((5,), 1)
    np.testing.assert_allclose(single, double, rtol=0, atol=2e-6)  # float32 logit and sigmoid, near 1


def test_uniforms_stay_inside_the_margins() -> None:
    found = uniforms((0,), 1, n=200_000)
    assert found.min() >= UNIFORM_MARGIN * (1 - 1e-9)  # sigmoid(logit(margin)) rounds
    assert found.max() <= 1 - UNIFORM_MARGIN * (1 - 1e-9)


def test_streams_of_one_seed_differ_and_are_reproducible() -> None:
    one, other = normal(0, STREAM_LOG_ALPHA, 100), normal(0, STREAM_LOG_WEIGHT, 100)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(one, normal(0, STREAM_LOG_ALPHA, 100))
    assert key(1, 2) != key(2, 1)
