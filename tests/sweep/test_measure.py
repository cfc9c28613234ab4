"""Failures are data: whatever a method does wrong becomes a solution with a status and a message."""

from __future__ import annotations

import ctypes
import dataclasses
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from frontier import CalibrationProblem, Point, Solution, Status
from frontier.methods.base import Method
from frontier.sweep.measure import solve_measured

POINTS = [Point(lam=1.0), Point(lam=2.0)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Faulty(Method):
    """A method that does what it is told."""

    act: Callable[[CalibrationProblem], Any]

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        result = self.act(problem)
        return [result] * len(points) if isinstance(result, Solution) else result


def raise_(error: BaseException) -> Any:
    raise error


def mutate(problem: CalibrationProblem) -> Any:
    problem.M.data[0] = 7.0


def solution(weights: Any) -> Solution:
    return Solution(weights, Status.COMPLETED)


FAULTS: dict[str, tuple[Callable[[CalibrationProblem], Any], str, str]] = {
    "raises": (lambda p: raise_(RuntimeError("no\nluck")), "error", "RuntimeError: no luck (test_measure.py:"),
    "runs out of memory": (lambda p: raise_(MemoryError("3 TiB")), "out_of_memory", "3 TiB"),
    "returns NaN": (lambda p: solution(np.full(p.n_records, np.nan)), "error", "60 weights are NaN or infinite"),
    "returns negative weights": (lambda p: solution(np.full(p.n_records, -1.0)), "error", "60 weights are negative"),
    "returns the wrong shape": (lambda p: solution(np.ones(3)), "error", "weights have shape (3,), expected (60,)"),
    "returns too few": (lambda p: [], "error", "must return a list of 2 solutions, got 0"),
    "returns something else": (lambda p: [1, 2], "error", "expected a Solution, got int"),
    "returns no weights": (lambda p: Solution(None, Status.OPTIMAL), "error", "status optimal without weights"),
    "mutates its input": (mutate, "error", "read-only"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_method_that(fault: str, tiny: CalibrationProblem) -> None:
    act, status, message = FAULTS[fault]
    found = solve_measured(Faulty(act=act), "faulty", tiny, POINTS)
    assert [s.status for s in found] == [status] * len(POINTS)
    assert [s.point for s in found] == POINTS
    for s in found:
        assert message in s.message
        assert "\n" not in s.message
        assert s.weights is None


def test_an_interrupt_is_not_swallowed(tiny: CalibrationProblem) -> None:
    with pytest.raises(KeyboardInterrupt):
        solve_measured(Faulty(act=lambda p: raise_(KeyboardInterrupt())), "faulty", tiny, POINTS)


def test_timings_say_how_they_were_taken(tiny: CalibrationProblem) -> None:
    method = Faulty(act=lambda p: solution(np.ones(p.n_records)))
    [alone] = solve_measured(method, "faulty", tiny, POINTS[:1])
    shared = solve_measured(method, "faulty", tiny, POINTS)
    [crowded] = solve_measured(method, "faulty", tiny, POINTS[:1], contended=True)
    assert alone.timing.kind == "clean"
    assert {s.timing.kind for s in shared} == {"amortised"}
    assert shared[0].timing.fit_seconds == shared[1].timing.fit_seconds > 0
    assert crowded.timing.kind == "contended"
    assert alone.timing.peak_memory_bytes > 1e7  # an interpreter with numpy is larger than 10 MB


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc can give freed memory back")
def test_memory_that_was_freed_before_is_not_counted(tiny: CalibrationProblem) -> None:
    method = Faulty(act=lambda p: solution(np.ones(p.n_records)))

    def peak() -> int:
        [found] = solve_measured(method, "faulty", tiny, POINTS[:1])
        return found.timing.peak_memory_bytes

    before = peak()
    blocks = [np.ones(1_000) for _ in range(25_000)]  # 200 MB in blocks that the allocator keeps when they are freed
    pinned = blocks[-1]  # … as the last one stays
    del blocks
    assert peak() - before < 50e6
    assert pinned.all()


def test_methods_are_told_how_many_threads_they_may_use_and_no_second_openmp_is_started() -> None:
    code = """
from frontier import Point, load_problem
from frontier.methods.hard_concrete import HardConcreteCalibrator
from frontier.sweep.measure import limited_threads, solve_measured
from frontier.core.limits import allowed_threads
from numba.np.ufunc import parallel
method = HardConcreteCalibrator(epochs=80, device="cpu")
points = [Point(lam=1e-5, seed=seed) for seed in range(20)]
assert solve_measured(method, "h", load_problem("cps_like"), points, threads=2)[0].status == "completed"
with limited_threads(3):
    assert allowed_threads() == 3
assert not parallel._is_initialized, "numba's thread layer slows torch's down tenfold"
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
