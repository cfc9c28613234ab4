"""A run small enough to commit: its tables without weights and batches, residuals kept to five significant digits.

    results/flagship/<experiment>/  cells.parquet  targets.parquet  traces.parquet  manifest.json

`targets.parquet` has `scale` instead of the estimate (estimate = value + scale · residual, restored by `load_targets`),
and the residual as a float32 of 16 significant bits, off by at most 2e-5 of itself. Reports, statistics and claims are
made from this as from the run itself; it cannot be resumed, merged or refit.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.core.files import write_atomically
from frontier.results.run import load_run, load_targets, load_traces

DROPPED_BITS = 8  # of the 24 bits of a float32 mantissa: the cleared byte compresses to nothing


def compact_run(source: Path, target: Path, *, cells_only: bool = False) -> int:
    """Write the compact form of the finished run in `source` to the folder `target`; the bytes written.

    `cells_only` leaves out targets and traces, for a run whose report is about times alone. Raises `InputError` when
    `source` holds no finished run. The manifest is written last.
    """
    run = load_run(source)
    tables = {"cells": run.cells}
    if not cells_only:
        tables |= {"targets": _compact_targets(load_targets(source)), "traces": load_traces(source)}
    files = {f"{name}.parquet": _parquet(table) for name, table in tables.items()}
    facts: dict[str, Any] = dict(run.manifest) | {
        "compact": True,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    files["manifest.json"] = json.dumps(facts, indent=2, sort_keys=True).encode() + b"\n"
    for name, content in files.items():
        write_atomically(target / name, content)
    return sum(map(len, files.values()))


def _compact_targets(targets: pd.DataFrame) -> pd.DataFrame:
    residual = targets["relative_residual"].to_numpy(np.float64)
    miss = targets["estimate"].to_numpy(np.float64) - targets["value"].to_numpy(np.float64)
    # one scale per target: where a target was met exactly its scale is that of the cells that missed it
    scale = pd.Series(np.divide(miss, residual, out=np.full(len(residual), np.nan), where=residual != 0))
    scale = scale.groupby(targets["target"]).transform("median").fillna(1.0)
    kept = targets.drop(columns=["estimate", "relative_residual"])
    for column in ("cell", "target", "family"):
        kept[column] = kept[column].astype("category")
    return kept.assign(scale=scale.to_numpy(), relative_residual=_shortened(residual))


def _shortened(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The nearest float32 with `DROPPED_BITS` fewer significant bits; infinities and NaN stay."""
    single = values.astype(np.float32)
    bits = single.view(np.uint32)
    rounded = (bits + np.uint32(1 << DROPPED_BITS - 1)) & ~np.uint32((1 << DROPPED_BITS) - 1)
    return np.where(np.isfinite(single), rounded.view(np.float32), single)


def _parquet(table: pd.DataFrame) -> bytes:
    split = {"relative_residual": "BYTE_STREAM_SPLIT"} if "relative_residual" in table else None
    buffer = io.BytesIO()
    table.to_parquet(
        buffer,
        index=False,
        compression="zstd",
        compression_level=19,
        use_dictionary=[column for column in table if not split or column not in split],
        column_encoding=split,
    )
    return buffer.getvalue()
