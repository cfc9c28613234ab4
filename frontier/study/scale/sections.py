"""Sections of the scale report that a run or a table of its own is for: shapes, areas, blocks, work sent elsewhere.

Each is empty where its table is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from frontier.reporting.document import Block, Section, Table, Text
from frontier.reporting.markdown import escape
from frontier.reporting.numbers import MISSING, seconds, significant

GIB = 2.0**30

Row = Mapping[Any, Any]


def with_interval(value: float, error: float, freedom: int) -> str:
    """A coefficient with its 95% interval, `value ± t se` on so many degrees of freedom; alone where there are none."""
    if np.isnan(value):
        return MISSING
    if freedom < 1 or np.isnan(error):
        return f"{value:.2f}"
    half = float(stdtrit(freedom, 0.975)) * error
    return f"{value:.2f} ({value - half:.2f} to {value + half:.2f})".replace("-", "−")


def shapes_section(found: pd.DataFrame | None) -> list[Block]:
    """Exponents in records and targets apart, where there is a run for them."""

    def shown(row: Row) -> list[str]:
        free = row["points"] - row["parameters"]
        powers = [with_interval(row[k], row[f"{k}_se"], free) for k in ("records", "targets", "entries")]
        return [row["label"], str(row["points"]), *powers]

    about = "Records with the same entries each, at the same targets; targets over which the same entries are spread; "
    about += "entries per record at the same records and targets. Each with its 95% interval."
    if found is not None and found["processor"].iloc[:1].any():
        about += f" Measured on {escape(found['processor'].iloc[0])}."
    header = ("method", "problems", "in records", "in targets", "in entries per record")
    return _section("Records, targets and density apart", about, found, header, shown, range(1, 5))


def areas_section(found: pd.DataFrame | None) -> list[Block]:
    """What files of areas took, cut by area and as one problem, where there is a run for them."""

    def shown(row: Row) -> list[str]:
        return [
            row["problem"],
            row["label"],
            _size(row),
            seconds(row["seconds"]),
            seconds(row["cpu_seconds"]),
            significant(row["peak_bytes"] / GIB),
            MISSING if np.isnan(row["relative_gap"]) else f"{row['relative_gap']:.1e}",
            row["status"],
        ]

    ordered = None if found is None else found.sort_values(["nnz", "problem", "label"], kind="stable")
    header = ("file", "method", "records × targets", "seconds", "CPU seconds", "peak GiB", "gap", "ended")
    about = "650 areas: *apart*, each is a problem of its own (`partition: area`; seconds add up over areas, one after "
    about += "the other, the peak is that of the process with the whole file); *above*, all are one, with totals above."
    return _section("Files of areas", about, ordered, header, shown, range(2, 7))


def blocks_section(found: pd.DataFrame | None) -> list[Block]:
    """Newton steps by blocks against conjugate gradients on files of areas, where that was measured."""

    def shown(row: Row) -> list[str]:
        return [
            row["method"],
            _size(row),
            seconds(row["blocks"]),
            seconds(row["conjugate"]),
            f"{row['ratio']:.2g} ({row['least']:.2g}–{row['most']:.2g})",
            str(row["steps"]),
            row["status"],
        ]

    header = ("method", "records × targets", "by blocks", "conjugate gradients", "ratio (min–max)", "steps", "ended")
    about = "A file of areas with totals above them, fitted as one problem: Newton steps that go area by area with the "
    about += "shared totals as a border, beside the same fit by conjugate gradients alone."
    return _section("Areas under shared totals", about, found, header, shown, range(2, 6))


def overhead_section(found: pd.DataFrame | None) -> list[Block]:
    """What sending a problem costs, where it was measured."""

    def shown(row: Row) -> list[str]:
        costs = (with_interval(row[k], row[f"{k}_se"], row["sizes"] - 2) for k in ("seconds", "per_gigabyte"))
        return [row["engine"], str(row["sizes"]), *costs]

    header = ("engine", "sizes", "seconds per batch", "seconds per gigabyte sent")
    about = "Wall time beyond that of the same batch in the client's own process, on one machine: copies, no network. "
    about += "Two workers are each sent the matrix. Each with its 95% interval."
    return _section("Solved elsewhere", about, found, header, shown, range(1, 4))


def _section(
    title: str,
    about: str,
    found: pd.DataFrame | None,
    header: Sequence[str],
    shown: Callable[[Row], list[str]],
    numbers: range,
) -> list[Block]:
    """A section with a line of text and a table with a row for each of `found`; nothing where there is none."""
    if found is None or found.empty:
        return []
    return [Section(title, [Text(about), Table(header, [shown(row) for row in found.to_dict("records")], numbers)])]


def _size(row: Row) -> str:
    return f"{row['n_records']:,} × {row['n_targets']:,}"
