"""Layers whose weights, or channels, carry Hard Concrete gates: `y = f(x; W ∘ z)`, and the dense layers left of them.

`prune(threshold)` multiplies the weights by the gates of test time, those of at most `threshold` taken for 0, and gives
a dense module without what is then 0: inputs that nothing reads, outputs that are their bias. At threshold 0 it
computes what the layer computes in `eval()`, to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.functional import conv2d, linear, relu

from frontier.core.errors import InputError
from frontier.solvers.gates.gates import HardConcrete
from frontier.solvers.gates.modules.distribution import STANDARD, HardConcreteGates, drawn_seed

Size = int | tuple[int, int]


class L0Linear(nn.Linear):
    """A linear layer with a gate for each weight.

    constants, start_probability   of the gates (`HardConcreteGates`)
    seed                           of initial weights and of the gates' noise; None: drawn from torch's generator
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        constants: HardConcrete = STANDARD,
        start_probability: float = 0.9,
        seed: int | None = None,
    ) -> None:
        _check_sizes({"in_features": in_features, "out_features": out_features})
        super().__init__(in_features, out_features, bias)
        seed = _started(self, seed)
        self.weight_gates = HardConcreteGates(
            out_features, in_features, constants=constants, start_probability=start_probability, seed=seed
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return linear(x, self.weight * self.weight_gates(), self.bias)

    def prune(self, threshold: float = 0.0) -> nn.Module:
        """The smaller dense module."""
        return _shrunk(_folded(self.weight, self.weight_gates, threshold), self.bias, self)


class L0Conv2d(nn.Conv2d):
    """A convolution with a gate for each output channel, or for each weight where not `structured`; see `L0Linear`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        *,
        stride: Size = 1,
        padding: Size = 0,
        bias: bool = True,
        structured: bool = True,
        constants: HardConcrete = STANDARD,
        start_probability: float = 0.9,
        seed: int | None = None,
    ) -> None:
        _check_sizes({"in_channels": in_channels, "out_channels": out_channels})
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        seed, each = _started(self, seed), self.weight[0].numel()
        gates = HardConcreteGates(
            out_channels,
            None if structured else each,
            constants=constants,
            start_probability=start_probability,
            seed=seed,
            weights_each=each if structured else 1,
        )
        self.gates_name = "channel_gates" if structured else "weight_gates"
        self.add_module(self.gates_name, gates)

    @property
    def gates(self) -> HardConcreteGates:
        """The gates, under whichever name state dicts have them."""
        found = self.get_submodule(self.gates_name)
        assert isinstance(found, HardConcreteGates)
        return found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _convolved(x, self, self.gates)

    def prune(self, threshold: float = 0.0) -> nn.Module:
        """The smaller dense module."""
        return _shrunk(_folded(self.weight, self.gates, threshold), self.bias, self)


class L0DepthwiseConv2d(nn.Module):
    """A depthwise convolution, each channel with a filter and a gate of its own; see `L0Linear`."""

    def __init__(
        self,
        in_channels: int,
        kernel_size: Size,
        *,
        stride: Size = 1,
        padding: Size = 0,
        bias: bool = True,
        constants: HardConcrete = STANDARD,
        start_probability: float = 0.9,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        _check_sizes({"in_channels": in_channels})
        self.depthwise_conv = conv = nn.Conv2d(
            in_channels, in_channels, kernel_size, stride, padding, groups=in_channels, bias=bias
        )
        seed = _started(conv, seed)
        self.channel_gates = HardConcreteGates(
            in_channels,
            constants=constants,
            start_probability=start_probability,
            seed=seed,
            weights_each=conv.weight[0].numel(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _convolved(x, self.depthwise_conv, self.channel_gates)

    def prune(self, threshold: float = 0.0) -> nn.Module:
        """The smaller dense module."""
        conv = self.depthwise_conv
        return _shrunk(_folded(conv.weight, self.channel_gates, threshold), conv.bias, conv)


class SparseMLP(nn.Module):
    """Three gated linear layers with ReLU between them, on flattened inputs; see `L0Linear`."""

    def __init__(
        self,
        input_dim: int = 784,
        hidden_dim: int = 256,
        output_dim: int = 10,
        *,
        constants: HardConcrete = STANDARD,
        start_probability: float = 0.9,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        first = drawn_seed() if seed is None else 3 * seed
        dims = (input_dim, hidden_dim, hidden_dim, output_dim)
        for i in range(3):
            layer = L0Linear(
                dims[i], dims[i + 1], constants=constants, start_probability=start_probability, seed=first + i
            )
            self.add_module(f"fc{i + 1}", layer)

    @property
    def layers(self) -> list[L0Linear]:
        """From the input to the output."""
        return [layer for layer in self.children() if isinstance(layer, L0Linear)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, *others = self.layers
        x = first(x.flatten(1))
        for layer in others:
            x = layer(relu(x))
        return x

    @torch.no_grad()
    def prune(self, threshold: float = 0.0) -> nn.Module:
        """The smaller dense network: constant hidden units move into the next bias, those that nothing reads vanish."""
        weights = [_folded(layer.weight, layer.weight_gates, threshold) for layer in self.layers]
        biases = [layer.bias.detach().clone() for layer in self.layers]
        for i in range(1, len(weights)):
            constant = ~weights[i - 1].any(dim=1)
            biases[i] += weights[i] @ (relu(biases[i - 1]) * constant)
            weights[i][:, constant] = 0
        for i in range(len(weights) - 1, 0, -1):
            weights[i - 1][~weights[i].any(dim=0)] = 0
        kept = [_some(weight.any(dim=0)) for weight in weights]
        kept.append(torch.arange(len(biases[-1]), device=kept[0].device))
        modules: list[nn.Module] = [_Inputs(kept[0], dim=1)]
        for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            rows = kept[i + 1]
            modules += [_dense(weight[rows][:, kept[i]], bias[rows], self.layers[i]), nn.ReLU()]
        return nn.Sequential(nn.Flatten(), *modules[:-1])


class _Inputs(nn.Module):
    """The inputs that are read."""

    def __init__(self, kept: torch.Tensor, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.kept: torch.Tensor
        self.register_buffer("kept", kept)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.index_select(self.dim, self.kept)


class _Outputs(nn.Module):
    """The outputs that vary, in their places among those that are constant."""

    def __init__(self, kept: torch.Tensor, constant: torch.Tensor, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.kept: torch.Tensor
        self.constant: torch.Tensor
        self.register_buffer("kept", kept)
        self.register_buffer("constant", constant.reshape(-1, *[1] * (-dim - 1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = list(x.shape)
        shape[self.dim] = len(self.constant)
        return self.constant.expand(shape).index_copy(self.dim, self.kept, x)


def _shrunk(weight: torch.Tensor, bias: torch.Tensor | None, like: nn.Linear | nn.Conv2d) -> nn.Module:
    """The dense layer of folded weights without inputs and outputs that are 0, as a module on all of them."""
    dim = -1 if isinstance(like, nn.Linear) else -3
    each = weight.flatten(2).any(dim=2) if weight.dim() > 2 else weight != 0
    rows = _some(each.any(dim=1))
    depthwise = isinstance(like, nn.Conv2d) and like.groups > 1
    columns = rows if depthwise else _some(each.any(dim=0))
    small = weight[rows] if depthwise else weight[rows][:, columns]
    constant = weight.new_zeros(len(weight)) if bias is None else bias.detach().clone()
    modules: list[nn.Module] = [_dense(small, None if bias is None else constant[rows], like)]
    if len(columns) < (len(weight) if depthwise else weight.shape[1]):
        modules.insert(0, _Inputs(columns, dim))
    if len(rows) < len(weight):
        modules.append(_Outputs(rows, constant, dim))
    return modules[0] if len(modules) == 1 else nn.Sequential(*modules)


def _dense(weight: torch.Tensor, bias: torch.Tensor | None, like: nn.Linear | nn.Conv2d) -> nn.Module:
    """A plain layer with these weights, otherwise like another."""
    layer: nn.Linear | nn.Conv2d
    if isinstance(like, nn.Linear):
        layer = nn.Linear(weight.shape[1], len(weight), device="meta")
    else:
        groups = len(weight) if like.groups > 1 else 1
        layer = nn.Conv2d(groups * weight.shape[1], len(weight), 1, groups=groups, device="meta")
        layer.kernel_size, layer.stride, layer.padding = like.kernel_size, like.stride, like.padding
    layer.weight = nn.Parameter(weight)
    layer.bias = None if bias is None else nn.Parameter(bias)
    return layer.eval()


@torch.no_grad()
def _folded(weight: torch.Tensor, gates: HardConcreteGates, threshold: float) -> torch.Tensor:
    """The weights times the gates of test time, those of at most `threshold` taken for 0."""
    if not 0 <= threshold < 1:
        raise InputError("threshold", "out of range", expected="0 ≤ threshold < 1", got=threshold)
    z = gates.deterministic()
    return weight.detach() * _over(torch.where(z > threshold, z, 0), weight)


def _convolved(x: torch.Tensor, conv: nn.Conv2d, gates: HardConcreteGates) -> torch.Tensor:
    weight = conv.weight * _over(gates(), conv.weight)
    return conv2d(x, weight, conv.bias, conv.stride, conv.padding, groups=conv.groups)


def _over(gates: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Gates in the shape of the weights that they belong to."""
    each = gates.numel() == weight.numel() and gates.dim() > 1
    return gates.view_as(weight) if each else gates.view(-1, *[1] * (weight.dim() - 1))


def _some(mask: torch.Tensor) -> torch.Tensor:
    """The places that are true; the first one where none is, as no layer is empty."""
    places = torch.nonzero(mask).flatten()
    return places if len(places) else torch.zeros(1, dtype=torch.long, device=mask.device)


@torch.no_grad()
def _started(layer: nn.Linear | nn.Conv2d, seed: int | None) -> int:
    """Draw the layer's start from the seed, distributed as torch's own: U(±1/√fan_in); the seed."""
    seed = drawn_seed() if seed is None else seed
    generator = torch.Generator().manual_seed(seed)
    bound = 1 / math.sqrt(layer.weight[0].numel())
    for parameter in layer.parameters():
        parameter.uniform_(-bound, bound, generator=generator)
    return seed


def _check_sizes(sizes: Mapping[str, int]) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise InputError(name, "no such layer", expected="an integer ≥ 1", got=size)
