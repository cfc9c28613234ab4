"""What one batched fit trains, the same for every engine: loss, penalties, gates, temperatures, and how cells start.

Per cell, with `w = e^θ z` (z = 1 without gates): `loss(w) + λ Σ P(z_i ≠ 0) + λ₂ Σ e^{2θ_i} + Σ κ_i w_i²/2`, minimised
in θ and α by Adam (Kingma & Ba 2015, algorithm 1), with `e^θ_i ≤ limit_i`. Gradients are closed forms:
`∂/∂θ = (g + κ w) w + 2 λ₂ e^{2θ}`, `∂/∂α = (g + κ w) e^θ ∂z/∂α + λ ∂P/∂α`, `g = Aᵀ ∂loss/∂(A w)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.solvers.gates.gates import HardConcrete, TestGate
from frontier.solvers.gates.loss import DataLoss
from frontier.solvers.gates.schedule import Schedule, Temperature

Mask = Callable[[int, int], FloatArray]  # of seed and epoch (from 1): factors of the weights, n
ROUNDS_TO_CAP = 100  # of sharing out what capped records cannot take; each caps one record more, or ends


@dataclass(frozen=True, slots=True)
class Fit:
    """What tells one fit of a batch from the others: λ (per record) and seed."""

    lam: float
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where the cells of one seed start: `e^θ` (n, records represented), and α (n; None without gates)."""

    scale: FloatArray
    log_alpha: FloatArray | None


@dataclass(frozen=True, slots=True, eq=False)
class TrainedGates:
    """What a fit knows of its records beside their weights: `e^θ` and `P(z ≠ 0)` at the final temperature, n each."""

    scale: FloatArray
    open_probability: FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Training:
    """A batched fit; see the module. `ridge` is κ (n), `limit` the largest e^θ (n); None: none.

    `mask`, of a fit without gates: w = z e^θ with these z in place of gates, constants in each epoch.
    `traced`: a matrix (rows × n) whose products with the weights stand in the trace.

    `keep_gates`: what it returns of a cell has its `TrainedGates` too.
    """

    loss: DataLoss
    schedule: Schedule
    start: Callable[[int], Start]
    gates: HardConcrete | None = None
    temperature: Temperature | None = None
    test_gate: TestGate = "tempered"
    lam_l2: float = 0.0
    ridge: FloatArray | None = None
    limit: FloatArray | None = None
    keep_gates: bool = False
    mask: Mask | None = None
    traced: sp.csr_array | None = None

    @property
    def n_records(self) -> int:
        return self.loss.design.shape[1]

    @property
    def temperatures(self) -> FloatArray:
        """β at epochs 0 … epochs + 1 (the ends repeat): the gates drawn after the last epoch are never used."""
        assert self.gates is not None
        if self.temperature is None:
            return np.full(self.schedule.epochs + 2, self.gates.temperature)
        return np.pad(self.temperature.over(self.schedule.epochs), 1, mode="edge")

    def clipped_start(self, seed: int) -> Start:
        """The start of a seed's cells, within the limit."""
        start = self.start(seed)
        return start if self.limit is None else Start(np.minimum(start.scale, self.limit), start.log_alpha)

    def tested(self, scale: FloatArray, log_alpha: FloatArray | None) -> FloatArray:
        """The weights at test time of one cell, `e^θ` times the deterministic gate, rescaled to a conserved total."""
        weights = np.array(scale, dtype=np.float64)
        if self.gates is not None and log_alpha is not None:
            weights *= self.gates.test_gate(np.asarray(log_alpha, dtype=np.float64), self.test_gate)
        return rescaled(weights, self.loss.total, self.limit) if self.loss.total else weights


def rescaled(weights: FloatArray, total: float, limit: FloatArray | None) -> FloatArray:
    """`weights` times the factor that brings their sum to `total`; those that would pass `limit` stop at it.

    Where all active records are at their limit and the sum still falls short, they stay there.
    """
    if limit is None:
        return weights * (total / weights.sum()) if weights.any() else weights
    capped = np.zeros(weights.shape, dtype=bool)
    found = weights
    for _ in range(ROUNDS_TO_CAP):
        free, room = float(weights[~capped].sum()), total - float(limit[capped & (weights > 0)].sum())
        if free <= 0 or room <= 0:
            return np.where(weights > 0, limit, 0.0)
        found = np.where(capped & (weights > 0), limit, weights * (room / free))
        over = ~capped & (found > limit)
        if not over.any():
            return found
        capped |= over
    return np.minimum(found, limit)
