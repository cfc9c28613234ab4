"""Ratios of seconds: inside, outside or across the claimed range; only timings that may be compared."""

from __future__ import annotations

import pytest

from frontier.results.run import Run
from frontier.study.claims.model import FAILS, HOLDS, UNDECIDED
from frontier.study.claims.timing import speed
from tests.study.claims.made import Cell, cell, results

EPOCHS = 1000


def l0(seconds: float, repeat: int = 0) -> list[Cell]:
    """A grid that says how many epochs a fit takes, one cell of a tenth of them, and l0-python."""
    return [
        cell("hard_concrete", "frontier @ p", lam=0.1, seed=0, repeat=repeat, n_iter=EPOCHS, timing="contended"),
        cell("peers.l0_python", "l0-python @ p", lam=0.1, seed=0, repeat=repeat, timing="contended"),
        cell("peers.l0_python", "l0-python @ q", problem="q", lam=0.1, seed=0, repeat=repeat),
        cell("hard_concrete", "frontier, one cell @ p", lam=0.1, seed=0, repeat=repeat, n_iter=EPOCHS // 10)
        | {"fit_seconds": seconds / 10},
    ]


def grid(repeat: int = 0) -> Cell:
    made = cell(
        "hard_concrete",
        "frontier @ p",
        lam=0.1,
        seed=1,
        repeat=repeat,
        n_iter=EPOCHS,
        timing="amortised",
        batch_size=20,
    )
    return made | {"fit_seconds": 30.0}


def l1(*seconds: float, timing: str = "amortised") -> list[Cell]:
    return [
        cell("nn_lasso", "frontier", lam=0.1, repeat=r, timing=timing) | {"fit_seconds": s}
        for r, s in enumerate(seconds)
    ]


def ratio_of_one_cell(runs: dict[str, Run]) -> tuple[float, str]:
    evidence = speed(runs).evidence
    [row] = evidence[evidence["l0"] == "ours, one cell"].to_dict("records")
    return row["ratio"], row["verdict"]


@pytest.mark.parametrize(("seconds", "word"), [(30.0, HOLDS), (5.0, FAILS), (500.0, HOLDS)])
def test_a_ratio_is_scaled_to_all_epochs_and_faster_than_claimed_holds_too(seconds: float, word: str) -> None:
    runs = {"made": results([*l0(seconds), grid(), *l1(1.0)])}
    assert ratio_of_one_cell(runs) == (pytest.approx(seconds), word)


def test_a_range_over_repeats_that_straddles_the_bound_is_undecided() -> None:
    runs = {"made": results([*l0(20.0), grid(), *l1(1.0, 4.0)])}  # 20/4 to 20/1
    assert ratio_of_one_cell(runs)[1] == UNDECIDED


def test_every_comparison_inside_the_range_makes_the_claim_hold() -> None:
    verdict = speed({"made": results([*l0(30.0), grid(), *l1(1.0)])})
    assert verdict.word == HOLDS
    assert "at least 12 times in 2 of 2" in verdict.reason


def test_contended_timings_and_runs_with_several_jobs_are_left_out() -> None:
    assert speed({"made": results([*l0(30.0), grid(), *l1(1.0, timing="contended")])}).evidence.empty
    assert speed({"made": results([*l0(30.0), grid(), *l1(1.0)], jobs=2)}).evidence.empty


def test_timings_of_two_machines_are_no_ratio_and_those_of_one_still_are() -> None:
    other = {"processor": "q", "cores": 2, "memory_gib": 8.0, "system": "Linux"}
    left, right = results([*l0(30.0), grid()]), results(l1(1.0), machine=other)
    assert speed({"one": left, "two": right}).evidence.empty
    assert len(speed({"one": left, "two": right, "three": results(l1(1.0))}).evidence) == 2
