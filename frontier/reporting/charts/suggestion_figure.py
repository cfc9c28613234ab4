"""The figure of a suggestion: records against the error on the totals, and against what is lost.

Markers are means over seeds, bars the range over them; filled ones are in order, hollow ones are not. A ring is drawn
around the choice of each budget. Grey lines are the whole calibrated file, and the initial weights, on the totals.
"""

from __future__ import annotations

from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.reporting.charts.canvas import canvas, label_entries, line_entries, log_frame, rc
from frontier.reporting.charts.picture import lay_out, png
from frontier.reporting.charts.style import DASHES, GREY_LINE, HOLLOW, SOLID, label_styles, log_axis
from frontier.reporting.numbers import count_tick, percent_tick

LEAST_ERROR = 1e-4
PANELS = {"error": "off the totals, mean", "lost": "lost of what no target fixes"}
ENDS = {"error": [], "lost": ["lost_least", "lost_most"]}  # of the bars
PANEL_INCHES = 2.3


def suggestion_picture(table: pd.DataFrame, name: str, whole_error: float, initial_error: float) -> bytes:
    """The figure as a PNG file."""
    with matplotlib.rc_context(rc()):
        figure = suggestion_figure(table, name, whole_error, initial_error)
        lay_out(figure)
        return png(figure)


def suggestion_figure(table: pd.DataFrame, name: str, whole_error: float, initial_error: float) -> Figure:
    """Both panels for the table of a `frontier.advice.suggestion.Suggestion`."""
    styles = label_styles(table["method"], {name: name for name in table["method"]})
    shown = {key: text for key, text in PANELS.items() if table[key].notna().any()}
    plain: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": "0.35", "markersize": 5.5}
    legend = [
        *label_entries(table["method"].unique(), styles),
        Line2D([], [], label="hollow: not in order", markerfacecolor="white", **plain),
        Line2D([], [], label="ring: chosen", **(plain | {"markersize": 10, "markerfacecolor": "none"})),
        *line_entries([("the whole file, calibrated", "dashed"), ("its initial weights", "dotted")]),
    ]
    figure, axes = canvas(len(shown), 1, PANEL_INCHES, f"{name}: which small file?", legend, "")
    x = log_axis(table["records"].to_numpy(), label=count_tick, most_ticks=9)
    for ax, (key, text) in zip(axes, shown.items(), strict=True):
        lines = (("dashed", whole_error), ("dotted", initial_error)) if key == "error" else ()
        values = [*table[[key, *ENDS[key]]].to_numpy(dtype=float).ravel(), *(value for _, value in lines)]
        y = log_axis(values, label=percent_tick, least=LEAST_ERROR, most_ticks=6)
        for dashes, value in lines:
            ax.axhline(float(y.place([value])[0]), linestyle=DASHES[dashes], zorder=1, **GREY_LINE)
        for label, some in table[table[key].notna()].groupby("method", sort=True):
            style = styles[str(label)]
            some = some.sort_values("records")
            if ENDS[key]:
                low, high = (y.place(some[end].to_numpy()) for end in ENDS[key])
                ax.vlines(some["records"], low, high, color=style.colour, linewidth=0.9)
            ax.plot(some["records"], y.place(some[key].to_numpy()), color=style.colour, linestyle=style.linestyle)
            for some_of, face in ((some[some["in_order"]], SOLID), (some[~some["in_order"]], HOLLOW)):
                mark: dict[str, Any] = {"marker": style.marker, "color": style.colour, "markersize": 5.5}
                ax.plot(some_of["records"], y.place(some_of[key].to_numpy()), linestyle="none", **mark, **face)
            chosen = some[some["chosen"]]
            ring: dict[str, Any] = {"marker": "o", "markersize": 11, "markerfacecolor": "none", "color": "0.35"}
            ax.plot(chosen["records"], y.place(chosen[key].to_numpy()), linestyle="none", **ring)
        log_frame(ax, x, y)
        ax.set_ylabel(text)
    axes[-1].set_xlabel("records kept")
    return figure
