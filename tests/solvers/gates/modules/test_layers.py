"""Gated layers: what they compute, and that pruned ones compute the same with less."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from frontier.core.errors import InputError
from frontier.solvers.gates.modules import (
    HardConcreteGates,
    L0Conv2d,
    L0DepthwiseConv2d,
    L0Linear,
    SparseMLP,
    active_parameters,
    l0_penalty,
)

SAME = {"rtol": 1e-6, "atol": 1e-6}  # what issue I asks for: sums of tens of float32 numbers in another order
IMAGES = (6, 4, 9, 9)
LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "linear": (lambda seed: L0Linear(12, 7, seed=seed), (6, 12)),
    "linear on three dimensions, no bias": (lambda seed: L0Linear(12, 7, bias=False, seed=seed), (2, 3, 12)),
    "channels": (lambda seed: L0Conv2d(4, 8, 3, stride=2, padding=1, seed=seed), IMAGES),
    "channels, no bias": (lambda seed: L0Conv2d(4, 8, (3, 2), bias=False, seed=seed), IMAGES),
    "weights": (lambda seed: L0Conv2d(4, 8, 2, structured=False, seed=seed), IMAGES),
    "depthwise": (lambda seed: L0DepthwiseConv2d(4, 3, stride=2, padding=1, seed=seed), IMAGES),
    "mlp": (lambda seed: SparseMLP(12, 9, 5, seed=seed), (6, 3, 4)),
}


def made(name: str, *, closed: float, seed: int = 0) -> tuple[nn.Module, torch.Tensor]:
    """A layer with about a share of its gates closed and the others anywhere, in `eval()`, and an input."""
    make, shape = LAYERS[name]
    model = make(seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, HardConcreteGates):
                logits = 3 * torch.rand(module.qz_logits.shape, generator=generator)
                module.qz_logits.copy_(torch.where(torch.rand(logits.shape, generator=generator) < closed, -9, logits))
    return model.eval(), torch.randn(shape, generator=generator)


@pytest.mark.parametrize("closed", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("name", LAYERS)
@torch.no_grad()
def test_a_pruned_layer_is_dense_smaller_and_the_same_function(name: str, closed: float) -> None:
    for seed in range(5):
        model, x = made(name, closed=closed, seed=seed)
        pruned = model.prune()  # type: ignore[operator]
        torch.testing.assert_close(pruned(x), model(x), **SAME)
        torch.testing.assert_close(pruned.train()(x), model(x), **SAME)  # no noise left in it
        assert not any(isinstance(module, HardConcreteGates) for module in pruned.modules())
        if closed == 1.0:
            assert active_parameters(pruned) < active_parameters(LAYERS[name][0](seed))


@torch.no_grad()
def test_a_pruned_network_has_fewer_units_and_leaves_the_model_alone() -> None:
    model = SparseMLP(12, 9, 5, seed=0).eval()
    x = torch.randn(6, 12, generator=torch.Generator().manual_seed(0))
    model.fc1.weight_gates.qz_logits[:3] = -9  # units 0-2 are constant
    model.fc3.weight_gates.qz_logits[:, 5:] = -9  # nothing reads units 5-8 of the second layer
    model.fc1.weight_gates.qz_logits[:, 10:] = -9  # nor inputs 10 and 11
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pruned = model.prune()
    shapes = [tuple(layer.weight.shape) for layer in pruned.modules() if isinstance(layer, nn.Linear)]
    assert shapes == [(6, 10), (5, 6), (5, 5)]
    torch.testing.assert_close(pruned(x), model(x), **SAME)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@torch.no_grad()
def test_a_threshold_closes_the_gates_up_to_it() -> None:
    model, x = made("linear", closed=0.0)
    z = model.weight_gates.deterministic()  # type: ignore[operator, union-attr]
    expected = nn.functional.linear(x, model.weight * z * (z > 0.7), model.bias)  # type: ignore[arg-type, operator]
    torch.testing.assert_close(model.prune(0.7)(x), expected, **SAME)  # type: ignore[operator]
    with pytest.raises(InputError, match=r"threshold: out of range; expected 0 ≤ threshold < 1, got 1\.0"):
        model.prune(1.0)  # type: ignore[operator]


@pytest.mark.parametrize("name", LAYERS)
def test_layers_train_weights_and_gates_by_autograd(name: str) -> None:
    model, x = made(name, closed=0.3)
    model.train()
    (model(x).square().sum() + l0_penalty(model)).backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().sum() > 0


@pytest.mark.parametrize("name", LAYERS)
def test_everything_random_in_a_layer_comes_from_its_seed(name: str) -> None:
    make, shape = LAYERS[name]
    x, state = torch.ones(shape), torch.random.get_rng_state()
    one, same, other = make(1), make(1), make(2)
    first = one(x)
    assert torch.equal(first, same(x))
    assert not torch.equal(first, one(x))
    assert not torch.equal(first, other(x))
    torch.random.set_rng_state(state)
    drawn = [L0Linear(8, 8).weight_gates for _ in range(2)]
    assert drawn[0].seed != drawn[1].seed


@pytest.mark.parametrize("name", LAYERS)
def test_state_dicts_come_back(name: str) -> None:
    model, x = made(name, closed=0.5)
    other = LAYERS[name][0](99).eval()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(x), model(x))


# torch's own: while it traces (it hides it, but from errors), and on Python 3.13.0
@pytest.mark.filterwarnings("ignore:The .grad attribute", "ignore:Guards may run slower")
@pytest.mark.parametrize("name", ["linear", "channels", "mlp"])
def test_layers_work_under_torch_compile(name: str) -> None:
    model, x = made(name, closed=0.3)
    compiled = torch.compile(model, backend="aot_eager")  # the tracing, without minutes of C++
    torch.testing.assert_close(compiled(x), model(x), **SAME)
    model.train()
    again = LAYERS[name][0](0)
    again.load_state_dict(model.state_dict())
    found = compiled(x)
    torch.testing.assert_close(found, again(x), **SAME)  # the same draws
    found.sum().backward()


def test_layers_without_units_are_refused() -> None:
    for make in (
        lambda: L0Linear(0, 3),
        lambda: L0Conv2d(3, 0, 1),
        lambda: L0DepthwiseConv2d(0, 1),
        lambda: SparseMLP(0),
    ):
        with pytest.raises(InputError, match="no such layer; expected an integer ≥ 1, got 0"):
            make()


@pytest.mark.gpu
@pytest.mark.parametrize("name", LAYERS)
@torch.no_grad()
def test_layers_and_what_is_left_of_them_work_on_a_gpu(name: str) -> None:
    model, x = made(name, closed=0.5)
    expected = model(x)
    gpu = model.to("cuda")
    for found in (gpu(x.to("cuda")), gpu.prune()(x.to("cuda"))):  # type: ignore[operator]
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-3)  # convolutions may round to TF32
