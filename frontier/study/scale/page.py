"""Writes the scale report: time and memory against size, exponents, and the law of the grid (tables made elsewhere).

Points are medians over repeats, with bars from the least to the largest; a hollow point did not end well, and its size
is in no exponent. Lines are the fits: power laws for seconds, a fixed part plus bytes per non-zero for memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from frontier.core.errors import InputError
from frontier.reporting.charts.canvas import canvas, log_frame
from frontier.reporting.charts.style import LabelStyle, label_styles, log_axis
from frontier.reporting.document import Block, Bullets, Data, Document, Picture, Section, Table, Text
from frontier.reporting.markdown import escape
from frontier.reporting.numbers import MISSING, count, count_tick, seconds, seconds_tick, significant
from frontier.reporting.provenance import closing, description, limitations, settings
from frontier.reporting.write import write_document
from frontier.study.scale import least
from frontier.study.scale.sections import (
    GIB,
    areas_section,
    blocks_section,
    overhead_section,
    shapes_section,
    with_interval,
)

MILLION = 1e6
PANEL_INCHES = 3.0
COSTS = {"seconds": "seconds", "cpu_seconds": "CPU seconds", "peak_bytes": "peak memory"}
AXES = {"seconds": "seconds, all cells", "peak_bytes": "peak memory of the process, GiB"}
PEERS = {"peers.l0_python": "hard_concrete", "peers.skglm": "nn_lasso"}  # and whose work they do
RUNS = (
    "method",
    "targets",
    "records",
    "non-zeros",
    "cells",
    "seconds (min–max)",
    "least",
    "times the least",
    "CPU seconds",
    "peak GiB",
    "times the matrix",
    "gap",
    "ended",
)
EXPONENTS = ("method", "cost", "sizes", "in records", "in targets", "in non-zeros", "fixed part", "per non-zero")
GRID_PARAMETERS = {"nnz": 3, "cells": 3, "product": 2}  # coefficients of the fit that each exponent is from
LAWS = ("method", "points", "in non-zeros", "in cells", "in non-zeros × cells")
READING = (
    "**Seconds.** Wall time of a method's call for all cells (points of its grid), from the problem as it is stored to "
    "the last weights; batches ran one at a time, alone on their threads. Set-up (imports, compilation) is apart. CPU "
    "seconds add up over threads.",
    "**Peak memory.** The largest resident memory of the whole process during the call: interpreter, libraries and "
    "problem too. With a limit on time or memory every batch runs in a process that holds no other problem, and what "
    "earlier batches freed is given back first.",
    "**Exponent.** The slope e of log cost against log size, `cost ∝ size^e`, with its 95% interval (Student's t) from "
    "the residuals of the fit over the sizes that finished; 1 is linear. Memory has a fixed part, so its exponent is "
    "below 1: the straight line (fixed part, bytes per non-zero) describes it better.",
    "**Grid.** One regression over all sizes and grids of more than one cell: the exponent in non-zeros at a fixed "
    "grid, and in cells at a fixed size. A single cell is left out: it fills one lane of sixteen, so it costs more.",
    "**Hollow.** Did not end well (see the column *ended*); not in any exponent.",
)


@dataclass(frozen=True, slots=True, eq=False)
class ScaleTables:
    """What the report is made of: `costs.medians`, `exponents`, `grid_law`, and where there are some `shape_law`, the
    `medians` of files of areas, `overhead.laws`, `blocks.ratios`, and the machine's rates (`least`).
    """

    sizes: pd.DataFrame
    fits: pd.DataFrame
    laws: pd.DataFrame
    shapes: pd.DataFrame | None = None
    areas: pd.DataFrame | None = None
    overhead: pd.DataFrame | None = None
    blocks: pd.DataFrame | None = None
    rates: least.Rates | None = None


def write_scale_report(tables: ScaleTables, manifests: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Write `report.md`, `scale.csv`, `exponents.csv` and two figures into `folder`.

    Raises `InputError` when `folder` is a file, or when there is nothing to draw.
    """
    if not tables.sizes["seconds"].notna().any():
        raise InputError("results", "no cell has a time", cure="run the experiment to its end")
    return write_document(scale_document(tables, manifests), folder)


