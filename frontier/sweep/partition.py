"""Calibration by parts, as each state by its own totals: every part is fitted by itself, as `calibrate` would fit it.

With totals above the parts, national ones say, a method that solves a dual fits all parts as one problem: its Newton
steps go part by part, with the shared totals as a border (`solvers.dual.bordered`). Failures are data: a part that came
to nothing has its status and no weights, and the others have theirs.
"""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError, did_you_mean, some
from frontier.core.partition import Part, Partition
from frontier.core.problem import CalibrationProblem
from frontier.core.processes import in_processes
from frontier.core.status import Status
from frontier.methods.solution import Solution
from frontier.objectives.design import relative_residual
from frontier.objectives.weight_statistics import active_count
from frontier.problems.records.variables import record_table
from frontier.sweep.solve import NotAsAskedWarning, built, calibrate, warn_of_data, with_categories
from frontier.sweep.weight_warnings import WeightWarning, weight_warnings

if TYPE_CHECKING:
    import pandas as pd

MET = 0.01  # of a total: what counts as met
ABOVE = "(above)"  # what the totals that cross parts are called beside these
OPTIONS = tuple(name for name in inspect.signature(calibrate).parameters if name != "problem")


@dataclass(frozen=True, slots=True, eq=False)
class PartSolution:
    """What one part came to, and what there is to say against its weights (`sweep.weight_warnings`)."""

    part: Part
    solution: Solution
    warnings: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return self.solution.status.ended_well and not self.warnings

    def in_words(self) -> str:
        """One line: records kept, mean error on its totals, status."""
        ended = f"{self.solution.status}"
        if not self.solution.status.ended_well:
            ended += f": {self.solution.message or self.solution.status.meaning}"
        if self.solution.weights is None or self.part.problem is None:
            return f"no weights for {self.part.records.size:,} records; {ended}"
        kept = f"{active_count(self.solution.weights):,} of {self.part.records.size:,} records"
        error = float(np.abs(relative_residual(self.part.problem, self.solution.weights)).mean())
        totals = "1 target" if self.part.targets.size == 1 else f"{self.part.targets.size:,} targets"
        return f"{kept}, mean error {error:.3%} on {totals}; {ended}"

    @property
    def largest_error(self) -> float:
        """The largest relative error on the part's totals; infinite without weights."""
        if self.solution.weights is None or self.part.problem is None:
            return np.inf
        return float(np.max(np.abs(relative_residual(self.part.problem, self.solution.weights)), initial=0.0))


@dataclass(frozen=True, slots=True, eq=False)
class PartedSolution:
    """The weights of all parts, (n,), NaN in those without any, and what each part came to, in order."""

    weights: FloatArray
    parts: tuple[PartSolution, ...]

    def in_words(self) -> str:
        """One line: how many parts meet all of their totals, which do not, and how well those above are met."""
        own = [one for one in self.parts if one.part.label != ABOVE]
        missed = sorted((one for one in own if not one.largest_error <= MET), key=lambda one: -one.largest_error)
        told = f"{len(own) - len(missed):,} of {len(own):,} meet every total within {MET:.0%}"
        if missed:
            told += f"; not {some([one.part.label for one in missed])}"
        above = [one for one in self.parts if one.part.label == ABOVE]
        return told + "".join(f"; totals above them within {one.largest_error:.2g}" for one in above)

    def table(self) -> pd.DataFrame:
        """part, records, targets, status, message: a row per part."""
        import pandas as pd

        return pd.DataFrame(
            {
                "part": one.part.label,
                "records": one.part.records.size,
                "targets": one.part.targets.size,
                "status": str(one.solution.status),
                "message": one.solution.message,
            }
            for one in self.parts
        )

    def __repr__(self) -> str:
        """A line per part."""
        return "\n".join(f"{one.part.label}: {one.in_words()}" for one in self.parts)


