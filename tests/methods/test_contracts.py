"""The contract of `Method`, checked for every registered method by itself: add a method file and it is tested here.

A method that needs other points or shorter runs than the defaults gets an entry in `SETTINGS`; one without an entry is
run with its defaults. A method that wraps an optional package (`package`) is skipped, loudly, where that is missing.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.drive import check_points
from frontier.methods.registry import build_method, method_class, method_names
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import lam_max
from frontier.objectives.weight_statistics import active_count
from frontier.sweep.measure import solve_measured
from tests.conftest import make_problem

SHORT = {"epochs": 80, "precision": "float64"}
SETTINGS: dict[str, dict[str, Any]] = {
    "best_subset": {"time_limit_seconds": 2.0},
    "dense_adam": SHORT | {"device": "cpu"},
    "hard_concrete": SHORT | {"device": "cpu"},
    "random_reweight": SHORT,
    "peers.l0_python": {"epochs": 80},
}


def registered(name: str) -> Any:
    """The name of a method as a test parameter, skipped where the package that it wraps is not installed."""
    package = getattr(method_class(name), "package", None)
    missing = package is not None and importlib.util.find_spec(package) is None
    reason = f"PACKAGE '{package}' NOT INSTALLED: {name} was not tested here (pip install -e '.[peers]')"
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason=reason))


METHODS = [registered(name) for name in method_names()]
# float64 sums in another order, amplified over 80 Adam steps; interior-point and FISTA stop at their own tolerances
BATCH_TOLERANCE = 1e-6


def configured(name: str) -> Method:
    return build_method(name, SETTINGS.get(name, {}), name)


def those(wanted: Callable[[Method], bool]) -> list[Any]:
    """The methods that a test is about, as its parameters."""
    return [registered(name) for name in method_names() if wanted(configured(name))]


def points_for(method: Method, problem: CalibrationProblem) -> list[Point]:
    """Three points in an order that is not sorted, on the method's own axis, with seeds where it is stochastic."""
    seeds = (3, 0) if method.stochastic else (None,)
    if "lam" in method.coordinates:
        top = lam_max(weighted_design(problem))
        values: list[dict[str, Any]] = [{"lam": top / 20}, {"lam": top / 3}]
    elif "budget" in method.coordinates:
        values = [{"budget": 20}, {"budget": 7}]
    else:
        values = [{}]
    return [Point(seed=seed, **value) for value in values for seed in seeds]


def solve(name: str, problem: CalibrationProblem) -> tuple[list[Point], list[Solution]]:
    method = configured(name)
    points = points_for(method, problem)
    solutions = method.solve(problem, points)
    assert len(solutions) == len(points) > 0
    return points, solutions


@pytest.mark.parametrize("name", METHODS)
def test_solutions_come_one_per_point_with_finite_nonnegative_weights(name: str, tiny: CalibrationProblem) -> None:
    points, solutions = solve(name, tiny)
    assert len(solutions) == len(points)
    for solution in solutions:
        assert solution.status in (Status.OPTIMAL, Status.COMPLETED), solution.message
        assert solution.weights is not None
        assert solution.weights.shape == (tiny.n_records,)
        assert np.isfinite(solution.weights).all()
        assert (solution.weights >= 0).all()
        assert solution.weights.any()


@pytest.mark.parametrize("name", METHODS)
def test_solutions_are_in_the_order_of_the_points(name: str, tiny: CalibrationProblem) -> None:
    method = configured(name)
    points = points_for(method, tiny)
    forward = method.solve(tiny, points)
    backward = method.solve(tiny, points[::-1])[::-1]
    for one, other in zip(forward, backward, strict=True):
        assert_same(one, other, tiny)


