"""The facts of a run that its results carry: what was run, on which problems and splits, where, and with what.

Nothing here decides anything; the floor, rank and leakage of a split become lines and sentences of reports.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.status import Status
from frontier.core.truth import COLUMNS as TRUTH_COLUMNS
from frontier.core.truth import SCALE_FLOOR
from frontier.methods.refit import RHO
from frontier.methods.solution import Solution
from frontier.objectives.design import RANK_LIMIT
from frontier.objectives.linearised import variance_of_totals
from frontier.results.provenance import machine, versions
from frontier.results.schema import RESULT_FORMAT
from frontier.solvers.sampling.replicates import units_of
from frontier.sweep.bounds import training_facts
from frontier.sweep.experiment import Experiment
from frontier.sweep.leakage import leakage
from frontier.sweep.scoring import evaluate
from frontier.sweep.session import Session

ENTRIES_AT_ONCE = 1 << 24  # 0.2 GB


def run_manifest(session: Session, jobs: int, digest: str, earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What is run, where and with what: the facts of a session that its results carry.

    `earlier` is the manifest of a run before this one: what the same code found there of the same split stays.
    """
    experiment, installed = session.experiment, versions()
    same = earlier is not None and (earlier.get("code_digest"), earlier.get("versions")) == (digest, installed)
    return {
        "format": RESULT_FORMAT,
        "experiment": experiment.name,
        "description": experiment.description,
        "limitations": list(experiment.limitations),
        "experiment_file": experiment.text,
        "experiment_folder": _relative(session.folder),
        "plan_fingerprint": session.fingerprint,
        "code_digest": digest,
        "versions": installed,
        "machine": machine(),
        "jobs": jobs,
        "threads_per_batch": experiment.threads,
        "repeats": experiment.repeats,
        "contrasts": [list(contrast) for contrast in experiment.contrasts],
        "refit": {"arms": list(experiment.anchors), "rho": RHO},
        **({"bounds": dataclasses.asdict(experiment.bounds)} if experiment.bounds else {}),
        "problems": {
            spec.label: {
                "name": spec.name,
                "params": dict(spec.params),
                **({} if spec.partition is None else {"partition": spec.partition}),
                "fingerprint": problem.fingerprint,
                "n_targets": problem.n_targets,
                "n_records": problem.n_records,
                "nnz": int(problem.M.nnz),
                "meta": {key: value for key, value in problem.meta.items() if _is_plain(value) and key != "warnings"},
                "warnings": list(session.warnings.get(spec.label, ())),
            }
            for spec, problem in ((s, session.problems[s.label]) for s in experiment.problems)
        },
        "splits": _splits(session, earlier if same else None),
        "methods": _methods(experiment),
        **({"tuned": [one.model_dump() for one in experiment.tuned]} if experiment.tuned else {}),
        "status_meanings": {str(status): status.meaning for status in Status},
    }


def _methods(experiment: Experiment) -> dict[str, Any]:
    """Name and parameters of each label; where it has several settings those that are the same in all, and the rest."""
    found: dict[str, Any] = {}
    for label in dict.fromkeys(spec.label for spec in experiment.methods):
        some = [spec for spec in experiment.methods if spec.label == label]
        params = some[0].params
        same = {name: value for name, value in params.items() if all(one.params[name] == value for one in some)}
        found[label] = {"name": some[0].name, "params": same}
        if len(some) > 1:
            found[label]["settings"] = [
                {
                    **{"problems": list(one.problems), "splits": list(one.splits), "budgets": list(one.budgets)},
                    "params": {name: value for name, value in one.params.items() if name not in same},
                }
                for one in some
            ]
    return found


