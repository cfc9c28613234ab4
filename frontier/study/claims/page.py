"""The page of claims under test: a table of verdicts, then every claim with its rule, its numbers and its limits.

It gets frames alone: `claims` has one row per claim (id, words, source, rule, needs, not_tested, verdict, condition,
reason, detail; `not_tested` one limit per line), `evidence` and `points` the numbers by id, `runs` one row per
experiment that was read. How a number is written follows from its column's name (`_written`), and `x`, `x_low`,
`x_high` become one cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from frontier.reporting.document import Block, Bullets, Document, Picture, Section, Table, Text
from frontier.reporting.markdown import escape
from frontier.reporting.numbers import MISSING, count, listed, parameter, percent, seconds, significant
from frontier.reporting.write import write_document
from frontier.study.claims.figure import claim_figure

MARKS = {
    "holds": "✓ holds",
    "fails": "✗ fails",
    "holds only if": "◐ holds only if",
    "undecided": "? undecided",
    "not evaluated": "– not evaluated",
}
COUNTED = {  # of one, of several
    "holds": ("holds", "hold"),
    "holds only if": ("holds only under a condition", "hold only under a condition"),
    "fails": ("fails", "fail"),
    "undecided": ("is undecided", "are undecided"),
    "not evaluated": ("could not be evaluated", "could not be evaluated"),
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
    document = claims_document(claims, evidence, points, runs)
    return write_document(document, out.parent, name=out.name, figures=out.stem, ours=r".+\.(png|svg)")


def counted(verdicts: Sequence[str]) -> str:
    """`Of 17 claims under test 3 hold, 10 fail and 4 are undecided`."""
    counts = Counter(verdicts)
    told = [f"{counts[word]} {words[counts[word] > 1]}" for word, words in COUNTED.items() if counts[word]]
    return f"Of {len(verdicts)} claims under test {listed(told)}"


def claims_document(
    claims: pd.DataFrame, evidence: Mapping[str, pd.DataFrame], points: Mapping[str, pd.DataFrame], runs: pd.DataFrame
) -> Document:
    """The whole page: a table of verdicts, a section a claim, and the results that were read."""
    rows = claims.to_dict("records")
    table = [
        [Text(f"[{escape(row['words'])}](#{_anchor(row['id'])})"), Text(_verdict(row)), row["reason"]] for row in rows
    ]
    told = [[run[name] for name in RUN_HEADER] for run in runs.to_dict("records")]
    return Document(
        "Claims under test",
        [
            Text(f"**{counted([str(row['verdict']) for row in rows])}.**"),
            Text(INTRODUCTION),
            Table(("claim", "verdict", "why"), table),
            *(_claim(row, evidence.get(row["id"], pd.DataFrame()), points.get(row["id"])) for row in rows),
            Section("Results read", [Table(RUN_HEADER, told) if told else Text("None.")]),
        ],
    )


def _claim(row: Mapping[Any, Any], evidence: pd.DataFrame, points: pd.DataFrame | None) -> Section:
    name = str(row["id"])
    blocks: list[Block] = [
        Text(f"> {escape(row['words'])}\n>\n> {escape(row['source'])}"),
        Text(f"{_verdict(row)}."),
        Text(escape(row["reason"])),
    ]
    blocks += [Text(escape(row["detail"]))] if row["detail"] else []
    blocks.append(Picture(name, row["words"], lambda: claim_figure(name, evidence, points)))
    blocks += [] if evidence.empty else [evidence_table(evidence)]
    blocks += [Text(f"**Rule.** {escape(row['rule'])}"), Text(f"**Read from** {escape(row['needs'])}.")]
    limits = [escape(line) for line in str(row["not_tested"]).splitlines() if line]
    blocks += [Text("**Not tested**"), Bullets(limits)] if limits else []
    return Section(name, blocks)


def evidence_table(evidence: pd.DataFrame) -> Table:
    """The numbers of a claim; limits are folded into the cell of their middle."""
    columns = [name for name in map(str, evidence.columns) if not _is_limit(name, evidence)]
    header = ["λ" if name == "lam" else name.replace("_", " ") for name in columns]
    numbers = [place for place, name in enumerate(columns) if pd.api.types.is_numeric_dtype(evidence[name])]
    rows = [[_cell(row, name) for name in columns] for row in evidence.to_dict("records")]
    return Table(header, rows, numbers, foldable=True)


def _is_limit(name: str, evidence: pd.DataFrame) -> bool:
    base, _, end = name.rpartition("_")
    return end in ("low", "high") and base in evidence.columns


def _cell(row: Mapping[Any, Any], name: str) -> str | Text:
    """One value in words, with its limits where it has them."""
    value = row[name]
    if isinstance(value, str):
        return Text(f"**{value}**") if name == "verdict" else value
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
