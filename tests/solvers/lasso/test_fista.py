"""FISTA against the exact working-set path: same optimum, and screening that excludes nothing it may not."""

from __future__ import annotations

import numpy as np
import pytest

from frontier import default_split, load_problem
from frontier.core.limits import time_limit
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.solvers.lasso import fista as module
from frontier.solvers.lasso.fista import FistaPath
from frontier.solvers.lasso.working_set import WorkingSetPath
from tests.solvers.lasso.designs import DESIGNS

RATIOS = (0.9, 0.5, 0.2, 0.05)


def of_problem(name: str) -> WeightedDesign:
    problem = load_problem(name)
    return weighted_design(problem.restrict(default_split(problem).train))


@pytest.mark.parametrize("name", ["cps_like", "cps_ohio"])
def test_it_reaches_the_optimum_of_the_exact_path_and_keeps_all_its_records(name: str) -> None:
    exact, path = WorkingSetPath(of_problem(name)), FistaPath(of_problem(name))
    for ratio in RATIOS:
        lam = ratio * path.lam_max
        found, best = path.solve(lam, tol=1e-9, max_iter=20_000), exact.solve(lam, max_pivots=10_000)
        assert found.certificate.relative_gap <= 1e-9
        # both gaps are at most 1e-9 of the same optimum
        assert found.certificate.primal == pytest.approx(best.certificate.primal, rel=2e-9)
        assert set(np.flatnonzero(best.weights)) <= set(path.kept)
        assert not found.weights[np.setdiff1d(np.arange(found.weights.size), path.kept)].any()


def test_screening_takes_columns_out_and_never_one_of_a_solution() -> None:
    taken = 0
    for one in DESIGNS.values():
        exact, path = WorkingSetPath(one), FistaPath(one)
        for ratio in RATIOS:
            lam = ratio * path.lam_max
            found, best = path.solve(lam, tol=1e-10, max_iter=20_000), exact.solve(lam, max_pivots=10_000)
            assert set(np.flatnonzero(best.weights)) <= set(path.kept)
            taken += found.weights.size - len(path.kept)
    assert taken > 100


def test_without_screening_the_optimum_is_the_same_and_takes_as_many_columns_as_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = of_problem("cps_ohio")
    lam = 0.1 * FistaPath(one).lam_max
    screened = FistaPath(one).solve(lam, tol=1e-9, max_iter=20_000)
    monkeypatch.setattr(module, "SHRUNK", -1.0)
    whole = FistaPath(one).solve(lam, tol=1e-9, max_iter=20_000)
    assert whole.told["columns_kept"] == one.A.shape[1] > 10 * int(screened.told["columns_kept"])
    # both gaps are at most 1e-9 of the same optimum
    assert screened.certificate.primal == pytest.approx(whole.certificate.primal, rel=2e-9)


def test_the_gap_falls_from_check_to_check_and_a_limit_is_kept() -> None:
    path = FistaPath(of_problem("cps_ohio"))
    found = path.solve(0.01 * path.lam_max, tol=1e-12, max_iter=1_050)
    assert found.n_iter == 1_050
    assert list(found.trace["iteration"][-2:]) == [1_000, 1_050]
    assert found.trace["relative_gap"][-1] < 0.05 * found.trace["relative_gap"][0]


def test_an_end_of_time_ends_it_with_its_best_point() -> None:
    path = FistaPath(of_problem("cps_ohio"))
    with time_limit(0.0):
        found = path.solve(0.01 * path.lam_max, tol=1e-12, max_iter=10_000)
    assert found.n_iter == 1
    assert np.isfinite(found.weights).all()
