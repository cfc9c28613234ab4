"""The LP vertex against the harness's certificate, SciPy and the CVXPY reference."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.cvxpy_reference import CvxpyReference
from frontier.methods.lp_vertex import LpVertex
from frontier.methods.solution import Solution
from frontier.objectives.absolute import LadObjective
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split
from tests.conftest import make_problem

RATIOS = [0.9, 0.3, 1e-2, 1e-4, 0.0]


def survey(noise: float) -> CalibrationProblem:
    """Half the targets count records, half add dollars up to 1e7; weights near 1e4; record 0 is empty."""
    rng = np.random.default_rng(0)
    m, n = (12, 150) if noise == 0 else (40, 20)
    M = (rng.random((m, n)) < 0.3).astype(float)
    M[:, 2] = 1.0  # no target is empty
    M[m // 2 :] *= np.round(10.0 ** rng.uniform(0, 7, size=(m - m // 2, n)))
    M[:, 0] = 0.0
    y = M @ rng.gamma(0.5, 2e4, size=n) * (1.0 + noise * rng.normal(size=m))
    return CalibrationProblem("survey", M, y, np.full(n, 1e4), importance=rng.uniform(0.1, 3.0, size=m))


def solve(problem: CalibrationProblem, lam: float, method: LpVertex | None = None) -> Solution:
    (solution,) = (method or LpVertex()).solve(problem, [Point(lam=lam)])
    return solution


def lam_of_nothing(problem: CalibrationProblem) -> float:
    """The λ above which w = 0 is a LAD optimum when all targets are positive."""
    return float(np.max(problem.M.T @ (problem.importance / problem.scale)))


def certified_gap(problem: CalibrationProblem, solution: Solution) -> float:
    assert solution.objective is not None
    assert solution.weights is not None
    certificate = solution.objective.certificate(problem, solution.weights, solution.dual)
    assert certificate is not None
    return certificate.relative_gap


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("problem", [survey(0.0), survey(0.3)], ids=["consistent", "overdetermined"])
def test_the_harness_certifies_a_vertex_at_every_lam(problem: CalibrationProblem, ratio: float) -> None:
    lam = ratio * lam_of_nothing(problem)
    solution = solve(problem, lam)
    assert solution.status is Status.OPTIMAL, solution.message
    assert solution.objective == LadObjective(lam)
    assert certified_gap(problem, solution) <= 1e-9  # a vertex: rounding only, at the conditioning of 1e7
    assert solution.weights is not None
    assert solution.weights[0] == 0
    # a vertex has m basic variables: weights, and the residuals that are not 0
    off = np.abs(problem.M @ solution.weights / problem.scale - problem.y / problem.scale) > 1e-7
    assert np.count_nonzero(solution.weights) + np.count_nonzero(off) <= problem.n_targets


@pytest.mark.parametrize("lam", [0.0, 1e-6])
def test_the_reference_reaches_the_same_value(lam: float) -> None:
    problem = survey(0.3)
    (reference,) = CvxpyReference(objective="lad").solve(problem, [Point(lam=lam)])
    solution = solve(problem, lam)
    assert solution.weights is not None
    assert reference.weights is not None
    value = LadObjective(lam).value
    # two vertices, each certified to 1e-9
    assert value(problem, solution.weights) == pytest.approx(value(problem, reference.weights), rel=1e-8)
    assert solution.claims["solver_value"] == pytest.approx(value(problem, solution.weights), rel=1e-8)  # as above


@pytest.mark.parametrize("ratio", [0.3, 1e-3, 0.0])
def test_real_households_are_certified(ratio: float) -> None:
    problem = load_problem("cps_ohio")
    train = problem.restrict(default_split(problem).train)
    solution = solve(train, ratio * lam_of_nothing(train))
    assert solution.status is Status.OPTIMAL
    assert certified_gap(train, solution) <= 1e-8  # what the method promises
    assert solution.weights is not None
    assert np.count_nonzero(solution.weights) <= train.n_targets


def test_above_the_largest_gain_of_any_record_nothing_is_kept() -> None:
    problem = survey(0.3)
    solution = solve(problem, 1.0001 * lam_of_nothing(problem))
    assert solution.status is Status.OPTIMAL
    assert solution.weights is not None
    assert not solution.weights.any()
    assert certified_gap(problem, solution) <= 1e-12  # rounding


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), -np.ones((2, 3))], ids=["empty", "harmful"])
def test_where_no_record_helps_the_answer_is_zero(matrix: np.ndarray) -> None:
    for y in (np.array([1.0, 2.0]), np.zeros(2)):
        problem = CalibrationProblem("degenerate", matrix, y, np.ones(3), floor=1.0)
        solution = solve(problem, 0.0)
        assert solution.status is Status.OPTIMAL
        assert solution.weights is not None
        assert not solution.weights.any()
        assert certified_gap(problem, solution) == 0


def test_a_target_without_importance_is_ignored() -> None:
    problem = survey(0.3)
    importance = problem.importance.copy()
    importance[3] = 0.0
    ignored = CalibrationProblem("ignored", problem.M, problem.y, problem.w0, importance=importance)
    rest = CalibrationProblem("rest", problem.M, problem.y, problem.w0, importance=importance).restrict(importance > 0)
    one, other = solve(ignored, 1e-6), solve(rest, 1e-6)
    assert one.weights is not None
    assert other.weights is not None
    value = LadObjective(1e-6).value
    assert value(ignored, one.weights) == pytest.approx(value(rest, other.weights), rel=1e-8)  # certified to 1e-9
    assert certified_gap(ignored, one) <= 1e-9  # as above


def test_an_iteration_limit_is_not_convergence() -> None:
    solution = solve(make_problem(n=300, m=40), 0.0, LpVertex(max_iter=2))
    assert solution.status is Status.NOT_CONVERGED
    assert "raise max_iter" in solution.message
    assert solution.weights is not None
    assert (solution.weights >= 0).all()


def test_other_ends_are_errors_with_the_solvers_word(monkeypatch: pytest.MonkeyPatch) -> None:
    import highspy

    monkeypatch.setattr(highspy.Highs, "run", lambda solver: None)
    solution = solve(survey(0.3), 0.0)
    assert solution.status is Status.ERROR
    assert "HiGHS stopped with 'Not Set'" in solution.message
    assert solution.weights is None


def test_an_impossible_limit_is_refused() -> None:
    with pytest.raises(InputError, match="max_iter"):
        LpVertex(max_iter=0)


def test_warming_up_imports_highs_and_solves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "highspy", raising=False)
    monkeypatch.setattr(LpVertex, "solve", lambda *_: pytest.fail("a problem was solved"))
    LpVertex().warm_up()
    assert "highspy" in sys.modules
