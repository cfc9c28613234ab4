"""A forest plot: for every declared contrast the difference of held-out errors family by family, and their mean.

Left of 0 the first arm has the lower error. Bars are 95% intervals over seeds for a family, and for the mean (diamond)
that of its verdict. The area of a marker is the family's number of targets. Families whose targets are of several
places (states) stand above those of a single one (the nation).
"""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.analysis.contrasts import ARMS
from frontier.reporting.charts.canvas import canvas
from frontier.reporting.charts.style import PALETTE
from frontier.results.arms import arm_name

BLUE, ORANGE = PALETTE[:2]
ROW_INCHES = 0.19
MOST = 6  # contrasts in a figure; the table has them all
COLUMNS = 3
LARGEST = 7.0  # points, the marker of the largest family
LONGEST = 42  # characters of a line above a panel


def forest_figure(contrasts: pd.DataFrame, families: pd.DataFrame, title: str) -> Figure | None:
    """The forest of one problem and design; None where no family is held out or nothing was compared."""
    shown = contrasts.head(MOST)
    if shown.empty or families.empty:
        return None
    order = families.drop_duplicates("family").sort_values(["places", "family"], ascending=[False, True])
    names = order["family"].tolist()
    words = [f"{name}, {n} places" if n > 1 else name for name, n in zip(names, order["places"], strict=True)]
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    note = "Left of 0 the arm named first errs less. Size of a marker: number of targets in the family."
    note += f" The first {MOST} of {len(contrasts)} contrasts; the table has all." if len(contrasts) > MOST else ""
    height = 0.85 + ROW_INCHES * (len(names) + 1)
    figure, axes = canvas(rows, columns, height, title, _legend(), note)
    reach = _reach(shown, families)
    for place, ax in enumerate(axes):
        if place >= len(shown):
            ax.set_visible(False)
            continue
        row = shown.iloc[place]
        part = families[(families[ARMS] == row[ARMS]).all(axis=1)].set_index("family")
        _panel(ax, row, part, names, reach)
        ax.set_yticks(range(len(names) + 1), [*words, "mean"] if place % columns == 0 else [])
        ax.tick_params(axis="both", length=0, labelsize=6.5)
        lines = (arm_name(row["a"], row["refit_a"]), "− " + arm_name(row["b"], row["refit_b"]))
        ax.set_title("\n".join(line for name in lines for line in textwrap.wrap(name, LONGEST)), loc="left", fontsize=6)
        if place >= len(shown) - columns:
            ax.set_xlabel("difference, percentage points", fontsize=7)
    return figure


def _reach(contrasts: pd.DataFrame, families: pd.DataFrame) -> float:
    ends = [np.abs(families["difference"].to_numpy(np.float64)).max()]
    limits = contrasts[["difference_low", "difference_high"]].to_numpy(np.float64)
    ends += [float(np.nanmax(np.abs(limits)))] if np.isfinite(limits).any() else []
    return min(1.0, 1.1 * max(ends)) or 0.01


def _panel(ax: Axes, row: pd.Series[Any], part: pd.DataFrame, names: list[str], reach: float) -> None:
    ax.axvline(0, color="0.35", linewidth=0.8, zorder=1)
    largest = max(float(part["n_targets"].max()), 1.0)
    for y, name in enumerate(names):
        if name not in part.index:
            continue
        one: pd.Series[Any] = part.loc[[name]].iloc[0]
        size = max(2.0, LARGEST * float(np.sqrt(one["n_targets"] / largest)))
        _bar(ax, y, one, reach, marker="o", size=size)
    ax.axhline(len(names) - 0.5, color="0.8", linewidth=0.6)
    decided = str(row["verdict"]).endswith("better")  # over families and seeds, which the interval alone does not say
    _bar(ax, len(names), row, reach, marker="D", size=5.0, decided=decided)
    ax.set_xlim(-100 * reach, 100 * reach)
    ax.set_ylim(len(names) + 0.6, -0.6)


def _bar(
    ax: Axes, y: int, one: pd.Series[Any], reach: float, *, marker: str, size: float, decided: bool = True
) -> None:
    """A difference with its interval: coloured for whom it favours where 0 is outside, hollow where undecided."""
    d, low, high = (float(one[name]) for name in ("difference", "difference_low", "difference_high"))
    sure = decided and (low > 0 or high < 0)
    color = (BLUE if d < 0 else ORANGE) if sure else "0.45"
    if low <= high:
        ax.plot(100 * np.clip([low, high], -reach, reach), [y, y], color=color, linewidth=1.0, zorder=2)
    face = color if sure else "white"
    ax.plot([100 * d], [y], marker=marker, color=color, markerfacecolor=face, markersize=size, zorder=3)


def _legend() -> list[Line2D]:
    common: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 5}
    return [
        Line2D([], [], label="the first arm errs less", color=BLUE, **common),
        Line2D([], [], label="the second errs less", color=ORANGE, **common),
        Line2D([], [], label="not told apart", color="0.45", markerfacecolor="white", **common),
        Line2D([], [], label="mean over folds or targets", color="0.2", marker="D", linestyle="none", markersize=5),
    ]
