"""Penalties and counts over a tree of modules, whatever it is made of: every `HardConcreteGates` in it counts.

    L0 = Σ_g |g| P(z_g ≠ 0)        L2 = Σ w² over all parameters named `weight`, never over gate logits

with |g| the weights that hang on gate g (Louizos, Welling & Kingma 2018, section 3), so that L0 is a number of weights
also where a gate is a channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from frontier.solvers.gates.modules.distribution import HardConcreteGates


@dataclass(frozen=True, slots=True)
class Sparsity:
    """The gates of one layer: how many, open at test time, expected to be; weights behind all and behind open ones."""

    gates: int
    open: int
    expected_open: float
    weights: int
    active_weights: int

    @property
    def share_closed(self) -> float:
        """The share of gates that are closed at test time."""
        return 1 - self.open / self.gates


def l0_penalty(model: nn.Module) -> torch.Tensor:
    """The expected number of weights whose gates are open; 0 for a model without gates."""
    return _total([gates.weights_each * gates.penalty() for _, gates in _gates(model)])


def l2_penalty(model: nn.Module) -> torch.Tensor:
    """The sum of squared weights, ungated."""
    return _total([
        parameter.square().sum()
        for name, parameter in model.named_parameters()
        if name.rpartition(".")[2] == "weight" and parameter.requires_grad
    ])  # fmt: skip


def l0l2_penalty(model: nn.Module, *, lam: float, lam_l2: float) -> torch.Tensor:
    """`λ L0 + λ₂ L2`."""
    return lam * l0_penalty(model) + lam_l2 * l2_penalty(model)


@torch.no_grad()
def sparsity(model: nn.Module) -> dict[str, Sparsity]:
    """How sparse each set of gates is, by the name of its module."""
    return {name: _sparsity(gates) for name, gates in _gates(model)}


def active_parameters(model: nn.Module) -> int:
    """How many parameters count at test time: all but gate logits and weights behind closed gates."""
    every = sum(p.numel() for name, p in model.named_parameters() if name.rpartition(".")[2] != "qz_logits")
    return every - sum(one.weights - one.active_weights for one in sparsity(model).values())


def set_temperature(model: nn.Module, temperature: float) -> None:
    """Set β of all gates, as a loop over `Temperature.over(epochs)` does; `InputError` unless β > 0."""
    for _, gates in _gates(model):
        gates.temperature = temperature


def _gates(model: nn.Module) -> Iterator[tuple[str, HardConcreteGates]]:
    return ((name, module) for name, module in model.named_modules() if isinstance(module, HardConcreteGates))


def _sparsity(gates: HardConcreteGates) -> Sparsity:
    n, is_open = gates.qz_logits.numel(), int(torch.count_nonzero(gates.deterministic()))
    return Sparsity(n, is_open, float(gates.penalty()), gates.weights_each * n, gates.weights_each * is_open)


def _total(parts: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack(parts).sum() if parts else torch.zeros(())
