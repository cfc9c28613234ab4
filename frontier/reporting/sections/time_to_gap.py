"""Time to a gap: seconds until a solution is certified to within ε of its optimum, for the methods that have one."""

from __future__ import annotations

from frontier.analysis.time_to_gap import GAPS, time_to_gap
from frontier.reporting.document import Block, Data, Reading, Section, Table, Text
from frontier.reporting.numbers import MISSING, percent, seconds
from frontier.reporting.prepared import Prepared

PLACE = 46
READING = (
    "**Time to a gap.** The relative gap bounds how far a solution is from the optimum of its own problem, from its "
    "weights alone. Seconds are medians over the points (problem, split, λ or budget, seed) that got so close, shares "
    "of a path where it was solved at once; (80%) says how many of them did. Methods with the same objective may be "
    "compared, others only with care. A method with one tolerance has the same seconds at every gap that it passed.",
)


def blocks(run: Prepared) -> list[Block]:
    """The table; nothing for a run with fewer than two methods with a certificate and comparable seconds."""
    table = time_to_gap(run.first)
    if len(table) < 2:
        return []
    header = ["method", "points", *(f"gap ≤ {gap:g}" for gap in GAPS)]
    rows = []
    for row in table.to_dict("records"):
        told = []
        for gap in GAPS:
            share = row[f"reached_{gap:g}"]
            few = "" if share == 1 else f" ({percent(share, 2)})"
            told.append(seconds(row[f"seconds_{gap:g}"]) + few if share > 0 else MISSING)
        rows.append([row["label"], str(row["points"]), *told])
    name = "Time to a gap"
    shown = Table(header, rows, numbers=range(1, len(header)))
    about = "Seconds of a fit whose certified relative gap is at most ε, the median over the points that reached it."
    data = Data("statistics__time-to-gap", table, name, [shown])
    return [Section(name, [Text(about), shown]), data, Reading(READING)]
