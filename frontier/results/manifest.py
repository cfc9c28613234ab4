"""The manifest of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from frontier.core.errors import InputError
from frontier.core.files import read_limited
from frontier.results.schema import RESULT_FORMAT

LARGEST_JSON_BYTES = 1 << 28


def read_manifest(folder: Path, name: str = "manifest.json") -> dict[str, Any]:
    """A manifest of this format; `InputError` for anything else."""
    path = folder / name
    if not path.is_file():
        raise InputError(
            folder, f"no {name}", expected="a results folder", cure="run `python -m frontier.run` first, to its end"
        )
    manifest = read_json(path)
    if manifest.get("format") != RESULT_FORMAT:
        raise InputError(path, "another format version", expected=RESULT_FORMAT, got=manifest.get("format"))
    return manifest


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, or an `InputError`."""
    try:
        content = json.loads(read_limited(path, LARGEST_JSON_BYTES).decode("utf-8"))
    except InputError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            path, f"cannot be read: {error}", cure="restore it, or delete it and run again: batches are kept"
        ) from None
    if not isinstance(content, dict):
        raise InputError(path, "not a JSON object", got=type(content).__name__)
    return content
