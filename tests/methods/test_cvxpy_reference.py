"""The CVXPY reference against the harness's certificates, SciPy's solvers and hand-made optima."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.optimize

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.cvxpy_reference import CvxpyReference
from frontier.methods.registry import build_method
from frontier.methods.solution import Solution
from frontier.objectives.absolute import LadObjective
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import L1Objective, lam_max
from frontier.objectives.weight_statistics import active_count

RATIOS = [0.9, 0.3, 0.1, 1e-2, 1e-3, 1e-4, 0.0]
L1, LAD = CvxpyReference(), CvxpyReference(objective="lad")


def survey(seed: int = 0, m: int = 12, n: int = 150, noise: float = 0.0) -> CalibrationProblem:
    """Half the targets count records, half add dollars up to 1e7; weights near 1e4; records 0 and 1 are empty.

    Without noise the targets are reproduced by known weights; with noise no weights fit them.
    """
    rng = np.random.default_rng(seed)
    M = (rng.random((m, n)) < 0.3).astype(float)
    M[:, 2] = 1.0  # no target is empty
    M[m // 2 :] *= np.round(10.0 ** rng.uniform(0, 7, size=(m - m // 2, n)))
    M[m - 1] *= np.where(rng.random(n) < 0.1, -1.0, 1.0)  # business losses
    M[:, :2] = 0.0
    y = M @ (rng.gamma(0.5, 2e4, size=n)) * (1.0 + noise * rng.normal(size=m))
    return CalibrationProblem("survey", M, y, np.full(n, 1e4), importance=rng.uniform(0.1, 3.0, size=m))


def overdetermined() -> CalibrationProblem:
    return survey(m=40, n=20, noise=0.3)


def solve(method: CvxpyReference, problem: CalibrationProblem, lam: float) -> Solution:
    (solution,) = method.solve(problem, [Point(lam=lam)])
    return solution


def certified_gap(problem: CalibrationProblem, solution: Solution) -> float:
    assert solution.objective is not None
    assert solution.weights is not None
    certificate = solution.objective.certificate(problem, solution.weights, solution.dual)
    assert certificate is not None
    return certificate.relative_gap


def lad_scale(problem: CalibrationProblem) -> float:
    """The λ above which w = 0 is a LAD optimum when all targets are positive."""
    return float(np.max(problem.M.T @ (problem.importance / problem.scale)))


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("problem", [survey(), overdetermined()], ids=["consistent", "overdetermined"])
def test_the_harness_certifies_l1_at_every_lam(problem: CalibrationProblem, ratio: float) -> None:
    solution = solve(CvxpyReference(lam_unit="lam_max"), problem, ratio)
    assert solution.status is Status.OPTIMAL, solution.message
    assert certified_gap(problem, solution) <= 1e-7  # what this method promises; Clarabel's tolerance is 1e-10
    assert solution.objective == L1Objective(ratio * lam_max(weighted_design(problem)))
    assert solution.weights is not None
    assert (solution.weights >= 0).all()


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("problem", [survey(), overdetermined()], ids=["consistent", "overdetermined"])
def test_the_harness_certifies_lad_at_every_lam(problem: CalibrationProblem, ratio: float) -> None:
    solution = solve(LAD, problem, ratio * lad_scale(problem))
    assert solution.status is Status.OPTIMAL, solution.message
    assert certified_gap(problem, solution) <= 1e-9  # a vertex: rounding only, at the conditioning of 1e7
    assert solution.objective == LadObjective(ratio * lad_scale(problem))
    assert solution.weights is not None
    assert (solution.weights >= 0).all()
    assert np.count_nonzero(solution.weights) <= problem.n_targets  # a vertex has at most m positive weights


def test_l1_without_penalty_reaches_the_loss_of_scipys_nonnegative_least_squares() -> None:
    problem = overdetermined()
    design = weighted_design(problem)
    A = design.A.toarray()
    lengths = np.linalg.norm(A, axis=0) + (np.linalg.norm(A, axis=0) == 0)
    loss = 0.5 * scipy.optimize.nnls(A / lengths, design.b)[1] ** 2
    solution = solve(L1, problem, 0.0)
    assert solution.weights is not None
    # NNLS is exact; Clarabel is within its 1e-10 of the value at w = 0, which is some 10 times the loss
    assert L1Objective(0.0).value(problem, solution.weights) == pytest.approx(loss, rel=1e-8)


@pytest.mark.parametrize("lam", [0.0, 1e-7, 1e-5])
def test_lad_reaches_the_value_of_scipys_linear_programme(lam: float) -> None:
    problem = overdetermined()
    A, b = problem.M.toarray() / problem.scale[:, None], problem.y / problem.scale
    m = problem.n_targets
    lengths = np.abs(A).max(axis=0) + (np.abs(A).max(axis=0) == 0)
    found = scipy.optimize.linprog(
        np.concatenate([lam / lengths, problem.importance, problem.importance]),
        A_eq=np.hstack([A / lengths, np.eye(m), -np.eye(m)]),
        b_eq=b,
    )
    solution = solve(LAD, problem, lam)
    assert solution.weights is not None
    assert LadObjective(lam).value(problem, solution.weights) == pytest.approx(found.fun, rel=1e-9)  # two vertices


@pytest.mark.parametrize("method", [L1, LAD])
def test_one_target_is_met_by_the_cheapest_record(method: CvxpyReference) -> None:
    # target 10 at scale 10, entries 2 and 1; λ = 0.1 per unit of weight
    problem = CalibrationProblem("hand", np.array([[2.0, 1.0]]), np.array([10.0]), np.ones(2))
    solution = solve(method, problem, 0.1)
    # L1: 0.2 (0.2 w − 1) + 0.1 = 0 at w = 2.5; LAD: 0.1 per unit buys 0.2 of residual, so all of it is bought
    expected = [2.5, 0.0] if method.objective == "l1" else [5.0, 0.0]
    assert solution.weights == pytest.approx(np.array(expected), abs=1e-6)  # the interior point's distance at 1e-10


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_at_or_above_lam_max_the_weights_are_exactly_zero(factor: float) -> None:
    problem = survey()
    top = lam_max(weighted_design(problem))
    for solution in (
        solve(L1, problem, factor * top),
        solve(CvxpyReference(lam_unit="lam_max"), problem, factor),
        solve(LAD, problem, factor * lad_scale(problem)),
    ):
        assert solution.status is Status.OPTIMAL
        assert solution.weights is not None
        assert not solution.weights.any()
        assert certified_gap(problem, solution) == 0


def test_just_below_lam_max_a_record_is_active() -> None:
    solution = solve(CvxpyReference(lam_unit="lam_max"), survey(), 0.999)
    assert solution.weights is not None
    assert active_count(solution.weights, 1e-3) >= 1


@pytest.mark.parametrize("method", [L1, LAD])
@pytest.mark.parametrize("lam", [0.0, 1e-8])
def test_a_record_without_entries_gets_no_weight(method: CvxpyReference, lam: float) -> None:
    solution = solve(method, survey(), lam)
    assert solution.weights is not None
    assert (solution.weights[:2] == 0).all()


@pytest.mark.parametrize("method", [L1, LAD])
@pytest.mark.parametrize("lam", [0.0, 0.5])
@pytest.mark.parametrize(
    ("M", "y"),
    [
        (np.zeros((2, 3)), np.array([1.0, 2.0])),  # nothing can be reproduced
        (-np.ones((2, 3)), np.array([1.0, 2.0])),  # every record makes things worse
        (np.ones((2, 3)), np.zeros(2)),  # nothing to reproduce
    ],
    ids=["empty", "harmful", "zero targets"],
)
def test_where_no_record_helps_the_answer_is_zero(method: CvxpyReference, lam: float, M: FloatArray, y: Any) -> None:
    problem = CalibrationProblem("degenerate", M, y, np.ones(3), floor=1.0)
    solution = solve(method, problem, lam)
    assert solution.status is Status.OPTIMAL
    assert solution.weights is not None
    assert not solution.weights.any()
    assert certified_gap(problem, solution) == 0


@pytest.mark.parametrize("method", [L1, LAD])
def test_a_target_without_importance_is_ignored(method: CvxpyReference) -> None:
    problem = survey()
    importance = problem.importance.copy()
    importance[3] = 0.0
    ignored = CalibrationProblem("ignored", problem.M, problem.y, problem.w0, importance=importance)
    rest = CalibrationProblem("rest", problem.M, problem.y, problem.w0, importance=importance).restrict(importance > 0)
    lam = 1e-2 * lam_max(weighted_design(problem))
    one, other = solve(method, ignored, lam), solve(method, rest, lam)
    assert one.weights is not None
    assert other.weights is not None
    assert one.objective is not None
    # both within 1e-7 of the same minimum
    assert one.objective.value(ignored, one.weights) == pytest.approx(
        one.objective.value(rest, other.weights), rel=1e-7
    )
    assert certified_gap(ignored, one) <= 1e-7  # as promised
    assert one.dual is not None
    assert one.dual[3] == pytest.approx(0.0, abs=1e-9)  # the box has no width there; solver feasibility 1e-10


def test_the_dual_is_in_the_units_of_the_certificate() -> None:
    problem = survey()
    design = weighted_design(problem)
    l1 = solve(CvxpyReference(lam_unit="lam_max"), problem, 0.01)
    assert l1.weights is not None
    assert l1.dual is not None
    assert l1.dual == pytest.approx(design.b - design.A @ l1.weights, abs=1e-6)  # Clarabel's residuals, θ of order 1
    lad = solve(LAD, problem, 0.01 * lad_scale(problem))
    assert lad.dual is not None
    assert (np.abs(lad.dual) <= problem.importance * (1 + 1e-9)).all()  # HiGHS's dual feasibility 1e-10


@pytest.mark.parametrize("lam", [1e-7, 0.0])
@pytest.mark.parametrize(("method", "solver"), [(L1, "CLARABEL"), (LAD, "HIGHS")])
def test_the_claims_name_the_solver_and_agree_with_the_harness(method: CvxpyReference, solver: str, lam: float) -> None:
    problem = overdetermined()
    solution = solve(method, problem, lam)
    assert solution.weights is not None
    assert solution.objective is not None
    assert solution.claims["solver"] == solver
    assert solution.claims["solver_status"] == "optimal"
    # the solver's own residual of r = b − A w, 1e-10 of b
    assert solution.claims["solver_value"] == pytest.approx(
        solution.objective.value(problem, solution.weights), rel=1e-7
    )
    assert ("lam_max" in solution.claims) == (method is L1)
    assert 1 <= solution.n_iter <= method.max_iter


@pytest.mark.parametrize("objective", ["l1", "lad"])
@pytest.mark.parametrize("lam", [0.0, 1e-6])
def test_an_iteration_limit_is_not_convergence(objective: Any, lam: float) -> None:
    problem = overdetermined()
    solution = solve(CvxpyReference(objective=objective, max_iter=2), problem, lam)
    assert solution.status is Status.NOT_CONVERGED
    assert "raise max_iter" in solution.message
    assert solution.weights is not None
    assert (solution.weights >= 0).all()
    assert certified_gap(problem, solution) > 1e-3  # two iterations get nowhere near


@pytest.mark.parametrize("method", [L1, LAD])
def test_a_failing_solver_is_a_status(method: CvxpyReference, monkeypatch: pytest.MonkeyPatch) -> None:
    import cvxpy as cp

    def fail(self: Any, **settings: Any) -> None:
        raise cp.error.SolverError("factorisation broke down")

    monkeypatch.setattr(cp.Problem, "solve", fail)
    solution = solve(method, survey(), 1e-8)
    assert solution.status is Status.ERROR
    assert solution.message.endswith("ended without a solution: loosen tol, or use nn_lasso or lp_vertex")
    assert solution.weights is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("infeasible", Status.INFEASIBLE),
        ("infeasible_inaccurate", Status.INFEASIBLE),
        ("unbounded", Status.ERROR),
        ("something new", Status.ERROR),
    ],
)
def test_other_ends_are_statuses_with_the_solvers_word(
    word: str, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cvxpy as cp

    monkeypatch.setattr(cp.Problem, "solve", lambda self, **settings: None)
    monkeypatch.setattr(cp.Problem, "status", word)
    solution = solve(L1, survey(), 1e-8)
    assert solution.status is status
    assert word in solution.message
    assert solution.weights is None


def test_highs_runs_whatever_number_of_threads_it_was_started_with() -> None:
    import cvxpy as cp
    import highspy

    x = cp.Variable(2, nonneg=True)
    somebody_elses = cp.Problem(cp.Minimize(x[0] + x[1]), [x[0] + 2 * x[1] >= 1])
    highspy.Highs.resetGlobalScheduler(True)  # forget the threads of the tests before
    try:
        somebody_elses.solve(solver=cp.HIGHS, threads=2)
        assert solve(LAD, survey(), 1e-8).status is Status.OPTIMAL
    finally:
        highspy.Highs.resetGlobalScheduler(True)


@pytest.mark.parametrize("method", [L1, LAD])
def test_solutions_are_deterministic_in_order_and_leave_the_problem_alone(method: CvxpyReference) -> None:
    problem = survey()
    before = problem.fingerprint
    points = [Point(lam=1e-8), Point(lam=1e-6), Point(lam=1e-8)]
    first, middle, last = method.solve(problem, points)
    assert problem.fingerprint == before
    np.testing.assert_array_equal(first.weights, last.weights)
    assert middle.objective is not None
    assert middle.objective.lam == 1e-6
    np.testing.assert_array_equal(middle.weights, solve(method, problem, 1e-6).weights)


def test_parameters_are_checked() -> None:
    for wrong in ({"tol": 0.0}, {"tol": -1e-8}, {"tol": 1.0}, {"tol": float("nan")}, {"max_iter": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            CvxpyReference(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"lam_unit.*L1 objective only.*absolute"):
        CvxpyReference(objective="lad", lam_unit="lam_max")
    with pytest.raises(InputError, match=r"methods\[0\].objective"):
        build_method("cvxpy_reference", {"objective": "l2"}, "methods[0]")
    assert build_method("cvxpy_reference", {"objective": "lad"}, "methods[0]") == LAD


def test_warming_up_solves_one_target_with_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, seen = CvxpyReference.solve, []

    def recorded(method: CvxpyReference, problem: CalibrationProblem, points: list[Point]) -> list[Solution]:
        found = whole(method, problem, points)
        seen.extend((problem.M.shape, solution.status) for solution in found)
        return found

    monkeypatch.setattr(CvxpyReference, "solve", recorded)
    L1.warm_up()
    LAD.warm_up()
    assert seen == [((1, 1), Status.OPTIMAL)] * 2
