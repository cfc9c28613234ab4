"""Integer weights as a user asks for them: of any solution, by seed, with what it did to the totals."""

from __future__ import annotations

import numpy as np
import pytest

import frontier
from frontier.core.errors import InputError
from frontier.core.status import Status
from tests.conftest import make_problem


def test_integer_weights_are_those_of_the_fit_rounded() -> None:
    problem = make_problem(n=400)
    fitted = frontier.calibrate(problem, method="raking")
    assert fitted.weights is not None
    found = frontier.calibrate(problem, method="raking", integer=True, seed=4)
    assert found.status is Status.COMPLETED
    assert found.objective is None
    np.testing.assert_array_equal(found.weights, frontier.integer_weights(problem, fitted.weights, seed=4))
    assert found.weights is not None
    assert (found.weights == np.round(found.weights)).all()
    moved = np.abs(problem.M @ (found.weights - fitted.weights)) / problem.scale
    assert found.claims["mean_rounding"] == pytest.approx(moved.mean(), rel=1e-12)  # rounding
    assert "which moves the totals by" in found.message
    assert (found.weights != frontier.integer_weights(problem, fitted.weights, seed=5)).any()


def test_a_weight_below_1_can_be_lost_and_it_is_said() -> None:
    problem = make_problem(n=300)
    small = frontier.CalibrationProblem("small", problem.M, problem.y / 20, problem.w0 / 20)
    found = frontier.calibrate(small, method="initial_weights", integer=True)
    assert "records with weights below 1 are rounded to none" in found.message
    assert found.weights is not None
    assert (found.weights == 0).any()


def test_weights_that_are_none_are_refused() -> None:
    problem = make_problem()
    with pytest.raises(InputError, match="weights: wrong shape"):
        frontier.integer_weights(problem, np.ones(3))
    with pytest.raises(InputError, match="seed: 'raking' is deterministic; drop it"):
        frontier.calibrate(problem, method="raking", seed=1)
