"""The plan: every cell of an experiment and the batches they are solved in, a pure function of the experiment.

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
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontier.core.bounds import NO_BOUNDS, Bounds
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem, Split
from frontier.methods.outside import texts_of
from frontier.methods.refit import RHO
from frontier.results.provenance import method_code
from frontier.results.schema import RESULT_FORMAT
from frontier.sweep.cut import Cut, part_label, part_points, part_split
from frontier.sweep.experiment import NO_LIMITS, Experiment, Limits
from frontier.sweep.method_entry import PATHS, MethodSpec

MOST_WEIGHTS = 1 << 27  # records × cells of a batch: 1 GiB before they are stored, which is sparse


@dataclass(frozen=True, slots=True)
class Cell:
    """The identity of one result: problem label, split name, method label, point, and repeat if there are several."""

    problem: str
    split: str
    label: str
    point: Point
    repeat: int = 0
    repeated: bool = False  # whether the experiment has repeats, so that `repeat` tells cells apart

    @property
    def name(self) -> str:
        coordinates = [f"{k}={v!r}" for k, v in self.point.coordinates.items() if v is not None]
        coordinates += [f"repeat={self.repeat}"] if self.repeated else []
        return "/".join([self.problem, self.split, self.label, *coordinates])

    def named(self, arm: str) -> str:
        """The name of the row as fitted ("none"), or of a refit."""
        return self.name if arm == "none" else f"{self.name}/refit={arm}"


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Cells solved in one call, with all that a worker needs to know beside the problem itself.

    `threads` are those that the call may use, `anchors` the refits of each sparse solution that are stored beside it,
    `bounds` those of all weights, `limits` what its process may take; `key` digests all that decides the result but
    the code, which `code` does.
    """

    cells: tuple[Cell, ...]
    split: Split
    method: MethodSpec
    threads: int
    key: str
    anchors: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS
    code: str = ""
    bounds: Bounds = NO_BOUNDS

    @property
    def names(self) -> list[str]:
        """The name of each cell."""
        return [cell.name for cell in self.cells]

    @property
    def problem(self) -> str:
        """The label of the problem that all cells are of."""
        return self.cells[0].problem


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A batch of a problem in parts, which is not solved itself: the batches of its parts, and what they hold of it.

    Beside each batch of a part: which of its cells each cell of the whole is (budgets of a small part may coincide).
    `records` are those of each part (positions in the whole).
    """

    batch: Batch
    parts: tuple[tuple[Batch, tuple[int, ...]], ...]
    records: tuple[NDArray[np.intp], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All batches that are solved, in order; `fingerprint` identifies the whole plan.

    `wholes` are what batches of parts come to, once put together (`sweep.parted`).
    """

    batches: tuple[Batch, ...]
    wholes: tuple[Whole, ...] = ()

    @property
    def cells(self) -> list[Cell]:
        return [cell for batch in self.batches for cell in batch.cells]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256("".join(batch.key for batch in self.batches).encode()).hexdigest()


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


def make_plan(
    experiment: Experiment,
    problems: Mapping[str, CalibrationProblem],
    splits: Mapping[str, Sequence[Split]],
    cuts: Mapping[str, Cut] = MappingProxyType({}),
) -> Plan:
    """The plan of an experiment, given its problems, their splits and the cuts of those in parts (all by label)."""
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
    return Plan(tuple(batches), tuple(wholes))


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
