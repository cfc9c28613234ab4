"""How long, how and where a fit trains: the settings that are not part of the objective. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.ranges import Count, Epochs, NonNegative, Number, Positive, check_ranges

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "float64"]
TemperatureShape = Literal["constant", "linear", "exponential", "cosine"]

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # Adam's constants: Kingma & Ba 2015, and torch's defaults


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStopping:
    """Stop a cell once its objective has settled: the criterion, checked every `every` epochs.

    With F the data term at the test-time weights plus λ times the expected count: stop when `|F − F'| ≤ tol F'` against
    the check before, with the same number of active records, at `patience` checks in a row. `tol` = 0: never.
    """

    tol: NonNegative = 0.0
    every: Count = 50
    patience: Count = 3

    def __post_init__(self) -> None:
        check_ranges(self, "stop_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and where to train; `trace_every` = 0 records nothing."""

    epochs: Epochs
    lr: Positive
    device: Device = "cpu"
    precision: Precision = "float32"
    trace_every: Number = 0
    stopping: EarlyStopping = EarlyStopping()

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def events(self) -> list[int]:
        """The epochs after which something is looked at, in order; the last epoch is one of them."""
        found = {self.epochs}
        if self.trace_every:
            found |= {1, *range(self.trace_every, self.epochs, self.trace_every)}
        if self.stopping.tol:
            found |= set(range(self.stopping.every, self.epochs, self.stopping.every))
        return sorted(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature:
    """The gates' temperature β over the epochs: from `initial` to `final`, which test-time gates use too.

    `anneal_epochs`: β gets there in so many epochs and stays; None: in all. Modules take it epoch by epoch
    (`modules.penalties.set_temperature`).
    """

    final: float
    initial: float
    shape: TemperatureShape = "constant"
    anneal_epochs: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("temperature", self.final), ("initial_temperature", self.initial)):
            if not (np.isfinite(value) and value > 0):
                raise InputError(name, "not a temperature", expected="a number > 0", got=value)
        if self.shape == "constant" and self.initial != self.final:
            raise InputError(
                "initial_temperature",
                "a constant temperature has no other start",
                cure="set temperature_schedule: linear, exponential or cosine",
            )
        if self.anneal_epochs is not None and self.anneal_epochs < 1:
            raise InputError("anneal_epochs", "no epochs", expected="an integer ≥ 1", got=self.anneal_epochs)

    def over(self, epochs: int) -> FloatArray:
        """β at epochs 1 … epochs, shape (epochs,): share t = 0 at the first, 1 at the last of those that anneal.

        linear `β₀ + (β₁ − β₀) t`; exponential `β₀ (β₁/β₀)^t`; cosine `β₁ + (β₀ − β₁)(1 + cos πt)/2` (Loshchilov &
        Hutter 2017, eq. 5, without restarts). Raises `InputError` for fewer epochs than `anneal_epochs`.
        """
        anneal = self.anneal_epochs or epochs
        if anneal > epochs:
            raise InputError("anneal_epochs", "β would not arrive", expected=f"at most {epochs} (epochs)", got=anneal)
        t = np.ones(epochs)
        if anneal > 1:
            t[:anneal] = np.linspace(0.0, 1.0, anneal)
        start, end = self.initial, self.final
        if self.shape == "linear":
            return np.asarray(start + (end - start) * t)
        if self.shape == "exponential":
            return np.asarray(start * (end / start) ** t)
        if self.shape == "cosine":
            return np.asarray(end + (start - end) * (1 + np.cos(np.pi * t)) / 2)
        return np.full(epochs, end)
