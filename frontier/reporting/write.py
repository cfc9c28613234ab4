"""Writes a report folder: all figures, `report.md`, `summary.csv` (one row per point), and where methods share budgets
`budgets.csv` (one row per method and budget, pooled over seeds and folds).

Everything is written beside the folder first and moved in at the end, so a failure leaves the earlier report whole.
Figures and tables that an earlier report left and this one does not have are removed; any other file is kept.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from frontier.errors import InputError
from frontier.reporting.aggregate import aggregate, prepare
from frontier.reporting.budgets import by_budget, has_matched_budgets
from frontier.reporting.figures import FIGURE_NAME, draw_figures
from frontier.reporting.tables import markdown_report

REPORT, SUMMARY, BUDGETS = "report.md", "summary.csv", "budgets.csv"


def write_report(cells: pd.DataFrame, manifest: Mapping[str, Any], out: Path) -> list[Path]:
    """Write the report of `cells` into the folder `out`, made if missing; the paths of its files, the report first.

    Raises `InputError` when `out` is a file or when `cells` lacks a column that identifies a result.
    """
    if out.exists() and not out.is_dir():
        raise InputError(out, "not a folder", expected="a folder for the report", got="a file")
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))  # a sibling: moving it is a rename
    try:
        figures = draw_figures(cells, manifest, draft)
        text = markdown_report(cells, manifest, figures)
        (draft / REPORT).write_text(text, encoding="utf-8", newline="\n")
        aggregate(cells).to_csv(draft / SUMMARY, index=False, lineterminator="\n")
        ready = prepare(cells)
        tables = [SUMMARY]
        if has_matched_budgets(ready):
            by_budget(ready).to_csv(draft / BUDGETS, index=False, lineterminator="\n")
            tables.append(BUDGETS)
        out.mkdir(exist_ok=True)
        names = [path.name for paths in figures.values() for path in paths]
        # The report last: whoever reads it finds every figure that it links.
        for name in (*names, *tables, REPORT):
            (draft / name).replace(out / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for path in sorted(out.iterdir()):
        ours = path.name == BUDGETS or FIGURE_NAME.fullmatch(path.name)
        if path.is_file() and path.name not in (*names, *tables) and ours:
            path.unlink()
    return [out / name for name in (REPORT, *tables, *names)]
