"""What there is, in its own words: the text of a method or problem, with the defaults of its parameters."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frontier.methods.base import Method

WIDTH = 100  # characters of a line


def text_of(thing: type | Callable[..., Any]) -> str:
    """What the file says of itself that defines a method or builds a problem."""
    return inspect.cleandoc(sys.modules[thing.__module__].__doc__ or "")


def idea_of(thing: type | Callable[..., Any]) -> str:
    """The first line of that."""
    return text_of(thing).split("\n", 1)[0]


def points_of(method: type[Method]) -> str:
    """What tells its points apart, as in `λ or a budget of records, and a seed`; empty where there is one alone."""
    asked = {"lam": "λ", "budget": "a budget of records"}
    told = " or ".join(words for axis, words in asked.items() if axis in method.axes)
    if told == "λ":
        told = "λ, or a budget of records by a search over λ"
    if not method.stochastic:
        return told
    return f"{told}, and a seed" if told else "a seed"


def defaults(values: Mapping[str, Any]) -> list[str]:
    """`Defaults: a 1, b none, …` in lines, as an experiment file writes them; an empty `inspect` value is required."""
    if not values:
        return ["No parameters."]
    told = ", ".join(f"{name} {_as_yaml(value)}" for name, value in values.items())
    return textwrap.wrap(f"Defaults: {told}.", WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _as_yaml(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return "(required)"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(list(value) if isinstance(value, tuple) else value)


def listed(rows: Mapping[str, str]) -> list[str]:
    """Names and what each is, aligned; long lines go on below."""
    width = max(map(len, rows)) + 2
    lines = []
    for name, text in rows.items():
        indent = " " * (width + 2)
        first, *others = textwrap.wrap(text, max(WIDTH - width, 40)) or [""]
        lines += [f"  {name:<{width}}{first}", *(indent + line for line in others)]
    return lines
