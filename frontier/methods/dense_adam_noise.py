"""Dense log-space calibration with noise, as microcalibrate's: dropout, noise on the start, batches of records.

`dense_adam` whose epochs (Adam's steps) see `z_i w_i` for `w_i = e^{θ_i}`, z new in each and of mean 1. Dropout: 0 with
chance p, else 1/(1−p), for each record by itself. Batches: n/b for the b records of the epoch's batch, else 0. Both:
their product. Estimates are unbiased then, a squared loss is not: with a_i the column of record i in A,

    E ‖A(z∘w) − b‖² = ‖A w − b‖² + p/(1−p) Σ_i ‖a_i‖² w_i²                                        (dropout alone)
    E ‖A(z∘w) − b‖² = ‖A w − b‖² + (n−b)/(b(n−1)) (n Σ_i ‖a_i‖² w_i² − ‖A w‖²)                    (batches alone)

so that either is, in the mean, a ridge that spreads weight over records (Wager, Wang & Liang 2013). The data's gradient
of θ_i is 0 where z_i = 0, and Adam's moments move it on. The weights returned, traced and judged for stopping are e^θ.

In microcalibrate (0.22) dropout and noise are the same, but it returns the weights as dropped in its last epoch, a step
behind (until 0.21.2 dropout set logarithms to 0, which is another thing). Its `batch_size` only bounds memory, the
gradient being that of all records: here it is not needed. Its `excluded_targets` are the split `held_out_rows`
(`problem.restrict`), or targets of `importance` 0, which stay in the log (`frontier.training_log`); its
`normalization_factor` is `importance`, beside which `scale` is what a miss is measured in. Its defaults are 32 epochs
and lr 1e-3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Lt

from frontier.core.arrays import FloatArray
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.random import STREAM_BATCHES, STREAM_DROPOUT, STREAM_START_NOISE, generator
from frontier.core.ranges import Count, NonNegative
from frontier.methods._log_space import LogSpace, compile_kernels
from frontier.methods.solution import Solution


@dataclass(frozen=True, kw_only=True)
class DenseAdamNoise(LogSpace):
    """Dense Adam with dropout, a noisy start and batches of records; without them `dense_adam`. Points carry a seed.

    dropout_rate        p, the chance of a weight to be 0 in an epoch (p < 1)
    noise_level         e^θ starts at w0 + 1e-8 + noise_level · U(0, 1), records represented: never below w0, and the
                        total is larger by half of it per record
    records_per_step    batches: each epoch sees at most so many records, every record once in ⌈n/records_per_step⌉
                        epochs, in a new random order each time; default: all, in each epoch
    epochs, lr          Adam's length and step
    loss, cap           squared: `Σ ω r²`; capped: `Σ ω min(|r|, cap) / Σ ω`
    lam_l2, l2_on       λ₂, and what it multiplies: `Σ e^{2θ}` (scale) or `mean((z w/w0)²)` (ratio)
    max_weight_ratio    hard cap on w/w0, held throughout
    conserve_total      weights are rescaled to Σw0, in training (with z) and after
    initial_weights     start weights before noise, one number or one per record; default the problem's w0
    stop_tol, stop_every, stop_patience   early stopping (see `solvers.gates.schedule.EarlyStopping`); stop_tol 0: never
    device, precision   auto | cpu | cuda; float32 | float64
    trace_every, trace_targets   epochs between trace rows, 0: none; each with the estimate of every target
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"seed"})
    stochastic: ClassVar[bool] = True
    axes: ClassVar[frozenset[Coordinate]] = frozenset()

    dropout_rate: Annotated[float, Ge(0), Lt(1)] = 0.0
    noise_level: NonNegative = 10.0
    records_per_step: Count | None = None

    def warm_up(self) -> None:
        if self._masks:
            from frontier.solvers.gates import torch_block  # noqa: F401  # the engine of masked epochs
        else:
            compile_kernels(self.precision, self.device, gated=False)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        from frontier.solvers.gates.train import train
        from frontier.solvers.gates.training import Fit, Start

        self.check(points)
        self.check_problem(problem)
        n = problem.n_records

        def start(seed: int) -> Start:
            noise = generator(seed, STREAM_START_NOISE).random(n)
            return Start(self.start_weights(problem) + self.noise_level * noise, None)

        mask = (lambda seed, epoch: self.mask(n, seed, epoch)) if self._masks else None
        task = self.training(problem, start=start, mask=mask)
        cells = [Fit(0.0, point.seed or 0) for point in points]
        return [self.solution(task, found, lam=0.0, claims={}) for found in train(task, cells)]

    def mask(self, n: int, seed: int, epoch: int) -> FloatArray:
        """z (n) of one epoch, counted from 1: a pure function of its arguments."""
        z = np.ones(n)
        if self.dropout_rate:
            kept = generator(seed, STREAM_DROPOUT, epoch).random(n) >= self.dropout_rate
            z = kept / (1 - self.dropout_rate)
        if self.records_per_step:
            batches = -(-n // self.records_per_step)
            turn, place = divmod(epoch - 1, batches)
            order = generator(seed, STREAM_BATCHES, turn).permutation(n)
            batch = np.array_split(order, batches)[place]
            seen = np.zeros(n)
            seen[batch] = n / len(batch)
            z *= seen
        return z

    @property
    def _masks(self) -> bool:
        return bool(self.dropout_rate or self.records_per_step)
