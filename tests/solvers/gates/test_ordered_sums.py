"""Products whose sums are taken in one order: right for rows of any length, and the same bits beside other columns."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from frontier.solvers.gates.ordered_sums import RUN, OrderedProduct
from tests.conftest import DEVICES

N = 20_000
LENGTHS = (0, 1, RUN - 1, RUN, RUN + 1, 0, RUN**2, RUN**2 + 1, N, 0)  # of rows: of none to three rounds


def rows(lengths: tuple[int, ...] = LENGTHS) -> sp.csr_array:
    rng = np.random.default_rng(0)
    columns = [np.sort(rng.permutation(N)[:length]) for length in lengths]
    borders = np.append(0, np.cumsum(lengths))
    return sp.csr_array((rng.standard_normal(borders[-1]), np.concatenate(columns), borders), (len(lengths), N))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("lengths", [LENGTHS, (1, 0, 2), (0, 0)], ids=["all", "short", "empty"])
def test_a_product_is_scipys(lengths: tuple[int, ...], device: str) -> None:
    matrix, x = rows(lengths), np.random.default_rng(1).standard_normal((N, 5))
    found = OrderedProduct(matrix, torch.float64, torch.device(device)) @ torch.tensor(x, device=device)
    np.testing.assert_allclose(found.cpu().numpy(), matrix @ x, rtol=0, atol=1e-11)  # 20,000 sums of order 1, rounded


@pytest.mark.parametrize("device", DEVICES)
def test_a_column_has_the_same_bits_every_time_and_beside_others(device: str) -> None:
    product = OrderedProduct(rows(), torch.float32, torch.device(device))
    x = torch.tensor(np.random.default_rng(1).standard_normal((N, 33)), dtype=torch.float32, device=device)
    together = product @ x
    assert torch.equal(product @ x, together)
    for column in (0, 16, 32):
        assert torch.equal((product @ x[:, column : column + 1].contiguous())[:, 0], together[:, column])
