"""From a record budget to a penalty: the λ whose solution keeps the asked number of records, or the nearest.

The count of active records falls with λ, in steps and not always monotonically. The search keeps a bracket,
interpolates log count in log λ, falls back to bisection, and remembers every count, so that budgets of one problem
share them. Sizes of solutions that did not converge are not believed. It proposes λ; solving at them, and what to do
about a size that cannot be had, is `methods.path`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from frontier.core.limits import out_of_time

BEYOND = 1.05  # how far past a budget a stride goes


def exactly(size: int, budget: int) -> bool:
    """The stricter rule of methods whose evaluations cost little; the other is `core.point.reached`."""
    return size == budget


@dataclass(frozen=True, slots=True)
class Rule:
    """When a search ends: which size serves a budget, the narrowest bracket (relative), evaluations per budget.

    `stride` is the factor by which λ goes down until the budget is enclosed; infinite: at once to the lowest. With
    `least` the search goes on to the smallest λ of the stretch that serves the budget, to that share of it: of all
    solutions of the size it is the least shrunk, and the same wherever the search came from if there is one stretch.
    """

    enough: Callable[[int, int], bool]
    narrowest: float
    max_evaluations: int
    stride: float = math.inf
    least: float | None = None


@dataclass(slots=True)
class BudgetSearch:
    """One search between two λ; `seen` are the sizes found so far by λ, which the caller fills.

    `doubtful` are the sizes of solutions that did not converge: no size to go by, but how far down it is worth going.
    """

    lowest: float
    highest: float
    rule: Rule
    seen: dict[float, int] = field(default_factory=dict)
    doubtful: dict[float, int] = field(default_factory=dict)

    def propose(self, budget: int, evaluation: int) -> float | None:
        """The λ to try next, after `evaluation` tries between the ends; None when more is no use, or too late."""
        tried = self.seen.keys() | self.doubtful.keys()
        if tried and out_of_time():
            return None
        if self.highest not in tried:
            return self.highest
        above = [lam for lam, k in self.seen.items() if k > budget]
        below = [lam for lam, k in self.seen.items() if k < budget]
        serving = [lam for lam, k in self.seen.items() if self.rule.enough(k, budget)]
        if (serving and not self.rule.least) or not (serving or below) or evaluation >= self.rule.max_evaluations:
            return None
        if serving:
            return self._to_the_end_of(min(serving), budget)
        if not above:
            return self._further_down(min(below), budget)
        low = max((lam for lam in above if lam < max(below)), default=max(above))
        high = min((lam for lam in below if lam > low), default=max(below))
        if high <= low or high / low - 1 < self.rule.narrowest:
            return None
        return self._between(low, high, budget, bisect=evaluation % 3 == 2)

    def nearest(self, budget: int) -> float:
        """The λ tried with the nearest count; of equally near ones the largest, with `Rule.least` the smallest."""
        sizes, sign = self.sizes, 1 if self.rule.least else -1
        return min(sizes, key=lambda lam: (abs(sizes[lam] - budget), sign * lam))

    @property
    def sizes(self) -> dict[float, int]:
        """The sizes seen by λ; the doubtful ones where there are no others."""
        return self.seen or self.doubtful

    def _to_the_end_of(self, lam: float, budget: int) -> float | None:
        """The next λ between the smallest that serves the budget and the nearest below that does not."""
        end = max((other for other in self.seen.keys() | self.doubtful.keys() if other < lam), default=None)
        if end is None:
            return self._further_down(lam, budget)
        return math.sqrt(end * lam) if self.rule.least and lam / end - 1 > self.rule.least else None

    def _further_down(self, lam: float, budget: int) -> float | None:
        """The next λ below one that keeps too few records: half the way to one that did not converge, or a stride.

        A stride is shorter where the last two sizes say that the budget is passed sooner.
        """
        end = max((other for other in self.doubtful if other < lam), default=None)
        if end is not None:
            return math.sqrt(end * lam) if lam / end - 1 > self.rule.narrowest else None
        if self.lowest in self.seen:
            return None
        way = math.log(self.rule.stride)
        above = min((other for other in self.seen if other > lam), default=lam)
        if way < math.inf and 0 < self.seen[above] < self.seen[lam]:
            growth = math.log(self.seen[lam] / self.seen[above]) / math.log(above / lam)
            way = min(way, math.log(BEYOND * max(1.0, (budget + 1) / self.seen[lam])) / growth)
        return max(lam * math.exp(-way), self.lowest)

    def _between(self, low: float, high: float, budget: int, *, bisect: bool) -> float:
        """Log-linear interpolation of log(count + 1), kept off the ends, or the geometric middle."""
        share = 0.5
        if not bisect:
            top, bottom = math.log1p(self.seen[low]), math.log1p(self.seen[high])
            share = min(max((top - math.log1p(budget)) / (top - bottom), 0.05), 0.95)
        lam = math.exp((1 - share) * math.log(low) + share * math.log(high))
        return min(max(lam, math.nextafter(low, high)), math.nextafter(high, low))
