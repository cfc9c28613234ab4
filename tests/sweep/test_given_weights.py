"""`frontier.score`: an array of weights from anywhere, judged by the yardstick or refused in one line."""

from __future__ import annotations

import numpy as np
import pytest

import frontier
from frontier import InputError, Solution, Status
from frontier.problems.splits import every_target
from tests.conftest import make_problem


def test_from_python_weights_get_the_row_that_a_solution_of_them_gets() -> None:
    problem = make_problem()
    weights = problem.w0 * np.linspace(0, 2, problem.n_records)
    row = frontier.score(problem, weights)
    same = frontier.evaluate(problem, every_target(problem), Solution(weights, Status.COMPLETED))
    np.testing.assert_equal(row, same)  # NaN, of timings that nobody took, equals NaN here
    error = np.abs((problem.M @ weights - problem.y) / problem.scale)
    assert row["train_mare"] == pytest.approx(error.mean(), rel=1e-12)  # rounding of a sum
    assert row["n_active"] == problem.n_records - 1
    assert frontier.score(problem, list(weights)).keys() == row.keys()


@pytest.mark.parametrize(
    ("weights", "line"),
    [
        ([1.0, 2], r"weights: wrong shape; expected \(4,\), a weight for each record, got \(2,\)"),
        ([[1.0, 2], [3]], "weights: not an array"),
        (["1", "2", "3", "4"], "weights: not numbers"),
        ([1.0, -1, 1, 1], r"weights\[1\]: negative weight"),
        ([1.0, 1, np.nan, 1], r"weights\[2\]: not a finite number"),
        ([1.0, 1, 1, -np.inf], r"weights\[3\]: negative weight"),
    ],
)
def test_from_python_bad_weights_are_an_input_error(weights: list[object], line: str) -> None:
    with pytest.raises(InputError, match=line):
        frontier.score(make_problem(n=4), weights)
