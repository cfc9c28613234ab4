"""How many of its records a fit shares with fits of the other seeds: what is left to say once weights are dropped."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.problem import FloatArray
from frontier.results.schema import IDENTITY, has_weights

SHARED = "shared_records"
BUT_SEED = [name for name in IDENTITY if name != "seed"]


def shared_records(cells: pd.DataFrame, weights: sp.csr_array) -> FloatArray:
    """Mean over the other seeds of the active records that a row of one problem has in common with theirs.

    `weights` (rows × n) has the weights of each row. NaN where there is no other seed with weights, or no seed. Rows
    are compared where they differ in the seed alone.
    """
    shared = np.full(len(cells), np.nan)
    known = cells.assign(_at=np.arange(len(cells)))[has_weights(cells) & cells["seed"].notna()]
    for _, part in known.groupby(BUT_SEED, dropna=False, sort=False):
        at = part["_at"].to_numpy()
        if len(at) > 1:
            counts = np.diff(weights.indptr)[at]
            together = _together(weights, at, counts)
            shared[at] = (together.sum(axis=1) - counts) / (len(at) - 1)
    return shared


def _together(weights: sp.csr_array, at: NDArray[np.intp], counts: NDArray[np.intp]) -> NDArray[np.float32]:
    """Records active in both of two rows, for each pair."""
    starts = np.asarray(weights.indptr)[at]
    columns = np.concatenate([weights.indices[start : start + n] for start, n in zip(starts, counts, strict=True)])
    support = np.zeros((len(counts), weights.shape[1]), dtype=np.float32)
    support[np.repeat(np.arange(len(counts)), counts), columns] = 1
    return support @ support.T
