"""A made-up rotation: cells with what they miss each target by, for tests of robustness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tests.analysis.runs import row, run

FAMILIES = {"a1": "a", "a2": "a", "b1": "b", "c1": "c"}
SPLITS = {"rotation_1of2": ("a1", "a2"), "rotation_2of2": ("b1", "c1")}

Misses = Mapping[str, Sequence[float]]  # by split, the relative residual of each target


def tables(
    *arms: tuple[Misses, Mapping[str, Any]],
    held: Mapping[str, Sequence[str]] = SPLITS,
    families: Mapping[str, str] = FAMILIES,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells and targets: a cell for each split of each (misses, values of its row)."""
    cells, parts = [], []
    for misses, values in arms:
        for split, residuals in misses.items():
            one = row(split=split, **values)
            one["cell"] = f"{split}/{one['cell']}"
            cells.append(one)
            parts.append(
                pd.DataFrame(
                    {"cell": one["cell"], "target": list(families), "family": list(families.values())}
                    | {"heldout": [name in held[split] for name in families], "value": 1.0, "estimate": 1.0}
                    | {"relative_residual": list(residuals)}
                )
            )
    return run(*cells).cells, pd.concat(parts, ignore_index=True)
