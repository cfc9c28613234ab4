"""The tables of a run, assembled from its finished batches and written beside them (`results.store` says which)."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.files import write_atomically
from frontier.core.problem import CalibrationProblem, Split
from frontier.results.schema import cells_table
from frontier.results.store import BatchResult
from frontier.results.supports import overlaps

Estimated = tuple[str, CalibrationProblem, Split, FloatArray]  # of a row of cells: its name, and what it estimates
Traced = tuple[str, str, Sequence[float]]  # a cell, what was followed, its value step by step


def write_tables(
    folder: Path,
    parts: Iterable[tuple[str, Split, BatchResult]],
    problems: Mapping[str, CalibrationProblem],
    manifest: Mapping[str, Any],
) -> pd.DataFrame:
    """Write the tables, weights and manifest of finished batches (problem label, split, result), in plan order.

    Returns the cells table.
    """
    rows: list[dict[str, Any]] = []
    weights: dict[str, list[sp.csr_array]] = {label: [] for label in problems}
    targets: list[Estimated] = []
    traces: list[Traced] = []
    counts = dict.fromkeys(problems, 0)
    for label, split, result in parts:
        for row, estimate, trace in zip(result.rows, result.estimates, result.traces, strict=True):
            # a batch stored before there were repeats is repeat 0
            rows.append({"repeat": 0} | row | {"weights_row": counts[label]})
            counts[label] += 1
            if not np.isnan(estimate).any():
                targets.append((row["cell"], problems[label], split, estimate))
            if row.get("refit", "none") == "none":
                traces += [(row["cell"], name, values) for name, values in trace.items()]
        weights[label].append(result.weights)
    stacked = {label: sp.csr_array(sp.vstack(parts)) for label, parts in weights.items() if parts}
    table = _with_overlaps(cells_table(rows), stacked)
    files: dict[str, bytes] = {
        "cells.parquet": _parquet(table),
        "cells.csv": table.to_csv(index=False).encode(),
        "targets.parquet": _parquet(_target_table(targets)),
        "traces.parquet": _parquet(_trace_table(traces)),
    }
    files |= {f"weights/{label}.npz": _npz(matrix) for label, matrix in stacked.items()}
    facts = dict(manifest) | {"sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}}
    files["manifest.json"] = json.dumps(facts, indent=2, sort_keys=True).encode() + b"\n"
    for name, content in files.items():
        write_atomically(folder / name, content)
    return table


def _with_overlaps(cells: pd.DataFrame, weights: Mapping[str, sp.csr_array]) -> pd.DataFrame:
    """The cells with the columns of `results.supports`, which only the weights can tell."""
    found = [overlaps(cells[cells["problem"] == label], matrix) for label, matrix in weights.items()]
    return cells.join(pd.concat(found)) if found else cells


def _target_table(rows: Sequence[Estimated]) -> pd.DataFrame:
    """A row for each row of cells and target: by whole columns, for a table of each would take a millisecond."""
    if not rows:
        return pd.DataFrame()
    names = np.array([name for name, *_ in rows], dtype=object)
    return pd.DataFrame(
        {
            "cell": np.repeat(names, [estimate.size for *_, estimate in rows]),
            "target": [name for _, problem, _, _ in rows for name in problem.target_names],
            "family": [family for _, problem, _, _ in rows for family in problem.families],
            "heldout": np.concatenate([split.heldout for _, _, split, _ in rows]),
            "value": np.concatenate([problem.y for _, problem, _, _ in rows]),
            "estimate": np.concatenate([estimate for *_, estimate in rows]),
            "relative_residual": np.concatenate(
                [(estimate - problem.y) / problem.scale for _, problem, _, estimate in rows]
            ),
        }
    )


def _trace_table(rows: Sequence[Traced]) -> pd.DataFrame:
    """A row for each step of each trace."""
    if not rows:
        return pd.DataFrame()
    steps = [len(values) for *_, values in rows]
    return pd.DataFrame(
        {
            "cell": np.repeat(np.array([cell for cell, *_ in rows], dtype=object), steps),
            "quantity": np.repeat(np.array([quantity for _, quantity, _ in rows], dtype=object), steps),
            "step": np.concatenate([np.arange(count) for count in steps]),
            "value": np.concatenate([np.asarray(values) for *_, values in rows]),
        }
    )


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _npz(matrix: sp.csr_array) -> bytes:
    buffer = io.BytesIO()
    sp.save_npz(buffer, matrix)
    return buffer.getvalue()
