"""How sure an estimate from calibrated weights is: `frontier.standard_errors`, by replicates or by linearisation.

Replicates repeat all that the weights were made by, so the error has the sampling of the units in it, the calibration,
and, of a small file, the selection and the seed. Linearisation has sampling and calibration, as if the records that are
kept were the sample. Neither knows of bias (nonresponse, targets that are wrong), nor of stages or strata of the sample
that `groups` and `strata` of the problem do not state.
"""

from __future__ import annotations

import dataclasses
import math
import os
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from frontier.core.arrays import FloatArray
from frontier.core.bounds import Bounds
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.status import SETTLED, Status
from frontier.core.student import t_quantile
from frontier.methods._classical import Classical
from frontier.methods.base import Method
from frontier.objectives.design import weighted_design
from frontier.objectives.distance import total
from frontier.objectives.linearised import residuals, variance_of_totals
from frontier.problems.records.estimates import Estimates, estimates
from frontier.problems.records.variables import record_table
from frontier.solvers.sampling.replicates import given, make, units_of
from frontier.sweep.default_method import default_method
from frontier.sweep.given_weights import checked_weights
from frontier.sweep.replicates import Fit, replicated
from frontier.sweep.solve import NotAsAskedWarning, built, calibrate, records_asked_for, with_categories

CONFIDENCE = 0.95
LINEARISED = "linearised"
FIXED = 1e-6  # relative error of what targets fix, at most
CROWDED = 0.2  # targets per unit above which linearised errors are too small to be trusted


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StandardErrors:
    """`table` has a row per statistic and domain: estimate, standard_error, low and high (95%).

    how          what the errors were made by, and what is in them
    failures     (number, status, message) of the replicates that are left out
    weights      those of the estimates (n)
    replicates   the replicate weights (n, R), where they were asked for, and the coefficients of the variance (R)
    """

    table: pd.DataFrame
    how: str
    notes: tuple[str, ...]
    failures: tuple[tuple[int, Status, str], ...]
    weights: FloatArray
    replicates: FloatArray | None = None
    coefficients: FloatArray | None = None

    def lines(self) -> list[str]:
        """A line for each statistic, and what is in its error."""
        rows = self.table.to_dict("records")
        names = [row["statistic"] + ("" if row["domain"] == "all" else f", {row['domain']}") for row in rows]
        width = max(map(len, names))
        numbers = [_in_words(row["estimate"], row["standard_error"]) for row in rows]
        found = [f"{name:<{width}}  {number}" for name, number in zip(names, numbers, strict=True)]
        return [*found, f"± one standard error: {self.how}", *self.notes]

    @property
    def used(self) -> NDArray[np.intp]:
        """The numbers of the replicates that the errors are of."""
        numbers = np.arange(0 if self.coefficients is None else len(self.coefficients))
        return np.setdiff1d(numbers, [number for number, _, _ in self.failures]).astype(np.intp)

    def __repr__(self) -> str:
        return "\n".join(self.lines())


