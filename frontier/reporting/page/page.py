"""`index.html`: the report as one self-contained page that works without a network and without a server.

plotly.js, styles, scripts and data are inside the file, and a content security policy forbids it to load anything. Text
from data is untrusted: templates escape it, Markdown is rendered without its HTML, and the JSON of the data cannot end
its script element. The same data give the same bytes.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import plotly
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from PIL import Image

from frontier.analysis.aggregate import first_repeats
from frontier.reporting.charts.style import LabelStyle
from frontier.reporting.extra import Section, stems
from frontier.reporting.markdown import bullets, escape, pairs
from frontier.reporting.page.data import page_data, plain_value
from frontier.reporting.provenance import provenance_blocks

FOLDED = re.compile(r"^<details>\n<summary>([\w, ]+)</summary>\n\n(.*?)\n\n</details>$", re.DOTALL | re.MULTILINE)
SCRIPTS = ("base.js", "table.js", "frontier.js", "details.js", "page.js")  # in this order


def page(
    ready: pd.DataFrame,
    manifest: Mapping[str, Any],
    styles: Mapping[str, LabelStyle],
    texts: Mapping[str, Sequence[str]],
    *,
    targets: pd.DataFrame | None = None,
    traces: pd.DataFrame | None = None,
    extra: Sequence[Section] = (),
    pictures: Mapping[str, Sequence[Path]] | None = None,
) -> str:
    """The whole page of prepared cells; `texts` are what `frontier.reporting.tables.notes_of` says, as Markdown.

    `pictures` are the files of the figures of `extra` by caption; their PNG is put into the page.
    """
    ready = first_repeats(ready)
    data = page_data(ready, manifest, styles, targets=targets, traces=traces)
    sections, data["tables"] = _extra(extra, pictures or {})
    templates = files("frontier.reporting.page") / "templates"
    environment = Environment(
        loader=PackageLoader("frontier.reporting.page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    description = re.split(r"\n\s*\n", str(manifest.get("description") or ""))
    scripts = "\n".join((templates / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return environment.get_template("page.html.j2").render(
        title=str(manifest.get("experiment") or "Report"),
        description=prose([escape(text) for text in description]),
        facts=_facts(ready, manifest, data),
        extra=sections,
        reading=prose([bullets(texts["reading"])]),
        limitations=prose([bullets(texts["limitations"])]),
        failures=prose(texts["failures"]),
        thresholds=prose(texts["thresholds"]),
        provenance=prose(provenance_blocks(ready, manifest)),
        style=Markup((templates / "page.css").read_text(encoding="utf-8")),
        plotly=Markup(plotly.offline.get_plotlyjs()),
        script=Markup(f'"use strict";\n(() => {{\n{scripts}}})();\n'),
        data=script_json(data),
    )


def prose(blocks: Sequence[str]) -> Markup:
    """Markdown as HTML; HTML in it stays text, and so do pictures, whose files are not in the page."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    told = []
    for block in blocks:
        # The one piece of HTML that reports write; text from data is on one line, and its `<` is escaped.
        for place, part in enumerate(FOLDED.split(block)):
            if place % 3 == 0:
                told.append(str(renderer.render(part)))
            elif place % 3 == 1:
                told.append(f"<details><summary>{part}</summary>\n")
            else:
                told.append(f"{renderer.render(part)}</details>\n")
    return Markup("".join(told))


def script_json(data: Any) -> Markup:
    """`data` as JSON that may stand in a script element: no `<`, so neither `</script>` nor `<!--` can be in it."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _facts(ready: pd.DataFrame, manifest: Mapping[str, Any], data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What stands under the title."""
    problems = manifest.get("problems") or {}
    sizes = {
        name: f"{facts['n_records']:,} records × {facts['n_targets']:,} targets"
        for name, facts in sorted(problems.items())
        if facts.get("n_records") is not None and facts.get("n_targets") is not None
    }
    known = list(sizes.items()) if len(sizes) < 5 else [("problems", f"{len(problems)}")]
    run = [*known, ("methods", f"{len(data['labels'])}"), ("cells", f"{len(ready):,}")]
    machine = manifest.get("machine")
    return run if not machine else [*run, ("processor", str(dict(machine).get("processor") or pairs(machine)))]


def _extra(
    extra: Sequence[Section], pictures: Mapping[str, Sequence[Path]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The sections as the template reads them, and the data of their tables."""
    tables: list[dict[str, Any]] = []
    sections = []
    names = stems(title for section in extra for title in section.tables)
    for number, section in enumerate(extra):
        shown = []
        for title, frame in section.tables.items():
            shown.append({"title": title, "number": len(tables), "rows": f"{len(frame):,}"})
            tables.append(_table(names[title], frame))
        figures = [
            {"caption": caption, "source": _inlined(pictures[caption])}
            for caption in section.figures
            if pictures.get(caption)
        ]
        told = prose(section.body)
        sections.append(
            {"id": f"extra-{number}", "title": section.title, "prose": told, "tables": shown, "figures": figures}
        )
    return sections, tables


def _inlined(files: Sequence[Path]) -> str:
    """The PNG among the files as a data URI, in 256 colours: a third of the bytes, the same to the eye."""
    picture = next(path for path in files if path.suffix == ".png")
    content = io.BytesIO()
    with Image.open(picture) as image:
        few = image.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def _table(name: str, frame: pd.DataFrame) -> dict[str, Any]:
    kinds = [
        "text"
        if not pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)
        else "count"
        if pd.api.types.is_integer_dtype(kind)
        else "number"
        for kind in frame.dtypes
    ]
    columns = [
        {"title": str(title).replace("_", " "), "kind": kind} for title, kind in zip(frame.columns, kinds, strict=True)
    ]
    rows = [
        [_text(value) if kind == "text" else plain_value(value) for value, kind in zip(row, kinds, strict=True)]
        for row in frame.itertuples(index=False)
    ]
    return {"name": name, "columns": columns, "rows": rows}


def _text(value: Any) -> str | None:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    return ("yes" if value else "no") if pd.api.types.is_bool(value) else str(value)
