"""Search spaces: what may be tried for a parameter when a method is tuned, declared beside its fields or in a file.

A space maps names of parameters to ranges: `Between(0.02, 0.5, log=True)` a number, whole where both ends are,
`OneOf((None, 10.0))` one of some values. λ is searched where it stands beside them (`lam`); budgets never are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from frontier.core.errors import InputError
from frontier.core.registry import validation_error

Value = int | float | str | bool | None
DIGITS = 4  # significant ones of a number that is tried: more tell nobody anything, and files are read by people


@dataclass(frozen=True, slots=True)
class Between:
    """A number from `low` to `high`, both included; evenly in its logarithm where `log`, whole where both ends are."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        for name, end in (("low", self.low), ("high", self.high)):
            if not math.isfinite(end):
                raise InputError(name, "not finite", expected="a finite number", got=end)
        if not self.low < self.high:
            what = "an empty range" if self.low == self.high else "an inverted range"
            raise InputError("high", what, expected=f"more than low, {self.low:g}", got=self.high)
        if self.log and self.low <= 0:
            raise InputError("low", "no logarithm", expected="a number > 0 with log", got=self.low)

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are tried."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def examples(self) -> tuple[Value, ...]:
        """Values that must be parameters for all of the range to be."""
        return self.low, self.high

    def tried(self, value: Any) -> Value:
        """A proposed value as it is tried: rounded to `DIGITS`, within the range."""
        if self.whole:
            return int(value)
        return min(max(float(f"{value:.{DIGITS}g}"), float(self.low)), float(self.high))

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}" + (" (log)" if self.log else "")


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some values, of which none is nearer to another."""

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if len(self.values) < 2 or len({repr(value) for value in self.values}) < len(self.values):
            raise InputError("choices", "no choice", expected="two or more different values", got=list(self.values))

    @property
    def examples(self) -> tuple[Value, ...]:
        return self.values

    def tried(self, value: Any) -> Value:
        """The value itself."""
        return value  # type: ignore[no-any-return]

    def __str__(self) -> str:
        return ", ".join("none" if value is None else str(value) for value in self.values)


Range = Between | OneOf
Space = Mapping[str, Range]


class _Range(BaseModel):
    """A range in a file: `{low: 0.02, high: 0.5, log: true}` or `{choices: [1000, 2000]}`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: list[Value] | None = None


def read_space(entries: Mapping[str, Any], place: str) -> dict[str, Range]:
    """The ranges of a file by parameter; `InputError` at `place` for an empty, inverted or half-given one."""
    return {str(name): _read_range(entry, f"{place}.{name}") for name, entry in entries.items()}


def _read_range(entry: Any, place: str) -> Range:
    try:
        given = _Range.model_validate(entry)
    except ValidationError as error:
        raise validation_error(error, place) from None
    try:
        if given.choices is not None and given.low is None and given.high is None and not given.log:
            return OneOf(tuple(given.choices))
        if given.choices is None and given.low is not None and given.high is not None:
            return Between(given.low, given.high, given.log)
    except InputError as error:
        raise error.at(place) from None
    raise InputError(place, "not a range", expected="low and high, or choices", got=f"{entry!r:.60}")
