"""Sparse products on a GPU that have the same bits every time, and for any number of columns side by side.

cuSPARSE adds up the entries of a row in the order in which its threads happen to finish. Here a row is cut into runs of
`RUN` entries, each of which one thread adds up from first to last (`torch.nn.functional.embedding_bag`); these sums are
cut and added up likewise, until a row has one. An entry of the product depends on nothing but its row and its column.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch.nn.functional import embedding_bag

RUN = 64  # entries that one thread adds up: rows of 50,000 have their sum in three rounds

Round = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]  # rows of what is summed, first of each run, factors


class OrderedProduct:
    """`matrix @ x` (rows × cells) for dense x (columns × cells) of one precision on one device."""

    def __init__(self, matrix: sp.csr_array, dtype: torch.dtype, device: torch.device) -> None:
        indices, borders = torch.tensor(matrix.indices.astype(np.int64)), matrix.indptr.astype(np.int64)
        factors: torch.Tensor | None = torch.tensor(matrix.data, dtype=dtype).to(device)
        self._rounds: list[Round] = []
        while True:
            runs = np.maximum(-(-np.diff(borders) // RUN), 1)  # of each row; an empty row has an empty one
            ends = np.cumsum(runs)
            place = np.arange(ends[-1]) - np.repeat(ends - runs, runs)  # of a run within its row
            first = torch.from_numpy(np.repeat(borders[:-1], runs) + RUN * place)
            self._rounds.append((indices.to(device), first.to(device), factors))
            if (runs == 1).all():
                return
            indices, factors, borders = torch.arange(ends[-1]), None, np.append(0, ends)

    def __matmul__(self, x: torch.Tensor) -> torch.Tensor:
        for indices, first, factors in self._rounds:
            x = embedding_bag(indices, x, first, mode="sum", per_sample_weights=factors)
        return x
