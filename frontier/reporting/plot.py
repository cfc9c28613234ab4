"""Pictures for notebooks, on axes of one's own: a frontier from a results frame, misses and weights of a fit.

Every function draws on `ax` (a new figure's where none is given) and returns it; colours and markers are those of the
reports. `frontier.plot` is this module.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from frontier.analysis.aggregate import aggregate, prepare
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import CalibrationProblem
from frontier.reporting.charts.canvas import label_entries, log_frame
from frontier.reporting.charts.style import GREY_LINE, SOLID, label_styles, log_axis
from frontier.reporting.numbers import count_tick, percent_tick
from frontier.reporting.quantities import LEAST_ERROR, QUANTITIES

WORST = 12  # targets whose misses are named


def frontier(
    cells: pd.DataFrame, quantity: str = "heldout_mare", *, refit: str = "none", ax: Axes | None = None
) -> Axes:
    """Records kept against a quantity, one line per label, means over seeds with bars from the least to the most.

    cells     a results frame (`cells.parquet` of a run, or rows of `evaluate`), of one problem and split
    quantity  `train_mare`, `heldout_mare`, `ess`, …
    refit     the arm that is shown
    """
    if quantity not in QUANTITIES:
        raise InputError("quantity", f"no quantity '{quantity}'", cure=did_you_mean(quantity, QUANTITIES))
    ready = prepare(cells)
    drawn = ready[(ready["refit"] == refit) & np.isfinite(ready["n_active"]) & np.isfinite(ready[quantity])]
    if drawn.empty:
        raise InputError("cells", f"nothing has weights and '{quantity}' in the arm '{refit}'")
    if len(drawn[["problem", "split"]].drop_duplicates()) > 1:
        raise InputError("cells", "of several problems or splits", cure="select one of each")
    points, axes = aggregate(drawn), _axes(ax)
    styles = label_styles(drawn["label"], dict(zip(drawn["label"], drawn["method"], strict=True)))
    x = log_axis(drawn["n_active"].to_numpy(), label=count_tick)
    error = QUANTITIES[quantity].is_error
    tick, least = (percent_tick, LEAST_ERROR) if error else (count_tick, None)
    y = log_axis(drawn[quantity].to_numpy(), label=tick, least=least)
    for label, some in points.groupby("label", sort=True):
        style, some = styles[str(label)], some.sort_values("n_active_mean")
        across, up = x.place(some["n_active_mean"].to_numpy()), y.place(some[f"{quantity}_mean"].to_numpy())
        low, high = (y.place(some[f"{quantity}_{end}"].to_numpy()) for end in ("min", "max"))
        axes.vlines(across, low, high, color=style.colour, linewidth=0.9, alpha=0.6)
        axes.plot(across, up, color=style.colour, linestyle=style.linestyle, marker=style.marker, markersize=5, **SOLID)
    log_frame(axes, x, y)
    axes.set_xlabel("records kept")
    axes.set_ylabel(QUANTITIES[quantity].title)
    axes.legend(handles=label_entries(drawn["label"].unique(), styles))
    return axes


def misses(problem: CalibrationProblem, weights: FloatArray, *, ax: Axes | None = None) -> Axes:
    """The signed relative errors of all targets in order, with the names of the worst."""
    error = (problem.M @ weights - problem.y) / problem.scale
    worst = np.argsort(-np.abs(error), kind="stable")[:WORST][::-1]
    axes = _axes(ax)
    axes.barh(np.arange(len(worst)), error[worst], color="#0072B2", height=0.7)
    axes.set_yticks(np.arange(len(worst)), [problem.target_names[j][:40] for j in worst])
    axes.axvline(0.0, **GREY_LINE)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel(f"relative error of the worst of {problem.n_targets:,} targets (mean {np.abs(error).mean():.2%})")
    return axes


def weights(problem: CalibrationProblem, found: FloatArray, *, ax: Axes | None = None) -> Axes:
    """The weights of the records that are kept, over their initial weights: a histogram on a logarithmic axis."""
    kept = (found > 0) & (problem.w0 > 0)
    if not kept.any():
        raise InputError("weights", "none are positive")
    ratio = found[kept] / problem.w0[kept]
    axes = _axes(ax)
    axes.hist(ratio, bins=np.geomspace(ratio.min() / 1.01, ratio.max() * 1.01, 40).tolist(), color="#0072B2")
    axes.set_xscale("log")
    axes.axvline(1.0, **GREY_LINE)
    axes.set_xlabel(f"weight over initial weight, {kept.sum():,} of {problem.n_records:,} records kept")
    axes.set_ylabel("records")
    return axes


def _axes(ax: Axes | None) -> Axes:
    """The axes given, or those of a new figure, which belongs to nobody else (no pyplot state)."""
    return Figure(figsize=(7.0, 4.0), layout="constrained").subplots() if ax is None else ax
