"""An experiment file, read and checked: which methods run at which points on which problems and splits.

Everything that can be wrong with the file is found here, before anything runs, and told in one line with file, key,
what was expected, what came, and the cure.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from frontier.core.bounds import NO_BOUNDS, Bounds, read_bounds
from frontier.core.errors import InputError, did_you_mean
from frontier.core.outside import names_a_file
from frontier.core.registry import validation_error
from frontier.core.yaml_file import read_yaml
from frontier.methods.refit import refit_arm
from frontier.problems.registry import check_problem
from frontier.problems.splits import design_parameters
from frontier.sweep.contrasts import MOST_CONTRASTS, Contrast, read_contrasts
from frontier.sweep.method_entry import (
    LONGEST_LABEL,
    MOST_CELLS,
    MethodSpec,
    check_unique,
    n_points,
    name_in,
    one_method_a_label,
    read_budgets,
    read_method,
)
from frontier.sweep.tune_section import Tune, Tuned

RENAMED = {"time_limit_seconds": "use limits: {seconds: …}"}
SIMPLE = r"[A-Za-z0-9][A-Za-z0-9_.-]*"  # of what is part of a file name
MOST_ENTRIES = 1_000  # of problems, splits or methods: each takes a millisecond or two to check


@dataclass(frozen=True, slots=True)
class ProblemSpec:
    """A registered problem with parameters, under the label that results carry."""

    label: str
    name: str
    params: Mapping[str, Any]
    partition: str | None = None  # a column of its records: a problem for each of its values


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """A hold-out design with parameters."""

    design: str
    params: Mapping[str, Any]


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
    arm, and of the other. All others are exploratory. `bounds` hold for the weights of every row. `tune` says how
    settings are searched (`frontier tune`), `tuned` where those of this file were found.
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
    tune: Tune | None = None
    tuned: tuple[Tuned, ...] = ()


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
    tune: Tune | None = None
    tuned: list[Tuned] = Field(default=[], max_length=MOST_ENTRIES)


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
    check_unique(labels, f"{path}: problems", "label", cure="give each entry its own label")
    splits = tuple(split_spec(entry, f"{path}: splits[{i}]") for i, entry in enumerate(file.splits))
    check_unique(file.refit, f"{path}: refit", "arm", cure="list each arm once")
    for i, arm in enumerate(file.refit):
        if arm != "none":
            refit_arm(arm, f"{path}: refit[{i}]")
    if "none" not in file.refit:
        raise InputError(
            f"{path}: refit", "the arm 'none' is missing", cure="add it: every refit stands beside its fit"
        )
    budgets = read_budgets(file.budgets, f"{path}: budgets")
    bounds = read_bounds(file.bounds, f"{path}: bounds")
    for i, entry in enumerate(file.methods):
        if not run_files and names_a_file(str(entry.get("name"))):
            cure = "add --run-files, if you would run it yourself"
            raise InputError(f"{path}: methods[{i}].name", "a file, which would be run", got=entry["name"], cure=cure)
    methods = tuple(
        read_method(entry, f"{path}: methods[{i}]", labels, budgets, folder) for i, entry in enumerate(file.methods)
    )
    methods = tuple(dataclasses.replace(spec, method=spec.method.told(bounds=bounds)) for spec in methods)
    names = list(dict.fromkeys(method.label for method in methods))
    one_method_a_label(methods, f"{path}: methods")
    cells = file.repeats * sum(n_points(method) * len(method.problems) for method in methods)
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
        tune=file.tune,
        tuned=tuple(file.tuned),
    )


def _check_keys(content: Mapping[Any, Any], model: type[BaseModel], place: str) -> None:
    for key in content:
        if key not in model.model_fields:
            cure = RENAMED.get(str(key)) or did_you_mean(str(key), model.model_fields)
            raise InputError(f"{place}{key}", "unknown key", cure=cure)


def problem_spec(entry: Mapping[str, Any], place: str) -> ProblemSpec:
    """An entry of `problems:`, its parameters checked against the problem's."""
    name = name_in(entry, "name", place)
    label = entry.get("label", name)
    if not (isinstance(label, str) and len(label) <= LONGEST_LABEL and re.fullmatch(SIMPLE, label)):
        expected = f"at most {LONGEST_LABEL} letters, digits, '_', '.', '-'"
        raise InputError(f"{place}.label", "not a label", expected=expected, got=f"{label!r:.60}")
    partition = entry.get("partition")
    if not (partition is None or (isinstance(partition, str) and partition)):
        raise InputError(f"{place}.partition", "not a column", expected="a category of the records", got=partition)
    params = {key: value for key, value in entry.items() if key not in ("name", "label", "partition")}
    check_problem(name, params, place)
    return ProblemSpec(label, name, params, partition)


def split_spec(entry: Mapping[str, Any], place: str) -> SplitSpec:
    """An entry of `splits:`, its parameters checked against the design's."""
    design = name_in(entry, "design", place)
    params = {key: value for key, value in entry.items() if key != "design"}
    design_parameters(design, params, place)
    return SplitSpec(design, params)


def _colon(error: InputError, path: Path) -> InputError:
    """`file: key: …` for a key at the top level, where pydantic's place reads `file.key`."""
    error.args = (error.args[0].replace(f"{path}.", f"{path}: ", 1),)
    return error