def standard_errors(
    problem: CalibrationProblem,
    statistics: str | Sequence[str],
    *,
    by: str | Sequence[str] = (),
    weights: ArrayLike | None = None,
    method: str | Method | type[Method] | None = None,
    budget: int | float | None = None,
    lam: float | None = None,
    seed: int | None = None,
    refit: str | None = None,
    exact: bool = False,
    bounds: Bounds | None = None,
    params: Mapping[str, Any] | None = None,
    split: Split | None = None,
    records: pd.DataFrame | None = None,
    kind: str | None = None,
    number: int | None = None,
    fay: float | None = None,
    replicate_weights: ArrayLike | None = None,
    coefficients: ArrayLike | None = None,
    around: str = "mean",
    keep_weights: bool = False,
    jobs: int | None = None,
    quiet: bool = True,
) -> StandardErrors:
    """Statistics of a problem's records under calibrated weights, with standard errors and 95% intervals.

    statistics   in words: `count`, `total agi`, `mean agi`, `ratio snap / agi`, `median agi`, `quantile agi 0.9`,
                 `share filing_status` (`problems/records/estimates.py`)
    by           columns of categories, in each of which they are wanted too
    weights      (n) of the whole file or of a small one; default: those that the method gives
    method, budget, lam, seed, refit, exact, bounds, params   how the weights were made, or are to be, as `calibrate`
                 takes them; every replicate is made the same way, with a seed of its own. `seed` is that of the
                 replicates too
    split        what the method was not to see; default: it fits all targets
    records      the records' variables, a row each in the problem's order; default: those the problem knows of
    kind         linearised (default where only weights are given), bootstrap (default otherwise), jk1, jkn, brr, fay,
                 sdr (`solvers/sampling/replicates.py`); units are the problem's `groups`, drawn in its `strata`
    number, fay  of replicates, and Fay's k
    replicate_weights, coefficients   (n, R) replicate weights that came with the file, of which `kind` says what they
                 are, or (R) coefficients of the variance do. With a method they are initial weights and calibrated
                 again, without one they are used as they are
    around       what squares are taken around: the `mean` of the replicates, or the `estimate`
    keep_weights whether the result has the replicate weights
    jobs         processes; default: one per core

    Replicates that cannot be calibrated are left out, and their number is said. Raises `InputError` for a statistic,
    column, kind or method that is none, weights that are not one per record, and where the whole file cannot be fitted.
    """
    words = [statistics] if isinstance(statistics, str) else list(statistics)
    columns = [by] if isinstance(by, str) else list(by)
    records = record_table(problem) if records is None else records
    wanted = estimates(problem, records, words, columns)
    fits = not (method is None and budget is None and lam is None)
    kind = kind or (LINEARISED if not fits and replicate_weights is None else "bootstrap")
    if around not in ("mean", "estimate"):
        raise InputError("around", "not a centre", expected="mean or estimate", got=repr(around))
    if not fits and weights is None:
        cure = "give the weights of a fit, or the method and budget that make them"
        raise InputError("weights", "neither weights nor a method", cure=cure)
    if not fits and kind != LINEARISED and replicate_weights is None:
        cure = f"name the method that made the weights, or use {LINEARISED}"
        raise InputError("kind", f"{kind} calibrates again, but by what?", cure=cure)
    n, training = problem.n_records, problem.restrict(range(problem.n_targets) if split is None else split.train)
    if not fits:  # replicate weights are factors of 1 then
        training = dataclasses.replace(training, w0=np.ones(n)) if replicate_weights is not None else training
    replicates = None
    if replicate_weights is not None:
        columns_given = np.asarray(replicate_weights, dtype=np.float64)
        replicates = given(columns_given, training.w0, units_of(n), kind=kind, fay=fay, coefficients=coefficients)
    elif kind != LINEARISED:
        units = units_of(n, problem.groups, problem.strata)
        replicates = make(kind, units, number=number, fay=fay, seed=seed or 0)
    fit, inside, chosen = Fit(), "", None if weights is None else checked_weights(weights, n)
    if fits:
        told = {"method": method, "budget": budget, "lam": lam, "refit": refit, "exact": exact, "bounds": bounds}
        fit, inside, training = _fit(training, records, told | {"params": params}, seed)
        if chosen is None or fit.method is not None:  # a classical method starts there
            fit, found = _of_the_whole(training, fit)
            chosen = found if chosen is None else chosen
    assert chosen is not None
    if replicates is None:
        return _linearised(training, wanted, chosen, fit)
    made = replicated(
        training,
        wanted,
        replicates,
        fit if fits else None,
        keep_weights=keep_weights,
        jobs=jobs or os.cpu_count() or 1,
        quiet=quiet,
    )
    estimate = wanted.of(chosen)
    error = np.sqrt(replicates.variance(made.estimates, estimate if around == "estimate" else None))
    times = float(t_quantile((1 + CONFIDENCE) / 2, replicates.degrees))
    table = _table(wanted, np.column_stack([estimate, error, estimate - times * error, estimate + times * error]))
    how = f"{replicates.said}, {inside or 'used as they are'}"
    notes = (*_left_out(made.failures, len(replicates)), *_without(wanted))
    return StandardErrors(table, how, notes, made.failures, chosen, made.weights, replicates.coefficients)


