"""Comparisons over replicates: verdicts on planted differences, error rates without any, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from frontier.analysis.arena import HIDDEN, TRAINING, contrasts, controls, means, replicates
from frontier.core.errors import InputError
from frontier.core.truth import COLUMNS, HEADLINE


def cells(arms: dict[str, tuple[float, float]], n: int = 10, spread: float = 0.02, seed: int = 0) -> pd.DataFrame:
    """Replicates of arms with (training, hidden) errors; what a sample has by chance is common to all arms."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for replicate in range(n):
        luck = rng.normal(scale=0.05)
        for label, (training, hidden) in arms.items():
            row: dict[str, Any] = {"problem": f"r{replicate}", "split": "default", "label": label, "method": label}
            row |= {"lam": np.nan, "budget": 1000, "seed": 0, "refit": "none", "repeat": 0}
            row |= {"status": "completed", "n_active": 1000, "ess": 500.0, **dict.fromkeys(COLUMNS, 0.5)}
            row |= {TRAINING: training * (1 + rng.normal(scale=0.05))}
            row |= dict.fromkeys(HEADLINE, hidden + luck + rng.normal(scale=spread))
            rows.append(row)
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        ((0.10, 0.60), "better on both"),
        ((0.01, 0.60), "trade-off"),
        ((0.01, 0.20), "worse on both"),
        ((0.05, 0.60), "better on the hidden error, level on training"),
    ],
)
def test_planted_differences_are_told(other: tuple[float, float], verdict: str) -> None:
    rows = replicates(cells({"Coreset": (0.05, 0.4), "other": other}))
    [found] = contrasts(rows, ("Coreset", "none"), [("other", "none")]).to_dict("records")
    assert found["verdict"] == verdict
    assert found["replicates"] == 10
    assert found["metrics_smaller"] == (len(HEADLINE) if other[1] > 0.4 else 0)


def test_training_errors_below_what_anybody_publishes_are_level() -> None:
    rows = replicates(cells({"Coreset": (0.0012, 0.4), "other": (0.0002, 0.6)}))
    [found] = contrasts(rows, ("Coreset", "none"), [("other", "none")]).to_dict("records")
    assert found["verdict"] == "better on the hidden error, level on training"


def test_without_a_difference_one_in_twenty_is_told_apart() -> None:
    told = 0
    for seed in range(400):
        rows = replicates(cells({"Coreset": (0.05, 0.4), "other": (0.05, 0.4)}, seed=seed))
        [found] = contrasts(rows, ("Coreset", "none"), [("other", "none")]).to_dict("records")
        told += found[f"{HIDDEN}_low"] > 0 or found[f"{HIDDEN}_high"] < 0
    assert 8 <= told <= 34  # 20 of 400 expected; three and a bit standard deviations of 4.4


def test_means_have_the_number_of_replicates_and_the_standard_error_of_both_errors() -> None:
    table = means(replicates(cells({"a": (0.05, 0.4), "b": (0.1, 0.5)})))
    assert table["replicates"].tolist() == [10, 10]
    raw = cells({"a": (0.05, 0.4), "b": (0.1, 0.5)})
    one = raw.loc[raw["label"] == "a", HIDDEN]
    assert table.loc[0, f"{HIDDEN}_se"] == pytest.approx(one.std() / np.sqrt(10), rel=1e-12)


def test_controls_are_averaged_over_replicates() -> None:
    splits = {f"r{i}": {"default": {"controls": {"initial weights": {HIDDEN: 0.1 * i, "ess": 5.0}}}} for i in (1, 3)}
    [row] = controls({"splits": splits}).to_dict("records")
    assert row[HIDDEN] == pytest.approx(0.2, rel=1e-12)
    assert controls({"splits": {}}).empty


def test_a_run_without_a_known_truth_is_refused() -> None:
    with pytest.raises(InputError, match="problems with a known truth"):
        replicates(cells({"a": (0.1, 0.2)}).drop(columns=HIDDEN))
