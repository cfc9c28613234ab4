"""What every figure of a report stands on: its title above, its note and legend below, and what could not be drawn."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.reporting.charts.style import (
    DASHES,
    GREY_LINE,
    RC,
    SOLID,
    WIDTH_INCHES,
    LabelStyle,
    LogAxis,
    legend_columns,
)


def rc() -> dict[Any, Any]:
    """matplotlib's own defaults for all that is visible, then ours: a user's matplotlibrc must not change a report."""
    visible = re.compile(
        r"(agg|axes|figure|font|grid|legend|lines|markers|mathtext|patch|path|pdf|savefig|svg|text|xtick|ytick)\."
    )
    defaults = {key: value for key, value in matplotlib.rcParamsDefault.items() if visible.match(key)}
    return {**defaults, **RC}


def not_drawn(part: pd.DataFrame, drawn: pd.DataFrame) -> str:
    """`Not drawn: 3 of 60 cells. nn_lasso: timeout 2; …`, or nothing; why is the status, or "no value"."""
    missing = part.loc[~part.index.isin(drawn.index)]
    if missing.empty:
        return ""
    reasons = missing["status"].where(~missing["has_weights"], "no value")
    by_label = [
        f"{label}: " + ", ".join(f"{reason} {number}" for reason, number in some.value_counts().sort_index().items())
        for label, some in reasons.groupby(missing["label"], sort=True)
    ]
    return f"Not drawn: {len(missing)} of {len(part)} cells. {'; '.join(by_label)}."


def label_entries(labels: Iterable[str], styles: Mapping[str, LabelStyle]) -> list[Line2D]:
    """What a legend says of labels, in their order by name; matplotlib hides those that begin with an underscore."""
    return [
        Line2D([], [], label=re.sub("^_", " _", name), markersize=5.5, **styles[name].properties, **SOLID)
        for name in sorted(labels)
    ]


def line_entries(lines: Iterable[tuple[str, str]]) -> list[Line2D]:
    """What a legend says of grey lines: their texts with the names of their dashes."""
    return [Line2D([], [], label=text, linestyle=DASHES[dashes], **GREY_LINE) for text, dashes in lines]


def log_frame(ax: Axes, x: LogAxis, y: LogAxis) -> None:
    """Scales, limits and ticks of two log axes."""
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(x.low, x.high)
    ax.set_ylim(y.low, y.high)
    ax.set_xticks(x.ticks, x.tick_labels)
    ax.set_yticks(y.ticks, y.tick_labels)
    ax.minorticks_off()


def canvas(
    rows: int, columns: int, height: float, title: str, legend: Sequence[Line2D], note: str
) -> tuple[Figure, list[Axes]]:
    """A figure with its title above, and its note and legend below, sized so that neither squeezes the plot."""
    columns_of_legend = legend_columns([str(handle.get_label()) for handle in legend])
    lines = textwrap.wrap(note, 108)
    lines = [*lines[:4], "… see the failures in the report."] if len(lines) > 5 else lines
    heading = textwrap.wrap(title, 84)
    below = 0.17 * -(-len(legend) // columns_of_legend) + 0.15 * len(lines)
    size = (WIDTH_INCHES, rows * height + 0.45 + 0.17 * len(heading) + below + 0.25)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.suptitle("\n".join(heading))
    figure.legend(
        handles=list(legend),
        loc="outside lower center",
        ncols=columns_of_legend,
        title="\n".join(lines) or None,
        title_fontsize=7.5,
        alignment="left",
        handlelength=2.4,
        columnspacing=1.4,
    )
    return figure, list(grid.ravel())
