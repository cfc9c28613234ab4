"""The page of claims under test: a table of verdicts, then every claim with its rule, its numbers and its limits.

It gets frames alone: `claims` has one row per claim (id, words, source, rule, needs, not_tested, verdict, condition,
reason, detail; `not_tested` one limit per line), `evidence` and `points` the numbers by id, `runs` one row per
experiment that was read. How a number is written follows from its column's name (`_written`), and `x`, `x_low`,
`x_high` become one cell.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from frontier.core.errors import InputError
from frontier.reporting.markdown import bullets, escape, folded_table, markdown_table
from frontier.reporting.numbers import MISSING, count, parameter, percent, seconds, significant
from frontier.study.claims.figure import draw_claim_figures

MARKS = {
    "holds": "✓ holds",
    "fails": "✗ fails",
    "holds only if": "◐ holds only if",
    "undecided": "? undecided",
    "not evaluated": "– not evaluated",
}
INTRODUCTION = (
    "Each claim is a declared comparison that is evaluated again from results whenever this page is written "
    "(`python -m frontier study claims`). The rule that decides stands with each claim; no verdict is written by hand. "
    "A claim is tested in one or more settings: it *holds* if it does in all of them, *holds only if* where it does in "
    "some, *fails* if none holds and some fail. Parentheses in tables hold 95% intervals over seeds, for ratios of "
    "seconds the range over repeats."
)
RUN_HEADER = ("experiment", "rows", "code", "threads", "machine")


def write_claims_page(
    claims: pd.DataFrame,
    evidence: Mapping[str, pd.DataFrame],
    points: Mapping[str, pd.DataFrame],
    runs: pd.DataFrame,
    out: Path,
) -> list[Path]:
    """Write the Markdown to `out` and its figures into a folder beside it, named like it; the page first.

    A figure that an earlier page left and this one does not have is removed. Raises `InputError` when `out` is a
    folder.
    """
    if out.is_dir():
        raise InputError(out, "a folder", expected="a file name ending with .md", cure="use --out reports/claims.md")
    folder = out.with_suffix("")
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out.stem}-", dir=out.parent))  # a sibling: moving it is a rename
    try:
        figures = draw_claim_figures(evidence, points, draft)
        pictures = {name: f"{folder.name}/{paths[0].name}" for name, paths in figures.items()}
        (draft / out.name).write_text(claims_markdown(claims, evidence, runs, pictures), encoding="utf-8", newline="\n")
        names = [path.name for paths in figures.values() for path in paths]
        if names:
            folder.mkdir(exist_ok=True)
        for name in names:
            (draft / name).replace(folder / name)
        (draft / out.name).replace(out)  # the page last: whoever reads it finds what it links
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for old in folder.glob("*") if folder.is_dir() else ():
        if old.suffix in (".png", ".svg") and old.name not in names:
            old.unlink()
    return [out, *(folder / name for name in names)]


def claims_markdown(
    claims: pd.DataFrame, evidence: Mapping[str, pd.DataFrame], runs: pd.DataFrame, pictures: Mapping[str, str]
) -> str:
    """The page; `pictures` are paths of PNG figures by claim, as the page links them."""
    rows = claims.to_dict("records")
    table = [[f"[{escape(row['words'])}](#{_anchor(row['id'])})", _verdict(row), escape(row["reason"])] for row in rows]
    blocks = ["# Claims under test", INTRODUCTION, markdown_table(("claim", "verdict", "why"), table)]
    for row in rows:
        blocks += _claim_blocks(row, evidence.get(row["id"], pd.DataFrame()), pictures.get(row["id"]))
    blocks += ["## Results read"]
    if runs.empty:
        blocks.append("None.")
    else:
        told = [[escape(run[name]) for name in RUN_HEADER] for run in runs.to_dict("records")]
        blocks.append(markdown_table(RUN_HEADER, told))
    return "\n\n".join(blocks) + "\n"


def _claim_blocks(row: Mapping[Any, Any], evidence: pd.DataFrame, picture: str | None) -> list[str]:
    blocks = [
        f"## {escape(row['id'])}",
        f"> {escape(row['words'])}\n>\n> {escape(row['source'])}",
        f"{_verdict(row)}.",
        escape(row["reason"]),
    ]
    blocks += [escape(row["detail"])] if row["detail"] else []
    if picture is not None:
        blocks.append(f"![{escape(row['words'])}]({quote(picture)})")
    if not evidence.empty:
        header, lines, right = evidence_table(evidence)
        blocks.append(folded_table(header, lines, right))
    blocks.append(f"**Rule.** {escape(row['rule'])}")
    blocks.append(f"**Read from** {escape(row['needs'])}.")
    limits = [escape(line) for line in str(row["not_tested"]).splitlines() if line]
    if limits:
        blocks += ["**Not tested**", bullets(limits)]
    return blocks


def evidence_table(evidence: pd.DataFrame) -> tuple[list[str], list[list[str]], list[str]]:
    """Header, rows and the names of number columns; limits are folded into the cell of their middle."""
    columns = [name for name in map(str, evidence.columns) if not _is_limit(name, evidence)]
    header = ["λ" if name == "lam" else name.replace("_", " ") for name in columns]
    numbers = [
        text for name, text in zip(columns, header, strict=True) if pd.api.types.is_numeric_dtype(evidence[name])
    ]
    rows = [[_cell(row, name) for name in columns] for row in evidence.to_dict("records")]
    return header, rows, numbers


def _is_limit(name: str, evidence: pd.DataFrame) -> bool:
    base, _, end = name.rpartition("_")
    return end in ("low", "high") and base in evidence.columns


def _cell(row: Mapping[Any, Any], name: str) -> str:
    """One value in words, with its limits where it has them."""
    value = row[name]
    if isinstance(value, str):
        return f"**{value}**" if name == "verdict" else escape(value)
    text = _written(name, value)
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    if low is None or high is None or np.isnan(low) or np.isnan(high) or text == MISSING:
        return text
    return f"{text} ({_written(name, low)} to {_written(name, high)})"


def _written(name: str, value: Any) -> str:
    """A number by the name of its column: errors and shares in percent, ratios as times, seconds, λ, counts."""
    if value is None or pd.isna(value):
        return MISSING
    number = float(value)
    if "error" in name or name.endswith("share") or "_share_" in name:
        return percent(number)
    if name.endswith("ratio"):
        return f"{significant(number)}×"
    if name.endswith("seconds"):
        return seconds(number)
    if name == "lam":
        return parameter(number)
    if number == round(number) or name.endswith("records"):
        return count(number)
    return significant(number)


def _verdict(row: Mapping[Any, Any]) -> str:
    mark = MARKS.get(str(row["verdict"]), str(row["verdict"]))
    return f"**{mark}** {escape(row['condition'])}".rstrip()


def _anchor(name: str) -> str:
    """The anchor that forges give a heading of one word."""
    return str(name).lower()
