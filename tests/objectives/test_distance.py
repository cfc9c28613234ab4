"""The distance objective: its unit, its value, and its certificate."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import weighted_design
from frontier.objectives.distance import DistanceObjective, total
from frontier.solvers.dual.calibrate import calibrate
from tests.conftest import make_problem

OBJECTIVES = {
    "greg": DistanceObjective("chi_square"),
    "greg in a box": DistanceObjective("chi_square", None, 0.5, 4.0),
    "raking": DistanceObjective("entropy"),
    "logit": DistanceObjective("logit", None, 0.0, 8.0),
}
EVERY = pytest.mark.parametrize("name", OBJECTIVES)


@EVERY
def test_the_value_is_in_a_unit_that_neither_scaling_nor_splitting_records_changes(name: str) -> None:
    problem = make_problem()
    objective = dataclasses.replace(OBJECTIVES[name], relax=0.01)
    weights = problem.w0 * np.linspace(0.6, 1.9, problem.n_records)
    scaled = CalibrationProblem("scaled", problem.M / 1000, problem.y, problem.w0 * 1000)
    halves = CalibrationProblem(
        "halves", sp.hstack([problem.M] * 2, format="csr"), problem.y, np.tile(problem.w0, 2) / 2
    )
    value = objective.value(problem, weights)
    assert objective.value(scaled, 1000 * weights) == pytest.approx(value, rel=1e-12)  # rounding of two sums
    assert objective.value(halves, np.tile(weights, 2) / 2) == pytest.approx(value, rel=1e-12)  # rounding of two sums


def test_one_relaxation_means_the_same_trade_on_every_problem() -> None:
    problem = CalibrationProblem("one", np.ones((1, 4)), [4.4], np.ones(4))
    objective = DistanceObjective("chi_square", relax=0.01)
    missed_by_a_tenth = objective.value(CalibrationProblem("one", np.ones((1, 4)), [4 / 0.9], np.ones(4)), np.ones(4))
    doubled = DistanceObjective("chi_square").value(problem, 2 * np.ones(4))
    assert missed_by_a_tenth == pytest.approx(doubled)
    assert objective.value(problem, np.ones(4)) == pytest.approx((0.4 / 4.4) ** 2 / 0.02)


@EVERY
@pytest.mark.parametrize("relax", [1.0, 0.01])
def test_the_relaxed_gap_is_the_primal_minus_the_dual_value(name: str, relax: float) -> None:
    problem, rng = make_problem(), np.random.default_rng(0)
    objective = dataclasses.replace(OBJECTIVES[name], relax=relax)
    design, N, link = weighted_design(problem), total(problem), objective.link(problem.w0)
    weights = problem.w0 * rng.uniform(0.6, 3.0, problem.n_records)
    theta = rng.normal(size=problem.n_targets)
    dual = design.b @ theta - relax / (2 * N) * theta @ theta - link.potential(design.A.T @ theta).sum()
    certificate = objective.certificate(problem, weights, theta)
    assert certificate is not None
    assert certificate.primal == objective.value(problem, weights)
    assert certificate.gap == pytest.approx(certificate.primal - dual / N, rel=1e-9)  # cancellation in the difference


@EVERY
@pytest.mark.parametrize("relax", [None, 1.0, 1e-4])
def test_a_solution_is_certified_and_its_neighbours_are_not(name: str, relax: float | None) -> None:
    problem = make_problem()
    objective = dataclasses.replace(OBJECTIVES[name], relax=relax)
    found = calibrate(problem, objective, tol=1e-11, max_iter=200)
    good = objective.certificate(problem, found.weights, found.theta)
    assert good is not None
    assert 0 <= good.relative_gap <= 1e-9  # tol times the size of θ (hard), tol²/ρ (relaxed)
    assert good.kkt_residual <= 1e-10  # tol, as a length
    other = found.weights * np.linspace(0.99, 1.01, problem.n_records)
    worse = objective.certificate(problem, np.clip(other, 0.5 * problem.w0, 4 * problem.w0), found.theta)
    assert worse is not None
    assert worse.relative_gap > 1e-6
    assert worse.kkt_residual > 1e-4


def test_a_relaxed_certificate_needs_no_hint_and_a_hard_one_does() -> None:
    problem = make_problem()
    for relax in (None, 0.01):
        objective = DistanceObjective("entropy", relax)
        found = calibrate(problem, objective, tol=1e-11, max_iter=200)
        without = objective.certificate(problem, found.weights)
        assert (without is None) == (relax is None)
        if without is not None:
            assert without.relative_gap <= 1e-9  # θ from the residual: tol, amplified by 1/ρ


def test_weights_off_the_equations_certify_nothing_in_the_hard_case() -> None:
    problem = make_problem()
    objective = DistanceObjective("chi_square")
    certificate = objective.certificate(problem, problem.w0, np.zeros(problem.n_targets))
    assert certificate is not None
    assert certificate.gap == 0.0
    assert certificate.relative_gap > 0.1


@EVERY
def test_initial_weights_that_fit_already_are_certified(name: str) -> None:
    problem = make_problem()
    fitted = CalibrationProblem("fitted", problem.M, problem.M @ problem.w0, problem.w0)
    for relax in (None, 0.01):
        objective = dataclasses.replace(OBJECTIVES[name], relax=relax)
        certificate = objective.certificate(fitted, problem.w0, np.zeros(problem.n_targets))
        assert certificate is not None
        assert certificate.relative_gap <= 1e-12  # rounding of M w0


def test_weights_outside_the_bounds_have_an_infinite_value_and_gap() -> None:
    problem = make_problem()
    objective = DistanceObjective("logit", 0.01, 0.5, 2.0)
    certificate = objective.certificate(problem, 3 * problem.w0)
    assert objective.value(problem, 3 * problem.w0) == np.inf
    assert certificate is not None
    assert certificate.relative_gap == np.inf


def test_there_is_no_penalty_to_report() -> None:
    assert np.isnan(DistanceObjective("entropy").lam)
