"""Writes a document into a folder: its Markdown, its page, its figures, and its data as tables in files.

Everything is written beside the report first and moved in at the end, so a failure leaves the earlier report whole.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import matplotlib

from frontier.core.errors import InputError
from frontier.reporting.charts.canvas import rc
from frontier.reporting.charts.chart import Chart
from frontier.reporting.charts.figures import save
from frontier.reporting.document import Block, Data, Document, Picture, Section, Text, table_of, walk
from frontier.reporting.latex import latex
from frontier.reporting.markdown import markdown, table_markdown

PAGE = "index.html"
Page = Callable[[Document, Mapping[str, Path]], str]  # from the document and its PNG files by stem


def write_document(
    document: Document,
    folder: Path,
    *,
    name: str = "report.md",
    figures: str = "",
    formats: Sequence[str] = ("png", "svg"),
    tables: Sequence[str] = ("csv",),
    page: Page | None = None,
    ours: str = "",
) -> list[Path]:
    """Write the document into `folder`, made if missing; the paths of its files, the report first.

    name     the file of the report; other reports may stand beside it
    figures  a folder in `folder` for the figures, which the report links; empty: they stand beside it
    formats  of every `Picture` and `Chart`, the first being the one that the report shows
    tables   of every `Data`: of csv, md and tex
    page     writes `index.html` from the document and the PNG files of its figures by stem; the report then links it
    ours     a pattern (of whole names) of what an earlier report may have left beside the figures: such files go if
             this report has none of the name; any other file stays

    The same document gives the same bytes. Raises `InputError` when `folder` is a file or the report is a folder.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(folder, "not a folder", expected="a folder for the report", got="a file")
    if (folder / name).is_dir():
        raise InputError(folder / name, "a folder", expected="the name of a file for the report")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        draft = Path(beside)  # a sibling: moving it is a rename
        (draft / figures).mkdir(exist_ok=True)
        drawn = _draw(document, draft / figures, formats)
        links = {stem: [path.relative_to(draft).as_posix() for path in paths] for stem, paths in drawn.items()}
        written = [path for block in walk(document.blocks) if isinstance(block, Data)
                   for path in _write_data(block, draft, tables)]  # fmt: skip
        if page is not None:
            pictures = {stem: path for stem, paths in drawn.items() for path in paths if path.suffix == ".png"}
            written = [_write(draft / PAGE, page(document, pictures)), *written]
            document = _with_link(document)
        report = _write(draft / name, markdown(document, links))
        paths = [report, *written, *(path for paths in drawn.values() for path in paths)]
        names = [path.relative_to(draft) for path in paths]
        move_in(draft, folder, names, ours, figures)
    return [folder / name for name in names]


def move_in(draft: Path, folder: Path, names: Sequence[Path], ours: str = "", below: str = "") -> None:
    """Move the files `names` of `draft` into `folder`, the first of them last, and remove what they replace.

    Whoever reads the first, the report, finds all that it links. Files in `folder / below` whose whole name is `ours`
    and that are not among `names` are removed.
    """
    folder.mkdir(exist_ok=True)
    for name in reversed(names):
        (folder / name).parent.mkdir(exist_ok=True)
        (draft / name).replace(folder / name)
    place = folder / below
    for path in sorted(place.iterdir()) if ours and place.is_dir() else ():
        if path.is_file() and path.relative_to(folder) not in names and re.fullmatch(ours, path.name):
            path.unlink()


def _draw(document: Document, folder: Path, formats: Sequence[str]) -> dict[str, list[Path]]:
    """The files of every figure that there is something to draw in, by stem."""
    drawn: dict[str, list[Path]] = {}
    with matplotlib.rc_context(rc()):
        for block in walk(document.blocks):
            if isinstance(block, Picture | Chart):
                figure = block.draw() if isinstance(block, Picture) else block
                if figure is not None:
                    drawn[block.stem] = save(figure, folder, block.stem, formats)
    return drawn


def _write_data(data: Data, folder: Path, formats: Iterable[str]) -> list[Path]:
    words = [table_of(data.frame)] if data.words is None else data.words
    texts = {
        "csv": lambda: data.frame.to_csv(index=False, lineterminator="\n"),
        "md": lambda: "\n\n".join(map(table_markdown, words)) + "\n",
        "tex": lambda: "\n".join(map(latex, words)),
    }
    return [_write(folder / f"{data.stem}.{kind}", texts[kind]()) for kind in formats]


def _with_link(document: Document) -> Document:
    """The document with a link to its page before its first section."""
    blocks: list[Block] = list(document.blocks)
    place = next((place for place, block in enumerate(blocks) if isinstance(block, Section)), len(blocks))
    link = Text(f"[The same as an interactive page]({PAGE})")
    return Document(document.title, [*blocks[:place], link, *blocks[place:]])


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
