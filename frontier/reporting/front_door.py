"""`reports/index.html`: a front door to all reports of a folder, a card each, made from what their first pages say.

A card has the question that is the title, the answer (what is in bold first), what was run, and the first figure of a
`report.md`.
Text is untrusted and escaped; the page loads nothing but the figures beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from frontier.core.files import write_atomically
from frontier.reporting.page.html import style, templates

LONGEST = 240  # characters of a description: a card is no page
MARKS = re.compile(r"\*+|\\(?=\W)|`")  # of Markdown
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
NAMED = "*Experiment "  # how a report begins to say what was run
ANSWER = re.compile(r"(?:- )?(?:\*[^*]+\* )?(\*\*.+)")  # what begins in bold, after the part that it is about
MOST_BEFORE = 8  # paragraphs within which a report says what was run
FIGURE = re.compile(r"^!\[([^\]]*)\]\(([^)\s]+)\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Card:
    """What stands for one report; links are relative to the front door."""

    title: str
    name: str
    description: str
    answer: str
    link: str
    figure: str
    caption: str


def write_front_door(folder: Path) -> Path:
    """Write `index.html` into the folder of the reports; its path."""
    paged = [path for path in [*folder.glob("*.md"), *folder.glob("*/*.md")] if path.with_suffix(".html").exists()]
    cards = [card(path, folder) for path in sorted({*folder.glob("*/report.md"), *paged})]
    text = templates().get_template("front_door.html.j2").render(cards=cards, style=style())
    write_atomically(folder / "index.html", text.encode())
    return folder / "index.html"


def card(path: Path, folder: Path) -> Card:
    """The card of a report by its Markdown, on the front door of a folder."""
    text = path.read_text(encoding="utf-8")
    title, _, rest = text.partition("\n")
    parts = [part.strip() for part in rest.split("\n\n") if part.strip()]
    paragraphs = [" ".join((part.split("\n")[0] if part.startswith("- ") else part).split()) for part in parts]
    first = next((part for part in paragraphs[:MOST_BEFORE] if not part.startswith(("#", "|", "!", "-", "<"))
                  and (part.startswith(NAMED) or "**" not in part)), "")  # fmt: skip
    bold = next((found for part in paragraphs if (found := ANSWER.match(part))), None)
    name, _, said = first.removeprefix(NAMED).partition(".* ") if first.startswith(NAMED) else ("", "", first)
    figure = FIGURE.search(text)
    pages = path.with_suffix(".html"), path.with_name("index.html")
    shown = next((page for page in pages if page.exists() and path.name in (page.stem + ".md", "report.md")), path)
    return Card(
        title=title.removeprefix("# ").strip() or path.parent.name,
        name=_plain(name, LONGEST) or (path.parent.name if path.parent != folder else path.stem),
        description=_plain(said, LONGEST),
        answer=_plain(bold[1], LONGEST) if bold else "",
        link=shown.relative_to(folder).as_posix(),
        figure=(path.parent / figure[2]).relative_to(folder).as_posix() if figure else "",
        caption=figure[1] if figure else "",
    )


def _plain(text: str, longest: int) -> str:
    told = MARKS.sub("", LINK.sub(r"\1", text))
    return told if len(told) <= longest else told[: told.rindex(" ", 0, longest)] + " …"
