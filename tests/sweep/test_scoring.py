"""The yardstick on hand-computed cases, and the one-line honesty rules."""

from __future__ import annotations

import numpy as np
import pytest

from frontier import CalibrationProblem, Point, Solution, Split, Status, evaluate
from frontier.objectives.l1 import L1Objective
from frontier.objectives.weight_statistics import design_effect, effective_sample_size

PROBLEM = CalibrationProblem(
    "hand",
    np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0]]),
    [10.0, 20.0, 5.0],
    [1.0, 2.0, 4.0, 0.0],
    families=("x", "x", "z"),
)
SPLIT = Split("default", np.array([True, True, False]))
WEIGHTS = np.array([9.0, 0.0, 21.0, 0.0])  # estimates 9, 21, 30: errors 0.1, 0.05, 5


def row(weights: np.ndarray | None = WEIGHTS, status: Status = Status.COMPLETED) -> dict[str, object]:
    return evaluate(PROBLEM, SPLIT, Solution(weights, status, point=Point(lam=1.0, seed=3), method="m"))


def test_errors_are_absolute_relative_errors_on_each_side() -> None:
    found = row()
    expected = {
        "train_mare": 0.075,
        "train_median_are": 0.075,
        "train_max_are": 0.1,
        "train_capped_mare": 0.075,
        "train_within_1pct": 0.0,
        "train_within_5pct": 0.5,
        "train_within_10pct": 1.0,
        "heldout_mare": 5.0,
        "heldout_capped_mare": 1.0,
        "heldout_median_are": 5.0,
        "heldout_within_10pct": 0.0,
        "mare[x]": 0.075,
        "mare[z]": 5.0,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name  # decimal fractions in binary


def test_support_statistics_are_those_of_the_weights() -> None:
    found = row()
    assert found["n_active"] == 2
    assert found["total_weight"] == 30.0
    assert found["ess"] == pytest.approx(30.0**2 / (81 + 441), rel=1e-12)  # Kish, by hand
    assert found["design_effect"] == pytest.approx(2 * (81 + 441) / 30.0**2, rel=1e-12)
    assert found["max_weight_ratio"] == 9.0
    assert not found["threshold_matters"]


def test_tiny_weights_count_at_some_thresholds_and_are_flagged() -> None:
    found = row(np.array([10.0, 1e-4, 20.0, 1e-7]))
    assert [found["n_active_1e-9"], found["n_active_1e-6"], found["n_active_1e-3"]] == [4, 3, 2]
    assert found["n_active"] == 3
    assert found["threshold_matters"]


def test_a_failed_solution_keeps_its_identity_and_has_every_column() -> None:
    failed = row(None, Status.ERROR)
    assert failed["status"] == "error"
    assert (failed["lam"], failed["seed"], failed["method"]) == (1.0, 3, "m")
    assert failed["heldout_mare"] is None
    assert failed.keys() == row().keys()


def test_a_split_that_holds_nothing_out_has_no_heldout_metrics() -> None:
    found = evaluate(PROBLEM, Split("all", np.ones(3, bool)), Solution(WEIGHTS, Status.COMPLETED))
    assert found["heldout_mare"] is None
    assert found["train_max_are"] == 5.0


def test_claims_never_reach_the_metrics() -> None:
    honest = Solution(WEIGHTS, Status.OPTIMAL, objective=L1Objective(0.01), claims={"relative_gap": 0.5})
    boast = Solution(WEIGHTS, Status.OPTIMAL, objective=L1Objective(0.01), claims={"relative_gap": 0.0})
    one, other = (evaluate(PROBLEM, SPLIT, s) for s in (honest, boast))
    assert one["relative_gap"] == other["relative_gap"] > 1e-3
    assert one["status"] == other["status"] == "not_converged"


@pytest.mark.parametrize("size", [1e300, 1e154, 1e-170, 1e-300])
def test_an_effective_sample_size_neither_overflows_nor_vanishes(size: float) -> None:
    weights = np.array([3.0, 1.0, 0.0, 4.0])
    assert effective_sample_size(size * weights) == pytest.approx(effective_sample_size(weights), rel=1e-12)  # order
    assert design_effect(size * weights) == pytest.approx(design_effect(weights), rel=1e-12)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("lam", [0.0, 1e-3])
def test_what_overflows_is_not_certified(lam: float) -> None:
    found = evaluate(
        PROBLEM, SPLIT, Solution(1e200 * WEIGHTS, Status.OPTIMAL, objective=L1Objective(lam), point=Point(lam=lam))
    )
    assert found["certified"] is False
    assert found["status"] == "not_converged"


def test_a_proven_optimum_with_fewer_records_than_the_budget_is_what_was_asked_for() -> None:
    for at_most, status, served in ((True, "optimal", True), (False, "unreached", False)):
        solution = Solution(WEIGHTS, Status.OPTIMAL, point=Point(budget=3), at_most=at_most)
        found = evaluate(PROBLEM, SPLIT, solution)
        assert (found["status"], found["budget_reached"]) == (status, served)
    more = evaluate(PROBLEM, SPLIT, Solution(WEIGHTS, Status.OPTIMAL, point=Point(budget=1), at_most=True))
    assert more["status"] == "unreached"
