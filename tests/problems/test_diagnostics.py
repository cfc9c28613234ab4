"""What is said of a problem before it is fitted, on a problem where every finding is known."""

from __future__ import annotations

import numpy as np
import pytest

import frontier
from frontier.core.problem import CalibrationProblem
from frontier.problems.diagnostics import DataWarning, diagnose, problem_warnings
from tests.conftest import make_problem


def odd_problem() -> CalibrationProblem:
    """Twelve records of weight 10; each target has one thing wrong with it, the first none."""
    M = np.zeros((6, 12))
    M[0] = 1.0  # estimate 120
    M[1] = 1.0  # … against 1,300: off by more than ten
    M[2, :9] = 1.0  # nine records
    M[3], M[3, 0] = 0.5, 100.0  # one record stands for 1,000
    M[4] = 1.0
    y = np.array([100.0, 1300.0, 90.0, 900.0, -100.0, 50.0])
    return CalibrationProblem("odd", M, y, np.full(12, 10.0), meta={"warnings": ("from the file",)})


def test_each_finding_is_one_line_that_names_its_targets() -> None:
    assert problem_warnings(odd_problem()) == (
        "from the file",
        "2 of 6 targets are of a sign that no non-negative weights can give: 'target_4' (-100), 'target_5' (50)",
        "3 of 6 targets are more than 10 times off at the initial weights: 'target_1' (estimate/target 0.0923), "
        "'target_4' (estimate/target -1.2), 'target_5' (estimate/target 0)",
        "2 of 6 targets are supported by fewer than 10 records: 'target_2' (9 records), 'target_5' (0 records)",
        "1 of 6 targets is smaller than what one record stands for at its initial weight: "
        "'target_3' (1e+03 against 900)",
    )


def test_the_table_has_estimate_support_and_largest_record_of_every_target() -> None:
    table = diagnose(odd_problem())
    assert table["estimate_at_w0"].tolist() == [120, 120, 90, 1055, 120, 0]
    assert table["records"].tolist() == [12, 12, 9, 12, 12, 0]
    assert table["largest_record"].tolist() == [10, 10, 10, 1000, 10, 0]


def test_a_sound_problem_has_no_warnings_and_zero_weights_are_counted() -> None:
    problem = make_problem()
    assert problem_warnings(problem) == ()
    w0 = problem.w0.copy()
    w0[:2] = 0.0
    idle = CalibrationProblem("idle", problem.M, problem.y, w0)
    assert problem_warnings(idle) == ("2 of 60 records have initial weight 0",)


def test_many_findings_are_counted_and_the_first_three_named() -> None:
    problem = make_problem(m=30)
    far = CalibrationProblem("far", problem.M, 100 * problem.y, problem.w0)
    [line] = problem_warnings(far)
    assert line.startswith("30 of 30 targets are more than 10 times off")
    assert line.count("estimate/target") == 3
    assert line.endswith("27 more")


@pytest.mark.filterwarnings("ignore::frontier.sweep.weight_warnings.WeightWarning")  # odd data are fitted badly
def test_solving_from_python_warns_of_what_the_commands_say() -> None:
    with pytest.warns(DataWarning) as caught:
        frontier.calibrate(odd_problem(), method="nn_lasso", lam=0.1)
    assert [str(one.message) for one in caught if one.category is DataWarning] == [
        f"problem 'odd': {line}" for line in problem_warnings(odd_problem())
    ]
