"""L1 dominates only where the results say so at every size, and what the seeds leave open stays open."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.study.claims.dominance import dominates
from frontier.study.claims.model import FAILS, HOLDS, ONLY_IF, UNDECIDED, Verdict
from tests.study.claims.made import Cell, cell, results

SIZES = (10, 100, 1000)


def both(value: float) -> dict[str, float]:
    return {"heldout_capped_mare": value, "train_capped_mare": value}


def rival(size: int, centre: float, spread: float = 0.001) -> list[Cell]:
    """Hard Concrete at one λ, five seeds around `centre`."""
    offsets = np.linspace(-spread, spread, 5)
    return [
        cell("hard_concrete", lam=1 / size, seed=s, n_active=size, **both(centre + float(offset)))
        for s, offset in enumerate(offsets)
    ]


def judged(l1: dict[int, float], l0: dict[int, float], spread: float = 0.001) -> Verdict:
    cells = [
        cell("nn_lasso", lam=1 / k, n_active=k, certified=True, status="optimal", **both(e)) for k, e in l1.items()
    ]
    for size, centre in l0.items():
        cells += rival(size, centre, spread)
    return dominates("nn_lasso")({"made": results(cells)})


def test_an_l1_that_is_better_at_every_size_dominates() -> None:
    verdict = judged(dict.fromkeys(SIZES, 0.1), dict.fromkeys(SIZES, 0.2))
    assert verdict.word == HOLDS
    assert verdict.evidence["l1_better"].tolist() == [3, 3]


def test_one_size_at_which_hard_concrete_is_better_refutes_the_claim() -> None:
    verdict = judged(dict.fromkeys(SIZES, 0.1), {10: 0.05, 100: 0.2, 1000: 0.2})
    assert verdict.word == FAILS
    assert verdict.evidence["l0_better"].tolist() == [1, 1]
    assert "of 3 sizes L1 has the smaller error at 2, Hard Concrete at 1" in verdict.reason
    assert "p 2 and 1 of 3" in verdict.detail


def test_an_l1_without_a_point_that_small_does_not_dominate() -> None:
    verdict = judged({100: 0.1, 1000: 0.1}, dict.fromkeys(SIZES, 0.2))
    assert verdict.word == FAILS
    assert verdict.evidence["l1_absent"].tolist() == [1, 1]


def test_a_smaller_l1_point_serves_larger_sizes_and_two_percent_are_forgiven() -> None:
    assert judged({10: 0.1}, dict.fromkeys(SIZES, 0.2)).word == HOLDS
    assert judged({102: 0.1}, {100: 0.2}).word == HOLDS
    assert judged({103: 0.1}, {100: 0.2}).word == FAILS


def test_differences_within_the_seeds_are_undecided() -> None:
    verdict = judged(dict.fromkeys(SIZES, 0.199), dict.fromkeys(SIZES, 0.2), spread=0.1)
    assert verdict.word == UNDECIDED


def test_a_claim_that_holds_for_one_error_only_says_which() -> None:
    cells = [cell("nn_lasso", lam=0.1, n_active=10, heldout_capped_mare=0.5, train_capped_mare=0.0)]
    cells += rival(10, 0.2)
    verdict = dominates("nn_lasso")({"made": results(cells)})
    assert verdict.word == ONLY_IF
    assert verdict.condition == "training, as fitted (p)"


@pytest.mark.parametrize("status", ["not_converged", "error", "timeout"])
def test_unfinished_points_are_no_points(status: str) -> None:
    cells = [cell("nn_lasso", lam=0.1, n_active=10, status=status, **both(0.0)), *rival(10, 0.2)]
    cells.append(cell("nn_lasso", lam=0.2, n_active=10, **both(0.9)))
    assert dominates("nn_lasso")({"made": results(cells)}).word == FAILS


def test_refits_are_compared_with_refits() -> None:
    cells = [cell("nn_lasso", lam=0.1, n_active=10, refit="fitted", **both(0.0)), *rival(10, 0.2)]
    verdict = dominates("nn_lasso")({"made": results(cells)})
    assert verdict.evidence.empty


def test_a_single_draw_of_something_random_decides_nothing() -> None:
    cells = [cell("stratified_raking", lam=0.1, seed=0, n_active=10, **both(0.1)), *rival(10, 0.2)]
    assert dominates("stratified_raking")({"made": results(cells)}).word == UNDECIDED
    cells.append(cell("stratified_raking", lam=0.1, seed=1, n_active=10, **both(0.1)))
    assert dominates("stratified_raking")({"made": results(cells)}).word == HOLDS