def scale_document(tables: ScaleTables, manifests: Sequence[Mapping[str, Any]]) -> Document:
    """The whole report; settings are those of the first run, descriptions and limitations those of all."""
    sizes, fits, laws, manifest = tables.sizes, tables.fits, tables.laws, manifests[0]
    ordered = sizes.sort_values(["label", "nnz"], kind="stable")
    told = ordered[(ordered["message"] != "") & ~ordered["finished"]].to_dict("records")
    rows = [_exponent_row(row) for row in fits.to_dict("records")]
    few = Text("No method has finished at three sizes, so there is no exponent.")
    blocks: list[Block] = [text for one in manifests for text in description(one)]
    blocks += [
        Bullets([*verdicts(sizes, tables.rates), *against_peers(sizes)]),
        Section("How long, and how much memory, for a file of mine", [_lookup(sizes)]),
        Picture("scale", "Time and memory against non-zeros", lambda: scale_figure(sizes, fits)),
        Picture("grid", "Cost against non-zeros × cells", lambda: grid_figure(sizes, laws)),
        Data("scale", sizes.drop(columns="message")),
        Data("exponents", fits),
        Section("Exponents", [Table(EXPONENTS, rows, range(2, 8)) if rows else few]),
    ]
    if not laws.empty:
        table = [
            [row["method"], str(row["points"])]
            + [with_interval(row[k], row[f"{k}_se"], row["points"] - p) for k, p in GRID_PARAMETERS.items()]
            for row in laws.to_dict("records")
        ]
        blocks.append(Section("The grid", [Text("CPU seconds."), Table(LAWS, table, range(1, 5))]))
    blocks += (
        shapes_section(tables.shapes)
        + areas_section(tables.areas)
        + blocks_section(tables.blocks)
        + overhead_section(tables.overhead)
    )
    runs = [_run_row(row, tables.rates) for row in ordered.to_dict("records")]
    floor = [] if tables.rates is None else [Text(_said(tables.rates))]
    blocks.append(Section("Sizes, each beside the least", [*floor, Table(RUNS, runs, range(1, 12), foldable=True)]))
    if told:
        lines = [f"{escape(row['problem'])}, {escape(row['label'])}: {escape(row['message'])}" for row in told]
        blocks.append(Section("What went wrong", [Bullets(lines)]))
    blocks += [
        Section("Run", [Bullets(settings(manifest))]),
        *closing(READING, [line for one in manifests for line in limitations(one)]),
    ]
    return Document(f"Scale: {manifest.get('experiment') or 'report'}", blocks)


def _lookup(sizes: pd.DataFrame) -> Table:
    """Seconds and peak memory of every method that fits one cell, a row per size."""
    single = sizes[(sizes["n_cells"] == 1) & sizes["finished"]]
    labels = sorted(set(single["label"]))
    rows = []
    for _, part in single.groupby(["nnz", "n_records", "n_targets"], sort=True):
        found = {
            row["label"]: f"{seconds(row['seconds'])}, {significant(row['peak_bytes'] / GIB)} GiB"
            for row in part.to_dict("records")
        }
        size = part.to_dict("records")[0]
        shown = [found.get(label, MISSING) for label in labels]
        rows.append([f"{size['n_records']:,} × {size['n_targets']:,}", f"{size['nnz'] / MILLION:,.3g} million", *shown])
    return Table(["records × targets", "non-zeros", *labels], rows, range(1, len(labels) + 2))


def _said(rates: least.Rates) -> str:
    about = " ".join((least.__doc__ or "").split("\n\n")[1].split())
    small, large = (f"{rates.per_second[end] / 1e9:.3g} GB/s at {rates.swept[end] / 2**20:,.3g} MiB" for end in (0, -1))
    return f"Least: {about} Here {small}, {large}. Of memory the least is the matrix, once, in double precision."


def against_peers(sizes: pd.DataFrame) -> list[str]:
    """One sentence per package: the largest size that both did, and how many times as long it took."""
    said = []
    for peer in PEERS:
        both = beside_peer(sizes, peer)
        if both.empty:
            continue
        row = both.iloc[-1]
        times, memory = row["times"], row["peak_bytes"] / row["peak_bytes_ours"]
        size = f"{row['nnz'] / MILLION:.3g} million non-zeros"
        known = not np.isnan(row["relative_gap"])
        gaps = (
            f", at a relative gap of {row['relative_gap']:.0e} against {row['relative_gap_ours']:.0e}" if known else ""
        )
        said.append(
            f"**{escape(row['label'])}**, {size}: {seconds(row['seconds'])}, {significant(times)} times as long as "
            f"{escape(row['label_ours'])} here, with {significant(memory)} times the memory{gaps}."
        )
    return said


def beside_peer(sizes: pd.DataFrame, peer: str) -> pd.DataFrame:
    """A row per size of one cell that a peer and the method whose work it does (`_ours`) both finished, and `times`."""
    theirs, mine = (
        sizes[(sizes["method"] == k) & sizes["finished"] & (sizes["n_cells"] == 1)] for k in (peer, PEERS[peer])
    )
    both = theirs.merge(mine, on=["n_records", "n_targets", "nnz"], suffixes=("", "_ours")).sort_values("nnz")
    return both.assign(times=both["seconds"] / both["seconds_ours"])


