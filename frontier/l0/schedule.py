"""How long and where a fit trains: the settings that are not part of the objective. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from frontier.errors import InputError

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "float64"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and where to train; `trace_every` = 0 records nothing."""

    epochs: int
    lr: float
    device: Device = "cpu"
    precision: Precision = "float32"
    trace_every: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise InputError("epochs", "too few", expected="an integer ≥ 1", got=self.epochs)
        if not self.lr > 0:
            raise InputError("lr", "not a learning rate", expected="a number > 0", got=self.lr)
        if self.trace_every < 0:
            raise InputError("trace_every", "negative", expected="an integer ≥ 0", got=self.trace_every)
