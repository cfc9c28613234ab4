"""Weights that come from anywhere, another tool among them: checked, and judged by the yardstick of our own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.solution import Solution
from frontier.problems.own_data.tables import is_usable, unusable
from frontier.problems.splits import every_target
from frontier.sweep.scoring import Metrics, evaluate


def score(problem: CalibrationProblem, weights: ArrayLike, *, negative: bool = False) -> Metrics:
    """The metrics row that `evaluate` gives `weights` (n, records represented, in the problem's order).

    Every target counts as fitted. Raises `InputError` for another shape, and for a weight that is not finite, or
    negative without being asked for (`negative`).
    """
    found = checked_weights(weights, problem.n_records, negative=negative)
    return evaluate(problem, every_target(problem), Solution(found, Status.COMPLETED))


def checked_weights(
    weights: ArrayLike,
    n: int,
    place: str = "weights",
    at: Callable[[int], str] | None = None,
    *,
    negative: bool = False,
) -> FloatArray:
    """Finite weights ≥ 0 (any, where `negative` ones are asked for), (n,).

    `InputError` for others is about `place`, or about `at(i)` where entry i is wrong.
    """
    try:
        found = np.asarray(weights)
    except ValueError as error:  # rows of different lengths
        raise InputError(place, f"not an array: {error}") from None
    if found.dtype.kind not in "iuf":
        raise InputError(place, "not numbers", expected="real numbers", got=found.dtype)
    if found.shape != (n,):
        raise InputError(place, "wrong shape", expected=f"({n},), a weight for each record", got=found.shape)
    found = found.astype(np.float64)
    bad = ~(is_usable(found) & (negative | (found >= 0)))
    if bad.any():
        i = int(bad.argmax())
        what = "negative weight" if found[i] < 0 and not negative else unusable(found[i])
        expected = "a finite number" if negative else "a finite number ≥ 0"
        raise InputError(at(i) if at else f"{place}[{i}]", what, expected=expected, got=found[i])
    return found
