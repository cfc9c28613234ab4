"""A learned and a random share: part of the records drawn by trained gates, the rest at random from the others.

What the targets need comes from the gates (`sample_gate`), what no target sees from the random share. Which record is
of which share `solve_with_selections` tells. Weights: `methods/_gate_selection.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from frontier.core.ranges import Probability
from frontier.core.search_space import Between, Space
from frontier.methods._gate_selection import GateSelection


@dataclass(frozen=True, kw_only=True)
class HybridGateSample(GateSelection):
    """Exactly `budget` records, `learned_share` of them by the open probabilities of a `hard_concrete` fit.

    learned_share    how much of the budget the gates decide, rounded to whole records; the rest is random
    epochs, lr       of the fit, whose parameters mean the same
    lam              λ of the fit; None: the one at which it keeps about as many records as the budget
    init_keep_prob, temperature   of its gates
    draw             systematic (in random order), sampford, pivotal; cube: the targets of the expected file kept
    device, precision   of the fit
    """

    search_space: ClassVar[Space] = dict(GateSelection.search_space) | {
        "learned_share": Between(0.1, 0.9),
    }

    learned_share: Probability = 0.5

    @property
    def share(self) -> float:
        return self.learned_share
