"""Targets that contradict each other: sums that do not add up, and sets that no weights meet."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

import frontier
from frontier.core.limits import OutOfTime
from frontier.core.problem import CalibrationProblem
from frontier.problems.checks.dependent import dependences
from frontier.problems.checks.infeasible import certified, conflict
from frontier.solvers.dual.bounds_hint import tightest
from tests.conftest import make_problem


def with_rows(rows: np.ndarray, y: list[float]) -> CalibrationProblem:
    return CalibrationProblem("made", sp.csr_array(rows), np.array(y), np.ones(rows.shape[1]), floor=1.0)


def test_a_nation_that_is_not_the_sum_of_its_states_is_found_with_what_they_make_it() -> None:
    states = np.kron(np.eye(3), np.ones(4))
    problem = with_rows(np.vstack([states, states.sum(axis=0)]), [10.0, 20.0, 30.0, 66.0])
    [found] = dependences(problem)
    rows = {found.target, *found.others}
    assert rows == {0, 1, 2, 3}
    values = dict(enumerate(problem.y)) | {found.target: found.implied}
    assert values[3] == pytest.approx(values[0] + values[1] + values[2], rel=1e-9)  # rounding of an eigenvector
    assert found.off > 0.05


def test_independent_targets_depend_on_none() -> None:
    assert dependences(make_problem(n=200, m=20)) == []


def test_a_smallest_set_that_cannot_be_met_is_named() -> None:
    rows = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [2, 2, 0, 0]], dtype=float)
    assert conflict(with_rows(rows, [5.0, 3.0, 4.0, 10.0]), 10.0) == ()
    assert set(conflict(with_rows(rows, [5.0, 3.0, 4.0, 11.0]), 10.0) or ()) == {0, 3}
    part_above_whole = np.array([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 1, 1]], dtype=float)
    assert set(conflict(with_rows(part_above_whole, [10.0, 6.0, 7.0, 3.0]), 10.0) or ()) == {0, 1, 2}


@pytest.mark.parametrize("seed", range(6))
def test_what_can_be_met_agrees_with_a_linear_programme(seed: int) -> None:
    problem = make_problem(n=14, m=8, seed=seed, noise=0.8)
    solved = scipy.optimize.linprog(np.zeros(14), A_eq=problem.M.toarray(), b_eq=problem.y, bounds=(0, None))
    found = conflict(problem, 10.0)
    assert (found == ()) == (solved.status == 0)
    for row in found or ():  # smallest: without any one of them the rest can be met
        rest = [j for j in found or () if j != row]
        part = scipy.optimize.linprog(
            np.zeros(14), A_eq=problem.M.toarray()[rest], b_eq=problem.y[rest], bounds=(0, None)
        )
        assert part.status == 0


def test_a_false_certificate_is_refused() -> None:
    problem = make_problem()
    assert not certified(problem, np.ones(problem.n_targets))


@pytest.mark.filterwarnings("ignore::frontier.problems.diagnostics.DataWarning")
@pytest.mark.filterwarnings("ignore::frontier.sweep.solve.NotAsAskedWarning")
def test_the_tightest_bounds_are_those_of_which_the_dual_methods_find_the_edge() -> None:
    problem = frontier.load_problem("cps_ohio")
    found = tightest(problem, 60.0)
    assert found is not None
    low, high = found
    assert low == 0.0  # t is above 1 here
    inside, outside = (
        frontier.calibrate(problem, method="greg", params={"lower": 0.0, "upper": high * factor, "max_iter": 500})
        for factor in (1.01, 0.99)
    )
    assert inside.status == "optimal"
    assert outside.status == "infeasible"
    assert outside.message.endswith(f"the tightest bounds around 1 that are feasible: 0 to {high:.4g}")


def test_bounds_around_one_hold_equal_room_on_both_sides() -> None:
    rows = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], dtype=float)
    found = tightest(with_rows(rows, [2.5, 1.8]), 10.0)
    assert found == pytest.approx((0.75, 1.25), abs=1e-7)  # the programme's tolerance
    assert tightest(with_rows(np.vstack([rows, rows[:1]]), [2.5, 1.8, 3.0]), 10.0) is None


def test_bounds_that_were_not_found_in_time_are_not_said_to_be_none() -> None:
    with pytest.raises(OutOfTime):
        tightest(make_problem(n=200, m=20), 0.0)
