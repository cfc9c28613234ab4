"""Weights are held against the initial ones: totals, total weight, and targets that nobody is left in."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from frontier.core.problem import CalibrationProblem
from frontier.sweep.weight_warnings import weight_warnings

M = sp.csr_array(np.array([[1.0, 1, 1, 1], [0, 0, 0, 5], [2, 0, 0, 0], [0, 0, 3, 0]]))
PROBLEM = CalibrationProblem(
    "p", M, np.array([40.0, 50, 20, 0]), np.full(4, 9.0), target_names=["n", "a", "b", "none"], floor=1.0
)


def test_nothing_is_said_against_weights_that_are_better_and_keep_everybody() -> None:
    assert weight_warnings(PROBLEM, np.array([10.0, 20, 0, 10])) == ()  # the last target is 0: nobody is right


def test_weights_that_err_more_than_the_initial_ones_are_named_with_both_errors() -> None:
    problem = PROBLEM.restrict(np.array([True, True, True, False]))
    [line] = weight_warnings(problem, np.array([20.0, 20, 0, 20]))  # errors 50%, 100%, 100%; at w0 10% each
    assert line == "worse than the initial weights on the totals: mean error 83.3% against 10.0%"


def test_a_negligible_error_is_not_held_against_initial_weights_that_have_none() -> None:
    part = CalibrationProblem("p", M[:3], M[:3] @ PROBLEM.w0, PROBLEM.w0, floor=1.0)
    assert weight_warnings(part, part.w0 * (1 + 0.99e-3)) == ()
    [line] = weight_warnings(part, part.w0 * (1 + 1.01e-3))
    assert line == "worse than the initial weights on the totals: mean error 0.1% against 0.0%"


def test_a_tenth_of_the_total_weight_may_go_and_no_more() -> None:
    assert weight_warnings(PROBLEM, np.array([10.0, 13, 0, 10])) == ()
    [line] = weight_warnings(PROBLEM, np.array([10.0, 12, 0, 10]))  # 32 of 36
    assert line.startswith("11% of the total weight is gone, 32 left of 36: ")


def test_a_target_without_a_record_left_is_named_with_the_records_that_it_had() -> None:
    lines = weight_warnings(PROBLEM, np.array([0.0, 30, 0, 10]))
    assert lines == ("1 of 4 targets is without a record left: 'b' (of 1)",)
