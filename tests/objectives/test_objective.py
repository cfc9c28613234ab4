"""The shared maths against independent computations: certificates, λ_max, LP duality and weight statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.absolute import LadObjective
from frontier.objectives.design import relative_residual, weighted_design
from frontier.objectives.l0 import L0Objective
from frontier.objectives.l1 import L1Objective, l1_certificate, lam_max
from frontier.objectives.least_squares import LeastSquares
from frontier.objectives.weight_statistics import (
    ACTIVE_THRESHOLDS,
    active_count,
    design_effect,
    effective_sample_size,
    max_weight_ratio,
)

EPS = float(np.finfo(np.float64).eps)
seeds = st.integers(min_value=0, max_value=2**32 - 1)


def random_problem(seed: int, m: int = 6, n: int = 15, signed: bool = False, consistent: bool = False) -> Any:
    """Counts and amounts of very different size, some zero entries, targets near or at `M w` for a known w ≥ 0."""
    rng = np.random.default_rng(seed)
    M = rng.random((m, n)) * (rng.random((m, n)) < 0.7) * 10.0 ** rng.uniform(0, 4, size=(m, 1))
    M[:, 0], M[0] = np.maximum(M[:, 0], 1.0), np.maximum(M[0], 1.0)  # no empty row or column
    if signed:
        M *= np.where(rng.random((m, n)) < 0.2, -1.0, 1.0)
    y = M @ (rng.random(n) * 100.0) * (1.0 if consistent else rng.uniform(0.5, 2.0, size=m))
    importance = np.ones(m) if consistent else rng.uniform(0.1, 3.0, size=m)
    return CalibrationProblem("random", M, y, rng.uniform(1.0, 50.0, size=n), floor=1.0, importance=importance)


def near_weights(problem: CalibrationProblem, seed: int) -> FloatArray:
    """Feasible weights of the right size, half of them zero."""
    rng = np.random.default_rng([seed, 1])
    n = problem.n_records
    return rng.random(n) * 200.0 * (rng.random(n) < 0.5)


def dense(problem: CalibrationProblem) -> tuple[FloatArray, FloatArray]:
    """`√ω M/scale` and `√ω y/scale`, written out densely."""
    root = np.sqrt(problem.importance) / problem.scale
    return problem.M.toarray() * root[:, None], problem.y * root


def solved_by_nnls(problem: CalibrationProblem) -> FloatArray:
    """Non-negative least squares (λ = 0) by SciPy's active-set method, in scaled columns."""
    A, b = dense(problem)
    lengths = np.linalg.norm(A, axis=0)
    return np.asarray(scipy.optimize.nnls(A / lengths, b)[0] / lengths)


def solved_by_cvxpy(problem: CalibrationProblem, lam: float) -> tuple[float, FloatArray]:
    """Optimal value and weights of the non-negative LASSO, from CVXPY in scaled columns."""
    import cvxpy as cp

    A, b = dense(problem)
    lengths = np.linalg.norm(A, axis=0)
    x = cp.Variable(A.shape[1], nonneg=True)
    programme = cp.Problem(cp.Minimize(0.5 * cp.sum_squares((A / lengths) @ x - b) + (lam / lengths) @ x))
    programme.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    return float(programme.value), np.maximum(x.value, 0.0) / lengths


# --- the non-negative LASSO -------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(seed=seeds, ratio=st.sampled_from([0.0, 1e-4, 0.1, 1.0, 3.0]), signed=st.booleans())
def test_the_gap_is_never_negative_and_bounds_the_distance_to_any_better_point(
    seed: int, ratio: float, signed: bool
) -> None:
    problem = random_problem(seed, signed=signed)
    objective = L1Objective(ratio * lam_max(weighted_design(problem)))
    w, other = near_weights(problem, seed), near_weights(problem, seed + 1)
    certificate = objective.certificate(problem, w)
    assert certificate.gap >= 0
    bound = certificate.primal - certificate.gap
    # every feasible value lies above the bound; rounding of the two sums of m + n terms
    assert objective.value(problem, other) >= bound - 1e-12 * certificate.primal
    assert objective.value(problem, np.zeros(problem.n_records)) >= bound - 1e-12 * certificate.primal


