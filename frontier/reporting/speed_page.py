"""Writes a speed report: Markdown, a CSV of the same rows, and one figure of ratios (`frontier.analysis.speed`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.analysis.speed import SEPARATOR, Unit, paths, summary, times, verdicts
from frontier.reporting.charts.canvas import canvas
from frontier.reporting.charts.style import label_styles, log_axis
from frontier.reporting.document import Block, Bullets, Data, Document, Picture, Section, Table, Text
from frontier.reporting.markdown import escape
from frontier.reporting.numbers import MISSING, count_tick, seconds
from frontier.reporting.provenance import closing, description, limitations, settings
from frontier.reporting.write import write_document

UNIT_WORDS = {"path": "for the whole path", "epoch": "for an epoch of a cell"}
HEADER = (
    *("problem", "method", "seconds (min–max)", "ratio (min–max)", "worst relative gap", "solved"),
    *("status", "set-up seconds", "timing"),
)
PAIRS = ("problem", "method", "repeat", "seconds", "ratio")
ROW_INCHES = 0.3  # height of one method in the figure

READING_PATH = (
    "**Path.** The unit is all points of a method on a problem, from the problem as it is stored to the last weights: "
    "what a method does to the data first (scaling, transposing) counts.",
    "**Seconds.** Wall time, median over repeats. Batches ran one at a time, alone on their threads. *amortised* "
    "says that the points were solved in one call, of which each cell carries an equal share; the shares add up to "
    "the call's time, so whole paths may be compared though single cells may not. Timings taken beside other "
    "batches are refused.",
)
READING_EPOCH = (
    "**Epoch of a cell.** The unit: wall time of all cells over the epochs of all cells, from the problem as it is "
    "stored to the last weights. The cost of these methods is proportional to both, so methods may be compared that "
    "ran for other numbers of epochs or cells (columns of the CSV say how many). Batches ran one at a time, alone on "
    "their threads; *amortised* says that cells were trained in one call. Median over repeats.",
)
READING_SOLVED = {
    "path": "**Solved.** The harness certifies a relative duality gap of at most 1e-6, from the weights alone, at "
    "every point in every repeat. Whoever stops earlier has not done the same work; such methods are drawn hollow.",
    "epoch": "**Solved.** Every cell ran as prescribed; these methods have no certificate.",
}
READING = (
    "**Set-up.** Imports and compilation before the first call, the longest of all repeats; not part of the seconds.",
    "**Ratio.** Seconds of the method over seconds of the reference, repeat by repeat: above 1 the reference is "
    "faster. The median of these ratios is not the ratio of the medians.",
    f"**Method.** Labels that differ only after “{SEPARATOR.strip()}” are one method with settings per problem.",
)


def write_speed_report(
    cells: pd.DataFrame, manifest: Mapping[str, Any], reference: str, folder: Path, unit: Unit = "path"
) -> list[Path]:
    """Write `<stem>.md`, `.csv` and `.png` into `folder`; the stem is the experiment without "speed_".

    Raises what `paths` raises, and `InputError` when `folder` is a file.
    """
    table = paths(cells, reference, unit)
    results = summary(table)
    stem = str(manifest.get("experiment") or "report").removeprefix("speed_")
    return write_document(speed_document(table, results, manifest, reference, stem, unit), folder, name=f"{stem}.md")


def speed_document(
    table: pd.DataFrame, results: pd.DataFrame, manifest: Mapping[str, Any], reference: str, stem: str, unit: Unit
) -> Document:
    """The report of `paths` and `summary`; `stem` is the name of its figure and of its CSV."""
    blocks: list[Block] = [*description(manifest)]
    rows = [_row(row) for row in results.to_dict("records")]
    told = results[results["message"] != ""].to_dict("records")
    reading = (*(READING_PATH if unit == "path" else READING_EPOCH), READING_SOLVED[unit], *READING)
    blocks += [
        Bullets([f"**{escape(sentence)}**" for sentence in verdicts(results, reference)]),
        Picture(stem, f"Ratio of seconds to {reference}", lambda: ratio_figure(results, reference, unit)),
        Data(stem, results.drop(columns="message")),
        Section("Results", [Table(HEADER, rows, (2, 3)), Text(f"Seconds {UNIT_WORDS[unit]}.")]),
    ]
    if told:
        lines = [f"{escape(row['problem'])}, {escape(row['method'])}: {escape(row['message'])}" for row in told]
        blocks.append(Section("What went wrong", [Bullets(lines)]))
    pairs = [_pair(row) for row in table.to_dict("records")]
    blocks += [
        Section("Repeat by repeat", [Table(PAIRS, pairs, (2, 3, 4), foldable=True)]),
        Section("Run", [Bullets(settings(manifest))]),
        *closing(reading, limitations(manifest)),
    ]
    return Document(f"Speed: {manifest.get('experiment') or 'report'}", blocks)


def ratio_figure(results: pd.DataFrame, reference: str, unit: Unit = "path") -> Figure | None:
    """Every method's ratio to the reference by problem, median and range over repeats, on a log axis."""
    drawn = results[(results["method"] != reference) & results["ratio_median"].notna()]
    if drawn.empty:
        return None
    styles = label_styles(results["method"])
    ends = np.concatenate([[1.0], drawn["ratio_min"], drawn["ratio_max"]])
    x = log_axis(ends, label=lambda value: f"{count_tick(value)}×")
    keys = list(dict.fromkeys(zip(drawn["problem"], drawn["split"], strict=True)))
    legend = [
        Line2D(
            [], [], label=name, markersize=6, color=styles[name].colour, marker=styles[name].marker, linestyle="none"
        )
        for name in sorted(set(drawn["method"]))
    ]
    grey: dict[str, Any] = {"color": "0.35"}
    legend.append(Line2D([], [], label="range over repeats", linewidth=1.4, **grey))
    if not drawn["solved"].all():
        look: dict[str, Any] = {"marker": "o", "linestyle": "none", "markerfacecolor": "white"}
        legend.append(Line2D([], [], label="hollow: not solved at every point", **look, **grey))
    lines = sum(len(drawn[(drawn["problem"] == p) & (drawn["split"] == s)]) + 0.6 for p, s in keys)
    title = f"Seconds {UNIT_WORDS[unit]}, relative to {reference}"
    missing = results[(results["method"] != reference) & results["ratio_median"].isna()]
    note = "; ".join(f"{r['problem']}, {r['method']}: {r['statuses']}" for _, r in missing.iterrows())
    note = f"Not drawn: {note}." if note else ""
    figure, [ax] = canvas(1, 1, max(1.0, ROW_INCHES * lines) + 0.3, title, legend, note)
    height, centres = 0.0, []
    for problem, split in keys:
        part = drawn[(drawn["problem"] == problem) & (drawn["split"] == split)].sort_values("method")
        heights = height + np.arange(len(part))
        for y, (_, row) in zip(heights, part.iterrows(), strict=True):
            style = styles[str(row["method"])]
            ax.hlines(y, row["ratio_min"], row["ratio_max"], color=style.colour, linewidth=1.4)
            face = style.colour if row["solved"] else "white"
            look = {"marker": style.marker, "color": style.colour, "markerfacecolor": face, "markersize": 6}
            ax.plot([row["ratio_median"]], [y], linestyle="none", **look)
            ax.annotate(
                f"{times(float(row['ratio_median']))}×",
                (row["ratio_median"], y),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=7,
                color=style.colour,
            )
        centres.append(float(heights.mean()))
        height = heights[-1] + 1.6
    ax.axvline(1.0, color="0.35", linewidth=0.9, linestyle=(0, (5, 3)))
    ax.set_xscale("log")
    ax.set_xlim(x.low, x.high)
    ax.set_ylim(height - 0.9, -0.9)
    ax.set_xticks(x.ticks, x.tick_labels)
    ax.set_yticks(centres, [problem if split == "default" else f"{problem}, {split}" for problem, split in keys])
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.minorticks_off()
    ax.set_xlabel(f"times the seconds of {reference} (dashed: equal; to the right {reference} is faster)")
    return figure


def _row(row: Mapping[Any, Any]) -> list[str]:
    """One row of `summary` in words."""
    problem = row["problem"] if row["split"] == "default" else f"{row['problem']}, {row['split']}"
    gap = row["relative_gap_worst"]
    return [
        problem,
        row["method"],
        _spread([seconds(row[f"seconds_{name}"]) for name in ("median", "min", "max")]),
        _spread([times(row[f"ratio_{name}"]) for name in ("median", "min", "max")]),
        MISSING if np.isnan(gap) else f"{gap:.1e}",
        "yes" if row["solved"] else "no",
        row["statuses"],
        seconds(row["setup_seconds_max"]),
        row["timing"] or MISSING,
    ]


def _spread(values: Sequence[str]) -> str:
    middle, low, high = values
    return middle if MISSING in values else f"{middle} ({low}–{high})"


def _pair(row: Mapping[Any, Any]) -> list[str]:
    return [row["problem"], row["method"], str(row["repeat"]), seconds(row["seconds"]), times(row["ratio"])]
