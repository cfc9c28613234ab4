"""The order of four arms: found, refuted by one pair, or hidden by the seeds; on training and on held-out error."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.study.claims.model import FAILS, HOLDS, ONLY_IF, UNDECIDED, Verdict
from frontier.study.claims.ordering import ORDER, arm_errors, ordered
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
    assert verdict.evidence["link"].tolist() == [
        "L0 + refit < dense",
        "dense < random + reweight",
        "random + reweight < raw gated",
        "L0 + refit < random + reweight",
    ]
    assert set(verdict.points["arm"]) == set(ORDER)


@pytest.mark.parametrize(
    ("arm", "error", "link"),
    [
        ("L0 + refit", 0.25, "L0 + refit < dense"),
        ("dense", 0.35, "dense < random + reweight"),
        ("raw gated", 0.05, "random + reweight < raw gated"),
    ],
)
def test_one_link_out_of_order_refutes_that_link_alone(arm: str, error: float, link: str) -> None:
    verdict = judged(CLAIMED | {arm: error})
    assert verdict.word == ONLY_IF
    assert verdict.evidence.loc[verdict.evidence["verdict"] == FAILS, "link"].tolist() == [link]


def test_an_order_that_the_seeds_hide_is_undecided() -> None:
    assert set(judged(CLAIMED, spread=0.2).evidence["verdict"]) == {UNDECIDED}


def test_one_draw_of_a_random_arm_decides_nothing() -> None:
    assert set(judged(CLAIMED, draws=1).evidence["verdict"]) == {UNDECIDED}


def test_arms_of_other_sizes_are_not_compared() -> None:
    unlike = judged(CLAIMED, random_size=150).evidence
    assert unlike.loc[unlike["verdict"] == UNDECIDED, "link"].tolist() == [
        "random + reweight < raw gated",
        "L0 + refit < random + reweight",
    ]
    assert judged(CLAIMED, random_size=102).word == HOLDS


def test_errors_are_capped_at_a_thousand_percent_in_training_and_at_a_hundred_held_out() -> None:
    verdict = judged(CLAIMED | {"raw gated": 50.0}, spread=0.0)
    assert verdict.points.set_index("arm").loc["raw gated", "error"] == 10.0
    held = judged(CLAIMED | {"raw gated": 50.0}, spread=0.0, metric="held-out")
    assert held.points.set_index("arm").loc["raw gated", "error"] == 1.0


def test_on_problems_with_the_papers_importance_errors_are_its_weighted_capped_loss() -> None:
    cells = [cell("dense_adam", "Dense", n_active=1000)]
    value = {"US/wages/amount": 1e6, "US/wages/count": 100.0, "US/rent/count": 10_000.0}
    off = {"US/wages/amount": 0.1, "US/wages/count": 5.0, "US/rent/count": 0.2}
    targets = targets_of(cells, value, lambda _, name: value[name] * (1 + off[name]))
    published = {"p": {"n_records": 1000, "meta": {}, "params": {"fiscal_importance": True}}}
    [row] = arm_errors(results(cells, targets, problems=published), "training").to_dict("records")
    # the amount is half of the weight; the counts go as √100 : √10,000 in the other half, and 5 is capped at 1
    assert row["error"] == pytest.approx(0.5 * 0.1 + 0.5 * (10 * 1 + 100 * 0.2) / 110, rel=1e-12)
    assert row["mean_are"] == pytest.approx((0.1 + 5 + 0.2) / 3, rel=1e-12)
    [row] = arm_errors(results(cells, targets), "training").to_dict("records")
    assert row["error"] == pytest.approx((0.1 + 5 + 0.2) / 3, rel=1e-12)


def test_a_missing_arm_leaves_nothing_to_judge() -> None:
    cells = [cell("hard_concrete", "L0", budget=100, seed=0, n_active=100)]
    targets = targets_of(cells, {"a": 1.0}, lambda *_: 1.0)
    assert ordered("training")({"made": results(cells, targets)}).evidence.empty
