"""Dense log-space calibration: `min loss(w)` over `w = e^θ` by Adam, without gates: every weight stays positive.

What L0 methods do when nothing is to be dropped, and the dense starting point of many a production file. Deterministic;
the status is `completed` and there is no certificate (`dense_nnls` has one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.search_space import Between, OneOf, Space
from frontier.methods._log_space import LogSpace, compile_kernels
from frontier.methods.solution import Solution


@dataclass(frozen=True, kw_only=True)
class DenseAdam(LogSpace):
    """Hard Concrete without gates (`gates: false`): weights `w = e^θ` fitted by Adam, none of them zero.

    epochs, lr          Adam's length and step
    loss, cap           squared: `Σ ω r²`; capped: `Σ ω min(|r|, cap) / Σ ω`
    lam_l2, l2_on       λ₂, and what it multiplies: `Σ e^{2θ}` (scale) or `mean((w/w0)²)` (ratio)
    max_weight_ratio    hard cap on w/w0, held throughout
    conserve_total      weights are rescaled to Σw0, in training and after
    initial_weights     start weights, one number or one per record; default the problem's w0
    stop_tol, stop_every, stop_patience   early stopping (see `solvers.gates.schedule.EarlyStopping`); stop_tol 0: never
    device, precision   auto | cpu | cuda; float32 | float64
    trace_every, trace_targets   epochs between trace rows, 0: none; each with the estimate of every target
    """

    batch_over: ClassVar[frozenset[str]] = frozenset()
    stochastic: ClassVar[bool] = False
    axes: ClassVar[frozenset[Coordinate]] = frozenset()

    search_space: ClassVar[Space] = {
        "lr": Between(0.01, 0.3, log=True),
        "epochs": OneOf((500, 1000, 2000)),
        "loss": OneOf(("squared", "capped")),
        "max_weight_ratio": OneOf((None, 10.0, 100.0)),
    }

    def warm_up(self) -> None:
        compile_kernels(self.precision, self.device, gated=False)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        from frontier.solvers.gates.train import train
        from frontier.solvers.gates.training import Fit, Start

        self.check(points)
        self.check_problem(problem)
        start = Start(self.start_weights(problem), None)
        training = self.training(problem, start=lambda _: start)
        [found] = train(training, [Fit(0.0, 0)])
        return [self.solution(training, found, lam=0.0, claims={})] * len(points)
