"""The answer in three sentences: who errs less and how sure that is, what else was asked, and what it holds for.

A run without held-out targets, or with a single label, has none. The question is the title of the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from frontier.analysis.contrasts import DELTA
from frontier.analysis.heldout_metrics import METRICS
from frontier.analysis.paired_test import DEPENDS, LEAST_FOLDS, LEVEL, NOT_JUDGED, OUT_OF_REACH
from frontier.reporting.document import Block, Text
from frontier.reporting.markdown import escape
from frontier.reporting.numbers import MISSING, count, percent, points, points_interval
from frontier.reporting.prepared import Key, Prepared
from frontier.results.arms import arm_name, arm_words

PLACE = 1
FRONT = True  # on the first page of a report; the other sections stand behind it
MOST_NAMED = 2  # further winners that are named in the sentence; the table has all


def question(run: Prepared) -> str:
    """What the run was made to find out, in a line; without a comparison the name of the experiment."""
    if not run.can_compare or not run.declared:
        return run.title
    (a, refit_a), (b, refit_b) = run.declared[0]
    if refit_a == refit_b:
        as_what = "" if refit_a == "none" else f", both {arm_words(refit_a)}"
        return f"{a} or {b}{as_what}: which errs less on totals it was not fitted to?"
    return f"{arm_name(a, refit_a)} or {arm_name(b, refit_b)}: which errs less on totals it was not fitted to?"


def blocks(run: Prepared) -> list[Block]:
    """A paragraph for each problem and design of the first page with something to compare."""
    told: list[Block] = []
    for key in run.front:
        part = run.contrasts_of(key)[0]
        if len(part):
            place = f"*{escape(run.titles[key])}.* " if len(run.front) > 1 else ""
            told.append(Text(place + " ".join(sentences(run, key, part))))
        elif run.can_compare and run.declared:
            told.append(Text(f"{escape(run.titles[key])}: no size is covered by both arms of a comparison."))
    if told and (more := len(run.parts) - len(run.front)):
        told.append(Text(f"Further problems and designs ({more}) are in the details and in the page's chart."))
    return told


def sentences(run: Prepared, key: Key, part: pd.DataFrame) -> list[str]:
    """The answer to the question, what the other comparisons come to, and what both hold for."""
    first, *others = part.to_dict("records")
    more = _others(others)
    return [f"**{verdict(first, len(part))}**", *([more] if more else []), _holds_for(run, key, first)]


def verdict(row: dict[Any, Any], declared: int) -> str:
    """A sentence or two on one of so many declared comparisons, with its interval."""
    better, worse = _ahead(row)
    by = _by(row)
    agree = row["metrics_like"]
    readings = "" if agree == len(METRICS) else f" {agree} of {len(METRICS)} metrics agree on the sign."
    if row["verdict"].endswith("better"):
        return f"{better} errs less than {worse} on held-out totals, by {by}.{readings}"
    if row["verdict"] == LEVEL:
        both = f"{_arm(row, 'a')} and {_arm(row, 'b')}"
        return f"Level: {both} differ by less than {100 * DELTA:.0f} point on held-out totals ({by})."
    if row["verdict"] == DEPENDS:
        return (
            f"It depends on the family of totals: {better} errs less than {worse} over all, by {by}, but not in each."
        )
    if row["verdict"] == NOT_JUDGED:
        return f"Not judged, fewer than {LEAST_FOLDS} folds: {better} errs less than {worse} in these, by {by}."
    if row["verdict"] == OUT_OF_REACH:
        return f"Cannot be decided here, however large the difference: {better} errs less than {worse} by {by}."
    found = "" if pd.isna(row["detectable"]) else (
        f" A difference above {100 * row['detectable']:.2g} points would have been found."
    )  # fmt: skip
    alone = row["difference_low"] > 0 or row["difference_high"] < 0  # the interval is not adjusted for their number
    chance = f"may be chance among {declared} comparisons" if alone else "may be chance"
    return f"Undecided: {better} errs less than {worse} by {by}, which {chance}.{found}"


def winner(row: Mapping[Any, Any]) -> str:
    """`A errs less than B (3.03 points)`."""
    better, worse = _ahead(row)
    return f"{better} errs less than {worse} ({_size(row)})"


def _arm(row: Mapping[Any, Any], side: str) -> str:
    return escape(arm_name(row[side], row[f"refit_{side}"]))


def _ahead(row: Mapping[Any, Any]) -> tuple[str, str]:
    """The arm with the smaller error, and the other."""
    return (_arm(row, "a"), _arm(row, "b")) if row["difference"] < 0 else (_arm(row, "b"), _arm(row, "a"))


def _size(row: Mapping[Any, Any]) -> str:
    return f"{points(abs(row['difference'])).removeprefix('+')} points"


def _by(row: dict[Any, Any]) -> str:
    """`3.03 points (95%: 2.29 to 3.77)`: the size of a difference, and its interval in the same direction."""
    low, high = row["difference_low"], row["difference_high"]
    if row["difference"] < 0:
        low, high = -high, -low
    limits = points_interval(low, high)
    return _size(row) if limits == MISSING else f"{_size(row)} (95%: {limits})"


def _others(rows: list[dict[Any, Any]]) -> str:
    """How many of the other comparisons have a winner, and which."""
    if not rows:
        return ""
    won = [row for row in rows if row["verdict"].endswith("better")]
    won.sort(key=lambda row: -abs(row["difference"]))
    of = f"Of the {len(rows)} other comparisons" if len(rows) > 1 else "The other comparison"
    if not won:
        return f"{of} none has a winner." if len(rows) > 1 else f"{of} has no winner."
    told = "; ".join(map(winner, won[:MOST_NAMED])) + ("; …" if len(won) > MOST_NAMED else "")
    if len(rows) == 1:
        return f"{of} has a winner: {told}."
    return f"{of} {len(won)} {'has' if len(won) == 1 else 'have'} a winner: {told}."


def _holds_for(run: Prepared, key: Key, row: dict[Any, Any]) -> str:
    """The sizes, the uncertainty that the interval has in it, and what the initial weights do there."""
    held = f"{row['n_targets']:,} held-out totals of {row['n_families']} "
    held += "family" if row["n_families"] == 1 else "families"
    told = f"This holds for {count(row['low'])} to {count(row['high'])} records and {held}; "
    over, _, only = str(row["basis"]).partition("; ")
    told += f"the interval is over {over}" + (f" ({only})" if only else "")
    initial = run.initial_error(run.parts[key])
    if initial is None:
        return f"{told}."
    arms = [f"{_arm(row, side)} {percent(row[f'mean_{side}'])}" for side in ("a", "b")]
    whom = "both" if initial < min(row["mean_a"], row["mean_b"]) else "one of them" if (
        initial < max(row["mean_a"], row["mean_b"])
    ) else ""  # fmt: skip
    than = f", less than {whom}" if whom else ""
    untouched = f"The initial weights of the whole file, fitted to nothing, err {percent(initial)}{than}"
    return f"{told}. {untouched} ({'; '.join(arms)})."
