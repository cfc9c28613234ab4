"""What a method returns for a point, and what it cost."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.point import Point, reached
from frontier.core.status import Status
from frontier.objectives.certificate import Objective
from frontier.objectives.weight_statistics import active_count

Claim = float | int | str | bool


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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Solution:
    """Weights (n, records represented; None when the solve failed), how it ended, and what the method believes.

    `objective` declares what was minimised, with the λ in force; `dual` (m) is a hint for its certificate. `trace`
    maps a column ("iteration", "objective", …) to equally long arrays. `claims` are stored and never used to rank.
    `timing` is attached by the harness. `refit` is the arm of a refit (`frontier.methods.refit`), "none" as fitted.
    `at_most`: the budget is an upper limit (the best of all with at most so many records; draws with replacement), so
    that fewer records are no miss.
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
    refit: str = "none"
    at_most: bool = False

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

    @property
    def is_selection(self) -> bool:
        """Whether there is a selection to judge: some records are active and some are not."""
        return self.weights is not None and 0 < active_count(self.weights) < len(self.weights)

    def serves(self, budget: int, size: int) -> bool:
        """Whether these weights, on a support of `size` records, are of the size asked for."""
        return reached(size, budget) or (self.at_most and size < budget)

    def predict(self, M: sp.sparray | FloatArray) -> FloatArray:
        """The weighted totals `M w` of any estimate matrix over the same records, shape (rows,), in its units.

        Raises `InputError` when the number of columns is not that of the weights, or when the solve failed.
        """
        weights = self._known_weights()
        if M.shape[1:] != weights.shape:
            raise InputError("M", "not over these records", expected=f"{len(weights)} columns", got=M.shape)
        return np.asarray(M @ weights)

    def __repr__(self) -> str:
        """Two lines: who made it of what, how it ended."""
        return "\n".join(self._said())

    def _repr_html_(self) -> str:
        """For notebooks."""
        return "<br>".join(html.escape(line) for line in self._said())

    def _said(self) -> tuple[str, str]:
        point = f" at {self.point}" if self.point is not None and str(self.point) else ""
        again = "" if self.refit == "none" else f", refit from the {self.refit} weights"
        ended = f"{self.status}: {self.message or self.status.meaning}"
        if self.weights is None:
            return f"Solution of {self.method or 'no method'}{point}: no weights", ended
        kept, n = len(self.active), len(self.weights)
        weight = f"total weight {self.weights.sum():,.6g}"
        return f"Solution of {self.method or 'no method'}{point}{again}: {kept:,} of {n:,} records, {weight}", ended

    def with_note(self, note: str) -> Solution:
        """This solution, with one more thing said in its message."""
        return dataclasses.replace(self, message="; ".join(filter(None, (self.message, note))))

    def _known_weights(self) -> FloatArray:
        if self.weights is None:
            raise InputError("weights", f"none: {self.status}, {self.message or self.status.meaning}")
        return self.weights
