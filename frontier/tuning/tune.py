"""`tune`: the settings of every method searched at equal cost, then compared with its defaults on what was held back.

    results/<experiment>/search/     batches of all trials, trials.csv, study.json (what the search is of)
    results/<experiment>/tuned.yaml  the experiment that compares; `frontier run` runs it as any other

Searches see training problems only (`problems.splits.training_problem`), or other samples than those shown. The store
of batches is the truth: whatever ends a search, the same command goes on from there and comes to the same trials.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from frontier.core.errors import InputError
from frontier.core.files import write_atomically
from frontier.core.problem import CalibrationProblem
from frontier.problems.registry import build_problem
from frontier.problems.splits import every_target, training_problem
from frontier.results.store import Store
from frontier.sweep.experiment import Experiment, problem_spec, read_experiment, split_spec
from frontier.sweep.method_entry import MethodSpec
from frontier.sweep.progress import SweepProgress
from frontier.sweep.run import check_jobs
from frontier.sweep.session import Session, session_of, splits_of
from frontier.sweep.tune_section import Tune
from frontier.tuning.objective import reference
from frontier.tuning.outcome import trials_table, tuned_experiment
from frontier.tuning.proposals import require_optuna
from frontier.tuning.search import Search, search
from frontier.tuning.trials import Bench, Inner, Trial

LIMITS = ("seconds", "trials")  # how long a search goes on, not what it is of: a longer one continues a shorter one


def tune(
    path: Path | str,
    out: Path | str,
    *,
    jobs: int = 1,
    fresh: bool = False,
    quiet: bool = True,
    warn: Callable[[str], None] = lambda line: None,
) -> list[Search]:
    """Search the settings of the experiment in `path`, and write the experiment that compares to `out/tuned.yaml`.

    One search for each method (and problem and split, where trials are judged on hold-outs within them), in the order
    of the file. What `out/search` has is not solved again, unless `fresh`. Raises `InputError` for a file without a
    section `tune`, for anything in it that could not run, and for results of another search.
    """
    path, out = Path(path), Path(out)
    experiment = read_experiment(path)
    if experiment.tune is None:
        raise InputError(f"{path}: tune", "missing key", cure="add `tune: {seconds: 300}`, or use `frontier run`")
    require_optuna()
    check_jobs(experiment, jobs)
    asked = experiment.tune
    for spec in experiment.methods:
        if asked.several and spec.search and "lam" not in spec.search:
            cure = "add a range for lam to its search, or give an objective of one number"
            raise InputError(f"{path}: tune.objective", f"'{spec.label}' is tuned at fixed budgets", cure=cure)
    session = session_of(experiment, path, path.parent)
    inners = _others(session, asked, path) if asked.problems else _within(session, asked, path)
    references = {
        inner.name: reference(inner.problems, inner.splits, asked.one, f"{path}: tune.objective") for inner in inners
    }
    store = Store(out / "search")
    with store.lock():
        store.open(fresh)
        _same_search(store.folder / "study.json", _identity(experiment, inners), fresh)
        bench = Bench(experiment, store, jobs, warn, store.folder / "checkpoints")
        todo = [(inner, spec) for inner in inners for spec in experiment.methods if _applies(spec, inner)]
        whole = asked.trials or round(asked.seconds or 0)
        found: list[Search] = []
        unit = "trials" if asked.trials else "CPU s"
        with SweepProgress(len(todo) * whole, 0, quiet=quiet, unit=unit) as progress:
            for inner, spec in todo:
                spent = [0.0, 0]  # so far in this search, and shown of it

                def report(trial: Trial, label: str = spec.label, spent: list[float] = spent) -> None:
                    spent[0] += 1 if asked.trials else trial.cpu_seconds
                    step = min(round(spent[0]), whole) - int(spent[1])
                    spent[1] += step
                    progress.advance(f"{label} #{trial.number}", step, int(not any(trial.losses.values())))

                found.append(search(bench, inner, spec, asked, references[inner.name], report))
                progress.advance(spec.label, whole - int(spent[1]), 0)
        write_atomically(store.folder / "trials.csv", trials_table(found).to_csv(index=False).encode())
        write_atomically(out / "tuned.yaml", tuned_experiment(experiment, found).encode())
    return found


def _applies(spec: MethodSpec, inner: Inner) -> bool:
    """Whether a method runs on what a search is for."""
    return not inner.problem or (inner.problem in spec.problems and inner.split in (spec.splits or (inner.split,)))


def _within(session: Session, tune: Tune, path: Path) -> list[Inner]:
    """For each problem and split the training problem, with hold-outs of its own."""
    if session.cuts:
        label = next(iter(session.cuts))
        raise InputError(f"{path}: problem '{label}'.partition", "not together with tune", cure="drop one of them")
    found, place = [], f"{path}: tune.holdouts"
    for label, problem in session.problems.items():
        for split in session.splits[label]:
            training = training_problem(problem, split)
            designs = tune.holdouts if isinstance(tune.holdouts, list) else [tune.holdouts]
            splits = splits_of([split_spec(one, place) for one in designs], training, place)
            found.append(Inner(label, split.name, {label: training}, {label: splits}))
    return found


def _others(session: Session, tune: Tune, path: Path) -> list[Inner]:
    """Other problems than those of the experiment: samples of the same population that are shown nowhere."""
    shown = {problem.fingerprint for problem in session.problems.values()}
    problems: dict[str, CalibrationProblem] = {}
    for i, entry in enumerate(tune.problems):
        place = f"{path}: tune.problems[{i}]"
        spec = problem_spec(entry, place)
        problem = build_problem(spec.name, spec.params, place, session.folder)
        if problem.fingerprint in shown:
            cure = "tune on another sample (a replicate that is not shown)"
            raise InputError(place, "is among the problems that judge", got=spec.label, cure=cure)
        if spec.label in problems:
            raise InputError(place, "duplicate label", got=spec.label, cure="give each entry its own label")
        problems[spec.label] = problem
    if any(spec.problems != tuple(session.problems) or spec.splits for spec in session.experiment.methods):
        raise InputError(f"{path}: tune.problems", "not with methods that run on some problems or splits only")
    return [Inner("", "", problems, {label: (every_target(problem),) for label, problem in problems.items()})]


def _identity(experiment: Experiment, inners: Sequence[Inner]) -> dict[str, Any]:
    """What a search is of, part by part."""
    assert experiment.tune is not None
    return {
        "tune": experiment.tune.model_dump(exclude=set(LIMITS)),
        "methods": [
            [s.label, s.name, s.params, list(s.budgets), list(s.seeds), {k: str(v) for k, v in s.search.items()}]
            for s in experiment.methods
        ],
        "refit": list(experiment.anchors),
        "bounds": dataclasses.asdict(experiment.bounds),
        "problems": {
            f"{inner.name}/{label}": [problem.fingerprint, *(split.fingerprint for split in inner.splits[label])]
            for inner in inners
            for label, problem in inner.problems.items()
        },
    }


def _same_search(path: Path, identity: Mapping[str, Any], fresh: bool) -> None:
    """Keep what the search is of beside its results, or refuse results of another one."""
    text = json.dumps(identity, indent=1, sort_keys=True)
    if path.exists() and not fresh:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        now = json.loads(text)
        other = next((key for key in now if earlier.get(key) != now[key]), None)
        if other is not None:
            cure = "use --fresh to search anew, or --out for another folder"
            raise InputError(path.parent, f"a search of another file: its {other} differ", cure=cure)
    write_atomically(path, text.encode())
