"""A suggestion as lines of text: what was there, the table, the choice at every budget, and its command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from frontier.advice.choice import sacrificed
from frontier.core.text_table import aligned
from frontier.results.arms import ARMS

HEADER = ("records", "method", "refit", "totals off by", "worst", "weight", "ESS", "largest", "lost", "distribution")
LEFT = (1, 2)  # columns of text
LEGEND = (
    "→ chosen   = level with it   * not in order: not of the size asked for, further from the totals than twice the "
    "best, or 10% of the total weight moved"
)


def lines(
    table: pd.DataFrame,
    *,
    name: str,
    shape: tuple[int, int],
    errors: tuple[float, float],
    statistics: int,
    missing: Mapping[str, int],
    params: Mapping[str, Mapping[str, Any]],
    problem: str,
) -> list[str]:
    """All lines; `errors` on the totals are those of the initial weights and of the whole calibrated file."""
    m, n = shape
    lost = (
        f"lost: how far {statistics:,} statistics that no target fixes are off, on average, from those of the whole "
        "calibrated file (at most 100% each)"
    )
    rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    choices = [
        line
        for row in rows
        if row["chosen"]
        for line in (_choice(row, table), f"  {command(row, params[row['method']], problem)}")
    ]
    return [
        f"{name}: {m:,} targets × {n:,} records",
        f"initial weights miss the totals by {errors[0]:.2%} on average; the whole file, calibrated, {errors[1]:.2%}",
        f"{min(m, n):,} records can meet the totals as well as the whole file does (one per target), but stand for "
        "nothing else",
        lost if statistics else "nothing is known of the records that no target fixes: what is lost cannot be said",
        *(f"{count:,} records have no {amount}: its statistics leave them out" for amount, count in missing.items()),
        "",
        *_aligned(rows),
        LEGEND,
        "",
        *choices,
    ]


def command(row: Mapping[str, Any], params: Mapping[str, Any], problem: str, out: str = "weights.parquet") -> str:
    """The command line that writes the weights of a row of the table."""
    settings = [word for name, value in params.items() for word in ("--set", f"{name}={value}")]
    chosen = ["--method", str(row["method"]), "--budget", str(row["budget"]), *settings, "--refit", str(row["refit"])]
    return shlex.join(["frontier", "fit", problem, *chosen, "--out", out])


def _aligned(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table, with a gap between budgets of several methods."""
    header, *lines = aligned([HEADER, *map(_cells, rows)], LEFT)
    gaps = [[""] if i and row["chosen"] else [] for i, row in enumerate(rows)]
    return [header, *(text for gap, line in zip(gaps, lines, strict=True) for text in (*gap, line))]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    mark = "→ " if row["chosen"] else "= " if row["level"] else "  "
    lost = _percent(row["lost"], 1)
    if lost and row["lost_most"] - row["lost_least"] >= 0.0005:
        lost += f" ({row['lost_least']:.1%}–{row['lost_most']:.1%})"
    return (
        f"{mark}{row['records']:,.0f}",
        f"{row['method']}{'' if row['in_order'] else ' *'}",
        ARMS[row["refit"]],
        _percent(row["error"], 2),
        _percent(row["worst"], 1),
        _percent(row["weight"], 0),
        f"{row['ess']:,.0f}",
        f"{row['largest']:,.1f}",
        lost,
        _percent(row["distribution"], 1),
    )


def _percent(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}%}"


def _choice(row: Mapping[str, Any], table: pd.DataFrame) -> str:
    """One budget's answer, and what a method that loses less would cost."""
    line = f"{row['budget']:,} records: {row['method']} ({ARMS[row['refit']]}) misses the totals by {row['error']:.2%}"
    line += "" if pd.isna(row["lost"]) else f" and loses {row['lost']:.1%}"
    if (other := sacrificed(table, row)) is not None:
        line += f"; {other['method']} loses less ({other['lost']:.1%}), but {_why_not(other)}"
    return line if row["in_order"] else f"{line}; nothing is in order at this size"


def _why_not(row: Mapping[str, Any]) -> str:
    if not row["reached"]:
        return f"has {row['records']:,.0f} records"
    if not row["meets"]:
        return f"misses the totals by {row['error']:.2%}"
    return f"has {row['weight']:.0%} of the weight"
