"""Leverage sampling: leverages against a dense pseudo-inverse, unbiasedness, and plain PPS as a special case."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.point import Point
from frontier.methods.leverage_sample import LeverageSample
from frontier.methods.pps_sample import PpsSample
from frontier.objectives.design import weighted_design
from frontier.problems.registry import load_problem
from frontier.solvers.sampling.leverage import exact_leverages, sketched_leverages
from tests.conftest import make_problem


def test_leverages_are_those_of_a_pseudo_inverse_and_sum_to_the_rank() -> None:
    problem = make_problem(n=50, m=6)
    A = weighted_design(problem).A.toarray()
    A = np.vstack([A, A[0] + A[1], np.zeros(50)])  # one row that follows, one of nothing
    found, rank = exact_leverages(sp.csr_array(A), problem.w0)
    inverse = np.linalg.pinv(A * problem.w0 @ A.T, rcond=1e-10, hermitian=True)
    np.testing.assert_allclose(found**2, np.einsum("ji,jk,ki->i", A, inverse, A), rtol=1e-8, atol=1e-12)  # eigenvalues
    assert rank == 6
    assert problem.w0 @ found**2 == pytest.approx(6, rel=1e-9)


def test_sketched_leverages_are_near_the_exact_ones_on_nested_rows() -> None:
    problem = load_problem("synthetic_populace", scale="1/64")
    rows = weighted_design(problem).A
    exact, rank = exact_leverages(rows, problem.w0)
    found, about = sketched_leverages(rows.tocsc(), problem.w0)
    ratio = found / exact
    # a mean square of 16 normal draws has a standard deviation of √(2/16) = 35%, its root of 18%; the ridge takes some
    assert np.median(ratio) == pytest.approx(1.0, abs=0.05)
    assert ratio.std() < 0.22
    assert about == pytest.approx(rank, rel=0.1)


def test_a_mix_of_1_is_plain_sampling_in_proportion_to_weight() -> None:
    problem = make_problem(n=60, m=5)
    points = [Point(budget=20, seed=seed) for seed in range(3)]
    ours, plain = LeverageSample(mix=1.0).solve(problem, points), PpsSample().solve(problem, points)
    for one, other in zip(ours, plain, strict=True):
        assert one.weights is not None
        np.testing.assert_allclose(one.weights, other.weights, rtol=1e-12)


def test_the_weights_are_unbiased_for_the_dense_ones_and_totals_vary_less_than_with_plain_sampling() -> None:
    problem = make_problem(n=300, m=8)
    A, points = weighted_design(problem).A, [Point(budget=60, seed=seed) for seed in range(400)]
    spread = {}
    for method in (LeverageSample(dense="initial", mix=0.0), PpsSample(dense="initial")):
        weights = np.array([solution.weights for solution in method.solve(problem, points)])
        errors = (weights - problem.w0) @ A.T.toarray()
        assert (np.abs(errors.mean(axis=0)) < 4 * errors.std(axis=0) / 20 + 1e-12).all()  # standard errors; rounding
        spread[type(method).__name__] = np.square(errors).mean()
    assert spread["LeverageSample"] < spread["PpsSample"]


def test_auxiliary_statistics_are_equations_too_where_they_are_wanted() -> None:
    problem = make_problem(n=60, m=5)
    rich = dataclasses.replace(problem, auxiliary=sp.csr_array(np.eye(60)[:10]))
    point = Point(budget=20, seed=0)
    ranks = [LeverageSample(auxiliary=used).solve(rich, [point])[0].claims["rank"] for used in (True, False)]
    assert ranks == [15, 5]


def test_the_cube_keeps_fitted_totals() -> None:
    problem = make_problem(n=400, m=5)
    A, points = weighted_design(problem).A, [Point(budget=100, seed=seed) for seed in range(10)]
    missed = [
        np.mean([np.abs(A @ (s.weights - problem.w0)).max() for s in method.solve(problem, points)])
        for method in (LeverageSample(dense="initial", balanced=True), LeverageSample(dense="initial"))
    ]
    assert missed[0] < 0.5 * missed[1]
