"""From a record budget to a penalty: the λ whose solution keeps the asked number of records, or the nearest.

The count of active records falls with λ, in steps and not always monotonically. The search keeps a bracket,
interpolates log count in log λ, falls back to bisection, and remembers every evaluation, so that budgets of one problem
share them. `methods.drive` uses it for any method that knows only λ; methods with a path of their own use it directly.

What counts as *reached* is decided here, once: within 2% of the budget in whole records, so exactly below 50 records.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from frontier.core.limits import out_of_time

MAX_EVALUATIONS = 60
NARROWEST = 1e-13  # relative width of a bracket that float64 cannot usefully halve


def exactly(size: int, budget: int) -> bool:
    """The stricter rule of methods whose evaluations cost little."""
    return size == budget


@dataclass(slots=True)
class BudgetSearch:
    """`count(λ)` is the number of active records at λ; `lowest` and `highest` bound the λ that may be tried.

    `enough` says when a count serves a budget, `narrowest` and `max_evaluations` (per budget) when to give up.
    """

    count: Callable[[float], int]
    lowest: float
    highest: float
    enough: Callable[[int, int], bool] = exactly
    narrowest: float = NARROWEST
    max_evaluations: int = MAX_EVALUATIONS
    seen: dict[float, int] = field(default_factory=dict)

    def find(self, budget: int) -> float:
        """The λ tried whose count is nearest to `budget`: exact when the steps allow it."""
        evaluation = 0
        while (lam := self.propose(budget, evaluation)) is not None:
            evaluation += lam not in (self.lowest, self.highest)
            self.at(lam)
        return self.nearest(budget)

    def propose(self, budget: int, evaluation: int) -> float | None:
        """The λ to try next, after `evaluation` tries between the ends; None when more is no use, or too late."""
        if self.seen and out_of_time():
            return None
        for end in (self.highest, self.lowest):
            if end not in self.seen:
                return end
        if evaluation >= self.max_evaluations or any(self.enough(k, budget) for k in self.seen.values()):
            return None
        above = [lam for lam, k in self.seen.items() if k > budget]
        below = [lam for lam, k in self.seen.items() if k < budget]
        if not above or not below:
            return None  # outside what the penalty can reach
        low = max((lam for lam in above if lam < max(below)), default=max(above))
        high = min((lam for lam in below if lam > low), default=max(below))
        if high <= low or high / low - 1 < self.narrowest:
            return None
        return self._between(low, high, budget, bisect=evaluation % 3 == 2)

    def nearest(self, budget: int) -> float:
        """The λ tried with the nearest count; of equally near ones the largest, which is sparser and more stable."""
        return min(self.seen, key=lambda lam: (abs(self.seen[lam] - budget), -lam))

    def at(self, lam: float) -> int:
        if lam not in self.seen:
            self.seen[lam] = self.count(lam)
        return self.seen[lam]

    def _between(self, low: float, high: float, budget: int, *, bisect: bool) -> float:
        """Log-linear interpolation of log(count + 1), kept off the ends, or the geometric middle."""
        share = 0.5
        if not bisect:
            top, bottom = math.log1p(self.seen[low]), math.log1p(self.seen[high])
            share = min(max((top - math.log1p(budget)) / (top - bottom), 0.05), 0.95)
        lam = math.exp((1 - share) * math.log(low) + share * math.log(high))
        return min(max(lam, math.nextafter(low, high)), math.nextafter(high, low))
