"""What is known to be true beside the targets: metrics by hand, and that no method can see it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

import frontier
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.core.truth import COLUMNS, Distribution, Truth
from frontier.methods.registry import method_names
from frontier.problems.splits import every_target
from tests.methods.test_contracts import configured, points_for

H = sp.csr_array(np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 0.0], [0.0, 10.0, 0.0], [1.0, 0.0, 1.0]]))
TRUTH = Truth(
    H,
    totals=np.array([6.0, 4.0, 5.0, 2.0]),
    names=("a", "b", "c", "d"),
    units=("units", "units", "dollars", "units"),
    reserve=np.array([False, False, False, True]),
)


def test_the_metrics_of_totals_by_hand() -> None:
    found = TRUTH.errors(np.array([1.0, 2.0, 0.0]))  # estimates 3, 2, 20, 1: errors ½, ½, 3, ½
    expected = {
        "truth_mean": 4 / 3,
        "truth_median": 0.5,
        "truth_capped": 2 / 3,
        "truth_wmape": ((3 + 2) / 10 + 15 / 5) / 2,
        "truth_log_ratio": (2 * np.log(2) + np.log(4)) / 3,
        "truth_rmse": np.sqrt((0.25 + 0.25 + 9) / 3),
        "truth_bias": 2 / 3,
        "truth_beyond": 1 / 3,
        "reserve_mean": 0.5,
        "reserve_median": 0.5,
    }
    assert {name: value for name, value in found.items() if value is not None} == pytest.approx(expected, rel=1e-12)
    assert list(found) == list(COLUMNS)
    assert found["truth_gini"] is None  # there is no income


def test_quantiles_gini_and_poverty_by_hand() -> None:
    income = np.array([10.0, 20.0, 30.0, 40.0])
    place = np.array([0, 0, 1, 1])
    whole = Distribution.of(income, place, np.ones(4))
    assert whole.line == 10  # half the median, 20
    assert whole.gini[0] == pytest.approx(0.25, rel=1e-12)  # Σ Σ |x_i − x_j| / (2 n² mean)
    assert whole.gini[1] == pytest.approx(10 / 60, rel=1e-12)
    assert whole.poverty.tolist() == [0, 0, 0]  # nobody is below the line
    assert whole.errors(np.ones(4)) == pytest.approx(dict.fromkeys(whole.errors(np.ones(4)), 0.0), abs=1e-12)
    assert whole.errors(7 * np.ones(4)) == pytest.approx(whole.errors(np.ones(4)), abs=1e-12)  # no size matters
    lost = whole.errors(np.array([1.0, 1.0, 0.0, 0.0]))
    assert lost["truth_quantiles"] > 5 / 18 * 1.0 - 1e-12  # five of eighteen quantiles are of a place without weight
    gaps = Distribution.of(np.append(income, np.nan), np.append(place, 0), np.ones(5))  # a record without an income
    weights = np.array([3.0, 1.0, 2.0, 1.0])
    assert gaps.line == whole.line
    assert gaps.errors(np.append(weights, 9.0)) == whole.errors(weights)
    repeated = Distribution.of(np.repeat(income, 3), np.repeat(place, 3), np.ones(12))
    weighted = Distribution.of(income, place, np.full(4, 3.0))
    np.testing.assert_allclose(repeated.gini, weighted.gini, rtol=1e-12)  # a weight is a number of households
    np.testing.assert_array_equal(repeated.quantiles, weighted.quantiles)


def problem() -> CalibrationProblem:
    return CalibrationProblem(
        "known", np.array([[1.0, 2.0, 3.0], [3.0, 1.0, 1.0]]), [6.0, 5.0], np.ones(3), truth=TRUTH
    )


def test_a_row_of_results_has_the_truth_and_a_problem_without_has_no_such_columns() -> None:
    solution = frontier.Solution(np.ones(3), frontier.Status.COMPLETED)
    row = frontier.evaluate(problem(), every_target(problem()), solution)
    assert row["truth_mean"] == pytest.approx(np.mean([0.5, 0.5, 1.0]), rel=1e-12)
    plain = dataclasses.replace(problem(), truth=None)
    assert not [name for name in frontier.evaluate(plain, every_target(plain), solution) if name in COLUMNS]
    assert plain.fingerprint != problem().fingerprint


class Poison(Truth):
    """A truth whose every fact is an exception."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"a method looked at the truth: {name}")


@pytest.mark.parametrize("name", [name for name in method_names() if not name.startswith("peers.")])
def test_no_method_can_see_the_truth(name: str) -> None:
    whole = problem()
    object.__setattr__(whole, "truth", Poison.__new__(Poison))
    for rows in (np.array([True, True]), np.array([True, False])):
        training = whole.restrict(rows)
        assert training.truth is None
        method = configured(name)
        assert len(method.solve(training, points_for(method, training)[:1])) == 1


def test_a_truth_or_auxiliary_statistics_of_other_records_are_refused() -> None:
    wrong = dataclasses.replace(TRUTH, H=H[:, :2])
    with pytest.raises(InputError, match=r"truth: not over these records; expected 3, got 2"):
        dataclasses.replace(problem(), truth=wrong)
    with pytest.raises(InputError, match=r"auxiliary: not over these records; expected 3, got 2"):
        dataclasses.replace(problem(), auxiliary=sp.csr_array(H[:, :2]))
