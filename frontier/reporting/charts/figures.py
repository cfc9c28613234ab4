"""The figures of a report: active records against held-out error, training error and ESS, what it cost, equal budgets.

For each problem and split: every seed a small translucent point, the mean over seeds a marker, joined along λ or
budget, with bars from the lowest to the highest seed in both directions. Hollow markers did not converge or are refused
by their certificate. What a log axis cannot show is not hidden: cells without any active record stand in a strip left
of an axis break, errors below `ERROR_FLOOR` at the floor, and cells that cannot be drawn are counted below the plot.
One panel per kind of refit. Files only: no window, no pyplot, and the same bytes for the same data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path as MarkPath

from frontier.analysis.aggregate import aggregate, first_repeats
from frontier.reporting.budgets import ARMS, has_matched_budgets, parts_of
from frontier.reporting.charts.budget_figure import budget_figure
from frontier.reporting.charts.canvas import canvas, log_frame, not_drawn, rc
from frontier.reporting.charts.seconds import seconds_figure
from frontier.reporting.charts.style import LabelStyle, LogAxis, label_styles, log_axis
from frontier.reporting.facts import ProblemFacts, design_title, figure_title, problem_facts
from frontier.reporting.numbers import count_tick, percent, percent_tick
from frontier.results.schema import POINT

ERROR_FLOOR = 1e-6  # errors below 0.0001% are drawn there: no published total is known more closely
MOST_INITIAL = (
    2.0  # initial weights further off than 200% are on another scale: a line there would only flatten the rest
)
FORMATS = ("png", "svg", "pdf")
KINDS = ("heldout", "train", "ess", "seconds", "budgets")
FIGURE_NAME = re.compile(rf".+__({'|'.join(KINDS)})\.({'|'.join(FORMATS)})")

_HOLLOW: dict[str, Any] = {"markerfacecolor": "white", "markeredgewidth": 1.1}
_SOLID: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.4}


@dataclass(frozen=True, slots=True)
class _Quantity:
    """What a frontier figure shows on its vertical axis."""

    column: str
    label: str
    is_error: bool


_QUANTITIES = {
    "heldout": _Quantity("heldout_mare", "held-out error, mean over targets", True),
    "train": _Quantity("train_mare", "training error, mean over targets", True),
    "ess": _Quantity("ess", "effective sample size (Kish)", False),
}


def draw_figures(
    ready: pd.DataFrame, manifest: Mapping[str, Any], folder: Path, formats: Sequence[str] = FORMATS
) -> dict[tuple[str, str], list[Path]]:
    """Draw every figure of prepared cells into `folder`; its paths by (problem, split), in the order of `KINDS`.

    Where methods share budgets there is a figure of them by (problem, design), and the folds of a rotation have no
    figures of their own. A figure without anything to draw (no held-out targets, every cell failed) is left out.
    """
    ready = first_repeats(ready)
    styles = label_styles(ready["label"], dict(zip(ready["label"], ready["method"], strict=True)))
    parts = parts_of(ready)
    stems = figure_stems(parts)
    written: dict[tuple[str, str], list[Path]] = {}
    with matplotlib.rc_context(rc()):
        for key, part in parts.items():
            written[key] = []
            for kind in KINDS:
                figure = _figure(part, kind, styles, manifest, key)
                if figure is None:
                    continue
                written[key] += save(figure, folder, f"{stems[key]}__{kind}", formats)
    return written


def save(figure: Figure, folder: Path, stem: str, formats: Sequence[str] = FORMATS) -> list[Path]:
    """The figure in each format; to be called within `rc`, as it was drawn."""
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # a date would make the files of every run differ
    paths = [folder / f"{stem}.{suffix}" for suffix in formats]
    for path, suffix in zip(paths, formats, strict=True):
        figure.savefig(path, format=suffix, metadata=undated.get(suffix))
    return paths


def _figure(
    part: pd.DataFrame, kind: str, styles: Mapping[str, LabelStyle], manifest: Mapping[str, Any], key: tuple[str, str]
) -> Figure | None:
    splits = sorted(part["split"].unique())
    if kind == "budgets":
        if not has_matched_budgets(part):
            return None
        facts = [problem_facts(manifest, key[0], split) for split in splits]
        return budget_figure(part, styles, design_title(manifest, *key, splits), facts)
    if len(splits) > 1:
        return None
    title = figure_title(manifest, key[0], splits[0])
    if kind == "seconds":
        return seconds_figure(part[~part["is_refit"]], styles, title)  # a refit row repeats the seconds of its fit
    return frontier_figure(part, kind, styles, title, problem_facts(manifest, key[0], splits[0]))


def figure_stems(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """A distinct file stem per (problem, split): `<problem>__<split>`, the split left out when all are "default"."""
    known = list(keys)
    named = {split for _, split in known} != {"default"}
    stems: dict[tuple[str, str], str] = {}
    for key in known:
        words = [re.sub(r"[^\w.=-]+", "-", word).strip("-.") or "unnamed" for word in (key if named else key[:1])]
        stem, copy = "__".join(words), 2
        while stem.lower() in {taken.lower() for taken in stems.values()}:  # some file systems ignore case
            stem, copy = f"{'__'.join(words)}-{copy}", copy + 1
        stems[key] = stem
    return stems


def frontier_figure(
    part: pd.DataFrame, kind: str, styles: Mapping[str, LabelStyle], title: str, facts: ProblemFacts
) -> Figure | None:
    """Active records against one quantity, for the prepared cells of one problem and split; None without any point."""
    quantity = _QUANTITIES[kind]
    drawn = part[part["has_weights"] & np.isfinite(part["n_active"]) & np.isfinite(part[quantity.column])]
    if drawn.empty:
        return None
    points = aggregate(drawn)
    at_zero = sorted(drawn.loc[drawn["n_active"] == 0, "label"].unique())
    refits = sorted(drawn["refit"].unique(), key=lambda refit: (refit != "none", refit))
    columns = min(2, len(refits))
    rows = -(-len(refits) // columns)
    # Beside the cells, their means: where one seed keeps nothing, a mean may lie below every positive value.
    across = [*drawn["n_active"], *points["n_active_mean"]]
    up = [*drawn[quantity.column], *points[f"{quantity.column}_mean"]]
    x = log_axis(across, label=count_tick, zeros=len(at_zero), most_ticks=9 if columns == 1 else 5)
    if quantity.is_error:
        up += [facts.floor] if kind == "heldout" and facts.floor is not None else []
        if kind == "heldout" and facts.initial_heldout is not None and facts.initial_heldout < MOST_INITIAL:
            up.append(facts.initial_heldout)
        up += [facts.dense_mare] if kind == "train" and facts.dense_mare is not None else []
        y = log_axis(up, label=percent_tick, floor=ERROR_FLOOR)
    else:
        y = log_axis(up, label=count_tick, zeros=int(0 in up))
    legend = _legend_handles(drawn, styles, kind, facts)
    note = not_drawn(part, drawn)
    figure, axes = canvas(rows, columns, 3.15 if rows == 1 else 2.6, title, legend, note)
    for position, (ax, refit) in enumerate(zip(axes, refits, strict=False)):
        chosen = points[points["refit"] == refit], drawn[drawn["refit"] == refit]
        _panel(ax, *chosen, quantity, styles=styles, x=x, y=y, at_zero=at_zero)
        _references(ax, kind, x, y, facts)
        _frame(ax, x, y)
        ax.set_xlabel("active records" if position >= len(refits) - columns else "")
        ax.set_ylabel(quantity.label if position % columns == 0 else "")
        ax.tick_params(labelleft=position % columns == 0)
        if len(refits) > 1:
            ax.set_title(ARMS.get(refit, f"refit: {refit}"), loc="left")
    for ax in axes[len(refits) :]:
        ax.remove()
    return figure


def _panel(
    ax: Axes,
    points: pd.DataFrame,
    drawn: pd.DataFrame,
    quantity: _Quantity,
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
            ax.plot(xs, y.place(some[quantity.column].to_numpy()), **mark, **face, markersize=3, alpha=0.35, zorder=2)
        positive = mean[mean["n_active_mean"] > 0]
        for _, line in positive.groupby(positive["budget"].isna()):
            # A single-point method has neither λ nor budget: its points are joined by nothing.
            if line[["lam", "budget"]].notna().any(axis=None):
                path = line.sort_values(["lam", "budget"])
                xs, ys = path["n_active_mean"].to_numpy(), y.place(path[f"{quantity.column}_mean"].to_numpy())
                ax.plot(xs, ys, color=style.colour, linestyle=style.linestyle, alpha=0.8, zorder=3)
        _bars(ax, positive, quantity.column, style.colour, x, y)
        for hollow, some in mean.groupby(mean["n_hollow"] > 0):
            xs = _across(some["n_active_mean"].to_numpy(), x, slot)
            ys = y.place(some[f"{quantity.column}_mean"].to_numpy())
            ax.plot(xs, ys, **mark, **(_HOLLOW if hollow else _SOLID), markersize=5.5, zorder=4, clip_on=False)
        nothing = mean[mean["n_active_mean"] == 0]
        if slot is not None and len(nothing):
            _annotate_zero(ax, slot, y.place(nothing[f"{quantity.column}_mean"].to_numpy()), nothing, style, y)


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


def _references(ax: Axes, kind: str, x: LogAxis, y: LogAxis, facts: ProblemFacts) -> None:
    """What to read the points against: the held-out floor, the number of training targets, equal weights."""
    reference: dict[str, Any] = {"color": "0.35", "linewidth": 0.9, "zorder": 1}
    if kind == "heldout" and facts.floor is not None:
        ax.axhline(float(y.place([facts.floor])[0]), linestyle=(0, (5, 3)), **reference)
    if kind == "heldout" and facts.initial_heldout is not None and facts.initial_heldout < MOST_INITIAL:
        ax.axhline(float(y.place([facts.initial_heldout])[0]), linestyle=(0, (5, 2, 1, 2)), **reference)
    if facts.rank is not None and (x.edge or x.low) < facts.rank < x.high:
        ax.axvline(facts.rank, linestyle=(0, (1, 2)), **reference)
    if kind == "train" and facts.dense_mare is not None:
        ax.axhline(float(y.place([facts.dense_mare])[0]), linestyle=(0, (5, 3)), **reference)
    if kind == "ess":
        ends = np.array([max(x.edge or x.low, y.edge or y.low), min(x.high, y.high)])
        if ends[0] < ends[1]:
            ax.plot(ends, ends, linestyle=(0, (5, 3)), **reference)


def _frame(ax: Axes, x: LogAxis, y: LogAxis) -> None:
    """Scales, limits, ticks, and for each zero strip its shade and its axis break."""
    log_frame(ax, x, y)
    if x.edge is not None:
        ax.axvspan(x.low, x.edge, color="0.955", linewidth=0, zorder=0)
        _axis_break(ax, (x.edge, 0), ax.get_xaxis_transform(), turn=1)
    if y.edge is not None:
        ax.axhspan(y.low, y.edge, color="0.955", linewidth=0, zorder=0)
        _axis_break(ax, (0, y.edge), ax.get_yaxis_transform(), turn=-1)


def _axis_break(ax: Axes, at: tuple[float, float], transform: Any, turn: int) -> None:
    """Two slashes across an axis line, and the line between them taken out; `turn` is −1 on the vertical axis."""
    first, second = (np.array([(-0.5 + s, -1), (0.5 + s, 1)])[:, ::turn] for s in (-0.25, 0.25))
    gap: dict[str, Any] = {
        "marker": MarkPath(np.vstack([first, second[::-1], first[:1]])),
        "color": "white",
        "markeredgewidth": 0,
    }
    slashes = MarkPath(np.vstack([first, second]), [MarkPath.MOVETO, MarkPath.LINETO] * 2)
    for look in (gap, {"marker": slashes, "color": "black"}):
        ax.plot(*np.transpose([at]), transform=transform, clip_on=False, markersize=7, zorder=5, **look)


def _legend_handles(
    drawn: pd.DataFrame, styles: Mapping[str, LabelStyle], kind: str, facts: ProblemFacts
) -> list[Line2D]:
    """One entry per label, then what the other signs in this figure mean."""
    handles = [
        # matplotlib hides labels that begin with an underscore.
        Line2D([], [], label=re.sub("^_", " _", name), markersize=5.5, **styles[name].properties, **_SOLID)
        for name in sorted(drawn["label"].unique())
    ]
    plain: dict[str, Any] = {"color": "0.35", "marker": "o", "linestyle": "none"}
    if kind != "seconds" and (drawn.groupby(list(POINT), dropna=False).size() > 1).any():
        handles.append(Line2D([], [], label="one seed", markersize=3, markeredgewidth=0, alpha=0.6, **plain))
        handles.append(Line2D([], [], label="mean and range over seeds", color="0.35", marker="+", linestyle="none"))
    if drawn["hollow"].any():
        text = "hollow: not converged, refused, or off its budget"
        handles.append(Line2D([], [], label=text, markersize=5.5, **plain, **_HOLLOW))
    dashes: dict[str, Any] = {"color": "0.35", "linewidth": 0.9}
    if kind == "heldout" and facts.floor is not None:
        label = f"held-out floor {percent(facts.floor, 4)}"
        handles.append(Line2D([], [], label=label, linestyle=(0, (5, 3)), **dashes))
    if kind == "heldout" and facts.initial_heldout is not None and facts.initial_heldout < MOST_INITIAL:
        label = f"initial weights {percent(facts.initial_heldout)}"
        handles.append(Line2D([], [], label=label, linestyle=(0, (5, 2, 1, 2)), **dashes))
    if kind == "train" and facts.dense_mare is not None:
        label = f"dense least squares fit {percent(facts.dense_mare)}"
        handles.append(Line2D([], [], label=label, linestyle=(0, (5, 3)), **dashes))
    if kind != "seconds" and facts.rank is not None:
        label = f"k = rank(A) = {facts.rank:,}"
        handles.append(Line2D([], [], label=label, linestyle=(0, (1, 2)), **dashes))
    if kind == "ess":
        handles.append(Line2D([], [], label="equal weights: ESS = active", linestyle=(0, (5, 3)), **dashes))
    return handles
