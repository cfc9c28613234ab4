"""Gates that select samples or features: trained by a loss that they are given, then drawn from, exactly to size.

Training minimises `loss(z) + λ Σ P(z ≠ 0)` over the gates' logits (Louizos, Welling & Kingma 2018, eq. 9) by Adam. A
selection is drawn from the open probabilities (`solvers.gates.selection`), so its size is met whatever λ was, and
items weighted by 1/π estimate without bias what all of them add up to. Gates that are all alike have learned nothing,
and refuse to select.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from frontier.core import random
from frontier.core.errors import InputError
from frontier.solvers.gates.gates import HardConcrete
from frontier.solvers.gates.modules.distribution import STANDARD, HardConcreteGates
from frontier.solvers.gates.selection import Selection, check_size, select


class L0Gate(nn.Module):
    """One gate for each of `size` items; `target` of them are selected. Calling it multiplies a tensor by the gates.

    start_probability   P(z ≠ 0) at the start: one near 0 seldom lets a sample through that would open the gate

    Raises `InputError` unless 1 ≤ target ≤ size.
    """

    def __init__(
        self,
        size: int,
        target: int,
        *,
        constants: HardConcrete = STANDARD,
        start_probability: float = 0.9,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        check_size(target, size, "target")
        self.size, self.target = size, target
        self.gates = HardConcreteGates(size, constants=constants, start_probability=start_probability, seed=seed)

    def forward(self, x: torch.Tensor, dim: int = 0) -> torch.Tensor:
        if x.shape[dim] != self.size:
            raise InputError("x", f"wrong length of dimension {dim}", expected=self.size, got=x.shape[dim])
        shape = [1] * x.dim()
        shape[dim] = -1
        z: torch.Tensor = self.gates()
        return x * z.view(shape)

    def penalty(self) -> torch.Tensor:
        """`Σ P(z ≠ 0)`."""
        return self.gates.penalty()

    @torch.no_grad()
    def open_probability(self) -> torch.Tensor:
        """`P(z ≠ 0)` of each item."""
        return self.gates.open_probability()

    def fit(
        self,
        loss: Callable[[torch.Tensor], torch.Tensor],
        *,
        lam: float,
        epochs: int = 500,
        lr: float = 0.1,
        parameters: Iterable[nn.Parameter] = (),
    ) -> list[float]:
        """Train the gates (and `parameters` beside them), then leave them in `eval()`; loss and penalty by epoch.

        `loss` takes sampled gates (size) and gives a number. Raises `InputError` for a loss that is no finite number,
        and unless λ ≥ 0, epochs ≥ 1, lr > 0.
        """
        for name, value, least in (("lam", lam, 0), ("epochs", epochs, 1), ("lr", lr, math.ulp(0.0))):
            if not least <= value < math.inf:
                expected = "a number > 0" if name == "lr" else f"a number ≥ {least}"
                raise InputError(name, "out of range", expected=expected, got=value)
        self.train()
        optimiser = torch.optim.Adam([*self.parameters(), *parameters], lr=lr)
        values = []
        for _ in range(epochs):
            data = loss(self.gates())
            if data.numel() != 1 or not math.isfinite(data.item()):
                got = tuple(data.shape) if data.numel() != 1 else data.item()
                raise InputError("loss", "cannot be minimised", expected="one finite number", got=got)
            total = data.sum() + lam * self.penalty()
            optimiser.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            values.append(total.item())
        self.eval()
        return values

    def select(self, seed: int, target: int | None = None) -> Selection:
        """Exactly `target` items (None: the gate's own) by their open probabilities, the same ones for the same seed.

        Raises `InputError` for gates that were not trained, and for a target above `size`.
        """
        return self._drawn(seed, self.target if target is None else target)

    def _drawn(self, seed: int, target: int, learned: int | None = None) -> Selection:
        logits = self.gates.qz_logits
        if self.size > 1 and learned != 0 and bool((logits == logits[0]).all()):
            raise InputError("gate", "not trained: all open probabilities are alike", cure="fit it first")
        generator = random.generator(seed, random.STREAM_SAMPLE)
        chances = self.open_probability().double().cpu().numpy()
        return select(chances, target, generator, learned_size=learned)


class SampleGate(L0Gate):
    """Selects rows of a data set."""

    def select_samples(self, data: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows selected, and which they are."""
        items = _items(self.select(seed), data, self.size)
        return data[items], items

    def select_weighted_samples(
        self, data: torch.Tensor, weights: torch.Tensor, seed: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The rows selected, their weights w/π (Horvitz–Thompson), and which they are."""
        found = self.select(seed)
        items = _items(found, data, self.size)
        chances = torch.as_tensor(found.probabilities[found.items]).to(weights)
        return data[items], weights[items] / chances, items


class FeatureGate(L0Gate):
    """Selects columns (the last dimension) of a data set."""

    def select_features(self, data: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The columns selected, and which they are."""
        items = _items(self.select(seed), data.transpose(0, -1), self.size)
        return data[..., items], items

    def select_names(self, names: Sequence[str], seed: int) -> list[str]:
        """The names of the columns selected."""
        if len(names) != self.size:
            raise InputError("names", "wrong number", expected=self.size, got=len(names))
        return [names[i] for i in self.select(seed).items]

    def importance(self) -> torch.Tensor:
        """How likely each column is to be open: its P(z ≠ 0)."""
        return self.open_probability()


class HybridGate(nn.Module):
    """Selects a learned share of rows by gates, the rest of the target at random; `fit` is that of `l0_gate`."""

    def __init__(
        self,
        n_items: int,
        target_items: int,
        *,
        learned_share: float = 0.25,
        constants: HardConcrete = STANDARD,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= learned_share <= 1:
            raise InputError("learned_share", "out of range", expected="0 ≤ learned_share ≤ 1", got=learned_share)
        check_size(target_items, n_items, "target_items")
        self.target_items, self.learned = target_items, round(learned_share * target_items)
        self.l0_gate = SampleGate(n_items, max(self.learned, 1), constants=constants, seed=seed)

    def select(self, data: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor, NDArray[np.str_]]:
        """The rows selected, which they are, and the type of each selection: learned or random."""
        found = self.l0_gate._drawn(seed, self.target_items, self.learned)
        items = _items(found, data, self.l0_gate.size)
        return data[items], items, found.kinds


def _items(found: Selection, data: torch.Tensor, size: int) -> torch.Tensor:
    if len(data) != size:
        raise InputError("data", "wrong length", expected=size, got=len(data))
    return torch.as_tensor(found.items, device=data.device)
