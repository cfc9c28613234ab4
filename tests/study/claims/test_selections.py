"""A verdict on whether the seed decides which records are kept, for selections made up."""

from __future__ import annotations

import pytest

from frontier.results.run import Run
from frontier.study.claims.model import FAILS, HOLDS, UNDECIDED, Word
from frontier.study.claims.selections import steady
from tests.study.claims.made import Cell, cell, results


def fits(shared: list[float], method: str = "hard_concrete", **values: object) -> list[Cell]:
    """A seed for each number of records shared with the others, of 100 that each keeps of 1,000."""
    return [
        cell(method, lam=0.1, seed=seed, n_active=100, shared_records=one, **values) for seed, one in enumerate(shared)
    ]


def judged(cells: list[Cell], **manifest: object) -> Run:
    return results(cells, **manifest)


@pytest.mark.parametrize(
    ("shared", "word"), [([95, 96, 94], HOLDS), ([40, 41, 39], FAILS), ([95, 60, 77], UNDECIDED), ([10, 10, 10], FAILS)]
)
def test_a_selection_is_stable_when_its_whole_interval_is_above_what_is_called_excellent(
    shared: list[float], word: Word
) -> None:
    assert steady({"made": judged(fits(shared))}).word == word


def test_the_evidence_corrects_for_what_chance_has_in_common() -> None:
    [row] = steady({"made": judged(fits([10, 10, 10]))}).evidence.to_dict("records")  # 100 · 100/1,000
    assert row["stability"] == pytest.approx(0, abs=1e-12)
    assert row["shared_records"] == 10


def test_what_is_drawn_at_random_stands_beside_it_and_is_not_judged() -> None:
    verdict = steady({"made": judged(fits([95, 96, 94]) + fits([10, 10, 10], "pps_sample"))})
    assert verdict.word == HOLDS
    assert "pps_sample 0.00 to 0.00" in verdict.detail


def test_results_without_the_count_or_with_two_seeds_are_no_evidence() -> None:
    assert steady({"made": judged([cell("hard_concrete", lam=0.1, seed=s) for s in range(3)])}).evidence.empty
    assert steady({"made": judged(fits([95, 96]))}).evidence.empty


def test_an_arm_that_nobody_published_is_left_out() -> None:
    methods = {"hard_concrete": {"name": "hard_concrete", "params": {"lam_l2": 0.01}}}
    assert steady({"made": judged(fits([95, 96, 94]), methods=methods)}).evidence.empty
