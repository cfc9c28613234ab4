"""`python -m frontier methods [NAME]`: every method in a line, or one of them with formula, parameters and source.

Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from typing import Annotated

import typer

from frontier.commands.catalogue import WIDTH, defaults, idea_of, listed, points_of, text_of
from frontier.commands.command_line import command, print_lines
from frontier.core.search_space import Space


@command
def main(
    name: Annotated[str | None, typer.Argument(help="a method, or my_method.py:MyMethod; without one, all")] = None,
) -> None:
    """What methods there are, or what one of them does."""
    print_lines(_all() if name is None else about(name))


def about(name: str) -> list[str]:
    """Its idea, formula and source, what a point of it carries, its parameters and their defaults."""
    from frontier.methods.registry import find_method

    cls = find_method(name, "method")
    fields = {
        f.name: inspect.Parameter.empty if f.default is dataclasses.MISSING else f.default
        for f in dataclasses.fields(cls)
    }
    return [
        f"A point has {points}." if (points := points_of(cls)) else "There is one point: no λ, budget or seed.",
        "",
        *text_of(cls).splitlines(),
        "",
        *inspect.cleandoc(cls.__doc__ or "").splitlines(),
        "",
        *_searched(cls.search_space),
        "",
        *defaults(fields),
    ]


def _searched(space: Space) -> list[str]:
    """What `frontier tune` tries for its parameters."""
    if not space:
        return ["Tuning searches nothing unless an experiment gives ranges (`search`)."]
    told = "; ".join(f"{name} {one}" for name, one in space.items())
    return textwrap.wrap(f"Tuning searches: {told}.", WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _all() -> list[str]:
    from frontier.methods.registry import method_class, method_names

    rows = {name: idea_of(method_class(name)) for name in method_names()}
    return [*listed(rows), "", "`frontier methods NAME` says more of one."]
