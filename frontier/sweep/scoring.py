"""The yardstick: one metrics row per solution, recomputed in float64 from the weights alone.

No method can touch it. Errors are absolute relative errors `|r_j| = |(M w − y)_j| / scale_j` (fractions), on training
and held-out targets apart. Certificates come from the declared objective and the weights; a method that claims an
optimum its certificate does not confirm is reported as not converged.
"""

from __future__ import annotations

import dataclasses
import html
import json
import math
from typing import Any

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.status import Status
from frontier.core.truth import COLUMNS as TRUTH_COLUMNS
from frontier.methods.solution import Solution
from frontier.objectives.certificate import CERTIFIED_GAP, CERTIFIED_KKT
from frontier.objectives.weight_statistics import (
    ACTIVE_THRESHOLDS,
    active_count,
    design_effect,
    effective_sample_size,
    max_weight_ratio,
)
from frontier.results.schema import ERROR_CAP, identity

WITHIN = (0.01, 0.05, 0.10)
COUNTS = {f"n_active_{threshold:.0e}".replace("e-0", "e-"): threshold for threshold in ACTIVE_THRESHOLDS}
Row = dict[str, Any]


class Metrics(Row):
    """The metrics row of one solution: a dictionary that shows itself in two lines."""

    def __repr__(self) -> str:
        who = f"{self.get('method') or 'weights'} on {self.get('problem')}, refit {self.get('refit')}"
        if self.get("train_mare") is None:
            return f"{who}: no weights\n{self.get('status')}: {self.get('message')}"
        held = self.get("heldout_mare")
        errors = f"training error {self['train_mare']:.3%}" + ("" if held is None else f", held out {held:.3%}")
        return f"{who}: {self['n_active']:,} records, {errors}\n{self['status']}, {len(self)} metrics by name"

    def _repr_html_(self) -> str:
        """For notebooks: every metric that there is."""
        known = ((name, html.escape(str(value))) for name, value in self.items() if value is not None)
        return f"<table>{''.join(f'<tr><td>{name}</td><td>{value}</td></tr>' for name, value in known)}</table>"


def evaluate(problem: CalibrationProblem, split: Split, solution: Solution) -> Metrics:
    """The metrics row of one solution: identity, errors, weights, certificate, cost, status.

    A solution without weights keeps its identity and status; its metrics are missing (None).
    """
    estimate = None if solution.weights is None else problem.M @ solution.weights
    method, point = solution.method, solution.point
    whose = identity(
        problem=problem.name, split=split.name, method=method, label=method, point=point, refit=solution.refit
    )
    return Metrics(whose | score(problem, split, solution, estimate))


def score(problem: CalibrationProblem, split: Split, solution: Solution, estimate: FloatArray | None) -> Row:
    """`evaluate` without the identity; `estimate` is M w (m, target units), None without weights."""
    row = _status(solution) | dict.fromkeys(_weight_columns(problem))
    if solution.weights is not None and estimate is not None:
        row |= _objective(problem.restrict(split.train), solution, row)
        row |= _support(problem, solution.weights)
        row |= _errors(problem, split, (estimate - problem.y) / problem.scale)
        row |= _budget(row, solution)
        row |= {} if problem.truth is None else problem.truth.errors(solution.weights)
    timing = dataclasses.asdict(solution.timing)
    return row | {"timing": timing.pop("kind")} | timing


def _status(solution: Solution) -> Row:
    return {
        "status": str(solution.status),
        "claimed_status": str(solution.status),
        "message": solution.message,
        "n_iter": solution.n_iter,
        "claims": json.dumps(dict(solution.claims), sort_keys=True),
    }


