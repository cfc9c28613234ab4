"""Problems by file name: `problems/cps_ohio.py` is the problem `cps_ohio`, so adding one is adding one file."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import CalibrationProblem
from frontier.core.registry import checked_parameters, module_names
from frontier.core.resampling import resampled
from frontier.core.weighting import weighted
from frontier.problems.records.auxiliary import counted

NOT_PROBLEMS = ("diagnostics", "registry", "size", "splits")  # what the problems of this folder share
GIVEN = ("folder", "frames")  # arguments of a builder that no experiment file gives
Builder = Callable[..., CalibrationProblem]
# what every problem can be made into, each by parameters of its own
COMMON: tuple[Builder, ...] = (counted, weighted, resampled)


def problem_names() -> list[str]:
    """Every registered problem, by file name; each module defines `build`."""
    return module_names("frontier.problems", NOT_PROBLEMS)


def load_problem(name: str, **params: Any) -> CalibrationProblem:
    """The registered problem `name`, built with `params`; `InputError` names an unknown problem or parameter.

    The problem `files` takes data frames, and a matrix from memory, wherever it takes a path.
    """
    place, frames = f"problem '{name}'", {}
    if "frames" in inspect.signature(problem_builder(name, place)).parameters:
        frames = {key: value for key, value in params.items() if getattr(value, "ndim", 0) == 2}
    return build_problem(name, params | {key: key for key in frames}, place, frames=frames)


def build_problem(
    name: str,
    params: Mapping[str, Any],
    place: str,
    folder: Path | None = None,
    frames: Mapping[str, Any] | None = None,
) -> CalibrationProblem:
    """The same for an experiment file; `folder` is where its data files are, for a problem that reads any."""
    own, common = check_problem(name, params, place)
    builder = problem_builder(name, place)
    given = {"folder": folder, "frames": frames}
    own |= {key: given[key] for key in GIVEN if key in inspect.signature(builder).parameters}
    try:
        problem = builder(**own)
    except MemoryError as error:
        raise InputError(place, f"does not fit into memory: {error}", cure="make it smaller") from None
    try:
        for change, given in zip(COMMON, common, strict=True):
            problem = change(problem, **given) if given else problem
        return problem
    except InputError as error:
        raise error.at(place) from None


def check_problem(name: str, params: Mapping[str, Any], place: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The parameters of a problem, checked: its own, and for each of `COMMON` those that every problem has."""
    builder = problem_builder(name, f"{place}.name")
    keys = [[key for key in inspect.signature(change).parameters if key != "problem"] for change in COMMON]
    common = [key for some in keys for key in some]
    known = [*(key for key in inspect.signature(builder).parameters if key not in GIVEN), *common]
    unknown = [key for key in params if key not in known]
    if unknown:
        raise InputError(f"{place}.{unknown[0]}", "unknown key", cure=did_you_mean(unknown[0], known))
    own = {key: value for key, value in params.items() if key not in common}
    checked = [
        checked_parameters(change, {key: params[key] for key in some if key in params}, place, ("problem",))
        for change, some in zip(COMMON, keys, strict=True)
    ]
    return checked_parameters(builder, own, place, GIVEN), checked


@cache
def problem_builder(name: str, place: str = "problem") -> Builder:
    """The `build` function of `frontier/problems/<name>.py`."""
    if name not in problem_names():
        raise InputError(place, f"unknown problem '{name}'", cure=did_you_mean(name, problem_names()))
    builder: Builder = importlib.import_module(f"frontier.problems.{name}").build
    return builder
