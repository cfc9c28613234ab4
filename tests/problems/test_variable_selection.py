"""Variable selection: the model it draws from, how its truth judges, the documented example of a sparse model."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import frontier
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.truth import COLUMNS
from frontier.methods.registry import build_method
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split

EXPECTED = (1.04, 0.0, -2.07, 0.0)  # of the documented example, whose data are another draw
JUDGED = ("truth_recall", "truth_false_discovery", "truth_coefficient_error")


def test_targets_are_the_centred_outcomes_of_the_model_and_columns_are_mirrored() -> None:
    problem = load_problem("variable_selection", sigma=0.0, n_features=7, coefficients=[1.0, -2.0, 3.0])
    known = problem.meta["known_weights"]
    np.testing.assert_allclose(problem.M @ known, problem.y, atol=1e-12)  # rounding: the intercept is gone
    np.testing.assert_array_equal(known[:7] - known[7:], [1, 0, -2, 0, 3, 0, 0])
    M, fitted = problem.M.toarray(), default_split(problem).train
    np.testing.assert_array_equal(M[:, :7], -M[:, 7:])
    assert np.abs(M[fitted].mean(axis=0)).max() < 1e-15  # rounding
    assert (fitted.sum(), (~fitted).sum()) == (500, 100)


def test_neighbouring_features_are_correlated_as_asked_and_the_noise_has_its_size() -> None:
    problem = load_problem("variable_selection", n_samples=20_000, rho=0.7, sigma=1.5)
    correlation = np.corrcoef(problem.M.toarray()[:, :4].T)
    expected = 0.7 ** np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    np.testing.assert_allclose(correlation, expected, atol=0.03)  # four standard errors, 1/√n each
    noise = problem.y - problem.M @ problem.meta["known_weights"]
    assert noise.std() == pytest.approx(1.5, rel=0.02)  # four standard errors, 1/√(2n) each


def test_truth_judges_by_recall_false_discoveries_and_coefficient_error_only() -> None:
    problem = load_problem("variable_selection", n_features=4)
    for weights, judged in (
        (problem.meta["known_weights"], (1.0, 0.0, 0.0)),
        ([1, 0, 0, 0, 0, 0, 0, 0], (0.5, 0.0, 2.0)),
        ([1, 3, 0, 0, 0, 0, 2, 4], (1.0, 0.5, 5.0)),
        ([0, 0, 0, 0, 0, 0, 0, 0], (0.0, 0.0, np.sqrt(5))),
        ([2, 2, 0, 0, 1, 2, 2, 0], (1.0, 0.0, 0.0)),  # the two records of a feature cancel
    ):
        row = frontier.evaluate(
            problem, default_split(problem), frontier.Solution(np.array(weights), frontier.Status.COMPLETED)
        )
        assert tuple(row[name] for name in JUDGED) == pytest.approx(judged, rel=1e-12)  # rounding
        assert all(row[name] is None for name in COLUMNS if name not in JUDGED)
    truth = problem.truth
    assert truth is not None
    assert dataclasses.replace(truth, coefficients=False).fingerprint != truth.fingerprint


def test_the_documented_example_has_its_two_gates_open_and_its_coefficients() -> None:
    problem = load_problem("variable_selection")
    training = problem.restrict(default_split(problem).train)
    params = {"epochs": 5_000, "lr": 0.01, "temperature": 2 / 3, "init_keep_prob": 0.5, "precision": "float64"}
    method = build_method("hard_concrete", params | {"device": "cpu"}, "test")
    [solution] = method.solve(training, [Point(lam=0.2 * 500, seed=0)])  # 0.2 beside a mean of 500 squares
    assert problem.truth is not None
    found = problem.truth.H @ solution.weights
    np.testing.assert_array_equal(found != 0, [True, False, True, False])
    # another draw of the data: each is within three standard errors, 1.5/√500/√(1 − 0.25²) = 0.07, of the truth
    np.testing.assert_allclose(found, EXPECTED, atol=3 * np.sqrt(2) * 0.07)
    X = training.M.toarray()[:, [0, 2]]
    least_squares = np.linalg.lstsq(X, training.y, rcond=None)[0]
    np.testing.assert_allclose(found[[0, 2]], least_squares, atol=0.005)  # Adam's last steps of 0.01 under gate noise
    [exact] = build_method("l0_coordinate_descent", {}, "test").solve(training, [Point(lam=0.2 * 500)])
    np.testing.assert_allclose(
        (problem.truth.H @ exact.weights)[[0, 2]], least_squares, rtol=1e-7
    )  # steps of 1e-9 of the length of y


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_samples": 0},
        {"n_features": 0},
        {"coefficients": [1.0, 0.0]},
        {"coefficients": []},
        {"coefficients": [1.0] * 5},
        {"rho": 1.0},
        {"sigma": -1.0},
        {"intercept": float("inf")},
        {"seed": -1},
    ],
)
def test_impossible_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        load_problem("variable_selection", **wrong)
