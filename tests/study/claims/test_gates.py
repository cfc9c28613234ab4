"""The same fits scored with two gates: cleaner, no cleaner, worse at equal size; closed or never closed."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.results.run import Run
from frontier.study.claims.gates import cleaner, never_closes, same_fits
from frontier.study.claims.model import FAILS, HOLDS, UNDECIDED, Verdict
from tests.study.claims.made import Cell, cell, results

SEEDS = range(20)
LAMS = (0.1, 0.2, 0.4)
GATES = ("tempered", "untempered")


def run(cells: list[Cell], **more: dict[str, object]) -> Run:
    """Arms are told apart by parameters; the labels say nothing."""
    methods = {
        gate[0]: {"name": "hard_concrete", "params": {"temperature": 0.5, "epochs": 10, "test_gate": gate}}
        for gate in GATES
    }
    return results(cells, methods=methods | more)


def fits(*, smaller: float = 0.5, better: float = 0.0, noise: float = 0.0) -> list[Cell]:
    """Twenty seeds at three λ: the tempered gate keeps `smaller` of the records, its error at equal size `better` less.

    Both frontiers are lines in ln k; `noise` is one of zero mean over seeds.
    """
    wiggle = noise * np.resize([1.0, -1.0], len(SEEDS))
    cells = []
    for s in SEEDS:
        for lam in LAMS:
            base = round(100 / lam)
            for gate, size in (("t", round(smaller * base)), ("u", base)):
                error = 0.5 - 0.05 * np.log(size) - (better + wiggle[s]) * (gate == "t")
                cells.append(cell("hard_concrete", gate, lam=lam, seed=s, n_active=size, train_mare=float(error)))
    return cells


def judged(**options: float) -> Verdict:
    return cleaner({"made": run(fits(**options))})


def test_a_smaller_error_at_equal_size_is_cleaner() -> None:
    verdict = judged(better=0.02)
    assert verdict.word == HOLDS
    [row] = verdict.evidence.to_dict("records")
    assert row["training_error"] == pytest.approx(-0.02, abs=1e-9)  # lines: exact but for rounding
    assert (row["smallest_records"], row["largest_records"]) == (250, 500)


def test_fewer_records_at_one_lam_on_the_same_frontier_are_no_cleaner() -> None:
    verdict = judged(smaller=0.5)
    assert verdict.word == FAILS
    assert "keeps 50.0% to 50.0% fewer records" in verdict.reason


def test_a_larger_error_at_equal_size_fails() -> None:
    assert judged(better=-0.02).word == FAILS


def test_an_error_that_the_seeds_hide_and_sizes_that_do_not_meet_are_undecided() -> None:
    assert judged(noise=0.05).word == UNDECIDED
    assert judged(smaller=0.1, better=0.02).word == UNDECIDED


def test_fits_are_paired_by_parameters_lam_and_seed_and_others_are_left_out() -> None:
    other = {"x": {"name": "hard_concrete", "params": {"temperature": 0.25, "epochs": 10, "test_gate": "tempered"}}}
    cells = [*fits(), cell("hard_concrete", "x", lam=0.1, seed=0), cell("hard_concrete", "y", lam=0.1, seed=0)]
    paired = same_fits(run(cells, **other))
    assert len(paired) == len(SEEDS) * len(LAMS)
    assert set(paired["arm"]) == {"β = 0.5"}


@pytest.mark.parametrize(("untempered", "word"), [(1000, HOLDS), (999, FAILS)])
def test_one_closed_gate_refutes_that_gates_never_close(untempered: int, word: str) -> None:
    cells = [
        cell("hard_concrete", gate, lam=0.1, seed=s, n_active=size)
        for s in SEEDS
        for gate, size in (("t", 90), ("u", untempered))
    ]
    assert never_closes({"made": run(cells)}).word == word  # of 1,000 records
