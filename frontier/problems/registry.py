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
from frontier.core.weighting import weighted

NOT_PROBLEMS = ("diagnostics", "registry", "size", "splits")  # what the problems of this folder share
Builder = Callable[..., CalibrationProblem]


def problem_names() -> list[str]:
    """Every registered problem, by file name; each module defines `build`."""
    return module_names("frontier.problems", NOT_PROBLEMS)


def load_problem(name: str, **params: Any) -> CalibrationProblem:
    """The registered problem `name`, built with `params`; `InputError` names an unknown problem or parameter."""
    return build_problem(name, params, place=f"problem '{name}'")


def build_problem(name: str, params: Mapping[str, Any], place: str, folder: Path | None = None) -> CalibrationProblem:
    """The same for an experiment file; `folder` is where its data files are, for a problem that reads any."""
    own, weights = check_problem(name, params, place)
    builder = problem_builder(name, place)
    if "folder" in inspect.signature(builder).parameters:
        own["folder"] = folder
    try:
        problem = builder(**own)
    except MemoryError as error:
        raise InputError(place, f"does not fit into memory: {error}", cure="make it smaller") from None
    try:
        return weighted(problem, **weights) if weights else problem
    except InputError as error:
        raise error.at(place) from None


def check_problem(name: str, params: Mapping[str, Any], place: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters of a problem, checked: its own, and those that every problem has (`frontier.core.weighting`)."""
    builder = problem_builder(name, f"{place}.name")
    common = [key for key in inspect.signature(weighted).parameters if key != "problem"]
    known = [*(key for key in inspect.signature(builder).parameters if key != "folder"), *common]
    unknown = [key for key in params if key not in known]
    if unknown:
        raise InputError(f"{place}.{unknown[0]}", "unknown key", cure=did_you_mean(unknown[0], known))
    own = {key: value for key, value in params.items() if key not in common}
    weights = {key: value for key, value in params.items() if key in common}
    return checked_parameters(builder, own, place, ("folder",)), checked_parameters(
        weighted, weights, place, ("problem",)
    )


@cache
def problem_builder(name: str, place: str = "problem") -> Builder:
    """The `build` function of `frontier/problems/<name>.py`."""
    if name not in problem_names():
        raise InputError(place, f"unknown problem '{name}'", cure=did_you_mean(name, problem_names()))
    builder: Builder = importlib.import_module(f"frontier.problems.{name}").build
    return builder
