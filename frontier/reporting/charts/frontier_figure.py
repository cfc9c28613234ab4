"""The frontier figure: active records against one error, for one problem and split.

Every seed is a small translucent point, the mean over seeds a marker, joined along λ or budget, with bars from the
lowest to the highest seed in both directions. Hollow markers did not converge or are refused by their certificate. What
a log axis cannot show is not hidden: cells without any active record stand in a strip left of an axis break, errors
below `LEAST_ERROR` at it, and cells that cannot be drawn are counted below the plot. One panel per kind of
refit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path as MarkPath

from frontier.analysis.aggregate import aggregate
from frontier.reporting.charts.canvas import canvas, label_entries, line_entries, log_frame, not_drawn
from frontier.reporting.charts.style import DASHES, GREY_LINE, HOLLOW, SOLID, LabelStyle, LogAxis, log_axis
from frontier.reporting.facts import ProblemFacts
from frontier.reporting.numbers import count_tick, percent_tick
from frontier.reporting.quantities import LEAST_ERROR, QUANTITIES, Reference, references
from frontier.results.arms import arm_words
from frontier.results.schema import POINT


def frontier_figure(
    part: pd.DataFrame, name: str, styles: Mapping[str, LabelStyle], title: str, facts: ProblemFacts
) -> Figure | None:
    """Active records against `QUANTITIES[name]`, for the prepared cells of one problem and split; None without points.

    `facts` give the lines to read the points against.
    """
    quantity = QUANTITIES[name]
    drawn = part[part["has_weights"] & np.isfinite(part["n_active"]) & np.isfinite(part[name])]
    if drawn.empty:
        return None
    lines = [line for line in references([facts]) if line.quantity in (name, "n_active")]
    points = aggregate(drawn)
    at_zero = sorted(drawn.loc[drawn["n_active"] == 0, "label"].unique())
    refits = sorted(drawn["refit"].unique(), key=lambda refit: (refit != "none", refit))
    columns = min(2, len(refits))
    rows = -(-len(refits) // columns)
    # Beside the cells, their means: where one seed keeps nothing, a mean may lie below every positive value.
    across = [*drawn["n_active"], *points["n_active_mean"]]
    up = [*drawn[name], *points[f"{name}_mean"]]
    up += [value for line in lines if line.quantity == name for value in line.values]
    x = log_axis(across, label=count_tick, zeros=len(at_zero), most_ticks=9 if columns == 1 else 5)
    y = log_axis(up, label=percent_tick, least=LEAST_ERROR)
    legend = _legend(drawn, styles, lines)
    figure, axes = canvas(rows, columns, 3.15 if rows == 1 else 2.6, title, legend, not_drawn(part, drawn))
    for position, (ax, refit) in enumerate(zip(axes, refits, strict=False)):
        chosen = points[points["refit"] == refit], drawn[drawn["refit"] == refit]
        _panel(ax, *chosen, name, styles=styles, x=x, y=y, at_zero=at_zero)
        _references(ax, lines, x, y)
        _frame(ax, x, y)
        ax.set_xlabel("active records" if position >= len(refits) - columns else "")
        ax.set_ylabel("" if position % columns else f"{quantity.title}, mean over targets")
        ax.tick_params(labelleft=position % columns == 0)
        if len(refits) > 1:
            ax.set_title(arm_words(refit), loc="left")
    for ax in axes[len(refits) :]:
        ax.remove()
    return figure


def _panel(
    ax: Axes,
    points: pd.DataFrame,
    drawn: pd.DataFrame,
    name: str,
    *,
    styles: Mapping[str, LabelStyle],
    x: LogAxis,
    y: LogAxis,
    at_zero: Sequence[str],
) -> None:
    """All labels of one refit kind."""
    for label, mean in points.groupby("label", sort=True):
        style = styles[str(label)]
        mark: dict[str, Any] = {"marker": style.marker, "color": style.colour, "linestyle": "none"}
        slot = x.within_strip((at_zero.index(str(label)) + 1) / (len(at_zero) + 1)) if label in at_zero else None
        for hollow, some in drawn[drawn["label"] == label].groupby("hollow"):
            face = {"markerfacecolor": "none", "markeredgewidth": 0.7} if hollow else {"markeredgewidth": 0}
            xs = _across(some["n_active"].to_numpy(), x, slot)
            ax.plot(xs, y.place(some[name].to_numpy()), **mark, **face, markersize=3, alpha=0.35, zorder=2)
        positive = mean[mean["n_active_mean"] > 0]
        for _, line in positive.groupby(positive["budget"].isna()):
            # A single-point method has neither λ nor budget: its points are joined by nothing.
            if line[["lam", "budget"]].notna().any(axis=None):
                path = line.sort_values(["lam", "budget"])
                xs, ys = path["n_active_mean"].to_numpy(), y.place(path[f"{name}_mean"].to_numpy())
                ax.plot(xs, ys, color=style.colour, linestyle=style.linestyle, alpha=0.8, zorder=3)
        _bars(ax, positive, name, style.colour, x, y)
        for hollow, some in mean.groupby(mean["n_hollow"] > 0):
            xs = _across(some["n_active_mean"].to_numpy(), x, slot)
            ys = y.place(some[f"{name}_mean"].to_numpy())
            ax.plot(xs, ys, **mark, **(HOLLOW if hollow else SOLID), markersize=5.5, zorder=4, clip_on=False)
        nothing = mean[mean["n_active_mean"] == 0]
        if slot is not None and len(nothing):
            _annotate_zero(ax, slot, y.place(nothing[f"{name}_mean"].to_numpy()), nothing, style, y)


def _across(active: np.ndarray[Any, np.dtype[np.float64]], x: LogAxis, slot: float | None) -> Any:
    """Horizontal positions; a label's zeros stand in its own slot of the strip."""
    return np.where(active == 0, slot, x.place(active)) if slot is not None else x.place(active)


