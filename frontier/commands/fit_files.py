"""One problem fitted by one method, as `python -m frontier fit` does it: what is read, what is written, what is said.

Written are the weights (the record's id, weight, active) and, beside them, a table with a row per target. Both files
are written whole before either takes its place, so that what fails leaves earlier ones as they were.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from frontier.commands.command_line import print_lines
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError, some
from frontier.core.files import write_together
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.yaml_file import read_value, read_yaml
from frontier.methods.solution import Solution
from frontier.objectives.design import relative_residual
from frontier.objectives.interval import within
from frontier.objectives.weight_statistics import active_records
from frontier.problems.own_data.export import TableFormat, as_table
from frontier.problems.own_data.opening import SUFFIXES
from frontier.problems.records.variables import emptied, record_table
from frontier.problems.registry import build_problem, load_problem, problem_names
from frontier.sweep.experiment import ProblemSpec, problem_spec
from frontier.sweep.scoring import Row, evaluate


def read_problem_file(path: Path) -> tuple[ProblemSpec, CalibrationProblem]:
    """The problem in a YAML file: the keys of an entry of `problems:`, also under `problem:` or in an experiment."""
    if path.suffix.lower() in SUFFIXES:
        cure = f"`python -m frontier new-problem {path}` writes one"
        raise InputError(path, "a table, not a problem", expected="a YAML file that names it", cure=cure)
    _, content = read_yaml(path, "a problem", cure="check the path")
    entry, place = content, f"{path}: problem"
    if "problems" in content:
        problems = content["problems"]
        if not isinstance(problems, list) or len(problems) != 1 or not isinstance(problems[0], dict):
            got = len(problems) if isinstance(problems, list) else type(problems).__name__
            cure = "write the entry into a file of its own"
            raise InputError(f"{path}: problems", "not one problem", expected="a list of one entry", got=got, cure=cure)
        entry, place = problems[0], f"{path}: problems[0]"
    elif isinstance(content.get("problem"), dict) and len(content) == 1:
        entry = content["problem"]
    spec = problem_spec(entry, place)
    return spec, build_problem(spec.name, spec.params, place, path.parent)


def read_problem(text: str) -> tuple[str, ProblemSpec, CalibrationProblem]:
    """A problem by the path of its YAML file or by its registered name: what to call it, its entry, itself."""
    if text in problem_names() and not Path(text).exists():
        return text, ProblemSpec(text, text, {}), load_problem(text)
    spec, problem = read_problem_file(Path(text))
    return spec.label, spec, problem


def read_settings(settings: Sequence[str], place: str = "--set") -> dict[str, Any]:
    """`name=value` texts as method parameters; values are read as in YAML."""
    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (name and equals):
            raise InputError(place, "not a setting", expected="name=value", got=repr(setting))
        if name in found:
            raise InputError(place, f"'{name}' is set twice", cure="set it once")
        found[name] = read_value(text, f"{place} {name}")
    return found


def read_budget(text: str) -> int | float:
    """A number of records, or a share of them."""
    value = read_value(text, "--budget")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError("--budget", "not a budget", expected="records, or a share below 1", got=repr(text))
    return value


def read_share(text: str, place: str) -> float:
    """A share, as 0.01 or 1%."""
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        return float(number) / (100 if percent else 1)
    except ValueError:
        raise InputError(place, "not a share", expected="a share, as 0.01 or 1%", got=repr(text)) from None


@dataclass(frozen=True, slots=True)
class Output:
    """The two files of a fit, and their format."""

    weights: Path
    targets: Path
    kind: TableFormat

    def write(self, weights: pd.DataFrame, targets: pd.DataFrame) -> None:
        """Write both, or neither."""
        write_together({self.targets: as_table(targets, self.kind), self.weights: as_table(weights, self.kind)})


def output(path: Path, spec: ProblemSpec, folder: Path) -> Output:
    """Where a fit is written; refused, before anything is solved, where it cannot be, or is a file of the problem."""
    targets = path.with_name(f"{path.stem}_targets{path.suffix}")
    return Output(path, targets, writable([path, targets], spec, folder))


def writable(files: Sequence[Path], spec: ProblemSpec, folder: Path) -> TableFormat:
    """The format of tables in one folder, by the suffix of the first; refused where one of them cannot be written."""
    path = files[0]
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError("--out", "not a table", expected="a .csv or .parquet file", got=repr(str(path)))
    inputs = {
        (folder / value).resolve() for value in spec.params.values() if isinstance(value, str) and "\0" not in value
    }
    for file in files:
        if file.is_dir():
            raise InputError(file, "cannot be written: a folder")
        if file.resolve() in inputs:
            raise InputError(file, "would replace a file of the problem", cure="give --out another name")
    check_folder_of(path)
    return cast(TableFormat, suffix.removeprefix("."))


def check_folder_of(path: Path) -> None:
    """`InputError` where a file cannot come to be: what its folder would be made in is none to write to."""
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(path, f"cannot be written: {above} is no folder to write to")


def category_warnings(problem: CalibrationProblem, weights: FloatArray) -> tuple[str, ...]:
    """A line where categories of the file have no record left."""
    table = record_table(problem)
    lost = () if table is None else emptied(table, problem.w0, np.where(active_records(weights), weights, 0.0))
    if not lost:
        return ()
    what = "1 category of the file has" if len(lost) == 1 else f"{len(lost):,} categories of the file have"
    return (f"{what} no record left: {some(lost)}",)


def id_column(spec: ProblemSpec) -> str:
    """What the problem's own data call the id of a record; `record` where they have none, or a name used otherwise."""
    name = spec.params.get("id")
    return name if isinstance(name, str) and name not in ("weight", "active") else "record"


