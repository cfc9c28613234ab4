"""What methods cost at one size: training error, effective sample size and seconds side by side, a row a method.

Methods that the report is about have their colour, the others are grey. A hollow marker of seconds is one that may not
be compared: not alone on its threads, or a share of a batch.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.reporting.charts.canvas import canvas
from frontier.reporting.charts.style import HOLLOW, OTHERS, SOLID, LabelStyle, log_axis
from frontier.reporting.numbers import count_tick, percent_tick, seconds_tick
from frontier.reporting.quantities import LEAST_ERROR

ROW_INCHES = 0.2
LONGEST = 44  # characters of a name beside the axis
LEAST_SECONDS = 1e-6
PANELS: Mapping[str, tuple[str, Any, float | None]] = {
    "train_mare_mean": ("training error", percent_tick, LEAST_ERROR),
    "ess_mean": ("effective sample size", count_tick, None),
    "fit_seconds_mean": ("seconds a fit", seconds_tick, LEAST_SECONDS),
}
COMPARABLE = "clean"


def costs_figure(
    rows: pd.DataFrame, styles: Mapping[str, LabelStyle], focus: Sequence[str], title: str
) -> Figure | None:
    """A row for each of `rows` (`analysis.budgets.by_budget`, `whole_file`), in their order; None without a value."""
    shown = [name for name in PANELS if np.isfinite(rows[name].to_numpy(np.float64)).any()]
    if rows.empty or not shown:
        return None
    names = rows["label"].tolist()
    timed = rows.loc[rows["fit_seconds_mean"].notna(), "timing"]  # `clean`, or `clean (3 of 5)` where kinds are mixed
    timings = sorted({kind.split(" ")[0] for kind in set(timed) - {COMPARABLE, ""}})
    legend = []
    if len(set(names)) > len(set(names) & set(focus)):
        legend.append(Line2D([], [], label="other methods", color=OTHERS, marker="o", linestyle="none"))
    if timings and "fit_seconds_mean" in shown:
        text = f"hollow: seconds that may not be compared ({', '.join(timings)})"
        legend.append(Line2D([], [], label=text, color="0.35", marker="o", linestyle="none", **HOLLOW))
    parted = "Below the line: methods that use the whole file." if 0 < rows["whole_file"].sum() < len(rows) else ""
    figure, axes = canvas(1, len(shown), 0.35 + ROW_INCHES * len(names), title, legend, parted)
    for place, (ax, name) in enumerate(zip(axes, shown, strict=True)):
        heading, tick, least = PANELS[name]
        _panel(ax, rows, name, styles, focus, tick=tick, least=least)
        shortened = [textwrap.shorten(label, LONGEST, placeholder=" …") for label in names]
        ax.set_yticks(range(len(names)), shortened if place == 0 else [])
        ax.tick_params(axis="y", length=0, labelsize=7.5)
        for words, label in zip(ax.get_yticklabels(), names if place == 0 else (), strict=False):
            words.set_color("black" if label in focus else "0.4")
        if 0 < (first := int((~rows["whole_file"]).sum())) < len(names):
            ax.axhline(first - 0.5, color="0.6", linewidth=0.7)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_title(heading, loc="left", fontsize=8)
    return figure


def _panel(
    ax: Axes,
    rows: pd.DataFrame,
    name: str,
    styles: Mapping[str, LabelStyle],
    focus: Sequence[str],
    *,
    tick: Any,
    least: float | None,
) -> None:
    x = log_axis(rows[name].to_numpy(np.float64), label=tick, least=least, most_ticks=4)
    ax.set_xscale("log")
    ax.set_xlim(x.low, x.high)
    for y, row in enumerate(rows.to_dict("records")):
        if not np.isfinite(row[name]) or row[name] <= 0:
            continue
        style = styles[str(row["label"])]
        face = HOLLOW if name == "fit_seconds_mean" and row["timing"] != COMPARABLE else SOLID
        colour = style.colour if row["label"] in focus else OTHERS
        at = float(x.place([row[name]])[0])
        error = row.get(f"{name.removesuffix('_mean')}_se", np.nan)
        if np.isfinite(error) and error > 0:
            ax.hlines(y, max(at - error, x.low), min(at + error, x.high), color=colour, linewidth=1.0, zorder=2)
        ax.plot([at], [y], marker=style.marker, color=colour, linestyle="none", **{"markersize": 5.0, **face}, zorder=3)
    ax.set_xticks(x.ticks, x.tick_labels)
    ax.tick_params(axis="x", labelsize=7)
    ax.minorticks_off()
