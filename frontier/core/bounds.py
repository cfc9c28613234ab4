"""Bounds on weights: absolute ones, and on the ratio to the initial weight; together a box for every record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.registry import checked_parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`max(min_weight, min_ratio·w0) ≤ w ≤ min(max_weight, max_ratio·w0)` for every record that is kept; None: none.

    Raises `InputError` for a bound that is negative or not a number.
    """

    min_weight: float | None = None
    max_weight: float | None = None
    min_ratio: float | None = None
    max_ratio: float | None = None

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value >= 0):
                raise InputError(name, "not a bound", expected="a finite number ≥ 0", got=value)

    def __bool__(self) -> bool:
        return any(getattr(self, name) is not None for name in self.__dataclass_fields__)

    def box(self, w0: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends, (n,) each; `InputError` for a record that no weight is left for."""
        lower = np.maximum(self.min_weight or 0.0, (self.min_ratio or 0.0) * w0)
        most = np.inf if self.max_weight is None else self.max_weight
        upper = np.full(w0.size, most) if self.max_ratio is None else np.minimum(most, self.max_ratio * w0)
        if (lower > upper).any():
            i = int((lower > upper).argmax())
            got = f"{lower[i]:,.6g} to {upper[i]:,.6g} for record {i}, whose initial weight is {w0[i]:,.6g}"
            raise InputError("bounds", "no weight is between them", got=got, cure="widen them")
        return lower, upper


NO_BOUNDS = Bounds()


def read_bounds(given: Mapping[str, Any], place: str) -> Bounds:
    """`{max_weight: 5000}` and the like, checked; `InputError`, about `place`, for what is none."""
    values = checked_parameters(Bounds, given, place)
    try:
        return Bounds(**values)
    except InputError as error:
        raise error.at(place) from None
