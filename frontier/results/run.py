"""A finished run as it is read back: its tables, its manifest, its name.

Every table must have the sha256 that the manifest states. Compact runs
(`results/compact.py`) are read like the runs that they were made from. How a run is written is in `results/store.py`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from frontier.core.errors import InputError
from frontier.core.files import read_limited
from frontier.results.manifest import read_manifest

LARGEST_TABLE_BYTES = 1 << 32


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The tables of one run or baseline, or of several joined; `targets` and `traces` are None when not known."""

    cells: pd.DataFrame
    manifest: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    targets: pd.DataFrame | None = None
    traces: pd.DataFrame | None = None


def load_run(folder: Path, *, targets: bool = False, traces: bool = False) -> Run:
    """The run in a results folder, named after its experiment; `InputError` when none was finished there.

    `targets` (where the run has kept them) and `traces` are read when asked for.
    """
    cells, manifest = _read_table(folder, "cells.parquet")
    return Run(
        cells,
        manifest,
        str(manifest.get("experiment") or folder.name),
        load_targets(folder) if targets and (folder / "targets.parquet").is_file() else None,
        load_traces(folder) if traces else None,
    )


def load_targets(folder: Path) -> pd.DataFrame:
    """Estimates and residuals of a run, one row per row of cells and target; `InputError` as `load_run`.

    Columns: cell, target, family, heldout, value and estimate (target units), relative_residual.
    """
    table = _read_table(folder, "targets.parquet")[0]
    if "scale" not in table:
        return table
    residual = table["relative_residual"].astype("float64")  # a compact run
    estimate = table["value"] + table["scale"] * residual
    return table.drop(columns="scale").assign(estimate=estimate, relative_residual=residual)


def load_traces(folder: Path) -> pd.DataFrame:
    """Convergence traces of a run (cell, quantity, step, value), empty for a run from before they were kept."""
    if not (folder / "traces.parquet").is_file():
        return pd.DataFrame({"cell": [], "quantity": [], "step": [], "value": []})
    return _read_table(folder, "traces.parquet")[0]


def _read_table(folder: Path, name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    path = folder / name
    if not path.is_file():
        raise InputError(folder, f"no {name}", expected="a results folder", cure="run `python -m frontier.run` first")
    manifest = read_manifest(folder)
    cure = "run the experiment again: finished batches are kept"
    try:
        content = read_limited(path, LARGEST_TABLE_BYTES)
        stated = manifest.get("sha256")
        if not isinstance(stated, dict) or name not in stated:
            raise InputError(folder / "manifest.json", f"states no sha256 of {name}: edited", cure=cure)
        if hashlib.sha256(content).hexdigest() != stated[name]:
            raise InputError(path, "checksum mismatch: truncated, altered or half written", cure=cure)
        return pd.read_parquet(io.BytesIO(content)), manifest
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read: {error}", cure=cure) from None
