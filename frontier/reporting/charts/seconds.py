"""The figure of costs: fit seconds of every cell, a strip per label, and a panel of its own per kind of timing.

Kinds of timing are never put on one panel, as only clean times may be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.reporting.charts.canvas import canvas, not_drawn
from frontier.reporting.charts.style import LabelStyle, LogAxis, log_axis
from frontier.reporting.numbers import seconds_tick
from frontier.results.arms import arm_name
from frontier.results.schema import TIMINGS

LEAST_SECONDS = 1e-6
ROW_INCHES = 0.25  # height of a label

TIMING_MEANING = {
    "clean": "alone on its threads",
    "contended": "beside other batches",
    "amortised": "an equal share of a batch",
    "cached": "taken from an earlier run",
}


def seconds_figure(part: pd.DataFrame, styles: Mapping[str, LabelStyle], title: str) -> Figure | None:
    """Fit seconds of every cell with weights: a strip per label, and a panel of its own per kind of timing."""
    known = np.isfinite(part["fit_seconds"]) & (part["timing"] != "unmeasured")
    drawn = part[part["has_weights"] & known].copy()
    if drawn.empty:
        return None
    drawn["series"] = [arm_name(*pair) for pair in zip(drawn["label"], drawn["refit"], strict=True)]
    kinds = sorted(drawn["timing"].unique(), key=lambda kind: (kind not in TIMINGS, [*TIMINGS, kind].index(kind)))
    panels = [drawn[drawn["timing"] == kind] for kind in kinds]
    heights = [max(0.75, ROW_INCHES * panel["series"].nunique()) for panel in panels]  # 0.75: room for the kind
    x = log_axis(drawn["fit_seconds"], label=seconds_tick, least=LEAST_SECONDS)
    note = "; ".join(f"{kind}: {TIMING_MEANING[kind]}" for kind in kinds if kind in TIMING_MEANING)
    note = f"Only clean times may be compared. {note[:1].upper()}{note[1:]}. {not_drawn(part, drawn)}".strip()
    signs = [Line2D([], [], label="one cell", color="0.35", marker="o", linestyle="none", markersize=3.5)]
    signs += [Line2D([], [], label="median", color="0.35", marker="|", linestyle="none", markersize=11)]
    signs += [Line2D([], [], label="middle half", color="0.35", linewidth=7, alpha=0.25)]
    figure, axes = canvas(len(panels), 1, sum(heights) / len(panels) + 0.15, title, signs, note, heights)
    for ax, panel, kind, height in zip(axes, panels, kinds, heights, strict=True):
        names = sorted(panel["series"].unique())
        for row, name in enumerate(names):
            _strip(ax, panel[panel["series"] == name], row, styles, x)
        ax.set_xscale("log")
        ax.set_xlim(x.low, x.high)
        middle = (len(names) - 1) / 2
        ax.set_ylim(middle + height / ROW_INCHES / 2, middle - height / ROW_INCHES / 2)
        ax.set_xticks(x.ticks, x.tick_labels if panel is panels[-1] else [])
        ax.set_yticks(range(len(names)), names)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.minorticks_off()
        ax.set_ylabel(kind)
    axes[-1].set_xlabel("fit seconds per cell")
    figure.align_ylabels(axes)
    return figure


def _strip(ax: Axes, cells: pd.DataFrame, row: int, styles: Mapping[str, LabelStyle], x: LogAxis) -> None:
    """One label's cells, spread evenly over the height of its row, with the median and the middle half."""
    style = styles[str(cells["label"].iloc[0])]
    seconds = x.place(np.sort(cells["fit_seconds"].to_numpy()))
    # Golden-ratio steps fill the row evenly for any number of points, and are the same in every run.
    heights = row + 0.5 * ((np.arange(len(seconds)) * 0.6180339887) % 1 - 0.5)
    lower, middle, upper = np.quantile(seconds, [0.25, 0.5, 0.75])
    if len(seconds) >= 5:
        ax.fill_between([lower, upper], row - 0.32, row + 0.32, color=style.colour, alpha=0.25, linewidth=0)
    if len(seconds) > 1:
        ax.vlines(middle, row - 0.36, row + 0.36, color=style.colour, linewidth=1.8)
    look: dict[str, Any] = {"marker": style.marker, "color": style.colour, "linestyle": "none", "markersize": 3.5}
    ax.plot(seconds, heights if len(seconds) > 1 else [row], markeredgewidth=0, alpha=0.6, **look)