def method_in_words(solution: Solution) -> str:
    """The method, and what its records were weighted again from."""
    again = {"none": "", "initial": ", refit from the initial weights"}.get(solution.refit, ", refit")
    return f"{solution.method}{again}"


def summary(problem: CalibrationProblem, split: Split, solution: Solution) -> list[tuple[str, str]]:
    """What came out of a fit, as pairs of name and value for people."""
    row = evaluate(problem, split, solution)
    status = ("status", f"{solution.status}, {solution.status.meaning}")
    assert solution.weights is not None
    said = [*rounding_in_words(problem, split, solution.weights), *negative_in_words(solution.weights)]
    said += integer_in_words(solution)
    return [*weights_in_words(problem, split, row), *said, ("certificate", _certificate(row)), status]


def weights_in_words(problem: CalibrationProblem, split: Split, row: Row) -> list[tuple[str, str]]:
    """Size, effective sample, total and errors of the weights that a metrics row is of, beside those of w0."""
    at_w0 = np.abs(relative_residual(problem, problem.w0))
    lines = [
        ("records kept", f"{row['n_active']:,} of {problem.n_records:,}"),
        ("effective sample", f"{row['ess']:,.0f} records, largest weight {row['max_weight_ratio']:,.3g} times w0"),
        ("total weight", f"{row['total_weight']:,.0f}, at w0 {problem.w0.sum():,.0f}"),
    ]
    for side, mask in (("train", split.train), ("heldout", split.heldout)):
        if mask.any():
            error = f"mean {row[f'{side}_mare']:.3%}, largest {row[f'{side}_max_are']:.3%}"
            before = f"at w0 mean {at_w0[mask].mean():.3%}, largest {at_w0[mask].max():.3%}"
            name = "error, fitted" if side == "train" else "error, held out"
            lines.append((name, f"{error} ({mask.sum():,} targets; {before})"))
    return lines


def rounding_in_words(problem: CalibrationProblem, split: Split, weights: FloatArray) -> list[tuple[str, str]]:
    """How many fitted targets are met within their tolerances, where they have any."""
    if problem.tolerance is None:
        return []
    return [("within rounding", f"{within(problem, weights)[split.train].sum():,} of {split.train.sum():,} targets")]


def negative_in_words(weights: FloatArray) -> list[tuple[str, str]]:
    """How many weights are negative, where some are (asked for)."""
    count = int(np.count_nonzero(weights < 0))
    return [("negative weights", f"{count:,}, the smallest {weights.min():,.6g}")] if count else []


def integer_in_words(solution: Solution) -> list[tuple[str, str]]:
    """How far rounding to whole numbers moved the totals, where it was asked for."""
    if "mean_rounding" not in solution.claims:
        return []
    mean, worst = solution.claims["mean_rounding"], solution.claims["worst_rounding"]
    return [("integer weights", f"which moves the totals by mean {mean:.3%}, largest {worst:.3%}")]


def print_pairs(lines: Sequence[tuple[str, str]]) -> None:
    """Pairs of name and value in two columns on standard output, unwrapped."""
    print_lines(f"{name:<17} {value}" for name, value in lines)


def _certificate(row: Mapping[str, Any]) -> str:
    if row["certified"] is None:
        return "none: this method has no bound on how much better other weights could be"
    return f"relative gap {row['relative_gap']:.1e}, {'confirmed' if row['certified'] else 'refused'}"
