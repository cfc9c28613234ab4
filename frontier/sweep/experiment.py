"""An experiment file, read and checked: which methods run at which points on which problems and splits.

Everything that can be wrong with the file is found here, before anything runs, and told in one line with file, key,
what was expected, what came, and the cure.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from frontier.core.bounds import NO_BOUNDS, Bounds, read_bounds
from frontier.core.errors import InputError, did_you_mean
from frontier.core.outside import names_a_file
from frontier.core.point import Point
from frontier.core.registry import unknown_key, validation_error
from frontier.core.yaml_file import read_yaml
from frontier.methods.base import Method
from frontier.methods.drive import check_points
from frontier.methods.refit import refit_arm
from frontier.methods.registry import class_name, configured, find_method
from frontier.problems.registry import check_problem
from frontier.problems.splits import design_parameters
from frontier.sweep.contrasts import MOST_CONTRASTS, Contrast, read_contrasts

Budget = int | float  # records, or a share of the problem's records
RESERVED = ("name", "label", "problems", "lam", "budget", "seeds")  # keys of a method entry that are not parameters
PATHS = ("checkpoint",)  # parameters that name a place on disk
RENAMED = {"time_limit_seconds": "use limits: {seconds: …}"}
LONGEST_LABEL = 80  # characters: a legend has no room for more
SIMPLE = r"[A-Za-z0-9][A-Za-z0-9_.-]*"  # of what is part of a file name
SHOWN = r"[\u0020-\u052F\u2000-\u20CF\u2100-\u22FF]+"  # of what figures print: their font has these
MOST_ENTRIES = 1_000  # of problems, splits or methods: each takes a millisecond or two to check
MOST_CELLS = 1_000_000  # of a file, before its splits: at a millisecond each a quarter of an hour


@dataclass(frozen=True, slots=True)
class ProblemSpec:
    """A registered problem with parameters, under the label that results carry."""

    label: str
    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """A hold-out design with parameters."""

    design: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A configured method, its grid (λ or budgets, in records or shares of n, and seeds), and its problems."""

    label: str
    name: str
    method: Method
    lams: tuple[float | None, ...]
    budgets: tuple[Budget | None, ...]
    seeds: tuple[int | None, ...]
    problems: tuple[str, ...]

    @property
    def params(self) -> dict[str, Any]:
        return dataclasses.asdict(self.method)

    def points_on(self, n_records: int) -> tuple[Point, ...]:
        """The points on a problem of `n_records`; `InputError` where shares of it round to 0 or to the same budget."""
        sizes: dict[int | None, Budget | None] = {}
        for budget in self.budgets:
            size = round(budget * n_records) if isinstance(budget, float) else budget
            if size == 0 or size in sizes:
                same = f"as is {sizes[size]}" if size in sizes else "too few"
                got = f"{budget} of {n_records:,}, {size} records, {same}"
                raise InputError("budget", "not a budget of its own", expected="distinct whole records", got=got)
            sizes[size] = budget
        return tuple(itertools.starmap(Point, itertools.product(self.lams, sizes, self.seeds)))