@pytest.mark.parametrize("name", METHODS)
def test_solving_twice_gives_the_same_bits(name: str, tiny: CalibrationProblem) -> None:
    for one, other in zip(solve(name, tiny)[1], solve(name, tiny)[1], strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize("name", METHODS)
def test_a_batch_equals_its_points_one_by_one(name: str, tiny: CalibrationProblem) -> None:
    method = configured(name)
    points = points_for(method, tiny)
    for point, together in zip(points, method.solve(tiny, points), strict=True):
        [alone] = method.solve(tiny, [point])
        assert_same(together, alone, tiny)


@pytest.mark.parametrize("name", those(lambda method: method.stochastic))
def test_seeds_change_what_a_stochastic_method_returns(name: str, tiny: CalibrationProblem) -> None:
    method = configured(name)
    points = points_for(method, tiny)
    first, second = method.solve(tiny, points)[:2]
    assert points[0].seed != points[1].seed
    assert not np.array_equal(first.weights, second.weights)


@pytest.mark.parametrize("name", METHODS)
def test_the_global_generators_are_neither_used_nor_touched(name: str, tiny: CalibrationProblem) -> None:
    import torch

    weights = []
    for seed in (0, 1):
        np.random.seed(seed)
        torch.manual_seed(seed)
        before = np.random.get_state()[1].copy(), torch.get_rng_state()
        weights.append([solution.weights for solution in solve(name, tiny)[1]])
        np.testing.assert_array_equal(np.random.get_state()[1], before[0])
        assert torch.equal(torch.get_rng_state(), before[1])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", METHODS)
def test_the_problem_is_left_untouched(name: str, tiny: CalibrationProblem) -> None:
    before = tiny.fingerprint
    solve(name, tiny)
    assert tiny.fingerprint == before


@pytest.mark.parametrize("name", METHODS)
def test_held_out_targets_cannot_reach_the_method(name: str) -> None:
    problem = make_problem()
    train = np.array([True, True, True, True, False, False])
    spoiled_y = problem.y.copy()
    spoiled_y[~train] *= 1000
    other = CalibrationProblem("tiny", problem.M, spoiled_y, problem.w0, meta={"secret": spoiled_y})
    for one, two in zip(solve(name, problem.restrict(train))[1], solve(name, other.restrict(train))[1], strict=True):
        np.testing.assert_array_equal(one.weights, two.weights)
    assert not other.restrict(train).meta


@pytest.mark.parametrize("name", those(lambda method: not method.stochastic))  # noise is drawn by record position
def test_permuting_records_permutes_a_deterministic_methods_weights(name: str, tiny: CalibrationProblem) -> None:
    order = np.random.default_rng(1).permutation(tiny.n_records)
    permuted = CalibrationProblem("tiny", sp.csr_array(tiny.M[:, order]), tiny.y, tiny.w0[order])
    for one, other in zip(solve(name, tiny)[1], solve(name, permuted)[1], strict=True):
        assert one.weights is not None
        assert_same(dataclasses.replace(one, weights=one.weights[order]), other, permuted)


@pytest.mark.parametrize("name", METHODS)
def test_methods_survive_pickling_and_their_fields_are_plain(name: str, tiny: CalibrationProblem) -> None:
    method = configured(name)
    assert pickle.loads(pickle.dumps(method)) == method
    assert dataclasses.asdict(method).keys() == {field.name for field in dataclasses.fields(method_class(name))}


@pytest.mark.parametrize("name", METHODS)
def test_points_off_the_methods_axes_are_refused(name: str) -> None:
    method = configured(name)
    seed = 0 if method.stochastic else None
    for axis, point in (("lam", Point(lam=1.0, seed=seed)), ("budget", Point(budget=3, seed=seed))):
        if axis in method.coordinates:
            method.check([point])
        else:
            with pytest.raises(InputError, match=f"{axis}: not an axis"):
                method.check([point])
    if method.stochastic:
        with pytest.raises(InputError, match="missing for a stochastic method"):
            method.check([dataclasses.replace(point, seed=None) for point in points_for(method, make_problem())])


@pytest.mark.parametrize("name", those(lambda method: bool(method.coordinates)))
def test_every_method_with_an_axis_serves_a_budget_or_says_which_size_it_reaches(name: str) -> None:
    problem = make_problem(n=60, m=8)
    method = configured(name)
    points = [Point(budget=k, seed=0 if method.stochastic else None) for k in (40, 5)]
    check_points(method, points)
    solutions = solve_measured(method, name, problem, points)
    assert len(solutions) == len(points)
    for solution in solutions:
        assert solution.weights is not None, solution.message
        size = active_count(solution.weights)
        assert solution.point is not None
        assert solution.point.budget is not None
        served = size == solution.point.budget or (solution.at_most and size < solution.point.budget)
        assert served or f"nearest size reached is {size}" in solution.message


@pytest.mark.parametrize("name", METHODS)
def test_degenerate_problems_end_in_weights_or_a_status_never_in_an_exception(name: str) -> None:
    shapes = {
        "one record": CalibrationProblem("one", np.array([[2.0], [1.0]]), [4.0, 2.0], [1.0]),
        "one target": CalibrationProblem("row", np.ones((1, 5)), [10.0], np.ones(5)),
        "more targets than records": CalibrationProblem("tall", np.eye(4)[:, :3] + 0.1, np.ones(4), np.ones(3)),
        "an empty column": CalibrationProblem("hole", np.array([[1.0, 0.0, 2.0]]), [3.0], np.ones(3)),
        "a row of zeros": CalibrationProblem("null", np.array([[1.0, 1.0], [0.0, 0.0]]), [3.0, 1.0], np.ones(2)),
        "equal columns": CalibrationProblem("ties", np.ones((2, 4)), [3.0, 3.0], np.ones(4)),
    }
    method = configured(name)
    for what, problem in shapes.items():
        points = points_for(method, problem)
        if "budget" in method.coordinates:
            sized = [dataclasses.replace(point, lam=None, budget=1) for point in points]
            points = points + sized if "lam" in method.coordinates else sized
        for solution in method.solve(problem, points):
            if solution.status.has_weights:
                assert solution.weights is not None, what
                assert np.isfinite(solution.weights).all(), what
                assert (solution.weights >= 0).all(), what
            else:
                assert solution.message, what


def assert_same(one: Solution, other: Solution, problem: CalibrationProblem) -> None:
    """Equal weights, or, where a minimiser need not be unique, equal objective values."""
    assert one.weights is not None
    assert other.weights is not None
    if one.objective is not None and one.objective.certificate(problem, one.weights, one.dual) is not None:
        values = [s.objective.value(problem, s.weights) for s in (one, other)]  # type: ignore[union-attr,arg-type]
        assert values[0] == pytest.approx(values[1], rel=1e-5)  # both within a relative gap of 1e-6 of the minimum
    else:
        np.testing.assert_allclose(one.weights, other.weights, rtol=BATCH_TOLERANCE, atol=1e-9)


@pytest.mark.parametrize("name", method_names())
def test_every_parameter_has_its_line_in_the_docstring(name: str) -> None:
    told = method_class(name).__doc__ or ""
    named = {word for line in told.splitlines() if (match := re.match(r" {4}(\w+(?:, \w+)*) {2,}\S", line))
             for word in match[1].split(", ")}  # fmt: skip
    fields = {field.name for field in dataclasses.fields(method_class(name))}
    assert fields <= named, f"without a line: {sorted(fields - named)}"
    assert named <= fields, f"lines of no parameter: {sorted(named - fields)}"
