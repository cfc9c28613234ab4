"""From a record budget to a penalty: the λ whose solution keeps the asked number of records, or the nearest.

The count of active records falls with λ, in steps and not always monotonically. The search keeps a bracket,
interpolates log count in log λ, falls back to bisection, and remembers every evaluation, so that budgets of one problem
share them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_EVALUATIONS = 60
NARROWEST = 1e-13  # relative width of a bracket that float64 cannot usefully halve


@dataclass(slots=True)
class BudgetSearch:
    """`count(λ)` is the number of active records at λ; `lowest` and `highest` bound the λ that may be tried."""

    count: Callable[[float], int]
    lowest: float
    highest: float
    seen: dict[float, int] = field(default_factory=dict)

    def find(self, budget: int) -> float:
        """The λ tried whose count is nearest to `budget`: exact when the steps allow it."""
        self._at(self.highest)
        self._at(self.lowest)
        for evaluation in range(MAX_EVALUATIONS):
            if budget in self.seen.values():
                break
            above = [lam for lam, k in self.seen.items() if k > budget]
            below = [lam for lam, k in self.seen.items() if k < budget]
            if not above or not below:
                break  # outside what the penalty can reach
            low = max((lam for lam in above if lam < max(below)), default=max(above))
            high = min((lam for lam in below if lam > low), default=max(below))
            if high <= low or high / low - 1 < NARROWEST:
                break
            self._at(self._between(low, high, budget, bisect=evaluation % 3 == 2))
        # of equally near counts the larger λ, which is the sparser and more stable one
        return min(self.seen, key=lambda lam: (abs(self.seen[lam] - budget), -lam))

    def _between(self, low: float, high: float, budget: int, *, bisect: bool) -> float:
        """Log-linear interpolation of log(count + 1), kept off the ends, or the geometric middle."""
        share = 0.5
        if not bisect:
            top, bottom = math.log1p(self.seen[low]), math.log1p(self.seen[high])
            share = min(max((top - math.log1p(budget)) / (top - bottom), 0.05), 0.95)
        lam = math.exp((1 - share) * math.log(low) + share * math.log(high))
        return min(max(lam, math.nextafter(low, high)), math.nextafter(high, low))

    def _at(self, lam: float) -> int:
        if lam not in self.seen:
            self.seen[lam] = self.count(lam)
        return self.seen[lam]
