"""The control: weights as they came, with no point to choose."""

from __future__ import annotations

import numpy as np
import pytest

import frontier
from frontier import InputError, Status
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split


def test_weights_are_returned_untouched_and_scored_like_any_others() -> None:
    problem = load_problem("cps_ohio")
    split = default_split(problem)
    [solution] = frontier.solve(problem.restrict(split.train), "initial_weights")
    assert solution.status is Status.COMPLETED
    np.testing.assert_array_equal(solution.weights, problem.w0)
    row = frontier.evaluate(problem, split, solution)
    residual = np.abs(problem.M @ problem.w0 - problem.y) / problem.scale
    assert row["heldout_mare"] == pytest.approx(residual[split.heldout].mean(), rel=1e-12)  # another order of sums


def test_there_is_nothing_to_choose() -> None:
    with pytest.raises(InputError, match="budget"):
        frontier.calibrate(load_problem("cps_ohio"), method="initial_weights", budget=100)
