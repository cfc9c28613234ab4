"""Budgets by batched multi-section in λ: a wide grid of λ, then cuts around every budget, all seeds at once.

The active count of one seed falls with λ, not strictly (training is noisy) but on average, so a bracket [λ₁, λ₂] with
counts on both sides of the budget is cut by several λ at a time: one round costs little more than one fit, as a batch
trains side by side. What a round finds serves every budget of its seed. The grid is walked from its largest λ down, and
no further than to the first that leaves more records than any budget of the seed: the fewer records are left, the
sooner a fit is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from frontier.core.limits import out_of_time
from frontier.core.point import reached
from frontier.objectives.weight_statistics import active_count
from frontier.solvers.gates.monitor import Fitted
from frontier.solvers.gates.training import Fit

GRID = tuple(float(ratio) for ratio in np.geomspace(1e-6, 10**0.5, 13)[::-1])  # λ of the first round, of `lam_ref`
FEW, STEPS = 2, (4, 3)  # λ of the grid at a time: for so many seeds, and for more, of which fewer fill a block
BEYOND = (10.0, 0.01)  # how far the search goes on where even the largest (smallest) λ leaves too many (too few)
OFFSETS = (-0.12, 0.0, 0.12)  # cuts around the interpolated λ, in shares of the bracket's logarithm
ROUNDS = 6
NARROWEST = 1.001  # a bracket's ratio, below which the count jumps over the budget

Wanted = tuple[int, int]  # budget, seed


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The fit whose active count is nearest to a budget, its λ, and how many rounds and cells the search took."""

    lam: float
    fit: Fitted
    count: int
    rounds: int
    cells: int


def multisection(
    train: Callable[[list[Fit]], list[Fitted]], wanted: Sequence[Wanted], lam_ref: float, *, at_once: bool = False
) -> Mapping[Wanted, Found]:
    """For every budget and seed the λ, and the fit there, whose active count reaches it, or the nearest seen.

    train    trains a batch of cells
    lam_ref  a λ at which dropping all records pays: the data term at w = 0 per record
    at_once  train the whole grid at once: where many cells take no longer than one (a GPU)

    Where weights are not finite, the λ is passed over.
    """
    counts: dict[int, dict[float, int]] = {seed: {} for _, seed in wanted}
    best: dict[Wanted, tuple[float, Fitted]] = {}
    largest = {seed: max(budget for budget, other in wanted if other == seed) for seed in counts}
    trained, rounds, grid = 0, 1, list(GRID)
    step = len(grid) if at_once else STEPS[len(counts) > FEW]
    batch = [Fit(lam_ref * ratio, seed) for seed in counts for ratio in grid[:step]]
    while batch:
        trained += len(batch)
        for cell, fit in zip(batch, train(batch), strict=True):
            if not np.isfinite(fit.weights).all():
                continue
            counts[cell.seed][cell.lam] = active_count(fit.weights)
            for budget, seed in wanted:
                if seed == cell.seed and _nearer(counts[seed], budget, cell.lam, best.get((budget, seed))):
                    best[budget, seed] = cell.lam, fit
        if out_of_time():
            break
        del grid[:step]
        below = [seed for seed, seen in counts.items() if not any(_exceeds(k, largest[seed]) for k in seen.values())]
        batch = [Fit(lam_ref * ratio, seed) for seed in below for ratio in grid[:step]]
        if not batch and rounds < ROUNDS:
            batch = _next_batch(counts, wanted, lam_ref)
            rounds += bool(batch)
    return {key: Found(lam, fit, counts[key[1]][lam], rounds, trained) for key, (lam, fit) in best.items()}


def _exceeds(count: int, budget: int) -> bool:
    return count > budget and not reached(count, budget)


def _nearer(counts: Mapping[float, int], budget: int, lam: float, held: tuple[float, Fitted] | None) -> bool:
    """Whether `lam` is nearer to the budget than what is held; of equally near ones the larger λ."""
    if held is None:
        return True
    return (abs(counts[lam] - budget), -lam) < (abs(counts[held[0]] - budget), -held[0])


def _next_batch(counts: Mapping[int, Mapping[float, int]], wanted: Sequence[Wanted], lam_ref: float) -> list[Fit]:
    cells = []
    for budget, seed in wanted:
        seen = counts[seed]
        if not seen or any(reached(count, budget) for count in seen.values()):
            continue
        cells += [Fit(lam, seed) for lam in _cuts(seen, budget, lam_ref) if lam not in seen]
    return list(dict.fromkeys(cells))


def _cuts(seen: Mapping[float, int], budget: int, lam_ref: float) -> list[float]:
    """The next λ's for one budget: beyond the range seen, or inside its bracket."""
    above = [lam for lam, count in seen.items() if count > budget]
    below = [lam for lam, count in seen.items() if count < budget]
    if not below:
        largest = max(above)
        return [largest * BEYOND[0]] if largest < 1e4 * lam_ref else []
    if not above:
        smallest = min(below)
        return [smallest * BEYOND[1]] if smallest > 1e-12 * lam_ref else []
    low = max(above)
    high = min((lam for lam in below if lam > low), default=low)
    if high <= low:  # counts are not monotone here: search between the last that is too large and the next below it
        high = min(below)
        low = max((lam for lam in above if lam < high), default=high)
    if high / low < NARROWEST:
        return []
    top, bottom = np.log1p(seen[low]), np.log1p(seen[high])
    share = (top - np.log1p(budget)) / (top - bottom)
    shares = sorted({float(np.clip(share + offset, 0.03, 0.97)) for offset in OFFSETS})
    return [float(low ** (1 - s) * high**s) for s in shares]
