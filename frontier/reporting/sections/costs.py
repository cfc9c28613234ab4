"""What it costs: training error, effective sample size and seconds of every method at one size, beside its errors."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from frontier.analysis.profiles import HELD_OUT
from frontier.reporting.charts.costs_figure import costs_figure
from frontier.reporting.document import Block, Picture, Reading, Section, Table
from frontier.reporting.misses import at_one_size
from frontier.reporting.numbers import MISSING, count, percent, seconds
from frontier.reporting.prepared import Key, Prepared
from frontier.results.arms import arm_words

PLACE = 5
FRONT = True
MEAN = f"{HELD_OUT}_mean"
ROUNDING = 1e-12  # of a skill: the control has none over itself
READING = (
    "**What it costs.** Every method at one size, the smallest held-out error first, those of the whole file below. "
    "*Effective sample size (ESS)*: Kish's (Σw)²/Σw², the size of the equally weighted sample that is as precise. "
    "*Skill*: 1 − error/error(initial weights); below 0 the initial weights, fitted to nothing, predict better.",
    "**Seconds.** *clean*: alone on its threads; *contended*: beside other batches; *amortised*: an equal share of a "
    "batch that was solved at once; *cached*: taken from an earlier run. Only clean times may be compared, and kinds "
    "are never averaged together.",
)


def blocks(run: Prepared) -> list[Block]:
    """A figure and a table for each problem and design of the first page."""
    told: list[Block] = []
    for key in run.front:
        rows, size = _rows(run, key)
        if rows.empty:
            continue
        title = f"{run.titles[key]}, near {count(size)} records" if size else run.titles[key]
        draw = partial(costs_figure, rows, run.styles, run.focus, title)
        inside: list[Block] = [Picture(f"{run.stems[key]}__costs", f"What every method costs: {title}", draw)]
        inside += [_table(run, key, rows, size)] if len(rows) > 1 and run.can_compare else []
        told += inside if len(run.front) == 1 else [Section(run.titles[key], inside, folded=bool(told))]
    return [Section("What it costs", told), Reading(READING)] if told else []


def _rows(run: Prepared, key: Key) -> tuple[pd.DataFrame, float]:
    """As fitted: each method near the size that most of them reach and those of the whole file, with that size."""
    fits = run.pooled[key]
    fits = fits[(fits["refit"] == "none") & (fits["n_with_weights"] > 0)]
    size, rows = at_one_size(fits, run.focus)
    rows = rows.assign(whole_file=rows["budget"].isna() & (rows["lam"].isna() | (rows["lam"] == 0)))
    order = MEAN if rows[MEAN].notna().any() else "train_mare_mean"
    return rows.sort_values(["whole_file", order, "label"], kind="stable", ignore_index=True), size


def size_table(run: Prepared, key: Key) -> tuple[str, Table] | None:
    """What the table is of, and every method at one size, those of the whole file below; None with fewer than two."""
    rows, size = _rows(run, key)
    return (_of(size), _table(run, key, rows, size)) if len(rows) > 1 else None


def _of(size: float) -> str:
    return f"{count(size)} records" if size else "the whole file"


def _table(run: Prepared, key: Key, fitted: pd.DataFrame, size: float) -> Table:
    """The rows of `_rows` in words.

    A method stands as fitted, and beside it with its records refit: from the initial weights where that was done, the
    one yardstick that selections have in common. Methods without a solution of that size have no row.
    """
    everything = run.pooled[key]
    arm = next((arm for arm in ("initial", "fitted") if size and arm in set(everything["refit"])), None)
    pairs = everything[everything["refit"] == arm].to_dict("records")
    again = {(row["label"], str(row["lam"]), str(row["budget"])): row for row in pairs}
    initial, most = run.initial_error(run.parts[key]), int(fitted["n_splits"].max())
    header = ["method", "records", "training error", "held-out, capped", "skill", "ESS", "seconds"]
    header += [] if arm is None else [f"{arm_words(arm)}: training", "held-out", "skill"]
    lines = []
    for row in fitted.to_dict("records"):
        line = [str(row["label"]), count(row["n_active_mean"]), *_errors(row, initial, most), count(row["ess_mean"])]
        line.append(f"{seconds(row['fit_seconds_mean'])} {row['timing']}".removesuffix(" clean"))
        if arm is not None:
            line += _errors(again.get((row["label"], str(row["lam"]), str(row["budget"]))), initial, most)
        lines.append([*line, _rests(row, most)])
    fold = f"The same in numbers, {_of(size)}, with errors and skill"
    return Table([*header, "rests on"], lines, numbers=range(1, len(header)), fold=fold)


def _errors(row: dict[Any, Any] | None, initial: float | None, most: int) -> list[str]:
    """Training and held-out error and skill; errors over fewer folds than others are not shown beside them."""
    if row is None or row["n_splits"] < most or row["n_with_weights"] < row["n_cells"]:
        return [MISSING] * 3
    held = row[MEAN]
    if not initial or pd.isna(held):  # of weights without an error there is no share
        return [percent(row["train_mare_mean"]), percent(held), MISSING]
    skill = 1 - held / initial
    return [percent(row["train_mare_mean"]), percent(held), percent(skill if abs(skill) > ROUNDING else 0.0)]


def _rests(row: dict[Any, Any], most: int) -> str:
    """On how many folds and seeds a row rests, and how many of its cells are of another size."""
    rests = [f"{row['n_splits']} of {most} folds"] if most > 1 else []
    rests += [f"{row['n_seeds']} seeds"] if row["n_seeds"] else ["no seed"]
    rests += [f"{row['n_missed']} of {row['n_cells']} of another size"] if row["n_missed"] else []
    return ", ".join(rests)