def verdicts(sizes: pd.DataFrame, rates: least.Rates | None = None) -> list[str]:
    """One sentence per method: what its largest size took beside the least, or that it did not finish."""
    sentences = []
    for label, part in sizes[~sizes["method"].isin(PEERS)].groupby("label", sort=True):
        row = part.sort_values("nnz").to_dict("records")[-1]
        size = f"{row['n_records']:,} records × {row['n_targets']:,} targets"
        size += f" ({row['nnz'] / MILLION:.3g} million non-zeros)"
        cells = "" if row["n_cells"] == 1 else f" for {row['n_cells']} cells"
        text = f"**{escape(label)}**, {size}{cells}: "
        if not row["finished"]:
            sentences.append(f"{text}did not finish ({escape(row['status'])}).")
            continue
        gap = "" if np.isnan(row["relative_gap"]) else f", certified relative gap {row['relative_gap']:.1e}"
        spread = f" ({seconds(row['seconds_least'])} to {seconds(row['seconds_most'])} over {row['repeats']} repeats)"
        spread = spread if row["repeats"] > 1 else ""
        memory = f"peak {significant(row['peak_bytes'] / GIB)} GiB"
        floor = ""
        if rates is not None:
            times = row["seconds"] / least.least_seconds(row, rates)
            floor = f", {significant(times)} times the least that must be moved"
        sentences.append(f"{text}{seconds(row['seconds'])}{spread}{floor}, {memory}{gap}.")
    return sentences


def _styles(sizes: pd.DataFrame) -> dict[str, LabelStyle]:
    return label_styles(sizes["label"], dict(zip(sizes["label"], sizes["method"], strict=True)))


def scale_figure(sizes: pd.DataFrame, fits: pd.DataFrame) -> Figure | None:
    """Seconds and peak memory of every method against non-zeros, on log axes, with the fitted power laws."""
    drawn = sizes[sizes["seconds"].notna()]
    if drawn.empty:
        return None
    drawn = drawn.assign(nnz=drawn["nnz"] / MILLION)
    styles = _styles(sizes)
    lost = sizes[sizes["seconds"].isna()]
    note = "; ".join(f"{r['label']} at {r['nnz'] / MILLION:.3g} million: {r['status']}" for _, r in lost.iterrows())
    note = f" Not drawn: {note}." if note else ""
    note = f"Lines: power laws (seconds), a fixed part plus bytes per non-zero (memory).{note}"
    title = "Time and memory against size (non-zeros; records and targets grow with them)"
    figure, axes = canvas(1, 2, PANEL_INCHES, title, _legend(styles, drawn), note)
    for ax, cost in zip(axes, AXES, strict=True):
        unit = GIB if cost == "peak_bytes" else 1.0
        for label, part in drawn.groupby("label", sort=True):
            _series(ax, part, cost, unit, styles[str(label)])
            _law(ax, part, fits[(fits["label"] == label) & (fits["cost"] == cost)], cost, unit, styles[str(label)])
        ends = np.concatenate([drawn[f"{cost}_least"], drawn[f"{cost}_most"]]) / unit
        _log_axes(ax, drawn["nnz"].to_numpy(np.float64), ends, cost)
        ax.set_xlabel("non-zeros of the estimate matrix, millions")
        ax.set_ylabel(AXES[cost])
    return figure


def grid_figure(sizes: pd.DataFrame, laws: pd.DataFrame) -> Figure | None:
    """CPU seconds of the methods that ran grids, against non-zeros × cells: one line of slope 1 is the law."""
    methods = set(sizes.loc[sizes["n_cells"] > 1, "method"])
    drawn = sizes[sizes["method"].isin(methods) & sizes["cpu_seconds"].notna()]
    if drawn.empty or drawn["n_cells"].nunique() < 2:
        return None
    styles = _styles(sizes)
    work = drawn.assign(nnz=drawn["nnz"] / MILLION * drawn["n_cells"])
    parts = [
        f"{r['method']}: exponent {with_interval(r['product'], r['product_se'], r['points'] - 2)} over grids"
        for _, r in laws.iterrows()
    ]
    legend = _legend({k: styles[k] for k in sorted(set(work["label"]))}, work)
    legend.append(Line2D([], [], label="slope 1", color="0.35", linewidth=0.9, linestyle=(0, (5, 3))))
    figure, [ax] = canvas(1, 1, PANEL_INCHES, "Cost of a grid of cells", legend, "; ".join(parts))
    for label, part in work.groupby("label", sort=True):
        _series(ax, part, "cpu_seconds", 1.0, styles[str(label)])
    x = np.array([work["nnz"].min(), work["nnz"].max()])
    largest = work.sort_values("nnz").iloc[-1]
    ax.plot(
        x, largest["cpu_seconds"] * x / largest["nnz"], color="0.35", linewidth=0.9, linestyle=(0, (5, 3)), zorder=1
    )
    lowest = largest["cpu_seconds"] * x[0] / largest["nnz"]
    _log_axes(
        ax, x, np.append(work[["cpu_seconds_least", "cpu_seconds_most"]].to_numpy().ravel(), lowest), "cpu_seconds"
    )
    ax.set_xlabel("non-zeros × cells, millions")
    ax.set_ylabel("CPU seconds")
    return figure


