"""The declared comparisons in full: sizes, errors, what would have been found, and the same by other metrics.

A run without held-out targets, or with a single label, has no such section.
"""

from __future__ import annotations

import pandas as pd

from frontier.analysis.heldout_metrics import METRICS
from frontier.analysis.paired_test import DEPENDS, UNDECIDED
from frontier.reporting.document import Block, Data, Reading, Section, Table, Text
from frontier.reporting.numbers import MISSING, count, percent, points, points_with_interval
from frontier.reporting.prepared import Prepared
from frontier.results.arms import arm_name

PLACE = 9
READING = (
    "**Metrics that agree.** The same comparison by eight readings of the same residuals: capped and plain mean, "
    "median, weighted by the targets' size, |log ratio|, RMSE, share beyond 100%, bias.",
)


def blocks(run: Prepared) -> list[Block]:
    """Two tables for each problem and design with something to compare; `InputError` for targets of other cells."""
    found = run.contrasts[0]
    told: list[Block] = []
    for key, title in run.titles.items():
        part = run.contrasts_of(key)[0]
        if len(part):
            by_metric = Text("The same by other readings of the same residuals, A − B:")
            told.append(Section(title, [_table(part), by_metric, _metrics(part)]))
    if not told:
        return []
    return [
        Section("Declared comparisons", [*told, Data("statistics__contrasts", found, "Contrasts")]),
        Reading(READING),
    ]


def _table(part: pd.DataFrame) -> Table:
    header = (
        *("A", "B", "records", "error of A", "error of B", "A − B, points (95%)", "found if above", "alike within"),
        *("training A − B", "verdict"),
    )
    rows = []
    for row in part.to_dict("records"):
        undecided = row["verdict"] in (UNDECIDED, DEPENDS)
        rows.append(
            [
                arm_name(row["a"], row["refit_a"]),
                arm_name(row["b"], row["refit_b"]),
                f"{count(row['low'])} to {count(row['high'])}",
                percent(row["mean_a"]),
                percent(row["mean_b"]),
                points_with_interval(row, "difference"),
                _size(row["detectable"]) if undecided else MISSING,
                _size(row["margin"]),
                points_with_interval(row, "training"),
                row["verdict"],
            ]
        )
    return Table(header, rows, numbers=range(3, 9))


def _metrics(part: pd.DataFrame) -> Table:
    header = ("A", "B", *(name.replace("_", " ") for name in METRICS), "like the capped mean")
    rows = []
    for row in part.to_dict("records"):
        arms = [arm_name(row["a"], row["refit_a"]), arm_name(row["b"], row["refit_b"])]
        like = f"{row['metrics_like']} of {len(METRICS)}"
        rows.append([*arms, *(points(row[f"difference_{name}"]) for name in METRICS), like])
    return Table(header, rows, numbers=range(2, len(header)))


def _size(difference: float) -> str:
    """A size of a difference in percentage points; those of capped errors end at 100."""
    if difference != difference:
        return MISSING
    return "above 100" if difference > 1 else f"{100 * difference:.2g}"