def calibrate_by(
    problem: CalibrationProblem, partition: str | ArrayLike, *, jobs: int = 1, **options: Any
) -> PartedSolution:
    """The weights that `calibrate` gives each part of a problem, with its own records and its own targets.

    partition  a category of the records that the problem knows of (a column of the microdata), or a label per record
    jobs       processes that parts are spread over; the weights are the same for any number
    options    those of `calibrate`, for each part alike: a budget is a part's, in records or as a share of them

    Totals that cross parts need a method that solves a dual (`Method.by_dual`); the parts are then one problem, a
    budget is the whole's, and the last line of the result is about those totals. Raises `InputError` for totals that
    cross parts with any other method, and for what every part complains of alike.
    """
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise InputError(unknown[0], "unknown option", cure=did_you_mean(unknown[0], OPTIONS))
    if jobs < 1:
        raise InputError("jobs", "not a number of processes", expected="an integer ≥ 1", got=jobs)
    labels = labels_of(problem, partition) if isinstance(partition, str) else partition
    problem = with_categories(problem, options.get("method"))
    division = Partition.of(problem, labels)
    if division.crossing.size:
        return _under_shared_totals(division, options)
    cut = division.parts()
    warn_of_data(problem)
    found: dict[int, Solution | InputError] = {
        i: Solution.failed(Status.ERROR, "no target is about its records")
        for i, part in enumerate(cut)
        if part.problem is None
    }
    if jobs > 1 and options.get("threads") is None:
        options["threads"] = 1  # the cores are busy with other parts
    calls = [(i, part.problem, options) for i, part in enumerate(cut) if part.problem is not None]
    with in_processes(_fitted, calls, jobs) as ended:
        found |= dict(ended)
    refused = [solution for i, _, _ in calls if isinstance(solution := found[i], InputError)]
    if refused and len(refused) == len(calls):
        raise refused[0]
    weights, results = np.full(problem.n_records, np.nan), []
    for i, part in enumerate(cut):
        one = found[i]
        solution = Solution.failed(Status.ERROR, str(one)) if isinstance(one, InputError) else one
        said: tuple[str, ...] = ()
        if solution.weights is not None and part.problem is not None:
            weights[part.records] = solution.weights
            said = weight_warnings(part.problem, solution.weights)
        results.append(PartSolution(part, solution, said))
    return _warned(problem, PartedSolution(weights, tuple(results)))


def _under_shared_totals(division: Partition, options: Mapping[str, Any]) -> PartedSolution:
    """All parts as one problem; what each came to, and after them the totals above."""
    problem, above = division.problem, division.crossing
    check_by_dual(division, options.get("method"), options.get("params") or {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said part by part
        whole = calibrate(problem, **options)
    cut = division.parts(leave_crossing=True)
    cut.append(Part(ABOVE, np.arange(problem.n_records), above, problem.restrict(above)))
    found = []
    for part in cut:
        weights = None if whole.weights is None else whole.weights[part.records]
        said = () if weights is None or part.problem is None else weight_warnings(part.problem, weights)
        found.append(PartSolution(part, dataclasses.replace(whole, weights=weights, dual=None), said))
    nothing = np.full(problem.n_records, np.nan)
    return _warned(problem, PartedSolution(nothing if whole.weights is None else np.array(whole.weights), tuple(found)))


def check_by_dual(division: Partition, method: object, params: Mapping[str, Any], place: str = "partition") -> None:
    """Refuse totals that cross parts for a method that does not solve a dual."""
    if division.crossing.size and (method is None or not built(method, params)[1].by_dual):
        cure = "leave them out, or take anchored_l1, greg, raking or logit, which hold them"
        division.refuse_crossing(cure, place)


def labels_of(problem: CalibrationProblem, column: str) -> pd.Categorical:
    """The category of each record, (n,), in a column that the problem knows of; `InputError` where it is none."""
    import pandas as pd

    table = record_table(problem)
    if table is None:
        cure = "give a label per record from Python (calibrate_by)"
        raise InputError("partition", "nothing is known of the records", expected="microdata", cure=cure)
    if column not in table.columns:
        raise InputError("partition", f"no column '{column}'", cure=did_you_mean(column, map(str, table.columns)))
    values = table[column]
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        cure = f"let targets ask for it (where:{column}), or make it text"
        raise InputError("partition", f"'{column}' is an amount, not a category", cure=cure)
    if (missing := int(values.isna().sum())) > 0:
        raise InputError("partition", f"{missing:,} records without '{column}'", expected="one for each")
    return pd.Categorical(values if isinstance(values.dtype, pd.CategoricalDtype) else values.astype(str))


def _fitted(i: int, problem: CalibrationProblem, options: Mapping[str, Any]) -> tuple[int, Solution | InputError]:
    """One part, with its number; what it would warn of is said for all parts at the end."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return i, calibrate(problem, **options)
    except InputError as error:
        return i, error


def _warned(problem: CalibrationProblem, found: PartedSolution) -> PartedSolution:
    """The result, once it is said which parts are not what was asked for, and what is wrong with their weights."""
    for one in found.parts:
        place = f"problem '{problem.name}', part '{one.part.label}'"
        if not one.solution.status.ended_well:
            warnings.warn(f"{place}: {one.in_words()}", NotAsAskedWarning, stacklevel=3)
        for line in one.warnings:
            warnings.warn(f"{place}: {line}", WeightWarning, stacklevel=3)
    return found
