"""Who wins where: a matrix of verdicts for every band of records, arms against arms.

A row is read along: where its arm has the lower held-out error, the cell is blue with a plus; where it has the higher
one, orange with a minus; green means equivalent. Undecided is grey, and a pale tint where the interval of this one
comparison excludes 0 but the adjustment for all of them takes that away. A blank cell was not compared.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.reporting.arms import Arm, arm_name
from frontier.reporting.charts.canvas import canvas
from frontier.reporting.standings import (
    BETTER,
    EQUIVALENT,
    UNDECIDED,
    WORSE,
    band_name,
    both_sides,
    points,
    ranked,
    standings,
)

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # of the palette: apart for every kind of colour vision
PALE_BLUE, PALE_ORANGE, GREY = "#B8D8EA", "#F5CDB3", "0.92"
GLYPHS = {BETTER: "+", WORSE: "−", EQUIVALENT: "="}
COLOURS = {BETTER: BLUE, WORSE: ORANGE, EQUIVALENT: GREEN, UNDECIDED: GREY}
TINTS = {BETTER: PALE_BLUE, WORSE: PALE_ORANGE, "": GREY}
ARM_INCHES = 0.135
NAME_LENGTH = 44  # characters of an arm's name beside a matrix
COLUMNS = 2
MOST_NUMBERED = 22  # columns: more numbers would touch each other


def pairwise_figure(frame: pd.DataFrame, title: str) -> Figure | None:
    """The matrices of one problem and design; None when nothing was compared."""
    if frame.empty:
        return None
    sides = both_sides(frame)
    arms = ranked(standings(sides))
    bands = sorted(sides[["band", "low", "high"]].drop_duplicates().itertuples(index=False, name=None))
    rows = -(-len(bands) // COLUMNS)
    note = (
        "Read along a row: its arm against the arm of the column's number. Arms are in the order of their mean error."
    )
    figure, axes = canvas(rows, COLUMNS, 0.45 + ARM_INCHES * max(len(arms), 5), title, _legend(frame), note)
    for i, (ax, (band, low, high)) in enumerate(zip(axes, bands, strict=False)):
        _matrix(ax, sides[sides["band"] == band], arms, names=i % COLUMNS == 0)
        ax.set_title(band_name(low, high), loc="left", pad=14)
    for ax in axes[len(bands) :]:
        ax.set_axis_off()
    return figure


def _matrix(ax: Axes, sides: pd.DataFrame, arms: list[Arm], *, names: bool) -> None:
    place = {arm: i for i, arm in enumerate(arms)}
    image = np.ones((len(arms), len(arms), 3))
    for arm, rival, verdict, leaning in sides[["arm", "rival", "verdict", "leaning"]].itertuples(index=False):
        i, j = place[arm], place[rival]
        image[i, j] = to_rgb(TINTS[leaning] if verdict == UNDECIDED else COLOURS[verdict])
        if verdict != UNDECIDED:
            ax.text(j, i, GLYPHS[verdict], ha="center", va="center", color="white", fontsize=6, fontweight="bold")
    ax.imshow(image, aspect="auto", interpolation="nearest")
    edges = np.arange(len(arms) + 1) - 0.5
    ax.vlines(edges, -0.5, len(arms) - 0.5, color="white", linewidth=0.8)
    ax.hlines(edges, -0.5, len(arms) - 0.5, color="white", linewidth=0.8)
    ax.plot([-0.5, len(arms) - 0.5], [-0.5, len(arms) - 0.5], color="0.6", linewidth=0.8)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ranks = [str(i + 1) for i in range(len(arms))]
    step = 1 if len(arms) <= MOST_NUMBERED else 2
    ax.set_xticks(range(0, len(arms), step), ranks[::step], fontsize=5.5)
    ax.set_yticks(
        range(len(arms)), [f"{shortened(arm)}  {i + 1}" if names else str(i + 1) for i, arm in enumerate(arms)]
    )
    ax.tick_params(length=0, pad=1.5, labelsize=6.5 if names else 5.5, axis="y")
    ax.tick_params(length=0, pad=1.5, axis="x", labeltop=True, labelbottom=False)


def shortened(arm: Arm) -> str:
    """The name of an arm in at most `NAME_LENGTH` characters, its refit whole."""
    name = arm_name(*arm)
    if len(name) > NAME_LENGTH:
        tail = name[len(arm[0]) :]
        name = f"{arm[0][: NAME_LENGTH - 1 - len(tail)]}…{tail}"
    return name


def _legend(frame: pd.DataFrame) -> list[Line2D]:
    texts = {
        BLUE: "+  lower held-out error",
        ORANGE: "−  higher held-out error",
        GREEN: f"=  equivalent within {points(frame['delta'].iloc[0])}",
        GREY: "undecided",
        PALE_BLUE: "undecided, its own interval below 0",
        PALE_ORANGE: "undecided, its own interval above 0",
    }
    return [Line2D([], [], label=text, marker="s", color=colour, linestyle="none") for colour, text in texts.items()]
