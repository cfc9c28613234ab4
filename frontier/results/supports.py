"""How far fits that differ in the seed alone, or in the hold-out alone, keep the same records: what weights can tell.

For rows with active records A and B, the mean over the others of |A ∩ B| (records) and of Jaccard's |A ∩ B|/|A ∪ B|
(Jaccard 1901). It is counted before weights are dropped, and is all that is left of them then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.results.designs import design_of
from frontier.results.schema import IDENTITY, has_weights

if TYPE_CHECKING:
    import scipy.sparse as sp

SHARED = "shared_records"
OVERLAPS = {  # what two fits differ in alone: the columns of records in common and of Jaccard's index
    "seed": (SHARED, "jaccard_over_seeds"),
    "split": ("shared_over_splits", "jaccard_over_splits"),
}


def overlaps(cells: pd.DataFrame, weights: sp.csr_array) -> pd.DataFrame:
    """The columns of `OVERLAPS` for rows of one problem, whose weights are the rows of `weights` (rows × n).

    Hold-outs are compared within a design (the folds of one rotation), with the same seed. NaN where there is no other
    row with weights, over seeds also without a seed; Jaccard's index also where neither row has an active record.
    """
    columns = [name for pair in OVERLAPS.values() for name in pair]
    found = np.full((len(cells), len(columns)), np.nan)
    known = cells.assign(_at=np.arange(len(cells)), _design=cells["split"].map(design_of))[has_weights(cells)]
    for place, axis in enumerate(OVERLAPS):
        keys = [name for name in (*IDENTITY, "_design") if name != axis]
        for others in known[known[axis].notna()].groupby(keys, dropna=False, sort=False)["_at"].agg(list):
            if len(others) > 1:
                at = np.array(others)
                found[at, 2 * place : 2 * place + 2] = _with_others(weights, at)
    return pd.DataFrame(found, index=cells.index, columns=columns)


def _with_others(weights: sp.csr_array, at: NDArray[np.intp]) -> FloatArray:
    """Records in common and Jaccard's index, means over the other rows (rows × 2)."""
    counts = np.diff(weights.indptr)[at]
    together = _together(weights, at, counts)
    np.fill_diagonal(together, 0)
    either = counts[:, None] + counts - together
    np.fill_diagonal(either, 0)
    pairs = (either > 0).sum(axis=1)
    index = np.divide(together, either, out=np.zeros_like(together), where=either > 0).sum(axis=1)
    jaccard = np.divide(index, pairs, out=np.full(len(at), np.nan), where=pairs > 0)
    return np.column_stack([together.sum(axis=1) / (len(at) - 1), jaccard])


def _together(weights: sp.csr_array, at: NDArray[np.intp], counts: NDArray[np.intp]) -> FloatArray:
    """Records active in both of two rows, for each pair."""
    starts = np.asarray(weights.indptr)[at]
    columns = np.concatenate([weights.indices[start : start + n] for start, n in zip(starts, counts, strict=True)])
    support = np.zeros((len(counts), weights.shape[1]), dtype=np.float32)
    support[np.repeat(np.arange(len(counts)), counts), columns] = 1
    return (support @ support.T).astype(np.float64)
