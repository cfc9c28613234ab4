"""Hard Concrete gates as a torch module: sampled in training, deterministic after it.

Gate and penalty are `solvers.gates.gates.HardConcrete`'s, the noise is the compiled fit's: draw number t of a seed is
its epoch t, on every device. Beyond them, with `s = (z − γ)/(ζ − γ)` and `v = β logit s − α` (Louizos, Welling &
Kingma 2018, eqs. 22-24):

    P(z ≤ x) = σ(v(x)) for 0 ≤ x < 1        density on (0, 1): σ(v) σ(−v) β / (s (1 − s) (ζ − γ))

and the masses `P(z = 0) = σ(v(0))`, `P(z = 1) = σ(−v(1))`. Half precisions are computed in float32.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

import torch
from torch import nn
from torch.nn.functional import logsigmoid

from frontier.core.errors import InputError
from frontier.solvers.gates.gates import LOG_ALPHA_BOUND, HardConcrete, TestGate
from frontier.solvers.gates.torch_block import gate_logits

STANDARD = HardConcrete()


class HardConcreteGates(nn.Module):
    """Gates of shape (input_dim,) or (input_dim, output_dim), with logits α in `qz_logits`.

    constants          temperature β, γ and ζ
    start_probability  in (0, 1), of what `start` says: "open" is P(z ≠ 0); "location" is σ(α), which l0-python calls
                       `init_mean`: its (0.999, β 0.5) has P(z ≠ 0) = 0.9997
    test_gate          the gate of `eval()`: tempered as l0-python's, or untempered
    seed               of the noise; None: drawn from torch's generator, as initial weights are
    weights_each       how many weights hang on a gate: what the penalty of a model counts

    Raises `InputError` for a dimension below 1 or a probability outside (0, 1).
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int | None = None,
        *,
        constants: HardConcrete = STANDARD,
        start_probability: float = 0.5,
        start: Literal["open", "location"] = "open",
        test_gate: TestGate = "tempered",
        seed: int | None = None,
        weights_each: int = 1,
    ) -> None:
        super().__init__()
        shape = (input_dim,) if output_dim is None else (input_dim, output_dim)
        if min(shape) < 1:
            raise InputError("shape", "no gates", expected="dimensions ≥ 1", got=shape)
        if not 0 < start_probability < 1:
            raise InputError("start_probability", "out of range", expected="0 < p < 1", got=start_probability)
        self.constants, self.test_gate, self.weights_each = constants, test_gate, weights_each
        self.seed = drawn_seed() if seed is None else seed
        self.draws = 0
        location = math.log(start_probability / (1 - start_probability))
        shift = constants.penalty_shift if start == "open" else 0.0
        self.qz_logits = nn.Parameter(torch.full(shape, location - shift))

    @property
    def temperature(self) -> float:
        """β; setting it is how training anneals it."""
        return self.constants.temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self.constants = dataclasses.replace(self.constants, temperature=value)

    def forward(self) -> torch.Tensor:
        """The gates: sampled in training, else deterministic."""
        return self.sample() if self.training else self.deterministic()

    def sample(self) -> torch.Tensor:
        """The next draw of all gates, in [0, 1]; differentiable in α."""
        alpha = self._alpha()
        return self.constants.sample(self._noise(alpha), alpha)[0].to(self.qz_logits.dtype)

    def deterministic(self, kind: TestGate | None = None) -> torch.Tensor:
        """The gates without noise; `kind` None: the module's own `test_gate`."""
        return self.constants.test_gate(self._alpha(), kind or self.test_gate).to(self.qz_logits.dtype)

    def open_probability(self) -> torch.Tensor:
        """`P(z ≠ 0)` of each gate, at least in float32."""
        return self.constants.penalty(self._alpha())[0]

    def penalty(self) -> torch.Tensor:
        """`Σ P(z ≠ 0)`: how many gates are expected to be open."""
        return self.open_probability().sum()

    def cdf(self, x: torch.Tensor) -> torch.Tensor:
        """`P(z ≤ x)` of each gate; x broadcasts with the gates."""
        inside = self._v(x)[0].sigmoid()
        return torch.where(x < 0, 0.0, torch.where(x >= 1, 1.0, inside))

    def log_prob(self, z: torch.Tensor) -> torch.Tensor:
        """Log of the mass at z = 0 and 1, of the density between, −∞ elsewhere; z broadcasts with the gates."""
        v, s = self._v(z)
        scale = math.log(self.temperature / self.constants.width)
        density = logsigmoid(v) + logsigmoid(-v) + scale - s.log() - (1 - s).log()
        mass = torch.where(z <= 0, logsigmoid(v), logsigmoid(-v))
        found = torch.where((z > 0) & (z < 1), density, mass)
        return torch.where((z < 0) | (z > 1), -math.inf, found)

    def extra_repr(self) -> str:
        return f"{tuple(self.qz_logits.shape)}, {self.constants}"

    def _alpha(self) -> torch.Tensor:
        return self.qz_logits if self.qz_logits.element_size() >= 4 else self.qz_logits.float()

    def _v(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """v and s at z, moved into [0, 1]."""
        alpha = self._alpha().clamp(-LOG_ALPHA_BOUND, LOG_ALPHA_BOUND)
        s = (z.to(alpha.dtype).clamp(0, 1) - self.constants.gamma) / self.constants.width
        return self.temperature * torch.logit(s) - alpha, s

    def _noise(self, alpha: torch.Tensor) -> torch.Tensor:
        """`logit u`, one for each gate."""
        if torch.compiler.is_compiling():  # asked here, since `disable` as a decorator imports the compiler: 2.6 s
            return torch.compiler.disable(self._drawn)(alpha)  # type: ignore[no-any-return, no-untyped-call]
        return self._drawn(alpha)

    def _drawn(self, alpha: torch.Tensor) -> torch.Tensor:
        """The next noise; draws are counted, and int64 wraps: not for compilers."""
        self.draws += 1
        n = alpha.numel()
        records = torch.arange(n, device=alpha.device)
        return gate_logits((self.seed,), self.draws, records, alpha.dtype).view(alpha.shape)


def drawn_seed() -> int:
    """A seed from torch's own generator."""
    return int(torch.randint(2**62, ()))
