"""The contract of `Method` as checks that any configured method can be held to; the tests hold ours to the same ones.

A check is a function whose name is the sentence that has to be true. It raises `Broken` with what came instead.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.limits import thread_limit
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import lam_max
from frontier.objectives.weight_statistics import active_count
from frontier.sweep.contract_problems import degenerate_problems, small_problem
from frontier.sweep.measure import failure, solve_measured

# float64 sums in another order, amplified over 80 Adam steps; interior-point and FISTA stop at their own tolerances
BATCH_TOLERANCE = 1e-6
SAME_VALUE = 1e-5  # relative: both are within a relative gap of 1e-6 of the minimum

Check = Callable[[Method], None]


class Broken(AssertionError):
    """What came instead of what the contract says."""


def held(method: Method) -> Iterator[tuple[str, str | None]]:
    """Every check that concerns the method, as a sentence, with None where it holds and else what came instead."""
    for check, concerns in CHECKS.items():
        came = None
        try:
            if not concerns(method):
                continue
            check(method)
        except Broken as error:
            came = str(error)
        except Exception as error:  # noqa: BLE001  # the method may do anything
            came = failure(error).message
        yield check.__name__.replace("_", " "), came


def points_for(method: Method, problem: CalibrationProblem) -> list[Point]:
    """Points in an order that is not sorted, on the method's own axis, with seeds where it is stochastic."""
    seeds = (3, 0) if method.stochastic else (None,)
    if "lam" in method.coordinates:
        top = lam_max(weighted_design(problem))
        values: list[dict[str, Any]] = [{"lam": top / 20}, {"lam": top / 3}]
    elif "budget" in method.coordinates:
        values = [{"budget": 20}, {"budget": 7}]
    else:
        values = [{}]
    return [Point(seed=seed, **value) for value in values for seed in seeds]


def solutions_come_one_per_point_with_finite_nonnegative_weights(method: Method) -> None:
    problem = small_problem()
    for solution in _solve(method, problem):
        _expect(
            solution.status in (Status.OPTIMAL, Status.COMPLETED),
            f"expected status optimal or completed, got {solution.status}: {solution.message}",
        )
        weights = _weights(solution)
        n = problem.n_records
        _expect(weights.shape == (n,), f"expected weights of shape ({n},), got {weights.shape}")
        _expect(bool(np.isfinite(weights).all()), "weights are NaN or infinite")
        _expect(method.signed or bool((weights >= 0).all()), f"expected weights ≥ 0, got {weights.min():.3g}")
        _expect(bool(weights.any()), "all weights are 0")


def solutions_are_in_the_order_of_the_points(method: Method) -> None:
    problem = small_problem()
    points = points_for(method, problem)
    backward = _solve(method, problem, points[::-1])[::-1]
    for one, other in zip(_solve(method, problem, points), backward, strict=True):
        _same(one, other, problem, "points given in reverse have other solutions")


def solving_twice_gives_the_same_bits(method: Method) -> None:
    problem = small_problem()
    _equal(_solve(method, problem), _solve(method, problem), "the second call differs")


def the_number_of_threads_changes_no_bit(method: Method) -> None:
    problem, found = small_problem(), []
    for threads in (1, 3):
        with thread_limit(threads):  # of the method's own; libraries' are the harness's
            found.append(_solve(method, problem))
    _equal(found[0], found[1], "on three threads it differs from one")


def a_batch_equals_its_points_one_by_one(method: Method) -> None:
    problem = small_problem()
    points = points_for(method, problem)
    for point, together in zip(points, _solve(method, problem, points), strict=True):
        [alone] = _solve(method, problem, [point])
        _same(together, alone, problem, f"{point} alone has another solution")


def seeds_change_what_a_stochastic_method_returns(method: Method) -> None:
    problem = small_problem()
    points = points_for(method, problem)
    first, second = _solve(method, problem, points)[:2]
    _expect(points[0].seed != points[1].seed, "the points have one seed")
    _expect(not np.array_equal(_weights(first), _weights(second)), "two seeds have the same weights")


