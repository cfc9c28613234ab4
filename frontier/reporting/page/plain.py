"""A document as one page without scripts: for reports that have nothing to choose in them.

Figures are inside the page, tables of data stand as CSV beside it and are linked. The page loads nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from markupsafe import Markup

from frontier.reporting.document import Block, Bullets, Data, Document, Section, Text
from frontier.reporting.page.html import Html, style, templates


class Plain(Html):
    """Blocks as HTML; a table of data is a link to its file."""

    def _block(self, block: Block, level: int) -> Markup:
        if isinstance(block, Data):
            link = Markup('<p class="note"><a href="{}.csv">{}</a>: {} rows (CSV)</p>\n')
            return link.format(block.stem, block.title or block.stem, f"{len(block.frame):,}")
        return super()._block(block, level)


def plain_page(document: Document, drawn: Mapping[str, Sequence[Path]]) -> str:
    """The whole page; `drawn` are the files of the document's figures by stem, of which the PNG is put into it."""
    environment = templates()
    html = Plain(drawn, environment)
    lead = list(takewhile(lambda block: isinstance(block, Text | Bullets), document.blocks))
    parts = list(_parts(document.blocks[len(lead) :]))
    return environment.get_template("plain.html.j2").render(
        title=document.title,
        lead=html.prose(lead),
        sections=[section for part in parts for section in html.sections(part)],
        style=style(),
    )


def _parts(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Sections one by one; what stands between them is a section of its own."""
    loose: list[Block] = []
    for block in blocks:
        if not isinstance(block, Section):
            loose.append(block)
            continue
        if loose:
            yield [Section("What was found", loose)]
            loose = []
        yield [block]
    if loose:
        yield [Section("What was found", loose)]
