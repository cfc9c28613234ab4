"""What the commands share: one line and exit code 2 for bad input, exit code 130 for an interrupt."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import typer

from frontier.errors import InputError


def command(function: Callable[..., None]) -> typer.Typer:
    """`function` as a command line whose `InputError` is one line on standard error."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:  # a wrapper passes on what it wraps
        try:
            function(*args, **kwargs)
        except InputError as error:
            print_error(f"error: {error}")
            raise typer.Exit(2) from None
        except OSError as error:  # disk full, folder gone: not the input's fault, and nothing finished is lost
            print_error(f"error: {error}; finished batches are kept: run the same command again to resume")
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            print_error("interrupted: finished batches are kept; run the same command again to resume")
            raise typer.Exit(130) from None

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(guarded)
    return app


def print_error(line: str) -> None:
    """One line on standard error, unwrapped."""
    sys.stderr.write(line + "\n")


def draw_report(cells: pd.DataFrame, manifest: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the report of a run into `folder`; matplotlib is imported only here, after solving."""
    from frontier.reporting.write import write_report

    try:
        return write_report(cells, dict(manifest), folder)
    except OSError as error:
        raise InputError(folder, f"report cannot be written: {error.strerror}", cure="use --out") from None