def _bars(ax: Axes, mean: pd.DataFrame, column: str, colour: str, x: LogAxis, y: LogAxis) -> None:
    """From the lowest to the highest seed, both ways; a seed without active records pulls its bar to the break."""
    spread = mean[mean["n_with_weights"] > 1]
    bar: dict[str, Any] = {"colors": colour, "linewidth": 0.8, "alpha": 0.55, "zorder": 3}
    start = x.low if x.edge is None else x.edge
    lowest = np.maximum(spread["n_active_min"].to_numpy(), start)
    ax.hlines(y.place(spread[f"{column}_mean"].to_numpy()), lowest, spread["n_active_max"], **bar)
    low, high = (y.place(spread[f"{column}_{end}"].to_numpy()) for end in ("min", "max"))
    ax.vlines(spread["n_active_mean"], low, high, **bar)


def _annotate_zero(
    ax: Axes,
    slot: float,
    heights: np.ndarray[Any, np.dtype[np.float64]],
    nothing: pd.DataFrame,
    style: LabelStyle,
    y: LogAxis,
) -> None:
    """How many points of a label lie at 0 active records, on the side of the marker that has more room."""
    axis = "λ" if nothing["lam"].notna().all() else "points" if nothing["budget"].isna().any() else "budgets"
    axis = axis.rstrip("s") if len(nothing) == 1 else axis
    below = heights.min() / y.low > y.high / heights.max()
    ax.annotate(
        f"{len(nothing)} {axis}",
        (slot, heights.min() if below else heights.max()),
        xytext=(0, -6 if below else 6),
        textcoords="offset points",
        rotation=90,
        ha="center",
        va="top" if below else "bottom",
        fontsize=7,
        color=style.colour,
    )


def _references(ax: Axes, lines: Sequence[Reference], x: LogAxis, y: LogAxis) -> None:
    """What to read the points against."""
    for line in lines:
        look: dict[str, Any] = {"linestyle": DASHES[line.dashes], **GREY_LINE, "zorder": 1}
        for value in line.values:
            if line.quantity != "n_active":
                ax.axhline(float(y.place([value])[0]), **look)
            elif (x.edge or x.low) < value < x.high:
                ax.axvline(value, **look)


def _frame(ax: Axes, x: LogAxis, y: LogAxis) -> None:
    """Scales, limits, ticks, and for the strip of points without records its shade and its axis break."""
    log_frame(ax, x, y)
    if x.edge is not None:
        ax.axvspan(x.low, x.edge, color="0.955", linewidth=0, zorder=0)
        _axis_break(ax, x.edge)


def _axis_break(ax: Axes, at: float) -> None:
    """Two slashes across the horizontal axis line, and the line between them taken out."""
    first, second = (np.array([(-0.5 + s, -1), (0.5 + s, 1)]) for s in (-0.25, 0.25))
    gap: dict[str, Any] = {
        "marker": MarkPath(np.vstack([first, second[::-1], first[:1]])),
        "color": "white",
        "markeredgewidth": 0,
    }
    slashes = MarkPath(np.vstack([first, second]), [MarkPath.MOVETO, MarkPath.LINETO] * 2)
    for look in (gap, {"marker": slashes, "color": "black"}):
        ax.plot([at], [0.0], transform=ax.get_xaxis_transform(), clip_on=False, markersize=7, zorder=5, **look)


def _legend(drawn: pd.DataFrame, styles: Mapping[str, LabelStyle], lines: Sequence[Reference]) -> list[Line2D]:
    """One entry per label, then what the other signs in this figure mean."""
    handles = label_entries(drawn["label"].unique(), styles)
    plain: dict[str, Any] = {"color": "0.35", "marker": "o", "linestyle": "none"}
    if (drawn.groupby(list(POINT), dropna=False).size() > 1).any():
        handles.append(Line2D([], [], label="one seed", markersize=3, markeredgewidth=0, alpha=0.6, **plain))
        handles.append(Line2D([], [], label="mean and range over seeds", color="0.35", marker="+", linestyle="none"))
    if drawn["hollow"].any():
        text = "hollow: not converged, refused, or off its budget"
        handles.append(Line2D([], [], label=text, markersize=5.5, **plain, **HOLLOW))
    handles += line_entries((line.text, line.dashes) for line in lines)
    return handles
