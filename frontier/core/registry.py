"""What the registries of methods and problems share: modules found by file name, parameters checked by signature.

Parameters (YAML values or Python keyword arguments) are checked strictly by pydantic against the type hints, so an
unknown or mistyped parameter fails when the experiment is read.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from frontier.core.errors import InputError, did_you_mean


def module_names(package: str, shared: Sequence[str] = ()) -> list[str]:
    """The modules of a package by file name, without what they share and without names that begin with `_`."""
    path = importlib.import_module(package).__path__
    found = (module.name for module in pkgutil.iter_modules(path) if not module.ispkg)
    return sorted(name for name in found if not name.startswith("_") and name not in shared)


def checked_parameters(
    target: Callable[..., Any], params: Mapping[str, Any], place: str, given: tuple[str, ...] = ()
) -> dict[str, Any]:
    """`params` validated against the type hints of `target` (a class or function), lists turned into tuples.

    `given` names the arguments that the caller supplies itself.
    """
    model = _parameter_model(target, given)
    unknown = [name for name in params if name not in model.model_fields]
    if unknown:
        raise unknown_key(target, unknown[0], model.model_fields, place)
    try:
        checked = model.model_validate_json(json.dumps(dict(params), default=_plain))
    except ValidationError as error:
        raise validation_error(error, place) from None
    except TypeError as error:
        raise InputError(place, str(error), expected="plain values") from None
    return {name: getattr(checked, name) for name in checked.model_fields_set}


def unknown_key(target: Callable[..., Any], key: object, known: Iterable[str], place: str) -> InputError:
    """The complaint about a key that `target` does not take: its new name (`target.renamed`), or the nearest."""
    renamed: Mapping[str, str] = getattr(target, "renamed", {})
    cure = renamed.get(str(key))
    return InputError(
        f"{place}.{key}", "renamed" if cure else "unknown key", cure=cure or did_you_mean(str(key), known)
    )


def validation_error(error: ValidationError, place: str) -> InputError:
    """The first complaint of pydantic as one line: place, key, what was expected, what came."""
    first = error.errors(include_url=False)[0]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    if first["type"] == "missing":
        return InputError(f"{place}{key}", "missing key", cure="add it")
    got = first["input"]
    return InputError(f"{place}{key}", first["msg"].lower(), got=f"{got!r:.100} ({type(got).__name__})")


@cache
def _parameter_model(target: Callable[..., Any], given: tuple[str, ...]) -> type[BaseModel]:
    hints = typing.get_type_hints(target)  # of a dataclass its fields, inherited ones read where they are declared
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(target).parameters.items():
        if name in given:
            continue
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[name] = (hints[name], default)
    return create_model("Parameters", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a plain value")
