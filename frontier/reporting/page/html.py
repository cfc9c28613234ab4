"""Blocks of a document as HTML: sentences through a Markdown renderer that leaves HTML as text, all else escaped.

Pictures are put into the page, tables of data become numbered places that the page's script fills, and what the page
draws itself (`Live`) is a template.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token
from markupsafe import Markup, escape

from frontier.reporting.document import Block, Bullets, Data, Live, Picture, Reading, Section, Table, Text

MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")  # files of pictures are not in the page
SMALL_NUMBER = re.compile(r"\b\d[\d.]*e-\d+")  # a line must not end at its hyphen

TEMPLATES = files("frontier.reporting.page") / "templates"


def templates() -> Environment:
    """The templates of all pages: they escape what they are given, and an unknown name is an error."""
    loader = PackageLoader("frontier.reporting.page")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def style() -> Markup:
    """The style sheet of all pages."""
    return Markup((TEMPLATES / "page.css").read_text(encoding="utf-8"))


class Html:
    """Renders blocks in their order; `data` collects the tables that the page's script has to fill.

    drawn      the files of every figure by stem; one that is not there is left out
    templates  where `<name>.html` of a `Live` block is
    """

    def __init__(self, drawn: Mapping[str, Sequence[Path]], templates: Environment) -> None:
        self.drawn, self.templates = drawn, templates
        self.data: list[Data] = []

    def sections(self, blocks: Iterable[Block]) -> list[tuple[str, str, Markup]]:
        """The sections of a document and what the page draws: an anchor, a title, and the HTML of each."""
        found = []
        for block in blocks:
            if isinstance(block, Live):
                found.append(
                    (block.name, block.title, Markup(self.templates.get_template(f"{block.name}.html").render()))
                )
            elif isinstance(block, Section):
                anchor = re.sub(r"[^a-z0-9_]+", "-", block.title.lower()).strip("-")
                found.append((anchor, block.title, self._section(block, anchor)))
        return found

    def prose(self, blocks: Iterable[Block], level: int = 3) -> Markup:
        """The blocks one after the other, with headings from `level` on."""
        return Markup("").join(self._block(block, level) for block in blocks)

    def _section(self, block: Section, anchor: str) -> Markup:
        title = f"{anchor}-title"
        head = Markup('<section id="{}" aria-labelledby="{}">\n<h2 id="{}">{}</h2>\n').format(
            anchor, title, title, block.title
        )
        return head + Markup('<div class="prose">{}</div>\n</section>\n').format(self.prose(block.blocks))

    def _block(self, block: Block, level: int) -> Markup:
        match block:
            case Text():
                return Markup(MARKDOWN.render(block.markdown))
            case Bullets():
                return Markup("<ul>\n{}</ul>\n").format(
                    Markup("").join(Markup("<li>{}</li>\n").format(_inline(line)) for line in block.lines)
                )
            case Table():
                return _table(block)
            case Picture():
                return self._picture(block)
            case Section(folded=True):
                head = Markup('<details class="fold"><summary>{}</summary>\n').format(block.title)
                return head + self.prose(block.blocks, level + 1) + Markup("</details>\n")
            case Section():
                head = Markup("<h{}>{}</h{}>\n").format(level, block.title, level)
                return head + self.prose(block.blocks, level + 1)
            case Data():
                self.data.append(block)
                return Markup(
                    "<details><summary>{}: {} rows, to sort and filter</summary>\n"
                    '<div data-table="{}"></div>\n</details>\n'
                ).format(block.title, f"{len(block.frame):,}", len(self.data) - 1)
            case Live() | Reading():
                return Markup("")

    def _picture(self, block: Picture) -> Markup:
        if block.stem not in self.drawn:
            return Markup("")
        return Markup('<figure><img src="{}" alt="{}"><figcaption>{}</figcaption></figure>\n').format(
            _inlined(self.drawn[block.stem]), block.caption, block.caption
        )


def _words(_: object, tokens: Sequence[Token], at: int, *__: object) -> Markup:
    return Markup(SMALL_NUMBER.sub(r'<span class="whole">\g<0></span>', escapeHtml(tokens[at].content)))


MARKDOWN.add_render_rule("text", _words)


def _inline(markdown: str) -> Markup:
    return Markup(MARKDOWN.renderInline(markdown))


def _table(table: Table) -> Markup:
    """A table, folded away where it is to be."""

    def row(tag: str, cells: Sequence[str | Text]) -> Markup:
        made = [
            Markup("<{}{}>{}</{}>").format(
                Markup(tag),
                Markup(' class="number"') if place in table.numbers else "",
                _inline(cell.markdown) if isinstance(cell, Text) else escape(cell),
                Markup(tag),
            )
            for place, cell in enumerate(cells)
        ]
        return Markup("<tr>{}</tr>\n").format(Markup("").join(made))

    body = Markup("").join(row("td", cells) for cells in table.rows)
    made = Markup("<table>\n<thead>{}</thead>\n<tbody>\n{}</tbody>\n</table>\n").format(row("th", table.header), body)
    if not table.folded:
        return made
    return Markup("<details><summary>{}</summary>\n{}</details>\n").format(table.folded, made)


def _inlined(files: Sequence[Path]) -> str:
    """The PNG among the files as a data URI."""
    picture = next(path for path in files if path.suffix == ".png")
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"
