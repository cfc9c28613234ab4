"""`python -m frontier study arena RESULTS [RESULTS …]`: who wins where the truth is known; solves nothing.

Reads runs on samples of a known population (`problems/census_arena.py`), one problem a replicate, and writes one page:
the question, training against hidden error at every budget, what is better than what over the replicates, and all
numbers. Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from frontier.analysis.arena import HIDDEN, SAME, TRAINING, contrasts, controls, means, replicates
from frontier.analysis.intervals import LEVEL
from frontier.commands.command_line import command, print_lines
from frontier.core.truth import HEADLINE
from frontier.reporting.numbers import listed, percent
from frontier.results.arms import arm_name
from frontier.results.run import Run, load_run
from frontier.results.schema import ARM

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from frontier.reporting.document import Block, Table

REFERENCE = "Coreset"
IN_GREY = ("pps_sample", "balanced_sample")  # drawn at random from given weights: what the four others are read against
GREY = "0.6"
FILLS = {"none": "filled: as fitted", "fitted": "hollow: refit", "initial": "half: refit from initial weights"}
CONTROL_LINES = {"initial weights": ":", "design and response known": "-."}
SAMPLING = "design and response known"  # the control
QUESTION = (
    "Which small file is right about what no target says? Every replicate is an independent sample of a known "
    "population; methods see published totals, the yardstick sees everything. An error is the mean of "
    "|estimate − truth|/|truth| over the totals; lower left is better. *Told from*: the 95% interval of the difference "
    "over replicates leaves 0 out; methods stand at their best arm, and intervals are not adjusted for their number."
)


@command
def main(
    results: Annotated[list[Path], typer.Argument(help="results folders of the arena")],
    out: Annotated[Path, typer.Option(help="folder of the report")] = Path("reports/arena"),
) -> None:
    """Write the page on runs whose problems have a known truth."""
    for path in write_arena([load_run(folder) for folder in results], out)[:1]:
        print_lines([f"report: {path}"])


def write_arena(runs: list[Run], out: Path) -> list[Path]:
    """The page of the arena; its files, the report first."""
    from frontier.reporting.document import Bullets, Document, Section, Text
    from frontier.reporting.write import write_document

    parts = [(run, *_compared(run)) for run in runs]
    answers = [answer(run.name, table, found) for run, table, found in parts if not found.empty]
    blocks: list[Block] = [Bullets(answers), Text(QUESTION)]
    blocks += [Section(run.name, _blocks(run, table, found)) for run, table, found in parts]
    return write_document(Document("Who wins where the truth is known", blocks), out)


def _compared(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The means of every arm and budget, and the reference against every other arm."""
    rows = replicates(run.cells, run.name)
    table = means(rows)
    sized = table[table["budget"].notna() & (table["label"] != REFERENCE)]
    arms = dict.fromkeys(zip(sized["label"], sized["refit"], strict=True))
    return table, contrasts(rows, (REFERENCE, "none"), list(arms))


def answer(name: str, table: pd.DataFrame, found: pd.DataFrame) -> str:
    """Which method errs least at which budgets, and at which of them the interval from the reference leaves 0 out."""
    from frontier.reporting.markdown import escape

    best, compared = best_arms(table), at_their_best(found, table)
    first = best.loc[best.groupby("budget")[HIDDEN].idxmin()]
    told = []
    for label, some in first.groupby("label", sort=False):
        sizes = sorted(some["budget"])
        sure = [size for size in sizes if _told(compared[compared["budget"] == size], str(label))]
        whom = "every other method" if label == REFERENCE else escape(REFERENCE)
        at = f" at {_sizes(sure)}" if 0 < len(sure) < len(sizes) else ""
        beyond = f"told from {whom}{at}" if sure else f"not told from {whom}"
        told.append(f"{escape(str(label))} has the least hidden error at {_sizes(sizes)} ({beyond})")
    return f"**{escape(name)}: {'; '.join(told)}.**"


def _told(found: pd.DataFrame, label: str) -> bool:
    """Whether every interval of the reference minus another method is below 0, or that of `label` above."""
    if label == REFERENCE:
        return bool((found[f"{HIDDEN}_high"] < 0).all())
    return bool((found.loc[found["label"] == label, f"{HIDDEN}_low"] > 0).all())


def _sizes(budgets: list[float]) -> str:
    return f"{listed(f'{size:,.0f}' for size in budgets)} records"


