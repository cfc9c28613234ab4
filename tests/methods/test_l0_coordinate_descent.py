"""L0 coordinate descent: fixed points, descent, no swap left, all supports beaten where they can be enumerated."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.optimize

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.l0_coordinate_descent import L0CoordinateDescent
from frontier.methods.registry import build_method
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.objectives.l0 import L0Objective
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split
from frontier.solvers.lasso.columns import Columns
from frontier.solvers.lasso.l0_descent import descend
from tests.conftest import make_problem

RATIOS = (0.5, 0.1, 0.01, 1e-3)
NEVER = np.zeros(1, dtype=bool)


def fitted(
    problem: CalibrationProblem, lam: float, method: L0CoordinateDescent | None = None
) -> tuple[FloatArray, float]:
    """The weights at λ, a share of λ_max, and that λ."""
    method = method or L0CoordinateDescent(lam_unit="lam_max")
    [solution] = method.solve(problem, [Point(lam=lam)])
    assert solution.status is Status.COMPLETED, solution.message
    assert solution.weights is not None
    assert isinstance(solution.objective, L0Objective)
    return solution.weights, solution.objective.lam


def best_of_all(design: WeightedDesign, lam: float, lam_l2: float = 0.0) -> float:
    """The L0 objective's minimum, by non-negative least squares on every support."""
    A, n = design.A.toarray(), design.A.shape[1]
    best = float(design.b @ design.b)
    for size in range(1, n + 1):
        for support in itertools.combinations(range(n), size):
            part = np.vstack([A[:, support], np.sqrt(lam_l2) * np.eye(size)])
            loss = scipy.optimize.nnls(part, np.append(design.b, np.zeros(size)))[1] ** 2
            best = min(best, loss + lam * size)
    return best


@pytest.mark.parametrize("lam_l2", [0.0, 1e-4])
@pytest.mark.parametrize("ratio", RATIOS)
def test_no_coordinate_and_no_swap_lowers_the_objective(ratio: float, lam_l2: float) -> None:
    problem = make_problem(n=40, m=12, noise=0.5)
    method = L0CoordinateDescent(lam_unit="lam_max", lam_l2=lam_l2)
    weights, lam = fitted(problem, ratio, method)
    objective, design = L0Objective(lam, lam_l2), weighted_design(problem)
    A, value = design.A.toarray(), objective.value(problem, weights)
    slack = 1e-8 * float(design.b @ design.b)  # the descent ends at steps of 1e-9 of the length of b

    def best_at(weights: FloatArray, i: int) -> FloatArray:
        """The weights with w_i at its own minimum, whatever it costs to be there."""
        others = np.where(np.arange(weights.size) == i, 0.0, weights)
        rho = max(float(A[:, i] @ (design.b - A @ others)), 0.0)
        others[i] = rho / (float(A[:, i] @ A[:, i]) + lam_l2)
        return others

    support = np.flatnonzero(weights)
    assert support.size
    for i in range(weights.size):
        for moved in (best_at(weights, i), np.where(np.arange(weights.size) == i, 0.0, weights)):
            assert objective.value(problem, moved) >= value - slack
    for i, j in itertools.product(support, np.setdiff1d(np.arange(weights.size), support)):
        out = np.where(np.arange(weights.size) == i, 0.0, weights)
        assert objective.value(problem, best_at(out, j)) >= value - slack


def test_a_descent_ends_in_a_fixed_point_never_above_its_start() -> None:
    problem = make_problem(n=60, m=10, noise=0.5)
    columns = Columns.of(weighted_design(problem))
    rows, p = columns.rows, columns.used.size
    matrix, order, d = (rows.indptr, rows.indices, rows.data), np.arange(p), np.ones(p)

    def loss(x: FloatArray, lam: float) -> float:
        return float(np.sum((columns.b - rows.T @ x) ** 2) + lam * np.count_nonzero(x))

    for seed, lam in itertools.product(range(5), (0.0, 1e-3, 0.1)):
        x = np.random.default_rng(seed).exponential(0.1, p)
        before, tol = loss(x, lam), 1e-9
        settled, _ = descend(*matrix, d, order, x, columns.b - rows.T @ x, lam, tol, 100_000, NEVER)
        assert settled
        assert loss(x, lam) <= before
        again = x.copy()
        descend(*matrix, d, order, again, columns.b - rows.T @ x, lam, tol, 1, NEVER)
        np.testing.assert_array_equal(again > 0, x > 0)
        np.testing.assert_allclose(again, x, rtol=0, atol=2 * tol)  # the last step allowed, and one more


def test_on_small_planted_instances_it_reaches_the_best_of_all_supports() -> None:
    for seed, ratio in itertools.product(range(5), (0.1, 0.03, 0.01)):
        problem = load_problem("planted", n_records=9, n_targets=8, k=3, noise=0.1, seed=seed)
        weights, lam = fitted(problem, ratio)
        best = best_of_all(weighted_design(problem), lam)
        # a local method need not, but here it does; the descent's tolerance
        assert L0Objective(lam).value(problem, weights) == pytest.approx(best, rel=1e-6)


def test_swaps_lower_the_objective_where_descent_alone_is_caught() -> None:
    values = []
    for seed in range(8):
        problem = load_problem("planted", n_records=100, n_targets=20, k=5, noise=0.05, seed=seed)
        alone, lam = fitted(problem, 0.01, L0CoordinateDescent(lam_unit="lam_max", max_swaps=0))
        swapped, _ = fitted(problem, 0.01)
        values.append([L0Objective(lam).value(problem, weights) for weights in (alone, swapped)])
    alone_mean, swapped_mean = np.mean(values, axis=0)
    assert swapped_mean < alone_mean


def test_above_lam_max_nothing_is_kept_and_a_budget_is_met_by_a_search() -> None:
    problem = make_problem(n=200, m=40, noise=0.5)
    assert not fitted(problem, 1 + 1e-9)[0].any()
    points = [Point(budget=k) for k in (5, 3)]
    sizes = [np.count_nonzero(solution.weights) for solution in L0CoordinateDescent().solve(problem, points)]
    assert sizes == [5, 3]


@pytest.mark.parametrize(("limit", "said"), [("max_iter", "still move after 1 passes"), ("max_swaps", "still improve")])
def test_what_was_cut_short_says_so_with_the_cure(limit: str, said: str) -> None:
    problem = load_problem("cps_like")
    method = build_method("l0_coordinate_descent", {limit: 1, "lam_unit": "lam_max"}, "test")
    [solution] = method.solve(problem.restrict(default_split(problem).train), [Point(lam=0.1)])
    assert solution.status is Status.NOT_CONVERGED
    assert said in solution.message
    assert f"raise {limit}" in solution.message


def test_parameters_are_checked() -> None:
    for wrong in ({"tol": 0.0}, {"lam_l2": -1.0}, {"max_swaps": -1}, {"max_iter": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            L0CoordinateDescent(**wrong)  # type: ignore[arg-type]
