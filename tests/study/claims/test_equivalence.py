"""Normalised targets and the relative loss: equal fits, other fits, and weights that decide by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.study.claims.equivalence import NORMALISED, OURS, RAW, equivalent
from frontier.study.claims.model import FAILS, HOLDS, ONLY_IF, UNDECIDED, Verdict
from tests.study.claims.made import Cell, cell, results, targets_of

LAMS = (0.01, 0.04)


def fits(label: str, at: tuple[int, int], noise: float = 0.0) -> list[Cell]:
    """Records kept at the two λ, five seeds, with an alternating relative noise."""
    wiggle = 1 + noise * np.array([1, -1, 1, -1, 1])
    return [
        cell("peers.l0_python", label, lam=lam, seed=s, n_active=round(k * float(wiggle[s])))
        for lam, k in zip(LAMS, at, strict=True)
        for s in range(5)
    ]


def judged(cells: list[Cell], y: float = 1e6) -> Verdict:
    targets = targets_of(cells[:1], {"a": y, "b": 1e6}, lambda _, name: 1.0)
    methods = {label: {"name": "peers.l0_python", "params": {"loss": label}} for label in (OURS, RAW, NORMALISED)}
    return equivalent({"made": results(cells, targets, methods=methods)})


def verdict_of(verdict: Verdict, start: str) -> str:
    [word] = verdict.evidence.loc[verdict.evidence["setting"].str.startswith(start), "verdict"]
    return str(word)


def test_equal_fits_and_large_targets_make_the_claim_hold() -> None:
    cells = fits(OURS, (1000, 400)) + fits(RAW, (1000, 400))
    assert judged(cells).word == HOLDS


def test_normalised_targets_in_the_relative_loss_are_the_raw_ones_at_four_times_lam() -> None:
    verdict = judged(fits(NORMALISED, (400, 100)) + fits(RAW, (1000, 400)))
    assert verdict_of(verdict, "relative loss of normalised targets against") == FAILS
    assert verdict_of(verdict, "relative loss of normalised targets at λ") == HOLDS
    assert verdict.word == ONLY_IF
    assert "at 4λ" in verdict.condition


def test_fits_that_differ_refute_it() -> None:
    verdict = judged(fits(OURS, (1200, 480)) + fits(RAW, (1000, 400)), y=1.0)
    assert verdict.word == FAILS


def test_noisy_fits_leave_it_undecided() -> None:
    verdict = judged(fits(OURS, (1000, 400), noise=0.3) + fits(RAW, (1000, 400)))
    assert verdict_of(verdict, "squared loss") == UNDECIDED


@pytest.mark.parametrize(("y", "word"), [(1e6, HOLDS), (1.0, FAILS)])
def test_targets_near_one_count_less_than_large_ones(y: float, word: str) -> None:
    verdict = judged(fits(OURS, (1000, 400)) + fits(RAW, (1000, 400)), y=y)
    assert verdict_of(verdict, "weights") == word
    weights = verdict.evidence.dropna(subset=["least_weight"]).iloc[0]
    assert weights["least_weight"] == pytest.approx((y / (y + 1)) ** 2)