def _blocks(run: Run, table: pd.DataFrame, found: pd.DataFrame) -> list[Block]:
    from frontier.reporting.document import Bullets, Data, Picture, Section
    from frontier.reporting.provenance import description, limitations

    known = controls(run.manifest)
    drawn: list[Block] = []
    compared: list[Block] = []
    if not found.empty:  # a bound alone is a table
        drawn = [
            Picture(
                f"{run.name}__two_errors",
                "Training error against hidden error at each budget, means over replicates with standard errors; "
                "methods that choose records in colour, samples drawn at random in grey.",
                lambda: _figure(table, known),
            ),
        ]
        compared = [Section("What is better than what", [_verdicts(at_their_best(found, table)), _note(found)])]
    return [
        *description(run.manifest),
        summary(table, known),
        *drawn,
        *_in_sampling_errors(table, known),
        *compared,
        Section("All arms", [_arms(table, known)]),
        Data(f"{run.name}_arms", table, "All arms, budgets and metrics"),
        Data(f"{run.name}_contrasts", found, f"{REFERENCE} against every arm"),
        Bullets(limitations(run.manifest)),
    ]


def best_arms(table: pd.DataFrame) -> pd.DataFrame:
    """Each method at its best of a budget: the one of its arms with the least hidden error."""
    sized = table.dropna(subset=["budget"])
    return sized.loc[sized.groupby(["budget", "label"])[HIDDEN].idxmin()]


