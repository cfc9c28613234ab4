"""What the commands share: one line and exit code 2 for bad input, exit code 130 for an interrupt or SIGTERM."""

from __future__ import annotations

import functools
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from frontier.core.errors import InputError

REPORTS = Path("reports")  # of this working folder, with a front door to all
RESUME = "finished batches are kept: run the same command again to resume"


def command(
    function: Callable[..., None], usage_code: int = 2, machine_code: int = 1, kept: str = RESUME
) -> typer.Typer:
    """`function` as a command line whose `InputError` is one line on standard error and exit code `usage_code`.

    `machine_code` is for what is not the input's fault (disk full); `kept` says what an unfinished command leaves.
    """

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:  # a wrapper passes on what it wraps
        previous = _terminable()
        try:
            function(*args, **kwargs)
        except InputError as error:
            for found in (error, *error.others):  # all mistakes of a kind in one run
                print_error(f"error: {found}")
            raise typer.Exit(usage_code) from None
        except OSError as error:  # disk full, folder gone: not the input's fault, and nothing finished is lost
            print_error(f"error: {error}; {kept}")
            raise typer.Exit(machine_code) from None
        except KeyboardInterrupt:
            print_error(f"interrupted: {kept}")
            raise typer.Exit(130) from None
        finally:
            if previous is not None:
                signal.signal(signal.SIGTERM, previous)

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(cls=_command_class(usage_code))(guarded)
    return app


def _terminable() -> Any:
    """Let SIGTERM end this process as Ctrl-C does; its handler so far, None where another thread's could not be set."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGTERM, signal.default_int_handler)


def _command_class(usage_code: int) -> type[TyperCommand]:
    """A command whose wrong options are one line and exit code `usage_code`; typer's own are a box and 2."""

    class Command(TyperCommand):
        def make_context(self, info_name: str | None, *args: Any, **kwargs: Any) -> Any:  # passes on what it wraps
            try:
                return super().make_context(info_name, *args, **kwargs)
            except Exception as error:
                if getattr(error, "exit_code", None) != 2:
                    raise
                said = error.format_message().rstrip(".")  # type: ignore[attr-defined]
                print_error(f"error: {info_name}: {said[:1].lower()}{said[1:]}; see {info_name} --help")
                raise typer.Exit(usage_code) from None

    return Command


def print_lines(lines: Iterable[str]) -> None:
    """Lines on standard output, as they are: a path may hold what others take for markup or an emoji."""
    typer.echo("\n".join(lines))


def print_error(line: str) -> None:
    """One line on standard error, unwrapped."""
    sys.stderr.write(line + "\n")


def draw_report(
    results: Sequence[Path],
    folder: Path | None = None,
    foreign: Sequence[Path] = (),
    tell: Callable[[list[str]], object] | None = None,
    *,
    vector: bool = False,
) -> list[Path]:
    """Write the report of one or several results folders into `folder`; the files, `report.md` and `index.html` first.

    Without a folder it stands among the reports of the working folder, under its name, and on their front door.

    `tell` is given what they come to, in a few lines. `foreign`: tables of other tools' points (`results/foreign.py`),
    drawn beside them; `vector`: figures as SVG and PDF too.

    matplotlib and pandas are imported only here, after solving. Results without `targets.parquet` have no worst misses.
    """
    from frontier.core.files import stem_of
    from frontier.reporting.front_door import write_front_door
    from frontier.reporting.report import write_report
    from frontier.results.foreign import read_foreign
    from frontier.results.joining import join_runs
    from frontier.results.run import load_run

    runs = [load_run(path, targets=True, traces=True) for path in results]
    names = [run.name for run in runs]
    if len(set(names)) < len(names):  # two runs of one experiment: their folders tell them apart
        runs = [replace(run, name=path.resolve().name) for run, path in zip(runs, results, strict=True)]
    run = join_runs([*runs, *(read_foreign(path, runs) for path in foreign)])
    out = folder or REPORTS / stem_of(run.name)  # the name is read from a file
    try:
        paths = write_report(
            run.cells, run.manifest, out, targets=run.targets, traces=run.traces, tell=tell, vector=vector
        )
        if folder is None and len(list(REPORTS.glob("*/report.md"))) > 1:  # one report needs no front door
            write_front_door(REPORTS)
        return paths
    except OSError as error:
        raise InputError(out, f"report cannot be written: {error.strerror}", cure="use --out") from None
