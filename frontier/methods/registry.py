"""Methods by file name: `frontier/methods/nn_lasso.py` is the method `nn_lasso`, so adding one is adding one file."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from frontier.core.errors import InputError, did_you_mean
from frontier.core.registry import checked_parameters, module_names
from frontier.methods.base import Method

NOT_METHODS = ("base", "drive", "path", "refit", "registry", "solution")  # what the methods of this folder share


def method_names() -> list[str]:
    """Every registered method, by file name; peers are named `peers.<file>`."""
    names = module_names("frontier.methods", NOT_METHODS)
    return names + [f"peers.{name}" for name in module_names("frontier.methods.peers")]


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
