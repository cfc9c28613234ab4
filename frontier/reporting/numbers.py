"""Numbers and lists as text for people: percentages, counts, seconds, parameters, the ticks of axes, `a, b and c`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

MISSING = "–"

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

    Missing values are a dash; below 1e-4 and from 1e9 on it is written with an exponent. A minus is a minus: `−52.3`.
    """
    if value is None or math.isnan(value):
        return MISSING
    size, sign = abs(value), "−" if value < 0 else ""
    if math.isinf(value):
        return f"{sign}∞"
    if size == 0:
        return "0"
    if not 1e-4 <= size < 1e9:
        return f"{sign}{size:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{sign}{size:,.{decimals}f}"


def listed(texts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`; nothing for none."""
    *first, last = list(texts) or [""]
    return f"{', '.join(first)} and {last}" if first else last


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


def points(difference: float) -> str:
    """A difference in percentage points with its sign: `+1.23`, `−0.40`."""
    if math.isnan(difference):
        return MISSING
    text = f"{100 * difference:+.2f}".replace("-", "−")
    return "0" if float(f"{100 * difference:.2f}") == 0 else text


def points_interval(low: float, high: float) -> str:
    """The limits of a difference in percentage points: `−1.20 to +0.40`."""
    return MISSING if math.isnan(low) else f"{points(low)} to {points(high)}"


def points_with_interval(row: Mapping[Any, Any], name: str) -> str:
    """`+3.03 (+2.29 to +3.77)`: the difference `name` of a row with its limits, in percentage points."""
    limits = points_interval(row[f"{name}_low"], row[f"{name}_high"])
    return points(row[name]) if limits == MISSING else f"{points(row[name])} ({limits})"


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


def point_words(lam: float, budget: float, lam_absolute: float = math.nan) -> str:
    """A point of a method (missing values are NaN): `λ = 0.1 (2.16e-04 in force)`, `budget 500`, or a dash."""
    if not math.isnan(lam):
        same = math.isnan(lam_absolute) or abs(lam_absolute - lam) <= 1e-12 * abs(lam)
        return f"λ = {parameter(lam)}" + ("" if same else f" ({significant(lam_absolute)} in force)")
    return MISSING if math.isnan(budget) else f"budget {parameter(budget)}"