class Limits(BaseModel):
    """What one batch may take: seconds, set-up included, and GiB of its process's resident memory; None: no limit.

    A batch without time left stops with its best points, one that does not stop is killed (`frontier.sweep.guard`).
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    seconds: float | None = Field(default=None, gt=0, le=1e7, allow_inf_nan=False)
    memory_gib: float | None = Field(default=None, gt=0, le=1e6, allow_inf_nan=False)

    def __bool__(self) -> bool:
        return self.seconds is not None or self.memory_gib is not None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Experiment:
    """A checked experiment file; `text` is the file as read, for provenance.

    `repeats` solves every cell that often, for its timings; `timing` "clean" refuses runs on more than one process.
    `anchors` names the refits that every sparse solution gets beside its row as fitted. `limits` hold for each batch.
    `contrasts` are the comparisons that the experiment is made for, declared before it is run: label and refit of one
    arm, and of the other. All others are exploratory. `bounds` hold for the weights of every row.
    """

    name: str
    description: str
    limitations: tuple[str, ...]
    threads: int
    repeats: int
    timing: Literal["any", "clean"]
    limits: Limits
    anchors: tuple[str, ...]
    problems: tuple[ProblemSpec, ...]
    splits: tuple[SplitSpec, ...]
    methods: tuple[MethodSpec, ...]
    contrasts: tuple[Contrast, ...]
    text: str
    bounds: Bounds = NO_BOUNDS


class _File(BaseModel):
    """The top level of an experiment file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: str = ""
    limitations: list[str] = []
    threads: int = Field(default=1, ge=1, le=1024)
    repeats: int = Field(default=1, ge=1, le=100)
    timing: Literal["any", "clean"] = "any"
    limits: Limits = NO_LIMITS
    budgets: list[Any] | None = Field(default=None, min_length=1)
    refit: list[str] = Field(default=["none"], min_length=1)
    bounds: dict[str, Any] = {}
    problems: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_ENTRIES)
    splits: list[dict[str, Any]] = Field(default=[{"design": "default"}], min_length=1, max_length=MOST_ENTRIES)
    methods: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_ENTRIES)
    contrasts: list[dict[str, Any]] = Field(default=[], max_length=MOST_CONTRASTS)


class _Grid(BaseModel):
    """The reserved keys of a method entry."""

    model_config = ConfigDict(strict=True)

    label: str | None = Field(default=None, min_length=1)
    problems: list[str] | None = Field(default=None, min_length=1)
    lam: list[float] | None = Field(default=None, min_length=1)
    budget: list[Any] | None = Field(default=None, min_length=1)
    seeds: list[int] | None = Field(default=None, min_length=1)


def read_experiment(path: Path | str, folder: Path | None = None, *, run_files: bool = True) -> Experiment:
    """The experiment in a YAML file; raises `InputError` for anything in it that could not run.

    Files of methods (`name: my_method.py:MyMethod`) are below `folder`, by default that of the experiment file, and are
    run (`frontier.methods.outside`), unless `run_files` is False: then an experiment that names one is refused.
    """
    path = Path(path)
    folder = path.parent if folder is None else folder
    text, content = read_yaml(path, "an experiment", cure="check the path; experiments live in experiments/")
    _check_keys(content, _File, f"{path}: ")
    if isinstance(content.get("limits"), dict):
        _check_keys(content["limits"], Limits, f"{path}: limits.")
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        raise _colon(validation_error(error, str(path)), path) from None
    problems = tuple(problem_spec(entry, f"{path}: problems[{i}]") for i, entry in enumerate(file.problems))
    labels = [problem.label for problem in problems]
    _unique(labels, f"{path}: problems", "label", cure="give each entry its own label")
    splits = tuple(_split(entry, f"{path}: splits[{i}]") for i, entry in enumerate(file.splits))
    _unique(file.refit, f"{path}: refit", "arm", cure="list each arm once")
    for i, arm in enumerate(file.refit):
        if arm != "none":
            refit_arm(arm, f"{path}: refit[{i}]")
    if "none" not in file.refit:
        raise InputError(
            f"{path}: refit", "the arm 'none' is missing", cure="add it: every refit stands beside its fit"
        )
    budgets = _budgets(file.budgets, f"{path}: budgets")
    bounds = read_bounds(file.bounds, f"{path}: bounds")
    for i, entry in enumerate(file.methods):
        if not run_files and names_a_file(str(entry.get("name"))):
            cure = "add --run-files, if you would run it yourself"
            raise InputError(f"{path}: methods[{i}].name", "a file, which would be run", got=entry["name"], cure=cure)
    methods = tuple(
        _method(entry, f"{path}: methods[{i}]", labels, budgets, folder) for i, entry in enumerate(file.methods)
    )
    methods = tuple(dataclasses.replace(spec, method=spec.method.told(bounds=bounds)) for spec in methods)
    names = [method.label for method in methods]
    _unique(names, f"{path}: methods", "label", cure="give each entry its own label")
    cells = file.repeats * sum(_size(method) * len(method.problems) for method in methods)
    if cells > MOST_CELLS:
        raise InputError(path, "too many cells", expected=f"at most {MOST_CELLS:,}", got=f"{cells:,}", cure="split it")
    name = file.name or path.stem
    if not name.strip("."):  # a file named '...yaml' would write to 'results/..'
        raise InputError(path, "no name for the results", got=repr(name), cure="rename the file, or give it a 'name'")
    return Experiment(
        name=name,
        description=" ".join(file.description.split()),
        limitations=tuple(" ".join(text.split()) for text in file.limitations),
        threads=file.threads,
        repeats=file.repeats,
        timing=file.timing,
        limits=file.limits,
        anchors=tuple(anchor for anchor in file.refit if anchor != "none"),
        problems=problems,
        splits=splits,
        methods=methods,
        contrasts=read_contrasts(file.contrasts, names, file.refit, f"{path}: contrasts"),
        text=text,
        bounds=bounds,
    )


