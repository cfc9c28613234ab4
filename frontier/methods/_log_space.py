"""What the log-space methods share: their parameters, the training of a problem, the solution they return.

Not a method: `hard_concrete`, `dense_adam` and `dense_adam_noise` are configured apart and trained by the same engines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Epochs, NonNegative, Number, Positive
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.solution import Claim, Solution
from frontier.objectives.l0 import L0Objective
from frontier.solvers.gates.gates import HardConcrete, TestGate
from frontier.solvers.gates.loss import LossName, data_loss
from frontier.solvers.gates.schedule import Device, EarlyStopping, Precision, Schedule, Temperature

if TYPE_CHECKING:
    from frontier.solvers.gates.monitor import Fitted
    from frontier.solvers.gates.training import Mask, Start, Training

Ridge = Literal["scale", "ratio"]
START_OFFSET = 1e-8  # e^θ = w0 + 1e-8, as in l0-python
TOTAL_TOLERANCE = 1e-6  # relative: a conserved total that float64 rescaling has not reached is one that caps forbid


@dataclass(frozen=True, kw_only=True)
class LogSpace(Method):
    """The parameters that all of them have; their own files say what they mean."""

    epochs: Epochs = 2_000
    lr: Positive = 0.1
    loss: LossName = "squared"
    cap: Positive = 1.0
    lam_l2: NonNegative = 0.0
    l2_on: Ridge = "scale"
    max_weight_ratio: Positive | None = None
    conserve_total: bool = False
    initial_weights: NonNegative | tuple[NonNegative, ...] | None = None
    stop_tol: Annotated[float, Ge(0), "0: never stop early"] = 0.0
    stop_every: Count = 50
    stop_patience: Count = 3
    device: Device = "auto"
    precision: Precision = "float32"
    trace_every: Number = 0
    trace_targets: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.conserve_total and self.lam_l2:
            raise InputError(
                "lam_l2",
                "not together with conserve_total: weights are rescaled, so their size cannot be penalised",
                cure="drop one; max_weight_ratio bounds weights with a conserved total",
            )

        if self.trace_targets and not self.trace_every:
            raise InputError("trace_targets", "nothing is traced", cure="set trace_every, the epochs between two rows")

    @property
    def schedule(self) -> Schedule:
        """How long and where the method trains."""
        return Schedule(
            epochs=self.epochs,
            lr=self.lr,
            device=self.device,
            precision=self.precision,
            trace_every=self.trace_every,
            stopping=EarlyStopping(tol=self.stop_tol, every=self.stop_every, patience=self.stop_patience),
        )

    def check_problem(self, problem: CalibrationProblem) -> None:
        """Refuse initial weights for another number of records, and ratios to initial weights of 0."""
        n, given = problem.n_records, np.asarray(self.initial_weights).shape
        if given not in ((), (n,)):
            raise InputError("initial_weights", "wrong length", expected=f"one number or {n} (records)", got=given)
        if self.lam_l2 and self.l2_on == "ratio" and not (problem.w0 > 0).all():
            zero = int(np.count_nonzero(problem.w0 == 0))
            raise InputError("l2_on", f"{zero} records have w0 = 0, so no w/w0", cure="use l2_on: scale")

    def start_weights(self, problem: CalibrationProblem) -> FloatArray:
        """`e^θ` at the start (n): the initial weights, moved off 0."""
        start = problem.w0 if self.initial_weights is None else np.asarray(self.initial_weights, dtype=np.float64)
        return np.broadcast_to(start + START_OFFSET, (problem.n_records,))

    def training(
        self,
        problem: CalibrationProblem,
        *,
        start: Callable[[int], Start],
        gates: HardConcrete | None = None,
        temperature: Temperature | None = None,
        test_gate: TestGate = "tempered",
        mask: Mask | None = None,
    ) -> Training:
        """The fit of a training problem."""
        from frontier.solvers.gates.training import Training

        ridge = None
        if self.lam_l2 and self.l2_on == "ratio":
            ridge = 2 * self.lam_l2 / (problem.n_records * problem.w0**2)
        return Training(
            loss=data_loss(problem, self.loss, cap=self.cap, conserve_total=self.conserve_total),
            schedule=self.schedule,
            start=start,
            gates=gates,
            temperature=temperature,
            test_gate=test_gate,
            lam_l2=self.lam_l2 if self.l2_on == "scale" else 0.0,
            ridge=ridge,
            limit=None if self.max_weight_ratio is None else self.max_weight_ratio * problem.w0,
            mask=mask,
            traced=problem.M if self.trace_targets else None,
        )

    def solution(self, trained: Training, found: Fitted, *, lam: float, claims: Mapping[str, Claim]) -> Solution:
        """A finished cell as a solution; failures become a status with the cure."""
        weights = found.weights
        if found.cut and found.epochs < 1:
            return Solution.not_begun()
        if not np.isfinite(weights).all():
            message = f"weights became NaN or infinite at λ = {lam:g}: lower lr or use precision: float64"
            return Solution.failed(Status.ERROR, message)
        total = trained.loss.total
        if total and abs(weights.sum() - total) > TOTAL_TOLERANCE * total:
            message = (
                f"active records at their max_weight_ratio sum to {weights.sum():.6g}, not to the total {total:.6g}: "
                "raise max_weight_ratio, lower λ or drop conserve_total"
            )
            return Solution.failed(Status.INFEASIBLE, message)
        ratio = self.lam_l2 if self.l2_on == "ratio" else 0.0
        cap = self.cap if self.loss == "capped" else None
        status, message = Status.COMPLETED, ""
        if found.settled:
            status, message = Status.STOPPED_EARLY, f"settled after {found.epochs} epochs"
        elif found.cut:
            status, message = Status.TIMEOUT, f"{found.epochs} of {self.epochs} epochs"
        return Solution(
            weights=weights,
            status=status,
            n_iter=found.epochs,
            message=message,
            objective=L0Objective(lam, trained.lam_l2, lam_ratio=ratio, cap=cap),
            trace=found.trace,
            claims=claims,
        )


def compile_kernels(precision: Precision, device: Device, *, gated: bool) -> None:
    """Import and compile what a fit will call, for every width of block."""
    from frontier.solvers.gates.train import cuda_asked
    from frontier.solvers.gates.warm import warm

    if not cuda_asked(device):
        warm(precision, gated=gated)


def lam_ref(trained: Training) -> float:
    """The data term at w = 0 per record: a λ at which keeping the average record cannot pay."""
    nothing = np.zeros((len(trained.loss.design.b), 1))
    return float(trained.loss.value(nothing)[0]) / trained.n_records or 1.0
