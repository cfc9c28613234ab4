"""Cells and targets made up point by point, for tests of frontier statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tests.analysis.runs import row, run

FAMILIES = {"u": "first", "v": "first", "x": "second"}


def tables(*points: Mapping[str, Any], families: Mapping[str, str] = FAMILIES) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A cells and a targets table; each point has the values of a row of cells and `errors`, one per held-out target.

    Every cell also has a fitted target, which no statistic may see.
    """
    rows, parts = [], []
    for number, point in enumerate(points):
        values = dict(point)
        errors: Sequence[float] = values.pop("errors")
        capped = sum(min(abs(error), 1.0) for error in errors) / len(errors)
        cell = row(heldout_capped_mare=capped, **values) | {"cell": f"cell {number}"}
        rows.append(cell)
        parts.append(
            pd.DataFrame(
                {
                    "cell": cell["cell"],
                    "target": [*families, "fitted"],
                    "family": [*families.values(), "fitted"],
                    "heldout": [True] * len(families) + [False],
                    "value": 1.0,
                    "estimate": 1.0,
                    "relative_residual": [*errors, 9.0],
                }
            )
        )
    return run(*rows).cells, pd.concat(parts, ignore_index=True)


def curve(label: str, errors: Mapping[int, Sequence[float]], **values: Any) -> list[dict[str, Any]]:
    """One point per size (records), with its held-out errors and that budget."""
    return [
        {"label": label, "budget": size, "n_active": size, "errors": found} | values for size, found in errors.items()
    ]
