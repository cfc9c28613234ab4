"""Defaults against tuned settings: does the order of methods survive when each had the same time to be tuned?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from frontier.analysis.arena import HIDDEN, judged_by
from frontier.analysis.tuned import HELD_OUT, orders, tuned_table
from frontier.reporting.charts.tuned_figure import tuned_figure
from frontier.reporting.document import Block, Bullets, Data, Picture, Reading, Section, Table, Text
from frontier.reporting.markdown import escape
from frontier.reporting.numbers import MISSING, count, percent, points, points_interval, significant
from frontier.reporting.prepared import Prepared

PLACE = 2
FRONT = True  # it is what such an experiment is made for
READING = (
    "**Default and tuned.** Each method was searched for the same CPU seconds (or number of trials), on hold-outs "
    "within the training targets or on other samples; what is shown here was kept from all searches. *Default* is the "
    "method as the experiment configures it, the first trial of its search; both sides have the weights (as fitted, or "
    "refit) that were best in the search. A difference is tuned minus default in percentage points, with its 95% "
    "interval over problems and splits; negative is better. A search of so many CPU seconds tries more on a faster "
    "machine and may end elsewhere; one of so many trials is the same everywhere.",
)


def blocks(run: Prepared) -> list[Block]:
    """The order of methods before and after, the table, the settings and what they cost; nothing without a search."""
    table = tuned_table(run.stored, run.manifest)
    if table.empty:
        return []
    error = "hidden error" if judged_by(run.stored, HELD_OUT) == HIDDEN else "held-out error"
    order = orders(table)
    told: list[Block] = [Text(answer(table, order, error))]
    if len(order):
        told.append(Bullets([_order(row) for row in order.to_dict("records")]))
    found: list[Block] = [_settings(table)]
    if failures := _failures(table):
        found.append(Bullets(failures))
    caption = f"The {error} of every method as configured and as tuned, on what its search did not see"
    title = f"{run.title}: what tuning changes"
    drawn = Picture(f"{run.title}__tuned", caption, lambda: tuned_figure(table, run.styles, error, title))
    told += [drawn, _numbers(table, error), Section("What was found", found)]
    saved = table.drop(columns=["of_default", "of_tuned"]).assign(settings=[str(some) for some in table["settings"]])
    return [Section("Default against tuned", told), Data("tuned", saved, "Default against tuned"), Reading(READING)]


def answer(table: pd.DataFrame, order: pd.DataFrame, error: str) -> str:
    """What tuning gains, and whether the best stays the best, in two sentences."""
    searched = table[table["searched"]]
    gains = 1 - searched["tuned"] / searched["default"]
    better = int((searched["difference_high"] < 0).sum())
    worse = int((searched["difference_low"] > 0).sum())
    decided = (
        f"; {better} are better beyond chance and {worse} worse, each by itself" if searched["pairs"].max() > 1 else ""
    )
    first = (
        f"**Tuning changes the {error} by {_share(-gains.median())}** in the median of {len(searched)} methods and "
        f"budgets (from {_share(-gains.max())} to {_share(-gains.min())}){decided}."
    )
    kept = [row for row in order.to_dict("records") if row["default"][0] == row["tuned"][0]]
    same = len(kept) == len(order)
    second = "" if order.empty else (
        f" **The best method {'stays the best at every budget' if same else 'changes'}**"
        + ("" if same else f" at {len(order) - len(kept)} of {len(order)} budgets") + "."
    )  # fmt: skip
    return first + second


def _share(change: float) -> str:
    text = f"{100 * change:+.0f}%".replace("-", "−")
    return "0%" if text[1:] == "0%" else text


def _order(row: dict[Any, Any]) -> str:
    """One budget: who errs least as configured and as tuned, and whether the latter is told from the next."""
    before, after = ([escape(str(label)) for label in row[side]] for side in ("default", "tuned"))
    size = "Without a budget" if pd.isna(row["budget"]) else f"{_size(row['budget'])} records"
    best = f"as configured and as tuned {after[0]} errs least" if before[0] == after[0] else (
        f"as configured {before[0]} errs least, as tuned {after[0]}"
    )  # fmt: skip
    if not pd.isna(row["lead_low"]):
        told = "ahead of" if row["lead_low"] > 0 else "not told from"
        limits = points_interval(row["lead_low"], row["lead_high"])
        best += f", {told} {after[1]} by {points(row['lead'])} points ({limits})"
    same = "the order is the same" if before == after else f"Kendall's τ of both orders {significant(row['tau'], 2)}"
    return f"{size}: {best}; {same}."


def _numbers(table: pd.DataFrame, error: str) -> Table:
    header = ["records", "method", f"{error}, default", "tuned", "difference", "95% interval", "in the search"]
    rows = []
    for row in table.sort_values(["budget", "tuned"], kind="stable").to_dict("records"):
        inner = f"{significant(row['inner_default'])} → {significant(row['inner_tuned'])}"
        told = [points(row["difference"]), points_interval(row["difference_low"], row["difference_high"]), inner]
        sides = [percent(row["default"]), percent(row["tuned"]) if row["searched"] else "not searched"]
        rows.append([_size(row["budget"]), str(row["label"]), *sides, *(told if row["searched"] else [MISSING] * 3)])
    return Table(header, rows, numbers=range(2, len(header)))


def _settings(table: pd.DataFrame) -> Table:
    header = ["method", "records", "settings", "trials", "refused", "failed", "CPU s"]
    rows = []
    for row in table[table["searched"]].to_dict("records"):
        words = dict.fromkeys(
            ", ".join(f"{name} {value}" for name, value in one.items()) or "as configured" for one in row["settings"]
        )
        numbers = [f"{row[name]:.0f}" for name in ("trials", "refused", "failed", "cpu_seconds")]
        rows.append([str(row["label"]), _size(row["budget"]), "; ".join(words), *numbers])
    return Table(header, rows, numbers=range(3, len(header)), foldable=True)


def _failures(table: pd.DataFrame) -> list[str]:
    """Why trials failed: a search that lost many has had less of its time than the others."""
    lost = table[table["searched"] & (table["failed"] > 0)].drop_duplicates("label")
    return [
        f"{escape(row['label'])}: {row['failed']:.0f} of {row['trials']:.0f} trials failed"
        f"{', most often' if row['failed'] > 1 else ''} for this reason: {escape(row['failure'] or 'not recorded')}."
        for row in lost.to_dict("records")
    ]


def _size(budget: float | None) -> str:
    if budget is None or pd.isna(budget):
        return MISSING
    return count(budget) if budget >= 1 else percent(budget)
