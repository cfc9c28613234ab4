"""One problem, one method, from Python: `solve` at given points, `calibrate` for weights and the harness's verdict."""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from frontier.core.bounds import Bounds
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods._classical import Classical
from frontier.methods.base import Method
from frontier.methods.outside import checked_class
from frontier.methods.refit import refit_arm
from frontier.methods.registry import class_name, configured, find_method
from frontier.methods.solution import Solution
from frontier.problems.checks.contradiction import contradiction
from frontier.problems.diagnostics import DataWarning, problem_warnings
from frontier.problems.records.auxiliary import with_auxiliary
from frontier.problems.splits import every_target
from frontier.sweep.default_method import default_method
from frontier.sweep.given_weights import checked_weights
from frontier.sweep.integer_weights import rounded_solution
from frontier.sweep.measure import refit_measured, solve_measured
from frontier.sweep.scoring import evaluate
from frontier.sweep.weight_warnings import WeightWarning, weight_warnings

if TYPE_CHECKING:
    import pandas as pd

BLAME_SECONDS = 20.0  # for the search of targets that contradict each other


def solve(
    problem: CalibrationProblem,
    method: str | Method | type[Method] = "nn_lasso",
    points: Sequence[Point] = (Point(),),
    *,
    threads: int | None = None,
    **params: Any,
) -> list[Solution]:
    """One solution per point, in order, timed, from `method` configured with `params`.

    `method` is a registered name, a class of your own derived from `frontier.Method`, or `path/to/file.py:MyMethod`,
    which runs that file; or an instance, configured already. Solutions name a class `MyMethod` `my_method`.

    A method that has only a λ is driven to a `Point(budget=…)` by a search; what misses its budget says so.

    `problem` is what the method may see: pass `problem.restrict(split.train)` to hold targets out. Wrong names,
    parameters or points raise `InputError`, doubtful data give a `DataWarning`; a numerical failure is a solution whose
    `status` says so. `threads` is the number of threads the call may use; default: all cores for loops whose results
    are the same on any number, one for libraries (BLAS), whose rounding differs.
    """
    name, solver = built(method, params)
    solver.check_any(points)
    solver.check_problem(problem)
    warn_of_data(problem)
    return solve_measured(solver, name, problem, points, threads=threads)


def calibrate(
    problem: CalibrationProblem,
    *,
    method: str | Method | type[Method] | None = None,
    budget: int | float | None = None,
    lam: float | None = None,
    seed: int | None = None,
    refit: str | None = None,
    exact: bool = False,
    bounds: Bounds | None = None,
    integer: bool = False,
    params: Mapping[str, Any] | None = None,
    threads: int | None = None,
) -> Solution:
    """The weights that one method gives one problem, and the harness's verdict on them as status and message.

    method  one of any kind that `solve` takes, with its parameters in `params`; default: by a rule
            (`sweep.default_method`). One that keeps auxiliary statistics (`Method.auxiliary_too`) is given the
            categories that the problem knows of (`problems.records`)
    budget  records to keep, or a share of them (below 1); or `lam`, in the method's unit
    seed    of a stochastic method; default 0
    refit   the same records weighted again, from the weights as fitted or from the initial ones (`methods.refit`), or
            `none`; default: what is best for the method (`Method.refit_from`), where it is possible
    exact   exactly the budget, where a method ends near it: records leave or enter, and all are refit
            (`methods.exact_size`)
    bounds  of the weights of records that are kept; the refit holds them, so there always is one
    integer whole numbers, of which the weights found are the expectation (`sweep.integer_weights`; `seed` decides);
            bounds that are no whole numbers may be left by less than 1
    threads as in `solve`

    All targets of `problem` are fitted: pass `problem.restrict(split.train)` to hold some out. Weights worse than the
    initial ones give a `WeightWarning` (`sweep.weight_warnings`), whatever their status, and a status that is not what
    was asked for a `NotAsAskedWarning`. Raises `InputError` as `solve` does, for a seed of a deterministic method, for
    a budget that is neither records nor a share, and for what a method cannot do here (a device or a package missing).
    """
    if refit not in (None, "none"):
        refit_arm(str(refit))
    size = None if budget is None else records_asked_for(budget, problem.n_records)
    problem = with_categories(problem, method)
    if method is None:
        if lam is not None and size is None:
            raise InputError("lam", "a λ without a method", cure="name the method, or give a budget instead")
        method = default_method(problem, size)
    if exact and size is None:
        raise InputError("exact", "without a budget", cure="give one, or drop it")
    box = bounds.box(problem.w0) if bounds else None
    name, solver = built(method, params or {})
    solver = solver.told(exact=exact, bounds=bounds)
    if seed is not None and not solver.stochastic and not integer:
        raise InputError("seed", f"'{name}' is deterministic", cure="drop it")
    point = Point(lam=lam, budget=size, seed=(seed or 0) if solver.stochastic else None)
    solver.check_any([point])
    solver.check_problem(problem)
    warn_of_data(problem)
    [solution] = solve_measured(solver, name, problem, [point], threads=threads, refusals=True)
    fitted = _blamed(problem, _judged(problem, solution), solver)
    arm = refit or (solver.refit_from if fitted.is_selection else "none")
    if arm == "none" and not solver.holds and (box is not None or (exact and len(fitted.active) != size)):
        arm = "fitted"
    found = fitted
    if arm != "none" and fitted.weights is not None:
        exactly = size if exact else None
        found = _judged(problem, refit_measured(problem, fitted, arm, threads=threads, exactly=exactly, box=box))
        if refit is None and box is None and found.weights is None:
            found = fitted.with_note(f"not refit: {found.message}")
        elif fitted.status is Status.NOT_CONVERGED and found.status is not Status.INFEASIBLE:
            found = dataclasses.replace(found, status=fitted.status)  # the selection is still not the method's
    return _warned(problem, rounded_solution(problem, found, seed or 0) if integer else found)


