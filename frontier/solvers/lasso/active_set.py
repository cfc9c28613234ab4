"""The non-negative LASSO at a single λ ≥ 0, exactly, by the active-set method of Lawson & Hanson (1974, ch. 23).

Among the records outside the active set the one whose correlation exceeds its cost the most, `â_iᵀ(p + λ d) − λ ĉ_i`,
enters; then the weights move towards the solution on the active set, and whichever reaches 0 first leaves, until all
stay positive. The objective falls strictly from one solution to the next, so an active set that comes back means that
what is left to gain is rounding, and ends the search. At λ = 0 this is non-negative least squares. It keeps no path:
`homotopy.py` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.limits import out_of_time
from frontier.solvers.lasso.columns import DEPENDENT, EPS, ActiveSet, Line

VIOLATION = 64 * EPS  # of ‖b‖: a correlation that exceeds its cost by less is rounding


class Settled(NamedTuple):
    """The scaled weights on the active set, whether it is the solution's, and how many records entered or left."""

    x: FloatArray
    reached: bool
    n_changes: int


def settle(
    active: ActiveSet,
    lam: float,
    max_changes: int = 100_000,
    visit: Callable[[FloatArray], bool] | None = None,
    start: FloatArray | None = None,
) -> Settled:
    """Change `active` into an active set of the solution at λ, in time and at most about `max_changes` changes.

    `active` is the first guess: the nearer, the fewer changes. It may come with scaled weights ≥ 0, `start`: the search
    then descends from their objective. `visit` sees the scaled weights x of every active set on
    the way for which they are optimal, in the order of `active.members`, and stops the search by returning True.
    """
    columns = active.columns
    tolerance = VIOLATION * float(np.linalg.norm(columns.b))
    refused = np.zeros(columns.used.size, dtype=bool)
    n_changes = 0
    if start is not None:
        line, x, n_changes = _descend(active, lam, start)
    else:
        line = active.line()
        while not (line.at(lam) > 0).all():  # the guess comes without weights: what is not positive on it goes
            active.remove(int(np.argmin(line.at(lam))))
            line = active.line()
            n_changes += 1
        x = line.at(lam)
    seen: set[frozenset[int]] = set()
    while n_changes < max_changes and not out_of_time():
        excess = columns.rows @ (line.p + lam * line.d) - lam * columns.costs
        excess[active.is_active | refused] = 0.0
        best = int(np.argmax(excess)) if excess.size else -1
        if best < 0 or excess[best] <= tolerance:
            return Settled(x, True, n_changes)
        start, n_left = _enter(active, best, x)
        if start is not None:
            line, x, n_more = _descend(active, lam, start)
            n_left += n_more
        n_changes += 1 + n_left
        if not active.is_active[best]:
            refused[best] = True  # it came in against rounding only
            continue
        support = frozenset(active.members)
        if support in seen:
            return Settled(x, True, n_changes)
        seen.add(support)
        if visit is not None and visit(x):
            return Settled(x, False, n_changes)
        if n_left:
            refused[:] = False
    return Settled(x, False, n_changes)


def _enter(active: ActiveSet, record: int, x: FloatArray) -> tuple[FloatArray | None, int]:
    """Let a record in: the weights from which to descend (None when it cannot enter), and how many records left.

    A record in the span of the active ones, `â = Â_S β`, takes weight over from them along β, fit unchanged, until
    one of them reaches 0 and leaves. That lowers the cost, since its own is less than `βᵀĉ_S`.
    """
    if active.add(record):
        return np.append(x, 0.0), 0
    beta = active.coordinates(record)
    ratio = np.divide(x, beta, out=np.full(x.size, np.inf), where=beta > DEPENDENT * np.max(np.abs(beta), initial=0.0))
    first = int(np.argmin(ratio)) if ratio.size else -1
    if first < 0 or not np.isfinite(ratio[first]):
        return None, 0
    taken = float(ratio[first])
    moved = np.maximum(x - taken * beta, 0.0)
    active.remove(first)
    moved = np.delete(moved, first)
    return np.append(moved, taken) if active.add(record) else moved, 1


def _descend(active: ActiveSet, lam: float, x: FloatArray) -> tuple[Line, FloatArray, int]:
    """From weights x ≥ 0 on the active set to the solution on a subset of it where all are positive."""
    n_left = 0
    while True:
        line = active.line()
        goal = line.at(lam)
        if (goal > 0).all():
            return line, goal, n_left
        falling = np.flatnonzero(goal <= 0)
        drop = x[falling] - goal[falling]
        share = np.divide(x[falling], drop, out=np.zeros(falling.size), where=drop > 0)
        first = int(falling[np.argmin(share)])
        x = np.maximum(x + float(share.min()) * (goal - x), 0.0)
        active.remove(first)
        x = np.delete(x, first)
        n_left += 1
