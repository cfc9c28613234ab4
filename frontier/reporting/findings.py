"""The findings of a check as text, JSON and JUnit XML. Sees data frames; decides nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from frontier.analysis.regression.check import SHOWN
from frontier.core.text_table import aligned
from frontier.results.schema import rows_of

MOST_LINES = 60  # of the readable table; JSON and JUnit have every finding
HEADER = ("verdict", "method", "point", "metric", "baseline", "now", "difference", "tolerance", "note")
NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def as_text(findings: pd.DataFrame, headline: str) -> str:
    """A short table of everything that did not simply pass, above one line that says what was found."""
    rows = [row for verdict in SHOWN for row in _records(findings) if row["verdict"] == verdict]
    lines = [[_plain(cell) for cell in _line(row)] for row in rows[:MOST_LINES]]
    table = aligned([HEADER, *lines], left=range(len(HEADER))) if lines else []
    if len(rows) > MOST_LINES:
        table.append(f"… and {len(rows) - MOST_LINES} more (--json has them all)")
    return "\n".join([*table, headline])


def as_json(findings: pd.DataFrame, summary: Mapping[str, Any]) -> str:
    """All findings with `summary` above them; missing values are null."""
    content = dict(summary) | {"findings": _records(findings)}
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def as_junit(findings: pd.DataFrame, name: str) -> str:
    """One test case per finding: a regression is a failure, what has no comparison an error, a warning is skipped."""
    rows = _records(findings)
    kinds = {
        "regression": "failure",
        "missing": "error",
        "incomparable": "error",
        "warning": "skipped",
        "extra": "skipped",
    }
    counts = {kind: sum(kinds.get(row["verdict"]) == kind for row in rows) for kind in ("failure", "error", "skipped")}
    suite = ElementTree.Element(
        "testsuite",
        name=_xml(name),
        tests=str(len(rows)),
        failures=str(counts["failure"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
    )
    for row in rows:
        where = ".".join(str(row[part]).replace(".", "_") for part in ("problem", "split", "label"))
        case = ElementTree.SubElement(
            suite, "testcase", classname=_xml(where), name=_xml(f"{_point(row)} {row['metric'] or row['kind']}")
        )
        if row["verdict"] in kinds:
            pairs = zip(HEADER[4:], _line(row)[4:], strict=True)
            message = ", ".join(f"{title} {value}" for title, value in pairs if value)
            ElementTree.SubElement(case, kinds[row["verdict"]], message=_xml(message), type=row["verdict"])
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _line(row: Mapping[str, Any]) -> list[str]:
    method = f"{row['problem']}/{row['split']}/{row['label']}"
    note = row["note"] if row["p_value"] is None else f"p = {row['p_value']:.2g} {row['note']}".strip()
    values = [_number(row[name]) for name in ("baseline", "now", "difference", "tolerance")]
    return [row["verdict"], method, _point(row), row["metric"], *values, note]


def _point(row: Mapping[str, Any]) -> str:
    arm = "" if row["refit"] in (None, "none") else f" refit={row['refit']}"
    seed = "" if row["seed"] is None else f" seed={row['seed']}"
    repeat = f" repeat={row['repeat']}" if row["repeat"] and row["kind"] == "cell" else ""
    return f"{row['point']}{seed}{arm}{repeat}"


def _records(findings: pd.DataFrame) -> list[dict[str, Any]]:
    return [{name: _json_value(value) for name, value in row.items()} for row in rows_of(findings)]


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, int | str) else str(value)


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """Text on one line without control characters: labels and messages are data, a terminal would obey them."""
    return "".join(c if c.isprintable() else " " for c in text)


def _xml(text: str) -> str:
    return NOT_XML.sub("?", text)
