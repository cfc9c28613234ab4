"""One measured call of a method: threads fixed, time and memory taken, the contract checked, failures kept as data."""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import psutil
from threadpoolctl import ThreadpoolController

from frontier.core.errors import InputError
from frontier.core.limits import OutOfTime, out_of_time, thread_limit, time_limit
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.exact_size import refit_exactly
from frontier.methods.path import noted
from frontier.methods.refit import refit_arm
from frontier.methods.solution import Solution, Timing
from frontier.objectives.distance import Box
from frontier.solvers.dual.newton import warm_up_gram


def solve_measured(
    method: Method,
    name: str,
    problem: CalibrationProblem,
    points: Sequence[Point],
    *,
    threads: int | None = 1,
    contended: bool = False,
    refusals: bool = False,
) -> list[Solution]:
    """`method.solve` on the training problem, with timing, method and point attached to each solution.

    `threads` are those of libraries and of our own loops; None: `limited_threads`.

    Whatever goes wrong becomes a solution without weights and a status: an exception is `error` (`out_of_memory` for
    MemoryError), and so is a result that breaks the contract (count, shape, NaN, negative weights nobody asked for).
    With `refusals` an `InputError` of the method (no such device here, a package missing) is raised instead.
    """
    setup = time.perf_counter()
    try:
        with time_limit(None):  # a kernel left without compiling would be compiled in another batch's time
            method.warm_up()
    except Exception as error:  # noqa: BLE001  # failures are data: one bad method must not lose a sweep
        solutions = [failure(error, refusals)] * len(points)
        return [dataclasses.replace(s, point=p, method=name) for s, p in zip(solutions, points, strict=True)]
    setup_seconds = time.perf_counter() - setup
    with limited_threads(threads):
        _reset_peak_memory()
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            solutions = _checked(method.solve_any(problem, points), problem, points, method.signed)
        except Exception as error:  # noqa: BLE001  # as above
            solutions = [failure(error, refusals)] * len(points)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    timing = Timing(
        fit_seconds=wall / len(points),
        cpu_seconds=cpu / len(points),
        setup_seconds=setup_seconds,
        peak_memory_bytes=_peak_memory(),
        kind="contended" if contended else "clean" if len(points) == 1 else "amortised",
    )
    return [
        dataclasses.replace(_by_the_clock(noted(solution, point, problem)), point=point, method=name, timing=timing)
        for solution, point in zip(solutions, points, strict=True)
    ]


def refit_measured(
    problem: CalibrationProblem,
    solution: Solution,
    arm: str,
    *,
    threads: int | None = 1,
    exactly: int | None = None,
    box: Box | None = None,
) -> Solution:
    """`refit` of a measured solution, with what it cost apart from what the solution cost.

    exactly  end with this many active records (`methods.exact_size`)
    box      ends of the weights, (n,) each (`core.bounds`)
    """
    warm_up_gram()
    anchor, rho = refit_arm(arm)
    with limited_threads(threads):
        wall = time.perf_counter()
        try:
            late = Solution.failed(Status.TIMEOUT, "no time was left for the refit")
            again = late if out_of_time() else refit_exactly(problem, solution, exactly, anchor, rho=rho, box=box)
            [found] = _checked([again], problem, [Point()])
        except Exception as error:  # noqa: BLE001  # failures are data here too
            found = failure(error)
        wall = time.perf_counter() - wall
    timing = dataclasses.replace(solution.timing, refit_seconds=wall)
    found = _by_the_clock(found)
    point, at_most = solution.point, solution.at_most
    return dataclasses.replace(found, point=point, method=solution.method, timing=timing, refit=arm, at_most=at_most)


def _by_the_clock(solution: Solution) -> Solution:
    """The solution, with a note where the clock decided its weights."""
    if solution.status is not Status.TIMEOUT or solution.weights is None:
        return solution
    message = "; ".join(filter(None, ("stopped by the clock, so not reproducible", solution.message)))
    return dataclasses.replace(solution, message=message)


def _checked(
    found: object, problem: CalibrationProblem, points: Sequence[Point], signed: bool = False
) -> list[Solution]:
    if not isinstance(found, list) or len(found) != len(points):
        got = len(found) if isinstance(found, list) else type(found).__name__
        raise TypeError(f"contract: solve must return a list of {len(points)} solutions, got {got}")
    return [_checked_one(solution, problem.n_records, signed) for solution in found]


def _checked_one(solution: object, n: int, signed: bool) -> Solution:
    if not isinstance(solution, Solution):
        return Solution.failed(Status.ERROR, f"contract: expected a Solution, got {type(solution).__name__}")
    weights, status = solution.weights, solution.status
    fault = None
    if weights is None and status.has_weights:
        fault = f"status {status} without weights"
    elif weights is not None and weights.shape != (n,):
        fault = f"weights have shape {weights.shape}, expected ({n},)"
    elif weights is not None and not np.isfinite(weights).all():
        fault = f"{int((~np.isfinite(weights)).sum())} weights are NaN or infinite"
    elif weights is not None and not signed and (weights < 0).any():
        fault = f"{int((weights < 0).sum())} weights are negative (smallest {weights.min():.3g})"
    return solution if fault is None else Solution.failed(Status.ERROR, f"contract: {fault}")


def failure(error: Exception, refusals: bool = False) -> Solution:
    """What an exception comes to: a solution without weights, with the exception's kind, text and place.

    With `refusals` an `InputError` is raised.
    """
    if isinstance(error, MemoryError):
        return Solution.failed(Status.OUT_OF_MEMORY, f"MemoryError: {error}")
    if isinstance(error, OutOfTime):
        return Solution.failed(Status.TIMEOUT, "stopped by the clock, without a point to return")
    if isinstance(error, InputError):
        if refusals:
            raise error
        return Solution.failed(Status.ERROR, str(error))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return Solution.failed(Status.ERROR, f"{type(error).__name__}: {text} ({Path(frame.filename).name}:{frame.lineno})")


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Every thread pool that is loaded (BLAS, OpenMP, torch) and every loop of our own held at `threads`.

    None: all cores for our own, whose results are the same on any number, and one for libraries, whose rounding is not.
    """
    torch, of_libraries = sys.modules.get("torch"), threads or 1
    with _pools(len(sys.modules)).limit(limits=of_libraries), thread_limit(threads):
        before = torch.get_num_threads() if torch else 0
        if torch:
            torch.set_num_threads(of_libraries)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _pools(_n_modules: int) -> ThreadpoolController:
    """The thread pools that are loaded; looked for again (3 ms) where modules were imported since."""
    return ThreadpoolController()


def _reset_peak_memory() -> None:
    """Start the process's high-water mark anew where the system allows it (Linux: `clear_refs`, value 5).

    What earlier batches freed is given back first, where the C library keeps it (glibc): it is not this batch's.
    """
    gc.collect(1)  # a full collection walks through every imported module: 0.2 s per batch, with torch and cvxpy
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # elsewhere the mark is the whole process's so far: an upper bound


def _peak_memory() -> int:
    """The process's peak resident memory in bytes."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    memory = psutil.Process().memory_info()
    peak = int(getattr(memory, "peak_wset", memory.rss))  # Windows knows it
    try:
        import resource
    except ImportError:
        return peak
    unit = 1 if sys.platform == "darwin" else 1024
    return max(int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit, peak)
