"""What a run comes to, for the terminal that it ends in: every method at one size, and the sentences of its report."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pandas as pd

from frontier.analysis.arena import HIDDEN, judged_by
from frontier.analysis.budgets import parts_of
from frontier.analysis.contrasts import DELTA
from frontier.analysis.profiles import HELD_OUT
from frontier.core.text_table import aligned
from frontier.reporting.document import Document, Text, walk
from frontier.reporting.misses import ARM, at_one_size
from frontier.reporting.numbers import count, percent, seconds
from frontier.reporting.prepared import Prepared
from frontier.reporting.quantities import LEAST_ERROR

MOST_PARTS = 3  # problems and designs with a table of their own; more of them are replicates, and are averaged
MOST_ROWS = 20
SHOWN = ("n_active", "train_mare", "ess", "fit_seconds")
AGAIN = "initial"  # the refit that is shown beside the fit: the one yardstick that selections have in common


def answer(run: Prepared, front: Document | None) -> list[str]:
    """A table for each problem and design (one for all where they are many, or samples of one population), and what the
    first page says in bold.
    """
    cells = run.first
    if {"cell", HIDDEN} <= set(run.stored.columns):
        cells = cells.merge(run.stored[["cell", HIDDEN]].drop_duplicates("cell"), on="cell", how="left")
    parts = list(parts_of(cells).items())
    replicates = HIDDEN in cells.columns and cells.groupby("problem")[HIDDEN].any().all()
    if len(parts) > MOST_PARTS or (replicates and len(parts) > 1):
        title = f"mean over {len(parts)} problems" + (" and designs" if cells["split"].nunique() > 1 else "")
        tables = list(_table(title, cells, run.focus))
    else:
        tables = [line for key, part in parts for line in _table(run.titles[key], part, run.focus)]
    texts = [block.markdown for block in walk(front.blocks if front else []) if isinstance(block, Text)]
    said = dict.fromkeys(
        re.sub(r"(?<!\\)\*+", "", html.unescape(text)).replace("\\", "") for text in texts if "**" in text
    )
    return [*tables, *list(said)[:MOST_PARTS]]


def _table(title: str, part: pd.DataFrame, compared: list[str]) -> Iterator[str]:
    """The methods near the middle one of the shared sizes and those of the whole file, the smallest error first."""
    error = judged_by(part, HELD_OUT)
    error = error if part[error].notna().any() else "train_mare"
    points = part[part["has_weights"]].groupby(ARM, dropna=False)[list(dict.fromkeys([*SHOWN, error]))].mean()
    points = points.reset_index().assign(n_active_mean=lambda frame: frame["n_active"])
    if points.empty:
        return
    chosen = at_one_size(points, compared)[1].drop_duplicates(["label", "refit"])
    fits = chosen[chosen["refit"] == "none"].sort_values([error, "label"], kind="stable").head(MOST_ROWS)
    again = chosen[chosen["refit"] == AGAIN].set_index("label")
    name = {"train_mare": "", HIDDEN: "hidden error"}.get(error, "held-out error")
    header = ["method", "records", "training error", *([name] if name else [])]
    header += [f"{name or 'training error'}, refit"] if len(again) else []
    rows = [[*header, "ESS", "seconds", ""]]
    best = fits[error].min()
    for row in fits.to_dict("records"):
        refit = [_error(again[error].get(row["label"]))] if len(again) else []
        errors = [_error(row["train_mare"]), *([_error(row[error])] if name else []), *refit]
        level = "" if not name or len(fits) < 2 or row[error] > best + DELTA else "level"
        line = [str(row["label"]), count(row["n_active"]), *errors, count(row["ess"]), seconds(row["fit_seconds"])]
        rows.append([*line, level])
    if sum(row[-1] == "level" for row in rows) < 2:  # the best alone is level with nobody
        rows = [row[:-1] for row in rows]
    yield title
    yield from (f"  {line}" for line in aligned(rows))
    if len(rows[0]) > len(header) + 2:
        yield f"  level: within {100 * DELTA:.0f} point of the best; no test"


def _plain(markdown: str) -> str:
    """A sentence as a terminal shows it: without emphasis, an asterisk of a name as itself."""
    return re.sub(r"(?<!\\)\*+", "", html.unescape(markdown)).replace("\\", "")


def _error(value: float | None) -> str:
    """An error in percent; none is told apart from another below a ten thousandth of a percent."""
    return f"<{percent(LEAST_ERROR, 1)}" if value is not None and value < LEAST_ERROR else percent(value)
