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
from frontier.methods import _log_space
from frontier.methods.base import Method
from frontier.methods.solution import Solution
from frontier.solvers.gates.loss import LossName
from frontier.solvers.gates.schedule import Device, Precision, Schedule


@dataclass(frozen=True, kw_only=True)
class DenseAdam(Method):
    """Hard Concrete without gates (`gates: false`): weights `w = e^θ` fitted by Adam, none of them zero.

    epochs, lr          Adam's length and step
    loss, cap           squared: `Σ ω r²`; capped: `Σ ω min(|r|, cap) / Σ ω`
    lam_l2, l2_on       λ₂, and what it multiplies: `Σ e^{2θ}` (scale) or `mean((w/w0)²)` (ratio)
    max_weight_ratio    hard cap on w/w0, held throughout
    conserve_total      weights are rescaled to Σw0, in training and after
    initial_weights     start weights, one number or one per record; default the problem's w0
    stop_tol, stop_every, stop_patience   early stopping (see `solvers.gates.schedule.EarlyStopping`); stop_tol 0: never
    device, precision   auto | cpu | cuda; float32 | float64
    trace_every         epochs between trace rows; 0: none
    """

    batch_over: ClassVar[frozenset[str]] = frozenset()
    stochastic: ClassVar[bool] = False
    axes: ClassVar[frozenset[Coordinate]] = frozenset()

    epochs: int = 2_000
    lr: float = 0.1
    loss: LossName = "squared"
    cap: float = 1.0
    lam_l2: float = 0.0
    l2_on: _log_space.Ridge = "scale"
    max_weight_ratio: float | None = None
    conserve_total: bool = False
    initial_weights: float | tuple[float, ...] | None = None
    stop_tol: float = 0.0
    stop_every: int = 50
    stop_patience: int = 3
    device: Device = "auto"
    precision: Precision = "float32"
    trace_every: int = 0

    def __post_init__(self) -> None:
        _ = self.schedule  # validated by being built
        _log_space.check(self)

    @property
    def schedule(self) -> Schedule:
        return _log_space.schedule(self)

    def warm_up(self) -> None:
        _log_space.compile_kernels(self.precision, self.device, gated=False)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        from frontier.solvers.gates.task import Cell, Start
        from frontier.solvers.gates.train import fit

        self.check(points)
        start = Start(_log_space.start_weights(self.initial_weights, problem), None)
        task = _log_space.task(self, problem, start=lambda _: start)
        [found] = fit(task, [Cell(0.0, 0)])
        return [_log_space.solution(self, task, found, lam=0.0, claims={})] * len(points)
