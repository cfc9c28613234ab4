"""Every reading of residuals, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from frontier.analysis.heldout_metrics import METRICS, contributions, summary

RESIDUALS = np.array([0.5, -0.2, 3.0, -1.0])
VALUES = np.array([10.0, -100.0, 1.0, 5.0])
BY_HAND = {
    "capped": (0.5 + 0.2 + 1 + 1) / 4,
    "mape": (0.5 + 0.2 + 3 + 1) / 4,
    "median": (0.5 + 1) / 2,
    "wmape": (5 + 20 + 3 + 5) / 116,
    "log_ratio": (math.log(1.5) + abs(math.log(0.8)) + math.log(4) + math.log(1000)) / 4,
    "rmse": math.sqrt((0.25 + 0.04 + 9 + 1) / 4),
    "beyond": 1 / 4,
    "bias": abs(0.5 - 0.2 + 3 - 1) / 4,
}


@pytest.mark.parametrize("metric", list(METRICS))
def test_a_metric_is_what_a_colleague_would_compute(metric: str) -> None:
    found = summary(metric, contributions(metric, RESIDUALS), VALUES)
    assert found == pytest.approx(BY_HAND[metric], rel=1e-14)  # the same few sums in another order


def test_every_metric_is_worked_by_hand_and_zero_for_exact_estimates() -> None:
    assert set(BY_HAND) == set(METRICS)
    assert {summary(m, contributions(m, np.zeros(3)), np.array([0.0, 1.0, 2.0])) for m in METRICS} == {0.0}
