"""The distribution of a selection against that of a sample, over independent samples of a known population."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.results.run import Run
from frontier.study.claims.distribution import keeps
from frontier.study.claims.model import FAILS, HOLDS, UNDECIDED
from tests.study.claims.made import Cell, cell, results


def run(selection: float, *, noise: float = 0.001, dense: str = "anchored_l1", samples: int = 10) -> Run:
    rng = np.random.default_rng(0)
    cells: list[Cell] = []
    for i in range(samples):
        for method, error in (("hard_concrete", selection), ("pps_sample", 0.2)):
            made = cell(method, problem=f"r{i}", budget=1000, n_active=1000, seed=0)
            cells.append(made | {"truth_distribution": error + noise * rng.normal(), "truth_mean": 0.5})
    return results(cells, methods={"pps_sample": {"params": {"dense": dense}}})


@pytest.mark.parametrize(
    ("selection", "noise", "word"), [(0.1, 0.001, HOLDS), (0.9, 0.001, FAILS), (0.21, 0.2, UNDECIDED)]
)
def test_a_selection_is_held_against_a_sample_of_its_size(selection: float, noise: float, word: str) -> None:
    verdict = keeps({"arena": run(selection, noise=noise)})
    assert verdict.word == word
    assert verdict.evidence["samples"].tolist() == [10]


def test_samples_of_other_weights_and_single_replicates_are_not_compared() -> None:
    assert keeps({"arena": run(0.1, dense="initial")}).evidence.empty
    assert keeps({"arena": run(0.1, samples=1)}).evidence.empty
