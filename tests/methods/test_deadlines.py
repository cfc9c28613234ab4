"""Whatever the moment at which the time is used up: best points that say so, and what was ready in time bit for bit.

The clock here counts how often it is asked, so that every moment can be tried and none depends on the machine.
"""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.limits import out_of_time, remaining_seconds, time_limit
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.registry import build_method
from frontier.methods.solution import Solution
from frontier.objectives.design import WeightedDesign
from frontier.solvers.lasso.working_set import WorkingSetPath
from frontier.sweep.measure import refit_measured, solve_measured
from tests.conftest import make_problem
from tests.methods.test_contracts import METHODS, configured, points_for

MOMENTS = (0, 1, 2, 3, 5, 8, 13, 30)
# methods that iterate in Python, set so that they ask the clock many times; what each has done when it is stopped
ITERATING: dict[str, tuple[dict[str, object], str]] = {
    "anchored_l1": ({"mu": 1e-6}, "relative gap"),
    "dense_adam": ({"epochs": 200, "trace_every": 1, "device": "cpu"}, "of 200 epochs"),
    "dense_adam_noise": ({"epochs": 200, "trace_every": 1, "device": "cpu", "dropout_rate": 0.1}, "of 200 epochs"),
    "fista": ({"tol": 1e-14}, "relative gap"),
    "greg": ({"relax": 1e-3}, "Newton steps; raise limits.seconds"),
    "hard_concrete": ({"epochs": 200, "trace_every": 1, "device": "cpu"}, "of 200 epochs"),
    "iht": ({"tol": 1e-12}, "the loss still falls after"),
    "omp": ({}, "raise limits.seconds"),
    "random_reweight": ({"epochs": 200, "trace_every": 1}, "of 200 epochs"),
    "raking": ({}, "raise limits.seconds"),
    "reweighted_l1": ({}, "LASSOs"),
    "stratified_raking": ({"tol": 1e-12}, "weights still change"),
}


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves on by a second whenever it is read."""
    reads = itertools.count()
    monkeypatch.setattr("frontier.core.limits.time", SimpleNamespace(monotonic=lambda: float(next(reads))))


def within(seconds: float | None, method: Method, problem: CalibrationProblem, points: list[Point]) -> list[Solution]:
    with time_limit(seconds):
        return method.solve(problem, points)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.usefixtures("counting")
def test_a_solution_is_the_same_as_without_a_limit_or_says_that_the_time_was_used_up(
    name: str, tiny: CalibrationProblem
) -> None:
    method = configured(name)
    points = points_for(method, tiny)
    unlimited = within(None, method, tiny, points)
    seen = set()
    for moment in MOMENTS:
        for free, limited in zip(unlimited, within(moment, method, tiny, points), strict=True):
            seen.add(limited.status)
            if limited.status is Status.TIMEOUT:
                assert limited.message
                assert limited.weights is None or (np.isfinite(limited.weights) & (limited.weights >= 0)).all()
            elif limited.status is not Status.ERROR:  # GREG without bounds, on its way: negative weights
                assert limited.status is free.status
                np.testing.assert_array_equal(limited.weights, free.weights)
    assert seen, "no solution was compared"
    assert name not in ITERATING or Status.TIMEOUT in seen
    for free, again in zip(unlimited, within(1e9, method, tiny, points), strict=True):
        np.testing.assert_array_equal(again.weights, free.weights)
        assert again.status is free.status


@pytest.mark.parametrize("name", ITERATING)
@pytest.mark.usefixtures("counting")
def test_an_iteration_stops_in_its_middle_with_its_best_point_and_how_far_it_came(name: str) -> None:
    problem = make_problem(n=200, m=20)
    params, said = ITERATING[name]
    method = build_method(name, params, name)
    points = points_for(method, problem)[:1]
    stopped = [s for k in range(2, 30) for s in within(k, method, problem, points) if s.status is Status.TIMEOUT]
    begun = [solution for solution in stopped if solution.weights is not None]
    assert begun, "never stopped on its way"
    assert any(said in solution.message for solution in begun), {solution.message for solution in begun}


@pytest.mark.usefixtures("counting")
def test_a_search_for_a_budget_that_is_cut_short_says_so(tiny: CalibrationProblem) -> None:
    method = build_method("nn_lasso", {}, "nn_lasso")
    statuses, cut = set(), 0
    for moment in range(0, 400, 8):
        with time_limit(moment):
            [solution] = solve_measured(method, "nn_lasso", tiny, [Point(budget=4)])
        statuses.add(solution.status)
        if solution.status is Status.TIMEOUT and solution.weights is not None:
            cut += 1
            assert solution.message.startswith("stopped by the clock, so not reproducible; ")
        if solution.status is Status.OPTIMAL:
            assert np.count_nonzero(solution.weights) == 4
    assert statuses == {Status.TIMEOUT, Status.OPTIMAL}
    assert cut, "never stopped with weights"


@pytest.mark.usefixtures("counting")
def test_a_refit_for_which_no_time_is_left_is_a_timeout_without_weights(tiny: CalibrationProblem) -> None:
    method = build_method("random_reweight", {"epochs": 10}, "random_reweight")
    [solution] = solve_measured(method, "random_reweight", tiny, [Point(budget=20, seed=0)])
    with time_limit(0):
        late = refit_measured(tiny, solution, "fitted")
    assert (late.status, late.weights, late.refit) == (Status.TIMEOUT, None, "fitted")
    with time_limit(1e9):
        assert refit_measured(tiny, solution, "fitted").status is Status.OPTIMAL


def test_limits_nest_and_end_with_their_context() -> None:
    assert remaining_seconds() is None
    with time_limit(0.0):
        assert out_of_time()
        with time_limit(None):
            assert not out_of_time()
        assert remaining_seconds() == 0.0
    assert not out_of_time()


@pytest.mark.usefixtures("counting")
def test_a_sample_or_a_thinning_without_time_to_finish_is_a_timeout_and_those_before_it_are_kept() -> None:
    problem = make_problem(n=400, m=20)
    for name, points in {
        "balanced_sample": [Point(budget=50, seed=seed) for seed in range(3)],
        "caratheodory": [Point()],
    }.items():
        method = build_method(name, {}, name)
        weightless = []
        for moment in range(0, 120, 4):
            with time_limit(moment):
                found = solve_measured(method, name, problem, points)
            assert {s.status for s in found} <= {Status.TIMEOUT, Status.COMPLETED, Status.OPTIMAL}
            weightless.append(sum(s.weights is None for s in found))
        assert weightless == sorted(weightless, reverse=True)
        assert set(weightless) >= {0, len(points)}


def test_a_compiled_kernel_stops_at_the_next_pivot() -> None:
    A = sp.random_array((400, 4000), density=0.2, rng=np.random.default_rng(0), format="csr")
    design = WeightedDesign(A, A @ np.random.default_rng(1).gamma(0.5, size=4000))  # attainable: many active records
    path = WorkingSetPath(design)
    path.solve(path.lam_max / 2, max_pivots=10)  # compiled
    whole = WorkingSetPath(design).solve(0.0, max_pivots=10**6)
    with time_limit(0.01):
        cut = WorkingSetPath(design).solve(0.0, max_pivots=10**6)
    assert cut.n_iter < whole.n_iter
    assert cut.certificate.primal > whole.certificate.primal


def test_blocks_on_threads_of_their_own_keep_the_limit() -> None:
    from frontier.core.limits import thread_limit

    problem = make_problem(n=200, m=20)
    method = build_method("hard_concrete", {"epochs": 100_000, "device": "cpu"}, "hard_concrete")
    points = [Point(lam=0.1, seed=seed) for seed in range(18)]  # a block of 16 cells, and two of one
    with thread_limit(2), time_limit(0.05):
        found = method.solve(problem, points)
    assert {solution.status for solution in found} == {Status.TIMEOUT}
