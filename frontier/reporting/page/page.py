"""`index.html`: the report as one self-contained page that works without a network and without a server.

plotly.js, styles, scripts and data are inside the file, and a content security policy forbids it to load anything. Text
from data is untrusted: what is rendered (`html.py`, templates) escapes it, and the JSON of the data cannot end its
script element. The same data give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import pandas as pd
import plotly
from markupsafe import Markup

from frontier.reporting.document import Data, Document, Text
from frontier.reporting.markdown import pairs
from frontier.reporting.page.data import page_data, plain_value
from frontier.reporting.page.html import TEMPLATES, Html, style, templates
from frontier.reporting.prepared import Prepared

SCRIPTS = ("base.js", "table.js", "frontier.js", "details.js", "page.js")  # in this order


def page(document: Document, run: Prepared, drawn: Mapping[str, Sequence[Path]], behind: Document | None = None) -> str:
    """The whole page: the document open, what stands behind it folded away.

    `drawn` are the files of the figures by stem, of which the PNG is put into it.
    """
    environment = templates()
    html = Html(drawn, environment)
    sections = html.sections(document.blocks)
    folds = html.sections(behind.blocks) if behind is not None else []
    data = page_data(run) | {"tables": [_table(block) for block in html.data]}
    scripts = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return environment.get_template("page.html.j2").render(
        title=document.title,
        description=html.prose(takewhile(lambda block: isinstance(block, Text), document.blocks)),
        facts=_facts(run, data),
        experiment=run.title if run.title != document.title else "",
        sections=sections,
        folds=folds,
        style=style(),
        plotly=Markup(plotly.offline.get_plotlyjs()),
        script=Markup(f'"use strict";\n(() => {{\n{scripts}}})();\n'),
        data=script_json(data),
    )


def script_json(data: Any) -> Markup:
    """`data` as JSON that may stand in a script element: no `<`, so neither `</script>` nor `<!--` can be in it."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _facts(run: Prepared, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What stands under the title."""
    problems = run.manifest.get("problems") or {}
    sizes = {
        name: f"{facts['n_records']:,} records × {facts['n_targets']:,} targets"
        for name, facts in sorted(problems.items())
        if facts.get("n_records") is not None and facts.get("n_targets") is not None
    }
    known = list(sizes.items()) if len(sizes) < 5 else [("problems", f"{len(problems)}")]
    told = [*known, ("methods", f"{len(data['labels'])}"), ("cells", f"{len(run.first):,}")]
    machine = run.manifest.get("machine")
    return told if not machine else [*told, ("processor", str(dict(machine).get("processor") or pairs(machine)))]


def _table(data: Data) -> dict[str, Any]:
    kinds = [
        "text"
        if not pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)
        else "count"
        if pd.api.types.is_integer_dtype(kind)
        else "number"
        for kind in data.frame.dtypes
    ]
    columns = [
        {"title": str(title).replace("_", " "), "kind": kind}
        for title, kind in zip(data.frame.columns, kinds, strict=True)
    ]
    rows = [
        [_text(value) if kind == "text" else plain_value(value) for value, kind in zip(row, kinds, strict=True)]
        for row in data.frame.itertuples(index=False)
    ]
    return {"name": data.stem, "columns": columns, "rows": rows}


def _text(value: Any) -> str | None:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    return ("yes" if value else "no") if pd.api.types.is_bool(value) else str(value)