def reweigh(
    problem: CalibrationProblem,
    weights: ArrayLike,
    *,
    refit: str = "fitted",
    bounds: Bounds | None = None,
    threads: int | None = None,
) -> Solution:
    """The same small file for these totals: the records with weight in `weights` (n), and no others, weighted again.

    For a new year's totals, or targets that came later. `refit` says from what (`methods.refit`): those weights, or the
    problem's initial ones. Warns as `calibrate` does; raises `InputError` for weights that are not one per record,
    finite and ≥ 0.
    """
    refit_arm(refit)
    given = Solution(checked_weights(weights, problem.n_records), Status.COMPLETED, method="given weights")
    box = bounds.box(problem.w0) if bounds else None
    return _warned(problem, _judged(problem, refit_measured(problem, given, refit, threads=threads, box=box)))


class NotAsAskedWarning(UserWarning):
    """What was asked for is not what came: the status of a solution says why."""


@contextmanager
def said_elsewhere() -> Iterator[None]:
    """Within it `calibrate` warns of nothing that its caller says in its own way: data, weights, what was not met."""
    with warnings.catch_warnings():
        for kind in (DataWarning, WeightWarning, NotAsAskedWarning):
            warnings.simplefilter("ignore", kind)
        yield


def _warned(problem: CalibrationProblem, solution: Solution) -> Solution:
    """The solution, once it is said that it is not what was asked for, and what is wrong with its weights."""
    if not solution.status.ended_well:
        line = f"problem '{problem.name}': {solution.status}: {solution.message or solution.status.meaning}"
        warnings.warn(line, NotAsAskedWarning, stacklevel=3)
    for line in () if solution.weights is None else weight_warnings(problem, solution.weights):
        warnings.warn(f"problem '{problem.name}': {line}", WeightWarning, stacklevel=3)
    return solution


def warn_of_data(problem: CalibrationProblem) -> None:
    """Say what the commands say of a problem's data, as `DataWarning`; Python shows the same one once."""
    for line in problem_warnings(problem):
        warnings.warn(f"problem '{problem.name}': {line}", DataWarning, stacklevel=3)


def built(method: object, params: Mapping[str, Any]) -> tuple[str, Method]:
    """What solutions call a method, and the method; `InputError` for anything that is none."""
    if isinstance(method, Method):
        if params:
            cure = "pass its class, or drop them"
            raise InputError("params", "given beside a configured method", got=", ".join(map(str, params)), cure=cure)
        return class_name(checked_class(type(method), "method"), "method"), method
    if inspect.isclass(method):
        cls = checked_class(method, "method")
        name = class_name(cls, "method")
        return name, configured(cls, params, f"method '{name}'")
    if not isinstance(method, str):
        expected = "the name of a registered method, with its parameters beside it, or a frontier.Method"
        raise InputError("method", "not a name", expected=expected, got=type(method).__name__, cure="method='nn_lasso'")
    place = f"method '{method}'"
    return method, configured(find_method(method, place), params, place)


def with_categories(
    problem: CalibrationProblem, method: object, records: pd.DataFrame | None = None
) -> CalibrationProblem:
    """The problem with numbers of its records by category, where the method keeps such or is still to be chosen."""
    cls = type(method) if isinstance(method, Method) else method
    cls = find_method(cls, f"method '{cls}'") if isinstance(cls, str) else cls
    wanted = cls is None or (inspect.isclass(cls) and issubclass(cls, Method) and cls.auxiliary_too)
    return with_auxiliary(problem, records) if wanted else problem


def records_asked_for(budget: int | float, n: int) -> int:
    """A budget in whole records."""
    if isinstance(budget, int) and not isinstance(budget, bool):
        return budget
    if not (isinstance(budget, float) and 0 < budget < 1 and round(budget * n) >= 1):
        expected = f"records (a whole number ≥ 1) or a share of the {n:,} records (0 < share < 1)"
        raise InputError("budget", "not a budget", expected=expected, got=repr(budget))
    return round(budget * n)


def _blamed(problem: CalibrationProblem, solution: Solution, method: Method) -> Solution:
    """The solution; where exact calibration came to nothing, with the targets that contradict each other."""
    exact = isinstance(method, Classical) and method.relax is None
    if not exact or solution.status.ended_well or solution.status is Status.ERROR:
        return solution
    found = contradiction(problem, BLAME_SECONDS, signed=method.signed)
    return solution.with_note(f"already {found}") if found else solution


def _judged(problem: CalibrationProblem, solution: Solution) -> Solution:
    """The solution with the status and message that the yardstick gives it."""
    row = evaluate(problem, every_target(problem), solution)
    return dataclasses.replace(solution, status=Status(row["status"]), message=row["message"])
