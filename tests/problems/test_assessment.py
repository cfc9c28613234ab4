"""Targets added one at a time: losses against independent solvers, and planted contradictions that are found."""

from __future__ import annotations

import time

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

import frontier
from frontier.core.errors import InputError
from frontier.core.limits import OutOfTime, out_of_time, time_limit
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import relative_residual, weighted_design
from frontier.problems.checks.assessment import assess_targets
from frontier.sweep.contract_problems import degenerate_problems
from tests.conftest import make_problem

ROUNDING = 1e-9  # of ½‖b‖²: losses come from orthogonal factors, in the order of 1e-15 times the condition of a part


def awkward(seed: int) -> CalibrationProblem:
    """Mixed signs, dependent rows of which some contradict, more targets than records for odd seeds, weighted rows."""
    generator = np.random.default_rng(seed)
    n = 6 if seed % 2 else 25
    rows = generator.standard_normal((7, n)) * 10.0 ** generator.integers(-2, 6, 7)[:, None]
    rows = np.vstack([rows, rows[0] + rows[3], np.zeros(n), rows[2], generator.random((2, n))])
    y = rows @ generator.gamma(2.0, 1.0, n)
    y[[7, 8]] += [0.2 * abs(y[7]), 3.0]  # contradict; row 9 does not
    y[4] += 2 * abs(y[4])
    importance = generator.uniform(0.5, 2.0, 12)
    return CalibrationProblem("awkward", sp.csr_array(rows), y, np.ones(n), importance=importance)


@pytest.mark.parametrize("seed", range(8))
def test_every_step_agrees_with_solvers_of_its_own(seed: int) -> None:
    problem = awkward(seed)
    design = weighted_design(problem)
    A, b = design.A.toarray(), design.b
    table = assess_targets(problem).table
    assert list(table["target"]) == list(problem.target_names)
    fitted = np.empty(0)
    for j, row in enumerate(table.itertuples()):
        part, right = A[: j + 1], b[: j + 1]
        close = ROUNDING * 0.5 * right @ right
        weights, norm = scipy.optimize.nnls(part, right, maxiter=10_000)
        assert row.loss == pytest.approx(0.5 * norm**2, abs=close)
        lengths = np.linalg.norm(part, axis=1, keepdims=True)
        unit = part / np.where(lengths > 0, lengths, 1.0)
        assert row.rank == np.linalg.matrix_rank(unit, tol=1e-9)
        assert row.dependent == (row.rank == (table["rank"][j - 1] if j else 0))
        # the projection of b on the columns, whose lengths differ by 10⁷: by its null space
        off = right - part @ np.linalg.lstsq(part, right, rcond=1e-13)[0]
        assert row.loss_any_sign == pytest.approx(0.5 * off @ off, abs=close)
        assert row.loss >= row.loss_any_sign - close
        before = A[:j]  # least change of weights that gives the best estimates of the step before
        change = np.linalg.lstsq(before, fitted - before @ problem.w0, rcond=1e-13)[0] if j else 0.0
        surprise = (A[j] @ (problem.w0 + change) - b[j]) / np.sqrt(problem.importance[j])
        assert row.residual == pytest.approx(surprise, rel=1e-6, abs=1e-6)  # conditions of 10⁷ on both sides
        fitted = part @ weights
    assert table["increase"].to_numpy() == pytest.approx(np.diff(table["loss"], prepend=0.0), abs=ROUNDING * b @ b)


