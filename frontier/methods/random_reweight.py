"""Uniform random subset, calibrated: keep k records drawn without replacement and refit their weights.

The weights start at the initial weights scaled up to the whole file's total, and are fitted to the training targets by
the gate-free log-space Adam fit of `frontier.solvers.gates.train`, so they stay positive and the size stays exactly k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from frontier.core import random
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Epochs, Number, Positive
from frontier.core.search_space import Between, OneOf, Space
from frontier.core.status import Status
from frontier.methods._log_space import compile_kernels
from frontier.methods.base import Arm, Method
from frontier.methods.solution import Solution
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.objectives.least_squares import LeastSquares
from frontier.solvers.gates.loss import SQUARED, DataLoss
from frontier.solvers.gates.schedule import Device, Precision, Schedule


@dataclass(frozen=True, kw_only=True)
class RandomReweight(Method):
    """Uniform subset of `budget` records, reweighted. One permutation per seed: subsets are nested along budgets.

    epochs, lr          length and step of the Adam fit of the subset's weights
    device, precision   auto | cpu | cuda; float32 | float64
    trace_every         epochs between trace rows; 0: none
    """

    stochastic: ClassVar[bool] = True
    refit_from: ClassVar[Arm] = "none"  # fitted already
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})

    search_space: ClassVar[Space] = {
        "lr": Between(0.005, 0.5, log=True),
        "epochs": OneOf((500, 1000, 2000)),
    }

    epochs: Epochs = 1_000
    lr: Positive = 0.05
    device: Device = "cpu"
    precision: Precision = "float64"
    trace_every: Number = 0

    @property
    def schedule(self) -> Schedule:
        return Schedule(
            epochs=self.epochs,
            lr=self.lr,
            device=self.device,
            precision=self.precision,
            trace_every=self.trace_every,
        )

    def warm_up(self) -> None:
        compile_kernels(self.precision, self.device, gated=False)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        self.check(points)
        design = weighted_design(problem)
        columns = sp.csc_array(design.A)
        return [self._one(problem, design, columns, point) for point in points]

    def _one(
        self, problem: CalibrationProblem, design: WeightedDesign, columns: sp.csc_array, point: Point
    ) -> Solution:
        from frontier.solvers.gates.train import train
        from frontier.solvers.gates.training import Fit, Start, Training

        assert point.budget is not None
        assert point.seed is not None
        usable = np.flatnonzero(problem.w0 > 0)  # log-space weights cannot start at 0
        if point.budget > len(usable):
            return Solution.failed(
                Status.INFEASIBLE, f"budget {point.budget} exceeds the {len(usable)} records with a positive w0"
            )
        generator = random.generator(point.seed, random.STREAM_SUBSET)
        support = np.sort(generator.permutation(usable)[: point.budget])
        start = problem.w0[support] * (problem.w0.sum() / problem.w0[support].sum())
        restricted = WeightedDesign(sp.csr_array(columns[:, support]), design.b)
        loss = DataLoss(restricted, np.ones(len(design.b)), SQUARED, np.inf, 0.0, np.sqrt(problem.importance))
        [result] = train(
            Training(loss=loss, schedule=self.schedule, start=lambda _: Start(start, None)), [Fit(0.0, point.seed)]
        )
        if result.cut and result.epochs < 1:
            return Solution.not_begun()
        fitted = result.weights
        if not np.isfinite(fitted).all():
            return Solution.failed(Status.ERROR, "weights became NaN or infinite: lower lr")
        weights = np.zeros(problem.n_records)
        weights[support] = fitted
        return Solution(
            weights=weights,
            status=Status.TIMEOUT if result.cut else Status.COMPLETED,
            n_iter=result.epochs,
            message=f"{result.epochs} of {self.epochs} epochs" if result.cut else "",
            objective=LeastSquares(),
            trace=result.trace,
        )
