"""`python -m frontier contract my_method.py:MyMethod`: hold a method to the contract of `frontier.Method`.

The file is run. One line a check, with what came where one fails. Exit codes: 0 all hold, 1 one does not, 2 bad input,
130 interrupted.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from frontier.commands.command_line import command, print_lines
from frontier.commands.fit_files import read_settings
from frontier.commands.options import SettingsOption
from frontier.methods.registry import configured, find_method
from frontier.sweep.contract import held


@partial(command, kept="nothing is written")
def main(
    method: Annotated[str, typer.Argument(help="path/to/file.py:MyMethod, or a registered name")],
    settings: SettingsOption = None,
) -> None:
    """Check a method on small problems: order, shapes, seeds, pickling, budgets, degenerate problems and more."""
    place = f"method '{method}'"
    cls = find_method(method, place)
    broken = 0
    for sentence, came in held(configured(cls, read_settings(settings or ()), place)):
        broken += came is not None
        line = f"ok      {sentence}" if came is None else f"FAILED  {sentence}: {came}"
        print_lines([line])
    if broken:
        raise typer.Exit(1)
