"""A problem whose estimates are a function of the weights: probed into the matrix M, refused where it is not linear.

A linear function of torch tensors is its own derivative: row j of M is the gradient of estimate j, one backward pass
per target, exact in the function's arithmetic. A function of NumPy arrays tells column i of M at unit vector i: n
calls, or fewer where it takes a stack of weights, (k, n) or (n, k), which is found out by trying.

`f(0) = 0`, and `f(w) = M w` at random w ≥ 0: of 1/100 of the initial weights to 100 times them, with all records and
with a tenth of them. Two values are the same within `max(1e-6, 4 √n ε)` of `|M| w`: n summands, each rounded to ε of
the function's own arithmetic, and a millionth of a total is less than any is published to. What bends elsewhere only (a
cap that is never reached) passes.

That estimates may be a function comes from `estimate_function` of PolicyEngine/microcalibrate.
"""

from __future__ import annotations

import dataclasses
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from frontier.core import random
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem

SAME = 1e-6  # of the sum of absolute summands
SIZES, KEPT = (0.01, 1.0, 100.0), (1.0, 0.1)  # of random weights, in initial ones; share of records that have any
ENTRIES = 2**26  # of the largest array that a function may make in a block of probes: 512 MB
SOON = 1.0  # seconds after which the time that all probes take can be told
LINEAR = "a mean or ratio a/b with target t is linear as a − t·b with target 0; else give a matrix"


def problem_of_function(
    function: Callable[[Any], Any],
    targets: ArrayLike,
    w0: ArrayLike,
    *,
    arrays: Literal["torch", "numpy"] = "torch",
    device: str = "cpu",
    seed: int = 0,
    seconds: float = 600.0,
    name: str = "function",
    **fields: Any,
) -> CalibrationProblem:
    """The problem `M w ≈ targets` of a linear function: weights (n) ↦ estimates (m, target units).

    arrays   what the function takes and returns; torch tensors are float64, or float32 where it takes no others
    device   of torch tensors
    seed     of the random weights on which it is tested
    seconds  that probing may take: m backward passes (torch), n calls (NumPy; fewer if it takes stacks of weights)
    name     of the problem, like all `fields` an argument of `CalibrationProblem`: target_names, families, floor, …

    Raises `InputError` for a function that fails, returns another shape, NaN, or another value at a second call, that
    is affine or not linear (with the target and by how much), that hides from torch's derivatives, or takes too long.
    """
    y, initial = np.atleast_1d(np.asarray(targets)), np.atleast_1d(np.asarray(w0))
    problem = CalibrationProblem(
        name, sp.csr_array((y.size, initial.size)), y, initial, **fields
    )  # all but M is in order
    place = f"problem '{name}'.function"
    call: _Function
    if arrays == "torch":
        call = _OfTensors(function, place, problem.target_names, seconds, device)
    elif arrays == "numpy":
        call = _OfArrays(function, place, problem.target_names, seconds)
    else:
        raise InputError("arrays", "unknown kind", expected="torch or numpy", got=repr(arrays))
    generator = random.generator(seed, random.STREAM_PROBE)
    at = _weights(problem.w0, generator)
    call.begin(at)
    _homogeneous(call, at)
    M = call.matrix(at, generator)
    for point in (at, *(_weights(problem.w0, generator, size, kept) for kept in KEPT for size in SIZES)):
        _same(call, M, point)
    return dataclasses.replace(problem, M=M)


def _weights(w0: FloatArray, generator: np.random.Generator, size: float = 1.0, kept: float = 1.0) -> FloatArray:
    """Random weights `size` times the initial ones on average, and 0 for all but a share `kept` of the records."""
    base = w0 + (w0.mean() or 1.0)
    return size * base * generator.standard_gamma(1.0, w0.size) * (generator.random(w0.size) < kept)