@settings(deadline=None, max_examples=40)
@given(seed=seeds, ratio=st.sampled_from([1e-3, 0.1, 0.7, 1.5]), hint=st.booleans())
def test_the_gap_is_primal_minus_the_best_dual_value_computed_naively(seed: int, ratio: float, hint: bool) -> None:
    problem = random_problem(seed)
    A, b = dense(problem)
    lam = ratio * lam_max(weighted_design(problem))
    w = near_weights(problem, seed)
    residual = b - A @ w
    points = [residual] + ([b * 0.3] if hint else [])
    values = []
    for point in points:
        correlation = A.T @ point
        positive = correlation[correlation > 0]
        scaled = min(1.0, float(np.min(lam / positive, initial=1.0))) * point
        shift = max(0.0, float(np.max((correlation - lam) / (A.T @ b))))  # M, y ≥ 0: moving along −b always works
        values += [float(theta @ b - 0.5 * theta @ theta) for theta in (scaled, point - shift * b)]
    primal = 0.5 * residual @ residual + lam * w.sum()
    certificate = L1Objective(lam).certificate(problem, w, dual=points[1] if hint else None)
    # cancellation in the naive difference: values up to the primal plus the largest dual term
    size = primal + max(abs(value) for value in values)
    assert certificate.gap == pytest.approx(primal - max(values), abs=1e-12 * size)
    assert certificate.primal == pytest.approx(primal, rel=1e-12)  # the same sum in another order
    assert certificate.relative_gap == pytest.approx(certificate.gap / certificate.primal, rel=4 * EPS)


@pytest.mark.parametrize("ratio", [0.9, 0.1, 1e-3])
@pytest.mark.parametrize("signed", [False, True])
def test_the_certificate_closes_at_the_optimum_and_agrees_with_cvxpy(ratio: float, signed: bool) -> None:
    problem = random_problem(5, signed=signed)
    lam = ratio * lam_max(weighted_design(problem))
    value, w = solved_by_cvxpy(problem, lam)
    certificate = L1Objective(lam).certificate(problem, w)
    assert certificate.relative_gap <= 1e-7  # Clarabel's 1e-11 of the value at 0, over a primal ≥ ratio/2 of it
    assert certificate.kkt_residual <= 1e-6  # of the order of the square root of the gap at worst
    assert certificate.primal == pytest.approx(value, rel=1e-7)  # ditto
    assert certificate.primal - certificate.gap <= value * (1 + 1e-7)  # ditto


def test_lam_max_is_one_sided_and_exact() -> None:
    # aᵀb = (2, −9, 0.5): the largest positive inner product counts, not the largest in absolute value
    problem = CalibrationProblem("hand", np.array([[2.0, -9.0, 0.5]]), np.array([1.0]), np.ones(3))
    top = lam_max(weighted_design(problem))
    assert top == 2.0
    assert lam_max(weighted_design(problem), costs=np.array([8.0, 1.0, 1.0])) == 0.5
    zero = np.zeros(3)
    assert L1Objective(top).certificate(problem, zero).gap == 0
    below = L1Objective(top * (1 - 1e-3))
    assert below.certificate(problem, zero).gap > 0
    # 1-D optimum of ½(2w − 1)² + λw: w = (2 − λ)/4
    best = np.array([(2.0 - below.lam) / 4.0, 0.0, 0.0])
    assert below.certificate(problem, best).gap <= 4 * EPS  # rounding of ½‖ρ − θ‖², values of order ½
    assert below.value(problem, best) < below.value(problem, zero)


@settings(deadline=None, max_examples=30)
@given(seed=seeds, signed=st.booleans())
def test_zero_is_certified_at_lam_max_and_refused_just_below(seed: int, signed: bool) -> None:
    problem = random_problem(seed, signed=signed)
    top = lam_max(weighted_design(problem))
    zero = np.zeros(problem.n_records)
    assert L1Objective(top).certificate(problem, zero).relative_gap == 0
    assert L1Objective(top).certificate(problem, zero).kkt_residual == 0
    below = L1Objective(0.999 * top).certificate(problem, zero)
    assert below.gap > 0
    assert below.kkt_residual > 0


def test_lam_max_is_zero_when_no_record_helps() -> None:
    problem = CalibrationProblem("hand", np.array([[-1.0, 0.0]]), np.array([1.0]), np.ones(2))
    assert lam_max(weighted_design(problem)) == 0
    assert L1Objective(0.0).certificate(problem, np.zeros(2)).gap == 0


