"""What others add to a report: sections of Markdown, tables and figures that `write_report` puts into every format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from frontier.reporting.charts.style import LabelStyle

PREFIX = "statistics__"
Draw = Callable[[Mapping[str, LabelStyle]], Figure | None]


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One more section of a report.

    `blocks`   Markdown, as it stands in `report.md`
    `tables`   data frames by title: sortable on the page; files as CSV, Markdown and LaTeX
    `figures`  by caption, each drawn from the styles of the report's labels; None when there is nothing to draw
    `reading`  lines for "How to read this", as Markdown
    """

    title: str
    blocks: Sequence[str] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Draw] = field(default_factory=dict)
    reading: Sequence[str] = ()

    @property
    def body(self) -> list[str]:
        """The blocks with headings of the second level, which the section itself has, one level lower."""
        return [re.sub(r"^##(?=#* )", "###", block) for block in self.blocks]


def stems(titles: Iterable[str]) -> dict[str, str]:
    """A distinct file stem per title: `statistics__hypervolume-and-integrated-error`."""
    found: dict[str, str] = {}
    for title in titles:
        word = re.sub(r"[^\w.=-]+", "-", title).strip("-.").lower() or "unnamed"
        stem, copy = f"{PREFIX}{word}", 2
        while stem in found.values():
            stem, copy = f"{PREFIX}{word}-{copy}", copy + 1
        found[title] = stem
    return found
