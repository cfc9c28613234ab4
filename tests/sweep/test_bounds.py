"""The training bound and the rank: against independent solvers, and below every method."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

import frontier
from frontier.objectives.design import weighted_design
from frontier.sweep.bounds import training_facts
from tests.conftest import make_problem


@pytest.mark.parametrize("shape", [(60, 6), (5, 12), (40, 40)])
def test_the_bound_is_the_nonnegative_least_squares_minimum_from_below(shape: tuple[int, int]) -> None:
    problem = make_problem(*shape)
    design = weighted_design(problem)
    minimum = 0.5 * scipy.optimize.nnls(design.A.toarray(), design.b)[1] ** 2
    facts = training_facts(problem)
    assert facts["rank"] == np.linalg.matrix_rank(design.A.toarray())
    bound = facts["bound_loss"]
    assert bound is not None
    assert minimum * (1 - 1e-4) - 1e-9 <= bound <= minimum * (1 + 1e-9) + 1e-12  # λ = 1e-8 λ_max, a proven bound


def test_no_method_goes_below_the_bound() -> None:
    problem = make_problem(5, 12)
    split = frontier.default_split(problem)
    bound = training_facts(problem)["bound_loss"]
    for method, point in (
        ("nn_lasso", frontier.Point(lam=0.0)),
        ("anchored_l1", frontier.Point(lam=0.0)),
        ("random_reweight", frontier.Point(budget=5, seed=0)),
    ):
        [solution] = frontier.solve(problem, method, [point])
        assert frontier.evaluate(problem, split, solution)["train_loss"] >= bound