def _legend(styles: Mapping[str, LabelStyle], drawn: pd.DataFrame) -> list[Line2D]:
    labels = sorted(set(drawn["label"]))
    legend = [
        Line2D([], [], label=k, markersize=5, color=styles[k].colour, marker=styles[k].marker, linewidth=1.2)
        for k in labels
    ]
    if not drawn["finished"].all():
        look: dict[str, Any] = {"marker": "o", "linestyle": "none", "markerfacecolor": "white", "color": "0.35"}
        legend.append(Line2D([], [], label="hollow: did not end well", **look))
    return legend


def _series(ax: Axes, part: pd.DataFrame, cost: str, unit: float, style: LabelStyle) -> None:
    """Medians with bars over repeats."""
    ax.vlines(part["nnz"], part[f"{cost}_least"] / unit, part[f"{cost}_most"] / unit, color=style.colour, linewidth=1.4)
    for finished, some in part.groupby("finished"):
        face = style.colour if finished else "white"
        look: dict[str, Any] = {
            "marker": style.marker,
            "color": style.colour,
            "markerfacecolor": face,
            "markersize": 4.5,
        }
        ax.plot(some["nnz"], some[cost] / unit, linestyle="none", **look)


def _law(ax: Axes, part: pd.DataFrame, fit: pd.DataFrame, cost: str, unit: float, style: LabelStyle) -> None:
    """The fit over the sizes that finished: a power law, a straight line for memory; between points without one."""
    known = part[part["finished"] & part[cost].notna()]
    x = known["nnz"].to_numpy(np.float64)
    y = known[cost].to_numpy(np.float64)
    if not fit.empty:  # slopes are the same in millions
        row, middle = fit.iloc[0], np.exp(np.log(x).mean())
        height = np.exp(np.log(y).mean())
        x = np.geomspace(x.min(), x.max(), 50)
        line = row["fixed"] + row["per_nonzero"] * x * MILLION
        y = line if cost == "peak_bytes" else height * (x / middle) ** row["nnz"]
    ax.plot(x, y / unit, color=style.colour, linestyle=style.linestyle, linewidth=0.9, alpha=0.8)


def _log_axes(ax: Axes, x: np.ndarray[Any, np.dtype[np.float64]], y: Any, cost: str) -> None:
    across = log_axis(x, label=count_tick, most_ticks=7)
    up = log_axis(y, label=count_tick if cost == "peak_bytes" else seconds_tick)
    log_frame(ax, across, up)


def _exponent_row(row: Mapping[Any, Any]) -> list[str]:
    memory = row["cost"] == "peak_bytes"
    fixed = f"{row['fixed'] / GIB:.2f} GiB" if memory else MISSING
    free = row["sizes"] - 2
    slope = f"{with_interval(row['per_nonzero'], row['per_nonzero_se'], free)} bytes" if memory else MISSING
    powers = [with_interval(row[k], row[f"{k}_se"], free) for k in ("n_records", "n_targets", "nnz")]
    return [row["label"], COSTS[row["cost"]], str(row["sizes"]), *powers, fixed, slope]


def _run_row(row: Mapping[Any, Any], rates: least.Rates | None) -> list[str]:
    floor = MISSING if rates is None else least.least_seconds(row, rates)
    spread = [seconds(row[name]) for name in ("seconds", "seconds_least", "seconds_most")]
    gap = row["relative_gap"]
    return [
        row["label"],
        *(f"{row[name]:,}" for name in ("n_targets", "n_records", "nnz")),
        count(row["n_cells"]),
        MISSING if MISSING in spread else f"{spread[0]} ({spread[1]}–{spread[2]})",
        floor if isinstance(floor, str) else seconds(floor),
        floor if isinstance(floor, str) else significant(row["seconds"] / floor),
        seconds(row["cpu_seconds"]),
        significant(row["peak_bytes"] / GIB),
        significant(row["peak_bytes"] / (least.DOUBLE * row["nnz"])),
        MISSING if np.isnan(gap) else f"{gap:.1e}",
        row["status"],
    ]
