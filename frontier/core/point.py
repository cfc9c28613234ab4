"""A point of a method's grid: a penalty or a budget of records, and a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from frontier.core.errors import InputError

BUDGET_TOLERANCE = 0.02  # a budget is reached within 2% of it in whole records, so exactly below 50
LARGEST_INTEGER = 2**63 - 1  # results are stored as 64-bit integers

Coordinate = Literal["lam", "budget"]


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a method's grid: a penalty `lam` or a `budget` of active records, and a seed.

    Raises `InputError` for λ < 0, a budget below 1, both at once, a negative seed, and what 64 bits do not hold.
    """

    lam: float | None = None
    budget: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.lam is not None and not (math.isfinite(self.lam) and self.lam >= 0):
            raise InputError("lam", "not a penalty", expected="a finite λ ≥ 0", got=self.lam)
        if self.budget is not None and self.budget < 1:
            raise InputError("budget", "not a number of records", expected="an integer ≥ 1", got=self.budget)
        if self.lam is not None and self.budget is not None:
            raise InputError("point", "both lam and budget", expected="one of them", cure="drop one")
        for name in ("budget", "seed"):
            if (getattr(self, name) or 0) > LARGEST_INTEGER:
                raise InputError(name, "too large", expected="at most 2^63 − 1", got=f"{getattr(self, name):.3g}")
        if self.seed is not None and self.seed < 0:
            raise InputError("seed", "negative seed", expected="an integer ≥ 0", got=self.seed)

    def __str__(self) -> str:
        """As in `budget 500, seed 0`; empty where nothing is asked for."""
        return ", ".join(f"{name} {value}" for name, value in self.coordinates.items() if value is not None)

    @property
    def coordinates(self) -> dict[str, float | int | None]:
        """λ, budget and seed by name, those without a value too."""
        return {"lam": self.lam, "budget": self.budget, "seed": self.seed}


def reached(size: int, budget: int) -> bool:
    """Whether a support of `size` records serves `budget`: at most 2% off, rounded down to whole records."""
    return abs(size - budget) <= budget // round(1 / BUDGET_TOLERANCE)
