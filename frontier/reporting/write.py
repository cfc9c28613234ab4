"""Writes a document into a folder: its Markdown, its figures, and its data as tables in files.

Everything is written beside the report first and moved in at the end, so a failure leaves the earlier report whole.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

import matplotlib
from matplotlib.figure import Figure

from frontier.core.errors import InputError
from frontier.reporting.charts.canvas import rc
from frontier.reporting.charts.picture import lay_out, png
from frontier.reporting.document import Block, Data, Document, Picture, table_of, walk
from frontier.reporting.latex import latex
from frontier.reporting.markdown import markdown, table_markdown
from frontier.reporting.page.plain import plain_page

Drawn = dict[str, list[Path]]  # the files of every figure that there was something to draw in, by stem
PAGES = {"report.md": "index.html"}  # what a page is called where it is not called like its report
NO_MORE: Mapping[str, Document] = MappingProxyType({})


def write_document(
    document: Document,
    folder: Path,
    *,
    name: str = "report.md",
    figures: str = "",
    formats: Sequence[str] = ("png",),
    tables: Sequence[str] = ("csv",),
    ours: str = "",
    pages: Mapping[str, Callable[[Drawn], str]] | None = None,
    behind: Mapping[str, Document] = NO_MORE,
) -> list[Path]:
    """Write the document into `folder`, made if missing; the paths of its files, the report first.

    name     the file of the report; other reports may stand beside it
    figures  a folder in `folder` for the figures, which the report links; empty: they stand beside it
    formats  of every `Picture`, the first being the one that the report shows
    tables   of every `Data`: of csv, md and tex
    ours     a pattern (of whole names) of what an earlier report may have left beside the figures: such files go if
             this report has none of the name; any other file stays
    pages    further renderings by file name, each made from the files of the figures; without any the document itself
             as a page (`index.html` beside a `report.md`, else under the name of the report) if there are PNG
    behind   what stands behind the report, by file name: documents of their own, their figures and tables beside it

    The same document gives the same bytes. Raises `InputError` when `folder` is a file or the report is a folder.
    """
    if (folder / name).is_dir():
        raise InputError(folder / name, "a folder", expected="the name of a file for the report")
    with _draft_of(folder) as draft:
        (draft / figures).mkdir(exist_ok=True)
        every = [block for one in (document, *behind.values()) for block in walk(one.blocks)]
        drawn = _draw(every, draft / figures, formats)
        links = {stem: paths[0].relative_to(draft).as_posix() for stem, paths in drawn.items()}
        written = [path for block in every if isinstance(block, Data)
                   for path in _write_data(block, draft, tables)]  # fmt: skip
        texts = {file: markdown(one, links) for file, one in ({name: document} | dict(behind)).items()}
        if pages is None:  # a page holds its figures as PNG
            page = PAGES.get(name, f"{Path(name).stem}.html")
            pages = {page: partial(plain_page, document)} if "png" in formats else {}
        texts |= {page: render(drawn) for page, render in pages.items()}
        reports = [write_text(draft / page, text) for page, text in texts.items()]
        paths = [*reports, *written, *(path for paths in drawn.values() for path in paths)]
        names = [path.relative_to(draft) for path in paths]
        _move_in(draft, folder, names, ours, figures)
    return [folder / name for name in names]


@contextmanager
def _draft_of(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, so that moving files from it is a rename; gone at the end, whatever happens.

    Raises `InputError` when `folder` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(folder, "not a folder", expected="a folder for the report", got="a file")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        yield Path(beside)


def _move_in(draft: Path, folder: Path, names: Sequence[Path], ours: str, below: str) -> None:
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


def _draw(blocks: Iterable[Block], folder: Path, formats: Sequence[str]) -> Drawn:
    """The files of every figure that there is something to draw in, by stem."""
    drawn: Drawn = {}
    with matplotlib.rc_context(rc()):
        for block in blocks:
            if isinstance(block, Picture) and (figure := block.draw()) is not None:
                drawn[block.stem] = _save(figure, folder, block.stem, formats)
    return drawn


def _save(figure: Figure, folder: Path, stem: str, formats: Sequence[str]) -> list[Path]:
    """The figure in each format."""
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # a date would make the files of every run differ
    paths = [folder / f"{stem}.{suffix}" for suffix in formats]
    lay_out(figure)
    for path, suffix in zip(paths, formats, strict=True):
        if suffix == "png":
            path.write_bytes(png(figure))
        else:
            figure.savefig(path, format=suffix, metadata=undated.get(suffix))
    return paths


def _write_data(data: Data, folder: Path, formats: Iterable[str]) -> list[Path]:
    """The files of one table, by its stem, in `formats`: of csv, md and tex."""
    words = [table_of(data.frame)] if data.words is None else data.words
    texts = {
        "csv": lambda: data.frame.to_csv(index=False, lineterminator="\n"),
        "md": lambda: "\n\n".join(map(table_markdown, words)) + "\n",
        "tex": lambda: "\n".join(map(latex, words)),
    }
    return [write_text(folder / f"{data.stem}.{kind}", texts[kind]()) for kind in formats]


def write_text(path: Path, text: str) -> Path:
    """UTF-8 with plain line ends on every system; the path."""
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
