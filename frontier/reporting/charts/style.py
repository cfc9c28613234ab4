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

_BLUE, _VERMILLION, _GREEN, _PURPLE, _ORANGE, _SKY, _BLACK = PALETTE
# What a registered method looks like in every report, whatever else is in it. There are more methods than colours:
# those that share one rarely meet (they end at different sizes, or are single points); marker and line tell them apart.
METHOD_STYLES: Mapping[str, tuple[str, str, str]] = {
    "hard_concrete": (_VERMILLION, "o", "-"),
    "peers.l0_python": (_VERMILLION, "s", "--"),
    "dense_adam": (_VERMILLION, "P", "-."),
    "fista": (_BLUE, "s", "-"),
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

MISSING = "–"
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


def series_name(label: str, refit: str) -> str:
    """A label with its refit: `fista`, or `fista, refit nnls`."""
    return label if refit == "none" else f"{label}, refit {refit}"


@dataclass(frozen=True, slots=True)
class ProblemFacts:
    """What the manifest knows of a problem and split: sizes (None when it does not say) and the held-out floor."""

    records: int | None
    targets: int | None
    training: int | None
    floor: float | None
    rank: int | None = None
    dense_mare: float | None = None
    bound_loss: float | None = None
    initial_heldout: float | None = None


def problem_facts(manifest: Mapping[str, Any], problem: str, split: str) -> ProblemFacts:
    """The facts of `manifest["problems"][problem]`; the held-out floor only when it is above 0.

    `manifest["splits"][problem][split]` holds the number of training targets (`n_train`), and what is known of the
    training problem: `rank` of its matrix, `dense_mare` and `bound_loss` of its non-negative least squares fit, and
    `initial_heldout_mare`, the held-out error of the initial weights.
    """
    facts = (manifest.get("problems") or {}).get(problem) or {}
    floor = (facts.get("meta") or {}).get("heldout_floor")
    known = ((manifest.get("splits") or {}).get(problem) or {}).get(split) or {}
    return ProblemFacts(
        facts.get("n_records"),
        facts.get("n_targets"),
        known.get("n_train"),
        float(floor) if floor is not None and float(floor) > 0 else None,
        known.get("rank"),
        known.get("dense_mare"),
        known.get("bound_loss"),
        known.get("initial_heldout_mare"),
    )


def figure_title(manifest: Mapping[str, Any], problem: str, split: str) -> str:
    """`cps: 40,000 records × 300 training targets`, as far as the manifest knows them, and the split when named."""
    facts = problem_facts(manifest, problem, split)
    sizes = [f"{facts.records:,} records"] if facts.records is not None else []
    if facts.training is not None:
        sizes.append(f"{facts.training:,} training targets")
    elif facts.targets is not None:
        sizes.append(f"{facts.targets:,} targets")
    name = problem if split == "default" else f"{problem}, split {split}"
    return f"{name}: {' × '.join(sizes)}" if sizes else name


def design_title(manifest: Mapping[str, Any], problem: str, design: str, splits: Sequence[str]) -> str:
    """`figure_title` of a design's only split, or `cps: 40,000 records, rotation of 4 folds`."""
    if len(splits) == 1:
        return figure_title(manifest, problem, splits[0])
    records = problem_facts(manifest, problem, splits[0]).records
    size = "" if records is None else f"{records:,} records, "
    return f"{problem}: {size}{design} of {len(splits)} folds"


@dataclass(frozen=True, slots=True)
class LogAxis:
    """A log axis with room for what a logarithm cannot show.

    `low`, `high`   limits, in data units
    `zero`, `edge`  where the value 0 is drawn, and where its strip ends; None when the data have no 0
    `floor`         values below it are drawn at it; None when there are none
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    tick_labels: tuple[str, ...]
    zero: float | None = None
    edge: float | None = None
    floor: float | None = None

    def place(self, values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Where `values` are drawn, same shape, data units."""
        placed = np.array(values, dtype=np.float64)
        if self.floor is not None:
            placed = np.maximum(placed, self.floor)
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
    floor: float | None = None,
    zeros: int = 0,
    most_ticks: int = 9,
) -> LogAxis:
    """The log axis that shows all finite `values ≥ 0`: clipped at `floor`, or with a strip for 0 when `zeros` > 0.

    `zeros` is the number of labels that stand side by side in the strip. Without any positive value the axis is
    [1, 10].
    """
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    clipped = floor is not None and bool((array < floor).any())
    if floor is not None:
        array = np.maximum(array, floor)
    array = array[array > 0]
    low, high = (math.log10(array.min()), math.log10(array.max())) if array.size else (0.0, 1.0)
    if clipped:
        high = max(high, low + 1)  # never a magnified view of values that are all drawn at the floor
    if high - low < 0.1:  # less than a factor of 1.26: a wider view, or noise would look like a trend
        low, high = low - 0.1, high + 0.1
    low, high = low - AXIS_PAD * (high - low), high + AXIS_PAD * (high - low)
    edge = low
    if zeros:
        share = min(ZERO_STRIP + STRIP_STEP * (zeros - 1), STRIP_LIMIT)
        low = edge - (high - edge) * share / (1 - share)
    lower = 10**edge if not clipped or floor is None else floor * (1 + 1e-9)
    ticks = log_ticks(lower, 10**high, most_ticks)
    labels = tuple(label(tick) for tick in ticks)
    zero = 10 ** ((low + edge) / 2) if zeros else None
    if zero is not None:
        ticks, labels = (zero, *ticks), ("0", *labels)
    if clipped and floor is not None:
        ticks, labels = (floor, *ticks), (f"≤ {label(floor)}", *labels)
    return LogAxis(10**low, 10**high, ticks, labels, zero, 10**edge if zeros else None, floor if clipped else None)


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


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent_tick(fraction: float) -> str:
    """A tick of an error axis: `0.01%`, `1,000%`, `10⁶%`."""
    value = 100 * fraction
    if value >= 99_999.5:
        exponent = math.floor(math.log10(value) + 1e-9)
        lead = round(value / 10.0**exponent, 6)
        power = f"10{str(exponent).translate(_SUPERSCRIPT)}%"
        return power if lead == 1 else f"{lead:g}·{power}"
    return f"{float(f'{value:.6g}'):,.10g}%"


