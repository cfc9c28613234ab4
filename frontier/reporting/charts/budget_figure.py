"""The figure of equal budgets: records asked for against errors and ESS, one column of panels per arm.

Markers are means over seeds and splits, bars one standard error (`frontier.analysis.budgets`). A filled marker stands
at its budget; a point without one (a λ, a dense method) and a budget that was not reached stand at the records that got
weight, the latter hollow. Every quantity has one scale for all arms; grey lines are what to read the points against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.analysis.budgets import by_budget
from frontier.reporting.charts.canvas import canvas, label_entries, line_entries, log_frame, not_drawn
from frontier.reporting.charts.style import DASHES, GREY_LINE, HOLLOW, SOLID, LabelStyle, LogAxis, log_axis
from frontier.reporting.facts import ProblemFacts
from frontier.reporting.numbers import count_tick, percent_tick
from frontier.reporting.quantities import QUANTITIES, Reference, references
from frontier.results.arms import ARMS

LEAST_ERROR = 1e-4  # errors below 0.01% are drawn there: an exact fit must not flatten what can be compared
PANELS = {
    "train_mare": "training error",
    "heldout_mare": "held-out error",
    "heldout_capped_mare": "held-out, capped",
    "ess": "ESS (Kish)",
}
PANEL_INCHES = 1.75


def budget_figure(
    part: pd.DataFrame, styles: Mapping[str, LabelStyle], title: str, facts: Sequence[ProblemFacts]
) -> Figure | None:
    """All quantities of one problem and design, for prepared cells; None when no budget has weights.

    `facts` are those of the splits of the design: what is known of all of them is drawn at its mean, k = rank(A) for
    each.
    """
    drawn = part[part["has_weights"] & (part["n_active"] > 0)]
    if drawn["budget"].isna().all():
        return None
    points = by_budget(drawn)
    points["x"] = points["budget"].where(points["budget"].notna() & (points["n_missed"] == 0), points["n_active_mean"])
    arms = [arm for arm in ARMS if arm in set(points["refit"])]
    x = log_axis(points["x"].to_numpy(), label=count_tick, most_ticks=9 if len(arms) == 1 else 5)
    known = [name for name in PANELS if points[f"{name}_mean"].notna().any()]
    lines = [line for line in references(facts) if line.quantity in known or _is_within(line, x)]
    legend = _legend(points, styles, lines)
    figure, axes = canvas(len(known), len(arms), PANEL_INCHES, title, legend, not_drawn(part, drawn))
    grid = np.array(axes, dtype=object).reshape(len(known), len(arms))
    for name, row in zip(known, grid, strict=True):
        error = name != "ess"
        up = points[f"{name}_mean"].to_numpy()
        here = [line for line in lines if line.quantity == name]
        up = np.append(up, [value for line in here for value in line.values])
        y = log_axis(
            up, label=percent_tick if error else count_tick, least=LEAST_ERROR if error else None, most_ticks=6
        )
        for ax, arm in zip(row, arms, strict=True):
            _panel(ax, points[points["refit"] == arm], name, styles, y)
            for line in (line for line in lines if line.quantity in (name, "n_active")):
                look: dict[str, Any] = {"linestyle": DASHES[line.dashes], **GREY_LINE, "zorder": 1}
                for value in line.values:
                    if line.quantity == name:
                        ax.axhline(float(y.place([value])[0]), **look)
                    elif x.low < value < x.high:
                        ax.axvline(value, **look)
            log_frame(ax, x, y)
            ax.set_ylabel(PANELS[name] if ax is row[0] else "")
            ax.tick_params(labelleft=ax is row[0], labelbottom=name == known[-1])
            ax.set_xlabel("records asked for" if name == known[-1] else "")
            if name == known[0] and len(arms) > 1:
                ax.set_title(ARMS[arm], loc="left")
    return figure


def _is_within(line: Reference, x: LogAxis) -> bool:
    """Whether a vertical line has a place on the axis."""
    return line.quantity == "n_active" and any(x.low < value < x.high for value in line.values)


def _panel(ax: Axes, points: pd.DataFrame, name: str, styles: Mapping[str, LabelStyle], y: LogAxis) -> None:
    for label, some in points.groupby("label", sort=True):
        style = styles[str(label)]
        some = some[some[f"{name}_mean"].notna()].sort_values("x")
        across, up = some["x"].to_numpy(), some[f"{name}_mean"].to_numpy()
        error = some[f"{name}_se"].fillna(0.0).to_numpy()
        low, high = y.place(np.maximum(up - error, y.low)), y.place(up + error)
        ax.vlines(across, low, high, color=style.colour, linewidth=0.8, alpha=0.55)
        missed = (some["n_missed"] > 0).to_numpy()
        line = ~missed & (some["budget"].notna() | some["lam"].notna()).to_numpy()
        ax.plot(across[line], y.place(up[line]), color=style.colour, linestyle=style.linestyle, alpha=0.8, zorder=3)
        mark: dict[str, Any] = {"marker": style.marker, "color": style.colour, "linestyle": "none", "markersize": 4.5}
        for chosen, face in ((~missed, SOLID), (missed, HOLLOW)):
            if chosen.any():  # an artist without points would stand at the corner of the page
                ax.plot(across[chosen], y.place(up[chosen]), **mark, **face, zorder=4, clip_on=False)


def _legend(points: pd.DataFrame, styles: Mapping[str, LabelStyle], lines: Sequence[Reference]) -> list[Line2D]:
    handles = label_entries(points["label"].unique(), styles)
    plain: dict[str, Any] = {"color": "0.35", "linestyle": "none"}
    if points[[f"{name}_se" for name in PANELS]].notna().any(axis=None):
        text = "mean ± standard error over seeds and splits"
        handles.append(Line2D([], [], label=text, marker="|", markersize=9, **plain))
    if (points["n_missed"] > 0).any():
        text = "hollow: budget not reached (at the size that was)"
        handles.append(Line2D([], [], label=text, marker="o", markersize=5.5, markerfacecolor="white", **plain))
    of = {name: f" ({quantity.title})" for name, quantity in QUANTITIES.items()}
    return [*handles, *line_entries((line.text + of.get(line.quantity, ""), line.dashes) for line in lines)]
