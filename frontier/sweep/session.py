"""One run of one experiment: read, build, plan, solve what is missing, assemble. Used by the command and the API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.status import Status
from frontier.methods.refit import RHO
from frontier.methods.solution import Solution
from frontier.objectives.design import RANK_LIMIT
from frontier.problems.diagnostics import problem_warnings
from frontier.problems.registry import build_problem
from frontier.problems.splits import build_splits
from frontier.results.manifest import read_json
from frontier.results.provenance import code_digest, machine, versions
from frontier.results.schema import RESULT_FORMAT
from frontier.results.store import BatchResult, Store
from frontier.sweep.bounds import training_facts
from frontier.sweep.experiment import Experiment, MethodSpec, read_experiment
from frontier.sweep.leakage import leakage
from frontier.sweep.plan import Plan, make_plan
from frontier.sweep.progress import SweepProgress
from frontier.sweep.runner import finished, run_batches
from frontier.sweep.scoring import evaluate


@dataclass(frozen=True, slots=True)
class Session:
    """A checked experiment with its problems, splits and plan: everything but the solving.

    `warnings` are what there is to say against each problem's data, `folder` is where its data files are.
    """

    experiment: Experiment
    problems: dict[str, CalibrationProblem]
    splits: dict[str, tuple[Split, ...]]
    plan: Plan
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    folder: Path = Path()


def open_session(path: Path | str, folder: Path | None = None) -> Session:
    """Read an experiment file and build its problems, splits and plan; solves and writes nothing.

    `folder` is where its data files are; default the file's own.
    """
    experiment = read_experiment(path)
    folder = Path(path).parent if folder is None else folder
    problems, splits = {}, {}
    for i, spec in enumerate(experiment.problems):
        problem = build_problem(spec.name, spec.params, f"{path}: problems[{i}]", folder)
        problems[spec.label] = problem
        splits[spec.label] = _splits(experiment, problem, f"{path}: splits")
        for k, method in enumerate(experiment.methods):
            if spec.label in method.problems:
                _check_budgets(method, problem, f"{path}: methods[{k}]")
    found = {label: problem_warnings(problem) for label, problem in problems.items()}
    return Session(experiment, problems, splits, make_plan(experiment, problems, splits), found, folder)


def run_session(
    session: Session,
    store: Store,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    fresh: bool = False,
    only: Sequence[str] = (),
    quiet: bool = False,
    warn: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Solve every unfinished batch (of the labels or methods in `only`, if any) and write the tables.

    Batches run on `jobs` processes here, or on the workers of the Dask scheduler at the address `scheduler`.
    """
    if jobs < 1:
        raise InputError("jobs", "not a number of processes", expected="an integer ≥ 1", got=jobs)
    if jobs > 1 and scheduler is not None:
        raise InputError("jobs", "not together with a scheduler, whose workers are the processes", cure="drop it")
    if (jobs > 1 or scheduler is not None) and session.experiment.timing == "clean":
        place, got = ("jobs", jobs) if scheduler is None else ("scheduler", scheduler)
        raise InputError(
            place, "the experiment asks for clean timings", expected=1, got=got, cure="run it here with one process"
        )
    if scheduler is not None and session.experiment.limits.memory_gib is not None:
        warn("limits.memory_gib is not watched on a cluster: give its workers a --memory-limit")
    run = _runner(jobs, scheduler)
    selected = _selected(session, only)
    with store.lock():
        store.open(fresh)
        digest = code_digest()
        earlier = _earlier_manifest(store, fresh)
        if earlier.get("code_digest", digest) != digest:
            warn("results here were made by another version of the code; finished cells are kept (--fresh redoes)")
        known = finished(session.plan, store, warn)
        missing = [batch for batch in session.plan.batches if batch.key not in known]
        todo = [batch for batch in missing if batch.method.label in selected]
        total = sum(len(b.cells) for b in session.plan.batches if b.method.label in selected)
        if todo:
            known = {}  # not kept while solving: they would count in the peak memory that cells report
        started, clock = time.time(), time.monotonic()  # the system's clock may jump
        with SweepProgress(total, total - sum(len(b.cells) for b in todo), quiet=quiet) as progress:
            run(
                todo,
                store,
                session.problems,
                session.splits,
                report=lambda batch, failed: progress.advance(batch.method.label, len(batch.cells), failed),
            )
        manifest = run_manifest(session, jobs, digest) | {
            "backend": "loky" if scheduler is None else "dask",
            "started_unix_seconds": round(started),
            "elapsed_seconds": round(time.monotonic() - clock, 1),
            "cells_solved_now": sum(len(b.cells) for b in todo),
            "cells_resumed": sum(len(b.cells) for b in session.plan.batches) - sum(len(b.cells) for b in missing),
            "cells_not_run": sum(len(b.cells) for b in missing) - sum(len(b.cells) for b in todo),
        }
        if "merged" in earlier:  # which machine produced the batches that are kept
            manifest["merged"] = earlier["merged"]
        return store.assemble(stored_parts(session, store, known), session.problems, manifest)


