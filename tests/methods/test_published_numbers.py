"""Classical calibration against numbers that others have published; the data are typed in from the sources named.

Sources: CALMAR's example of 15 units as the R package `icarus` documents it (Sautory 1993); the first example of
`calib` and that of `samplecube` in the R package `sampling` (Tillé & Matei); the table of Ardilly & Tillé, Sampling
Methods (2006); the examples of the package `ipfn` 1.4.4 in two and three dimensions, whose cells it prints with its
convergence rate at 1e-14 (the second is Hunsinger's). Not here: the schools of R's `survey` and the households of
ReGenesees are files of hundreds of rows that come with packages under the GPL and EUPL.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import frontier
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.objectives.distance import DistanceObjective
from frontier.solvers.dual.calibrate import calibrate
from frontier.solvers.sampling.cube import cube_sample
from frontier.sweep.solve import NotAsAskedWarning

DIGITS = 6e-5  # half of the last digit that is printed, and a little


def calmar(**changes: float) -> CalibrationProblem:
    """15 units: category, sex, department and salary, with their margins."""
    category = np.array([1, 2, 2, 3, 1, 1, 2, 3, 1, 2, 1, 1, 2, 3, 1])
    sex = np.array([1, 2, 2, 1, 1, 2, 2, 2, 1, 1, 2, 2, 1, 1, 2])
    department = np.array([1, 1, 2, 2, 2, 1, 2, 1, 1, 2, 2, 1, 1, 1, 2])
    salary = [1000, 1100, 1500, 2300, 1000, 500, 1000, 2000, 2100, 2000, 3200, 1800, 2800, 1100, 2500]
    rows = [category == 1, category == 2, category == 3, sex == 1, sex == 2, department == 1, department == 2, salary]
    margins = {"1": 80, "2": 90, "3": 60, "m": 140, "f": 90, "a": 100, "b": 130, "salary": 470_000} | changes
    M = sp.csr_array(np.array(rows, dtype=float))
    w0 = np.repeat([10.0, 20.0], [7, 8])
    return CalibrationProblem("calmar", M, np.array([*margins.values()], float), w0, target_names=tuple(margins))


CALMAR = {
    "linear": (
        DistanceObjective("chi_square", None, None, None),
        "5.6381 4.8735 11.3245 19.897 11.1004 -0.7084 10.0887 17.1651 16.7133 35.3418 22.8538"
        " 5.009 28.3714 22.9379 19.3937",
    ),
    "raking": (
        DistanceObjective("entropy"),
        "5.3374 5.1185 9.9882 24.5142 9.2304 2.792 8.5884 15.7535 14.8808 38.1883 21.8245"
        " 8.2689 28.1165 19.7323 17.666",
    ),
    "logit": (
        DistanceObjective("logit", None, 0.4, 2.2),
        "4.4859 4.2674 9.4427 21.7067 9.776 4.0262 7.3103 15.012 11.7705 40.1082 24.5277"
        " 8.2851 28.8715 23.2813 17.1285",
    ),
}


@pytest.mark.parametrize("distance", CALMAR)
def test_calmar_s_weights_are_ours_to_the_digits_printed(distance: str) -> None:
    objective, printed = CALMAR[distance]
    found = calibrate(calmar(), objective, tol=1e-11, max_iter=200)
    assert found.ended == "converged"
    np.testing.assert_allclose(found.weights, np.array(printed.split(), float), atol=DIGITS)


@pytest.mark.parametrize(
    ("method", "params"),
    [("greg", {"lower": None, "negative": True}), ("raking", {}), ("logit", {"low": 0.4, "high": 2.2})],
)
def test_calmar_s_weights_come_out_of_the_public_interface(method: str, params: dict[str, Any]) -> None:
    found = frontier.calibrate(calmar(), method=method, params=params)
    assert found.status is Status.OPTIMAL  # which the certificate confirms
    printed = np.array(CALMAR["linear" if method == "greg" else method][1].split(), float)
    np.testing.assert_allclose(found.weights, printed, atol=DIGITS)
    assert frontier.score(calmar(), printed, negative=True)["train_max_are"] < 1e-5  # of totals of rounded weights


@pytest.mark.parametrize("method", ["raking", "greg", "logit"])
def test_margins_of_different_totals_are_infeasible(method: str) -> None:
    [found] = frontier.solve(calmar(a=300.0), method)
    assert found.status is Status.INFEASIBLE


def test_logit_bounds_that_are_too_tight_are_infeasible_and_say_what_would_do() -> None:
    [found] = frontier.solve(calmar(), "logit", low=0.6, high=2.0)
    assert found.status is Status.INFEASIBLE
    assert "the tightest bounds around 1 that are feasible: " in found.message
    [met] = frontier.solve(calmar(), "logit", low=0.4, high=2.2)
    assert met.status is Status.OPTIMAL


def test_the_package_sampling_s_example_of_calib() -> None:
    group = np.repeat([[1.0, 0.0], [0.0, 1.0]], 5, axis=0).T
    M = sp.csr_array(np.vstack([group, np.arange(1.0, 11.0)]))
    problem = CalibrationProblem("calib", M, np.array([24.0, 26.0, 290.0]), np.full(10, 5.0))
    linear = calibrate(problem, DistanceObjective("chi_square", None, None, None), tol=1e-12, max_iter=100)
    g = [0.76, 0.86, 0.96, 1.06, 1.16, 0.84, 0.94, 1.04, 1.14, 1.24]
    np.testing.assert_allclose(linear.weights / 5, g, atol=1e-9)
    raking = calibrate(problem, DistanceObjective("entropy"), tol=1e-12, max_iter=100)
    np.testing.assert_allclose(raking.weights[[0, -1]] / 5, [0.777431, 1.258635], atol=6e-7)  # six digits printed


def test_a_balanced_sample_of_a_third_of_nine_has_always_three() -> None:
    probabilities = np.full(9, 1 / 3)
    sizes = sp.csc_array(probabilities[None, :])
    for seed in range(50):
        assert len(cube_sample(sizes, probabilities, np.random.default_rng(seed))) == 3


def test_ardilly_and_tille_s_table_is_raked_to_theirs() -> None:
    table = np.array([[80, 170, 150], [90, 80, 210], [10, 80, 130]], dtype=float)
    rows, columns = np.kron(np.eye(3), np.ones(3)), np.kron(np.ones(3), np.eye(3))
    margins = np.array([430.0, 360.0, 210.0, 150.0, 300.0, 550.0])
    problem = CalibrationProblem("ipf", sp.csr_array(np.vstack([rows, columns])), margins, table.ravel())
    [found] = frontier.solve(problem, "raking", tol=1e-11)
    printed = [[73.0082, 167.6406, 189.3512], [69.3904, 66.6493, 223.9603], [7.6014, 65.7101, 136.6885]]
    assert found.weights is not None
    np.testing.assert_allclose(found.weights.reshape(3, 3), printed, atol=DIGITS)


IPFN = {
    "2-D": (
        (3, 4),
        [8, 4, 6, 7, 3, 6, 5, 2, 9, 11, 3, 1],
        {(0,): [20, 18, 22], (1,): [18, 16, 12, 14]},
        "5.579361 2.162467 3.891874 8.366298 3.4332 5.322603 5.321828 3.92237 8.987439 8.51493 2.786299 1.711332",
    ),
    "3-D": (
        (2, 4, 3),
        [1, 2, 1, 3, 5, 5, 6, 2, 2, 1, 7, 2, 5, 4, 2, 5, 5, 5, 3, 8, 7, 2, 7, 6],
        {
            (0,): [52, 48],
            (1,): [20, 30, 35, 15],
            (2,): [35, 40, 25],
            (0, 1): [9, 17, 19, 7, 11, 13, 16, 8],
            (1, 2): [7, 9, 4, 8, 12, 10, 15, 12, 8, 5, 7, 3],
        },
        "2.155122 4.738762 2.106116 3.79236 7.204167 6.003473 12.031416 4.035121 2.933463 2.026015 4.037026 0.936959"
        " 4.844878 4.261238 1.893884 4.20764 4.795833 3.996527 2.968584 7.964879 5.066537 2.973985 2.962974 2.063041",
    ),
}


@pytest.mark.parametrize("example", IPFN)
def test_the_package_ipfn_s_examples(example: str) -> None:
    shape, table, margins, printed = IPFN[example]
    cells = np.indices(shape).reshape(len(shape), -1)
    rows = [
        np.ravel_multi_index(cells[list(axes)], [shape[axis] for axis in axes]) == j  # type: ignore[call-overload]
        for axes, margin in margins.items()
        for j in range(len(margin))
    ]
    totals = np.concatenate([*margins.values()]).astype(float)
    M = sp.csr_array(np.array(rows, dtype=float))
    problem = CalibrationProblem(example, M, totals, np.array(table, dtype=float))
    [found] = frontier.solve(problem, "raking", tol=1e-12)
    assert found.status is Status.OPTIMAL
    np.testing.assert_allclose(found.weights, np.array(printed.split(), float), atol=6e-7)  # six digits printed


@pytest.mark.parametrize("method", ["raking", "greg", "logit"])
def test_margins_that_no_weights_meet_never_converge_and_are_named(method: str) -> None:
    M = sp.csr_array(np.array([[1.0, 1.0, 1.0], [15_000.0, 500.0, 250.0], [1.0, 0.0, 0.0]]))
    totals, names = np.array([1_100.0, 165_000.0, 5.0]), ("count", "sum", "first")
    problem = CalibrationProblem("none", M, totals, np.full(3, 300.0), target_names=names)
    for rows in ([0, 1], [0, 1, 2]):  # two that contradict each other, and a third, which is not to blame
        with pytest.warns(NotAsAskedWarning):
            found = frontier.calibrate(problem.restrict(rows), method=method)
        assert found.status is Status.INFEASIBLE
        assert found.message.endswith("already 'count', 'sum' cannot be met together")


def test_margins_of_different_sums_contradict_whatever_the_sign_of_weights() -> None:
    with pytest.warns(NotAsAskedWarning):
        found = frontier.calibrate(calmar(a=300.0), method="greg", params={"lower": None, "negative": True})
    assert found.status is Status.INFEASIBLE
    assert found.message.endswith("already '1', '2', '3', 'a', 'b' cannot be met together")
