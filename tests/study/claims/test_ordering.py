"""The order of four arms: found, refuted by one pair, or hidden by the seeds; on training and on held-out error."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.study.claims.model import FAILS, HOLDS, UNDECIDED, Verdict
from frontier.study.claims.ordering import ORDER, ordered
from tests.study.claims.made import Cell, cell, results, targets_of

CLAIMED = dict(zip(ORDER, (0.1, 0.2, 0.3, 0.4), strict=True))


def judged(
    errors: dict[str, float], *, spread: float = 0.001, random_size: int = 100, metric: str = "training", draws: int = 3
) -> Verdict:
    wiggle = spread * np.array([-1.0, 0.0, 1.0])
    cells: list[Cell] = []
    found: dict[str, float] = {}

    def add(made: Cell, error: float) -> None:
        cells.append(made)
        found[made["cell"]] = error

    add(cell("dense_adam", "Dense", n_active=1000), errors["dense"])
    for s in range(draws):
        shift = float(wiggle[s])
        sparse = {"budget": 100, "seed": s, "n_active": 100}
        add(cell("hard_concrete", "L0", **sparse), errors["raw gated"] + shift)
        add(cell("hard_concrete", "L0", refit="fitted", **sparse), errors["L0 + refit"] + shift)
        add(
            cell("random_reweight", "Random", **sparse | {"n_active": random_size}), errors["random + reweight"] + shift
        )

    def estimate(one: Cell, name: str) -> float:
        return 1.0 + (found[one["cell"]] if name == metric else 0.0)  # the other error is 0 for every arm

    targets = targets_of(cells, {"training": 1.0, "held-out": 1.0}, estimate, heldout=["held-out"])
    return ordered(metric)({"made": results(cells, targets)})  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", ["training", "held-out"])
def test_the_claimed_order_holds_where_every_pair_is_in_order(metric: str) -> None:
    verdict = judged(CLAIMED, metric=metric)
    assert verdict.word == HOLDS
    [row] = verdict.evidence.to_dict("records")
    assert row["order_found"].startswith("L0 + refit 10.00% < dense 20.00%")
    assert set(verdict.points["arm"]) == set(ORDER)


@pytest.mark.parametrize(("arm", "error"), [("L0 + refit", 0.25), ("dense", 0.35), ("raw gated", 0.05)])
def test_one_pair_out_of_order_refutes_it(arm: str, error: float) -> None:
    assert judged(CLAIMED | {arm: error}).word == FAILS


def test_an_order_that_the_seeds_hide_is_undecided() -> None:
    assert judged(CLAIMED, spread=0.2).word == UNDECIDED


def test_one_draw_of_a_random_arm_decides_nothing() -> None:
    assert judged(CLAIMED, draws=1).word == UNDECIDED


def test_arms_of_other_sizes_are_not_compared() -> None:
    assert judged(CLAIMED, random_size=150).word == UNDECIDED
    assert judged(CLAIMED, random_size=102).word == HOLDS


def test_errors_are_capped_at_a_thousand_percent_in_training_and_at_a_hundred_held_out() -> None:
    verdict = judged(CLAIMED | {"raw gated": 50.0}, spread=0.0)
    assert verdict.points.set_index("arm").loc["raw gated", "error"] == 10.0
    held = judged(CLAIMED | {"raw gated": 50.0}, spread=0.0, metric="held-out")
    assert held.points.set_index("arm").loc["raw gated", "error"] == 1.0


def test_a_missing_arm_leaves_nothing_to_judge() -> None:
    cells = [cell("hard_concrete", "L0", budget=100, seed=0, n_active=100)]
    targets = targets_of(cells, {"a": 1.0}, lambda *_: 1.0)
    assert ordered("training")({"made": results(cells, targets)}).evidence.empty
