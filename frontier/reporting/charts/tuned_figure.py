"""Every method as configured and as tuned, on what its search did not see: a row a method, a panel a budget."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from frontier.reporting.charts.canvas import canvas
from frontier.reporting.charts.style import HOLLOW, SOLID, LabelStyle
from frontier.reporting.numbers import count, percent, percent_tick

ROW_INCHES = 0.24
COLUMNS = 3
PAD = 0.05  # share of the range of the data, at each end
LONGEST = 36  # characters of a name beside the axis

Limits = tuple[float, float]


def tuned_figure(table: pd.DataFrame, styles: Mapping[str, LabelStyle], error: str, title: str) -> Figure | None:
    """The searched methods of `analysis.tuned.tuned_table`, in the order of their mean error as tuned; None without."""
    drawn = table[table["searched"]]
    if drawn.empty:
        return None
    names = drawn.groupby("label")["tuned"].mean().sort_values(kind="stable").index.tolist()
    parts = [part for _, part in drawn.groupby("budget", dropna=False)]
    columns = min(COLUMNS, len(parts))
    rows = -(-len(parts) // columns)
    ends = [drawn["default"] + drawn[f"difference_{end}"].fillna(0.0) for end in ("low", "high")]
    known = np.concatenate([drawn["default"], drawn["tuned"], *ends])
    pad = PAD * (float(np.ptp(known)) or 1.0)
    limits = max(float(known.min()) - pad, 0.0), float(known.max()) + pad
    legend = [
        Line2D([], [], label=text, color="0.35", marker="o", linestyle="none", **{"markersize": 5.0, **face})
        for text, face in (("as configured", HOLLOW), ("as tuned", SOLID))
    ]
    several = bool((drawn["pairs"] > 1).any())
    note = "Bar: the 95% interval of the difference, from the error as configured." if several else ""
    figure, axes = canvas(rows, columns, 0.35 + ROW_INCHES * len(names), title, legend, note)
    for place, (ax, part) in enumerate(zip(axes, parts, strict=False)):
        _panel(ax, part, names, styles, limits)
        shortened = [textwrap.shorten(name, LONGEST, placeholder=" …") for name in names]
        ax.set_yticks(range(len(names)), shortened if place % columns == 0 else [])
        ax.tick_params(axis="y", length=0, labelsize=7.5)
        ax.set_title(_heading(part["budget"].iloc[0]), loc="left", fontsize=8)
        if place + columns >= len(parts):
            ax.set_xlabel(error, fontsize=8)
    for ax in axes[len(parts) :]:
        ax.remove()
    return figure


def _panel(ax: Axes, part: pd.DataFrame, names: list[str], styles: Mapping[str, LabelStyle], limits: Limits) -> None:
    ax.set_xlim(*limits)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent_tick(value)))
    ax.tick_params(axis="x", labelsize=7)
    ax.set_ylim(len(names) - 0.4, -0.6)
    for row in part.to_dict("records"):
        y, style = names.index(row["label"]), styles[row["label"]]
        before, after = row["default"], row["tuned"]
        ends = before + row["difference_low"], before + row["difference_high"]
        if np.isfinite(ends).all():
            ax.hlines(y, *ends, color=style.colour, linewidth=3.0, alpha=0.3, zorder=1)
        ax.plot([before, after], [y, y], color=style.colour, linewidth=0.9, zorder=2)
        for at, face in ((before, HOLLOW), (after, SOLID)):
            look: dict[str, Any] = {"markersize": 5.0, "linestyle": "none", "zorder": 3, **face}
            ax.plot([at], [y], marker=style.marker, color=style.colour, **look)


def _heading(budget: float | None) -> str:
    if budget is None or pd.isna(budget):
        return "as many records as it keeps"
    return f"{count(budget)} records" if budget >= 1 else f"{percent(budget)} of the records"
