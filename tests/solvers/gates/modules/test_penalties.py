"""Penalties and counts over a tree of modules, and the tracker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from frontier.core.errors import InputError
from frontier.solvers.gates.modules import (
    L0Conv2d,
    L0Linear,
    SampleGate,
    Temperature,
    Tracker,
    active_parameters,
    l0_penalty,
    l0l2_penalty,
    l2_penalty,
    set_temperature,
    sparsity,
)


@pytest.fixture
def model() -> nn.Sequential:
    return nn.Sequential(L0Conv2d(2, 3, 2, seed=0), nn.Flatten(), nn.Linear(3, 4), L0Linear(4, 2, seed=1))


def test_l0_counts_weights_also_where_a_gate_is_a_channel(model: nn.Sequential) -> None:
    # 3 channels of 2 × 2 × 2 weights and 4 × 2 weights, all open with probability 0.9 at the start
    assert l0_penalty(model).item() == pytest.approx(0.9 * (3 * 8 + 8), rel=1e-6)  # float32
    assert l0_penalty(nn.Linear(2, 2)).item() == 0
    assert l0_penalty(SampleGate(10, 4)).item() == pytest.approx(9, rel=1e-6)  # as above


def test_l2_never_touches_gate_logits(model: nn.Sequential) -> None:
    expected = sum(part.weight.square().sum() for part in (model[0], model[2], model[3]))
    torch.testing.assert_close(l2_penalty(model), expected)
    l2_penalty(model).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for name, p in model.named_parameters() if "qz_logits" in name or "bias" in name)
    both = l0l2_penalty(model, lam=0.1, lam_l2=0.01)
    torch.testing.assert_close(both, 0.1 * l0_penalty(model) + 0.01 * l2_penalty(model))


def test_closed_gates_are_counted_with_the_weights_behind_them(model: nn.Sequential) -> None:
    everything = 3 * 8 + 3 + 4 * 3 + 4 + 8 + 2
    assert active_parameters(model) == everything
    with torch.no_grad():
        model[0].channel_gates.qz_logits[0] = -9
        model[3].weight_gates.qz_logits[:, :2] = -9
    assert active_parameters(model) == everything - 8 - 4
    found = sparsity(model)
    assert list(found) == ["0.channel_gates", "3.weight_gates"]
    channels = found["0.channel_gates"]
    assert (channels.gates, channels.open, channels.weights, channels.active_weights) == (3, 2, 24, 16)
    assert channels.expected_open == pytest.approx(1.8, abs=1e-3)  # σ(−9 + 1.6) is left of the closed one
    assert channels.share_closed == pytest.approx(1 / 3)


def test_a_temperature_schedule_reaches_every_gate(model: nn.Sequential) -> None:
    for beta in Temperature(initial=2.0, final=0.5, shape="cosine", anneal_epochs=3).over(5):
        set_temperature(model, float(beta))
        assert model[0].channel_gates.temperature == model[3].weight_gates.temperature == beta
    with pytest.raises(InputError, match="temperature"):
        set_temperature(model, -1.0)


def test_a_tracker_keeps_steps_as_a_table_a_file_and_a_figure(tmp_path: Path) -> None:
    tracker = Tracker()
    with pytest.raises(InputError, match="nothing to draw"):
        tracker.figure()
    tracker.add({"loss": 2.0, "open": 5})
    tracker.add({"loss": 1.0})
    tracker.to_csv(tmp_path / "steps.csv")
    read = pd.read_csv(tmp_path / "steps.csv", index_col="step")
    np.testing.assert_array_equal(read["loss"], [2.0, 1.0])
    assert read["open"].tolist()[0] == 5
    assert read["open"].isna().tolist() == [False, True]
    assert [ax.get_ylabel() for ax in tracker.figure().axes] == ["loss", "open"]