def _fit(
    problem: CalibrationProblem, records: pd.DataFrame | None, told: dict[str, Any], seed: int | None
) -> tuple[Fit, str, CalibrationProblem]:
    """How every replicate is made, in words too, and the problem with what the method keeps of its records."""
    if told["budget"] is not None:  # of the whole file, also where it is a share
        told["budget"] = records_asked_for(told["budget"], problem.n_records)
    problem = with_categories(problem, told["method"], records)
    if told["method"] is None:
        told["method"] = default_method(problem, told["budget"])
    _, solver = built(told["method"], told["params"] or {})
    selects = " and selection" if told["budget"] is not None or told["lam"] is not None else ""
    seeds = ", with a seed of its own" if solver.stochastic else ""
    words = f"calibration{selects} repeated in each{seeds}"
    as_it_is = told["refit"] in (None, "none") and not told["exact"] and not told["bounds"]
    classical = solver if isinstance(solver, Classical) and as_it_is else None
    return Fit(classical, None, told, (seed or 0) if solver.stochastic else None), words, problem


def _of_the_whole(problem: CalibrationProblem, fit: Fit) -> tuple[Fit, FloatArray]:
    """The fit with its start, and the weights of the whole file."""
    assert fit.told is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotAsAskedWarning)  # refused below
        found = calibrate(problem, seed=fit.seed, **fit.told)
    if found.weights is None or found.status not in SETTLED:
        what = f"the file itself cannot be calibrated so: {found.status}"
        raise InputError(f"problem '{problem.name}'", what, cure=found.message)
    return dataclasses.replace(fit, start=found.dual), found.weights


def _linearised(problem: CalibrationProblem, wanted: Estimates, weights: FloatArray, fit: Fit) -> StandardErrors:
    """Errors from the residuals of the linearised variables; the records with weight are the sample."""
    kept = np.flatnonzero(weights)
    groups, strata = (None if labels is None else labels[kept] for labels in (problem.groups, problem.strata))
    units = units_of(kept.size, groups, strata)
    ridge = 0.0 if fit.method is None else (fit.method.relax or 0.0) / total(problem)
    w, A = weights[kept], sp.csr_array(sp.csc_array(weighted_design(problem).A)[:, kept])
    z = wanted.linearised(weights)[:, kept]
    known = np.asarray(np.isfinite(z).all(axis=1))
    e = residuals(A, np.where(known[:, None], z, 0.0), w, ridge)
    errors = np.sqrt(variance_of_totals(w * e, units.of_record, units.stratum))
    times = float(t_quantile((1 + CONFIDENCE) / 2, units.degrees))
    estimate = wanted.of(weights)
    rows = [
        (value, *wanted.interval(k, weights, error if known[k] else float("nan"), times))
        for k, (value, error) in enumerate(zip(estimate, errors, strict=True))
    ]
    size = f"{len(units.stratum):,} {units.word}"
    how = f"linearised, of the {size} that are kept; calibration is in it, selection and seed are not"
    m, notes = problem.n_targets, list[str]()
    if m > CROWDED * len(units.stratum):
        notes.append(f"{m:,} targets fit {size} closely: errors are larger than this says")
    return StandardErrors(_table(wanted, np.array(rows)), how, (*notes, *_without(wanted)), (), weights)


def _table(wanted: Estimates, rows: FloatArray) -> pd.DataFrame:
    """A row per statistic and domain: estimate, standard error, and the ends of the interval."""
    table = pd.DataFrame({"statistic": wanted.names, "domain": wanted.domains})
    return table.assign(**dict(zip(("estimate", "standard_error", "low", "high"), rows.T, strict=True)))


def _left_out(failures: tuple[tuple[int, Status, str], ...], number: int) -> tuple[str, ...]:
    """A line on replicates that are not in the errors."""
    if not failures:
        return ()
    kinds = Counter(str(status) for _, status, _ in failures)
    which = ", ".join(f"{count} {status}" for status, count in kinds.items())
    first, _, why = failures[0]
    line = f"{len(failures)} of {number} replicates are left out ({which}); number {first}: {why}"
    return (f"{line}; the others stand for them",)


def _without(wanted: Estimates) -> tuple[str, ...]:
    """A line on every statistic that some records have no value for."""
    n = wanted.rows.shape[1]
    return tuple(
        f"{name}: without {few:,} of {n:,} records, which have no value" for name, few in wanted.without.items()
    )


def _in_words(value: float, error: float) -> str:
    """A value and its error, to two digits of the error."""
    if not np.isfinite(error):
        return f"{value:,.6g} ± unknown"
    if error <= FIXED * abs(value):
        return f"{value:,.6g} ± 0 (fixed by the targets)"
    digits = 1 - math.floor(math.log10(error))
    decimals = max(digits, 0)
    return f"{round(value, digits):,.{decimals}f} ± {round(error, digits):,.{decimals}f}"
