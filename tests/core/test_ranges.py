"""Ranges of parameters are checked where a dataclass is made, from a file or from Python alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
from annotated_types import Ge, Le, Lt

from frontier.core.errors import InputError
from frontier.core.ranges import Count, Positive, Share, check_ranges


@dataclass(frozen=True)
class Settings:
    tol: Share = 0.5
    steps: Count = 1
    upper: Positive | None = None
    costs: Positive | tuple[Positive, ...] = 1.0
    share: Annotated[float, Ge(0), Lt(1), "say how much"] = 0.0
    ratio: Annotated[float, Le(2)] = 2.0
    free: float = -1.0

    def __post_init__(self) -> None:
        check_ranges(self)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("tol", 1.0, "tol: out of range; expected 0 < tol < 1, got 1.0"),
        ("tol", 0, "tol: out of range; expected 0 < tol < 1, got 0"),
        ("tol", float("nan"), "tol: out of range; expected 0 < tol < 1, got nan"),
        ("steps", 0, "steps: out of range; expected an integer ≥ 1, got 0"),
        ("upper", float("inf"), "upper: out of range; expected a finite number > 0, got inf"),
        ("costs", (1.0, -2.0, -3.0), "costs: out of range; expected a finite number > 0, got -2.0"),
        ("costs", 0.0, "costs: out of range; expected a finite number > 0, got 0.0"),
        ("share", -0.1, "share: out of range; expected 0 ≤ share < 1, got -0.1; say how much"),
        ("ratio", 2.1, "ratio: out of range; expected a finite number ≤ 2, got 2.1"),
    ],
)
def test_what_is_outside_is_one_line_with_its_place(name: str, value: object, line: str) -> None:
    with pytest.raises(InputError) as caught:
        Settings(**{name: value})  # type: ignore[arg-type]
    assert str(caught.value) == line


def test_what_is_inside_passes_and_what_has_no_range_is_not_looked_at() -> None:
    made = Settings(tol=1e-300, steps=10**9, upper=None, costs=(1.0, 2.0), share=0.0, ratio=-5.0, free=float("nan"))
    assert made.steps == 10**9
