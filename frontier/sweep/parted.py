"""A problem of an experiment in parts (`partition: COLUMN`): a batch for each part, and their results put together.

A part is a problem of its own, with its records, its targets and its share of every budget; its batches go to processes
or workers like any other. What they come to is put together and scored on the whole problem: the rows of an experiment
are about the whole. A part that failed fails the whole, and is named. Certificates add up, as the objectives do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.errors import some
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.status import Status
from frontier.methods.solution import Solution, Timing
from frontier.results.store import BatchResult
from frontier.sweep.batch import Batch, Cell, Whole, batch_result, scored

SUMS = ("objective", "gap")  # of parts, whose objectives add up


def put_together(
    stored: Iterable[tuple[Batch, BatchResult | None]],
    wholes: Sequence[Whole],
    problems: Mapping[str, CalibrationProblem],
) -> Iterator[tuple[str, Split, BatchResult]]:
    """Problem label, split and result of every batch, in order: those of parts as one, once all are there."""
    of_part = {batch.key: whole for whole in wholes for batch, _ in whole.parts}
    found: dict[str, BatchResult] = {}
    for batch, result in stored:
        whole = of_part.get(batch.key)
        if whole is None:
            if result is not None:
                yield batch.problem, batch.split, result
            continue
        if result is not None:
            found[batch.key] = result
        if batch.key == whole.parts[-1][0].key:
            results = [found.pop(one.key, None) for one, _ in whole.parts]
            complete = [one for one in results if one is not None]
            if len(complete) == len(results):
                yield whole.batch.problem, whole.batch.split, _whole(whole, complete, problems[whole.batch.problem])


def _whole(whole: Whole, results: Sequence[BatchResult], problem: CalibrationProblem) -> BatchResult:
    return batch_result(whole.batch, problem, _scored(whole, results, problem))


def _scored(
    whole: Whole, results: Sequence[BatchResult], problem: CalibrationProblem
) -> Iterator[tuple[Cell, Solution, FloatArray | None, dict[str, Any]]]:
    """Each cell of the whole and its refits, put together from the rows of the parts."""
    batch = whole.batch
    at = [{str(row["cell"]): i for i, row in enumerate(result.rows)} for result in results]
    for k, cell in enumerate(batch.cells):
        own = [one.cells[positions[k]] for one, positions in whole.parts]
        for arm in ("none", *batch.anchors):
            if not any(part.named(arm) in rows for part, rows in zip(own, at, strict=True)):
                continue  # no part was sparse
            picks = [rows.get(part.named(arm), rows[part.named("none")]) for part, rows in zip(own, at, strict=True)]
            found = [result.rows[i] for result, i in zip(results, picks, strict=True)]
            whole_solution = _solution(batch, cell.point, arm, found, results, picks, whole.records, problem.n_records)
            solution, estimate, metrics = scored(problem, batch.split, whole_solution)
            certificate = {} if solution.weights is None else _certificate(found)
            yield cell, solution, estimate, metrics | certificate


def _solution(
    batch: Batch,
    point: Point,
    arm: str,
    rows: Sequence[Mapping[str, Any]],
    results: Sequence[BatchResult],
    picks: Sequence[int],
    records: Sequence[Any],
    n: int,
) -> Solution:
    """The weights of all parts as one solution; without weights where a part has none."""
    names = [str(row["problem"]) for row in rows]
    lost = [i for i, row in enumerate(rows) if row["n_active"] is None]
    unwell = [i for i, row in enumerate(rows) if not Status(row["status"]).ended_well]
    worst = (lost or unwell or [0])[0]
    told = [f"{names[i]}: {rows[i]['message'] or Status(rows[i]['status']).meaning}" for i in unwell]
    found: FloatArray | None = None
    if not lost:
        found = np.zeros(n)
        for own, result, i in zip(records, results, picks, strict=True):
            found[own] = result.weights[[i]].toarray().ravel()
    statuses = {Status(row["status"]) for row in rows}
    status = Status(rows[worst]["status"]) if unwell or len(statuses) == 1 else Status.COMPLETED
    seconds = {name: math.fsum(row[name] for row in rows) for name in ("fit_seconds", "cpu_seconds", "refit_seconds")}
    timing = Timing(
        **seconds,
        setup_seconds=max(row["setup_seconds"] for row in rows),
        peak_memory_bytes=max(row["peak_memory_bytes"] for row in rows),
        kind=rows[0]["timing"],
    )
    return Solution(
        weights=found,
        status=status,
        n_iter=max(row["n_iter"] for row in rows),
        message=some(told) if told else "",
        claims={"parts": len(rows)},
        point=point,
        method=batch.method.name,
        timing=timing,
        refit=arm,
    )


def _certificate(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Objective and gap of the whole, where every part has them; certified where every part is."""
    if any(row["gap"] is None for row in rows):
        return {}
    found: dict[str, Any] = {name: math.fsum(row[name] for row in rows) for name in SUMS}
    found["relative_gap"] = found["gap"] / found["objective"] if found["objective"] > 0 else 0.0
    found["kkt_residual"] = max(row["kkt_residual"] for row in rows)
    return found | {"certified": all(row["certified"] for row in rows)}