def _splits(session: Session, earlier: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The facts of every split, those of an earlier run where it had the same problem and fitted the same targets."""
    found: dict[str, dict[str, Any]] = {}
    for label, splits in session.splits.items():
        problem, known = session.problems[label], {}
        if earlier and earlier["problems"].get(label, {}).get("fingerprint") == problem.fingerprint:
            known = {facts.get("fingerprint"): facts for facts in earlier["splits"].get(label, {}).values()}
        found[label] = {s.name: known.get(s.fingerprint) or _split_facts(problem, s) for s in splits}
    return found


def _split_facts(problem: CalibrationProblem, split: Split) -> dict[str, Any]:
    initial = evaluate(problem, split, Solution(problem.w0, Status.COMPLETED))
    sizes: dict[str, Any] = {
        "fingerprint": split.fingerprint,
        "n_train": int(split.train.sum()),
        "n_heldout": int(split.heldout.sum()),
        "initial_heldout_mare": initial["heldout_mare"],
        "initial_heldout_capped_mare": initial["heldout_capped_mare"],
    }
    if sampling := sampling_errors(problem, split):
        sizes["sampling"] = sampling
    if problem.truth is not None:
        sizes["controls"] = {"initial weights": _control(initial)}
        if problem.truth.weights is not None:
            right = evaluate(problem, split, Solution(problem.truth.weights, Status.COMPLETED))
            sizes["controls"]["design and response known"] = _control(right)
    if sizes["n_train"] > RANK_LIMIT:  # minutes of work for lines in a figure
        return sizes
    shared = leakage(problem, split)
    if shared.size:
        sizes |= {"median_leakage": float(np.median(shared)), "max_leakage": float(shared.max())}
    return sizes | training_facts(problem.restrict(split.train))


def sampling_errors(problem: CalibrationProblem, split: Split) -> dict[str, float]:
    """How far sampling alone makes the initial weights miss: fitted, held-out and hidden totals, relative, the mean.

    `√(2/π) s/scale`, the mean absolute error of a normal estimate with the standard error s of `objectives.linearised`,
    over `groups` and `strata`, and what a mean relative error is worth is a multiple of it. Empty where they tell none.
    """
    try:
        units = units_of(problem.n_records, problem.groups, problem.strata)
    except InputError:  # a stratum of one unit
        return {}
    sides = {"train": (problem.M, np.flatnonzero(split.train), problem.scale)}
    if split.heldout.any():
        sides["heldout"] = (problem.M, np.flatnonzero(split.heldout), problem.scale)
    if problem.truth is not None:
        H = problem.truth.H
        sides["truth"] = (H, np.arange(H.shape[0]), np.maximum(np.abs(problem.truth.totals), SCALE_FLOOR))
    found = {}
    for side, (rows, chosen, scale) in sides.items():
        variances = [
            variance_of_totals(sp.csr_array(rows[part] @ sp.diags_array(problem.w0)), units.of_record, units.stratum)
            for part in _few_entries(rows, chosen)
        ]
        found[side] = float(np.sqrt(2 / np.pi) * np.mean(np.sqrt(np.concatenate(variances)) / scale[chosen]))
    return found


def _few_entries(rows: sp.csr_array, chosen: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The chosen rows in groups of some `ENTRIES_AT_ONCE` entries: a copy of all would be another matrix."""
    entries = np.cumsum(np.diff(rows.indptr)[chosen])
    cuts = np.searchsorted(entries, np.arange(ENTRIES_AT_ONCE, int(entries[-1]), ENTRIES_AT_ONCE))
    return [part for part in np.split(chosen, np.unique(cuts)) if part.size]


def _control(row: dict[str, Any]) -> dict[str, Any]:
    """What weights that nobody fitted come to."""
    return {name: row[name] for name in ("n_active", "ess", "train_mare", "heldout_mare", *TRUTH_COLUMNS)}


def _relative(folder: Path) -> str | None:
    """A folder below the working folder, as it is written in an experiment; None for one elsewhere."""
    here = Path.cwd()
    return folder.resolve().relative_to(here).as_posix() if folder.resolve().is_relative_to(here) else None


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_plain(item) for item in value)
    return isinstance(value, str | int | float | bool)