def the_global_generators_are_neither_used_nor_touched(method: Method) -> None:
    import torch

    found: list[list[Solution]] = []
    for seed in (0, 1):
        np.random.seed(seed)
        torch.manual_seed(seed)
        before = _numpy_state().copy(), torch.get_rng_state()
        found.append(_solve(method, small_problem()))
        _expect(np.array_equal(_numpy_state(), before[0]), "numpy.random was used or seeded; use default_rng(seed)")
        _expect(torch.equal(torch.get_rng_state(), before[1]), "torch's global generator was used or seeded")
    _equal(found[0], found[1], "weights depend on the seed of a global generator")


def the_problem_is_left_untouched(method: Method) -> None:
    problem = small_problem()
    before = problem.fingerprint
    _solve(method, problem)
    _expect(problem.fingerprint == before, "the problem has changed")


def held_out_targets_cannot_reach_the_method(method: Method) -> None:
    problem = small_problem()
    train = np.array([True, True, True, True, False, False])
    spoiled_y = problem.y.copy()
    spoiled_y[~train] *= 1000
    other = CalibrationProblem("tiny", problem.M, spoiled_y, problem.w0, meta={"secret": spoiled_y})
    one, two = problem.restrict(train), other.restrict(train)
    _equal(_solve(method, one), _solve(method, two), "weights depend on targets that are held out")
    _expect(not two.meta, "the training problem says more than the training targets")


def permuting_records_permutes_a_deterministic_methods_weights(method: Method) -> None:
    problem = small_problem()
    order = np.random.default_rng(1).permutation(problem.n_records)
    permuted = CalibrationProblem("tiny", sp.csr_array(problem.M[:, order]), problem.y, problem.w0[order])
    for one, other in zip(_solve(method, problem), _solve(method, permuted), strict=True):
        moved = dataclasses.replace(one, weights=_weights(one)[order])
        _same(moved, other, permuted, "weights depend on the order of the records")


def methods_survive_pickling_and_their_fields_are_plain(method: Method) -> None:
    _expect(pickle.loads(pickle.dumps(method)) == method, "what comes out of a pickle is not equal")
    fields = {field.name for field in dataclasses.fields(method)}
    values = dataclasses.asdict(method)
    _expect(values.keys() == fields, f"expected the fields {sorted(fields)}, got {sorted(values)}")
    json.dumps(values)  # as results keep them


def points_off_the_methods_axes_are_refused(method: Method) -> None:
    seed = 0 if method.stochastic else None
    for axis, point in (("lam", Point(lam=1.0, seed=seed)), ("budget", Point(budget=3, seed=seed))):
        if axis in method.coordinates:
            method.check([point])
        else:
            _refused(method, [point], f"{axis}: not an axis")
    if method.stochastic:
        points = [dataclasses.replace(point, seed=None) for point in points_for(method, small_problem())]
        _refused(method, points, "missing for a stochastic method")


def a_method_with_an_axis_serves_a_budget_or_says_which_size_it_reaches(method: Method) -> None:
    problem = small_problem(n=60, m=8)
    points = [Point(budget=k, seed=0 if method.stochastic else None) for k in (40, 5)]
    method.check_any(points)
    solutions = solve_measured(method, "method", problem, points)
    _expect(len(solutions) == len(points), f"expected {len(points)} solutions, got {len(solutions)}")
    for point, solution in zip(points, solutions, strict=True):
        _expect(solution.point == point, f"expected the solution of {point}, got that of {solution.point}")
        size, budget = active_count(_weights(solution)), point.budget
        assert budget is not None
        served = size == budget or (solution.at_most and size < budget)
        said = f"nearest size reached is {size}" in solution.message
        _expect(served or said, f"asked for {budget} records, got {size}, and the message does not say so")


