"""A report as a list of blocks: what it says, apart from how that is written as Markdown, HTML or LaTeX.

A `Document` is a title and blocks; a `Section` is a heading with blocks of its own, to any depth. Sentences are
Markdown (`**bold**`, links); text from data goes through `markdown.escape` before it enters one. Cells of tables,
captions and titles are plain text, which every rendering escapes for itself; a cell that is to be more is a `Text`.
Nothing is drawn or written here: `write.py` does that, `markdown.py`, `latex.py` and `page/html.py` render.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from frontier.reporting.numbers import MISSING, significant

FOLD_ABOVE = 20  # longer tables are folded away, where they may be


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of Markdown, or a cell of a table."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list with a line of Markdown each."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of finished text; `numbers` are the columns set flush right, by place.

    One that is `foldable` is folded away where it has more than `FOLD_ABOVE` rows, one with a `fold` always, by that
    text.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str | Text]]
    numbers: Sequence[int] = ()
    foldable: bool = False
    fold: str = ""

    @property
    def folded(self) -> str:
        """What a reader unfolds it by (`42 cells`); empty where it stands open."""
        if self.fold:
            return self.fold
        return f"{len(self.rows):,} cells" if self.foldable and len(self.rows) > FOLD_ABOVE else ""


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """A data frame that stands in files beside the report and not in its text; a page can sort and filter it.

    `stem`   the name of its files: CSV with all columns; Markdown and LaTeX in words
    `title`  what a page calls it
    `words`  its tables in words, one below the other; None: `table_of` the frame
    """

    stem: str
    frame: pd.DataFrame
    title: str = ""
    words: Sequence[Table] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A figure that is drawn when the report is written; where `draw` gives None, the report has no such figure.

    `draw` is called within `charts.canvas.rc`.
    """

    stem: str
    caption: str
    draw: Callable[[], Figure | None]


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A heading with its blocks; one within another that is `folded` is folded away on the page."""

    title: str
    blocks: Sequence[Block]
    folded: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """What the interactive page draws by itself, and what stands in its place in every other rendering.

    `name`     of its template in `page/templates`
    `title`    what the page's list of sections calls it
    `instead`  the blocks that are not on the page
    """

    name: str
    title: str
    instead: Sequence[Block] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Lines of Markdown on how to read what is around it: they stand together at the end of a report (`lines_of`)."""

    lines: Sequence[str]


Block = Text | Bullets | Table | Data | Picture | Section | Live | Reading


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A whole report."""

    title: str
    blocks: Sequence[Block]


def walk(blocks: Iterable[Block]) -> Iterator[Block]:
    """Every block, those within another after it."""
    for block in blocks:
        yield block
        if isinstance(block, Section | Live):
            yield from walk(block.blocks if isinstance(block, Section) else block.instead)


def lines_of(blocks: Iterable[Block]) -> list[str]:
    """All lines on how to read the blocks, in their order."""
    return [line for block in walk(blocks) if isinstance(block, Reading) for line in block.lines]


def table_of(frame: pd.DataFrame) -> Table:
    """Any data frame in words: numbers at three significant digits, underscores of column names as spaces."""
    numbers = [place for place, kind in enumerate(frame.dtypes) if pd.api.types.is_numeric_dtype(kind)]
    header = [str(name).replace("_", " ") for name in frame.columns]
    return Table(header, [[_words(value) for value in row] for row in frame.itertuples(index=False)], numbers)


def _words(value: Any) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return MISSING
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    if pd.api.types.is_integer(value):
        return f"{value:,}"
    return significant(float(value)) if pd.api.types.is_float(value) else str(value)
