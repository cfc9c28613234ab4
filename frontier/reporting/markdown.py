"""Pieces of Markdown that a forge renders and that diff well: text that renders as itself, lists, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FOLD_ABOVE = 20  # longer tables are folded away


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


def bullets(lines: Iterable[str]) -> str:
    """A list with one line each."""
    return "\n".join(f"- {line}" for line in lines)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str] = ()) -> str:
    """A Markdown table without padding, so that one changed number changes one line; `right` names number columns."""
    numbers = set(right)
    rule = ("---:" if name in numbers else "---" for name in header)
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))


def folded_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Iterable[str] = ()) -> str:
    """A table, folded away when it is long."""
    table = markdown_table(header, rows, right)
    if len(rows) <= FOLD_ABOVE:
        return table
    return f"<details>\n<summary>{len(rows):,} cells</summary>\n\n{table}\n\n</details>"