def _objective(training: CalibrationProblem, solution: Solution, row: Row) -> Row:
    """The declared objective and its certificate at the returned point, and what they make of the claimed status."""
    weights, objective = solution.weights, solution.objective
    if weights is None or objective is None:
        return {}
    found: Row = {"lam_absolute": objective.lam, "objective": objective.value(training, weights)}
    certificate = objective.certificate(training, weights, solution.dual)
    if certificate is None:
        return found
    found |= dataclasses.asdict(certificate)
    del found["primal"], found["equicorrelated"]
    certified = certificate.relative_gap <= CERTIFIED_GAP
    if objective.lam == 0:
        certified = certified or certificate.kkt_residual <= CERTIFIED_KKT
    certified = certified and math.isfinite(certificate.primal)  # what overflows says nothing
    found["certified"] = certified
    if solution.status is Status.OPTIMAL and not certified:
        gap = f"claimed optimal, but the certificate's relative gap is {certificate.relative_gap:.1e}"
        found |= {"status": str(Status.NOT_CONVERGED), "message": "; ".join(filter(None, (row["message"], gap)))}
    return found


def _budget(row: Row, solution: Solution) -> Row:
    """Whether the budget was reached; an optimum of another size than the one asked for is not what was asked for.

    A refit keeps all records that it was given, however little it leaves some: there the size is that of the selection.
    """
    budget = None if solution.point is None else solution.point.budget
    if budget is None or solution.weights is None:
        return {}
    size = row["n_active"] if solution.refit == "none" else int(np.count_nonzero(solution.weights))
    missed = not solution.serves(budget, size)
    unreached = missed and Status(row["status"]).ended_well
    return {"budget_reached": not missed} | ({"status": str(Status.UNREACHED)} if unreached else {})


def _support(problem: CalibrationProblem, weights: FloatArray) -> Row:
    counts = {name: active_count(weights, threshold) for name, threshold in COUNTS.items()}
    return {
        "n_active": active_count(weights),
        **counts,
        "threshold_matters": len(set(counts.values())) > 1,
        "ess": effective_sample_size(weights),
        "design_effect": design_effect(weights),
        "max_weight_ratio": max_weight_ratio(problem, weights),
        "total_weight": float(weights.sum()),
    }


def _errors(problem: CalibrationProblem, split: Split, residual: FloatArray) -> Row:
    error = np.abs(residual)
    row: Row = {}
    for side, mask in (("train", split.train), ("heldout", split.heldout)):
        row |= dict(zip(_error_columns(side), _summary(error[mask]), strict=True))
    row["train_loss"] = float(0.5 * (problem.importance * error**2)[split.train].sum())
    families = np.array(problem.families)
    row |= {f"mare[{family}]": float(error[families == family].mean()) for family in dict.fromkeys(problem.families)}
    return row


def _error_columns(side: str) -> list[str]:
    within = [f"{side}_within_{share * 100:.0f}pct" for share in WITHIN]
    return [f"{side}_mare", f"{side}_median_are", f"{side}_max_are", f"{side}_capped_mare", *within]


def _summary(error: FloatArray) -> list[float | None]:
    """Mean, median, maximum, capped mean and shares within 1, 5 and 10%; missing when no target is on this side."""
    if not error.size:
        return [None] * (4 + len(WITHIN))
    shares = [float(np.mean(error <= share)) for share in WITHIN]
    capped = float(np.mean(np.minimum(error, ERROR_CAP)))
    return [float(error.mean()), float(np.median(error)), float(error.max()), capped, *shares]


def _weight_columns(problem: CalibrationProblem) -> list[str]:
    return [
        *("budget_reached", "lam_absolute", "objective", "gap", "relative_gap", "kkt_residual", "n_equicorrelated"),
        *("active_rank", "support_is_unique", "certified"),
        *("n_active", *COUNTS, "threshold_matters"),
        *("ess", "design_effect", "max_weight_ratio", "total_weight"),
        *("train_loss", *_error_columns("train")),
        *_error_columns("heldout"),
        *(f"mare[{family}]" for family in dict.fromkeys(problem.families)),
        *(() if problem.truth is None else TRUTH_COLUMNS),
    ]
