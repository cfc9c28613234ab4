"""An experiment opened: its file checked, its problems, splits and plan built. Nothing is solved or written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import CalibrationProblem, Split
from frontier.problems.diagnostics import problem_warnings
from frontier.problems.registry import build_problem
from frontier.problems.splits import build_splits
from frontier.sweep.cut import Cut
from frontier.sweep.experiment import Experiment, SplitSpec, read_experiment
from frontier.sweep.method_entry import MethodSpec
from frontier.sweep.plan import Plan, make_plan


@dataclass(frozen=True, slots=True)
class Session:
    """A checked experiment with its problems, splits and plan: everything but the solving.

    `warnings` are what there is to say against each problem's data, `folder` is where its data files are, `cuts` those
    of the problems in parts.
    """

    experiment: Experiment
    problems: dict[str, CalibrationProblem]
    splits: dict[str, tuple[Split, ...]]
    plan: Plan
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    folder: Path = Path()
    cuts: dict[str, Cut] = field(default_factory=dict)

    @property
    def solved(self) -> dict[str, CalibrationProblem]:
        """The problems of all batches, by what these call them: those in parts part by part."""
        found = dict(self.problems)
        for label, cut in self.cuts.items():
            found |= cut.problems(label)
        return found


def open_session(path: Path | str, folder: Path | None = None, *, run_files: bool = True) -> Session:
    """Read an experiment file and build its problems, splits and plan; solves and writes nothing.

    `folder` is where its files of data and methods are; default the file's own. Those of methods are run, unless
    `run_files` is False: then an experiment that names one is refused.
    """
    folder = Path(path).parent if folder is None else folder
    return session_of(read_experiment(path, folder, run_files=run_files), path, folder)


def session_of(experiment: Experiment, path: Path | str, folder: Path) -> Session:
    """The session of an experiment that was read from `path`; its files of data are in `folder`."""
    problems, splits, cuts = {}, {}, {}
    for i, spec in enumerate(experiment.problems):
        problem = build_problem(spec.name, spec.params, f"{path}: problems[{i}]", folder)
        problems[spec.label] = problem
        if spec.partition is not None:
            methods = {m.label: m.method for m in experiment.methods if spec.label in m.problems}
            cuts[spec.label] = Cut.of(problem, spec.partition, methods, f"{path}: problems[{i}]")
        splits[spec.label] = splits_of(experiment.splits, problem, f"{path}: splits")
        for k, method in enumerate(experiment.methods):
            if spec.label in method.problems:
                _check_method(method, problem, f"{path}: methods[{k}]")
    _check_splits(experiment, splits, str(path))
    found = {label: problem_warnings(problem) for label, problem in problems.items()}
    plan = make_plan(experiment, problems, splits, cuts)
    return Session(experiment, problems, splits, plan, found, folder, cuts)


def splits_of(designs: Sequence[SplitSpec], problem: CalibrationProblem, place: str) -> tuple[Split, ...]:
    """The splits of a problem by all designs, each of its own name."""
    found: list[Split] = []
    for i, spec in enumerate(designs):
        found += build_splits(problem, spec.design, spec.params, f"{place}[{i}]")
    names = [split.name for split in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(place, "two splits of one name", got=repr(name), cure="keep one of them")
    return tuple(found)


def _check_splits(experiment: Experiment, splits: dict[str, tuple[Split, ...]], place: str) -> None:
    """Refuse the name of a split that no problem of the method has."""
    for k, method in enumerate(experiment.methods):
        known = {split.name for label in method.problems for split in splits[label]}
        for name in method.splits:
            if name not in known:
                where = f"{place}: methods[{k}].splits"
                raise InputError(where, f"unknown split '{name}'", cure=did_you_mean(name, known))


def _check_method(method: MethodSpec, problem: CalibrationProblem, place: str) -> None:
    try:
        method.method.check_problem(problem)
        method.points_on(problem.n_records)
    except InputError as error:
        raise error.at(place) from None
