"""The one contract of every method: `Method.solve(problem, points) -> list[Solution]`, one per point, in order.

A method is a frozen dataclass whose fields are its YAML parameters; it sees the training problem only. What it
returns are weights and beliefs (`claims`); metrics and certificates are the harness's.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.clock import out_of_time
from frontier.errors import InputError
from frontier.objective import Objective
from frontier.problem import CalibrationProblem, FloatArray

LARGEST_INTEGER = 2**63 - 1  # results are stored as 64-bit integers
Claim = float | int | str | bool
Coordinate = Literal["lam", "budget"]


class Status(enum.StrEnum):
    """How a solve ended; `meaning` says what that is worth and what to do about it."""

    OPTIMAL = "optimal"
    COMPLETED = "completed"
    STOPPED_EARLY = "stopped_early"
    NOT_CONVERGED = "not_converged"
    UNREACHED = "unreached"
    INFEASIBLE = "infeasible"
    TIMEOUT = "timeout"
    ERROR = "error"
    CRASH = "crash"
    OUT_OF_MEMORY = "out_of_memory"

    @property
    def meaning(self) -> str:
        return _MEANING[self]

    @property
    def has_weights(self) -> bool:
        """Whether every solution of this status has weights; one that ran out of time may have."""
        return self in _WITH_WEIGHTS

    @property
    def ended_well(self) -> bool:
        """Whether the method did all that it was to do; whether that is the size asked for is another question."""
        return self in _ENDED_WELL

    @classmethod
    def unconverged(cls) -> Status:
        """The status of an iteration that ended before it converged: by the clock, or at its own limit."""
        return cls.TIMEOUT if out_of_time() else cls.NOT_CONVERGED


_ENDED_WELL = (Status.OPTIMAL, Status.COMPLETED, Status.STOPPED_EARLY)
_WITH_WEIGHTS = (*_ENDED_WELL, Status.NOT_CONVERGED, Status.UNREACHED)
_MEANING = {
    Status.OPTIMAL: "a minimiser to the method's tolerance, confirmed by the harness's certificate",
    Status.COMPLETED: "ran as prescribed; this method has no notion of an optimum",
    Status.STOPPED_EARLY: "met its early stopping criterion before its last epoch",
    Status.NOT_CONVERGED: "stopped at its iteration limit: raise max_iter or loosen tol",
    Status.UNREACHED: "ended well, but not within 2% of the budget: the message names the nearest size it reaches",
    Status.INFEASIBLE: "no weights satisfy the constraints: relax them",
    Status.TIMEOUT: "ran out of time, with its best point or none, so not reproducible: raise limits.seconds",
    Status.ERROR: "the method failed: see the message",
    Status.CRASH: "the worker process died: look for memory limits or a fault in native code",
    Status.OUT_OF_MEMORY: "ran out of memory: raise limits.memory_gib, use fewer points per batch or a smaller problem",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a method's grid: a penalty `lam` or a `budget` of active records, and a seed.

    Raises `InputError` for λ < 0, a budget below 1, both at once, a negative seed, and what 64 bits do not hold.
    """

    lam: float | None = None
    budget: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.lam is not None and not (math.isfinite(self.lam) and self.lam >= 0):
            raise InputError("lam", "not a penalty", expected="a finite λ ≥ 0", got=self.lam)
        if self.budget is not None and self.budget < 1:
            raise InputError("budget", "not a number of records", expected="an integer ≥ 1", got=self.budget)
        if self.lam is not None and self.budget is not None:
            raise InputError("point", "both lam and budget", expected="one of them", cure="drop one")
        for name in ("budget", "seed"):
            if (getattr(self, name) or 0) > LARGEST_INTEGER:
                raise InputError(name, "too large", expected="at most 2^63 − 1", got=f"{getattr(self, name):.3g}")
        if self.seed is not None and self.seed < 0:
            raise InputError("seed", "negative seed", expected="an integer ≥ 0", got=self.seed)