@settings(deadline=None, max_examples=30)
@given(seed=seeds)
def test_folding_importance_into_the_design_reproduces_the_direct_formula(seed: int) -> None:
    problem = random_problem(seed)
    w = near_weights(problem, seed)
    r = (problem.M.toarray() @ w - problem.y) / problem.scale
    direct = 0.5 * np.sum(problem.importance * r**2) + 0.01 * w.sum()
    design = weighted_design(problem)
    folded = 0.5 * np.sum((design.A @ w - design.b) ** 2) + 0.01 * w.sum()
    assert relative_residual(problem, w) == pytest.approx(r, rel=1e-12, abs=1e-13)  # sums of n terms, cancelling in r
    assert folded == pytest.approx(direct, rel=1e-12)  # the same
    assert L1Objective(0.01).value(problem, w) == pytest.approx(direct, rel=1e-12)  # the same
    assert L1Objective(0.01).certificate(problem, w).primal == pytest.approx(direct, rel=1e-12)  # the same


@pytest.mark.parametrize("consistent", [True, False])
def test_at_lam_zero_the_shifted_dual_certifies_nonnegative_least_squares(consistent: bool) -> None:
    # 6 targets and 15 records fit exactly; 20 targets and 4 records do not
    problem = random_problem(3, *((6, 15) if consistent else (20, 4)), consistent=consistent)
    w = solved_by_nnls(problem)
    certificate = L1Objective(0.0).certificate(problem, w)
    loss = certificate.primal / L1Objective(0.0).value(problem, np.zeros(problem.n_records))
    assert (loss < 1e-20) if consistent else (loss > 1e-3)  # rounding squared, or a real misfit
    assert certificate.relative_gap <= 1e-12  # Lawson-Hanson is exact up to the conditioning of 4 to 6 columns
    assert certificate.kkt_residual <= 1e-10  # the same
    off = L1Objective(0.0).certificate(problem, 1.1 * w)
    assert off.relative_gap > 1e-4  # 10% off costs about ½ (0.1)² of the fitted part
    assert off.kkt_residual > 1e-4


@settings(deadline=None, max_examples=30)
@given(seed=seeds, ratio=st.sampled_from([0.0, 0.01, 0.5]))
def test_the_kkt_residual_is_zero_at_the_optimum_and_positive_elsewhere(seed: int, ratio: float) -> None:
    # one target, records with distinct entries: the optimum puts (b a − λ)/a² on the largest entry a
    rng = np.random.default_rng(seed)
    entries = np.sort(rng.uniform(0.5, 2.0, size=5))
    problem = CalibrationProblem("one target", entries[None, :], np.array([1.0]), np.ones(5), scale=np.ones(1))
    lam, a = ratio * entries[-1], entries[-1]
    best = np.zeros(5)
    best[-1] = (a - lam) / a**2
    objective = L1Objective(lam)
    # a − λ − a² w, three roundings, in units of a residual of `ratio`, or of the least one that counts
    assert objective.certificate(problem, best).kkt_residual <= 8 * EPS / max(ratio, 1e-3)
    for factor in (0.9, 1.1):
        assert objective.certificate(problem, factor * best).kkt_residual > 1e-3  # the step is 0.1 (1 − ratio) ≥ 0.05
    if lam > 0:
        wasted = best.copy()
        wasted[0] = 0.1
        assert objective.certificate(problem, wasted).kkt_residual > 1e-3


@settings(deadline=None, max_examples=30)
@given(seed=seeds, unit=st.sampled_from([1e-6, 0.3, 1e5]))
def test_certificates_do_not_depend_on_units(seed: int, unit: float) -> None:
    problem = random_problem(seed)
    w = near_weights(problem, seed)
    lam = 0.1 * lam_max(weighted_design(problem))
    expected = L1Objective(lam).certificate(problem, w)
    rows = 10.0 ** np.random.default_rng(seed).uniform(-3, 3, size=problem.n_targets)
    M, y, w0, scale, importance = problem.M, problem.y, problem.w0, problem.scale, problem.importance
    other_targets = CalibrationProblem("targets", sp.diags_array(rows) @ M, rows * y, w0, rows * scale, importance)
    other_weights = CalibrationProblem("weights", M * unit, y, w0 / unit, scale, importance)
    for found in (
        L1Objective(lam).certificate(other_targets, w),
        L1Objective(lam * unit).certificate(other_weights, w / unit),
    ):
        for name in ("primal", "gap", "relative_gap", "kkt_residual"):
            # rounding, amplified by cancelling in θ
            assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9), name


def test_costs_and_records_may_be_rescaled_together() -> None:
    problem = random_problem(11)
    design, w = weighted_design(problem), near_weights(problem, 11)
    lam, units = 0.1 * lam_max(design), 10.0 ** np.random.default_rng(0).uniform(-3, 3, size=problem.n_records)
    M, y, w0, scale, importance = problem.M, problem.y, problem.w0, problem.scale, problem.importance
    other = weighted_design(CalibrationProblem("records", M * units, y, w0 / units, scale, importance))
    expected, found = l1_certificate(design, w, lam), l1_certificate(other, w / units, lam, costs=units)
    assert found.primal == pytest.approx(expected.primal, rel=1e-12)  # sums of n terms
    assert found.gap == pytest.approx(expected.gap, rel=1e-9)  # rounding, amplified by cancelling in θ


