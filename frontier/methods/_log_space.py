"""What the log-space methods share: checks of common parameters, the task they train, the solution they return.

Not a method: `hard_concrete` and `dense_adam` are configured apart and trained by the same engines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem, FloatArray
from frontier.core.status import Status
from frontier.methods.solution import Claim, Solution
from frontier.objectives.l0 import L0Objective
from frontier.solvers.gates.gates import HardConcrete, TestGate
from frontier.solvers.gates.loss import LossName, data_loss
from frontier.solvers.gates.schedule import Device, EarlyStopping, Precision, Schedule, Temperature

if TYPE_CHECKING:
    from frontier.solvers.gates.monitor import CellFit
    from frontier.solvers.gates.task import Start, Task

Ridge = Literal["scale", "ratio"]
START_OFFSET = 1e-8  # e^θ = w0 + 1e-8, as in l0-python
TOTAL_TOLERANCE = 1e-6  # relative: a conserved total that float64 rescaling has not reached is one that caps forbid


class LogSpace(Protocol):
    """The parameters that both methods have."""

    @property
    def loss(self) -> LossName: ...
    @property
    def cap(self) -> float: ...
    @property
    def lam_l2(self) -> float: ...
    @property
    def l2_on(self) -> Ridge: ...
    @property
    def max_weight_ratio(self) -> float | None: ...
    @property
    def conserve_total(self) -> bool: ...
    @property
    def initial_weights(self) -> float | tuple[float, ...] | None: ...
    @property
    def epochs(self) -> int: ...
    @property
    def lr(self) -> float: ...
    @property
    def stop_tol(self) -> float: ...
    @property
    def stop_every(self) -> int: ...
    @property
    def stop_patience(self) -> int: ...
    @property
    def device(self) -> Device: ...
    @property
    def precision(self) -> Precision: ...
    @property
    def trace_every(self) -> int: ...


def schedule(method: LogSpace) -> Schedule:
    """How long and where the method trains; `InputError` for settings that make no schedule."""
    return Schedule(
        epochs=method.epochs,
        lr=method.lr,
        device=method.device,
        precision=method.precision,
        trace_every=method.trace_every,
        stopping=EarlyStopping(tol=method.stop_tol, every=method.stop_every, patience=method.stop_patience),
    )


def check(method: LogSpace) -> None:
    """`InputError` for a parameter that both methods would refuse."""
    if not method.lam_l2 >= 0:
        raise InputError("lam_l2", "negative", expected="a number ≥ 0", got=method.lam_l2)
    if not method.cap > 0:
        raise InputError("cap", "not a cap", expected="a number > 0", got=method.cap)
    ratio = method.max_weight_ratio
    if ratio is not None and not (np.isfinite(ratio) and ratio > 0):
        raise InputError("max_weight_ratio", "not a ratio", expected="a number > 0", got=ratio)
    if method.conserve_total and method.lam_l2:
        raise InputError(
            "lam_l2",
            "not together with conserve_total: weights are rescaled, so their size cannot be penalised",
            cure="drop one; max_weight_ratio bounds weights with a conserved total",
        )
    if method.initial_weights is not None and not (np.ravel(method.initial_weights) >= 0).all():
        raise InputError("initial_weights", "negative weights", expected="numbers ≥ 0")


def compile_kernels(precision: Precision, device: Device, *, gated: bool) -> None:
    """Import and compile what a fit will call, for every width of block."""
    from frontier.solvers.gates.train import cuda_asked
    from frontier.solvers.gates.warm import warm

    if not cuda_asked(device):
        warm(precision, gated=gated)


def start_weights(initial_weights: float | tuple[float, ...] | None, problem: CalibrationProblem) -> FloatArray:
    """`e^θ` at the start (n): the initial weights, moved off 0."""
    n = problem.n_records
    start = problem.w0 if initial_weights is None else np.asarray(initial_weights, dtype=np.float64)
    if start.ndim and start.shape != (n,):
        raise InputError("initial_weights", "wrong length", expected=f"one number or {n} (records)", got=start.shape)
    return np.broadcast_to(start + START_OFFSET, (n,))


def task(
    method: LogSpace,
    problem: CalibrationProblem,
    *,
    start: Callable[[int], Start],
    gates: HardConcrete | None = None,
    temperature: Temperature | None = None,
    test_gate: TestGate = "tempered",
) -> Task:
    """The fit of a training problem; `InputError` where the problem and the parameters do not go together."""
    from frontier.solvers.gates.task import Task

    ridge = None
    if method.lam_l2 and method.l2_on == "ratio":
        if not (problem.w0 > 0).all():
            zero = int(np.count_nonzero(problem.w0 == 0))
            raise InputError("l2_on", f"{zero} records have w0 = 0, so no w/w0", cure="use l2_on: scale")
        ridge = 2 * method.lam_l2 / (problem.n_records * problem.w0**2)
    return Task(
        loss=data_loss(problem, method.loss, cap=method.cap, conserve_total=method.conserve_total),
        schedule=schedule(method),
        start=start,
        gates=gates,
        temperature=temperature,
        test_gate=test_gate,
        lam_l2=method.lam_l2 if method.l2_on == "scale" else 0.0,
        ridge=ridge,
        limit=None if method.max_weight_ratio is None else method.max_weight_ratio * problem.w0,
    )


def lam_ref(trained: Task) -> float:
    """The data term at w = 0 per record: a λ at which keeping the average record cannot pay."""
    nothing = np.zeros((len(trained.loss.design.b), 1))
    return float(trained.loss.value(nothing)[0]) / trained.n_records or 1.0


def solution(method: LogSpace, trained: Task, found: CellFit, *, lam: float, claims: Mapping[str, Claim]) -> Solution:
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
            f"active records at their max_weight_ratio sum to {weights.sum():.6g}, not to the total {total:.6g}: raise "
            "max_weight_ratio, lower λ or drop conserve_total"
        )
        return Solution.failed(Status.INFEASIBLE, message)
    ratio = method.lam_l2 if method.l2_on == "ratio" else 0.0
    cap = method.cap if method.loss == "capped" else None
    status, message = Status.COMPLETED, ""
    if found.settled:
        status, message = Status.STOPPED_EARLY, f"settled after {found.epochs} epochs"
    elif found.cut:
        status, message = Status.TIMEOUT, f"{found.epochs} of {method.epochs} epochs"
    return Solution(
        weights=weights,
        status=status,
        n_iter=found.epochs,
        message=message,
        objective=L0Objective(lam, trained.lam_l2, lam_ratio=ratio, cap=cap),
        trace=found.trace,
        claims=claims,
    )
