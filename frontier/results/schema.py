"""The columns of a cells table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

IDENTITY = ("cell", "problem", "split", "method", "label", "lam", "budget", "seed", "refit", "repeat")

INTEGERS = (
    *("budget", "seed", "repeat", "n_iter", "n_equicorrelated", "active_rank"),
    *("peak_memory_bytes", "batch_size", "threads", "weights_row"),
)

BOOLEANS = ("budget_reached", "certified", "support_is_unique", "threshold_matters")

TEXTS = (
    "cell",
    "problem",
    "split",
    "method",
    "label",
    "refit",
    "status",
    "claimed_status",
    "message",
    "claims",
    "timing",
)


def cells_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Metrics rows as one tidy frame: identity columns first, nullable integers and booleans, missing as NA."""
    table = pd.DataFrame(list(rows))
    if table.empty:
        return table
    table = table[[*IDENTITY, *(column for column in table.columns if column not in IDENTITY)]]
    for column in table.columns:
        if column in TEXTS:
            table[column] = table[column].astype("string")
        elif column in INTEGERS or column.startswith("n_active"):
            table[column] = table[column].astype("Int64")
        elif column in BOOLEANS:
            table[column] = table[column].astype("boolean")
        else:
            table[column] = table[column].astype("float64")
    return table


RESULT_FORMAT = 2  # raised when the meaning or layout of stored results changes; part of every batch key
