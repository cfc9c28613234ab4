"""The frontier statistics of a report in Markdown: hypervolume and integrated held-out error with their intervals.

One table per problem and design, smallest integrated error first. The frame is that of
`frontier.analysis.frontier_statistics`, which this does not import; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from frontier.reporting.budgets import ARMS
from frontier.reporting.markdown import escape, markdown_table
from frontier.reporting.numbers import MISSING, count, percent

HEADER = ("method", "arm", "seeds", "integrated held-out error", "hypervolume", "interval over", "note")
READING = (
    "**Integrated held-out error.** The mean over ln k of the held-out error (each target capped at 100%) along a "
    "method's points, over the range of records that gives most pairs of methods to compare. Smaller is better. A "
    "method that does not span the range has none: nothing is extrapolated.",
    "**Hypervolume.** The share of the plane of ln k and capped held-out error, up to all records and 100%, that a "
    "method's points dominate. Larger is better. It takes the best point at each size by its held-out error, so it "
    "flatters noisy methods; a method that stops early is charged for the sizes it leaves.",
    "**[low, high].** 95% BCa bootstrap interval, seeds and held-out targets drawn jointly for all methods, targets by "
    "family where there are at least five families. *For these families* (or *targets*): too few to stand for others, "
    "so the interval says nothing beyond them. With few seeds or families it is too narrow: in simulations with normal "
    "effects it covered 89% with 5 seeds and 11 families, 83% with one seed and 5 families. Overlapping intervals are "
    "no test: methods share seeds and targets.",
)


def statistics_blocks(statistics: pd.DataFrame, titles: Mapping[tuple[str, str], str]) -> list[str]:
    """A heading, a sentence and a table for each problem and design; `titles` names those that have a better name."""
    blocks = []
    for key, part in statistics.groupby(["problem", "design"], sort=True):
        problem, design = (str(name) for name in key)
        blocks.append(f"## Frontier statistics: {escape(titles.get((problem, design), f'{problem}, {design}'))}")
        blocks.append(_sentence(part))
        ordered = part.sort_values(["integrated_error", "label", "refit"], na_position="last", kind="stable")
        rows = [_row({str(name): value for name, value in row.items()}) for row in ordered.to_dict("records")]
        blocks.append(markdown_table(HEADER, rows, right=HEADER[2:5]))
    return blocks


def _sentence(part: pd.DataFrame) -> str:
    first = part.iloc[0]
    splits = "1 split" if first["n_splits"] == 1 else f"{first['n_splits']} splits"
    families = "1 held-out family" if first["n_families"] == 1 else f"{first['n_families']} held-out families"
    if pd.isna(first["k_low"]):
        return f"{splits}, {families}. No range of records is common to two methods."
    return f"{splits}, {families}. Integrated from {count(first['k_low'])} to {count(first['k_high'])} records."


def _row(row: Mapping[str, Any]) -> list[str]:
    return [
        escape(row["label"]),
        ARMS.get(row["refit"], escape(row["refit"])),
        str(row["n_seeds"]),
        _with_interval(row, "integrated_error", percent),
        _with_interval(row, "hypervolume", lambda value: f"{value:.3f}"),
        escape(row["uncertainty"]),
        escape(row["reason"]),
    ]


def _with_interval(row: Mapping[str, Any], name: str, text: Any) -> str:
    value, low, high = (row[name + end] for end in ("", "_low", "_high"))
    if pd.isna(value):
        return MISSING
    return text(value) if pd.isna(low) else f"{text(value)} [{text(low)}, {text(high)}]"