def _check_keys(content: Mapping[Any, Any], model: type[BaseModel], place: str) -> None:
    for key in content:
        if key not in model.model_fields:
            cure = RENAMED.get(str(key)) or did_you_mean(str(key), model.model_fields)
            raise InputError(f"{place}{key}", "unknown key", cure=cure)


def problem_spec(entry: Mapping[str, Any], place: str) -> ProblemSpec:
    """An entry of `problems:`, its parameters checked against the problem's."""
    name = _name(entry, "name", place)
    label = entry.get("label", name)
    if not (isinstance(label, str) and len(label) <= LONGEST_LABEL and re.fullmatch(SIMPLE, label)):
        expected = f"at most {LONGEST_LABEL} letters, digits, '_', '.', '-'"
        raise InputError(f"{place}.label", "not a label", expected=expected, got=f"{label!r:.60}")
    params = {key: value for key, value in entry.items() if key not in ("name", "label")}
    check_problem(name, params, place)
    return ProblemSpec(label, name, params)


def _split(entry: dict[str, Any], place: str) -> SplitSpec:
    design = _name(entry, "design", place)
    params = {key: value for key, value in entry.items() if key != "design"}
    design_parameters(design, params, place)
    return SplitSpec(design, params)


def _method(
    entry: dict[str, Any], place: str, problem_labels: list[str], common: tuple[Budget, ...], folder: Path
) -> MethodSpec:
    """One entry; without λ or budget of its own it takes the `common` budgets, if it has an axis at all."""
    name = _name(entry, "name", place)
    cls = find_method(name, f"{place}.name", folder)
    fields = [field.name for field in dataclasses.fields(cls)]
    if taken := [key for key in RESERVED if key in fields]:  # by a method outside this package
        cure = "rename the parameter"
        raise InputError(f"{place}.name", f"'{name}' has a parameter called '{taken[0]}', a key of its own", cure=cure)
    known = [*RESERVED, *fields]
    unknown = [key for key in entry if key not in known]
    if unknown:
        raise unknown_key(cls, unknown[0], known, place)
    try:
        grid = _Grid.model_validate({key: entry[key] for key in RESERVED[1:] if key in entry})
    except ValidationError as error:
        raise validation_error(error, place) from None
    shown = grid.label or (class_name(cls, f"{place}.name") if names_a_file(name) else name)
    _check_label(shown, f"{place}.label")
    budgets = _budgets(grid.budget, f"{place}.budget")
    for key in ("lam", "seeds"):
        _unique(getattr(grid, key) or [], f"{place}.{key}", key, cure="list each value once")
    for label in grid.problems or ():
        if label not in problem_labels:
            raise InputError(
                f"{place}.problems", f"unknown problem '{label}'", cure=did_you_mean(label, problem_labels)
            )
    method = configured(cls, {key: value for key, value in entry.items() if key not in RESERVED}, place)
    if grid.seeds and not method.stochastic:
        raise InputError(f"{place}.seeds", f"'{name}' is deterministic", cure="drop seeds")
    if grid.lam and grid.budget:
        raise InputError(f"{place}.budget", "both lam and budget", expected="one of them", cure="use two entries")
    if not grid.lam and not budgets and method.coordinates:
        budgets = common
    for key in PATHS:
        _check_inside(getattr(method, key, None), f"{place}.{key}")
    spec = MethodSpec(
        label=shown,
        name=name,
        method=method,
        lams=tuple(grid.lam or [None]),
        budgets=budgets or (None,),
        seeds=tuple(grid.seeds or [None]),
        problems=tuple(grid.problems or problem_labels),
    )
    try:
        json.dumps(spec.params)
    except TypeError as error:  # of a method outside this package
        raise InputError(place, f"parameters that results cannot hold: {error}", expected="plain values") from None
    if _size(spec) > MOST_CELLS:
        raise InputError(place, "too many points", expected=f"at most {MOST_CELLS:,}", got=f"{_size(spec):,}")
    try:  # whatever the records are many enough for: shares are resolved when a problem is there
        check_points(method, dataclasses.replace(spec, budgets=(1,) if budgets else (None,)).points_on(1))
    except InputError as error:
        raise error.at(place) from None
    return spec


