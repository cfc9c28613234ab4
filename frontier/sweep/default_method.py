"""Which method makes a small file when none is named: a rule from what `frontier suggest` and the arena have shown.

With m targets and k records to keep:

    coreset          k ≥ 4 m, and the records' categories or amounts are known: keeps most of what no target fixes
    leverage_sample  k ≥ 12 m otherwise, refit from its own weights: keeps more than a selection that sees the totals
    hard_concrete    below, refit from the initial weights: nothing else meets the totals with so few records

On cps_ohio (39 targets) coreset misses the totals by more than 1% below 290 records, 7 m, and loses least from there;
on cps_national (733) from 3,000, 4 m. `frontier suggest` tries them on one's own data, which decides better.
"""

from __future__ import annotations

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem

CORESET, SAMPLE = 4, 12  # records per target


def default_method(problem: CalibrationProblem, budget: int | None) -> str:
    """The method for `budget` records of a problem, by name; `InputError`, with a proposal, where none is given."""
    m, n = problem.n_targets, problem.n_records
    if budget is None:
        cure = f"give one ({proposal(m, n):,}, say), or see what sizes lose: frontier suggest"
        raise InputError("budget", "neither a budget nor a method", expected="how many records to keep", cure=cure)
    if problem.auxiliary is not None and budget >= CORESET * m:
        return "coreset"
    return "leverage_sample" if budget >= SAMPLE * m else "hard_concrete"


def proposal(m: int, n: int) -> int:
    """Records that are likely to be enough: 8 per target, at most a third of the file, in two digits."""
    k = max(1, min(2 * CORESET * m, n // 3))
    digits = max(0, len(str(k)) - 2)
    return int(k // 10**digits * 10**digits)
