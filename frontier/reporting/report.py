"""The report of a run: one page (`report.md`), everything behind it (`details.md`), and both as an interactive page.

What a report says stands in `frontier/reporting/sections/`, one file a section: `PLACE` says where, `FRONT` that it is
on the first page, and `blocks(run: Prepared) -> list[Block]` says what. Figures are PNG, on demand SVG and PDF, named
`<problem>__<design>__<what>`. Tables are `summary` (one row per point), where methods share budgets `budgets` (one row
per method and budget, pooled over seeds and folds), and those named `statistics__…`, each as CSV, Markdown and LaTeX.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from frontier.core.registry import module_names
from frontier.reporting.answer import answer
from frontier.reporting.document import Block, Document, Text, lines_of
from frontier.reporting.markdown import escape
from frontier.reporting.page.page import page
from frontier.reporting.prepared import Prepared
from frontier.reporting.provenance import closing, description, limitations, provenance
from frontier.reporting.sections.headline import question
from frontier.reporting.write import write_document

SECTIONS = "frontier.reporting.sections"
FORMATS, VECTOR = ("png",), ("svg", "pdf")
DETAILS = "details.md"
OURS = r"(budgets|statistics__.+)\.(csv|md|tex)|.+__.+\.(png|svg|pdf)"  # what an earlier report may have left

BESIDE = (
    "**Files.** `report.md` is the first page and `details.md` all else as text, `index.html` both as an interactive "
    "page; every figure is there as PNG (with `--vector` as SVG and PDF too), every table as CSV, Markdown and LaTeX."
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
    tell: Callable[[list[str]], object] | None = None,
    vector: bool = False,
) -> list[Path]:
    """Write the report of `cells` into the folder `out`, made if missing; the paths of its files, the report first.

    `tell` is given what the run comes to, in a few lines (`reporting/answer.py`). With `vector` every figure is there
    as SVG and PDF too, which takes longer than all the rest: fonts are cut to what is used, figure by figure.

    `targets` and `traces` are those of `frontier.results.store`; without targets there are no worst misses and no
    statistics, without traces there is no convergence. Figures and tables that an earlier report left and this one does
    not have are removed; any other file is kept. Raises `InputError` when `out` is a file, when `cells` lacks a column
    that identifies a result, or when `targets` are those of other cells.
    """
    run = Prepared(cells, manifest, targets, traces)
    front, *details = pages_of(run)
    paths = write_document(
        *(front, out),
        formats=(*FORMATS, *VECTOR) if vector else FORMATS,
        tables=("csv", "md", "tex"),
        ours=OURS,
        pages={"index.html": lambda drawn: page(front, run, drawn, *details)},
        behind=dict(zip([DETAILS], details, strict=False)),
    )
    if tell is not None:
        tell(answer(run, front if details else None))
    return paths


def pages_of(run: Prepared) -> list[Document]:
    """The first page, and everything behind it; a single one where nothing is compared, so that there is no first."""
    told = described(run)
    front: list[Block] = []
    behind: list[Block] = []
    for section in sections():
        (front if getattr(section, "FRONT", False) else behind).extend(section.blocks(run))
    reading, stated = [*lines_of([*front, *behind]), BESIDE], limitations(run.manifest)
    if not run.can_compare:
        end = [*closing(reading, [*stated, *LIMITATIONS]), provenance(run.cells, run.manifest)]
        return [Document(run.title, [*told, *front, *behind, *end])]
    link = Text(f"Everything else, and how to read it: [details]({DETAILS}).")
    end = [*closing(reading, LIMITATIONS), provenance(run.cells, run.manifest)]
    answered = list(takewhile(lambda block: isinstance(block, Text), front))  # the answer stands under the question
    first = [*answered, *told, *front[len(answered) :], link]
    return [Document(question(run), first), Document(f"{run.title}: details", [*behind, *end])]


def described(run: Prepared) -> list[Block]:
    """What the experiment says of itself, after its name."""
    texts = description(run.manifest)
    if run.can_compare and texts:
        texts[0] = Text(f"*Experiment {escape(run.title)}.* {texts[0].markdown}")
    return list(texts)


def sections() -> list[ModuleType]:
    """The files in `sections/`, in the order of their `PLACE`."""
    found = [importlib.import_module(f"{SECTIONS}.{name}") for name in module_names(SECTIONS)]
    return sorted(found, key=lambda module: module.PLACE)
