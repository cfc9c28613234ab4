"""Writes a report folder: `report.md`, the interactive `index.html`, all figures (PNG, SVG, PDF), and the tables as
CSV, Markdown and LaTeX: `summary` (one row per point), and where methods share budgets `budgets` (one row per method
and budget, pooled over seeds and folds). Tables and figures of further sections are named `statistics__…`.

Everything is written beside the folder first and moved in at the end, so a failure leaves the earlier report whole.
Figures and tables that an earlier report left and this one does not have are removed; any other file is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

from frontier.analysis.aggregate import aggregate, prepare
from frontier.reporting.budgets import budget_table, by_budget, has_matched_budgets
from frontier.reporting.charts.canvas import rc
from frontier.reporting.charts.figures import FIGURE_NAME, FORMATS, draw_figures, save
from frontier.reporting.charts.style import LabelStyle, label_styles
from frontier.reporting.document import Data, Table
from frontier.reporting.extra import PREFIX, Section, stems
from frontier.reporting.page.page import page
from frontier.reporting.tables import markdown_report, notes_of, summary_text
from frontier.reporting.write import draft_of, move_in, write_data, write_text

REPORT, PAGE, SUMMARY, BUDGETS = "report.md", "index.html", "summary", "budgets"
TABLE_NAME = rf"({BUDGETS}|{PREFIX}.+)\.(csv|md|tex)|{PREFIX}.+\.({'|'.join(FORMATS)})"


def write_report(
    cells: pd.DataFrame,
    manifest: Mapping[str, Any],
    out: Path,
    *,
    targets: pd.DataFrame | None = None,
    traces: pd.DataFrame | None = None,
    extra: Sequence[Section] = (),
) -> list[Path]:
    """Write the report of `cells` into the folder `out`, made if missing; the paths of its files, the report first.

    `targets` and `traces` are those of `frontier.results.store`; without them the page has no worst misses and no
    convergence. Raises `InputError` when `out` is a file or when `cells` lacks a column that identifies a result.
    """
    ready = prepare(cells)
    styles = label_styles(ready["label"], dict(zip(ready["label"], ready["method"], strict=True)))
    with draft_of(out) as draft:
        figures = draw_figures(ready, manifest, draft)
        pictures = _draw_extra(extra, styles, draft)
        text = markdown_report(ready, manifest, figures, extra=extra, pictures=pictures, linked=True)
        write_text(draft / REPORT, text)
        html = page(
            ready, manifest, styles, notes_of(ready, manifest, extra),
            targets=targets, traces=traces, extra=extra, pictures=pictures,
        )  # fmt: skip
        write_text(draft / PAGE, html)
        tables = _write_tables(ready, extra, draft)
        drawn = [path.relative_to(draft) for paths in (*figures.values(), *pictures.values()) for path in paths]
        names = [Path(REPORT), Path(PAGE), *tables, *drawn]
        move_in(draft, out, names, f"{TABLE_NAME}|{FIGURE_NAME.pattern}")
    return [out / name for name in names]


def _draw_extra(extra: Sequence[Section], styles: Mapping[str, LabelStyle], folder: Path) -> dict[str, list[Path]]:
    """The figures of the sections, by caption."""
    written: dict[str, list[Path]] = {}
    names = stems(caption for section in extra for caption in section.figures)
    with matplotlib.rc_context(rc()):
        for section in extra:
            for caption, draw in section.figures.items():
                figure = draw(styles)
                if figure is not None:
                    written[caption] = save(figure, folder, names[caption])
    return written


def _write_tables(ready: pd.DataFrame, extra: Sequence[Section], folder: Path) -> list[Path]:
    """Every table in three formats; the names of the files."""
    points = aggregate(ready)
    data = [Data(SUMMARY, points, [summary_text(points, named=True)])]
    if has_matched_budgets(ready):
        rows = by_budget(ready)
        parts = [
            Table(["problem", "design", *table.header], [[*map(str, key), *row] for row in table.rows], range(4, 99))
            for key, some in rows.groupby(["problem", "design"], sort=True)
            if (table := budget_table(some)).rows
        ]
        data.append(Data(BUDGETS, rows, parts))
    names = stems(title for section in extra for title in section.tables)
    data += [Data(names[title], frame) for section in extra for title, frame in section.tables.items()]
    return [path.relative_to(folder) for each in data for path in write_data(each, folder, ("csv", "md", "tex"))]
