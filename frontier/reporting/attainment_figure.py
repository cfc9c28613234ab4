"""Attainment surfaces of every method, and the part of the plane where one method attains more often than another.

A surface is a step: what k records reach, everything right of them reaches too. `attainment_figure` has one panel per
label, its runs in colour (median line, band from the best to the worst run) before the medians of all other arms in
grey; right of its last vertex a surface only carries on and is dotted. `difference_figure` shades where two arms
attain in unlike shares of their runs. Frames are those of `frontier.analysis.attainment`, which this does not import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from frontier.reporting.canvas import canvas
from frontier.reporting.style import PALETTE, LabelStyle, LogAxis, count_tick, log_axis, percent_tick, series_name

ERROR_FLOOR = 1e-4  # as in the figure of equal budgets
COLUMNS = 4
PANEL_INCHES = 1.45
GREY = "0.8"
BLUE, ORANGE = PALETTE[0], PALETTE[1]  # apart for every kind of colour blindness (Okabe & Ito 2008), and in lightness
SHARES = (0.25, 0.5, 0.75, 1.0)  # upper ends of the classes of a difference

Steps = tuple[NDArray[np.float64], NDArray[np.float64]]


def attainment_figure(surfaces: pd.DataFrame, styles: Mapping[str, LabelStyle], title: str) -> Figure | None:
    """One panel per label for the surfaces of one problem and design; None without any."""
    if surfaces.empty:
        return None
    labels = sorted(surfaces["label"].unique())
    columns = min(COLUMNS, len(labels))
    rows = -(-len(labels) // columns)
    x = log_axis(surfaces["n_active"].to_numpy(), label=count_tick, most_ticks=4)
    y = log_axis(surfaces["error"].to_numpy(), label=percent_tick, floor=ERROR_FLOOR, most_ticks=5)
    note = "Error: held-out, each target capped at 100%. A run is one seed; a line without a band is a single run."
    figure, axes = canvas(rows, columns, PANEL_INCHES, title, _legend(surfaces), note)
    medians = surfaces[surfaces["level"] == "median"]
    for position, (ax, label) in enumerate(zip(axes, labels, strict=False)):
        _frame(ax, x, y)
        for _, other in medians[medians["label"] != label].groupby(["label", "refit"]):
            _line(ax, other, x, y, color=GREY, linewidth=0.6, zorder=1)
        for refit, arm in surfaces[surfaces["label"] == label].groupby("refit", sort=True):
            _arm(ax, arm, styles[label].colour, str(refit), x, y)
        ax.set_title(_short(label), loc="left", fontsize=7)
        ax.tick_params(labelleft=position % columns == 0, labelbottom=position + columns >= len(labels), labelsize=7)
    for ax in axes[len(labels) :]:
        ax.remove()
    figure.supxlabel("active records", fontsize=8)
    figure.supylabel("held-out error", fontsize=8)
    return figure


def difference_figure(
    rectangles: pd.DataFrame, surfaces: pd.DataFrame, styles: Mapping[str, LabelStyle], title: str
) -> Figure | None:
    """Where the two arms of `rectangles` attain in unlike shares of their runs, for one problem and design.

    The median `surfaces` of both are drawn on top. None when the arms nowhere differ.
    """
    if rectangles.empty:
        return None
    first, second = (
        (str(rectangles[f"label_{side}"].iloc[0]), str(rectangles[f"refit_{side}"].iloc[0])) for side in "ab"
    )
    pair = pd.concat(
        [surfaces[(surfaces["label"] == label) & (surfaces["refit"] == refit)] for label, refit in (first, second)]
    )
    x = log_axis(pair["n_active"].to_numpy(), label=count_tick)
    y = log_axis(pair["error"].to_numpy(), label=percent_tick, floor=ERROR_FLOOR)
    names = [series_name(*arm) for arm in (first, second)]
    legend = _difference_legend(names, [styles[label] for label, _ in (first, second)])
    runs = [int(rectangles[f"n_runs_{side}"].iloc[0]) for side in "ab"]
    note = (
        "Shaded: the share of runs that reach at most this error with at most so many records, less that of the other "
        f"method. Runs (seeds): {runs[0]} and {runs[1]}. Error: held-out, each target capped at 100%."
    )
    figure, axes = canvas(1, 1, 3.4, title, legend, note)
    ax = axes[0]
    _frame(ax, x, y)
    _shade(ax, rectangles, x, y)
    for (label, refit), style in zip((first, second), (styles[first[0]], styles[second[0]]), strict=True):
        median = pair[(pair["label"] == label) & (pair["refit"] == refit) & (pair["level"] == "median")]
        _line(ax, median, x, y, color="black", linewidth=1.1, linestyle=_dash(refit, style), zorder=3)
    ax.set_xlabel("active records")
    ax.set_ylabel("held-out error")
    return figure
