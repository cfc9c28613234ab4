"""What a trial comes to: its loss at every budget and arm, over the validation targets of all inner hold-outs.

    loss = error · e + within · (1 − share within 10%) + sparsity · k/n

A loss is the mean over seeds, then the mean, median or worst over hold-outs. One without weights that are what the
method claims, in any of them, is missing: a setting that fails now and then is none to choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.status import Status
from frontier.core.truth import HEADLINE
from frontier.methods.solution import Solution
from frontier.results.schema import cells_table, has_weights, is_hollow
from frontier.sweep.scoring import evaluate
from frontier.sweep.tune_section import Objective

OVER: Mapping[str, Callable[[FloatArray], Any]] = {"mean": np.mean, "median": np.median, "worst": np.max}
WITHIN = "heldout_within_10pct"


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of a setting with the weights of one arm, and how many records it kept."""

    refit: str
    value: float
    records: float


def metric_of(objective: Objective, problem: CalibrationProblem) -> str:
    """The column that is the error: the one named, or of hidden targets where a truth is known, or of held-out ones."""
    return objective.metric or (HEADLINE[0] if problem.truth is not None else "heldout_mare")


def loss_of(row: Mapping[Any, Any], objective: Objective, problem: CalibrationProblem) -> float:
    """The loss of one row; NaN where a part of it is missing."""
    parts = [
        (objective.error, row.get(metric_of(objective, problem))),
        (objective.within, None if (share := row.get(WITHIN)) is None else 1 - share),
        (objective.sparsity, None if (k := row.get("n_active")) is None else k / problem.n_records),
    ]
    return sum(weight * (np.nan if pd.isna(part) else float(part)) for weight, part in parts if weight)


def reference(
    problems: Mapping[str, CalibrationProblem],
    splits: Mapping[str, Sequence[Split]],
    objective: Objective,
    place: str,
) -> float:
    """The loss of the initial weights, in which the losses of trials are measured; `InputError` where there is none."""
    found = []
    for label, problem in problems.items():
        for split in splits[label]:
            row = evaluate(problem, split, Solution(problem.w0, Status.COMPLETED))
            found.append(loss_of(row, objective, problem))
            if np.isnan(found[-1]):
                wanted = [metric_of(objective, problem)] * bool(objective.error) + [WITHIN] * bool(objective.within)
                missing = next(name for name in wanted if pd.isna(row.get(name)))
                cure = "hold targets out (tune.holdouts), name another metric, or set its weight to 0"
                raise InputError(place, f"no cell has '{missing}'", got=f"{label}, split {split.name}", cure=cure)
    return float(OVER[objective.over](np.array(found))) or 1.0


def losses(
    rows: Sequence[Mapping[str, Any]], objective: Objective, problems: Mapping[str, CalibrationProblem], cells: int
) -> list[Loss]:
    """The losses of one setting at one budget, one for each arm that has weights in all its `cells`; the best first."""
    if not rows:
        return []
    table = cells_table(rows)
    usable = has_weights(table) & ~is_hollow(table)
    arms: dict[str, list[tuple[Mapping[str, Any], float]]] = {}
    for row, fine in zip(rows, usable, strict=True):
        loss = loss_of(row, objective, problems[row["problem"]]) if fine else np.nan
        arms.setdefault(row["refit"], []).append((row, loss))
    found = []
    for refit, judged in arms.items():
        holdouts: dict[tuple[str, str], list[float]] = {}
        for row, loss in judged:
            holdouts.setdefault((row["problem"], row["split"]), []).append(loss)
        over = np.array([np.mean(seeds) for seeds in holdouts.values()])
        if len(judged) == cells and np.isfinite(over).all():
            records = float(np.mean([row["n_active"] for row, _ in judged]))
            found.append(Loss(refit, float(OVER[objective.over](over)), records))
    return sorted(found, key=lambda loss: loss.value)  # stable: as fitted before refits