def degenerate_problems_end_in_weights_or_a_status_never_in_an_exception(method: Method) -> None:
    for what, problem in degenerate_problems().items():
        points = points_for(method, problem)
        if "budget" in method.coordinates:
            sized = [dataclasses.replace(point, lam=None, budget=1) for point in points]
            points = points + sized if "lam" in method.coordinates else sized
        try:
            solutions = method.solve(problem, points)
        except Exception as error:  # the method may do anything
            raise Broken(f"{what}: {failure(error).message}") from error
        for solution in solutions:
            if solution.status.has_weights:
                _expect(solution.weights is not None, f"{what}: status {solution.status} without weights")
                weights = _weights(solution)
                _expect(bool(np.isfinite(weights).all()), f"{what}: weights are NaN or infinite")
                _expect(method.signed or bool((weights >= 0).all()), f"{what}: weights are negative")
            else:
                _expect(bool(solution.message), f"{what}: status {solution.status} without a message")


def _always(method: Method) -> bool:
    return True


CHECKS: dict[Check, Callable[[Method], bool]] = {  # each with the methods that it concerns
    solutions_come_one_per_point_with_finite_nonnegative_weights: _always,
    solutions_are_in_the_order_of_the_points: _always,
    solving_twice_gives_the_same_bits: _always,
    the_number_of_threads_changes_no_bit: _always,
    a_batch_equals_its_points_one_by_one: _always,
    seeds_change_what_a_stochastic_method_returns: lambda method: method.stochastic,
    the_global_generators_are_neither_used_nor_touched: _always,
    the_problem_is_left_untouched: _always,
    held_out_targets_cannot_reach_the_method: _always,
    # noise is drawn by record position
    permuting_records_permutes_a_deterministic_methods_weights: lambda method: not method.stochastic,
    methods_survive_pickling_and_their_fields_are_plain: _always,
    points_off_the_methods_axes_are_refused: _always,
    a_method_with_an_axis_serves_a_budget_or_says_which_size_it_reaches: lambda method: bool(method.coordinates),
    degenerate_problems_end_in_weights_or_a_status_never_in_an_exception: _always,
}


def _solve(method: Method, problem: CalibrationProblem, points: Sequence[Point] | None = None) -> list[Solution]:
    points = points_for(method, problem) if points is None else points
    solutions = method.solve(problem, points)
    _expect(isinstance(solutions, list), f"expected a list, got {type(solutions).__name__}")
    _expect(len(solutions) == len(points) > 0, f"expected {len(points)} solutions, got {len(solutions)}")
    for solution in solutions:
        _expect(isinstance(solution, Solution), f"expected a Solution, got {type(solution).__name__}")
    return solutions


def _expect(true: bool, came: str) -> None:
    if not true:
        raise Broken(came)


def _weights(solution: Solution) -> FloatArray:
    if solution.weights is None:
        raise Broken(f"expected weights, got none: {solution.status}: {solution.message}")
    return solution.weights


def _refused(method: Method, points: Sequence[Point], said: str) -> None:
    try:
        method.check(points)
    except InputError as error:
        _expect(said in str(error), f"expected an InputError with '{said}', got '{error}'")
    else:
        raise Broken(f"expected an InputError with '{said}' for {points[0]}, got none")


def _equal(found: Sequence[Solution], again: Sequence[Solution], came: str) -> None:
    for one, other in zip(found, again, strict=True):
        same = np.array_equal(_weights(one), _weights(other), equal_nan=True)
        _expect(same, came)


def _same(one: Solution, other: Solution, problem: CalibrationProblem, came: str) -> None:
    """Equal weights, or, where a minimiser need not be unique, equal objective values."""
    weights = _weights(one), _weights(other)
    objectives = one.objective, other.objective
    if objectives[0] is not None and objectives[0].certificate(problem, weights[0], one.dual) is not None:
        _expect(objectives[1] is not None, "one solution has an objective, the other has none")
        values = [f.value(problem, w) for f, w in zip(objectives, weights, strict=True) if f is not None]
        close = abs(values[0] - values[1]) <= max(SAME_VALUE * abs(values[1]), 1e-12)
        _expect(close, f"{came}: objective {values[0]:.9g} and {values[1]:.9g}")
    else:
        same = np.allclose(weights[0], weights[1], rtol=BATCH_TOLERANCE, atol=1e-9)
        _expect(same, f"{came}: weights differ by up to {np.abs(weights[0] - weights[1]).max():.3g}")


def _numpy_state() -> NDArray[np.uint32]:
    return np.asarray(np.random.get_state(legacy=False)["state"]["key"])
