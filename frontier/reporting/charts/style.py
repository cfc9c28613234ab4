"""How results look: one colour and marker per label, log axes that can show 0, and numbers written for humans.

Figures and tables both read this file, so a label looks the same, and a number is rounded the same, everywhere in a
report. It holds values and arithmetic only: no matplotlib, no data frames.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Okabe & Ito (2008), "Color universal design", in an order that keeps neighbours apart. Their yellow (#F0E442) is left
# out: its contrast with white is 1.3, too little for a line.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")  # 8 is coprime to 7 colours: 56 labels before a pair repeats
LINESTYLES = ("-", "--", "-.", ":")  # one step per turn of the palette
DASHES: Mapping[str, Any] = {"dashed": (0, (5, 3)), "dashdotted": (0, (5, 2, 1, 2)), "dotted": (0, (1, 2))}
OTHERS = "#a9b2bc"  # methods that stand behind those that are compared
GREY_LINE: Mapping[str, Any] = {"color": "0.35", "linewidth": 0.9}  # what points are read against
SOLID: Mapping[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.4}
HOLLOW: Mapping[str, Any] = {"markerfacecolor": "white", "markeredgewidth": 1.1}

_BLUE, _VERMILLION, _GREEN, _PURPLE, _ORANGE, _SKY, _BLACK = PALETTE
# What a registered method looks like in every report, whatever else is in it. There are more methods than colours:
# those that share one rarely meet (they end at different sizes, or are single points); marker and line tell them apart.
METHOD_STYLES: Mapping[str, tuple[str, str, str]] = {
    "hard_concrete": (_VERMILLION, "o", "-"),
    "peers.l0_python": (_VERMILLION, "s", "--"),
    "dense_adam": (_VERMILLION, "P", "-."),
    "dense_adam_noise": (_VERMILLION, "p", "--"),
    "nn_lasso": (_BLUE, "s", "-"),
    "fista": (_BLUE, "o", "--"),
    "dense_scaled_sample": (_BLUE, "v", "--"),
    "peers.skglm": (_BLUE, "D", "-."),
    "peers.sklearn_lasso": (_BLUE, "P", ":"),
    "pps_sample": (_SKY, "P", "-"),
    "cvxpy_reference": (_SKY, "D", "--"),
    "reweighted_l1": (_SKY, "^", "-."),
    "anchored_l1": (_GREEN, "^", "-"),
    "greg": (_GREEN, "v", "--"),
    "raking": (_GREEN, "p", "-."),
    "caratheodory": (_GREEN, "D", "--"),
    "dense_nnls": (_GREEN, "P", "-."),
    "logit": (_GREEN, "s", ":"),
    "lp_vertex": (_GREEN, "X", ":"),
    "balanced_sample": (_PURPLE, "D", "-"),
    "iht": (_PURPLE, "v", "--"),
    "omp": (_ORANGE, "p", "-"),
    "top_k": (_ORANGE, "X", "--"),
    "random_reweight": (_BLACK, "X", "-"),
    "stratified_raking": (_BLACK, "p", "--"),
    "best_subset": (_BLACK, "D", "-."),
    "coreset": (_BLACK, "o", "-"),
    "leverage_sample": (_PURPLE, "^", "-"),
    "initial_weights": (_BLACK, "s", ":"),
    "sample_gate": (_VERMILLION, "D", ":"),
    "l0_coordinate_descent": (_VERMILLION, "X", "-"),
    "hybrid_gate": (_VERMILLION, "^", ":"),
}
MOST_VARIANTS = 4  # labels of one method that share its colour: as many as there are lines

WIDTH_INCHES = 7.0
RC: Mapping[str, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "savefig.facecolor": "white",
    "svg.hashsalt": "frontier",  # element ids of an SVG are otherwise random
    "svg.fonttype": "path",  # the same picture where DejaVu Sans is not installed
    "pdf.fonttype": 42,  # TrueType: publishers refuse type 3 fonts
    "font.family": "DejaVu Sans",  # ships with matplotlib
    "font.size": 9,
    "text.parse_math": False,  # a label is text, also with a dollar sign
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "figure.titlesize": 10,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "axes.linewidth": 0.8,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.2,
}

ZERO_STRIP = 0.07  # share of an axis given to the value 0, for one label; every further label adds STRIP_STEP
STRIP_STEP = 0.03
STRIP_LIMIT = 0.3
AXIS_PAD = 0.06  # share of the range of the data, at each end


@dataclass(frozen=True, slots=True)
class LabelStyle:
    """What marks a label in every figure of a report."""

    colour: str
    marker: str
    linestyle: str

    @property
    def properties(self) -> dict[str, Any]:
        """The style as matplotlib's line properties."""
        return {"color": self.colour, "marker": self.marker, "linestyle": self.linestyle}


