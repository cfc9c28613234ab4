"""What the three classical calibration methods share: they differ by the distance that they minimise."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.bounds import Bounds
from frontier.core.limits import OutOfTime, at_most
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Positive, Share
from frontier.core.search_space import Between, Space
from frontier.core.status import Status
from frontier.methods.base import Arm, Method
from frontier.methods.solution import Solution
from frontier.objectives.design import relative_residual
from frontier.objectives.distance import DistanceObjective
from frontier.objectives.interval import IntervalObjective
from frontier.solvers.dual.bounds_hint import tightest
from frontier.solvers.dual.calibrate import Calibration, calibrate

SMALL = 1_000_000  # entries of M, for which a hint about bounds takes seconds at most
HINT_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Classical(Method):
    """Calibration in a distance from the initial weights, `distance`, exact (relax None) or relaxed."""

    axes: ClassVar[frozenset[Coordinate]] = frozenset()
    by_dual: ClassVar[bool] = True
    refit_from: ClassVar[Arm] = "none"  # all records are fitted; those at 0 were left out by the distance

    search_space: ClassVar[Space] = {"relax": Between(1e-3, 100.0, log=True)}

    relax: Annotated[Positive, "null calibrates exactly"] | None = None
    tol: Share = 1e-9
    max_iter: Count = 500

    @property
    def bounds(self) -> Bounds | None:
        """Of the weights themselves, where the method has a field of this name."""
        return None

    @property
    @abstractmethod
    def distance(self) -> DistanceObjective:
        """What is minimised, with its bounds."""

    def warm_up(self) -> None:
        """Solve one target with one record, which compiles the normal matrix."""
        self.solve(CalibrationProblem("warm-up", sp.csr_array([[1.0]]), np.array([1.5]), np.ones(1)), [Point()])

    def solve(
        self, problem: CalibrationProblem, points: Sequence[Point], start: FloatArray | None = None
    ) -> list[Solution]:
        """One deterministic solve, returned for every point; negative weights end in `error` unless asked for.

        `start` is the dual solution of a problem near this one (`sweep/replicates.py`).
        """
        self.check(points)
        found, objective = self._calibrated(problem, start)
        negative = int(np.count_nonzero(found.weights < 0))
        if found.ended == "infeasible":
            message = "; ".join(filter(None, (found.message, self._room(problem))))
            return [Solution(None, Status.INFEASIBLE, found.n_iter, message)] * len(points)
        if negative and not self.signed:
            smallest = float(np.min(found.weights))
            cure = "set lower: 0, or use raking or logit; negative: true keeps them"
            message = f"{negative} weights are negative (smallest {smallest:.3g}): {cure}"
            return [Solution(None, Status.ERROR, found.n_iter, message)] * len(points)
        solution = Solution(
            weights=found.weights,
            status=Status.OPTIMAL if found.ended == "converged" else Status.unconverged(),
            n_iter=found.n_iter,
            message=found.message,
            objective=objective,
            dual=found.theta,
            claims={"max_relative_residual": float(np.max(np.abs(relative_residual(problem, found.weights))))},
        )
        return [solution] * len(points)

    def _room(self, problem: CalibrationProblem) -> str:
        """Which bounds would do, where there are any too tight and the linear programme is small."""
        if self.distance.upper is None or problem.tolerance is not None or problem.M.nnz > SMALL:
            return ""
        try:
            found = tightest(problem, at_most(HINT_SECONDS))
        except OutOfTime:
            return ""
        if found is None:
            return "no other bounds would help"
        return f"the tightest bounds around 1 that are feasible: {found[0]:.4g} to {found[1]:.4g}"

    def _calibrated(
        self, problem: CalibrationProblem, start: FloatArray | None
    ) -> tuple[Calibration, DistanceObjective | IntervalObjective]:
        """The dual solution; exact calibration is one to intervals where targets have tolerances."""
        box = self.bounds.box(problem.w0) if self.bounds else None
        distance = dataclasses.replace(self.distance, q=problem.q, box=box)
        if self.relax is not None or problem.tolerance is None or not problem.tolerance.any():
            found = calibrate(problem, distance, tol=self.tol, max_iter=self.max_iter, start=start)
            return found, distance
        within = IntervalObjective(distance, problem.tolerance)
        whole, slack = within.augmented(problem), within.with_slack
        found = calibrate(whole, slack, tol=self.tol, max_iter=self.max_iter, start=start)
        return dataclasses.replace(found, weights=found.weights[: problem.n_records]), within
