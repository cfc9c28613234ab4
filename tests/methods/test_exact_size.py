"""Selections made exactly as large as asked for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import frontier
from frontier.core.errors import InputError
from frontier.core.status import Status
from frontier.methods.exact_size import refit_exactly
from frontier.methods.refit import refit
from frontier.methods.solution import Solution
from frontier.objectives.weight_statistics import active_count
from frontier.problems.splits import every_target
from frontier.sweep.scoring import evaluate
from tests.conftest import make_problem


def drawn(n: int, k: int, w0: np.ndarray) -> Solution:
    weights = np.zeros(n)
    chosen = np.random.default_rng(3).choice(n, k, replace=False)
    weights[chosen] = w0[chosen] * n / k
    return Solution(weights, Status.COMPLETED)


@pytest.mark.parametrize("anchor", ["fitted", "initial"])
@pytest.mark.parametrize("budget", [20, 49, 50, 51, 80])
def test_the_active_records_are_as_many_as_asked_for_and_the_refit_is_certified(anchor: str, budget: int) -> None:
    problem = make_problem(n=300, m=12)
    found = refit_exactly(problem, drawn(300, 50, problem.w0), budget, anchor)  # type: ignore[arg-type]
    assert found.weights is not None
    assert active_count(found.weights) == budget
    assert found.status is Status.OPTIMAL
    row = evaluate(problem, every_target(problem), found)
    assert row["certified"]
    assert row["n_active"] == budget


def test_a_selection_of_the_right_size_is_only_refit() -> None:
    problem = make_problem(n=300, m=12)
    start = drawn(300, 50, problem.w0)
    plain = refit(problem, start, "initial")
    assert plain.weights is not None
    exact = refit_exactly(problem, start, active_count(plain.weights), "initial")
    np.testing.assert_array_equal(exact.weights, plain.weights)


def test_what_leaves_matters_least_and_what_enters_helps_most() -> None:
    problem = make_problem(n=300, m=12, noise=0.02)
    start, split = drawn(300, 50, problem.w0), every_target(problem)
    by_rule = [evaluate(problem, split, refit_exactly(problem, start, k, "initial"))["train_loss"] for k in (45, 55)]
    at_random = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert start.weights is not None
        fewer, more = start.weights.copy(), start.weights.copy()
        fewer[rng.choice(np.flatnonzero(fewer), 5, replace=False)] = 0.0
        enter = rng.choice(np.flatnonzero(more == 0), 5, replace=False)
        more[enter] = problem.w0[enter]
        at_random.append(
            [
                evaluate(problem, split, refit(problem, dataclasses.replace(start, weights=w), "initial"))["train_loss"]
                for w in (fewer, more)
            ]
        )
    assert (by_rule < np.median(at_random, axis=0)).all()


def test_a_size_out_of_reach_is_said() -> None:
    problem = make_problem(n=60, m=6)
    w0 = problem.w0.copy()
    w0[20:] = 0.0
    few = dataclasses.replace(problem, w0=w0, floor=None)
    found = refit_exactly(few, drawn(60, 10, np.where(w0 > 0, w0, 0.0)), 40, "fitted")
    assert found.status is Status.UNREACHED
    assert "is the nearest size that was found" in found.message


@pytest.mark.filterwarnings("ignore::frontier.sweep.weight_warnings.WeightWarning")
@pytest.mark.filterwarnings("ignore::frontier.problems.diagnostics.DataWarning")
@pytest.mark.parametrize("method", ["hard_concrete", "coreset", "anchored_l1", "pps_sample"])
def test_calibrate_ends_at_exactly_the_budget_where_it_is_asked_to(method: str) -> None:
    problem = frontier.load_problem("cps_ohio")
    params = {"epochs": 300} if method in ("hard_concrete", "coreset") else {}
    solution = frontier.calibrate(problem, method=method, budget=211, exact=True, params=params)
    assert solution.weights is not None
    assert active_count(solution.weights) == 211
    with pytest.raises(InputError, match="exact: without a budget"):
        frontier.calibrate(problem, method="anchored_l1", lam=0.1, exact=True)