def at_their_best(found: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The contrasts with each method's best arm of a budget."""
    kept = found.merge(best_arms(table)[["budget", *ARM, HIDDEN]], on=["budget", *ARM], suffixes=("", "_mean"))
    return kept.sort_values(["budget", f"{HIDDEN}_mean"])


def summary(table: pd.DataFrame, known: pd.DataFrame) -> Table:
    """One row for each method at its best, the best first: hidden, training and distribution error by budget."""
    from frontier.reporting.document import Table

    best = best_arms(table)
    budgets = sorted(best["budget"].unique())
    order = best.groupby("label")[HIDDEN].mean().sort_values().index
    rows = []
    for label in order:
        own = best[best["label"] == label].set_index("budget")
        rows.append([label, *(_three(own.loc[budget]) if budget in own.index else "–" for budget in budgets)])
    whole = table[table["budget"].isna() & (table["refit"] == "none")]
    everybody = [("the whole file, " + str(row["label"]).lower(), row) for row in whole.to_dict("records")]
    everybody += [(f"the whole file, {row['name']}", row) for row in known.to_dict("records")]
    rows += [[name, _three(row), *[""] * (len(budgets) - 1)] for name, row in everybody]
    return Table(["hidden / training / distribution error", *(f"{int(b):,} records" for b in budgets)], rows)


def _in_sampling_errors(table: pd.DataFrame, known: pd.DataFrame) -> list[Block]:
    """Hidden errors as multiples of what sampling alone leaves: the whole file, its design and response known."""
    from frontier.reporting.document import Table, Text

    unit = known.loc[known["name"] == SAMPLING, HIDDEN]
    if unit.empty:
        return []
    best = best_arms(table).pivot(index="label", columns="budget", values=HIDDEN) / float(unit.iloc[0])
    best = best.loc[best.mean(axis=1).sort_values().index]
    rows = [[str(label), *("–" if pd.isna(x) else f"{x:.1f}" for x in values)] for label, values in best.iterrows()]
    header = ["hidden error, times that of sampling alone", *(f"{int(b):,} records" for b in best.columns)]
    told = f"Sampling alone leaves {percent(float(unit.iloc[0]), 2)}: the whole file by weights that know design and"
    return [Text(f"{told} response."), Table(header, rows, numbers=tuple(range(1, len(header))))]


def _three(row: Mapping[Any, Any] | pd.Series) -> str:
    return " / ".join(percent(float(row[name]), 2) for name in (HIDDEN, TRAINING, "truth_distribution"))


def _verdicts(found: pd.DataFrame) -> Block:
    from frontier.reporting.document import Table

    header = ("budget", f"{REFERENCE} against", "training error", "hidden error", "relative", "metrics", "verdict")
    rows = [
        [
            f"{row['budget']:,}",
            arm_name(row["label"], row["refit"]),
            *(
                f"{100 * row[name]:+.1f} [{100 * row[f'{name}_low']:+.1f}, {100 * row[f'{name}_high']:+.1f}]"
                for name in (TRAINING, HIDDEN)
            ),
            percent(row["hidden_change"], 2),
            f"{row['metrics_smaller']} of {len(HEADLINE)}",
            row["verdict"],
        ]
        for row in found.to_dict("records")
    ]
    return Table(header, rows, numbers=(0, 2, 3, 4))


def _note(found: pd.DataFrame) -> Block:
    from frontier.reporting.document import Text

    return Text(
        f"Differences in percentage points, {REFERENCE} minus the other, with {LEVEL:.0%} intervals of a paired t test "
        f"over {int(found['replicates'].max())} replicates, not adjusted for their number. Training errors nearer than "
        f"{100 * SAME:g} points are level. *Metrics*: how many of {len(HEADLINE)} ways to average the hidden error are "
        "smaller. Every method stands at its best of three arms (as fitted, refit), chosen in hindsight by the hidden "
        "error; all others are in the table of contrasts beside this page."
    )


def _arms(table: pd.DataFrame, known: pd.DataFrame) -> Block:
    from frontier.reporting.document import Table
    from frontier.reporting.numbers import count, percent_with_error

    header = (
        *("budget", "arm", "records", "ESS", "training error", "hidden error", "median", "capped", "weighted"),
        *("RMSE", "bias", "over 100%", "distribution", "reserve"),
    )
    rest = (
        *("truth_median", "truth_capped", "truth_wmape", "truth_rmse", "truth_bias", "truth_beyond"),
        *("truth_distribution", "reserve_mean"),
    )
    rows = []
    for row in known.to_dict("records"):
        errors = [percent(row[name]) for name in (TRAINING, HIDDEN, *rest)]
        rows.append(["", row["name"], count(row["n_active"]), count(row["ess"]), *errors])
    for row in table.sort_values(["budget", HIDDEN], na_position="first").to_dict("records"):
        budget = "" if pd.isna(row["budget"]) else f"{int(row['budget']):,}"
        errors = [percent_with_error(row[name], row[f"{name}_se"]) for name in (TRAINING, HIDDEN)]
        errors += [percent(row[name]) for name in rest]
        rows.append([budget, arm_name(row["label"], row["refit"]), count(row["n_active"]), count(row["ess"]), *errors])
    return Table(header, rows, numbers=(0, *range(2, len(header))), foldable=True)


def _figure(table: pd.DataFrame, known: pd.DataFrame) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from frontier.reporting.charts.style import GREY_LINE, WIDTH_INCHES, label_styles
    from frontier.reporting.quantities import LEAST_ERROR

    sized = table.dropna(subset=["budget"])
    budgets = sorted(sized["budget"].unique())
    methods = dict(zip(table["label"], table["method"], strict=True))
    looks = {
        label: (style.marker, GREY if methods[label] in IN_GREY else style.colour)
        for label, style in label_styles(table["label"], methods).items()
    }
    lines: dict[str, tuple[Any, float]] = {
        "whole file: dense": ("--", float(table.loc[table["budget"].isna(), HIDDEN].mean()))
    }
    for row in known.to_dict("records"):
        lines[f"whole file: {row['name']}"] = (CONTROL_LINES.get(row["name"], ":"), float(row[HIDDEN]))
    figure = Figure(figsize=(WIDTH_INCHES, 3.9), layout="constrained")
    axes = figure.subplots(1, len(budgets), sharex=True, sharey=True, squeeze=False)[0]
    for ax, budget in zip(axes, budgets, strict=True):
        for row in sized[sized["budget"] == budget].to_dict("records"):
            (marker, colour), refit = looks[row["label"]], row["refit"]
            x, y = 100 * max(row[TRAINING], LEAST_ERROR), 100 * row[HIDDEN]
            ax.errorbar(
                x,
                y,
                xerr=min(100 * row[f"{TRAINING}_se"], 0.9 * x),
                yerr=100 * row[f"{HIDDEN}_se"],
                marker=marker,
                color=colour,
                markersize=6,
                elinewidth=0.8,
                linestyle="none",
                zorder=2 if colour == GREY else 3,
                **_filling(colour, refit),
            )
        for dash, value in lines.values():
            ax.axhline(100 * value, linestyle=dash, zorder=1, **GREY_LINE)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_title(f"{int(budget):,} records")
        ax.set_xlabel("training error, %")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_formatter("")
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if value in (20, 30, 40, 50, 60, 70, 80) else "")
    axes[0].set_ylabel("hidden error, %")
    look: dict[str, Any] = {"linestyle": "none", "markersize": 6}
    handles = [
        Line2D([], [], marker=looks[name][0], color=looks[name][1], label=name, **look)
        for name in sorted(dict.fromkeys(sized["label"]), key=lambda name: looks[name][1] == GREY)
    ]
    for refit, words in FILLS.items():
        handles.append(Line2D([], [], marker="o", color="black", label=words, **look, **_filling("black", refit)))
    handles += [Line2D([], [], linestyle=dash, label=name, **GREY_LINE) for name, (dash, _) in lines.items()]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=3, fontsize=7.5, columnspacing=1.2, handletextpad=0.5
    )
    return figure


def _filling(colour: str, refit: str) -> dict[str, Any]:
    """A marker filled as fitted, hollow refit from the fitted weights, half filled refit from the initial ones."""
    return {
        "fillstyle": "left" if refit == "initial" else "full",
        "markerfacecolor": "white" if refit == "fitted" else colour,
        "markerfacecoloralt": "white",
    }
