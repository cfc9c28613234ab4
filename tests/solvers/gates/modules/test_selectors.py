"""Gates that select: trained by the loss that they are given, exact in size, honest about being untrained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from frontier.core.errors import InputError
from frontier.solvers.gates.modules import FeatureGate, HybridGate, L0Gate, SampleGate

N, K = 40, 10
USEFUL = torch.arange(N) < 8
DATA = torch.arange(2 * N, dtype=torch.float32).reshape(N, 2)


def loss(z: torch.Tensor) -> torch.Tensor:
    """Each of the first eight items that is missing costs 1, so λ < 1 keeps those and drops the others."""
    return (1 - z)[USEFUL].sum()


@pytest.fixture
def gate() -> SampleGate:
    made = SampleGate(N, K, seed=0)
    made.fit(loss, lam=0.2, epochs=150)
    return made


def test_the_loss_trains_the_gates(gate: SampleGate) -> None:
    chances = gate.open_probability()
    assert (chances[USEFUL] > 0.9).all()
    assert (chances[~USEFUL] < 0.1).all()
    assert not gate.training


def test_the_target_is_met_exactly_with_what_is_useful_for_certain(gate: SampleGate) -> None:
    for seed in range(20):
        data, items = gate.select_samples(DATA, seed)
        assert len(items) == K
        assert set(items.tolist()) >= set(range(8))  # more items asked for than are open: those are certain
        assert torch.equal(data, DATA[items])
        assert torch.equal(items, gate.select_samples(DATA, seed)[1])
    assert gate.select(0, 5).items.size == 5
    assert gate.select(0, N).items.size == N


def test_weighted_samples_estimate_totals_without_bias(gate: SampleGate) -> None:
    weights = torch.linspace(1, 2, N, dtype=torch.float64)
    totals = [float(gate.select_weighted_samples(DATA, weights, seed)[1].sum()) for seed in range(2000)]
    error = np.std(totals) / math.sqrt(len(totals))
    assert abs(np.mean(totals) - weights.sum().item()) < 4 * error  # exceeded once in 16,000; seeds are fixed


def test_features_are_selected_by_place_and_by_name() -> None:
    gate = FeatureGate(N, K, seed=1)
    gate.fit(loss, lam=0.2, epochs=150)
    names = [f"x{i}" for i in range(N)]
    data, items = gate.select_features(DATA.T, 3)
    assert torch.equal(data, DATA.T[:, items])
    assert gate.select_names(names, 3) == [names[i] for i in items]
    assert (gate.importance()[USEFUL] > gate.importance()[~USEFUL].max()).all()


def test_a_hybrid_selection_says_what_was_learned_and_what_is_random() -> None:
    gate = HybridGate(N, 20, learned_share=0.4, seed=0)
    gate.l0_gate.fit(loss, lam=0.2, epochs=150)
    others = []
    for seed in range(50):
        data, items, kinds = gate.select(DATA, seed)
        assert torch.equal(data, DATA[items])
        assert [int((kinds == kind).sum()) for kind in ("learned", "random")] == [8, 12]
        others += items[torch.from_numpy(kinds == "random")].tolist()
    assert len(set(others)) > 30  # chance reaches what the gates closed


def test_gates_multiply_along_a_dimension_and_train_what_stands_beside_them() -> None:
    gate = L0Gate(2, 1, seed=0)
    scale = torch.nn.Parameter(torch.ones(()))
    found = gate.fit(lambda z: (scale * z[0] - 3) ** 2, lam=0.1, epochs=200, parameters=[scale])
    assert found[-1] < found[0]
    assert scale.item() == pytest.approx(3, abs=0.2)  # sampled gates move it
    torch.testing.assert_close(gate(torch.ones(3, 2), dim=1)[0], gate.gates())
    with pytest.raises(InputError, match="x: wrong length of dimension 0; expected 2, got 3"):
        gate(torch.ones(3, 2))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: SampleGate(5, 6), "target: not a number of items; expected 1 to 5"),
        (lambda: L0Gate(5, 0), "target: not a number of items"),
        (lambda: HybridGate(5, 6), "target_items: not a number of items; expected 1 to 5"),
        (lambda: HybridGate(5, 2, learned_share=1.5), "learned_share: out of range"),
        (lambda: SampleGate(5, 2).select(0), "gate: not trained"),
        (lambda: HybridGate(5, 2, learned_share=0.5).select(torch.ones(5), 0), "gate: not trained"),
        (lambda: L0Gate(5, 2).fit(loss, lam=-0.1), "lam: out of range; expected a number ≥ 0, got -0.1"),
        (lambda: L0Gate(5, 2).fit(loss, lam=0.1, epochs=0), "epochs: out of range"),
        (lambda: L0Gate(5, 2).fit(loss, lam=0.1, lr=0.0), "lr: out of range; expected a number > 0"),
        (lambda: L0Gate(5, 2).fit(lambda z: z, lam=0.1), "loss: cannot be minimised; expected one finite number"),
        (lambda: L0Gate(5, 2).fit(lambda z: z.sum() * math.nan, lam=0.1), "loss: cannot be minimised"),
    ],
)
def test_impossible_wishes_are_one_clear_line(act: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        act()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_lengths_and_sizes_of_a_trained_gate_are_refused(gate: SampleGate) -> None:
    with pytest.raises(InputError, match="size: not a number of items; expected 1 to 40"):
        gate.select(0, N + 1)
    with pytest.raises(InputError, match="data: wrong length; expected 40, got 3"):
        gate.select_samples(DATA[:3], 0)
