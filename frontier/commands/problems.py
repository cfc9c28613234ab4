"""`python -m frontier problems [NAME]`: every problem in a line, or one of them with its shape and parameters.

Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

import inspect
from collections import Counter
from typing import Annotated

import typer

from frontier.commands.catalogue import defaults, idea_of, listed, text_of
from frontier.commands.command_line import command, print_lines


@command
def main(
    name: Annotated[str | None, typer.Argument(help="a problem; without one, all")] = None,
) -> None:
    """What problems there are, or what one of them is (`frontier data NAME` looks for what is wrong with it)."""
    print_lines(_all() if name is None else about(name))


def about(name: str) -> list[str]:
    """Where it is from, its shape and families with the default parameters, and the parameters."""
    from frontier.problems.registry import COMMON, GIVEN, load_problem, problem_builder

    builder = problem_builder(name, "problem")
    own = {k: p.default for k, p in inspect.signature(builder).parameters.items() if k not in GIVEN}
    common = {k: p.default for one in COMMON for k, p in inspect.signature(one).parameters.items() if k != "problem"}
    lines = [
        *text_of(builder).splitlines(),
        "",
        *inspect.cleandoc(builder.__doc__ or "").splitlines(),
        "",
        *defaults(own),
        *[line.replace("Defaults", "Every problem also has") for line in defaults(common)],
    ]
    if inspect.Parameter.empty in own.values():
        return lines
    problem = load_problem(name)
    families = Counter(problem.families or ())
    told = ", ".join(f"{family} ({count:,})" for family, count in families.items())
    return [
        f"{problem.n_targets:,} targets × {problem.n_records:,} records, {problem.M.nnz:,} entries.",
        *([f"Families: {told}."] if told else []),
        *([f"Source: {problem.meta['source']}."] if "source" in problem.meta else []),
        "",
        *lines,
    ]


def _all() -> list[str]:
    from frontier.problems.registry import problem_builder, problem_names

    rows = {name: idea_of(problem_builder(name, "problem")) for name in problem_names()}
    return [*listed(rows), "", "`frontier problems NAME` says more of one."]
