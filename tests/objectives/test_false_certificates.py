"""No wrong answer is certified: columns of any unit, columns that cancel, exponents beyond float64."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import nnls

from frontier.core.problem import CalibrationProblem, Split
from frontier.core.status import Status
from frontier.methods.solution import Solution
from frontier.objectives.certificate import CERTIFIED_GAP, CERTIFIED_KKT
from frontier.objectives.design import weighted_design
from frontier.objectives.distance import DistanceObjective
from frontier.objectives.l1 import L1Objective, l1_certificate
from frontier.sweep.scoring import evaluate

Array = NDArray[np.float64]


def is_certified(problem: CalibrationProblem, weights: Array) -> bool:
    """As `scoring` decides for non-negative least squares."""
    found = l1_certificate(weighted_design(problem), weights, 0.0)
    return found.relative_gap <= CERTIFIED_GAP or found.kkt_residual <= CERTIFIED_KKT


def test_a_column_that_is_small_in_its_unit_still_counts() -> None:
    problem = CalibrationProblem("units", np.eye(2), np.array([100.0, 1e9]), np.ones(2), scale=np.ones(2))
    everything = Split("all", np.ones(2, dtype=bool))
    row = evaluate(problem, everything, Solution(np.array([0.0, 1e9]), Status.OPTIMAL, objective=L1Objective(0.0)))
    assert row["certified"]  # what is left is 1e-14 of the loss at w = 0
    row = evaluate(problem, everything, Solution(np.array([100.0, 0.0]), Status.OPTIMAL, objective=L1Objective(0.0)))
    assert not row["certified"]
    assert (row["status"], row["claimed_status"]) == ("not_converged", "optimal")


def badly_scaled(rng: np.random.Generator) -> CalibrationProblem:
    """2 to 11 targets, 2 to 29 records; columns over ten orders of magnitude, a sixth of the problems of both signs."""
    m, n = int(rng.integers(2, 12)), int(rng.integers(2, 30))
    A = rng.random((m, n)) ** rng.integers(1, 6) if rng.random() < 5 / 6 else rng.normal(size=(m, n))
    A = A * 10.0 ** rng.uniform(-5, 5, n)
    y = np.abs(rng.normal(size=m)) * 10.0 ** rng.uniform(-4, 6, m)
    return CalibrationProblem("scaled", A, y, np.ones(n), scale=np.abs(y) if rng.random() < 0.5 else np.ones(m))


def solved(A: Array, b: Array, allowed: NDArray[np.bool_]) -> Array:
    """Non-negative least squares on some columns, by SciPy, at unit length."""
    lengths = np.linalg.norm(A[:, allowed], axis=0)
    weights = np.zeros(A.shape[1])
    weights[allowed] = nnls(A[:, allowed] / lengths, b, maxiter=10_000)[0] / lengths
    return weights


def accelerated(A: Array, b: Array) -> Array:
    """300 steps of textbook FISTA, in the units of the columns: small ones hardly move."""
    step = 1 / np.linalg.norm(A, 2) ** 2
    x = z = np.zeros(A.shape[1])
    t = 1.0
    for _ in range(300):
        following, longer = np.maximum(z - step * (A.T @ (A @ z - b)), 0.0), (1 + np.sqrt(1 + 4 * t * t)) / 2
        x, z, t = following, following + (t - 1) / longer * (following - x), longer
    return x


def test_wrong_answers_are_refused_and_right_ones_are_certified() -> None:
    rng = np.random.default_rng(14)
    wrong = certified = 0
    for _ in range(250):
        problem = badly_scaled(rng)
        design = weighted_design(problem)
        A, b = design.A.toarray(), design.b
        everything = np.ones(A.shape[1], dtype=bool)
        best = solved(A, b, everything)
        candidates = [accelerated(A, b), best * np.exp(1e-3 * rng.normal(size=best.size))]
        lengths = np.linalg.norm(A, axis=0)
        without = [lengths >= np.median(lengths), *(np.arange(best.size) != i for i in np.flatnonzero(best)[:3])]
        candidates += [solved(A, b, allowed) for allowed in without if allowed.any()]
        loss = {i: 0.5 * float(np.sum((b - A @ w) ** 2)) for i, w in enumerate([best, *candidates])}
        certified += is_certified(problem, best)
        for i, weights in enumerate(candidates, 1):
            # a certificate allows 1e-6 of the loss at w = 0; ten times that is wrong without doubt
            if loss[i] - loss[0] > 1e-5 * 0.5 * float(b @ b):
                wrong += 1
                assert not is_certified(problem, weights), (i, loss[i] - loss[0])
    assert wrong > 500
    assert certified >= 245  # SciPy's own answers are off where columns of both signs cancel


@pytest.mark.parametrize("size", [1e2, 1e6, 1e12])
def test_raking_far_from_its_targets_is_refused_whatever_the_exponent(size: float) -> None:
    problem = CalibrationProblem("far", np.array([[1.0, 2.0]]), np.array([1.0]), np.full(2, size), scale=np.ones(1))
    objective = DistanceObjective("entropy", relax=0.01)
    found = objective.certificate(problem, problem.w0)  # without a hint θ is the residual, and exponents of −1e14
    assert found is not None
    better = objective.value(problem, problem.w0 / (3 * size))  # meets the target
    assert found.gap >= objective.value(problem, problem.w0) - better > 0
