"""Attainment surfaces of every method, and the part of the plane where one method attains more often than another.

A surface is a step: what k records reach, everything right of them reaches too. `attainment_figure` has one panel per
label, its runs in colour (median line, band from the best to the worst run) before the medians of all other arms in
grey; right of its last vertex a surface only carries on and is dotted. `difference_figure` shades where two arms
attain in unlike shares of their runs. Frames are those of `frontier.analysis.attainment`, which this does not import.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
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

from frontier.reporting.charts.canvas import canvas, log_frame
from frontier.reporting.charts.style import PALETTE, LabelStyle, LogAxis, log_axis
from frontier.reporting.numbers import count_tick, percent_tick
from frontier.results.arms import arm_name, arm_words

LEAST_ERROR = 1e-4  # as in the figure of equal budgets
COLUMNS = 4
PANEL_INCHES = 1.45
WIDEST = 30  # characters of a line of a panel's title
GREY = "0.8"
FIRM, FAINT = 0.3, 0.15  # opacity of a band, as fitted and refit
DASHES: Mapping[str, Any] = {"none": "-", "fitted": "--", "initial": "-."}
SIDES: tuple[Any, Any] = ("-", "--")  # the first and the second arm of a difference
BLUE, ORANGE = PALETTE[0], PALETTE[1]  # apart for every kind of colour blindness (Okabe & Ito 2008), and in lightness
SQUARE: Mapping[str, Any] = {"marker": "s", "markersize": 8, "linestyle": "none", "markeredgewidth": 0}
SHARES = (0.25, 0.5, 0.75, 1.0)  # upper ends of the classes of a difference


def attainment_figure(surfaces: pd.DataFrame, styles: Mapping[str, LabelStyle], title: str) -> Figure | None:
    """One panel per label for the surfaces of one problem and design; None without any."""
    if surfaces.empty:
        return None
    labels = sorted(surfaces["label"].unique())
    columns = min(COLUMNS, len(labels))
    rows = -(-len(labels) // columns)
    x = log_axis(surfaces["n_active"].to_numpy(), label=count_tick, most_ticks=4)
    y = log_axis(surfaces["error"].to_numpy(), label=percent_tick, least=LEAST_ERROR, most_ticks=6)
    note = (
        "Error: held-out, each target capped at 100%. A run is one seed; a line without a band is a single run. "
        "Points that did not converge are left out."
    )
    figure, axes = canvas(rows, columns, PANEL_INCHES, title, _legend(surfaces), note)
    medians = {str(label): _apart(some) for label, some in surfaces[surfaces["level"] == "median"].groupby("label")}
    for position, (ax, label) in enumerate(zip(axes, labels, strict=False)):
        log_frame(ax, x, y)
        if others := [lines for other, lines in medians.items() if other != label]:
            across, up = np.concatenate(others).T
            ax.plot(across, y.place(up), drawstyle="steps-post", color=GREY, linewidth=0.6, zorder=1)
        for refit, arm in surfaces[surfaces["label"] == label].groupby("refit", sort=True):
            _arm(ax, arm, styles[label].colour, str(refit), x, y)
        ax.set_title(_heading(label), loc="left", fontsize=7)
        lowest = position + columns >= len(labels)
        ax.tick_params(labelleft=position % columns == 0, labelbottom=lowest, labelsize=7)
        ax.set_xlabel("active records" if lowest else "", fontsize=7)
        ax.set_ylabel("held-out error" if position % columns == 0 else "", fontsize=7)
    for ax in axes[len(labels) :]:
        ax.remove()
    return figure


def difference_figure(rectangles: pd.DataFrame, surfaces: pd.DataFrame, title: str) -> Figure | None:
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
    y = log_axis(pair["error"].to_numpy(), label=percent_tick, least=LEAST_ERROR)
    runs = [int(rectangles[f"n_runs_{side}"].iloc[0]) for side in "ab"]
    note = (
        "Shaded: one method reaches at most this error with at most so many records in a larger share of its runs. "
        f"Runs are seeds: {runs[0]} and {runs[1]}. Error: held-out, each target capped at 100%."
    )
    figure, axes = canvas(1, 1, 3.4, title, _difference_legend([first, second]), note)
    ax = axes[0]
    log_frame(ax, x, y)
    _shade(ax, rectangles, x, y)
    for (label, refit), dashes in zip((first, second), SIDES, strict=True):
        median = pair[(pair["label"] == label) & (pair["refit"] == refit) & (pair["level"] == "median")]
        _line(ax, median, x, y, color="black", linestyle=dashes, zorder=3)
    ax.set_xlabel("active records")
    ax.set_ylabel("held-out error")
    return figure


def _arm(ax: Axes, arm: pd.DataFrame, colour: str, refit: str, x: LogAxis, y: LogAxis) -> None:
    """The band from the best to the worst run, and the median."""
    if set(arm["level"]) == {"best", "median", "worst"}:
        best, worst = (arm[arm["level"] == level] for level in ("best", "worst"))
        across = np.unique(arm["n_active"].to_numpy())
        low, high = (_at(level, across) for level in (best, worst))
        alpha = FAINT if refit != "none" else FIRM
        top = np.where(np.isfinite(high), y.place(high), y.high)  # not all runs reach anything yet
        band: dict[str, Any] = {"color": colour, "linewidth": 0, "zorder": 2}
        ax.fill_between(across, y.place(low), top, step="post", alpha=alpha, **band)
        carried = [across[-1], x.high]
        ax.fill_between(carried, [y.place(low)[-1]] * 2, [top[-1]] * 2, alpha=alpha / 2, **band)
    _line(ax, arm[arm["level"] == "median"], x, y, color=colour, linestyle=DASHES.get(refit, ":"), zorder=3)


def _apart(medians: pd.DataFrame) -> NDArray[np.float64]:
    """The vertices of the medians of one label, a row that is no number after each: the end of a line."""
    gap = np.full((1, 2), np.nan)
    lines = [some[["n_active", "error"]].to_numpy() for _, some in medians.groupby("refit")]
    return np.concatenate([vertices for line in lines for vertices in (line, gap)])


def _line(ax: Axes, surface: pd.DataFrame, x: LogAxis, y: LogAxis, **look: Any) -> None:
    """A step line through the vertices of a surface, dotted where it only carries on."""
    across, up = surface["n_active"].to_numpy(), y.place(surface["error"].to_numpy())
    ax.plot(across, up, drawstyle="steps-post", **look)
    ax.plot(across[-1], up[-1], marker="o", markersize=2.5, color=look["color"], zorder=look["zorder"])
    carried = {**look, "linestyle": (0, (1, 2)), "linewidth": 0.8}
    ax.plot([across[-1], x.high], [up[-1]] * 2, **carried)


def _at(surface: pd.DataFrame, across: NDArray[np.float64]) -> NDArray[np.float64]:
    """The error of a surface at each size, infinite left of its first vertex."""
    place = np.searchsorted(surface["n_active"].to_numpy(), across, side="right")
    return np.concatenate([[np.inf], surface["error"].to_numpy()])[place]


def _shade(ax: Axes, rectangles: pd.DataFrame, x: LogAxis, y: LogAxis) -> None:
    left, right = (np.clip(rectangles[name].to_numpy(), x.low, x.high) for name in ("k_low", "k_high"))
    low, high = (np.clip(rectangles[name].to_numpy(), y.low, y.high) for name in ("error_low", "error_high"))
    patches = [Rectangle(*corner) for corner in zip(zip(left, low, strict=True), right - left, high - low, strict=True)]
    colours = [_shade_of(value) for value in rectangles["difference"]]
    # not antialiased: neighbours would show a seam
    ax.add_collection(PatchCollection(patches, facecolors=colours, linewidths=0, antialiased=False, zorder=1))


def _shade_of(difference: float) -> tuple[float, float, float]:
    """White towards blue in favour of the first arm, towards orange in favour of the second, in four classes."""
    step = next(number for number, end in enumerate(SHARES, 1) if abs(difference) <= end + 1e-9)
    depth = 0.1 + 0.8 * step / len(SHARES)
    red, green, blue = (1 - depth * (1 - part) for part in to_rgb(BLUE if difference > 0 else ORANGE))
    return red, green, blue


def _legend(surfaces: pd.DataFrame) -> list[Line2D]:
    dark: dict[str, Any] = {"color": "0.25"}
    handles = []
    for refit in sorted(surfaces["refit"].unique(), key=lambda name: (name != "none", name)):
        text = arm_words(refit)
        handles.append(Line2D([], [], label=f"{text}, median run", linestyle=DASHES.get(refit, ":"), **dark))
        if (surfaces.loc[surfaces["refit"] == refit, "n_runs"] > 1).any():
            alpha = FAINT if refit != "none" else FIRM
            handles.append(Line2D([], [], label=f"{text}, best to worst run", alpha=alpha, **SQUARE, **dark))
    handles.append(Line2D([], [], label="other methods, median runs", color=GREY, linewidth=0.9))
    handles.append(Line2D([], [], label="carried on to more records", linestyle=(0, (1, 2)), linewidth=0.8, **dark))
    return handles


def _difference_legend(arms: Sequence[tuple[str, str]]) -> list[Line2D]:
    handles = []
    for (label, refit), dashes, sign in zip(arms, SIDES, (1, -1), strict=True):
        name = arm_name(label, refit).lstrip("_")
        handles.append(Line2D([], [], color="black", linestyle=dashes, label=f"median run of {name}"))
        for low, high in pairwise((0.0, *SHARES)):
            text = f"{100 * low:.0f} to {100 * high:.0f}%" if low else f"up to {100 * high:.0f}% of runs"
            handles.append(Line2D([], [], label=f"more often, by {text}", color=_shade_of(sign * high), **SQUARE))
    return handles


def _heading(label: str) -> str:
    """A label in at most two lines as wide as a panel."""
    return "\n".join(textwrap.wrap(label, WIDEST, max_lines=2, placeholder=" …"))