def _check_label(label: str, place: str) -> None:
    """Refuse a label that figures, tables and pages could not print in one line."""
    strange = next((c for c in label if not (c.isprintable() and re.fullmatch(SHOWN, c))), None)
    if strange is not None or label != label.strip() or len(label) > LONGEST_LABEL:
        got = f"{label!r:.60}" if strange is None else f"U+{ord(strange):04X}"
        got += f", {len(label):,} characters" if len(label) > LONGEST_LABEL else ""
        letters = "letters (Latin, Greek, Cyrillic), digits, signs; no spaces around them"
        expected = f"at most {LONGEST_LABEL} {letters}"
        raise InputError(place, "not a label", expected=expected, got=got)


def _size(spec: MethodSpec) -> int:
    """Points of a method's grid."""
    return len(spec.lams) * len(spec.budgets) * len(spec.seeds)


def _check_inside(value: object, place: str) -> None:
    """A path in an experiment file stays below the folder that the user works in: the file may be somebody else's."""
    if isinstance(value, str) and (Path(value).is_absolute() or ".." in Path(value).parts or "\0" in value):
        raise InputError(place, "leaves the working folder", expected="a relative path without '..'", got=repr(value))


def _budgets(values: list[Any] | None, place: str) -> tuple[Budget, ...]:
    """Whole numbers of records or shares of n, each given once."""
    for i, value in enumerate(values or ()):
        records = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        if not records and not (isinstance(value, float) and 0 < value < 1):
            expected = "records (a whole number ≥ 1) or a share of the records (0 < share < 1)"
            raise InputError(f"{place}[{i}]", "not a budget", expected=expected, got=f"{value!r:.40}")
    _unique(values or [], place, "budget", cure="list each value once")
    return tuple(values or ())


def _name(entry: Mapping[str, Any], key: str, place: str) -> str:
    value = entry.get(key)
    if value is None:
        raise InputError(f"{place}.{key}", "missing key", cure=f"add '{key}: …'")
    if not isinstance(value, str):
        raise InputError(f"{place}.{key}", "not a name", expected="a string", got=repr(value))
    return value


def _unique(values: Iterable[Any], place: str, what: str, cure: str) -> None:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise InputError(place, f"duplicate {what}", expected="distinct values", got=f"{value!r} twice", cure=cure)
        seen.add(value)


def _colon(error: InputError, path: Path) -> InputError:
    """`file: key: …` for a key at the top level, where pydantic's place reads `file.key`."""
    error.args = (error.args[0].replace(f"{path}.", f"{path}: ", 1),)
    return error
