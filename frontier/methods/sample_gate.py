"""A sample drawn by trained gates: `π_i = min(1, c p_i)`, `Σ π_i = k`, p the open probabilities of a Hard Concrete fit.

`hard_concrete` keeps the records whose gates end up open, so many as λ happens to leave; this draws exactly k, and a
gate that is open in half of the draws has half a chance. Weights: `methods/_gate_selection.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from frontier.methods._gate_selection import GateSelection


@dataclass(frozen=True, kw_only=True)
class GateSample(GateSelection):
    """Exactly `budget` records, drawn by the open probabilities of a `hard_concrete` fit.

    epochs, lr       of the fit, whose parameters mean the same
    lam              λ of the fit; None: the one at which it keeps about as many records as the budget
    init_keep_prob, temperature   of its gates
    draw             systematic (in random order), sampford, pivotal; cube: the targets of the expected file kept
    device, precision   of the fit
    """

    @property
    def share(self) -> float:
        return 1.0