@dataclass
class _Function(ABC):
    """A user's function on float64 arrays: (n,) ↦ (m,). `eps` is the precision of what it returns."""

    function: Callable[[Any], Any]
    place: str
    names: tuple[str, ...]
    seconds: float
    given: ClassVar[str]
    eps: float = field(default=0.0, init=False)

    @abstractmethod
    def begin(self, at: FloatArray) -> None:
        """Find out what the function takes."""

    @abstractmethod
    def matrix(self, at: FloatArray, generator: np.random.Generator) -> sp.csr_array:
        """M (m × n), if the function is linear."""

    @abstractmethod
    def returned(self, weights: FloatArray) -> FloatArray:
        """What the function returns, as NumPy's, of any shape."""

    def __call__(self, weights: FloatArray, where: str = "at random weights") -> FloatArray:
        found = self.returned(weights)
        if found.shape != (len(self.names),):
            cure = "give a value per target"
            raise self.error("wrong shape", expected=f"({len(self.names)},)", got=found.shape, cure=cure)
        if not np.isfinite(found).all():
            j = int(np.flatnonzero(~np.isfinite(found))[0])
            got = f"{found[j]} for target '{self.names[j]}' {where}"
            raise self.error("not finite", expected="finite estimates", got=got, cure=LINEAR)
        return found

    def run(self, argument: Any) -> Any:
        """The function's own result; what it raises is told as bad input."""
        try:
            return self.function(argument)
        except Exception as error:  # the function may do anything
            expected = f"estimates for {self.given} of weights, one per record"
            raise self.error(f"raised {type(error).__name__}: {error}", expected=expected) from error

    def error(self, what: str, **words: Any) -> InputError:
        return InputError(self.place, what, **words)

    def in_time(self, started: float, done: int, total: int, what: str, cure: str) -> None:
        """Refuse what will take too long, as soon as it can be told."""
        spent = time.monotonic() - started
        if spent > min(SOON, self.seconds) and spent * total / done > self.seconds:
            got = f"about {spent * total / done:,.0f} for {total:,} {what}"
            raise self.error("takes too long", expected=f"at most {self.seconds:g} seconds", got=got, cure=cure)