@pytest.mark.parametrize("ratio", [0.5, 0.01])
def test_the_equicorrelation_set_is_never_undercounted(ratio: float) -> None:
    problem = random_problem(2)
    twice, w0 = sp.hstack([problem.M, problem.M]), np.ones(2 * problem.n_records)
    duplicated = CalibrationProblem("every record twice", twice, problem.y, w0, importance=problem.importance)
    lam = ratio * lam_max(weighted_design(problem))
    w = solved_by_cvxpy(problem, lam)[1]
    support = active_count(w)
    one_copy = np.concatenate([np.where(w > 1e-6 * w.max(), w, 0.0), np.zeros(problem.n_records)])
    found = L1Objective(lam).certificate(duplicated, one_copy).n_equicorrelated
    assert found is not None
    assert found >= 2 * support
    assert active_count(one_copy) == support


# --- least absolute deviations ----------------------------------------------------------------------------------------


def solved_by_linprog(problem: CalibrationProblem, lam: float) -> tuple[float, FloatArray, FloatArray]:
    """Optimal value, weights and dual point of the LAD programme, from SciPy's own copy of HiGHS."""
    A, b = problem.M.toarray() / problem.scale[:, None], problem.y / problem.scale
    m, n = A.shape
    lengths = np.abs(A).max(axis=0)
    found = scipy.optimize.linprog(
        np.concatenate([lam / lengths, problem.importance, problem.importance]),
        A_eq=np.hstack([A / lengths, np.eye(m), -np.eye(m)]),
        b_eq=b,
        method="highs",
    )
    return float(found.fun), found.x[:n] / lengths, found.eqlin.marginals


@pytest.mark.parametrize("ratio", [0.5, 0.01, 1e-4, 0.0])
@pytest.mark.parametrize("shape", [(6, 15), (20, 4)])
@pytest.mark.parametrize("signed", [False, True])
def test_the_lad_certificate_closes_at_the_optimum_also_at_lam_zero(
    ratio: float, shape: tuple[int, int], signed: bool
) -> None:
    problem = random_problem(7, *shape, signed=signed)
    lam = ratio * float(np.max(problem.M.T @ (problem.importance / problem.scale)))
    value, w, dual = solved_by_linprog(problem, lam)
    certificate = LadObjective(lam).certificate(problem, w, dual)
    assert certificate is not None
    assert certificate.primal == pytest.approx(value, rel=1e-9, abs=1e-10)  # rounding at a vertex; values up to 20
    assert certificate.relative_gap <= 1e-9  # a vertex: the LP's own rounding
    assert certificate.kkt_residual <= 1e-9  # the same


@settings(deadline=None, max_examples=60)
@given(
    seed=seeds, ratio=st.sampled_from([0.0, 1e-3, 0.3]), signed=st.booleans(), size=st.sampled_from([0.1, 1.0, 10.0])
)
def test_no_dual_hint_can_certify_more_than_the_optimum(seed: int, ratio: float, signed: bool, size: float) -> None:
    problem = random_problem(seed, signed=signed)
    lam = ratio * float(np.max(problem.M.T @ (problem.importance / problem.scale)))
    value = solved_by_linprog(problem, lam)[0]
    w = near_weights(problem, seed)
    hint = size * np.random.default_rng([seed, 2]).normal(size=problem.n_targets)
    certificate = LadObjective(lam).certificate(problem, w, hint)
    assert certificate is not None
    assert certificate.gap >= 0
    # weak duality, up to the rounding of the sums and of the solver that gave the optimum (feasibility 1e-7)
    assert certificate.primal - certificate.gap <= value + 1e-6 * certificate.primal


def test_a_good_dual_does_not_certify_bad_weights_at_lam_zero() -> None:
    problem = random_problem(7, 20, 4)
    w, dual = solved_by_linprog(problem, 0.0)[1:]
    for hint in (dual, np.zeros(20)):  # the second needs no repair
        certificate = LadObjective(0.0).certificate(problem, 1.5 * w, hint)
        assert certificate is not None
        assert certificate.relative_gap > 0.01  # half again too much weight: residuals of the order of ½
        assert certificate.kkt_residual > 0.01


