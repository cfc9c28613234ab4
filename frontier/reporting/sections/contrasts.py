"""The first page: every method at one size, the declared comparisons with their verdicts, the forest, the metrics.

A run without held-out targets, or with a single label, has no such section.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from frontier.analysis.contrasts import ARMS, CONTROL, Contrast, contrasts, declared
from frontier.analysis.heldout_metrics import METRICS
from frontier.analysis.paired_test import DEPENDS, OUT_OF_REACH, UNDECIDED
from frontier.reporting.charts.forest_figure import forest_figure
from frontier.reporting.document import Block, Data, Picture, Reading, Section, Table, Text
from frontier.reporting.markdown import escape
from frontier.reporting.numbers import MISSING, count, percent, points, points_interval, seconds
from frontier.reporting.prepared import Key, Prepared
from frontier.results.arms import arm_name, arm_words

PLACE = 5
MOST_WINNERS = 3  # that are named in a sentence; the table has all
PRIMARY_MEAN = "heldout_capped_mare_mean"
FRONT = True  # on the first page of a report; the other sections stand behind it
READING = (
    "**Declared contrasts.** An experiment names the comparisons that it is made for before it is run (without any, "
    "the two camps are compared). Each is one test: both arms' held-out errors, capped at 100% a target, averaged over "
    "ln k between the sizes given. A winner is found after Holm's adjustment for the contrasts of the problem and "
    "design: with a probability of 95% no winner is false. Every other number of a report is exploratory.",
    "**Verdicts.** *Depends on family*: single families contradict each other beyond the seeds. *Level*: within one "
    "percentage point, shown. *Undecided* is not *level*: beside it stand the smallest difference that would have been "
    "found in 80 of 100 repetitions, and the smallest margin within which the two are shown to be alike. *Out of "
    "reach*: no difference could have been found. *Too few folds*: fewer than five.",
    "**Skill.** 1 − error/error(initial weights). Below 0 the initial weights, fitted to nothing, predict better.",
    "**Metrics that agree.** The same comparison by eight readings of the same residuals: capped and plain mean, "
    "median, weighted by the targets' size, |log ratio|, RMSE, share beyond 100%, bias.",
    "**What an interval covers.** Folds: targets like these, with the records as they are; a single split with few "
    "families: the methods' seeds only. Other samples of records are in none of them.",
)


def blocks(run: Prepared) -> list[Block]:
    """A section for each problem and design with something to compare; `InputError` for targets of other cells."""
    if not run.can_compare or run.targets is None:
        return []
    given = declared(run.manifest, run.stored)
    found, families = contrasts(run.stored, run.targets, given)
    told: list[Block] = []
    for key, title in run.titles.items():
        table = size_table(run, key)
        part, some = _of(found, key), _of(families, key)
        inside = _comparisons(part, some, given, f"{run.stems[key]}__forest", title)
        inside[1:1] = [Text(f"At {table[0]}, method by method:"), table[1]] if table else []  # the answer comes first
        if inside:
            told.append(Section(f"In short: {title}", inside))
    if not told:
        return []
    data = [Data("statistics__contrasts", found, "Contrasts")] if len(found) else []
    return [*told, *data, Reading(READING)]


def _of(frame: pd.DataFrame, key: Key) -> pd.DataFrame:
    if frame.empty:
        return frame
    return frame[(frame["problem"] == key[0]) & (frame["design"] == key[1])].reset_index(drop=True)


def size_table(run: Prepared, key: Key) -> tuple[str, Table] | None:
    """What the table is of, and every method at the middle budget, dense ones below; None without shared budgets.

    A method stands as fitted, and beside it with its records refit: from the initial weights where that was done, the
    one yardstick that selections have in common. Methods without a solution of that size have no row.
    """
    rows = run.budgets[(run.budgets["problem"] == key[0]) & (run.budgets["design"] == key[1])]
    shared = rows[rows["refit"] == "none"].groupby("budget")["label"].nunique()
    shared = shared[shared == shared.max()] if len(shared) else shared
    if shared.empty or shared.max() < 2:
        return None
    budget = sorted(shared.index)[len(shared) // 2]
    dense = rows[rows["budget"].isna() & (rows["lam"].isna() | (rows["lam"] == 0))]
    chosen = pd.concat([rows[(rows["budget"] == budget) & (rows["n_missed"] < rows["n_with_weights"])], dense])
    fitted = chosen[chosen["refit"] == "none"]
    arm = next((arm for arm in ("initial", "fitted") if arm in set(chosen["refit"])), None)
    again = {row["label"]: row for row in chosen[chosen["refit"] == arm].to_dict("records")}
    controls = set(run.stored.loc[run.stored["method"] == CONTROL, "label"])
    known = fitted.loc[fitted["label"].isin(controls), PRIMARY_MEAN]
    control = float(known.iloc[0]) if len(known) else float("nan")
    most = int(fitted["n_splits"].max())
    fitted = fitted.assign(whole_file=fitted["budget"].isna()).sort_values(["whole_file", PRIMARY_MEAN], kind="stable")
    header = ["method", "records", "training error", "held-out, capped", "skill", "ESS", "seconds"]
    header += [] if arm is None else [f"{arm_words(arm)}: training", "held-out", "skill"]
    lines = []
    for row in fitted.to_dict("records"):
        line = [str(row["label"]), count(row["n_active_mean"]), *_errors(row, control, most), count(row["ess_mean"])]
        line.append(seconds(row["fit_seconds_mean"]))
        if arm is not None:
            line += _errors(again.get(row["label"]), control, most)
        lines.append([*line, _rests(row, most)])
    return f"{count(budget)} records", Table([*header, "rests on"], lines, numbers=range(1, len(header)))


def _errors(row: dict[Any, Any] | None, control: float, most: int) -> list[str]:
    """Training and held-out error and skill; errors over fewer folds than others are not shown beside them."""
    if row is None or row["n_splits"] < most or row["n_with_weights"] < row["n_cells"]:
        return [MISSING] * 3
    held = row[PRIMARY_MEAN]
    skilled = MISSING if pd.isna(control) or pd.isna(held) else percent(1 - held / control)
    return [percent(row["train_mare_mean"]), percent(held), skilled]


def _rests(row: dict[Any, Any], most: int) -> str:
    """On how many folds and seeds a row rests, and how many of its cells are of another size."""
    rests = [f"{row['n_splits']} of {most} folds"] if most > 1 else []
    rests += [f"{row['n_seeds']} seeds"] if row["n_seeds"] else ["no seed"]
    rests += [f"{row['n_missed']} of {row['n_cells']} of another size"] if row["n_missed"] else []
    return ", ".join(rests)


def _comparisons(
    part: pd.DataFrame, families: pd.DataFrame, given: list[Contrast], stem: str, title: str
) -> list[Block]:
    if part.empty:
        return [Text("No size is covered by both arms of a contrast: nothing can be compared.")] if given else []
    told: list[Block] = [Text(sentence(part)), _table(part, families), Text(_basis(part))]
    told.append(
        Picture(stem, f"Held-out errors family by family: {title}", partial(forest_figure, part, families, title))
    )
    return [*told, Text("The same comparisons by other readings of the same residuals, A − B:"), _metrics(part)]


def sentence(part: pd.DataFrame) -> str:
    """Who errs less than whom, then how many contrasts are decided, or could not have been decided at all."""
    verdicts = part["verdict"]
    n, depend, reach = len(part), int((verdicts == DEPENDS).sum()), int((verdicts == OUT_OF_REACH).sum())
    won = part[verdicts.str.endswith("better")].sort_values("difference", key=abs, ascending=False, kind="stable")
    named = [_winner(row) for row in won.head(MOST_WINNERS).to_dict("records")]
    told = f"**{'. '.join(named) or 'No winner'}.** "
    told += f"Of {n} declared contrasts {len(won)} {'has' if len(won) == 1 else 'have'} a winner"
    told += f", {depend} {'depends' if depend == 1 else 'depend'} on the family" if depend else ""
    told += f", {reach} could not have been decided by any difference" if reach else ""
    return f"{told}. The sign of {int((part['metrics_like'] < len(METRICS)).sum())} changes with the metric."


def _winner(row: dict[Any, Any]) -> str:
    """`A errs less than B on held-out totals, by 3.20 points from 500 to 5,000 records (not by every metric)`."""
    arms = [escape(arm_name(row[side], row[f"refit_{side}"])) for side in ("a", "b")]
    better, worse = arms if row["difference"] < 0 else arms[::-1]
    by = points(abs(row["difference"])).removeprefix("+")
    told = f"{better} errs less than {worse} on held-out totals, by {by} points"
    told += f" from {count(row['low'])} to {count(row['high'])} records"
    return told + (" (not by every metric)" if row["metrics_like"] < len(METRICS) else "")


def _table(part: pd.DataFrame, families: pd.DataFrame) -> Table:
    header = (
        *("A", "B", "records", "error of A", "error of B", "A − B, points (95%)", "found if above", "alike within"),
        *("training A − B", "verdict", "families", "with the training error"),
    )
    rows = []
    for row in part.to_dict("records"):
        mine = families[(families[ARMS] == pd.Series(row)[ARMS]).all(axis=1)]
        fewer, more = int((mine["difference"] < 0).sum()), int((mine["difference"] > 0).sum())
        undecided = row["verdict"] in (UNDECIDED, DEPENDS)
        rows.append(
            [
                arm_name(row["a"], row["refit_a"]),
                arm_name(row["b"], row["refit_b"]),
                f"{count(row['low'])} to {count(row['high'])}",
                percent(row["mean_a"]),
                percent(row["mean_b"]),
                _with(row, "difference"),
                _size(row["detectable"]) if undecided else MISSING,
                _size(row["margin"]),
                _with(row, "training"),
                row["verdict"],
                f"A in {fewer}, B in {more}",
                row["outcome"],
            ]
        )
    return Table(header, rows, numbers=range(3, 9))


def _basis(part: pd.DataFrame) -> str:
    """What the intervals cover, contrast by contrast where they differ."""
    found = part.groupby("basis", sort=False).size()
    told = [f"{basis} ({n} of {len(part)})" if len(found) > 1 else str(basis) for basis, n in found.items()]
    return f"Intervals are over {'; or '.join(told)}."


def _metrics(part: pd.DataFrame) -> Table:
    header = ("A", "B", *(name.replace("_", " ") for name in METRICS), "like the capped mean")
    rows = []
    for row in part.to_dict("records"):
        arms = [arm_name(row["a"], row["refit_a"]), arm_name(row["b"], row["refit_b"])]
        like = f"{row['metrics_like']} of {len(METRICS)}"
        rows.append([*arms, *(points(row[f"difference_{name}"]) for name in METRICS), like])
    return Table(header, rows, numbers=range(2, len(header)))


def _with(row: dict[Any, Any], name: str) -> str:
    """A difference with its interval, in points."""
    limits = points_interval(row[f"{name}_low"], row[f"{name}_high"])
    return points(row[name]) if limits == MISSING else f"{points(row[name])} ({limits})"


def _size(difference: float) -> str:
    """A size of a difference in percentage points; those of capped errors end at 100."""
    if difference != difference:
        return MISSING
    return "above 100" if difference > 1 else f"{100 * difference:.2g}"