@dataclass(frozen=True, slots=True)
class Timing:
    """What a cell cost and how that was measured.

    `kind` is `clean` (one cell, alone on its threads), `amortised` (an equal share of a batch), `contended` (other
    batches ran at the same time) or `unmeasured`. Only clean timings may be compared. `setup_seconds` (imports,
    compilation) are the whole batch's and are not part of `fit_seconds`; neither are `refit_seconds`, what a refit of
    this solution cost on top of it (NaN: as fitted).
    """

    fit_seconds: float = math.nan
    cpu_seconds: float = math.nan
    setup_seconds: float = math.nan
    refit_seconds: float = math.nan
    peak_memory_bytes: int = 0
    kind: Literal["clean", "amortised", "contended", "cached", "unmeasured"] = "unmeasured"


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Weights (n, records represented; None when the solve failed), how it ended, and what the method believes.

    `objective` declares what was minimised, with the λ in force; `dual` (m) is a hint for its certificate. `trace`
    maps a column ("iteration", "objective", …) to equally long arrays. `claims` are stored and never used to rank.
    `timing` is attached by the harness. `refit` is the anchor of a refit (`frontier.refit`), "none" as fitted.
    """

    weights: FloatArray | None
    status: Status
    n_iter: int = 0
    message: str = ""
    objective: Objective | None = None
    dual: FloatArray | None = None
    trace: Mapping[str, FloatArray] = field(default_factory=dict)
    claims: Mapping[str, Claim] = field(default_factory=dict)
    point: Point | None = None
    method: str = ""
    timing: Timing = Timing()
    refit: Literal["none", "fitted", "initial"] = "none"

    def __post_init__(self) -> None:
        for name in ("weights", "dual"):
            array = getattr(self, name)
            if array is not None:
                array = np.array(array, dtype=np.float64)
                array.flags.writeable = False
                object.__setattr__(self, name, array)

    @classmethod
    def failed(cls, status: Status, message: str) -> Solution:
        """A solution without weights: a failure that is kept as data."""
        return cls(weights=None, status=status, message=message)

    @classmethod
    def not_begun(cls) -> Solution:
        """What a point gets whose turn did not come: the points before it used up the time."""
        return cls.failed(Status.TIMEOUT, "not begun: the time of the batch was used up")

    @property
    def active(self) -> NDArray[np.intp]:
        """Indices of the records with weight; `InputError` when the solve failed."""
        return np.flatnonzero(self._known_weights())

    @property
    def sparsity(self) -> float:
        """The share of records with weight exactly 0."""
        return 1.0 - len(self.active) / len(self._known_weights())

    def predict(self, M: sp.sparray | FloatArray) -> FloatArray:
        """The weighted totals `M w` of any estimate matrix over the same records, shape (rows,), in its units.

        Raises `InputError` when the number of columns is not that of the weights, or when the solve failed.
        """
        weights = self._known_weights()
        if M.shape[1:] != weights.shape:
            raise InputError("M", "not over these records", expected=f"{len(weights)} columns", got=M.shape)
        return np.asarray(M @ weights)

    def nearest_to(self, budget: int, size: int) -> Solution:
        """This solution of a path, noted as the nearest of `size` records to the budget that was asked for."""
        note = f"nearest support on the path has {size} records, asked for {budget}"
        message = "; ".join(filter(None, (self.message, note)))
        return dataclasses.replace(self, message=message, claims=dict(self.claims) | {"asked_active": budget})

    def _known_weights(self) -> FloatArray:
        if self.weights is None:
            raise InputError("weights", f"none: {self.status}, {self.message or self.status.meaning}")
        return self.weights


@dataclass(frozen=True, kw_only=True)
class Method(ABC):
    """A calibration method. Subclasses are frozen dataclasses in a file of their own; the file name is the name.

    `batch_over`   axes one `solve` call may carry (a subset of {"lam", "budget", "seed"})
    `stochastic`   whether the result depends on the seed
    `axes`         which of λ and budget a point may carry; empty: the method has a single point per seed
    """

    batch_over: ClassVar[frozenset[str]] = frozenset()
    stochastic: ClassVar[bool] = False
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"lam"})

    @property
    def coordinates(self) -> frozenset[Coordinate]:
        """`axes`, unless the parameters decide."""
        return self.axes

    @property
    def driven(self) -> bool:
        """Whether this method reaches a budget only by a search over λ (`frontier.drive`)."""
        return "lam" in self.coordinates and "budget" not in self.coordinates

    def lam_range(self, problem: CalibrationProblem) -> tuple[float, float]:
        """The λ, in this method's unit, between which a budget is searched; override it where the scale is known.

        By default it is as wide as any loss of relative residuals can ask for, per record or per unit of weight.
        """
        return 1e-15, 1e6

    def calls(self, points: Sequence[Point]) -> list[tuple[Point, ...]]:
        """The points grouped by the axes that one `solve` cannot carry, in order of first appearance.

        Budgets of a driven method share one search, so they are one group.
        """
        carried = self.batch_over | ({"budget"} if self.driven else set())
        groups: dict[tuple[object, ...], list[Point]] = {}
        for point in points:
            axes = (("lam", point.lam), ("budget", point.budget), ("seed", point.seed))
            groups.setdefault(tuple(None if axis in carried else value for axis, value in axes), []).append(point)
        return [tuple(group) for group in groups.values()]

    def check(self, points: Sequence[Point]) -> None:
        """Refuse, before anything runs, points that this method cannot serve (`InputError`)."""
        for point in points:
            for name in ("lam", "budget"):
                if getattr(point, name) is not None and name not in self.coordinates:
                    allowed = " or ".join(sorted(self.coordinates)) or "neither lam nor budget"
                    raise InputError(name, f"not an axis of {type(self).__name__}", expected=allowed, got=name)
            if self.coordinates and point.lam is None and point.budget is None:
                raise InputError("point", "incomplete", expected=" or ".join(sorted(self.coordinates)), got="neither")
            if self.stochastic and point.seed is None:
                raise InputError(
                    "seeds", "missing for a stochastic method", expected="a list of seeds", cure="add seeds: [0, 1, 2]"
                )

    def warm_up(self) -> None:
        """Import and compile what `solve` needs, so that it is timed apart from solving."""

    @abstractmethod
    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """Solve one training problem at every point; solutions are in the order of `points`."""