def label_styles(labels: Iterable[str], methods: Mapping[str, str] | None = None) -> dict[str, LabelStyle]:
    """One style per distinct label, so that all figures of a report agree, and all reports about registered methods.

    `methods` names the method of each label. Its first label has the method's own style, a few others its colour with
    another marker and line. All others have a style by their rank in the sorted list of labels.
    """
    names = sorted(set(labels))
    known = {label: name for label, name in (methods or {}).items() if name in METHOD_STYLES}
    reserved = {style[:2] for style in METHOD_STYLES.values()} if known else set()
    styles: dict[str, LabelStyle] = {}
    variants: dict[str, int] = {}
    for label in (label for label in names if label in known):
        colour, marker, line = METHOD_STYLES[known[label]]
        variant = variants.get(known[label], 0)
        variants[known[label]] = variant + 1
        if variant:
            free = next((mark for mark in MARKERS if (colour, mark) not in reserved), None)
            if variant >= MOST_VARIANTS or free is None:
                continue
            marker, line = free, LINESTYLES[(LINESTYLES.index(line) + variant) % len(LINESTYLES)]
        reserved.add((colour, marker))
        styles[label] = LabelStyle(colour, marker, line)
    taken = {(style.colour, style.marker) for style in styles.values()}
    ranks = (rank for rank in range(2 * len(PALETTE) * len(MARKERS)) if _ranked(rank)[:2] not in taken)
    for label, rank in zip((label for label in names if label not in styles), itertools.cycle(ranks), strict=False):
        styles[label] = LabelStyle(*_ranked(rank))
    return {label: styles[label] for label in names}


def _ranked(rank: int) -> tuple[str, str, str]:
    line = LINESTYLES[rank // len(PALETTE) % len(LINESTYLES)]
    return PALETTE[rank % len(PALETTE)], MARKERS[rank % len(MARKERS)], line


@dataclass(frozen=True, slots=True)
class LogAxis:
    """A log axis with room for what a logarithm cannot show.

    `low`, `high`   limits, in data units
    `zero`, `edge`  where the value 0 is drawn, and where its strip ends; None when the data have no 0
    `least`         values below it are drawn at it; None when there are none
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    tick_labels: tuple[str, ...]
    zero: float | None = None
    edge: float | None = None
    least: float | None = None

    def place(self, values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Where `values` are drawn, same shape, data units."""
        placed = np.array(values, dtype=np.float64)
        if self.least is not None:
            placed = np.maximum(placed, self.least)
        if self.zero is not None:
            placed[placed == 0] = self.zero
        return placed

    def within_strip(self, share: float) -> float:
        """The position at `share` (0 to 1) of the zero strip, data units."""
        edge = self.edge if self.edge is not None else self.low
        return float(self.low * (edge / self.low) ** share)


def log_axis(
    values: Sequence[float] | NDArray[np.float64],
    *,
    label: Callable[[float], str],
    least: float | None = None,
    zeros: int = 0,
    most_ticks: int = 9,
) -> LogAxis:
    """The log axis that shows all finite `values ≥ 0`: clipped at `least`, or with a strip for 0 when `zeros` > 0.

    `zeros` is the number of labels that stand side by side in the strip. Without any positive value the axis is
    [1, 10].
    """
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    clipped = least is not None and bool((array < least).any())
    if least is not None:
        array = np.maximum(array, least)
    array = array[array > 0]
    low, high = (math.log10(array.min()), math.log10(array.max())) if array.size else (0.0, 1.0)
    if clipped:
        high = max(high, low + 1)  # never a magnified view of values that are all drawn at one height
    if high - low < 0.1:  # less than a factor of 1.26: a wider view, or noise would look like a trend
        low, high = low - 0.1, high + 0.1
    low, high = low - AXIS_PAD * (high - low), high + AXIS_PAD * (high - low)
    edge = low
    if zeros:
        share = min(ZERO_STRIP + STRIP_STEP * (zeros - 1), STRIP_LIMIT)
        low = edge - (high - edge) * share / (1 - share)
    lower = 10**edge if not clipped or least is None else least * (1 + 1e-9)
    ticks = log_ticks(lower, 10**high, most_ticks)
    labels = tuple(label(tick) for tick in ticks)
    zero = 10 ** ((low + edge) / 2) if zeros else None
    if zero is not None:
        ticks, labels = (zero, *ticks), ("0", *labels)
    if clipped and least is not None:
        ticks, labels = (least, *ticks), (f"≤ {label(least)}", *labels)
    return LogAxis(10**low, 10**high, ticks, labels, zero, 10**edge if zeros else None, least if clipped else None)


def log_ticks(low: float, high: float, most: int = 9) -> tuple[float, ...]:
    """At most `most` round numbers in [low, high], `0 < low < high`: even steps, 1-2-5 steps, or powers of 10."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps, stride in (((1, 2, 5), 1), *(((1,), stride) for stride in range(1, last - first + 2))):
        # Strides count from 10⁰, so that a wide axis keeps 1 (100%) among its ticks.
        candidates = [s * 10.0**d for d in range(first, last + 1) if d % stride == 0 for s in steps]
        ticks = tuple(t for t in candidates if low * (1 - 1e-9) <= t <= high * (1 + 1e-9))
        if len(ticks) <= most:
            break
    if len(ticks) >= 3 or high / low > 10:
        return ticks
    least = (high - low) / min(5, most - 1)
    power = 10.0 ** math.floor(math.log10(least))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= least)
    return tuple(round(k * step, 15) for k in range(math.ceil(low / step), math.floor(high / step) + 1))


def legend_columns(texts: Sequence[str]) -> int:
    """As many columns, filled downwards, as fit the width of a figure (a character is some 0.067 inch wide)."""
    for columns in range(min(5, len(texts)), 1, -1):
        # matplotlib deals entries out like array_split: the first columns get one more
        parts = np.array_split(np.arange(len(texts)), columns)
        widths = [max(len(texts[i]) for i in part) for part in parts]
        if sum(0.5 + 0.067 * width for width in widths) < WIDTH_INCHES - 0.2:
            return columns
    return 1
