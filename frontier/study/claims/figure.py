"""One small figure for a claim that a picture helps: the spread against size, the ratios of seconds, the order of "
"arms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.reporting.charts.canvas import canvas, log_frame
from frontier.reporting.charts.style import label_styles, log_axis
from frontier.reporting.numbers import count_tick, percent_tick

BAND: Mapping[str, Any] = {"color": "0.88", "zorder": 0}
GUIDE: Mapping[str, Any] = {"color": "0.35", "linewidth": 0.9, "linestyle": (0, (5, 3))}
WHISKER: Mapping[str, Any] = {"linewidth": 1.2, "capsize": 2.5, "elinewidth": 1.0}
SPREAD_BAND, SPREAD_RECORDS = (0.10, 0.14), 100  # the claim: ±10-14% below 100 records
SPEED_BAND = (12.0, 90.0)  # the claim: 12-90 times


def claim_figure(name: str, evidence: pd.DataFrame, points: pd.DataFrame | None) -> Figure | None:
    """The figure of one claim; None where it has none, or nothing to draw."""
    frame = evidence if name == "l1_speed" else points
    return None if name not in FIGURES or frame is None or frame.empty else FIGURES[name](frame)


def spread_figure(points: pd.DataFrame) -> Figure:
    """The standard error of five seeds against the records kept, by problem, with the claim's band."""
    shown = points[points["reading"].str.startswith("standard error") & (points["spread_error"] > 0)]
    styles = label_styles(shown["problem"])
    legend = [Line2D([], [], label=name, markersize=5, **styles[name].properties) for name in sorted(styles)]
    legend.append(Line2D([], [], label="the claim: ±10% to ±14%", linewidth=6, color=BAND["color"]))
    figure, [ax] = canvas(1, 1, 2.8, "Standard error of the held-out error over five seeds", legend, "")
    ends = np.concatenate([shown["spread_error"], shown["spread_error_low"], shown["spread_error_high"], SPREAD_BAND])
    y = log_axis(ends[ends > 0], label=percent_tick)
    x = log_axis(np.append(shown["records"].to_numpy(), SPREAD_RECORDS), label=count_tick)
    ax.axhspan(*SPREAD_BAND, **BAND)
    ax.axvline(SPREAD_RECORDS, **GUIDE)
    for problem, part in shown.groupby("problem", sort=True):
        part = part.sort_values("records")
        _whiskers(ax, part, "records", "spread_error", styles[str(problem)].properties)
    log_frame(ax, x, y)
    ax.set_xlabel("records kept (mean over seeds; dashed: 100)")
    ax.set_ylabel("standard error, percentage points")
    return figure


def _whiskers(ax: Axes, part: pd.DataFrame, x: str, y: str, look: Mapping[str, Any]) -> None:
    middle = part[y].to_numpy()
    limits = np.abs(np.vstack([middle - part[f"{y}_low"], part[f"{y}_high"] - middle]))
    ax.errorbar(part[x], middle, yerr=np.nan_to_num(limits), markersize=5, **look, **WHISKER)


def speed_figure(evidence: pd.DataFrame) -> Figure:
    """Every ratio with its range, one row each, with the claim's band."""
    rows = evidence.reset_index(drop=True)
    pairs = rows["l0"] + " / " + rows["l1"]
    styles = label_styles(pairs)
    legend = [
        Line2D([], [], label=name, color=s.colour, marker=s.marker, linestyle="none", markersize=6)
        for name, s in styles.items()
    ]
    legend.append(Line2D([], [], label="the claim: 12 to 90 times", linewidth=6, color=BAND["color"]))
    legend.append(Line2D([], [], label="range over repeats", linewidth=1.4, color="0.35"))
    title = "Seconds of an L0 fit over seconds of an L1 fit"
    figure, [ax] = canvas(1, 1, 0.5 + 0.27 * len(rows), title, legend, "")
    ends = np.concatenate([rows["ratio_low"], rows["ratio_high"], SPEED_BAND])
    x = log_axis(ends, label=lambda value: f"{count_tick(value)}×")
    ax.axvspan(*SPEED_BAND, **BAND)
    for place, row in enumerate(rows.to_dict("records")):
        style = styles[f"{row['l0']} / {row['l1']}"]
        ax.hlines(place, row["ratio_low"], row["ratio_high"], color=style.colour, linewidth=1.4)
        ax.plot([row["ratio"]], [place], color=style.colour, marker=style.marker, linestyle="none", markersize=6)
    ax.set_xscale("log")
    ax.set_xlim(x.low, x.high)
    ax.set_xticks(x.ticks, x.tick_labels)
    ax.set_yticks(range(len(rows)), list(rows["problem"]))
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.minorticks_off()
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("times as fast (to the right L1 is faster)")
    return figure


def order_figure(points: pd.DataFrame) -> Figure:
    """Mean error of every arm with its interval over seeds, one block per problem."""
    shown = points.assign(name=[_arm_name(row) for row in points.to_dict("records")])
    shown = shown.drop_duplicates(["problem", "name"]).sort_values(["problem", "error"], ignore_index=True)
    styles = label_styles(shown["arm"])
    legend = [
        Line2D([], [], label=arm, color=s.colour, marker=s.marker, linestyle="none", markersize=6)
        for arm, s in styles.items()
    ]
    legend.append(Line2D([], [], label="95% over seeds (none: no seed)", linewidth=1.4, color="0.35"))
    figure, [ax] = canvas(1, 1, 1.0 + 0.22 * len(shown), f"Mean {shown['metric'].iloc[0]} error", legend, "")
    ends = np.concatenate([shown["error"], shown["error_low"].dropna(), shown["error_high"].dropna()])
    x = log_axis(ends[ends > 0], label=percent_tick)
    ticks, height, last = [], 0.0, ""
    for row in shown.to_dict("records"):
        height += 1.0
        if row["problem"] != last:  # a line of its own above the arms of a problem
            ticks.append((height, str(row["problem"])))
            height += 1.0
        last = str(row["problem"])
        style = styles[str(row["arm"])]
        if not np.isnan(row["error_low"]):
            low = max(float(row["error_low"]), x.low)
            ax.hlines(height, low, row["error_high"], color=style.colour, linewidth=1.4)
        ax.plot([row["error"]], [height], color=style.colour, marker=style.marker, linestyle="none", markersize=6)
        ticks.append((height, str(row["name"])))
    ax.set_xscale("log")
    ax.set_xlim(x.low, x.high)
    ax.set_xticks(x.ticks, x.tick_labels)
    ax.set_yticks([place for place, _ in ticks], [text for _, text in ticks])
    ax.tick_params(axis="y", length=0)
    for text in ax.get_yticklabels():
        if text.get_text() in set(shown["problem"]):
            text.set_fontweight("bold")
    ax.set_ylim(height + 0.7, 0.3)
    ax.minorticks_off()
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("mean error over the targets")
    return figure


def _arm_name(row: Mapping[Any, Any]) -> str:
    """An arm with whose settings it has: `L0 + refit (our settings)`."""
    arm = str(row["arm"])
    if arm == "dense":
        return str(row["dense"])
    return arm if arm.startswith(("random", "uniform")) else f"{arm} ({str(row['l0']).removeprefix('L0 at ')})"


FIGURES: Mapping[str, Callable[[pd.DataFrame], Figure]] = {
    "l0_standard_error": spread_figure,
    "l1_speed": speed_figure,
    "l0_paper_training": order_figure,
    "l0_paper_heldout": order_figure,
}
