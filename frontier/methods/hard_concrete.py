"""Hard Concrete L0 calibration: `min loss(w) + λ Σ P(z_i ≠ 0) + λ₂ Σ …`, `w_i = e^{θ_i} z_i`.

Gates of Louizos, Welling & Kingma (2018) trained by Adam, the objective of `l0-python` (so its λ grids carry over). The
whole λ × seed grid is one batch, and budgets are met by batched multi-section in λ. Non-convex: the status is
`completed` and there is no certificate.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from frontier.core.errors import InputError
from frontier.core.limits import out_of_time
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.random import STREAM_LOG_ALPHA, STREAM_LOG_WEIGHT, normal
from frontier.core.ranges import Count, NonNegative, Probability
from frontier.core.search_space import Between, OneOf, Space
from frontier.core.status import Status
from frontier.methods._log_space import LogSpace, compile_kernels, lam_ref
from frontier.methods.solution import Solution
from frontier.solvers.gates.gates import KEEP_PROB_MARGIN, HardConcrete, TestGate, start_log_alpha
from frontier.solvers.gates.schedule import Temperature, TemperatureShape

if TYPE_CHECKING:
    from frontier.solvers.gates.checkpoint import Checkpoints
    from frontier.solvers.gates.monitor import Fitted
    from frontier.solvers.gates.training import Start, TrainedGates, Training


@dataclass(frozen=True, kw_only=True)
class HardConcreteCalibrator(LogSpace):
    """Hard Concrete gates on log-space weights. Points carry λ or a budget of active records, and a seed.

    epochs, lr            Adam's length and step; fewer epochs than a gate needs to close is an `InputError`
    loss, cap             squared: `Σ ω r²`; capped: `Σ ω min(|r|, cap) / Σ ω`
    lam_unit              what λ multiplies: the expected number of active records, or their share (λ/n per record)
    lam_l2, l2_on         λ₂, and what it multiplies: `Σ e^{2θ}` (scale) or `mean((w/w0)²)` (ratio)
    max_weight_ratio      hard cap on w/w0, held throughout
    conserve_total        weights are rescaled to Σw0, in training and after
    init_keep_prob        σ(α) at the start, one number or one per record, as l0-python's; P(z ≠ 0) is larger (0.998
                          for 0.99)
    initial_weights       start weights, one number or one per record; default the problem's w0
    temperature, gamma, zeta   β at the end (and at test time), γ, ζ of the distribution
    temperature_schedule, initial_temperature   how β gets there: constant, linear, exponential or cosine
    anneal_epochs         in how many epochs; then it stays there. Default: in all
    log_alpha_jitter_sd, log_weight_jitter_sd   start noise on α and θ, from the seed
    test_gate             tempered (l0-python) or untempered (Louizos et al.) gate after training
    stop_tol, stop_every, stop_patience   early stopping (see `solvers.gates.schedule.EarlyStopping`); stop_tol 0: never
    checkpoint, checkpoint_every   a folder to keep the fit's state in every so many epochs, and to go on from
    checkpoint_keep       keep it when the fit is done: one with more epochs goes on from there, bit for bit, where β
                          is constant (or anneal_epochs given) and nothing is traced or stopped early
    device, precision     auto | cpu | cuda; float32 | float64
    trace_every, trace_targets   epochs between trace rows, 0: none; each with the estimate of every target
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam", "budget", "seed"})
    stochastic: ClassVar[bool] = True
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"lam", "budget"})

    search_space: ClassVar[Space] = {
        "lr": Between(0.03, 0.3, log=True),
        "epochs": OneOf((1000, 2000, 4000)),
        "loss": OneOf(("squared", "capped")),
        "init_keep_prob": Between(0.5, 0.999),
        "temperature": Between(0.3, 1.5),
        "max_weight_ratio": OneOf((None, 10.0, 100.0)),
    }

    lam_unit: Literal["record", "share"] = "record"
    init_keep_prob: Probability | tuple[Probability, ...] = 0.99
    temperature: float = 2 / 3
    temperature_schedule: TemperatureShape = "constant"
    initial_temperature: float | None = None
    anneal_epochs: Count | None = None
    gamma: float = -0.1
    zeta: float = 1.1
    log_alpha_jitter_sd: NonNegative = 0.01
    log_weight_jitter_sd: NonNegative = 0.0
    test_gate: TestGate = "tempered"
    checkpoint: str | None = None
    checkpoint_every: Count = 100
    checkpoint_keep: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.gates, self.temperatures.over(self.epochs)  # validated by being built

    @property
    def gates(self) -> HardConcrete:
        return HardConcrete(temperature=self.temperature, gamma=self.gamma, zeta=self.zeta)

    @property
    def temperatures(self) -> Temperature:
        initial = self.temperature if self.initial_temperature is None else self.initial_temperature
        shape, epochs = self.temperature_schedule, self.anneal_epochs
        return Temperature(final=self.temperature, initial=initial, shape=shape, anneal_epochs=epochs)

    def check(self, points: Sequence[Point]) -> None:
        """Also refuse a run too short for a gate to close: its λ could never drop a record."""
        super().check(points)
        keep_prob = float(np.clip(np.max(self.init_keep_prob), KEEP_PROB_MARGIN, 1 - KEEP_PROB_MARGIN))
        needed = self.gates.epochs_to_close(keep_prob, self.lr)
        if self.epochs < needed and any(point.lam or point.budget for point in points):
            raise InputError(
                "epochs",
                "fewer than a gate needs to close",
                expected=f"at least {needed} = (logit {keep_prob:g} + β log(−ζ/γ))/lr",
                got=self.epochs,
                cure="raise epochs or lr, or lower init_keep_prob",
            )

    def check_problem(self, problem: CalibrationProblem) -> None:
        """Also refuse start probabilities for another number of records."""
        super().check_problem(problem)
        start_log_alpha(np.asarray(self.init_keep_prob, dtype=np.float64), problem.n_records)

    def warm_up(self) -> None:
        compile_kernels(self.precision, self.device, gated=True)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """Train all points as one batch (budgets: a few); each solution is the test-time weights of its cell."""
        return [solution for solution, _ in self._solved(problem, points, keep_gates=False)]

    def solve_with_gates(
        self, problem: CalibrationProblem, points: Sequence[Point]
    ) -> list[tuple[Solution, TrainedGates | None]]:
        """The solutions of `solve`, each with its gates as trained (e^θ, P(z ≠ 0)); None where no fit has weights."""
        return self._solved(problem, points, keep_gates=True)

    def _solved(
        self, problem: CalibrationProblem, points: Sequence[Point], *, keep_gates: bool
    ) -> list[tuple[Solution, TrainedGates | None]]:
        from frontier.solvers.gates.multisection import multisection
        from frontier.solvers.gates.train import cuda_asked, train
        from frontier.solvers.gates.training import Fit

        self.check(points)
        self.check_problem(problem)
        task = dataclasses.replace(self._task(problem), keep_gates=keep_gates)
        unit = problem.n_records if self.lam_unit == "share" else 1
        checkpoints = self._checkpoints(problem, keep_gates=keep_gates)
        solutions: dict[Point, tuple[Solution, TrainedGates | None]] = {}
        direct = [point for point in points if point.lam is not None]
        cells = [Fit((point.lam or 0.0) / unit, point.seed or 0) for point in direct]
        for point, cell, found in zip(direct, cells, train(task, cells, checkpoints) if cells else [], strict=True):
            solutions[point] = self._solution(task, cell.lam, found), found.gates
        wanted = {(p.budget, p.seed): p for p in points if p.budget is not None and p.seed is not None}
        if wanted:
            nearest = multisection(
                lambda batch: train(task, batch, checkpoints),
                list(wanted),
                lam_ref(task),
                at_once=cuda_asked(self.device),
            )
            for key, point in wanted.items():
                if key not in nearest:
                    nan = Solution.failed(Status.ERROR, "weights became NaN or infinite at every λ tried")
                    solutions[point] = Solution.not_begun() if out_of_time() else nan, None
                    continue
                met = nearest[key]
                solution = self._solution(task, met.lam, met.fit)
                claims = dict(solution.claims) | {"rounds": met.rounds, "cells_trained": met.cells}
                solutions[point] = dataclasses.replace(solution, claims=claims), met.fit.gates
        return [solutions[point] for point in points]

    def _task(self, problem: CalibrationProblem) -> Training:
        return self.training(
            problem,
            start=lambda seed: self._start(problem, seed),
            gates=self.gates,
            temperature=self.temperatures,
            test_gate=self.test_gate,
        )

    def _start(self, problem: CalibrationProblem, seed: int) -> Start:
        from frontier.solvers.gates.training import Start

        n = problem.n_records
        scale = self.start_weights(problem)
        if self.log_weight_jitter_sd:
            scale = scale * np.exp(self.log_weight_jitter_sd * normal(seed, STREAM_LOG_WEIGHT, n))
        keep_prob = np.asarray(self.init_keep_prob, dtype=np.float64)
        log_alpha = start_log_alpha(keep_prob, n) + self.log_alpha_jitter_sd * normal(seed, STREAM_LOG_ALPHA, n)
        return Start(scale, log_alpha)

    def _solution(self, task: Training, lam: float, found: Fitted) -> Solution:
        claims = {"expected_active": found.expected_active}
        return self.solution(task, found, lam=lam, claims=claims)

    def _checkpoints(self, problem: CalibrationProblem, *, keep_gates: bool) -> Checkpoints | None:
        if self.checkpoint is None:
            return None
        from frontier.solvers.gates.checkpoint import Checkpoints

        settings = dataclasses.asdict(self) | {"problem": problem.fingerprint, "checkpoint": None}
        settings["keep_gates"] = keep_gates
        if (self.temperature_schedule == "constant" or self.anneal_epochs) and not (self.trace_every or self.stop_tol):
            del settings["epochs"]  # the first are the same however many follow
        del settings["checkpoint_keep"]
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        return Checkpoints(Path(self.checkpoint), self.checkpoint_every, digest, self.checkpoint_keep)
