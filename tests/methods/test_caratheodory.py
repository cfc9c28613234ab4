"""Thinned weights: the estimates of the source, fewer records, and an honest objective."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.caratheodory import Caratheodory
from frontier.methods.dense_nnls import DenseNnls
from frontier.methods.lp_vertex import LpVertex
from frontier.methods.registry import build_method
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import L1Objective, lam_max
from frontier.objectives.least_squares import LeastSquares
from tests.conftest import make_problem


def spread(lam_ratio: float = 0.05) -> tuple[CalibrationProblem, Point]:
    """A problem whose every column comes five times, so that interior points spread the weight; and a point."""
    problem = make_problem(n=30, m=5)
    wide = CalibrationProblem("wide", sp.csr_array(np.repeat(problem.M.toarray(), 5, axis=1)), problem.y, np.ones(150))
    return wide, Point(lam=lam_ratio * lam_max(weighted_design(wide)))


def claims(solution: Solution) -> dict[str, float]:
    return {name: float(value) for name, value in solution.claims.items()}


@pytest.mark.parametrize("ratio", [0.3, 0.01])
def test_an_l1_optimum_keeps_its_objective_and_its_certificate(ratio: float) -> None:
    problem, point = spread(ratio)
    method = Caratheodory(source="cvxpy_reference")
    (source,) = method.method.solve(problem, [point])
    (solution,) = method.solve(problem, [point])
    assert source.weights is not None
    assert solution.weights is not None
    assert solution.status is Status.OPTIMAL
    assert solution.objective == source.objective == L1Objective(point.lam or 0.0)
    certificate = solution.objective.certificate(problem, solution.weights, solution.dual)
    assert certificate is not None
    assert certificate.relative_gap <= 1e-7  # what the source promises
    assert np.count_nonzero(source.weights) > problem.n_targets
    found = claims(solution)
    assert found["active_before"] == np.count_nonzero(source.weights)
    assert found["active_after"] == np.count_nonzero(solution.weights) <= found["rank"] <= problem.n_targets
    change = problem.M @ (solution.weights - source.weights) / problem.scale
    assert found["worst_change"] == pytest.approx(np.max(np.abs(change)), abs=1e-18)
    assert found["worst_change"] <= 1e-12  # of targets of size 1: what `thin` promises


@pytest.mark.parametrize("ended", [Status.OPTIMAL, Status.NOT_CONVERGED])
def test_where_the_objective_moves_it_becomes_least_squares(ended: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    def uneven(self: DenseNnls, problem: CalibrationProblem, points: list[Point]) -> list[Solution]:
        weights = np.random.default_rng(0).uniform(1, 2, problem.n_records)
        return [Solution(weights, ended, objective=L1Objective(1.0), dual=problem.y) for _ in points]

    monkeypatch.setattr(DenseNnls, "solve", uneven)
    problem = spread()[0].restrict([1, 2, 3, 4])  # no population row, so Σw may move
    (solution,) = Caratheodory().solve(problem, [Point()])
    assert isinstance(solution.objective, LeastSquares)
    assert solution.dual is None
    assert solution.status is (Status.COMPLETED if ended is Status.OPTIMAL else ended)  # no optimum is claimed


def test_a_source_that_is_thin_already_is_left_alone(tiny: CalibrationProblem) -> None:
    (source,), (solution,) = DenseNnls().solve(tiny, [Point()]), Caratheodory().solve(tiny, [Point()])
    np.testing.assert_allclose(solution.weights, source.weights, rtol=1e-10)  # type: ignore[arg-type]  # solved again
    assert solution.status is Status.OPTIMAL
    assert solution.objective == L1Objective(0.0)


def test_a_source_without_an_objective_gets_least_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    def plain(self: DenseNnls, problem: CalibrationProblem, points: list[Point]) -> list[Solution]:
        return [Solution(problem.w0, Status.COMPLETED) for _ in points]

    monkeypatch.setattr(DenseNnls, "solve", plain)
    (solution,) = Caratheodory().solve(make_problem(), [Point()])
    assert solution.status is Status.COMPLETED
    assert isinstance(solution.objective, LeastSquares)
    assert claims(solution)["active_before"] == 60
    assert claims(solution)["active_after"] == claims(solution)["rank"] == 6


def test_a_failed_source_stays_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = Solution.failed(Status.INFEASIBLE, "no weights")
    monkeypatch.setattr(DenseNnls, "solve", lambda self, problem, points: [failure])
    (solution,) = Caratheodory().solve(make_problem(), [Point()])
    assert solution.status is Status.INFEASIBLE
    assert solution.message == "dense_nnls: no weights"
    assert solution.weights is None


def test_points_are_those_of_the_source() -> None:
    assert Caratheodory().coordinates == frozenset()
    assert Caratheodory(source="nn_lasso").coordinates == {"lam", "budget"}
    with pytest.raises(InputError, match="incomplete"):
        Caratheodory(source="nn_lasso").solve(make_problem(), [Point()])
    with pytest.raises(InputError, match="not an axis"):
        Caratheodory().solve(make_problem(), [Point(lam=0.1)])


def test_the_source_and_its_parameters_are_checked_when_the_method_is_built() -> None:
    with pytest.raises(InputError, match=r"m\[0\]\.source: 'hard_concrete' is stochastic; expected a deterministic"):
        build_method("caratheodory", {"source": "hard_concrete"}, "m[0]")
    with pytest.raises(InputError, match=r"m\[0\]\.source: unknown method 'fist'.*did you mean 'fista'"):
        build_method("caratheodory", {"source": "fist"}, "m[0]")
    with pytest.raises(InputError, match=r"m\[0\]\.source_params\.tolerance: unknown key"):
        build_method("caratheodory", {"source": "nn_lasso", "source_params": {"tolerance": 1}}, "m[0]")
    with pytest.raises(InputError, match=r"source_params\.tol: out of range"):
        Caratheodory(source="nn_lasso", source_params={"tol": 2.0})


def test_warming_up_is_that_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    warmed = []
    monkeypatch.setattr(LpVertex, "warm_up", lambda method: warmed.append(method.max_iter))
    build_method("caratheodory", {"source": "lp_vertex", "source_params": {"max_iter": 7}}, "m").warm_up()
    assert warmed == [7]


def test_the_provenance_lists_every_parameter_of_the_source() -> None:
    method = build_method("caratheodory", {"source": "nn_lasso", "source_params": {"tol": 1e-4}}, "m")
    params = dataclasses.asdict(method)
    assert params["source_params"]["tol"] == 1e-4
    assert params["source_params"]["max_iter"] == 100_000
    assert build_method("caratheodory", json.loads(json.dumps(params)), "m") == method
    assert hash(method) == hash(Caratheodory(source="nn_lasso", source_params={"tol": 1e-4}))