@dataclass
class _OfTensors(_Function):
    given = "a torch tensor"
    device: str
    dtype: Any = field(default=None, init=False)

    def begin(self, at: FloatArray) -> None:
        import torch

        refused = None
        for self.dtype in (torch.float64, torch.float32):
            try:
                found = self.run(self.tensor(at))
            except InputError as error:
                if not isinstance(error.__cause__, RuntimeError):  # what torch says of unequal dtypes
                    raise
                refused = refused or error
                continue
            if not isinstance(found, torch.Tensor):
                cure = 'arrays="numpy" for a function of NumPy arrays'
                raise self.error("not a tensor", expected="a torch tensor", got=type(found).__name__, cure=cure)
            self.eps = torch.finfo(found.dtype).eps if found.is_floating_point() else 0.0
            return
        assert refused is not None
        raise refused

    def tensor(self, weights: FloatArray) -> Any:
        import torch

        return torch.tensor(weights, dtype=self.dtype, device=self.device)

    def returned(self, weights: FloatArray) -> FloatArray:
        import torch

        with torch.no_grad():
            return np.asarray(self.run(self.tensor(weights)).detach().cpu(), dtype=np.float64)

    def matrix(self, at: FloatArray, generator: np.random.Generator) -> sp.csr_array:
        """Gradients of blocks of estimates at once where all operations know how, one after the other elsewhere."""
        import torch

        m, n = len(self.names), at.size
        weights = self.tensor(at).requires_grad_()
        estimates = self.run(weights)
        size = min(m, max(1, ENTRIES // (m * n)))
        rows, done, started = [], 0, time.monotonic()
        while done < m:
            unit = torch.eye(m, dtype=estimates.dtype, device=estimates.device)[done : done + size]
            try:
                with warnings.catch_warnings(
                    action="ignore", category=UserWarning
                ):  # an operation that is slow in blocks
                    [found] = torch.autograd.grad(
                        [estimates],
                        [weights],
                        [unit if size > 1 else unit[0]],
                        is_grads_batched=size > 1,
                        retain_graph=True,
                        allow_unused=True,
                    )
            except RuntimeError:
                if size > 1:
                    size = 1
                    continue
                found = None
            if found is None:
                cure = 'stay in torch (no detach, no NumPy), or use arrays="numpy"'
                raise self.error("has no gradient", expected="estimates computed from the weights", cure=cure)
            rows.append(sp.csr_array(np.atleast_2d(np.asarray(found.cpu(), dtype=np.float64))))
            done += size
            self.in_time(started, min(done, m), m, "backward passes", "raise seconds, or give a matrix")
        return sp.csr_array(sp.vstack(rows))


@dataclass
class _OfArrays(_Function):
    given = "a NumPy array"

    def begin(self, at: FloatArray) -> None:
        found = np.asarray(self.run(at.copy()))
        self.eps = float(np.finfo(found.dtype if found.dtype.kind == "f" else np.float64).eps)

    def returned(self, weights: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):  # what is not finite is refused
            found = self.run(weights.copy())
        try:
            return np.asarray(found, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise self.error(f"not numbers: {error}", expected="an array of numbers") from None

    def matrix(self, at: FloatArray, generator: np.random.Generator) -> sp.csr_array:
        m, n = len(self.names), at.size
        stack = self.stacked(at, generator)
        size = max(1, ENTRIES // (4 * max(m, n))) if stack else 1
        columns, started = [], time.monotonic()
        for start in range(0, n, size):
            units = np.zeros((min(size, n - start), n))
            units[np.arange(len(units)), start + np.arange(len(units))] = 1.0
            columns.append(sp.csr_array(stack(units) if stack else self(units[0], f"at record {start}")[None, :]))
            cure = "write it in torch (a backward pass per target), for a stack of weights (k, n), or raise seconds"
            self.in_time(started, min(start + size, n), n, "unit vectors", cure)
        return sp.csr_array(sp.vstack(columns).T)

    def stacked(self, at: FloatArray, generator: np.random.Generator) -> Callable[[FloatArray], FloatArray] | None:
        """The function on a stack of weights, (k, n) ↦ (k, m), where it takes one and says the same as one by one."""
        points = at * generator.random((3, at.size))
        single = np.array([self(point) for point in points])
        ways: tuple[Callable[[FloatArray], FloatArray], ...] = (
            lambda stack: np.asarray(self.function(stack), dtype=np.float64),
            lambda stack: np.asarray(self.function(stack.T), dtype=np.float64).T,
        )
        for way in ways:
            try:
                found = way(points.copy())
            except Exception:  # noqa: BLE001  # not made for stacks: that is the question
                continue
            if found.shape == single.shape and np.allclose(found, single, rtol=SAME, atol=0.0):
                return way
        return None


def _homogeneous(call: _Function, at: FloatArray) -> None:
    """Refuse noise, and a constant."""
    once, twice, zero = call(at), call(at), call(np.zeros(at.size), "where all weights are 0")
    noisy = np.abs(once - twice) > SAME * np.maximum(np.abs(once), np.abs(twice))
    if noisy.any():
        j = int(np.argmax(noisy))
        got = f"{once[j]:.9g} and {twice[j]:.9g} for target '{call.names[j]}' at the same weights"
        raise call.error(
            "not a function", expected="the same estimates twice", got=got, cure="leave out what is random"
        )
    constant = np.abs(zero) > call.eps * np.abs(once)  # sums of zeros are 0 without rounding
    if constant.any():
        j = int(np.argmax(constant))
        got = f"{zero[j]:.9g} for target '{call.names[j]}' where all weights are 0"
        raise call.error("affine, not linear", expected=0, got=got, cure="subtract it from the function and the target")


def _same(call: _Function, M: sp.csr_array, point: FloatArray) -> None:
    """Refuse a function that is not `M w` at a point w ≥ 0."""
    found, linear = call(point), M @ point
    summands = np.abs(M) @ point
    off = np.abs(found - linear)
    tolerance = max(SAME, 4 * np.sqrt(point.size) * call.eps)
    bad = off > tolerance * summands
    if bad.any():
        share = np.divide(off, summands, out=np.full(off.size, np.inf), where=summands > 0)
        j = int(np.argmax(np.where(bad, share, -1.0)))
        got = f"{found[j]:.9g} for target '{call.names[j]}', off by {share[j]:.2g} of its summands"
        raise call.error(
            f"not linear, tested to {tolerance:.0e}",
            expected=f"M w = {linear[j]:.9g} at random weights",
            got=got,
            cure=LINEAR,
        )
