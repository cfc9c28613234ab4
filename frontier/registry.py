"""Problems and methods by file name, and their parameters checked against their signatures.

`frontier/methods/fista.py` is the method `fista`; `frontier/problems/cps_ohio.py` is the problem `cps_ohio`. Adding one
is adding one file. Parameters (YAML values or Python keyword arguments) are checked strictly by pydantic against the
type hints, so an unknown or mistyped parameter fails when the experiment is read.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import typing
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from frontier.errors import InputError, did_you_mean
from frontier.methods.base import Method
from frontier.problem import CalibrationProblem
from frontier.weighting import weighted

Builder = Callable[..., CalibrationProblem]


def problem_names() -> list[str]:
    """Every registered problem: the modules of `frontier.problems` that define `build`, by file name."""
    return _modules("frontier.problems")


def method_names() -> list[str]:
    """Every registered method, by file name; peers are named `peers.<file>`."""
    names = [name for name in _modules("frontier.methods") if name != "base"]
    return names + [f"peers.{name}" for name in _modules("frontier.methods.peers")]


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
    """The parameters of a problem, checked: its own, and those that every problem has (`frontier.weighting`)."""
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


@cache
def method_class(name: str, place: str = "method") -> type[Method]:
    """The one `Method` defined in `frontier/methods/<name>.py`."""
    if name not in method_names():
        raise InputError(place, f"unknown method '{name}'", cure=did_you_mean(name, method_names()))
    module = importlib.import_module(f"frontier.methods.{name}")
    found: list[type[Method]] = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Method) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define exactly one Method, found {len(found)}")
    return found[0]


def build_method(name: str, params: Mapping[str, Any], place: str) -> Method:
    """A configured method; every wrong parameter is one `InputError` that names `place` and the parameter."""
    cls = method_class(name, place)
    values = checked_parameters(cls, params, place)
    try:
        return cls(**values)
    except InputError as error:
        raise error.at(place) from None


def checked_parameters(
    target: Callable[..., Any], params: Mapping[str, Any], place: str, given: tuple[str, ...] = ()
) -> dict[str, Any]:
    """`params` validated against the type hints of `target` (a class or function), lists turned into tuples.

    `given` names the arguments that the caller supplies itself.
    """
    model = _parameter_model(target, given)
    unknown = [name for name in params if name not in model.model_fields]
    if unknown:
        raise InputError(f"{place}.{unknown[0]}", "unknown key", cure=did_you_mean(unknown[0], model.model_fields))
    try:
        checked = model.model_validate_json(json.dumps(dict(params), default=_plain))
    except ValidationError as error:
        raise validation_error(error, place) from None
    except TypeError as error:
        raise InputError(place, str(error), expected="plain values") from None
    return {name: getattr(checked, name) for name in checked.model_fields_set}


def validation_error(error: ValidationError, place: str) -> InputError:
    """The first complaint of pydantic as one line: place, key, what was expected, what came."""
    first = error.errors(include_url=False)[0]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    if first["type"] == "missing":
        return InputError(f"{place}{key}", "missing key", cure="add it")
    got = first["input"]
    return InputError(f"{place}{key}", first["msg"].lower(), got=f"{got!r} ({type(got).__name__})")


@cache
def _parameter_model(target: Callable[..., Any], given: tuple[str, ...]) -> type[BaseModel]:
    hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(target).parameters.items():
        if name in given:
            continue
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[name] = (hints[name], default)
    return create_model("Parameters", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _modules(package: str) -> list[str]:
    path = importlib.import_module(package).__path__
    return sorted(m.name for m in pkgutil.iter_modules(path) if not m.ispkg and not m.name.startswith("_"))


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a plain value")