def stored_parts(
    session: Session, store: Store, known: Mapping[str, BatchResult] | None = None
) -> Iterator[tuple[str, Split, BatchResult]]:
    """Problem label, split and result of every finished batch, in plan order; `known` need not be read again."""
    for batch in session.plan.batches:
        result = (known or {}).get(batch.key) or store.read(batch.key, len(batch.cells))
        if result is not None:
            label, name = batch.cells[0].problem, batch.cells[0].split
            yield label, next(split for split in session.splits[label] if split.name == name), result


def _runner(jobs: int, scheduler: str | None) -> Callable[..., None]:
    """What runs batches where they are to run; `InputError` without the extra that a cluster needs."""
    if scheduler is None:
        return partial(run_batches, jobs=jobs)
    try:
        from frontier.sweep.cluster import run_on_cluster  # imports distributed
    except ModuleNotFoundError as error:
        if error.name not in ("dask", "distributed"):
            raise
        cure = "python -m pip install -c constraints.txt -e '.[dask]'"
        raise InputError("--backend dask", f"needs the extra 'dask': {error}", cure=cure) from None
    return partial(run_on_cluster, scheduler=scheduler)


def _splits(experiment: Experiment, problem: CalibrationProblem, place: str) -> tuple[Split, ...]:
    found: list[Split] = []
    for i, spec in enumerate(experiment.splits):
        found += build_splits(problem, spec.design, spec.params, f"{place}[{i}]")
    names = [split.name for split in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(place, "two splits of one name", got=repr(name), cure="keep one of them")
    return tuple(found)


def _check_budgets(method: MethodSpec, problem: CalibrationProblem, place: str) -> None:
    try:
        method.points_on(problem.n_records)
    except InputError as error:
        raise error.at(place) from None


def _selected(session: Session, only: Sequence[str]) -> set[str]:
    labels = {spec.label: spec.name for spec in session.experiment.methods}
    for name in only:
        if name not in labels and name not in labels.values():
            known = [*labels, *labels.values()]
            raise InputError("--only", f"no such method in this experiment: '{name}'", cure=did_you_mean(name, known))
    return {label for label, name in labels.items() if not only or label in only or name in only}


def _earlier_manifest(store: Store, fresh: bool) -> dict[str, Any]:
    path = store.folder / "manifest.json"
    return {} if fresh or not path.exists() else read_json(path)


def run_manifest(session: Session, jobs: int, digest: str) -> dict[str, Any]:
    """What is run, where and with what: the facts of a session that its results carry."""
    experiment = session.experiment
    return {
        "format": RESULT_FORMAT,
        "experiment": experiment.name,
        "description": experiment.description,
        "limitations": list(experiment.limitations),
        "experiment_file": experiment.text,
        "experiment_folder": _relative(session.folder),
        "plan_fingerprint": session.plan.fingerprint,
        "code_digest": digest,
        "versions": versions(),
        "machine": machine(),
        "jobs": jobs,
        "threads_per_batch": experiment.threads,
        "repeats": experiment.repeats,
        "refit": {"arms": list(experiment.anchors), "rho": RHO},
        "problems": {
            spec.label: {
                "name": spec.name,
                "params": dict(spec.params),
                "fingerprint": problem.fingerprint,
                "n_targets": problem.n_targets,
                "n_records": problem.n_records,
                "nnz": int(problem.M.nnz),
                "meta": {key: value for key, value in problem.meta.items() if _is_plain(value) and key != "warnings"},
                "warnings": list(session.warnings.get(spec.label, ())),
            }
            for spec, problem in ((s, session.problems[s.label]) for s in experiment.problems)
        },
        "splits": {
            label: {s.name: _split_facts(session.problems[label], s) for s in found}
            for label, found in session.splits.items()
        },
        "methods": {spec.label: {"name": spec.name, "params": spec.params} for spec in experiment.methods},
        "status_meanings": {str(status): status.meaning for status in Status},
    }


def _split_facts(problem: CalibrationProblem, split: Split) -> dict[str, Any]:
    initial = evaluate(problem, split, Solution(problem.w0, Status.COMPLETED))
    sizes = {
        "fingerprint": split.fingerprint,
        "n_train": int(split.train.sum()),
        "n_heldout": int(split.heldout.sum()),
        "initial_heldout_mare": initial["heldout_mare"],
    }
    if sizes["n_train"] > RANK_LIMIT:  # minutes of work for lines in a figure
        return sizes
    shared = leakage(problem, split)
    if shared.size:
        sizes |= {"median_leakage": float(np.median(shared)), "max_leakage": float(shared.max())}
    return sizes | training_facts(problem.restrict(split.train))


def _relative(folder: Path) -> str | None:
    """A folder below the working folder, as it is written in an experiment; None for one elsewhere."""
    here = Path.cwd()
    return folder.resolve().relative_to(here).as_posix() if folder.resolve().is_relative_to(here) else None


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_plain(item) for item in value)
    return isinstance(value, str | int | float | bool)
