"""The Hard Concrete distribution (Louizos, Welling & Kingma 2018): gate, its derivative, and its probability of ≠ 0.

With stretch (γ, ζ), temperature β and location α (here `log_alpha`):
`s = σ((logit u + α)/β)`, `z = clip((ζ−γ)s + γ, 0, 1)` (eqs. 10-11), `P(z ≠ 0) = σ(α − β log(−γ/ζ))` (eq. 12).
Sampling and slopes are torch (training); the test-time gate and probability take numpy arrays (scoring) and tensors
(`modules`, where autograd goes through the same lines).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import numpy as np
from annotated_types import Gt, Lt

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.ranges import Positive, check_ranges

if TYPE_CHECKING:
    import torch

LOG_ALPHA_BOUND = 20.0  # beyond it σ is 0 or 1 in float32; l0-python 0.6.2 clamps there too, so distributions agree
KEEP_PROB_MARGIN = 1e-6  # per-record keep probabilities are kept away from 0 and 1 by this, as in l0-python

TestGate = Literal["tempered", "untempered"]
Array = TypeVar("Array", FloatArray, "torch.Tensor")


@dataclass(frozen=True, slots=True, kw_only=True)
class HardConcrete:
    """The distribution's three constants; `InputError` unless γ < 0 < 1 < ζ and β > 0."""

    temperature: Positive = 2 / 3
    gamma: Annotated[float, Lt(0), "it stretches below 0"] = -0.1
    zeta: Annotated[float, Gt(1), "it stretches above 1"] = 1.1

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def width(self) -> float:
        return self.zeta - self.gamma

    @property
    def penalty_shift(self) -> float:
        """`−β log(−γ/ζ)`: P(z ≠ 0) = σ(α + shift)."""
        return self.shift_at(self.temperature)

    def shift_at(self, temperature: float) -> float:
        """The shift at another temperature, while β is on its schedule."""
        return -temperature * math.log(-self.gamma / self.zeta)

    def epochs_to_close(self, keep_prob: float, lr: float) -> int:
        """Epochs Adam needs at least to bring a gate from `keep_prob` to a tempered 0, moving α by ≤ lr each."""
        distance = math.log(keep_prob / (1 - keep_prob)) + self.penalty_shift
        return max(0, math.ceil(distance / lr))

    def test_gate(self, log_alpha: Array, kind: TestGate) -> Array:
        """The gate used after training: `clip((ζ−γ)σ(α/β) + γ, 0, 1)`, without β when untempered."""
        slope = self.temperature if kind == "tempered" else 1.0
        stretched = _sigmoid(log_alpha.clip(-LOG_ALPHA_BOUND, LOG_ALPHA_BOUND) / slope, self.width) + self.gamma
        return stretched.clip(0.0, 1.0)

    def keep_probability(self, log_alpha: Array) -> Array:
        """`P(z ≠ 0)`, same shape as `log_alpha`."""
        return _sigmoid(log_alpha.clip(-LOG_ALPHA_BOUND, LOG_ALPHA_BOUND) + self.penalty_shift, 1.0)

    def sample(
        self, logit_u: torch.Tensor, log_alpha: torch.Tensor, temperature: float | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The training gate z and `∂z/∂α`, for uniform noise given as its logit (shapes broadcast)."""
        beta = self.temperature if temperature is None else temperature
        bounded = log_alpha.clamp(-LOG_ALPHA_BOUND, LOG_ALPHA_BOUND)
        s = (bounded + logit_u).div_(beta).sigmoid_()
        stretched = s.mul(self.width).add_(self.gamma)
        moves = (stretched > 0) & (stretched < 1) & (bounded == log_alpha)
        slope = (1 - s).mul_(s).mul_(self.width / beta).mul_(moves)
        return stretched.clamp_(0, 1), slope

    def penalty(self, log_alpha: torch.Tensor, temperature: float | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """`P(z ≠ 0)` and `∂P/∂α`."""
        shift = self.shift_at(self.temperature if temperature is None else temperature)
        bounded = log_alpha.clamp(-LOG_ALPHA_BOUND, LOG_ALPHA_BOUND)
        p = (bounded + shift).sigmoid_()
        return p, (1 - p).mul_(p).mul_(bounded == log_alpha)


def _sigmoid(x: Array, height: float) -> Array:
    """`height · σ(x)`; of tensors by torch's own, whose derivative does not overflow."""
    return height / (1.0 + np.exp(-x)) if isinstance(x, np.ndarray | np.floating) else x.sigmoid() * height


def start_log_alpha(keep_prob: FloatArray, n: int) -> FloatArray:
    """`logit p₀`, shape (n,), of probabilities moved off 0 and 1; `InputError` for a wrong length."""
    p = keep_prob
    if p.ndim and p.shape != (n,):
        raise InputError("init_keep_prob", "wrong length", expected=f"one number or {n} (records)", got=p.shape)
    p = np.clip(p, KEEP_PROB_MARGIN, 1 - KEEP_PROB_MARGIN)
    return np.broadcast_to(np.log(p / (1 - p)), (n,))
