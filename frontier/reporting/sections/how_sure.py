"""How sure the answer is: every declared comparison with its interval and verdict, and a forest plot of the families.

A run without held-out targets, or with a single label, has no such section.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from frontier.analysis.contrasts import ARMS
from frontier.analysis.heldout_metrics import METRICS
from frontier.analysis.paired_test import DEPENDS, OUT_OF_REACH
from frontier.reporting.charts.forest_figure import forest_figure
from frontier.reporting.document import Block, Picture, Reading, Section, Table, Text
from frontier.reporting.numbers import points_with_interval
from frontier.reporting.prepared import Prepared
from frontier.results.arms import arm_name

PLACE = 4
FRONT = True
READING = (
    "**Declared comparisons.** An experiment names the comparisons that it is made for before it is run (without any, "
    "the two camps are compared, or the first method with every other). Each is one test: both arms' held-out errors, "
    "capped at 100% a target, averaged over ln k between the sizes given. A winner is found after Holm's adjustment "
    "for the comparisons of the problem and design: with a probability of 95% no winner is false. Every other number "
    "of a report is exploratory.",
    "**Verdicts.** *Depends on family*: single families contradict each other beyond the seeds. *Level*: within one "
    "percentage point, shown. *Undecided* is not *level*: beside it stand the smallest difference that would have been "
    "found in 80 of 100 repetitions, and the smallest margin within which the two are shown to be alike. *Out of "
    "reach*: no difference could have been found. *Too few folds*: fewer than five.",
    "**What an interval covers.** Folds: targets like these, with the records as they are; a single split with few "
    "families: the methods' seeds only. Other samples of records are in none of them.",
)


def blocks(run: Prepared) -> list[Block]:
    """A part for each problem and design of the first page with something to compare."""
    told: list[Block] = []
    for key in run.front:
        part, families = run.contrasts_of(key)
        if part.empty:
            continue
        title = run.titles[key]
        draw = partial(forest_figure, part, families, title)
        inside: list[Block] = [
            Text(tally(part)),
            _table(part, families),
            Picture(f"{run.stems[key]}__forest", f"Held-out errors family by family: {title}", draw),
        ]
        told += inside if len(run.front) == 1 else [Section(title, inside, folded=bool(told))]
    return [Section("How sure", told), Reading(READING)] if told else []


def tally(part: pd.DataFrame) -> str:
    """How many comparisons are decided, or could not have been; what the intervals are over; where metrics differ."""
    verdicts, n = part["verdict"], len(part)
    won, depend = int(verdicts.str.endswith("better").sum()), int((verdicts == DEPENDS).sum())
    reach, turned = int((verdicts == OUT_OF_REACH).sum()), int((part["metrics_like"] < len(METRICS)).sum())
    if n == 1:
        told = "The comparison " + ("has a winner" if won else "depends on the family" if depend else "has no winner")
        told += ", and no difference could have given it one" if reach else ""
        told += f"; its sign {'changes' if turned else 'does not change'} with the metric"
    else:
        told = f"Of {n} comparisons {won or 'none'} {'have' if won > 1 else 'has'} a winner"
        told += f", {depend} {'depends' if depend == 1 else 'depend'} on the family" if depend else ""
        told += f", {reach} could not have been decided by any difference" if reach else ""
        told += f". {f'The sign of {turned} changes' if turned else 'No sign changes'} with the metric"
    found = part.groupby("basis", sort=False).size()
    bases = [f"{basis} ({k} of {n})" if len(found) > 1 else str(basis) for basis, k in found.items()]
    return f"{told}. Intervals are over {'; or '.join(bases)}."


def _table(part: pd.DataFrame, families: pd.DataFrame) -> Table:
    header = ("A", "B", "A − B, points (95%)", "verdict", "smaller error", "metrics that agree", "training error")
    rows = []
    for row in part.to_dict("records"):
        mine = families[(families[ARMS] == pd.Series(row)[ARMS]).all(axis=1)]
        fewer, more = int((mine["difference"] < 0).sum()), int((mine["difference"] > 0).sum())
        rows.append(
            [
                arm_name(row["a"], row["refit_a"]),
                arm_name(row["b"], row["refit_b"]),
                points_with_interval(row, "difference"),
                row["verdict"],
                f"A in {fewer}, B in {more} families",
                f"{row['metrics_like']} of {len(METRICS)}",
                row["outcome"],
            ]
        )
    return Table(header, rows, numbers=(2,))
