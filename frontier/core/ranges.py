"""Ranges of parameters, written where a parameter is declared, `tol: Share = 1e-8`, and checked in one place.

A dataclass calls `check_ranges(self)` when it is made, so its values are refused alike whether they come from a file or
from Python.
"""

from __future__ import annotations

import math
import operator
import typing
from collections.abc import Callable, Iterator
from functools import cache
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from frontier.core.errors import InputError

Share = Annotated[float, Gt(0), Lt(1)]
Probability = Annotated[float, Ge(0), Le(1)]
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Count = Annotated[int, Ge(1)]
Number = Annotated[int, Ge(0)]
Epochs = Annotated[int, Ge(1), Le(10_000_000)]  # every epoch has a learning rate and a temperature in memory

RULES: dict[type, tuple[str, str, Callable[[float, float], bool]]] = {
    Gt: (">", "gt", operator.gt),
    Ge: ("≥", "ge", operator.ge),
    Lt: ("<", "lt", operator.lt),
    Le: ("≤", "le", operator.le),
}


def check_ranges(made: Any, prefix: str = "") -> None:
    """Raise `InputError` for the first field of a dataclass outside its range, or not finite; its place is its name.

    None is not checked; of several numbers (a tuple) each is. Text among the metadata of a field is the cure.
    """
    for name, (kind, metadata) in _ranges(made.__class__).items():
        value = getattr(made, name)
        if value is None:
            continue
        bounds = [rule for rule in metadata if type(rule) in RULES]
        for one in np.ravel(value).tolist():
            if math.isfinite(one) and all(holds(one, limit) for _, limit, holds in map(_rule, bounds)):
                continue
            cure = next((text for text in metadata if isinstance(text, str)), None)
            raise InputError(prefix + name, "out of range", expected=_words(kind, name, bounds), got=one, cure=cure)


def _rule(rule: Any) -> tuple[str, float, Callable[[float, float], bool]]:
    """The sign of a rule, its limit, and what must hold of a value and the limit."""
    sign, limit, holds = RULES[type(rule)]
    return sign, getattr(rule, limit), holds


def _words(kind: type, name: str, bounds: list[Any]) -> str:
    """`0 < tol < 1`, `an integer ≥ 1`, `a finite number > 0`."""
    (sign, limit, _), *upper = map(_rule, bounds)
    if upper:
        return f"{limit} {'<' if sign == '>' else '≤'} {name} {upper[0][0]} {upper[0][1]}"
    return f"{'an integer' if kind is int else 'a finite number'} {sign} {limit}"


@cache
def _ranges(cls: type) -> dict[str, tuple[type, tuple[Any, ...]]]:
    """The fields that have a range: the type of their numbers, and the metadata."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found = {name: next(_annotated(hint), None) for name, hint in hints.items()}
    return {name: known for name, known in found.items() if known is not None}


def _annotated(hint: Any) -> Iterator[tuple[type, tuple[Any, ...]]]:
    """What is annotated in a type, also as one of several that are allowed."""
    if typing.get_origin(hint) is Annotated:
        kind, *metadata = typing.get_args(hint)
        if any(type(rule) in RULES for rule in metadata):
            yield kind, tuple(metadata)
    for part in typing.get_args(hint) if typing.get_origin(hint) is not None else ():
        if not isinstance(part, list):
            yield from _annotated(part)
