"""A selection made exactly as large as asked for: the records that matter least leave, those that help most enter.

Methods that learn a selection end within 2% of the budget, and a refit can leave a record with next to nothing. With
r = A w − b, record i changes the loss ½‖r‖² by

    leaving   ½ w_i² ‖a_i‖² − w_i a_iᵀr          entering with weight v_i   ½ v_i² ‖a_i‖² + v_i a_iᵀr

The smallest changes are taken, all weights are refit (`methods.refit`), and again until the active records are as many
as asked for. A record that has left, or that a refit left with nothing, does not come back, so that this ends.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.refit import RHO, Anchor, refit
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.distance import Box
from frontier.objectives.weight_statistics import active_records

ROUNDS = 30


def refit_exactly(
    problem: CalibrationProblem,
    solution: Solution,
    budget: int | None,
    anchor: Anchor,
    *,
    rho: float = RHO,
    box: Box | None = None,
) -> Solution:
    """The refit of a selection that has exactly `budget` active records; the nearest, `unreached`, where none is found.

    Without a budget it is the plain refit. Records that enter do so with their initial weight, scaled up as the whole
    selection's; those without any never do.
    """
    chosen, best = solution, (problem.n_records + 1, solution)
    design = weighted_design(problem)
    gone = np.zeros(problem.n_records, dtype=bool)
    for _ in range(ROUNDS):
        again = refit(problem, chosen, anchor, rho=rho, box=box)
        if again.weights is None or budget is None:
            return again
        active = active_records(again.weights)
        size = int(active.sum())
        if size == budget:
            return again
        best = min(best, (abs(size - budget), again), key=lambda one: one[0])
        gone |= (again.weights > 0) & ~active
        weights = np.where(active, again.weights, 0.0)
        gradient = design.A.T @ (design.A @ weights - design.b)
        if size > budget:
            inside = np.flatnonzero(active)
            change = 0.5 * np.square(weights) * design.curvature - weights * gradient
            leave = inside[np.argsort(change[inside], kind="stable")[: size - budget]]
            gone[leave], weights[leave] = True, 0.0
        else:
            entering = problem.w0 * (weights.sum() / problem.w0[active].sum()) if size else problem.w0
            outside = np.flatnonzero(~active & ~gone & (entering > 0))
            change = 0.5 * np.square(entering) * design.curvature + entering * gradient
            enter = outside[np.argsort(change[outside], kind="stable")[: budget - size]]
            if not enter.size:
                break
            weights[enter] = entering[enter]
        chosen = dataclasses.replace(solution, weights=weights)
    off, found = best
    message = f"{off:,} records from the {budget:,} asked for is the nearest size that was found"
    return dataclasses.replace(found.with_note(message), status=Status.UNREACHED)
