"""A chart as data: panels with series, reference lines and axes, declared once and drawn by matplotlib and by plotly.

Values are in the units of the data; how they are written is the axis's affair. Nothing here draws: `drawn.py` makes a
matplotlib figure of a chart, `interactive.py` the JSON that plotly shows. What cannot be drawn on an axis (a zero, a
missing value) is the drawer's affair too, so both treat it alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from frontier.core.problem import FloatArray
from frontier.reporting.charts.style import LabelStyle


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows: its title, how its values are written, and whether it is logarithmic.

    A log axis has a strip for 0 beside an axis break where a value is 0 and `zero` allows it; smaller values than
    `floor` are drawn at it.
    """

    title: str
    unit: Literal["count", "percent", "seconds", "number"] = "number"
    log: bool = True
    zero: bool = False
    floor: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Points of one name: x, y (P), joined by a line where `joined`, with bars [low, high] (P × 2) in either direction.

    `hollow` (P) marks points whose place is not a property of the method; `faint` draws small translucent markers (the
    seeds behind a mean); `hover` (P) is what the interactive chart says of a point.
    """

    name: str
    style: LabelStyle
    x: FloatArray
    y: FloatArray
    x_bars: FloatArray | None = None
    y_bars: FloatArray | None = None
    hollow: NDArray[np.bool_] | None = None
    joined: bool = True
    markers: bool = True
    faint: bool = False
    hover: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A reference line at `value`, across the panel or upright, with its name."""

    value: float
    name: str
    upright: bool = False
    dash: Literal["solid", "dash", "dot", "dashdot"] = "dash"


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One pair of axes."""

    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    lines: Sequence[Line] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Panels side by side, `columns` in a row, under one caption, with a note below; `stem` names its files."""

    stem: str
    caption: str
    panels: Sequence[Panel]
    columns: int = 1
    note: str = ""
