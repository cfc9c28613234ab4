"""An experiment file, read and checked: which methods run at which points on which problems and splits.

Everything that can be wrong with the file is found here, before anything runs, and told in one line with file, key,
what was expected, what came, and the cure.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from frontier.errors import InputError, did_you_mean
from frontier.methods.base import Method, Point
from frontier.registry import build_method, check_problem, method_class, validation_error
from frontier.splits import design_parameters

RESERVED = ("name", "label", "problems", "lam", "budget", "seeds")  # keys of a method entry that are not parameters


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
    """A configured method, its points, and the labels of the problems it runs on."""

    label: str
    name: str
    method: Method
    points: tuple[Point, ...]
    problems: tuple[str, ...]

    @property
    def params(self) -> dict[str, Any]:
        return dataclasses.asdict(self.method)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A checked experiment file; `text` is the file as read, for provenance.

    `repeats` solves every cell that often, for its timings; `timing` "clean" refuses runs on more than one process.
    """

    name: str
    description: str
    limitations: tuple[str, ...]
    threads: int
    repeats: int
    timing: Literal["any", "clean"]
    problems: tuple[ProblemSpec, ...]
    splits: tuple[SplitSpec, ...]
    methods: tuple[MethodSpec, ...]
    text: str


class _File(BaseModel):
    """The top level of an experiment file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: str = ""
    limitations: list[str] = []
    threads: int = Field(default=1, ge=1, le=1024)
    repeats: int = Field(default=1, ge=1, le=100)
    timing: Literal["any", "clean"] = "any"
    problems: list[dict[str, Any]] = Field(min_length=1)
    splits: list[dict[str, Any]] = Field(default=[{"design": "default"}], min_length=1)
    methods: list[dict[str, Any]] = Field(min_length=1)


class _Grid(BaseModel):
    """The reserved keys of a method entry."""

    model_config = ConfigDict(strict=True)

    label: str | None = Field(default=None, min_length=1)
    problems: list[str] | None = Field(default=None, min_length=1)
    lam: list[float] | None = Field(default=None, min_length=1)
    budget: list[int] | None = Field(default=None, min_length=1)
    seeds: list[int] | None = Field(default=None, min_length=1)


def read_experiment(path: Path | str) -> Experiment:
    """The experiment in a YAML file; raises `InputError` for anything in it that could not run."""
    path = Path(path)
    text = _read(path)
    content = _parse(text, path)
    unknown = [str(key) for key in content if key not in _File.model_fields]
    if unknown:
        raise InputError(f"{path}: {unknown[0]}", "unknown key", cure=did_you_mean(unknown[0], _File.model_fields))
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        raise _colon(validation_error(error, str(path)), path) from None
    problems = tuple(_problem(entry, f"{path}: problems[{i}]") for i, entry in enumerate(file.problems))
    labels = [problem.label for problem in problems]
    _unique(labels, f"{path}: problems", "label", cure="give each entry its own label")
    splits = tuple(_split(entry, f"{path}: splits[{i}]") for i, entry in enumerate(file.splits))
    methods = tuple(_method(entry, f"{path}: methods[{i}]", labels) for i, entry in enumerate(file.methods))
    _unique([m.label for m in methods], f"{path}: methods", "label", cure="give each entry its own label")
    return Experiment(
        name=file.name or path.stem,
        description=" ".join(file.description.split()),
        limitations=tuple(" ".join(text.split()) for text in file.limitations),
        threads=file.threads,
        repeats=file.repeats,
        timing=file.timing,
        problems=problems,
        splits=splits,
        methods=methods,
        text=text,
    )


def _problem(entry: dict[str, Any], place: str) -> ProblemSpec:
    name = _name(entry, "name", place)
    label = entry.get("label", name)
    if not (isinstance(label, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", label)):
        raise InputError(f"{place}.label", "not a label", expected="letters, digits, '_', '.', '-'", got=repr(label))
    params = {key: value for key, value in entry.items() if key not in ("name", "label")}
    check_problem(name, params, place)
    return ProblemSpec(label, name, params)


def _split(entry: dict[str, Any], place: str) -> SplitSpec:
    design = _name(entry, "design", place)
    params = {key: value for key, value in entry.items() if key != "design"}
    design_parameters(design, params, place)
    return SplitSpec(design, params)


def _method(entry: dict[str, Any], place: str, problem_labels: list[str]) -> MethodSpec:
    name = _name(entry, "name", place)
    known = [*RESERVED, *(field.name for field in dataclasses.fields(method_class(name, f"{place}.name")))]
    unknown = [key for key in entry if key not in known]
    if unknown:
        raise InputError(f"{place}.{unknown[0]}", "unknown key", cure=did_you_mean(str(unknown[0]), known))
    try:
        grid = _Grid.model_validate({key: entry[key] for key in RESERVED[1:] if key in entry})
    except ValidationError as error:
        raise validation_error(error, place) from None
    for key in ("lam", "budget", "seeds"):
        _unique(getattr(grid, key) or [], f"{place}.{key}", key, cure="list each value once")
    for label in grid.problems or ():
        if label not in problem_labels:
            raise InputError(
                f"{place}.problems", f"unknown problem '{label}'", cure=did_you_mean(label, problem_labels)
            )
    method = build_method(name, {key: value for key, value in entry.items() if key not in RESERVED}, place)
    if grid.seeds and not method.stochastic:
        raise InputError(f"{place}.seeds", f"'{name}' is deterministic", cure="drop seeds")
    points = _points(grid, place)
    try:
        method.check(points)
    except InputError as error:
        raise error.at(place) from None
    return MethodSpec(grid.label or name, name, method, points, tuple(grid.problems or problem_labels))


def _points(grid: _Grid, place: str) -> tuple[Point, ...]:
    lams: list[float | None] = [*grid.lam] if grid.lam else [None]
    budgets: list[int | None] = [*grid.budget] if grid.budget else [None]
    seeds: list[int | None] = [*grid.seeds] if grid.seeds else [None]
    points = []
    if grid.lam and grid.budget:
        raise InputError(f"{place}.budget", "both lam and budget", expected="one of them", cure="use two entries")
    for lam, budget, seed in itertools.product(lams, budgets, seeds):
        try:
            points.append(Point(lam=lam, budget=budget, seed=seed))
        except InputError as error:
            raise error.at(place) from None
    return tuple(points)


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


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(path, "no such file", cure="check the path; experiments live in experiments/") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read: {error}", expected="a UTF-8 YAML file") from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise InputError(path, f"not valid YAML: {error}", cure="fix the syntax") from None
    except (RecursionError, ValueError) as error:
        raise InputError(path, f"not valid YAML: {type(error).__name__} {error}", cure="fix the value") from None
    if not isinstance(content, dict):
        raise InputError(path, "not an experiment", expected="a mapping with problems and methods", got=type(content))
    return content


class _Loader(yaml.SafeLoader):
    """The safe loader, with YAML 1.2 floats (1e-7 is a number) and without silently repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is not a string", node.start_mark)
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} given twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*)(\.\d*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)