def test_a_nation_that_is_not_the_sum_of_its_states_is_the_hardest_target_whatever_the_signs() -> None:
    states = np.kron(np.eye(3), np.ones(4))
    rows = np.vstack([states, states.sum(axis=0)])
    names = ("north", "middle", "south", "nation")
    problem = CalibrationProblem(
        "made", sp.csr_array(rows), np.array([10.0, 20.0, 30.0, 66.0]), np.ones(12), target_names=names
    )
    found = assess_targets(problem)
    assert found.proved
    assert list(found.table["dependent"]) == [False, False, False, True]
    hardest, together = str(found).splitlines()
    assert hardest.startswith("The hardest target is 'nation' (step 4): adding it raises the loss by 0.00")
    assert together == (
        "The first 3 targets can be met exactly; 'nation' (step 4) cannot be met together with them, "
        "whatever the signs of weights."
    )
    # who comes last in a contradiction is blamed
    turned = assess_targets(problem, first=["nation"])
    assert list(turned.table["target"]) == ["nation", "north", "middle", "south"]
    assert "'south' (step 4) cannot be met" in str(turned)
    assert turned.table["residual"][3] == pytest.approx((66 - 30 - 30) / 30, rel=1e-12)  # 36 are left for 30


def test_a_part_above_the_whole_is_impossible_for_weights_that_are_not_negative() -> None:
    rows = np.array([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 1, 1]], dtype=float)
    problem = CalibrationProblem("made", sp.csr_array(rows), np.array([10.0, 6.0, 7.0, 3.0]), np.ones(5))
    found = assess_targets(problem)
    assert found.proved
    assert list(found.table["met"]) == [True, True, False, False]
    assert found.table["loss_any_sign"].max() == pytest.approx(0.0, abs=1e-20)
    assert "'target_2' (step 3) cannot be met together with them, by weights ≥ 0." in str(found)


def test_targets_that_can_all_be_met_are_told_by_what_foretells_them_least() -> None:
    problem = make_problem(noise=0.0)
    found = assess_targets(problem)
    table = found.table
    assert table["residual"][0] == pytest.approx(relative_residual(problem, problem.w0)[0], rel=1e-12)
    hardest = table["target"][table["residual"].abs().argmax()]
    first, second = found.lines()
    assert first.startswith(f"No target is hard: the one that those before it foretell least is {hardest!r}")
    assert second == "All 6 targets can be met exactly by weights ≥ 0."


@pytest.mark.parametrize("what", degenerate_problems())
def test_extreme_shapes_end_at_the_loss_of_scipy(what: str) -> None:
    problem = degenerate_problems()[what]
    design = weighted_design(problem)
    _, norm = scipy.optimize.nnls(design.A.toarray(), design.b)
    assert assess_targets(problem).table["loss"].iloc[-1] == pytest.approx(0.5 * norm**2, abs=1e-12)


def test_the_targets_of_cps_like_end_at_the_least_loss_of_the_method() -> None:
    problem = frontier.load_problem("cps_like")
    table = frontier.assess_targets(problem).table
    [solution] = frontier.solve(problem, "dense_nnls", [frontier.Point()])
    assert table["loss"].iloc[-1] == pytest.approx(solution.claims["value"], rel=1e-9)


def test_targets_without_importance_are_left_out() -> None:
    given = make_problem()
    problem = CalibrationProblem("made", given.M, given.y, given.w0, importance=[1, 0, 1, 1, 1, 1])
    found = assess_targets(problem)
    assert list(found.table["target"]) == [f"target_{j}" for j in (0, 2, 3, 4, 5)]
    assert found.of == 5


def test_families_come_first_and_unknown_names_are_refused() -> None:
    assert list(assess_targets(make_problem(), ["b", "target_4"]).table["target"]) == [
        f"target_{j}" for j in (1, 3, 5, 4, 0, 2)
    ]
    with pytest.raises(InputError, match="first: neither a target nor a family: 'target_9'; did you mean 'target_"):
        assess_targets(make_problem(), ["target_9"])


def test_steps_that_are_ready_in_time_are_told_as_such() -> None:
    def wait(name: str) -> None:
        while name == "target_2" and not out_of_time():
            time.sleep(0.01)

    with time_limit(1.0):
        found = assess_targets(make_problem(), visit=wait)
    assert len(found.table) == 3
    assert "(of 6: time was too short for the rest)" in str(found)
    with time_limit(0.0), pytest.raises(OutOfTime):
        assess_targets(make_problem())
