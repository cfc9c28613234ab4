"""The working-set path and its kernel: exact on every shape of problem, against independent solvers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import frontier.solvers.lasso.interior as interior_module
import frontier.solvers.lasso.working_set as path_module
from frontier import default_split, load_problem
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.objectives.l1 import l1_certificate, lam_max
from frontier.solvers.lasso.fista import FistaPath
from frontier.solvers.lasso.working_set import WorkingSetPath
from tests.conftest import make_problem

RATIOS = np.geomspace(1 / 2.6, 1e-5, 12)  # the path of the speed comparison
EXACT = 1e-8  # relative gap: rounding when λ = 1e-5 λ_max and the targets are nearly met


def worst_gap(design: WeightedDesign, costs: np.ndarray | float = 1.0, ratios: np.ndarray = RATIOS) -> float:
    path = WorkingSetPath(design, costs)
    return max(path.solve(r * path.lam_max, max_pivots=100_000).certificate.relative_gap for r in ratios)


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 30), st.sampled_from(["dense", "counts", "signed"]))
@settings(max_examples=150, deadline=None)
def test_every_lam_is_certified_on_random_problems(seed: int, m: int, n: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    A = {
        "dense": rng.lognormal(sigma=2, size=(m, n)),
        "counts": rng.integers(0, 3, (m, n)).astype(float),  # many equal and empty columns, low rank
        "signed": rng.standard_normal((m, n)),
    }[kind]
    design = WeightedDesign(sp.csr_array(A), rng.uniform(0.5, 2, m))
    assume(lam_max(design) > 0)
    assert worst_gap(design, ratios=RATIOS[RATIOS >= 1e-4]) <= EXACT
    # below, as many random columns as targets may be active, at any condition: 4e-8 was met among some 10,000 problems
    assert worst_gap(design) <= 1e-6  # what the harness calls solved


@pytest.mark.parametrize("name", ["cps_ohio", "l0_readme"])
def test_the_whole_path_of_a_real_problem_is_certified(name: str) -> None:
    problem = load_problem(name)
    assert worst_gap(weighted_design(problem.restrict(default_split(problem).train))) <= EXACT


def test_the_order_of_lams_does_not_matter() -> None:
    design = weighted_design(make_problem(200, 10))
    down, up = WorkingSetPath(design), WorkingSetPath(design)
    forward = [down.solve(r * down.lam_max, max_pivots=10_000).certificate.primal for r in RATIOS]
    backward = [up.solve(r * up.lam_max, max_pivots=10_000).certificate.primal for r in RATIOS[::-1]][::-1]
    np.testing.assert_allclose(forward, backward, rtol=1e-9)  # two exact solves of one problem


def test_it_agrees_with_textbook_fista() -> None:
    design = weighted_design(make_problem(100, 8))
    exact, textbook = WorkingSetPath(design), FistaPath(design)
    for ratio in (0.5, 0.05, 0.005):
        lam = ratio * exact.lam_max
        one = exact.solve(lam, max_pivots=10_000)
        other = textbook.solve(lam, tol=1e-9, max_iter=100_000)
        assert one.certificate.primal <= other.certificate.primal * (1 + 1e-12)  # never above a valid point's value
        assert one.certificate.primal == pytest.approx(other.certificate.primal, rel=1e-8)  # the textbook gap is 1e-9


def test_costs_are_scaled_columns() -> None:
    problem = make_problem(80, 6)
    design = weighted_design(problem)
    costs = np.random.default_rng(0).uniform(0.5, 2, problem.n_records)
    scaled = WeightedDesign(sp.csr_array(design.A @ sp.diags_array(1 / costs)), design.b)
    one, other = WorkingSetPath(design, costs), WorkingSetPath(scaled)
    lam = 0.1 * one.lam_max
    np.testing.assert_allclose(
        one.solve(lam, max_pivots=1000).weights, other.solve(lam, max_pivots=1000).weights / costs, rtol=1e-9
    )  # the same unique solution, with v = c w
    assert worst_gap(design, costs) <= EXACT


def test_without_a_penalty_it_is_nonnegative_least_squares() -> None:
    for n, m in ((5, 12), (40, 12)):
        design = weighted_design(make_problem(n, m))
        found = WorkingSetPath(design).solve(0.0, max_pivots=10_000)
        _, residual = scipy.optimize.nnls(design.A.toarray(), design.b)
        assert np.linalg.norm(design.b - design.A @ found.weights) == pytest.approx(residual, rel=1e-9, abs=1e-12)
        assert found.certificate.kkt_residual <= 1e-12


def test_equal_columns_enter_once_and_the_tie_is_reported() -> None:
    problem = make_problem(30, 5)
    design = weighted_design(problem)
    doubled = WeightedDesign(sp.csr_array(sp.hstack([design.A, design.A])), design.b)
    single = WorkingSetPath(design).solve(0.05 * lam_max(design), max_pivots=1000)
    double = WorkingSetPath(doubled).solve(0.05 * lam_max(design), max_pivots=1000)
    assert np.count_nonzero(double.weights) == np.count_nonzero(single.weights)
    assert double.certificate.n_equicorrelated == 2 * np.count_nonzero(single.weights)


def test_the_interior_point_approach_reaches_the_same_point(monkeypatch: pytest.MonkeyPatch) -> None:
    design = weighted_design(make_problem(300, 20))
    plain = WorkingSetPath(design)
    monkeypatch.setattr(path_module, "INTERIOR_FROM", 0)
    monkeypatch.setattr(path_module, "PATIENCE", 0)
    approached, hints = WorkingSetPath(design), []
    for ratio in (0.3, 0.01, 1e-4):
        one = plain.solve(ratio * plain.lam_max, max_pivots=10_000)
        other = approached.solve(ratio * plain.lam_max, max_pivots=10_000)
        hints.append(other.dual)
        assert other.certificate.relative_gap <= EXACT
        np.testing.assert_allclose(one.weights, other.weights, rtol=1e-6, atol=1e-9 * one.weights.max())
    assert any(hint is not None for hint in hints), "nothing was left to an interior point"


def test_a_face_of_solutions_is_left_at_a_vertex(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    counts = np.vstack((np.ones(2_000), rng.random((40, 2_000)) < 0.3)).astype(float)  # the costs are its first row
    design = WeightedDesign(sp.csr_array(counts), counts @ rng.uniform(0.5, 1.5, 2_000))
    monkeypatch.setattr(path_module, "INTERIOR_FROM", 0)
    monkeypatch.setattr(path_module, "PATIENCE", 0)
    path = WorkingSetPath(design)
    path.solve(0.9 * path.lam_max, max_pivots=100)
    point = path.solve(1e-5 * path.lam_max, max_pivots=200)
    assert point.certificate.relative_gap <= EXACT
    assert point.certificate.n_equicorrelated == 2_000  # every record is on the face
    assert np.count_nonzero(point.weights) <= 41


@pytest.mark.parametrize("tol", [0.5, EXACT])
def test_after_an_interior_point_pivots_go_on_until_the_gap_is_small_enough(
    monkeypatch: pytest.MonkeyPatch, tol: float
) -> None:
    design = weighted_design(make_problem(300, 20))
    monkeypatch.setattr(path_module, "INTERIOR_FROM", 0)
    monkeypatch.setattr(path_module, "PATIENCE", 0)
    monkeypatch.setattr(path_module, "FINISHING", 1)
    monkeypatch.setattr(interior_module, "GAP", 0.1)
    monkeypatch.setattr(interior_module, "PERTURBATION", 1.0)  # … so that it ends at the vertex of another problem
    path = WorkingSetPath(design)
    path.solve(0.9 * path.lam_max, max_pivots=100)
    lam = 0.1 * path.lam_max
    point = path.solve(lam, max_pivots=10_000, tol=tol)
    assert point.dual is not None
    assert point.certificate.relative_gap == l1_certificate(design, point.weights, lam, 1.0, point.dual).relative_gap
    assert point.certificate.relative_gap <= tol
    assert (point.certificate.relative_gap > EXACT) == (tol > EXACT)


def test_a_pivot_limit_is_kept_and_leaves_a_valid_point() -> None:
    design = weighted_design(make_problem(300, 20))
    path = WorkingSetPath(design)
    limited = path.solve(1e-4 * path.lam_max, max_pivots=3)
    assert limited.n_iter <= 4
    assert (limited.weights >= 0).all()
    assert limited.certificate.relative_gap > 1e-8
    assert l1_certificate(design, limited.weights, 1e-4 * path.lam_max).primal == limited.certificate.primal
