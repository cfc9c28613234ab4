"""l0-python's modules: their state dicts load and compute the same here; skipped, loudly, where it is missing."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import torch

from frontier.solvers.gates import modules as ours
from frontier.solvers.gates.modules import HardConcrete

if importlib.util.find_spec("l0") is None:
    pytest.skip("PACKAGE 'l0' NOT INSTALLED: state dicts of l0-python were not tested here", allow_module_level=True)
import l0

CONSTANTS = HardConcrete(temperature=0.5)  # its default
PAIRS: dict[str, tuple[Any, Any, tuple[int, ...]]] = {
    "linear": (l0.L0Linear(6, 4), ours.L0Linear(6, 4, constants=CONSTANTS), (3, 6)),
    "channels": (
        l0.L0Conv2d(3, 5, 2, structured=True),
        ours.L0Conv2d(3, 5, 2, constants=CONSTANTS),
        (2, 3, 5, 5),
    ),
    "weights": (l0.L0Conv2d(3, 5, 2), ours.L0Conv2d(3, 5, 2, structured=False, constants=CONSTANTS), (2, 3, 5, 5)),
    "depthwise": (l0.L0DepthwiseConv2d(3, 2), ours.L0DepthwiseConv2d(3, 2, constants=CONSTANTS), (2, 3, 5, 5)),
    "mlp": (l0.SparseMLP(6, 5, 4), ours.SparseMLP(6, 5, 4, constants=CONSTANTS), (3, 6)),
}


def shaken(model: torch.nn.Module) -> torch.nn.Module:
    """The model with parameters anywhere, in `eval()`."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=1.5, generator=generator)
    return model.eval()


@pytest.mark.parametrize("name", PAIRS)
@torch.no_grad()
def test_a_state_dict_of_the_peer_loads_and_computes_the_same(name: str) -> None:
    theirs, mine, shape = PAIRS[name]
    shaken(theirs)
    mine.load_state_dict(theirs.state_dict())
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(mine.eval()(x), theirs(x), rtol=1e-6, atol=1e-5)  # float32 sums in another order
    torch.testing.assert_close(mine.prune()(x), theirs(x), rtol=1e-6, atol=1e-5)  # as above


def test_gates_of_the_peer_load_with_their_probabilities() -> None:
    theirs = shaken(l0.HybridGate(20, target_items=8))
    mine = ours.HybridGate(20, 8, constants=HardConcrete(temperature=0.25))
    mine.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(mine.l0_gate.open_probability(), theirs.l0_gate.gates.get_active_prob().detach())
    torch.testing.assert_close(mine.l0_gate.penalty(), theirs.get_penalty())


def test_penalties_differ_where_the_docstrings_say() -> None:
    theirs, mine = l0.SparseMLP(6, 5, 4), ours.SparseMLP(6, 5, 4, constants=CONSTANTS)
    mine.load_state_dict(shaken(theirs).state_dict())
    torch.testing.assert_close(ours.l0_penalty(mine), l0.compute_l0_penalty(theirs))
    logits = sum(p.square().sum() for name, p in theirs.named_parameters() if "qz_logits" in name)
    torch.testing.assert_close(ours.l2_penalty(mine), l0.compute_l2_penalty(theirs) - logits)  # its L2 touches them


def test_the_peers_pruning_changes_the_function_and_ours_does_not() -> None:
    theirs = l0.SparseMLP(6, 5, 4)
    mine = ours.SparseMLP(6, 5, 4, constants=CONSTANTS)
    mine.load_state_dict(shaken(theirs).state_dict())
    x = torch.ones(1, 6)
    with torch.no_grad():
        before = theirs(x).clone()
        assert not torch.allclose(l0.prune_model(theirs, threshold=0.9)(x), before)
        torch.testing.assert_close(mine.prune()(x), before, rtol=1e-6, atol=1e-5)  # float32 sums in another order
