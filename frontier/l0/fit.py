"""The batched log-space Adam fit: many (λ, seed) cells of one design at once, with or without gates.

Per cell, with `w = e^θ z` (z = 1 without gates), it minimises `‖A w − b‖² + λ Σ P(z ≠ 0) + λ₂ Σ e^{2θ}` in θ and α by
Adam (Kingma & Ba 2015, algorithm 1). Gradients are closed forms, not autograd:
`∂/∂θ = g∘w + 2λ₂e^{2θ}`, `∂/∂α = g∘e^θ∘∂z/∂α + λ ∂P/∂α`, with `g = 2Aᵀ(A w − b)`.
Cells are columns: all state is n × cells, so one sparse product serves the whole grid, and cells of one seed share
their noise. No cell influences another.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch

from frontier.errors import InputError
from frontier.l0.gates import HardConcrete
from frontier.l0.noise import gate_logits
from frontier.l0.schedule import Device, Schedule
from frontier.objective import WeightedDesign
from frontier.problem import FloatArray

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # Adam's constants: Kingma & Ba 2015, and torch's defaults


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Final θ and α (n × cells, float64; α is None without gates) and the trace: columns → (records, cells)."""

    log_weight: FloatArray
    log_alpha: FloatArray | None
    trace: dict[str, FloatArray]

    def trace_of(self, cell: int) -> dict[str, FloatArray]:
        return {name: values[:, cell] for name, values in self.trace.items()}


def resolve_device(device: Device) -> torch.device:
    """`auto` is CUDA when there is one; asking for CUDA without one is an `InputError`."""
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise InputError("device", "no CUDA device here", expected="auto or cpu", got="cuda", cure="use device: auto")
    return torch.device("cuda" if device != "cpu" and available else "cpu")


@dataclass(frozen=True, slots=True, eq=False)
class Gates:
    """What the gated fit needs beside the weights: α's start (n × cells), λ and seed per cell, λ₂."""

    distribution: HardConcrete
    log_alpha: FloatArray
    lams: FloatArray
    seeds: tuple[int, ...]
    lam_l2: float = 0.0


def fit(design: WeightedDesign, log_weight: FloatArray, schedule: Schedule, gates: Gates | None = None) -> Fit:
    """Train every column of `log_weight` (n × cells) and return where it ended after `schedule.epochs`."""
    device = resolve_device(schedule.device)
    dtype = torch.float32 if schedule.precision == "float32" else torch.float64
    A, At = _sparse(design.A, dtype, device), _sparse(sp.csr_array(design.A.T), dtype, device)
    b = _tensor(design.b[:, None], dtype, device)
    theta = _Adam(_tensor(log_weight, dtype, device), schedule.lr)
    state = None if gates is None else _GateState(gates, schedule.lr, dtype, device)
    rows: list[tuple[int, torch.Tensor, torch.Tensor, torch.Tensor]] = []
    for epoch in range(1, schedule.epochs + 1):
        scale = theta.value.exp()
        w = scale if state is None else state.open(epoch) * scale
        residual = A @ w - b
        gradient = (At @ residual).mul_(2.0)
        if schedule.trace_every and (epoch % schedule.trace_every == 0 or epoch == 1):
            expected = (w > 0).sum(dim=0) if state is None else state.expected_active()
            rows.append((epoch, residual.square().sum(dim=0), expected, gradient.norm(dim=0)))
        if state is not None:
            state.step(gradient * scale, epoch)
        gradient.mul_(w)
        if gates is not None and gates.lam_l2:
            gradient.addcmul_(scale, scale, value=2.0 * gates.lam_l2)
        theta.step(gradient, epoch)
    return Fit(
        log_weight=theta.value.double().cpu().numpy(),
        log_alpha=None if state is None else state.alpha.value.double().cpu().numpy(),
        trace=_trace(rows),
    )


class _GateState:
    """α of every cell with its optimiser, and the noise that cells of one seed share."""

    def __init__(self, gates: Gates, lr: float, dtype: torch.dtype, device: torch.device) -> None:
        self.distribution = gates.distribution
        self.alpha = _Adam(_tensor(gates.log_alpha, dtype, device), lr)
        self.lam = _tensor(gates.lams, dtype, device)
        self.seeds = tuple(dict.fromkeys(gates.seeds))
        self.seed_of_cell = torch.tensor([self.seeds.index(seed) for seed in gates.seeds], device=device)
        n = len(gates.log_alpha)
        self.records = torch.arange(n, device=device)
        self.noise = torch.empty((n, len(self.seeds)), dtype=dtype, device=device)
        self.slope = torch.empty(0)

    def open(self, epoch: int) -> torch.Tensor:
        """The sampled gates of this epoch, n × cells; their slope is kept for `step`."""
        gate_logits(self.seeds, epoch, self.records, self.noise)
        z, self.slope = self.distribution.sample(self.noise[:, self.seed_of_cell], self.alpha.value)
        return z

    def step(self, gradient: torch.Tensor, epoch: int) -> None:
        """One Adam step on α, given the data gradient with respect to z."""
        _, penalty_slope = self.distribution.penalty(self.alpha.value)
        self.slope.mul_(gradient).addcmul_(penalty_slope, self.lam.expand_as(penalty_slope))
        self.alpha.step(self.slope, epoch)

    def expected_active(self) -> torch.Tensor:
        return self.distribution.penalty(self.alpha.value)[0].sum(dim=0)


class _Adam:
    """One parameter tensor with its two moments, updated in place."""

    def __init__(self, value: torch.Tensor, lr: float) -> None:
        self.value, self.lr = value, lr
        self.first, self.second = torch.zeros_like(value), torch.zeros_like(value)

    def step(self, gradient: torch.Tensor, epoch: int) -> None:
        self.first.lerp_(gradient, 1 - BETA_1)
        self.second.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
        root = self.second.sqrt().div_((1 - BETA_2**epoch) ** 0.5).add_(EPSILON)
        self.value.addcdiv_(self.first, root, value=-self.lr / (1 - BETA_1**epoch))


def _tensor(array: FloatArray, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(array), dtype=dtype, device=device)


def _sparse(matrix: sp.csr_array, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
        return torch.sparse_csr_tensor(
            torch.tensor(matrix.indptr.astype(np.int64)),
            torch.tensor(matrix.indices.astype(np.int64)),
            torch.tensor(matrix.data, dtype=dtype),
            size=matrix.shape,
            check_invariants=False,  # SciPy has checked them
        ).to(device)


def _trace(rows: list[tuple[int, torch.Tensor, torch.Tensor, torch.Tensor]]) -> dict[str, FloatArray]:
    if not rows:
        return {}
    epochs, *columns = zip(*rows, strict=True)
    cells = columns[0][0].numel()
    trace = {"iteration": np.repeat(np.array(epochs, dtype=np.float64)[:, None], cells, axis=1)}
    for name, values in zip(("loss", "expected_active", "gradient_norm"), columns, strict=True):
        trace[name] = torch.stack(list(values)).double().cpu().numpy()
    return trace
