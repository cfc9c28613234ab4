"""The linearised variance: its residuals are derivatives, and it is right on average on samples of a population."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import weighted_design
from frontier.objectives.distance import DistanceObjective, Kind, total
from frontier.objectives.linearised import residuals, variance_of_totals
from frontier.solvers.dual.calibrate import calibrate
from frontier.solvers.sampling.replicates import make, units_of

RNG = np.random.default_rng(5)
SIZE = RNG.lognormal(size=6000)
CLASS = RNG.integers(3, size=6000)
STRATUM = np.repeat(np.arange(4), 1500)
WANTED = SIZE * (1 + 0.5 * CLASS) * RNG.lognormal(sigma=0.5, size=6000) * (1 + STRATUM)  # what nobody published
ROWS = np.vstack([SIZE, CLASS == 0, CLASS == 1, CLASS == 2])


def sample(rows: np.ndarray, w0: float) -> CalibrationProblem:
    return CalibrationProblem("sample", sp.csr_array(ROWS[:, rows]), ROWS.sum(axis=1), np.full(rows.size, w0))


def fitted(problem: CalibrationProblem, kind: Kind = "entropy", relax: float | None = None) -> FloatArray:
    found = calibrate(problem, DistanceObjective(kind, relax), tol=1e-12, max_iter=200)
    assert found.ended == "converged"
    return found.weights


def parts(problem: CalibrationProblem, weights: FloatArray, z: FloatArray, ridge: float = 0.0) -> FloatArray:
    """w e of one variable, (1, n)."""
    return weights * residuals(weighted_design(problem).A, z[None, :], weights, ridge)


@pytest.mark.parametrize("relax", [None, 5.0])
def test_the_residuals_of_raking_are_derivatives_by_the_initial_weights(relax: float | None) -> None:
    rows = np.arange(0, 6000, 100)
    problem, z = sample(rows, 80.0), WANTED[rows]
    N = total(problem)
    weights = fitted(problem, relax=relax)
    found = parts(problem, weights, z, 0.0 if relax is None else relax / N)[0]
    for i in (0, 17, 59):
        values = []
        for step in (1e-4, -1e-4):
            w0 = problem.w0.copy()
            w0[i] *= 1 + step
            again = CalibrationProblem("moved", problem.M, problem.y, w0)
            # ρ/N stays what it is: N is no estimate
            values.append(fitted(again, relax=None if relax is None else relax * w0.sum() / N) @ z)
        derivative = (values[0] - values[1]) / 2e-4
        # central differences err by the square of the step; the solver by 1e-12 of a total over it
        assert found[i] == pytest.approx(derivative, rel=1e-5, abs=1e-6 * abs(found).max())


def test_totals_that_are_targets_have_no_error() -> None:
    rows = np.arange(0, 6000, 100)
    problem = sample(rows, 80.0)
    weights = fitted(problem)
    found = variance_of_totals(parts(problem, weights, SIZE[rows]), np.arange(60), np.zeros(60, dtype=np.intp))
    assert np.sqrt(found[0]) < 1e-8 * SIZE.sum()  # the ridge of 1e-10 that keeps nested targets solvable


def test_nested_targets_leave_the_residuals_of_independent_ones() -> None:
    rows = np.arange(0, 6000, 50)
    problem = sample(rows, 50.0)
    twice = CalibrationProblem("nested", sp.vstack([problem.M, problem.M]), np.tile(problem.y, 2), problem.w0)
    weights = fitted(problem)
    a, b = parts(problem, weights, WANTED[rows]), parts(twice, weights, WANTED[rows])
    np.testing.assert_allclose(a, b, atol=1e-7 * abs(a).max())  # the ridge again


@pytest.mark.parametrize("design", ["simple", "stratified", "clusters"])
def test_it_is_right_on_average_and_so_is_the_jackknife(design: str) -> None:
    estimates, linearised, jackknifed = [], [], []
    draw = np.random.default_rng(1)
    for number in range(300):
        if design == "clusters":  # neighbours are sampled together, 60 clusters of 4
            unit, stratum = np.repeat(np.arange(60), 4), np.zeros(60, dtype=np.intp)
            rows = (4 * draw.choice(1500, 60, replace=True)[:, None] + np.arange(4)).ravel()
        elif design == "stratified":
            unit, stratum = np.arange(240), np.repeat(np.arange(4), 60)
            rows = np.concatenate([1500 * h + draw.choice(1500, 60, replace=True) for h in range(4)])
        else:
            unit, stratum = np.arange(240), np.zeros(240, dtype=np.intp)
            rows = draw.choice(6000, 240, replace=True)
        problem = sample(rows, 25.0)
        weights = fitted(problem, "entropy")
        estimates.append(weights @ WANTED[rows])
        linearised.append(variance_of_totals(parts(problem, weights, WANTED[rows]), unit, stratum)[0])
        if number < 7:
            made = make("jkn", units_of(240, unit, stratum[unit]))
            again = []
            for r in range(len(made)):
                factors = made.factors(r)
                moved = CalibrationProblem("jackknife", problem.M, problem.y, 25.0 * factors)
                again.append([fitted(moved) @ WANTED[rows]])
            jackknifed.append(made.variance(np.array(again))[0] / linearised[-1])
    # the variance of 300 estimates is within 4 of its standard errors, √(2/299); linearisation leaves out terms of
    # the order of targets over units, 4/60 at most
    ratio = np.mean(linearised) / np.var(estimates, ddof=1)
    assert ratio == pytest.approx(1.0, abs=4 * np.sqrt(2 / 299) + 4 / 60)
    # the jackknife has those terms with the other sign, and more of them where a record is outlying: hence the median
    assert 1.0 < np.median(jackknifed) < 1.2
