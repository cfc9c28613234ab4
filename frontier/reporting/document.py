"""A report as a list of blocks: what it says, apart from how that is written as Markdown, HTML or LaTeX.

A `Document` is a title and blocks; a `Section` is a heading with blocks of its own, to any depth. Sentences are
Markdown (`**bold**`, links); text from data goes through `markdown.escape` before it enters one. Cells of tables,
captions and titles are plain text, which every rendering escapes for itself. Nothing is drawn or written here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from frontier.reporting.charts.chart import Chart


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph of Markdown."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list with a line of Markdown each."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of finished text; `numbers` are the columns set flush right, by place.

    `stem`   the name of its files (CSV, Markdown, LaTeX) beside the report; None: it has none
    `frame`  what the CSV holds and the page sorts by, where that is more than the text; needs a `stem`
    `folded` what a reader unfolds it by ("42 cells"); None: it stands open
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()
    stem: str | None = None
    frame: pd.DataFrame | None = None
    folded: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A figure that is only a file: drawn by `draw` (None: nothing to draw) within `charts.canvas.rc`."""

    stem: str
    caption: str
    draw: Callable[[], Figure | None]


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A heading with its blocks."""

    title: str
    blocks: Sequence[Block]


Block = Text | Bullets | Table | Chart | Picture | Section


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A whole report."""

    title: str
    blocks: Sequence[Block]
