"""Replicates of a fit: every one is calibrated again by the same method, to the same targets, from its own weights.

A replicate is the problem with its initial weights times the replicate's factors (`solvers/sampling/replicates.py`),
without the records that have none. Classical calibration of all records starts at the dual solution of the whole file;
every other fit is repeated whole: selection, refit and a seed of its own, s + 1 + r. Nothing depends on the replicate
before, so results are the same whatever the number of processes. A replicate that cannot be calibrated is data: it
has NaN estimates, and its status and message are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.processes import in_processes
from frontier.core.resampling import with_factors
from frontier.core.status import SETTLED, Status
from frontier.methods._classical import Classical
from frontier.methods.solution import Solution
from frontier.problems.records.estimates import Estimates
from frontier.solvers.sampling.replicates import Replicates
from frontier.sweep.measure import failure, limited_threads
from frontier.sweep.progress import SweepProgress
from frontier.sweep.solve import calibrate, said_elsewhere

PORTIONS = 8  # for each process: the last to end are not waited for long, and M is sent that often


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How weights are made: by a classical method of all records, or by what `sweep.solve.calibrate` is told.

    start  the dual solution of the whole file (m), where there is one
    seed   of the whole file's fit; None: the method has none
    """

    method: Classical | None = None
    start: FloatArray | None = None
    told: Mapping[str, Any] | None = None
    seed: int | None = None

    def of(self, problem: CalibrationProblem, number: int) -> Solution:
        """The weights of replicate `number`; whatever goes wrong is a solution without any."""
        try:
            if self.method is not None:
                [found] = self.method.solve(problem, [Point()], start=self.start)
                return found
            with said_elsewhere():
                seed = None if self.seed is None else self.seed + 1 + number
                return calibrate(problem, **{**(self.told or {}), "seed": seed, "threads": 1})
        except Exception as error:  # noqa: BLE001  # failures are data
            return failure(error)


@dataclass(frozen=True, slots=True, eq=False)
class Replicated:
    """Estimates of every replicate (R, K), NaN where it failed; (number, status, message) of those that did.

    `weights` (n, R) where they were asked for, 0 of a record that is not in a replicate; NaN where it failed.
    """

    estimates: FloatArray
    failures: tuple[tuple[int, Status, str], ...]
    weights: FloatArray | None = None


def replicated(
    problem: CalibrationProblem,
    statistics: Estimates,
    replicates: Replicates,
    fit: Fit | None,
    *,
    keep_weights: bool = False,
    jobs: int = 1,
    quiet: bool = True,
) -> Replicated:
    """Every replicate, fitted by `fit` and estimated from; without a fit, its weights as they are."""
    R = len(replicates)
    size = 1 if fit and fit.method is None else max(1, R // (jobs * PORTIONS))
    portions = [range(first, min(first + size, R)) for first in range(0, R, size)]
    calls = [(problem, statistics, replicates, fit, keep_weights, part) for part in portions]
    found: dict[int, _One] = {}
    with in_processes(_some, calls, jobs) as parts, SweepProgress(R, 0, quiet=quiet, unit="replicates") as progress:
        for part in parts:
            found |= {one.number: one for one in part}
            progress.advance("replicates", len(part), sum(one.failed for one in part))
    ordered = [found[r] for r in range(R)]
    return Replicated(
        np.array([one.estimates for one in ordered]),
        tuple((one.number, one.status, one.message) for one in ordered if one.failed),
        np.column_stack([one.weights for one in ordered if one.weights is not None]) if keep_weights else None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _One:
    number: int
    status: Status
    message: str
    estimates: FloatArray
    weights: FloatArray | None

    @property
    def failed(self) -> bool:
        return self.status not in SETTLED  # weights of another size than asked for are an estimate too


def _some(
    problem: CalibrationProblem,
    statistics: Estimates,
    replicates: Replicates,
    fit: Fit | None,
    keep: bool,
    numbers: Sequence[int],
) -> list[_One]:
    """Some replicates, one after the other, on one thread."""
    found = []
    with limited_threads(1):
        for r in numbers:
            factors = replicates.factors(r)
            if fit is None:
                solution = Solution(problem.w0 * factors, Status.COMPLETED)
            else:
                solution = fit.of(with_factors(problem, factors), r)
            whole = np.full(problem.n_records, np.nan)
            estimates = np.full(len(statistics), np.nan)
            if solution.weights is not None and solution.status in SETTLED:
                whole[:] = 0.0
                whole[np.flatnonzero(factors) if fit else slice(None)] = solution.weights
                estimates = statistics.of(whole)
            message = solution.message or solution.status.meaning
            found.append(_One(r, solution.status, message, estimates, whole if keep else None))
    return found
