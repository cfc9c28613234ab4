"""Integer weights of a problem: a file of whole households, of which a population can be built by repeating records."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from frontier.core import random
from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.solvers.sampling.rounding import balanced_rounding
from frontier.sweep.given_weights import checked_weights

LARGEST_WORK = 5e9  # records times targets squared: 20 seconds; more targets than that allows are not balanced on


def integer_weights(problem: CalibrationProblem, weights: ArrayLike, *, seed: int = 0) -> FloatArray:
    """Whole numbers next to `weights` (n), at random, with these weights as their expectation, (n,).

    Totals of the problem's targets are kept nearly, as is the total weight (`solvers/sampling/rounding.py`); of too
    many (300 with 50,000 records) the most important ones, the first in the file among equals. A weight below 1 may
    become 0. Raises `InputError` for weights that are not one per record, finite and ≥ 0.
    """
    return _rounded(problem, checked_weights(weights, problem.n_records), seed)


def rounded_solution(problem: CalibrationProblem, solution: Solution, seed: int) -> Solution:
    """A solution with integer weights, which no objective asked for, and how far that moved its estimates."""
    if solution.weights is None:
        return solution
    weights = _rounded(problem, solution.weights, seed)
    moved = np.abs(problem.M @ (weights - solution.weights)) / problem.scale
    worst = int(moved.argmax())
    most = f"at most by {moved[worst]:.2%} ({problem.target_names[worst]!r})"
    note = f"weights rounded to whole numbers, which moves the totals by {moved.mean():.2%} on average, {most}"
    lost = int(np.count_nonzero(solution.weights) - np.count_nonzero(weights))
    note += f"; {lost:,} records with weights below 1 are rounded to none" if lost else ""
    claims = dict(solution.claims) | {"mean_rounding": float(moved.mean()), "worst_rounding": float(moved[worst])}
    status = Status.COMPLETED if solution.status is Status.OPTIMAL else solution.status
    return dataclasses.replace(
        solution.with_note(note), weights=weights, status=status, objective=None, dual=None, claims=claims
    )


def _rounded(problem: CalibrationProblem, weights: FloatArray, seed: int) -> FloatArray:
    most = max(1, int(np.sqrt(LARGEST_WORK / weights.size)))
    order = np.argsort(-problem.importance, kind="stable")[:most]
    rows = weighted_design(problem).A[order]
    return balanced_rounding(weights, rows, random.generator(seed, random.STREAM_ROUNDING))
