"""One arm against all others: the difference of held-out errors with its interval, rival by rival and band by band.

Left of 0 the arm of the title has the lower error. Bars are 95% intervals of one comparison each; where nothing is
random (two deterministic arms on one split) the bar is the range over held-out families. The verdict, adjusted for all
comparisons, is the marker: filled when there is a winner, a square when equivalent, hollow when undecided, a hollow
diamond where a difference is found but held-out families disagree about its sign.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.reporting.arms import Arm
from frontier.reporting.charts.canvas import canvas
from frontier.reporting.charts.pairwise_figure import BLUE, GREEN, ORANGE, shortened
from frontier.reporting.standings import BETTER, EQUIVALENT, UNDECIDED, WORSE, band_name, both_sides, points

RIVAL_INCHES = 0.165
REACH = 1.25  # the axis ends this far beyond the largest difference, or at this quantile of the ends of the bars;
ENDS = 0.8  # longer bars are cut off with an arrow
WIDEST = 1.0  # capped errors differ by no more
TORN = "torn"
MARKS: dict[str, dict[str, Any]] = {
    BETTER: {"marker": "o", "color": BLUE, "linestyle": "none"},
    WORSE: {"marker": "o", "color": ORANGE, "linestyle": "none"},
    EQUIVALENT: {"marker": "s", "color": GREEN, "linestyle": "none"},
    UNDECIDED: {"marker": "o", "color": "0.45", "markerfacecolor": "white", "linestyle": "none"},
    TORN: {"marker": "D", "color": "0.1", "markerfacecolor": "white", "linestyle": "none"},
}


def versus_figure(frame: pd.DataFrame, arm: Arm, title: str) -> Figure | None:
    """The differences of `arm` (label, refit) from its rivals in one problem and design; None when it has none."""
    sides = both_sides(frame)
    sides = sides[sides["arm"] == arm] if len(sides) else sides
    if sides.empty:
        return None
    rivals = list(sides.groupby("rival")["difference"].mean().sort_values(ascending=False, kind="stable").index)
    bands = sorted(sides[["band", "low", "high"]].drop_duplicates().itertuples(index=False, name=None))
    reach = _reach(sides)
    delta = float(frame["delta"].iloc[0])
    note = f"Grey band: up to {points(delta)}, what does not matter. An arrow: the bar goes on."
    height = 0.75 + RIVAL_INCHES * len(rivals)
    figure, axes = canvas(1, len(bands), height, title, _legend(sides), note)
    for ax, (band, low, high) in zip(axes, bands, strict=True):
        _panel(ax, sides[sides["band"] == band], rivals, reach)
        ax.axvspan(-100 * delta, 100 * delta, color="0.9", zorder=0)
        ax.set_title(band_name(low, high).removesuffix(" records"), loc="left", fontsize=8)
        ax.set_yticks(range(len(rivals)), [shortened(rival) for rival in rivals] if ax is axes[0] else [])
        ax.tick_params(axis="y", length=0, labelsize=6.5)
        ax.tick_params(axis="x", labelsize=6.5)
    axes[len(bands) // 2].set_xlabel("difference of held-out errors, percentage points", fontsize=8)
    return figure


def _reach(sides: pd.DataFrame) -> float:
    ends = np.abs(sides[["difference_low", "difference_high"]].to_numpy(dtype=np.float64))
    ends = ends[np.isfinite(ends)]
    far = float(np.quantile(ends, ENDS)) if ends.size else 0.0
    near = REACH * float(np.abs(sides["difference"]).max())
    return max(min(max(near, far), WIDEST), float(sides["delta"].iloc[0]))


def _panel(ax: Axes, sides: pd.DataFrame, rivals: list[Arm], reach: float) -> None:
    ax.axvline(0, color="0.35", linewidth=0.8, zorder=1)
    for row in sides.to_dict("records"):
        y, mark = rivals.index(row["rival"]), MARKS[TORN if row["torn"] else row["verdict"]]
        low, high = max(row["difference_low"], -reach), min(row["difference_high"], reach)
        if low <= high:  # not for a comparison without an interval
            ax.plot([100 * low, 100 * high], [y, y], color=mark["color"], linewidth=1.1, zorder=2)
            ends = ((row["difference_low"] < -reach, -reach, "<"), (row["difference_high"] > reach, reach, ">"))
            for cut, end, arrow in ends:
                if cut:
                    ax.plot([100 * end], [y], marker=arrow, color=mark["color"], markersize=3, zorder=2)
        ax.plot([100 * row["difference"]], [y], **mark, markersize=4, zorder=3)
    ax.set_xlim(-105 * reach, 105 * reach)
    ax.set_ylim(len(rivals) - 0.4, -0.6)


def _legend(sides: pd.DataFrame) -> list[Line2D]:
    texts = {
        BETTER: "this arm has the lower error",
        WORSE: "the rival has the lower error",
        EQUIVALENT: "equivalent",
        UNDECIDED: "undecided",
        TORN: "undecided: held-out families disagree",
    }
    there = set(sides["verdict"].where(~sides["torn"], TORN))
    handles = [Line2D([], [], label=text, markersize=5, **MARKS[name]) for name, text in texts.items() if name in there]
    return [*handles, Line2D([], [], label="95% interval of this comparison alone", color="0.45", linewidth=1.1)]
