"""Methods outside this package: how they are named, where their code is, and its text. Nothing here runs any of it.

A class in a file is named `path/to/file.py:MyMethod`. An installed package names its methods in the entry point group
`frontier.methods`, each as `name = "package.module:MyMethod"`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from frontier.core.errors import InputError
from frontier.core.files import read_limited

GROUP = "frontier.methods"
LARGEST_FILE_BYTES = 1 << 20
EXPECTED = "path/to/file.py:MyMethod"


class OwnFile(NamedTuple):
    """A class in a file: the file, its name in messages, the name of the class."""

    path: Path
    shown: str
    cls: str


def names_a_file(name: str) -> bool:
    """Whether a method's name is that of a file, rather than a registered one."""
    return re.search(r"\.py(:|$)", name) is not None


def own_file(name: str, place: str, folder: Path | None) -> OwnFile:
    """The file and class that `name` names; below `folder`, where there is one, and else anywhere.

    Raises `InputError` for a name without a class, and for a path that leaves `folder`.
    """
    path, _, cls = name.rpartition(":")
    if not (path.endswith(".py") and cls.isidentifier() and name.isprintable()):
        raise InputError(place, "not a class in a file", expected=EXPECTED, got=repr(name))
    if folder is not None and (Path(path).is_absolute() or ".." in Path(path).parts):
        raise InputError(
            place,
            "leaves the folder of the experiment file",
            expected="a relative path without '..'",
            got=repr(path),
            cure="put the file beside the experiment file, or a link to it",
        )
    return OwnFile(((folder or Path()) / path).absolute(), path, cls)


def own_text(file: OwnFile, place: str) -> bytes:
    """The text of the file; `InputError` where there is none to be read."""
    try:
        return read_limited(file.path, LARGEST_FILE_BYTES)
    except FileNotFoundError:
        raise InputError(place, f"no such file: {file.shown}", cure="check the path") from None
    except InputError:
        expected = f"at most {LARGEST_FILE_BYTES:,} bytes"
        raise InputError(place, f"{file.shown} is too large", expected=expected) from None
    except OSError as error:
        raise InputError(place, f"{file.shown} cannot be read: {error.strerror}", expected="a Python file") from None


@cache
def installed_methods() -> dict[str, list[EntryPoint]]:
    """The methods that installed packages name, with every package that does; none of them is imported."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in sorted(set(entry_points(group=GROUP)), key=lambda entry: (entry.name, entry.value)):
        found.setdefault(entry.name, []).append(entry)
    return found


def outside_texts(name: str, folder: Path) -> tuple[bytes, ...]:
    """The text behind a method's name: its file, or all files of the package that it is installed with.

    Empty for a method of this package, and where nothing can be read.
    """
    if names_a_file(name):
        try:
            return (own_text(own_file(name, "method", folder), "method"),)
        except InputError:
            return ()
    entries = installed_methods().get(name, [])
    spec = find_spec(entries[0].module.partition(".")[0]) if entries else None
    if spec is None:
        return ()
    places = spec.submodule_search_locations
    files = [Path(spec.origin or "")] if not places else [f for p in places for f in sorted(Path(p).rglob("*.py"))]
    return tuple(file.read_bytes() for file in files if file.is_file())
