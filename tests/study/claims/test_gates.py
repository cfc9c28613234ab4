"""The same fits scored with two gates: cleaner, no cleaner, worse; closed or never closed."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.study.claims.gates import cleaner, never_closes, same_fits
from frontier.study.claims.model import FAILS, HOLDS, UNDECIDED, Verdict
from tests.study.claims.made import Cell, cell, results

SEEDS = range(20)


def fits(tempered: int, untempered: int, *, worse: float = 0.0, noise: float = 0.0) -> list[Cell]:
    """Twenty fits of one λ; training errors differ by `worse` and a zero-mean noise."""
    wiggle = noise * np.resize([1.0, -1.0], len(SEEDS))
    cells = []
    for s in SEEDS:
        cells.append(
            cell("hard_concrete", "L0, tempered gate", lam=0.1, seed=s, n_active=tempered, train_mare=0.1 + worse)
            | {"train_mare": 0.1 + worse + float(wiggle[s])}
        )
        cells.append(cell("hard_concrete", "L0, untempered gate", lam=0.1, seed=s, n_active=untempered, train_mare=0.1))
    return cells


def judged(*arguments: int, **options: float) -> Verdict:
    return cleaner({"made": results(fits(*arguments, **options))})


def test_fewer_records_at_the_same_training_error_are_cleaner() -> None:
    assert judged(90, 100).word == HOLDS


def test_as_many_records_are_no_cleaner() -> None:
    assert judged(1000, 1000).word == FAILS
    assert judged(999, 1000).word == FAILS  # a thousandth fewer is nothing to speak of


def test_fewer_records_at_a_larger_training_error_are_paid_for() -> None:
    verdict = judged(90, 100, worse=0.02)
    assert verdict.word == FAILS
    assert "10.0% to 10.0% fewer records, training error 2.00% to 2.00% larger" in verdict.detail
    assert "cleaner at 0 of 1 λ, not at 1" in verdict.reason


def test_a_training_error_that_the_seeds_hide_is_undecided() -> None:
    assert judged(90, 100, noise=0.05).word == UNDECIDED


def test_fits_are_paired_by_arm_lam_and_seed_and_others_are_left_out() -> None:
    cells = [*fits(90, 100), cell("hard_concrete", "L0 at β = 0.25, tempered gate", lam=0.1, seed=0)]
    cells.append(cell("hard_concrete", "Hard Concrete L0", lam=0.1, seed=0))
    paired = same_fits(results(cells).cells)
    assert len(paired) == len(SEEDS)
    assert set(paired["arm"]) == {"L0"}


@pytest.mark.parametrize(("untempered", "word"), [(1000, HOLDS), (999, FAILS)])
def test_one_closed_gate_refutes_that_gates_never_close(untempered: int, word: str) -> None:
    assert never_closes({"made": results(fits(90, untempered))}).word == word  # of 1,000 records
