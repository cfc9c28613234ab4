"""Hard Concrete L0 calibration: `min Σ ω_j r_j² + λ Σ P(z_i ≠ 0) + λ₂ Σ e^{2θ_i}`, `w_i = e^{θ_i} z_i`.

Gates of Louizos, Welling & Kingma (2018) trained by Adam, the objective of `l0-python` (so its λ grids carry over). The
whole λ × seed grid is one batch. Non-convex: the status is `completed` and there is no certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frontier.errors import InputError
from frontier.l0.gates import KEEP_PROB_MARGIN, HardConcrete, TestGate, start_log_alpha
from frontier.l0.noise import STREAM_LOG_ALPHA, STREAM_LOG_WEIGHT, normal
from frontier.l0.schedule import Device, Precision, Schedule
from frontier.methods.base import Method, Point, Solution, Status
from frontier.objective import L0Objective, weighted_design
from frontier.problem import CalibrationProblem, FloatArray

LOG_WEIGHT_OFFSET = 1e-8  # θ = log(w0 + 1e-8): DESIGN section 2, as l0-python


@dataclass(frozen=True, kw_only=True)
class HardConcreteCalibrator(Method):
    """Hard Concrete gates on log-space weights.

    epochs, lr            Adam's length and step; fewer epochs than a gate needs to close is an `InputError`
    init_keep_prob        start probability of keeping, one number or one per record
    initial_weights       start weights, one number or one per record; default the problem's w0
    temperature, gamma, zeta   β, γ, ζ of the distribution
    lam_l2                λ₂ on e^{2θ}
    log_alpha_jitter_sd, log_weight_jitter_sd   start noise on α and θ, from the seed
    test_gate             tempered (l0-python) or untempered (Louizos et al.) gate after training
    device, precision     auto | cpu | cuda; float32 | float64
    trace_every           epochs between trace rows; 0: none
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam", "seed"})
    stochastic: ClassVar[bool] = True

    epochs: int = 2_000
    lr: float = 0.1
    init_keep_prob: float | tuple[float, ...] = 0.99
    initial_weights: float | tuple[float, ...] | None = None
    temperature: float = 2 / 3
    gamma: float = -0.1
    zeta: float = 1.1
    lam_l2: float = 0.0
    log_alpha_jitter_sd: float = 0.01
    log_weight_jitter_sd: float = 0.0
    test_gate: TestGate = "tempered"
    device: Device = "auto"
    precision: Precision = "float32"
    trace_every: int = 0

    def __post_init__(self) -> None:
        _ = self.gates, self.schedule  # validated by being built
        for name in ("lam_l2", "log_alpha_jitter_sd", "log_weight_jitter_sd"):
            if not getattr(self, name) >= 0:
                raise InputError(name, "negative", expected="a number ≥ 0", got=getattr(self, name))
        keep_prob = np.ravel(self.init_keep_prob)
        start_log_alpha(keep_prob, len(keep_prob))
        if self.initial_weights is not None and not (np.ravel(self.initial_weights) >= 0).all():
            raise InputError("initial_weights", "negative weights", expected="numbers ≥ 0")

    @property
    def gates(self) -> HardConcrete:
        return HardConcrete(temperature=self.temperature, gamma=self.gamma, zeta=self.zeta)

    @property
    def schedule(self) -> Schedule:
        return Schedule(
            epochs=self.epochs,
            lr=self.lr,
            device=self.device,
            precision=self.precision,
            trace_every=self.trace_every,
        )

    def check(self, points: Sequence[Point]) -> None:
        """Also refuse a run too short for a gate to close: its λ could never drop a record (DESIGN section 2)."""
        Method.check(self, points)
        keep_prob = float(min(np.max(self.init_keep_prob), 1 - KEEP_PROB_MARGIN))
        needed = self.gates.epochs_to_close(keep_prob, self.lr)
        if self.epochs < needed and any(point.lam for point in points):
            raise InputError(
                "epochs",
                "fewer than a gate needs to close",
                expected=f"at least {needed} = (logit {keep_prob:g} + β log(−ζ/γ))/lr",
                got=self.epochs,
                cure="raise epochs or lr, or lower init_keep_prob",
            )

    def warm_up(self) -> None:
        import frontier.l0.fit as trainer

        trainer.resolve_device(self.device)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """Train all points as one batch; each solution is the test-time gated weights of its cell."""
        from frontier.l0.fit import Gates, fit

        self.check(points)
        n = problem.n_records
        lams = [float(point.lam) for point in points if point.lam is not None]
        seeds = [point.seed for point in points if point.seed is not None]
        result = fit(
            weighted_design(problem),
            np.column_stack([self._start_log_weight(problem, seed) for seed in seeds]),
            self.schedule,
            Gates(
                distribution=self.gates,
                log_alpha=np.column_stack([self._start_log_alpha(n, seed) for seed in seeds]),
                lams=np.array(lams),
                seeds=tuple(seeds),
                lam_l2=self.lam_l2,
            ),
        )
        assert result.log_alpha is not None
        gate = self.gates.test_gate(result.log_alpha, self.test_gate)
        weights = np.exp(result.log_weight) * gate
        expected = self.gates.keep_probability(result.log_alpha).sum(axis=0)
        return [
            self._solution(lams[cell], weights[:, cell], float(expected[cell]), result.trace_of(cell))
            for cell in range(len(points))
        ]

    def _solution(self, lam: float, weights: FloatArray, expected: float, trace: dict[str, FloatArray]) -> Solution:
        if not np.isfinite(weights).all():
            message = f"weights became NaN or infinite at λ = {lam:g}: lower lr or use precision: float64"
            return Solution.failed(Status.ERROR, message)
        return Solution(
            weights=weights,
            status=Status.COMPLETED,
            n_iter=self.epochs,
            objective=L0Objective(lam, self.lam_l2),
            trace=trace,
            claims={"expected_active": expected},
        )

    def _start_log_weight(self, problem: CalibrationProblem, seed: int) -> FloatArray:
        n = problem.n_records
        start = problem.w0 if self.initial_weights is None else np.asarray(self.initial_weights, dtype=np.float64)
        if start.ndim and start.shape != (n,):
            raise InputError(
                "initial_weights", "wrong length", expected=f"one number or {n} (records)", got=start.shape
            )
        jitter = self.log_weight_jitter_sd * normal(seed, STREAM_LOG_WEIGHT, n) if self.log_weight_jitter_sd else 0.0
        return np.broadcast_to(np.log(start + LOG_WEIGHT_OFFSET), (n,)) + jitter

    def _start_log_alpha(self, n: int, seed: int) -> FloatArray:
        keep_prob = np.asarray(self.init_keep_prob, dtype=np.float64)
        return start_log_alpha(keep_prob, n) + self.log_alpha_jitter_sd * normal(seed, STREAM_LOG_ALPHA, n)
