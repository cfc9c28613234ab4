"""Performance profiles: how often each method is best, or near it, over all problems, splits and budgets of a run."""

from __future__ import annotations

from frontier.analysis.arena import HIDDEN, judged_by
from frontier.analysis.profiles import FACTORS, HELD_OUT, profiles
from frontier.reporting.document import Block, Data, Reading, Section, Table, Text
from frontier.reporting.numbers import significant
from frontier.reporting.prepared import Prepared
from frontier.results.arms import arm_name

PLACE = 45
READING = (
    "**How often near the best.** A comparison is one problem, split and budget; each method stands at the arm with "
    "the smaller mean error. A share within 1.1 of the best counts the comparisons in which its error is at most 10% "
    "above the least one there; a budget that it did not serve is within no factor. Adding a method to a run can turn "
    "the order of the others (Gould & Scott 2016).",
)


def blocks(run: Prepared) -> list[Block]:
    """The table; nothing for a run with too few comparisons."""
    table = profiles(run.stored)
    if len(table) < 2:
        return []
    error = "hidden error" if judged_by(run.stored, HELD_OUT) == HIDDEN else "held-out error"
    first = table.iloc[0]
    told = (
        f"Over {first['comparisons']} comparisons (problem, split, budget) by {error}: the share in which a method is "
        "the best, or within a factor of it."
    )
    header = ["method", "best", *(f"within {factor:g}" for factor in FACTORS[1:]), "median ratio", "worst", "served"]
    rows = [
        [
            arm_name(row["label"], row["refit"]),
            *(f"{100 * row[f'within_{factor:g}']:.0f}%" for factor in FACTORS),
            significant(row["median"]),
            significant(row["worst"]),
            f"{row['served']} of {row['comparisons']}",
        ]
        for row in table.to_dict("records")
    ]
    shown = Table(header, rows, numbers=range(1, len(header)))
    data = Data("statistics__profiles", table, "How often near the best", [shown])
    return [Section("How often near the best", [Text(told), shown]), data, Reading(READING)]
