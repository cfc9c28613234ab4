"""Compressing the dense file: a small one that keeps the targets and many generic totals of the whole calibrated file.

First the whole file is calibrated (anchored L1 at λ = 0): its weights v are what is worth keeping. Then records are
chosen so that they reproduce, beside the published totals y, the totals `S v` of auxiliary statistics S that the
problem carries (`CalibrationProblem.auxiliary`: numbers of records by category, in no published total):

    minimise ½ Σ ω_j r_j² + ½ Σ_k ω' ((S w − S v)_k/s_k)² + λ Σ P(z_i ≠ 0) + λ₂ mean((w/v)²),   s_k = t_k^(1−p) t̃^p

with t = S v, t̃ its median, p the `levelling`, and ω' so that the auxiliary rows weigh `share` times what the targets
do. Hard Concrete gates choose (`hard_concrete`, started at v); the weights of what they chose are then fitted again to
all rows, near v (`methods.refit`, anchor v scaled up). A selection that knows only the targets drops every record that
no target sees, and an estimate of anything else is then off by any amount; here what the categories see stays.

Without auxiliary statistics only the targets are kept, and the message says so. Generic totals are those of the dense
weights, not published ones: no truth is used. A coreset in the sense of Feldman & Langberg (2011): a weighted subset
that stands for the whole under a family of queries.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from annotated_types import Ge, Le

from frontier.core.arrays import FloatArray
from frontier.core.bounds import Bounds
from frontier.core.point import Coordinate, Point, reached
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Epochs, NonNegative, Positive
from frontier.core.search_space import Between, OneOf, Space
from frontier.core.status import Status
from frontier.methods._dense import dense_solution
from frontier.methods.base import Arm, Method
from frontier.methods.exact_size import refit_exactly
from frontier.methods.hard_concrete import HardConcreteCalibrator
from frontier.methods.solution import Solution
from frontier.objectives.distance import Box
from frontier.objectives.weight_statistics import active_count

LEAST_WEIGHT = 1e-3  # of the mean dense weight: what a record without any starts from, so that w/v is a ratio


@dataclass(frozen=True, kw_only=True)
class Coreset(Method):
    """`budget` records that stand for the whole calibrated file.

    penalty        μ of the dense weights (anchored L1, relative); None: its default
    share          what all auxiliary rows together weigh against all targets
    levelling      p: 0 judges every auxiliary total by its relative error, 1 all by the same number of records
    least_records  auxiliary rows with fewer records are left out
    pull           λ₂, to the dense weights
    final          whether the weights of the chosen records are fitted again (`refit`) or stay as they are (`gates`)
    rho            ρ of that refit (`methods.refit`): smaller, nearer to all totals
    exact          whether that refit ends at exactly the budget (`methods.exact_size`)
    bounds         of the weights, held by that refit (`core.bounds`)
    epochs, lr     Adam's length and step

    Claims the number of auxiliary rows and the worst relative error of them, and the λ that was found.
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"budget", "seed"})
    stochastic: ClassVar[bool] = True
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})
    holds: ClassVar[bool] = True
    auxiliary_too: ClassVar[bool] = True
    refit_from: ClassVar[Arm] = "none"  # a refit to the targets alone undoes it

    search_space: ClassVar[Space] = {
        "penalty": Between(1e-5, 0.1, log=True),
        "share": Between(0.1, 10.0, log=True),
        "levelling": Between(0.0, 1.0),
        "pull": Between(1e-4, 1.0, log=True),
        "rho": Between(1e-3, 10.0, log=True),
        "epochs": OneOf((1000, 2000, 4000)),
    }

    penalty: Positive | None = None
    share: NonNegative = 1.0
    levelling: Annotated[float, Ge(0), Le(1)] = 0.25
    least_records: Count = 10
    pull: NonNegative = 0.01
    final: Literal["refit", "gates"] = "refit"
    rho: Positive = 0.1
    exact: bool = False
    bounds: Bounds | None = None
    epochs: Epochs = 2000
    lr: Positive = 0.1

    @property
    def gates(self) -> HardConcreteCalibrator:
        """The selection."""
        return HardConcreteCalibrator(epochs=self.epochs, lr=self.lr, lam_l2=self.pull, l2_on="ratio")

    def check(self, points: Sequence[Point]) -> None:
        super().check(points)
        self.gates.check(points)

    def warm_up(self) -> None:
        """Compile the dense fit and the training."""
        self.gates.warm_up()

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """All points train as one batch; where the dense fit has no weights, every solution says so."""
        self.check(points)
        dense = dense_solution(problem, "anchored_l1", self.penalty)
        if dense.weights is None:
            return [Solution.failed(dense.status, f"dense weights: {dense.message}")] * len(points)
        whole = self.augmented(problem, dense.weights)
        rows = whole.n_targets - problem.n_targets
        found, box = [], self.bounds.box(problem.w0) if self.bounds else None
        for point, solution in zip(points, self.gates.solve(whole, points), strict=True):
            again = self.final == "refit" or box is not None
            chosen = self._fitted_again(whole, solution, point.budget or 0, box) if again else solution
            found.append(self._told(chosen, whole, rows, dense))
        return found

    def _fitted_again(self, whole: CalibrationProblem, solution: Solution, budget: int, box: Box | None) -> Solution:
        """The weights of the chosen records near the dense ones, unless too few of them are left with any."""
        size = budget if self.exact and budget else None
        found = refit_exactly(whole, solution, size, "initial", rho=self.rho, box=box)
        if found.status is Status.TIMEOUT:
            return dataclasses.replace(solution.with_note("without the last fit"), status=Status.TIMEOUT)
        if box is not None:  # what is not within it is no answer
            ended = solution.status if found.status is Status.OPTIMAL else found.status
            return dataclasses.replace(solution, weights=found.weights, status=ended)
        weights = found.weights
        if weights is None or found.status is not Status.OPTIMAL or not reached(active_count(weights), budget):
            return solution
        return dataclasses.replace(solution, weights=weights)

    def augmented(self, problem: CalibrationProblem, dense: FloatArray) -> CalibrationProblem:
        """The targets, then the auxiliary totals of the dense weights, which are the initial ones here."""
        start = np.maximum(dense, LEAST_WEIGHT * float(dense.mean()))
        empty = sp.csr_array((0, problem.n_records))
        rows = empty if problem.auxiliary is None or self.share == 0 else problem.auxiliary
        rows = rows[np.diff(rows.indptr) >= self.least_records]
        totals = np.asarray(rows @ dense)
        rows, totals = rows[totals > 0], totals[totals > 0]
        middle = float(np.median(totals)) if totals.size else 1.0
        weight = self.share * float(problem.importance.sum()) / max(totals.size, 1)
        return CalibrationProblem(
            problem.name,
            sp.csr_array(sp.vstack([problem.M, rows])),
            np.append(problem.y, totals),
            start,
            scale=np.append(problem.scale, totals ** (1 - self.levelling) * middle**self.levelling),
            importance=np.append(problem.importance, np.full(totals.size, weight)),
        )

    def _told(self, solution: Solution, whole: CalibrationProblem, rows: int, dense: Solution) -> Solution:
        """The solution as one of the problem itself: it declares no objective that its targets alone would define."""
        claims = dict(solution.claims) | {"auxiliary_rows": rows}
        if solution.weights is not None and rows:
            error = np.abs(whole.M @ solution.weights - whole.y)[-rows:] / whole.y[-rows:]
            claims |= {"mean_auxiliary_error": float(error.mean()), "worst_auxiliary_error": float(error.max())}
        told = dataclasses.replace(solution, objective=None, dual=None, claims=claims, point=None)
        if not rows:
            told = told.with_note("no auxiliary statistics: only the targets are kept")
        if dense.status in (Status.NOT_CONVERGED, Status.TIMEOUT):
            told = dataclasses.replace(told.with_note(f"dense weights: {dense.message}"), status=dense.status)
        return told
