"""The report of a run: `report.md`, the interactive `index.html`, all figures (PNG, SVG, PDF), and every table.

What a report says stands in `frontier/reporting/sections/`, one file a section: `PLACE` says where, and
`blocks(run: Prepared) -> list[Block]` says what. Tables are `summary` (one row per point), where methods share budgets
`budgets` (one row per method and budget, pooled over seeds and folds), and those named `statistics__…`, each as CSV,
Markdown and LaTeX. Figures are named `<problem>__<design>__<what>`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from frontier.core.registry import module_names
from frontier.reporting.document import Block, Document, Text, lines_of
from frontier.reporting.markdown import escape
from frontier.reporting.page.page import page
from frontier.reporting.prepared import Prepared
from frontier.reporting.provenance import closing, provenance
from frontier.reporting.write import write_document

SECTIONS = "frontier.reporting.sections"
FORMATS = ("png", "svg", "pdf")
OURS = r"(budgets|statistics__.+)\.(csv|md|tex)|.+__.+\.(png|svg|pdf)"  # what an earlier report may have left

BESIDE = (
    "**Files.** `report.md` is this report as text, `index.html` the same as an interactive page; every figure is "
    "there as PNG, SVG and PDF, every table as CSV, Markdown and LaTeX."
)
LIMITATIONS = (
    "A standard error is over seeds: how much the random start matters; at equal budgets also over the folds of a "
    "rotation. It is not an uncertainty over samples or populations, and a deterministic method on one split has none.",
    "Errors are relative to max(|target|, floor): a target near 0 counts in units of the floor, not in percent of "
    "itself.",
    "Any non-negative weights can be thinned to at most rank(M) records, so at most as many as there are targets, "
    "without changing a single estimate (Carathéodory). At and above that many records the training error says nothing "
    "about a method: read its held-out error and its effective sample size.",
    "Means over seeds are taken over the cells that have weights; cells without are listed under Failures.",
)


def write_report(
    cells: pd.DataFrame,
    manifest: Mapping[str, Any],
    out: Path,
    *,
    targets: pd.DataFrame | None = None,
    traces: pd.DataFrame | None = None,
) -> list[Path]:
    """Write the report of `cells` into the folder `out`, made if missing; the paths of its files, the report first.

    `targets` and `traces` are those of `frontier.results.store`; without targets there are no worst misses and no
    statistics, without traces there is no convergence. Figures and tables that an earlier report left and this one does
    not have are removed; any other file is kept. Raises `InputError` when `out` is a file, when `cells` lacks a column
    that identifies a result, or when `targets` are those of other cells.
    """
    run = Prepared(cells, manifest, targets, traces)
    document = report(run)
    pages = {"index.html": lambda drawn: page(document, run, drawn)}
    return write_document(document, out, formats=FORMATS, tables=("csv", "md", "tex"), ours=OURS, pages=pages)


def report(run: Prepared) -> Document:
    """Everything that there is to say about a run."""
    described = re.split(r"\n\s*\n", str(run.manifest.get("description") or ""))
    told: list[Block] = [Text(escape(text)) for text in described if text.strip()]
    for section in sections():
        told += section.blocks(run)
    end = closing(run.manifest, [*lines_of(told), BESIDE], LIMITATIONS)
    return Document(run.title, [*told, *end, provenance(run.cells, run.manifest)])


def sections() -> list[ModuleType]:
    """The files in `sections/`, in the order of their `PLACE`."""
    found = [importlib.import_module(f"{SECTIONS}.{name}") for name in module_names(SECTIONS)]
    return sorted(found, key=lambda module: module.PLACE)