def count_tick(value: float) -> str:
    """A tick of an axis that counts: `0.5`, `10`, `20,000`, `10⁷`."""
    return f"{float(f'{value:.6g}'):,.10g}" if value < 9_999_999.5 else percent_tick(value / 100)[:-1]


def seconds_tick(value: float) -> str:
    """A tick of a time axis: `20 µs`, `5 ms`, `0.1 s`, `1,000 s`."""
    if value < 0.999e-3:
        return f"{float(f'{value * 1e6:.6g}'):g} µs"
    return f"{float(f'{value * 1e3:.6g}'):g} ms" if value < 0.0999 else f"{float(f'{value:.6g}'):,.10g} s"


def significant(value: float | None, digits: int = 3) -> str:
    """A number at `digits` significant digits, never fewer digits than its integer part: `0.0123`, `12,346`, `1e-09`.

    Missing values are a dash; below 1e-4 and from 1e9 on it is written with an exponent.
    """
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size == 0:
        return "0"
    if not 1e-4 <= size < 1e9:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{value:,.{decimals}f}"


def percent(fraction: float | None, digits: int = 3) -> str:
    """An error (a fraction) in percent at `digits` significant digits: `12.3%`."""
    text = significant(None if fraction is None else 100 * fraction, digits)
    return text if text == MISSING else f"{text}%"


def percent_with_error(mean: float | None, standard_error: float | None) -> str:
    """A mean with its standard error, both to the standard error's second digit: `12.34% ± 0.21%`."""
    if mean is None or standard_error is None or math.isnan(mean) or math.isnan(standard_error):
        return percent(mean)
    size = 100 * standard_error
    if not 1e-4 <= size < 1e9 or not 1e-4 <= abs(100 * mean) < 1e9:
        return f"{percent(mean)} ± {percent(standard_error, 2)}"
    decimals = max(0, 1 - math.floor(math.log10(size)))
    return f"{100 * mean:,.{decimals}f}% ± {size:,.{decimals}f}%"


def count(value: float | None) -> str:
    """A count or a mean of counts: `1,234`, `12.4`."""
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:,.0f}" if value == round(value) or value >= 1000 else f"{value:,.1f}"


def seconds(value: float | None) -> str:
    """A duration at three significant digits: `45.6 µs`, `12.3 ms`, `1.23 s`, `1,234 s`."""
    if value is None or math.isnan(value):
        return MISSING
    if value == 0 or value >= 1:
        return f"{significant(value)} s"
    return f"{significant(value * 1e3)} ms" if value >= 1e-3 else f"{significant(value * 1e6)} µs"


def parameter(value: float) -> str:
    """A λ or a budget, in as few digits as give it back, at most six: `0.001`, `2.163e-03`, `5,000`."""
    if value == round(value) and value < 1e9:
        return f"{value:,.0f}"
    return next((text for text in (f"{value:.{d}g}" for d in range(1, 6)) if float(text) == value), f"{value:.6g}")
