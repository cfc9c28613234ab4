"""The figure of a report's answer: records against the error that its verdict is about, a line a method.

Methods that are compared have their colour and their name at the end of the line, the others are grey, and the initial
weights are a line across. Markers are means over seeds and splits, bars one standard error (`analysis.budgets`).
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

from frontier.reporting.charts.canvas import canvas, log_frame
from frontier.reporting.charts.style import DASHES, GREY_LINE, HOLLOW, OTHERS, SOLID, LabelStyle, LogAxis, log_axis
from frontier.reporting.numbers import count_tick, percent, percent_tick
from frontier.reporting.quantities import LEAST_ERROR, QUANTITIES

HEIGHT_INCHES = 3.4
WIDEST_NAME = 24  # characters of a line of a name beside the plot
LINE_SHARE = 0.047  # of the height, a line of a name
# from the left end of a name, so that it crosses no other name, to the end of its line
LEADER = {"arrowstyle": "-", "linewidth": 0.5, "alpha": 0.5, "shrinkA": 1, "shrinkB": 3, "relpos": (0.0, 0.5)}


def error_figure(
    points: pd.DataFrame,
    name: str,
    styles: Mapping[str, LabelStyle],
    focus: Sequence[str],
    title: str,
    initial: float | None = None,
) -> Figure | None:
    """Records against `QUANTITIES[name]`, for rows as `analysis.budgets.by_budget`, one arm a label; None without any.

    `focus` are the labels in colour, `initial` the error of the untouched initial weights.
    """
    drawn = points[(points["n_active_mean"] > 0) & points[f"{name}_mean"].notna()]
    if drawn.empty:
        return None
    middle, error = drawn[f"{name}_mean"], drawn[f"{name}_se"].fillna(0.0)
    lowest = np.maximum(middle - error, middle / 2)  # a bar that reaches 0 has no end on a log axis
    up = [*middle, *(middle + error), *lowest, *([] if initial is None else [initial])]
    x = log_axis(drawn["n_active_mean"].to_numpy(), label=count_tick, most_ticks=7)
    y = log_axis(up, label=percent_tick, least=LEAST_ERROR, most_ticks=7)
    figure, (ax,) = canvas(1, 1, HEIGHT_INCHES, title, _legend(drawn, name, focus), "")
    ends = []
    for label in [*sorted(set(drawn["label"]) - set(focus)), *reversed(focus)]:
        some = drawn[drawn["label"] == label]
        if some.empty:
            continue
        colour = styles[label].colour if label in focus else OTHERS
        last = _line(ax, some, name, styles[label], colour, above=label in focus, y=y)
        ends += [(last, label, colour)] if label in focus else []
    if initial is not None:
        height = float(y.place([initial])[0])
        ax.axhline(height, linestyle=DASHES["dashdotted"], **GREY_LINE, zorder=1)
        ends.append(((x.high, height), f"Initial weights {percent(initial)}", "0.35"))
    log_frame(ax, x, y)
    ax.set_xlabel("records with weight")
    ax.set_ylabel(QUANTITIES[name].title)
    _names(ax, ends, y)
    return figure


def _line(
    ax: Axes, some: pd.DataFrame, name: str, style: LabelStyle, colour: str, *, above: bool, y: LogAxis
) -> tuple[float, float]:
    """The points of one label, those along λ or budget joined; where its last point is."""
    some = some.sort_values("n_active_mean", kind="stable")
    across, up = some["n_active_mean"].to_numpy(), some[f"{name}_mean"].to_numpy()
    error = some[f"{name}_se"].fillna(0.0).to_numpy()
    order = 4 if above else 2
    ax.vlines(across, y.place(np.maximum(up - error, y.low)), y.place(up + error), color=colour, linewidth=0.9,
              zorder=order)  # fmt: skip
    hollow = (some["n_hollow"] > 0).to_numpy()
    joined = (some["budget"].notna() | some["lam"].notna()).to_numpy()
    width = 1.5 if above else 0.8
    ax.plot(across[joined], y.place(up[joined]), color=colour, linestyle=style.linestyle, linewidth=width, zorder=order)
    for chosen, face in ((~hollow, SOLID), (hollow, HOLLOW)):
        if chosen.any():
            look: dict[str, Any] = {"marker": style.marker, "linestyle": "none", "markersize": 5 if above else 3.5}
            ax.plot(across[chosen], y.place(up[chosen]), color=colour, **look, **face, zorder=order + 1, clip_on=False)
    return float(across[-1]), float(y.place([up[-1]])[0])


def _names(ax: Axes, ends: Sequence[tuple[tuple[float, float], str, str]], y: LogAxis) -> None:
    """Each name beside the plot, at the height of its line or as near as the others leave room."""
    span = np.log(y.high / y.low)
    wrapped = [textwrap.wrap(name, WIDEST_NAME)[:3] for _, name, _ in ends]
    heights = [float(np.log(at[1] / y.low) / span) for at, _, _ in ends]
    sizes = [LINE_SHARE * len(lines) + 0.012 for lines in wrapped]
    for ((x_end, y_end), _, colour), lines, place in zip(ends, wrapped, spread(heights, sizes), strict=True):
        ax.annotate(
            "\n".join(lines),
            (x_end, y_end),
            xytext=(1.03, place),
            textcoords="axes fraction",
            color=colour,
            fontsize=7.5,
            va="center",
            annotation_clip=False,
            arrowprops={**LEADER, "color": colour},
        )


def spread(heights: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Places within [0, 1] in the order of `heights`, as near to them as boxes of these sizes do not overlap."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    places = [0.0] * len(heights)
    floor = 0.0
    for i in order:  # upwards: no box below the one before
        places[i] = max(heights[i], floor + sizes[i] / 2)
        floor = places[i] + sizes[i] / 2
    ceiling = 1.0
    for i in reversed(order):  # and down from the top
        places[i] = min(places[i], ceiling - sizes[i] / 2)
        ceiling = places[i] - sizes[i] / 2
    return places


def _legend(drawn: pd.DataFrame, name: str, focus: Sequence[str]) -> list[Line2D]:
    plain: dict[str, Any] = {"color": "0.35", "linestyle": "none"}
    others = drawn.loc[~drawn["label"].isin(focus), "label"].nunique()
    handles = []
    if others:
        text = f"{others} other method{'s' * (others > 1)}"
        handles.append(Line2D([], [], label=text, color=OTHERS, marker="o", markersize=4))
    if drawn[f"{name}_se"].notna().any():
        text = "mean ± standard error over seeds and splits"
        handles.append(Line2D([], [], label=text, marker="|", markersize=9, **plain))
    if (drawn["n_hollow"] > 0).any():
        text = "hollow: not converged, refused, or off its budget"
        handles.append(Line2D([], [], label=text, marker="o", markersize=5, **{**plain, **HOLLOW}))
    return handles