def test_a_lad_hint_that_is_slightly_infeasible_still_certifies_at_lam_zero() -> None:
    problem = random_problem(7, 20, 4)
    value, w, dual = solved_by_linprog(problem, 0.0)
    certificate = LadObjective(0.0).certificate(problem, w, dual * (1 + 1e-9) + 1e-9)
    assert certificate is not None
    assert certificate.relative_gap <= 1e-7  # the perturbation, amplified by the ratio of entries in a column
    assert certificate.primal - certificate.gap <= value * (1 + 1e-9)


def test_a_lad_objective_without_dual_has_no_certificate() -> None:
    problem = random_problem(1)
    assert LadObjective(0.1).certificate(problem, np.zeros(problem.n_records)) is None


def test_a_perfect_fit_is_certified_by_lad_at_lam_zero() -> None:
    problem = CalibrationProblem("identity", np.eye(3), np.array([1.0, 2.0, 4.0]), np.ones(3))
    certificate = LadObjective(0.0).certificate(problem, problem.y, np.zeros(3))
    assert certificate is not None
    assert (certificate.primal, certificate.gap, certificate.relative_gap, certificate.kkt_residual) == (0, 0, 0, 0)


def test_lad_by_hand() -> None:
    # one target of 10, entries 2 and 1: cover it at price λ/2 per unit, or leave it at price 1/10 per unit
    problem = CalibrationProblem("hand", np.array([[2.0, 1.0]]), np.array([10.0]), np.ones(2))
    cheap, dear = LadObjective(0.1), LadObjective(0.4)
    fitted, zero = np.array([5.0, 0.0]), np.zeros(2)
    assert cheap.value(problem, fitted) == 0.5
    assert cheap.value(problem, zero) == 1.0
    # θ ≤ min(1, λ·10/2): 0.5 for the cheap one; the dual value is θ
    certificate = cheap.certificate(problem, fitted, np.array([0.5]))
    assert certificate is not None
    assert certificate.gap <= 4 * EPS  # sums of values of order 1
    certificate = dear.certificate(problem, zero, np.array([1.0]))
    assert certificate is not None
    assert certificate.gap == 0


# --- the others, and weight statistics --------------------------------------------------------------------------------


def test_the_l0_and_least_squares_objectives_by_hand() -> None:
    problem = CalibrationProblem(
        "hand", np.array([[1.0, 1.0], [0.0, 2.0]]), np.array([2.0, 4.0]), np.ones(2), importance=np.array([1.0, 3.0])
    )
    w = np.array([0.0, 1.0])  # r = (−½, −½)
    assert L0Objective(lam=0.2, lam_l2=0.1).value(problem, w) == pytest.approx(1.0 + 0.2 + 0.1, rel=4 * EPS)  # 4 terms
    assert LeastSquares().value(problem, w) == 0.5
    assert math.isnan(LeastSquares().lam)
    assert L0Objective(0.2).certificate(problem, w) is None
    assert LeastSquares().certificate(problem, w) is None


def test_active_records_are_counted_above_a_share_of_the_mean_positive_weight() -> None:
    weights = np.array([0.0, 3e-12, 1e-7, 1e-3, 4.0, 8.0])  # mean positive weight 2.4
    assert [active_count(weights, threshold) for threshold in ACTIVE_THRESHOLDS] == [4, 3, 2]
    assert active_count(weights) == 3
    assert active_count(weights, 0.0) == 5
    assert active_count(np.zeros(4)) == 0


def test_the_effective_sample_size_and_design_effect_by_hand() -> None:
    weights = np.array([0.0, 1.0, 3.0])
    assert effective_sample_size(weights) == 1.6  # 4²/10
    assert design_effect(weights) == 1.25  # 2/1.6: zeros are not in the support
    assert effective_sample_size(np.full(7, 2.5)) == pytest.approx(7, rel=4 * EPS)  # two sums and a division
    assert design_effect(np.full(7, 2.5)) == pytest.approx(1, rel=4 * EPS)  # the same
    assert effective_sample_size(np.zeros(3)) == 0
    assert math.isnan(design_effect(np.zeros(3)))


def test_the_largest_weight_ratio_by_hand() -> None:
    problem = CalibrationProblem("hand", np.ones((1, 3)), np.array([10.0]), np.array([2.0, 4.0, 0.0]))
    assert max_weight_ratio(problem, np.array([3.0, 2.0, 0.0])) == 1.5
    assert max_weight_ratio(problem, np.array([3.0, 2.0, 0.1])) == math.inf
    assert max_weight_ratio(problem, np.zeros(3)) == 0
