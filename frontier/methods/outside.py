"""Methods outside this package, loaded: from a file of the user's own, or from an installed package.

Loading runs the file, as importing it would: name a file only if you would run it. A file is run as it was read, once
for each text that it has; worker processes are sent that text, so that they run what the results are said to be of.
Its folder is not searched for imports, and only its own text, not that of what it imports, tells its results from
those of an earlier version.
"""

from __future__ import annotations

import copyreg
import dataclasses
import hashlib
import inspect
import sys
import traceback
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

from frontier.core.errors import InputError, did_you_mean
from frontier.core.outside import outside_texts, own_file, own_text
from frontier.core.registry import checked_parameters
from frontier.methods.base import Method

_texts: dict[str, bytes] = {}  # of the files that were run, by the name of their module


def class_in_file(name: str, place: str, folder: Path | None) -> type[Method]:
    """The method `path/to/file.py:MyMethod`, once the file has run; the path is relative to `folder`, and stays below.

    Raises `InputError` for a file that is not there or raises, and for what is not a `Method` in it.
    """
    file = own_file(name, place, folder)
    text = own_text(file, place)
    try:
        module = _module(str(file.path), text)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # the file may do anything
        raised = f"{file.shown}, line {_line(error, file.path)}: raises {type(error).__name__}: {error}"
        raise InputError(place, raised, cure="mend the file") from None
    if file.cls in vars(module):
        return checked_class(vars(module)[file.cls], f"{place}: {file.shown}", module.__name__)
    cure = did_you_mean(file.cls, _classes(module)) if _classes(module) else "derive one from frontier.Method"
    raise InputError(place, f"no class '{file.cls}' in {file.shown}", cure=cure)


def installed_class(entry: EntryPoint, place: str) -> type[Method]:
    """The method that an installed package names; `InputError` for what cannot be imported, or is none."""
    try:
        value = entry.load()
    except Exception as error:  # noqa: BLE001  # the package may do anything
        raised = f"{entry.value} cannot be imported: {type(error).__name__}: {error}"
        raise InputError(place, raised, cure=f"see to the package, or uninstall it: {_package(entry)}") from None
    return checked_class(value, f"{place}: {entry.value}")


def checked_class(value: object, place: str, module: str | None = None) -> type[Method]:
    """`value`, if it is a method that can be configured, defined in `module`; `InputError` for anything else."""
    expected = "a class derived from frontier.Method"
    if not (inspect.isclass(value) and issubclass(value, Method) and value is not Method):
        raise InputError(place, "not a method", expected=expected, got=f"{value!r:.80}")
    if module is not None and value.__module__ != module:
        raise InputError(place, f"'{value.__name__}' is imported there", expected=f"{expected} in this file")
    if "__dataclass_params__" not in vars(value):
        cure = f"put @dataclass(frozen=True, kw_only=True) above {value.__name__}"
        raise InputError(place, "not a dataclass", expected="a frozen dataclass", cure=cure)
    try:
        checked_parameters(value, {}, place)
    except InputError:
        pass  # parameters without a default
    except Exception as error:  # noqa: BLE001  # NameError, TypeError, several of pydantic's: as its annotations are
        said = f"the types of its parameters cannot be read: {type(error).__name__}: {error}"
        raise InputError(place, said, cure="annotate them as numbers, texts, truth values, or tuples of them") from None
    return value


def texts_of(name: str, method: Method) -> tuple[bytes, ...]:
    """The text that a configured method was made from, for `results.provenance`; empty for one of this package."""
    text = _texts.get(type(method).__module__)
    return outside_texts(name, Path()) if text is None else (text,)


@cache
def _module(path: str, text: bytes) -> ModuleType:
    """The module that a text makes: under a name of its own, where dataclasses and type hints look for it."""
    module = ModuleType("frontier_own_" + hashlib.sha256(path.encode() + b"\0" + text).hexdigest()[:16])
    module.__file__ = path
    sys.modules[module.__name__] = module
    try:
        exec(compile(text, path, "exec", dont_inherit=True), vars(module))
    except BaseException:
        del sys.modules[module.__name__]
        raise
    _texts[module.__name__] = text
    for cls in _classes(module).values():
        copyreg.pickle(cls, _reduced)
    return module


def _classes(module: ModuleType) -> dict[str, type[Method]]:
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, Method) and value.__module__ == module.__name__
    }


def _reduced(method: Method) -> tuple[Any, ...]:
    """How a method of a file is sent to another process: as the text that makes it, and its parameters."""
    module = sys.modules[type(method).__module__]
    values = {field.name: getattr(method, field.name) for field in dataclasses.fields(method) if field.init}
    name = next(name for name, cls in _classes(module).items() if cls is type(method))
    return _made_again, (module.__file__, _texts[module.__name__], name, values)


def _made_again(path: str, text: bytes, cls: str, values: Mapping[str, Any]) -> Method:
    found: type[Method] = vars(_module(path, text))[cls]
    return found(**values)


def _line(error: BaseException, path: Path) -> int | None:
    """The line of the file at which an exception came out of it."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.module
