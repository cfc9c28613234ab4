"""An experiment opened: its file checked, its problems, splits and batches of cells made. It solves and writes nothing.

Cells of one (problem, split, method) that differ only in axes the method can batch (`Method.batch_over`) form one
batch, or several where their weights would not fit into memory together. Nothing here depends on the machine, the
number of jobs or earlier results; a batch's key names its content.
Repeats are the outermost loop: methods are measured in turn (A B A B), so a slow minute of the machine meets them all.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from frontier.core.errors import InputError, did_you_mean
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem, Split
from frontier.methods.outside import texts_of
from frontier.methods.refit import RHO
from frontier.problems.diagnostics import problem_warnings
from frontier.problems.registry import build_problem
from frontier.problems.splits import build_splits
from frontier.results.provenance import method_code
from frontier.results.schema import RESULT_FORMAT
from frontier.sweep.batch import Batch, Cell, Whole
from frontier.sweep.cut import Cut, part_label, part_points, part_split
from frontier.sweep.experiment import Experiment, SplitSpec, read_experiment
from frontier.sweep.method_entry import PATHS, MethodSpec

MOST_WEIGHTS = 1 << 27  # records × cells of a batch: 1 GiB before they are stored, which is sparse


@dataclass(frozen=True, slots=True)
class Session:
    """A checked experiment with its problems, their splits and all batches, in order: everything but the solving.

    `wholes` are what batches of parts come to, once put together (`sweep.parted`). `warnings` are what there is to say
    against each problem's data, `folder` is where its data files are, `cuts` those of the problems in parts.
    """

    experiment: Experiment
    problems: dict[str, CalibrationProblem]
    splits: dict[str, tuple[Split, ...]]
    batches: tuple[Batch, ...]
    wholes: tuple[Whole, ...] = ()
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

    @property
    def cells(self) -> list[Cell]:
        return [cell for batch in self.batches for cell in batch.cells]

    @property
    def fingerprint(self) -> str:
        """It identifies all batches by their content."""
        return hashlib.sha256("".join(batch.key for batch in self.batches).encode()).hexdigest()


def open_session(path: Path | str, folder: Path | None = None, *, run_files: bool = True) -> Session:
    """Read an experiment file and make its problems, splits and batches; solves and writes nothing.

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
    batches, wholes = batches_of(experiment, problems, splits, cuts)
    return Session(experiment, problems, splits, batches, wholes, found, folder, cuts)


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


@dataclass(frozen=True, slots=True)
class _Described:
    """A method of the experiment with what a batch's key says of it, the same for all its batches."""

    spec: MethodSpec
    code: str
    params: dict[str, Any]

    @classmethod
    def of(cls, spec: MethodSpec) -> _Described:
        params = spec.params
        code = method_code(spec.name, str(params.get("source", "")), texts_of(spec.name, spec.method))
        return cls(spec, code, params | dict.fromkeys(PATHS & params.keys()))


def batches_of(
    experiment: Experiment,
    problems: Mapping[str, CalibrationProblem],
    splits: Mapping[str, Sequence[Split]],
    cuts: Mapping[str, Cut] = MappingProxyType({}),
) -> tuple[tuple[Batch, ...], tuple[Whole, ...]]:
    """All batches that are solved, in order, and the wholes of those of parts.

    A pure function of the experiment, its problems, their splits and the cuts of those in parts (all by label).
    """
    of_parts = [cut.problems(label) for label, cut in cuts.items()]
    fingerprints = {label: problem.fingerprint for some in (problems, *of_parts) for label, problem in some.items()}
    described = [_Described.of(spec) for spec in experiment.methods]
    batches: list[Batch] = []
    wholes = []

    def batch(label: str, split: Split, method: _Described, points: Sequence[Point], repeat: int) -> Batch:
        spec = method.spec
        content: dict[str, object] = {
            "format": RESULT_FORMAT,
            "problem": [label, fingerprints[label]],
            "split": [split.name, split.fingerprint],
            "method": [spec.label, spec.name, method.params],
            "points": [point.coordinates for point in points],
            "threads": experiment.threads,
        }
        repeated = experiment.repeats > 1
        if repeated:  # only then: results of an experiment without repeats keep their keys
            content["repeat"] = repeat
        if experiment.anchors:
            content["refit"] = [*experiment.anchors, RHO]
        if experiment.bounds:
            content["bounds"] = dataclasses.asdict(experiment.bounds)
        if experiment.limits:
            content["limits"] = experiment.limits.model_dump(exclude_none=True)
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
        cells = tuple(Cell(label, split.name, spec.label, point, repeat, repeated) for point in points)
        arms, limits = experiment.anchors, experiment.limits
        return Batch(cells, split, spec, experiment.threads, key, arms, limits, method.code, experiment.bounds)

    def in_parts(whole: Batch, cut: Cut, method: _Described, repeat: int) -> Whole:
        label, split = whole.problem, whole.split
        place = f"problem '{label}', method '{method.spec.label}'"
        found = []
        points = [cell.point for cell in whole.cells]
        for part, own in zip(cut.parts, part_points(points, cut, place), strict=True):
            unique = list(dict.fromkeys(own))
            one = batch(part_label(label, part), part_split(split, part, place), method, unique, repeat)
            found.append((one, tuple(unique.index(point) for point in own)))
        return Whole(whole, tuple(found), tuple(part.records for part in cut.parts))

    parts = [(label, split) for label in problems for split in splits[label]]
    for repeat, (label, split) in itertools.product(range(experiment.repeats), parts):
        for method in described:
            spec = method.spec
            if label not in spec.problems or (spec.splits and split.name not in spec.splits):
                continue
            n = problems[label].n_records
            calls = spec.method.calls(spec.points_on(n))
            for points in itertools.chain.from_iterable(_in_memory(call, n) for call in calls):
                one = batch(label, split, method, points, repeat)
                if label in cuts and cuts[label].parts:
                    wholes.append(in_parts(one, cuts[label], method, repeat))
                    batches += [part for part, _ in wholes[-1].parts]
                else:
                    batches.append(one)
    _refuse_equal_names(batches, f"{experiment.name}: methods")
    return tuple(batches), tuple(wholes)


def _in_memory(points: Sequence[Point], n: int) -> list[Sequence[Point]]:
    """Points whose weights fit into memory together: at most `MOST_WEIGHTS`, or one at a time."""
    most = max(1, MOST_WEIGHTS // n)
    return [points[first : first + most] for first in range(0, len(points), most)]


def _refuse_equal_names(batches: Sequence[Batch], place: str) -> None:
    """`InputError` where two cells, or a cell and a refit, would have one name."""
    seen: set[str] = set()
    for batch in batches:
        for name in (cell.named(arm) for cell in batch.cells for arm in ("none", *batch.anchors)):
            if name in seen:
                raise InputError(place, "two cells of one name", got=repr(name), cure="change a label")
            seen.add(name)
