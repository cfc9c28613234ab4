"""`python -m frontier tune EXPERIMENT.yaml`: search every method's settings at equal cost, then compare them.

Exit codes: 0 done, 1 the machine failed (disk full), 2 bad input, 130 interrupted: the same command goes on.
"""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from frontier.commands.command_line import command, print_error, print_lines
from frontier.commands.drawn import drawn_report
from frontier.results.store import Store
from frontier.sweep.experiment import read_experiment
from frontier.sweep.run import run_session
from frontier.sweep.session import open_session
from frontier.tuning.outcome import chosen
from frontier.tuning.search import Search
from frontier.tuning.tune import tune

LONGEST_LINE = 200


@partial(command, kept="trials that ended are kept: run the same command again to go on")
def main(
    experiment: Annotated[Path, typer.Argument(help="an experiment file with a section `tune`")],
    jobs: Annotated[int, typer.Option(help="processes; timings are clean only with 1")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="discard earlier trials and results")] = False,
    out: Annotated[Path | None, typer.Option(help="results folder; default results/<experiment>")] = None,
    search_only: Annotated[bool, typer.Option("--search-only", help="search, and leave the comparison out")] = False,
) -> None:
    """Search the settings of every method at equal cost, blind to what judges them, and compare with the defaults."""
    folder = out or Path("results") / read_experiment(experiment).name
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print_error(f"warning: {message}")
        found = tune(
            experiment, folder, jobs=jobs, fresh=fresh, quiet=False, warn=lambda line: print_error(f"note: {line}")
        )
        print_lines(_lines(found))
        tuned = folder / "tuned.yaml"
        if search_only:
            print_lines([f"compare: python -m frontier run {shlex.quote(str(tuned))}"])
            return
        session = open_session(tuned, experiment.parent)
    run_session(session, Store(folder), jobs=jobs, fresh=fresh, warn=lambda line: print_error(f"note: {line}"))
    report = drawn_report(folder, folder / "report" if out else None)
    lines = [f"tuned:   {tuned}", f"results: {folder}", f"report:  {report / 'index.html'}"]
    print_lines(lines)


def _lines(found: Sequence[Search]) -> Iterator[str]:
    """What each search found: losses of the default and of the best, the settings, the cost; where nothing is, why."""
    for one in found:
        whose = one.spec.label + (f" on {one.inner.name}" if one.inner.name else "")
        cost = f"{len(one.trials)} trials, {one.cpu_seconds:.0f} CPU s"
        if not one.spec.search:
            cost += "; nothing to search, it runs as it is configured"
        yield f"{whose}: {cost}"
        best = list(chosen(one))
        if not best:
            why = next((trial.refused or trial.message for trial in one.trials if trial.refused or trial.message), "")
            yield f"  no setting is usable on all hold-outs; {why}"[:LONGEST_LINE]
        for budget, trial in best if one.spec.search else ():
            settings = ", ".join(f"{name} {value}" for name, value in trial.settings.items()) or "as configured"
            size = f"{trial.losses[budget][0].records:,.0f}" if budget is None else f"{budget:,}"
            default = one.default.loss(budget) if one.default else None
            told = "" if default is None else f"{default:.4g} → "
            yield f"  {size} records: {told}{trial.loss(budget):.4g} ({settings})"
