"""What a report says beyond its cells: frontier statistics, attainment surfaces, and who wins where.

Frames come from `frontier.analysis`, words and pictures from `frontier.reporting`; this connects them, problem by
problem and design by design. A run without held-out targets, or with a single method, has no such sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from frontier.analysis.attainment import attainment, attainment_difference
from frontier.analysis.band_errors import band_errors, default_bands
from frontier.analysis.curves import frontier_points
from frontier.analysis.frontier_statistics import frontier_statistics
from frontier.analysis.pairwise import pairwise_verdicts, train_shares
from frontier.results.designs import designs

if TYPE_CHECKING:
    from frontier.reporting.extra import Section

CAMPS = ("hard_concrete", ("anchored_l1", "fista"))  # whose arms the figures of two arms compare, the first there is
Key = tuple[str, str]  # problem and design
Arm = tuple[str, str]  # label and refit


def report_sections(cells: pd.DataFrame, targets: pd.DataFrame | None, manifest: Mapping[str, Any]) -> list[Section]:
    """The sections of a run's report; deterministic. Raises `InputError` when `targets` are not those of `cells`."""
    from frontier.reporting.facts import design_title

    if targets is None or targets.empty or not targets["heldout"].any() or cells["label"].nunique() < 2:
        return []
    titles: dict[Key, str] = {}
    for key, part in cells.groupby(["problem", designs(cells)], sort=True):
        problem, design = (str(name) for name in key)
        titles[problem, design] = design_title(manifest, problem, design, sorted(part["split"].unique()))
    return [_statistics(cells, targets, manifest, titles), _who_wins(cells, targets, titles)]


def _statistics(
    cells: pd.DataFrame, targets: pd.DataFrame, manifest: Mapping[str, Any], titles: Mapping[Key, str]
) -> Section:
    from frontier.reporting.charts.attainment_figure import attainment_figure, difference_figure
    from frontier.reporting.extra import Draw, Section
    from frontier.reporting.sections.statistics import READING, statistics_blocks

    sizes = {problem: int(facts["n_records"]) for problem, facts in manifest["problems"].items()}
    frame = frontier_statistics(cells, targets, n_records=sizes)
    surfaces = attainment(cells)
    camps = _camps(cells)
    differences = attainment_difference(cells, *camps) if camps else surfaces.iloc[:0]
    figures: dict[str, Draw] = {}
    for key, title in titles.items():
        some, between = _of(surfaces, key), _of(differences, key)
        if len(some):
            figures[f"Attainment surfaces: {', '.join(key)}"] = partial(_draw, attainment_figure, some, title)
        if camps and len(between):
            caption = f"Attainment of {camps[0][0]} and {camps[1][0]}: {', '.join(key)}"
            figures[caption] = partial(_draw_unstyled, difference_figure, between, some, title)
    return Section(
        "Frontier statistics", statistics_blocks(frame, titles), {"Frontier statistics": frame}, figures, READING
    )


def _who_wins(cells: pd.DataFrame, targets: pd.DataFrame, titles: Mapping[Key, str]) -> Section:
    from frontier.reporting.charts.pairwise_figure import pairwise_figure
    from frontier.reporting.charts.versus_figure import versus_figure
    from frontier.reporting.extra import Draw, Section
    from frontier.reporting.markdown import escape
    from frontier.reporting.sections.pairwise import READING, pairwise_blocks
    from frontier.reporting.standings import arm_name

    errors = band_errors(cells, targets, bands=default_bands(cells))
    frame = pairwise_verdicts(errors, train_share=train_shares(targets, cells))
    camps = _camps(cells)
    blocks: list[str] = []
    figures: dict[str, Draw] = {}
    for key, title in titles.items():
        part = _of(frame, key)
        if part.empty:
            continue
        blocks += [f"### {escape(title)}", *pairwise_blocks(part)]
        figures[f"Who wins where: {', '.join(key)}"] = partial(_draw_unstyled, pairwise_figure, part, title)
        if camps:
            caption = f"{camps[0][0]} against every other method: {', '.join(key)}"
            above = f"{arm_name(*camps[0])}: its error minus that of each rival\n{title}"
            figures[caption] = partial(_draw_unstyled, versus_figure, part, camps[0], above)
    if not blocks:
        blocks = ["No band of records is covered by two methods: nothing can be compared at equal size."]
    return Section("Who wins where", blocks, {"Pairwise verdicts": frame}, figures, READING)


def _camps(cells: pd.DataFrame) -> tuple[Arm, Arm] | None:
    """The arms that stand for the two camps, refit where both are; None when one of them has no point in the run."""
    cells = frontier_points(cells)
    found = [
        next((part.iloc[0] for name in names if len(part := cells[cells["method"] == name])), None)
        for names in ((CAMPS[0],), CAMPS[1])
    ]
    if any(row is None for row in found):
        return None
    labels = [str(row["label"]) for row in found if row is not None]
    common = [set(cells.loc[cells["label"] == label, "refit"]) for label in labels]
    refit = "fitted" if all("fitted" in refits for refits in common) else "none"
    return (labels[0], refit), (labels[1], refit)


def _of(frame: pd.DataFrame, key: Key) -> pd.DataFrame:
    return frame[(frame["problem"] == key[0]) & (frame["design"] == key[1])]


def _draw(figure: Any, frame: pd.DataFrame, title: str, styles: Mapping[str, Any]) -> Any:
    return figure(frame, styles, title)


def _draw_unstyled(figure: Any, *given: Any) -> Any:
    return figure(*given[:-1])  # the last are the styles: colour says who is better here
