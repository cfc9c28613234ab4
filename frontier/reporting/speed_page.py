"""Writes a speed report: Markdown, a CSV of the same rows, and one figure of ratios (`frontier.analysis.speed`)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.analysis.speed import SEPARATOR, Unit, paths, summary, times, verdicts
from frontier.core.errors import InputError
from frontier.reporting.charts.canvas import canvas, rc
from frontier.reporting.charts.style import label_styles, log_axis
from frontier.reporting.markdown import bullets, escape, folded_table, markdown_table
from frontier.reporting.numbers import MISSING, count_tick, seconds
from frontier.reporting.provenance import settings

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
    """Write `<stem>.md`, `.csv`, `.png` and `.svg` into `folder`; the stem is the experiment without "speed_".

    Raises what `paths` raises, and `InputError` when `folder` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(folder, "not a folder", expected="a folder for the report", got="a file")
    table = paths(cells, reference, unit)
    results = summary(table)
    stem = str(manifest.get("experiment") or "report").removeprefix("speed_")
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{stem}-", dir=folder))
    try:
        with matplotlib.rc_context(rc()):
            figure = ratio_figure(results, reference, unit)
            for suffix in ("png", "svg") if figure is not None else ():
                metadata = {"Date": None} if suffix == "svg" else None  # a date would make every SVG differ
                figure.savefig(draft / f"{stem}.{suffix}", format=suffix, metadata=metadata)  # type: ignore[union-attr]
        results.drop(columns="message").to_csv(draft / f"{stem}.csv", index=False, lineterminator="\n")
        text = speed_markdown(table, results, manifest, reference, f"{stem}.png" if figure is not None else None, unit)
        (draft / f"{stem}.md").write_text(text, encoding="utf-8", newline="\n")
        names = sorted((path.name for path in draft.iterdir()), key=lambda name: name.endswith(".md"))
        for name in names:  # the Markdown last: whoever reads it finds what it links
            (draft / name).replace(folder / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return [folder / name for name in reversed(names)]


def speed_markdown(
    table: pd.DataFrame,
    results: pd.DataFrame,
    manifest: Mapping[str, Any],
    reference: str,
    picture: str | None,
    unit: Unit = "path",
) -> str:
    """The report of `paths` and `summary` as Markdown; `picture` is the file name of the figure."""
    blocks = [f"# Speed: {escape(manifest.get('experiment') or 'report')}"]
    if manifest.get("description"):
        blocks.append(escape(manifest["description"]))
    blocks.append(bullets(escape(sentence) for sentence in verdicts(results, reference)))
    if picture is not None:
        blocks.append(f"![Ratio of seconds to {escape(reference)}]({quote(picture)})")
    rows = [_row(row) for row in results.to_dict("records")]
    blocks += ["## Results", markdown_table(HEADER, rows, right=("seconds (min–max)", "ratio (min–max)"))]
    blocks.append(f"Seconds {UNIT_WORDS[unit]}.")
    told = results[results["message"] != ""]
    if not told.empty:
        blocks += [
            "## What went wrong",
            bullets(
                f"{escape(r['problem'])}, {escape(r['method'])}: {escape(r['message'])}" for _, r in told.iterrows()
            ),
        ]
    blocks += ["## Repeat by repeat", folded_table(PAIRS, [_pair(row) for row in table.to_dict("records")], PAIRS[2:])]
    blocks += ["## Run", bullets(settings(manifest))]
    reading = (*(READING_PATH if unit == "path" else READING_EPOCH), READING_SOLVED[unit], *READING)
    blocks += ["## How to read this", bullets(reading)]
    stated = [escape(text) for text in manifest.get("limitations") or ()]
    if stated:
        blocks += ["## Limitations", bullets(stated)]
    return "\n\n".join(blocks) + "\n"


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
        escape(problem),
        escape(row["method"]),
        _spread([seconds(row[f"seconds_{name}"]) for name in ("median", "min", "max")]),
        _spread([times(row[f"ratio_{name}"]) for name in ("median", "min", "max")]),
        MISSING if np.isnan(gap) else f"{gap:.1e}",
        "yes" if row["solved"] else "no",
        escape(row["statuses"]),
        seconds(row["setup_seconds_max"]),
        escape(row["timing"]) or MISSING,
    ]


def _spread(values: Sequence[str]) -> str:
    middle, low, high = values
    return middle if MISSING in values else f"{middle} ({low}–{high})"


def _pair(row: Mapping[Any, Any]) -> list[str]:
    return [
        escape(row["problem"]),
        escape(row["method"]),
        str(row["repeat"]),
        seconds(row["seconds"]),
        times(row["ratio"]),
    ]
