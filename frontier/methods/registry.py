"""Methods by name: `frontier/methods/nn_lasso.py` is the method `nn_lasso`, so adding one is adding one file.

Installed packages add theirs (`frontier.core.outside`); a class in a file is named by `path/to/file.py:MyMethod`.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from frontier.core.errors import InputError, did_you_mean
from frontier.core.outside import installed_methods, names_a_file
from frontier.core.registry import checked_parameters, module_names
from frontier.methods.base import Method
from frontier.methods.outside import class_in_file, installed_class

NOT_METHODS = (
    "base",
    "exact_size",
    "outside",
    "path",
    "refit",
    "registry",
    "solution",
)  # what the methods of this folder share


def method_names() -> list[str]:
    """Every registered method: ours by file name, peers as `peers.<file>`, then those of installed packages."""
    ours = _names_here()
    return ours + sorted(installed_methods().keys() - set(ours))


def _names_here() -> list[str]:
    names = module_names("frontier.methods", NOT_METHODS)
    return names + [f"peers.{name}" for name in module_names("frontier.methods.peers")]


@cache
def method_class(name: str, place: str = "method") -> type[Method]:
    """The one `Method` defined in `frontier/methods/<name>.py`, or the one that an installed package names.

    Raises `InputError` for a name that nobody registers, or more than one does.
    """
    if name not in method_names():
        raise InputError(place, f"unknown method '{name}'", cure=did_you_mean(name, method_names()))
    if entries := installed_methods().get(name):
        packages = [f"{entry.value} of {entry.dist.name if entry.dist else 'a package'}" for entry in entries]
        if name in _names_here() or len(entries) > 1:
            packages = ["frontier"] * (name in _names_here()) + packages
            cure = "rename or uninstall the other one" if len(entries) == 1 else "uninstall all but one"
            raise InputError(place, f"'{name}' is registered more than once", got=" and ".join(packages), cure=cure)
        return installed_class(entries[0], place)
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
    return configured(method_class(name, place), params, place)


def find_method(name: str, place: str, folder: Path | None = None) -> type[Method]:
    """The method of a registered name, or of a file, which this runs (`frontier.methods.outside`).

    The path of a file is relative to `folder` and stays below it; without a folder it is any path.
    """
    if not names_a_file(name):
        return method_class(name, place)
    cls = class_in_file(name, place, folder)
    class_name(cls, place)  # whatever its label: no second `greg`
    return cls


def configured(cls: type[Method], params: Mapping[str, Any], place: str) -> Method:
    """The method of a class, as `build_method` of a name."""
    values = checked_parameters(cls, params, place)
    try:
        return cls(**values)
    except InputError as error:
        raise error.at(place) from None
    except ValueError as error:  # as a method outside this package may say it
        raise InputError(place, str(error)) from None


def class_name(cls: type[Method], place: str) -> str:
    """What rows and figures call a class: its registered name, or `my_method` for a `MyMethod` of the user's own.

    Raises `InputError` for one that would be called as one of ours.
    """
    ours = _names_here()
    home = cls.__module__.removeprefix("frontier.methods.")
    if home in ours:
        return home
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()
    if name in ours:
        what = f"class {cls.__name__} would be called '{name}', as a method of frontier is"
        raise InputError(place, what, cure="rename the class")
    return name
