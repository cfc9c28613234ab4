"""Coreset: it keeps what categories see, says when there are none, and its augmented problem is what is declared."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

import frontier
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.coreset import Coreset
from frontier.methods.hard_concrete import HardConcreteCalibrator
from frontier.methods.leverage_sample import LeverageSample
from tests.conftest import make_problem


def with_groups(n: int = 300, m: int = 6, groups: int = 12) -> CalibrationProblem:
    """A problem whose targets see only the first two thirds of the records, and groups that see all."""
    problem = make_problem(n=n, m=m)
    M = problem.M.toarray()
    M[:, 2 * n // 3 :] = 0
    group = np.arange(n) * groups // n
    auxiliary = sp.csr_array((np.ones(n), (group, np.arange(n))), shape=(groups, n))
    y = M @ (problem.w0 * np.linspace(0.9, 1.1, n))
    return CalibrationProblem("groups", M, y, problem.w0, auxiliary=auxiliary)


def test_records_that_no_target_sees_are_kept_where_a_category_sees_them() -> None:
    problem = with_groups()
    points = [Point(budget=60, seed=0)]
    [ours], [gates] = (
        Coreset(epochs=600).solve(problem, points),
        HardConcreteCalibrator(epochs=600).solve(problem, points),
    )
    assert ours.weights is not None
    assert gates.weights is not None
    unseen = slice(200, 300)
    share = problem.w0[unseen].sum() / problem.w0.sum()
    assert ours.weights[unseen].sum() / ours.weights.sum() == pytest.approx(share, rel=0.2)
    assert gates.weights[unseen].sum() / gates.weights.sum() < 0.5 * share
    residual = (problem.M @ ours.weights - problem.y) / problem.scale
    assert np.abs(residual).mean() < 0.02
    assert ours.claims["auxiliary_rows"] == 12
    assert ours.status is Status.COMPLETED


def test_the_augmented_rows_are_the_dense_totals_and_weigh_their_share() -> None:
    problem = with_groups()
    dense = np.linspace(1.0, 2.0, 300)
    whole = Coreset(share=0.5, levelling=0.0).augmented(problem, dense)
    np.testing.assert_allclose(whole.y[6:], problem.auxiliary @ dense, rtol=1e-12)
    np.testing.assert_array_equal(whole.scale[6:], whole.y[6:])
    assert whole.importance[6:].sum() == pytest.approx(0.5 * problem.importance.sum(), rel=1e-12)
    level = Coreset(levelling=1.0).augmented(problem, dense).scale[6:]
    assert np.ptp(level) == 0
    few = Coreset(least_records=26).augmented(problem, dense)
    assert few.n_targets == 6  # every group has 25 records


def test_without_auxiliary_statistics_it_says_so_and_keeps_the_targets() -> None:
    problem = dataclasses.replace(with_groups(), auxiliary=None)
    for settings in ({}, {"share": 0.0}):
        [solution] = Coreset(epochs=600, **settings).solve(
            problem if not settings else with_groups(), [Point(budget=60, seed=0)]
        )
        assert "no auxiliary statistics: only the targets are kept" in solution.message


def test_the_last_fit_comes_nearer_to_all_totals_than_the_gates() -> None:
    problem, errors = with_groups(), {}
    for final in ("gates", "refit"):
        [solution] = Coreset(epochs=600, final=final).solve(problem, [Point(budget=60, seed=0)])  # type: ignore[arg-type]
        errors[final] = solution.claims["mean_auxiliary_error"]
    assert errors["refit"] <= errors["gates"]


@pytest.mark.filterwarnings("ignore::frontier.sweep.weight_warnings.WeightWarning")  # of short fits
def test_python_gives_the_categories_of_the_records_to_whoever_keeps_them_by_name_class_and_instance() -> None:
    ohio = frontier.load_problem("cps_ohio")

    def claims(method: object, **params: object) -> dict[str, object]:
        found = frontier.calibrate(ohio, method=method, budget=200, refit="none", params=params)  # type: ignore[arg-type]
        return dict(found.claims)

    rows = [claims(LeverageSample)["rank"], claims(LeverageSample())["rank"], claims("leverage_sample")["rank"]]
    assert rows == [rows[0]] * 3
    assert rows[0] != claims("leverage_sample", auxiliary=False)["rank"]  # categories are equations too
    assert claims(Coreset(epochs=300))["auxiliary_rows"]
