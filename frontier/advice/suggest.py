"""Which small file to take from a problem, and what it loses: candidates tried, compared and chosen from.

The whole file is calibrated first (anchored L1 at λ = 0). Every candidate (`candidates.py`) then makes small files of
the sizes asked for, each with its refits, and is judged by two things: how far it misses the totals, and what it loses
against the whole calibrated file on statistics that no target fixes (`problems/records/unfixed.py`). The choice is a
stated rule (`choice.py`). Nothing is held out and no truth is needed; that the statistics are those of the user's own
file is what makes the answer theirs, and also its limit: it says what is lost, not how good the file was.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Sequence

import pandas as pd

from frontier.advice.candidates import candidates
from frontier.advice.choice import table
from frontier.advice.suggestion import Suggestion
from frontier.advice.trials import in_parallel, smallest, tried
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.problems.records.auxiliary import with_auxiliary
from frontier.problems.records.unfixed import unfixed
from frontier.problems.records.variables import record_table, variables_of
from frontier.problems.splits import every_target
from frontier.sweep.progress import SweepProgress
from frontier.sweep.scoring import evaluate
from frontier.sweep.solve import calibrate, records_asked_for
from frontier.sweep.weight_warnings import WeightWarning

SHARES = (0.02, 0.08, 0.3)  # of the records: the budgets where none is asked for


def suggest(
    problem: CalibrationProblem,
    *,
    budgets: Sequence[int | float] = (),
    training_error: float | None = None,
    methods: Sequence[str] = (),
    records: pd.DataFrame | None = None,
    seeds: int = 2,
    exact: bool = False,
    jobs: int | None = None,
    quiet: bool = True,
) -> Suggestion:
    """The candidate methods compared on a problem, and the choice among them at each budget.

    budgets         records to keep, or shares of them (below 1); by default 2, 8 and 30% of the records
    training_error  instead: for each method the smallest file whose mean relative error on the totals is at most this
    methods         to try: registered ones, or `path/to/file.py:MyMethod`; default: all candidates that make sense
    records         the records' own variables, a row each in the problem's order; by default those the problem knows
                    of (microdata `files`, the CPS problems). Without any, statistics are those of the matrix
    seeds           of stochastic methods
    exact           files of exactly the sizes asked for (`methods.exact_size`)
    jobs            processes; default: one per core

    All targets of the problem are fitted. Raises `InputError` for a budget, error or method that is none, records that
    are not one row each, and where the whole file cannot be calibrated.
    """
    if training_error is not None and not 0 < training_error < 1:
        raise InputError("training error", "not an error", expected="a share above 0 and below 1", got=training_error)
    if training_error is not None and budgets:
        raise InputError("budget", "asked for beside a training error", cure="give one of them")
    if seeds < 1:
        raise InputError("seeds", "too few", expected="at least 1", got=seeds)
    sizes = sorted({records_asked_for(k, problem.n_records) for k in budgets or SHARES})
    if sizes[-1] > problem.n_records:
        raise InputError("budget", "more than there are", expected=f"at most {problem.n_records:,}", got=sizes[-1])
    records = record_table(problem) if records is None else records
    missing = {} if records is None else variables_of(records, problem.w0).missing
    problem = with_auxiliary(problem, records)
    some = candidates(problem, tuple(methods))
    jobs = min(len(some), jobs or os.cpu_count() or 1)
    training = dataclasses.replace(problem, truth=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeightWarning)  # the whole file is what targets make of it
        dense = calibrate(training, method="anchored_l1", lam=0.0, refit="none")
    if dense.weights is None:
        raise InputError(f"problem '{problem.name}'", f"the whole file cannot be calibrated: {dense.message}")
    judged = dataclasses.replace(training, truth=unfixed(training, dense.weights, records))
    rows = []
    if training_error is None:
        trying = in_parallel(tried, judged, some, jobs, sizes, seeds, exact)
    else:
        trying = in_parallel(smallest, judged, some, jobs, training_error, seeds)
    with trying as found, SweepProgress(len(some), 0, quiet=quiet, unit="methods") as progress:
        for part in found:
            rows += part
            failed = any(row["train_mare"] is None for row in part) or not part
            progress.advance(part[0]["method"] if part else "one without an answer", 1, int(failed))
    if not rows:
        got = "none of the methods, with half of the records"
        cure = "ask for a larger error; `frontier suggest` with budgets shows how near one comes"
        raise InputError("training error", "not reached", expected=f"{training_error:.2%}", got=got, cure=cure)
    trials = pd.DataFrame(rows).sort_values(["method", "budget", "refit", "seed"], kind="stable")
    if trials["train_mare"].isna().all():
        why = f"{trials['method'].iloc[0]}: {trials['message'].iloc[0]}"
        raise InputError(f"problem '{problem.name}'", "no method made a file of these sizes", got=why)
    split = every_target(judged)
    initial = dataclasses.replace(dense, weights=judged.w0)
    return Suggestion(
        problem=judged,
        table=table(trials, float(dense.weights.sum()), fewest=training_error is not None),
        trials=trials.reset_index(drop=True),
        whole=evaluate(judged, split, dense),
        initial=evaluate(judged, split, initial),
        params={candidate.method: dict(candidate.params) for candidate in some},
        exact=exact,
        missing=missing,
    )
