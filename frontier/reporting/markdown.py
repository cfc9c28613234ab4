"""A document as Markdown that a forge renders and that diffs well, and text that renders as itself in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from frontier.reporting.document import Block, Bullets, Data, Document, Live, Picture, Reading, Section, Table, Text

CODE = re.compile("`[^`]+`")
Files = Mapping[str, str]  # what was drawn: by stem, the path of the picture as the report links it


def markdown(document: Document, files: Files) -> str:
    """The whole document; a figure of which `files` has none is left out."""
    return "\n\n".join([f"# {escape(document.title)}", *blocks_markdown(document.blocks, files)]) + "\n"


def blocks_markdown(blocks: Iterable[Block], files: Files, level: int = 2) -> list[str]:
    """The blocks one by one, with headings from `level` on."""
    told: list[str] = []
    for block in blocks:
        match block:
            case Text():
                told.append(block.markdown)
            case Bullets():
                told.append("\n".join(f"- {line}" for line in block.lines))
            case Table():
                told.append(table_markdown(block))
            case Picture():
                if block.stem in files:
                    caption = escape(block.caption)
                    told += [f"![{caption}]({quote(files[block.stem])})", caption]
            case Section():
                told.append(f"{'#' * level} {escape(block.title)}")
                told += blocks_markdown(block.blocks, files, level + 1)
            case Live():
                told += blocks_markdown(block.instead, files, level)
            case Data() | Reading():
                pass  # in files only; gathered elsewhere
    return told


def table_markdown(table: Table) -> str:
    """A table without padding, so that one changed number changes one line; folded away where it is to be."""
    rule = ["---:" if place in table.numbers else "---" for place in range(len(table.header))]
    rows = [[cell.markdown if isinstance(cell, Text) else escape(cell) for cell in row] for row in table.rows]
    lines = [[escape(name) for name in table.header], rule, *rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"<details>\n<summary>{table.folded}</summary>\n\n{text}\n\n</details>" if table.folded else text


def prose(value: object) -> str:
    """What the author of an experiment wrote, as `escape` has it, but that between backticks as the code that it is."""
    text = " ".join(str(value).replace("\0", "").split())
    codes = iter(CODE.findall(text))
    return re.sub("\0", lambda _: next(codes), escape(CODE.sub("\0", text)))


def escape(value: object) -> str:
    """Text as Markdown that renders as itself, on one line and in a table cell too."""
    text = " ".join(str(value).split())
    text = re.sub(r"([\\`*\[\]<>|~$&])", r"\\\1", text)
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)  # inside a word an underscore is only itself
    text = re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", text)  # would open a numbered list
    return re.sub(r"^(#|[+=-](?!\d))", r"\\\1", text)  # … a heading, a bullet, a rule


def pairs(facts: Any) -> str:
    """A mapping as `name value, …`, sorted by name, without what is empty; anything else as text."""
    if isinstance(facts, Mapping):
        return ", ".join(f"{name} {value}" for name, value in sorted(facts.items()) if value not in (None, ""))
    return str(facts or "")
