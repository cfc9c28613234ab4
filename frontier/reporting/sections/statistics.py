"""Frontier statistics: hypervolume and integrated held-out error with their intervals, and attainment surfaces.

One table per problem and design, smallest integrated error first. A run without held-out targets, or with a single
label, has no such section.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from frontier.analysis.attainment import attainment, attainment_difference
from frontier.analysis.frontier_statistics import frontier_statistics
from frontier.reporting.charts.attainment_figure import attainment_figure, difference_figure
from frontier.reporting.document import Block, Data, Picture, Reading, Section, Table, Text
from frontier.reporting.numbers import MISSING, count, percent
from frontier.reporting.prepared import Key, Prepared, part_of
from frontier.results.arms import arm_name, arm_words

PLACE = 20
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


def blocks(run: Prepared) -> list[Block]:
    """A table for each problem and design, then the figures; `InputError` when the targets are of other cells."""
    if not run.can_compare or run.targets is None:
        return []
    sizes = {problem: int(facts["n_records"]) for problem, facts in run.manifest["problems"].items()}
    frame = frontier_statistics(run.stored, run.targets, n_records=sizes)
    name = "Frontier statistics"
    told: list[Block] = [*statistics_blocks(frame, run.titles), *_figures(run)]
    return [Section(name, [*told, Data("statistics__frontier-statistics", frame, name), Reading(READING)])]


def _figures(run: Prepared) -> list[Block]:
    surfaces = attainment(run.stored)
    there = set(zip(surfaces["label"], surfaces["refit"], strict=True))
    given = [pair for pair in run.declared if there.issuperset(pair)]  # an arm may have no held-out error anywhere
    differences = attainment_difference(run.stored, *given[0]) if given else surfaces.iloc[:0]
    found: list[Block] = []
    for key, title in run.titles.items():
        some, between, where = part_of(surfaces, key), part_of(differences, key), ", ".join(key)
        draw = partial(attainment_figure, some, run.styles, title)
        found.append(Picture(f"{run.stems[key]}__attainment", f"Attainment surfaces: {where}", draw))
        if given and len(between):
            caption = f"Attainment of {arm_name(*given[0][0])} and {arm_name(*given[0][1])}: {where}"
            draw = partial(difference_figure, between, some, title)
            found.append(Picture(f"{run.stems[key]}__camps", caption, draw))
    return found


def statistics_blocks(statistics: pd.DataFrame, titles: Mapping[Key, str]) -> list[Section]:
    """A sentence and a table for each problem and design; `titles` names those that have a better name."""
    sections = []
    for key, part in statistics.groupby(["problem", "design"], sort=True):
        problem, design = (str(name) for name in key)
        ordered = part.sort_values(["integrated_error", "label", "refit"], na_position="last", kind="stable")
        rows = [_row({str(name): value for name, value in row.items()}) for row in ordered.to_dict("records")]
        title = titles.get((problem, design), f"{problem}, {design}")
        table = Table(HEADER, rows, numbers=range(2, 5))
        sections.append(Section(f"Frontier statistics: {title}", [Text(_sentence(part)), table]))
    return sections


def _sentence(part: pd.DataFrame) -> str:
    first = part.iloc[0]
    splits = "1 split" if first["n_splits"] == 1 else f"{first['n_splits']} splits"
    families = "1 held-out family" if first["n_families"] == 1 else f"{first['n_families']} held-out families"
    if pd.isna(first["k_low"]):
        return f"{splits}, {families}. No range of records is common to two methods."
    return f"{splits}, {families}. Integrated from {count(first['k_low'])} to {count(first['k_high'])} records."


def _row(row: Mapping[str, Any]) -> list[str | Text]:
    return [
        str(row["label"]),
        arm_words(row["refit"]),
        str(row["n_seeds"]),
        _with_interval(row, "integrated_error", percent),
        _with_interval(row, "hypervolume", lambda value: f"{value:.3f}"),
        str(row["uncertainty"]),
        str(row["reason"]),
    ]


def _with_interval(row: Mapping[str, Any], name: str, text: Any) -> Text:
    value, low, high = (row[name + end] for end in ("", "_low", "_high"))
    if pd.isna(value):
        return Text(MISSING)
    return Text(text(value) if pd.isna(low) else f"{text(value)} [{text(low)}, {text(high)}]")
