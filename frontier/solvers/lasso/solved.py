"""What every solver of the non-negative LASSO returns at one λ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from frontier.core.arrays import FloatArray
from frontier.objectives.certificate import Certificate


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Weights (n, records represented), their certificate, the solver's iterations, what else it tells, its trace.

    `dual` (m) is a hint that the certificate used beside the residual.
    """

    weights: FloatArray
    certificate: Certificate
    n_iter: int
    told: Mapping[str, float | int | str] = field(default_factory=dict)
    trace: Mapping[str, FloatArray] = field(default_factory=dict)
    dual: FloatArray | None = None
