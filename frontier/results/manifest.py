"""The manifest of a run or a baseline, read through a schema: whoever has one can rely on what is in it.

Files may come from anybody. What a report, a check or a merge takes from a manifest is of the type that is declared
here, or the file is refused in one line that names the key; keys that are not declared pass unread.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, ValidationError

from frontier.core.errors import InputError
from frontier.core.files import read_limited
from frontier.core.registry import validation_error
from frontier.results.schema import RESULT_FORMAT

LARGEST_JSON_BYTES = 1 << 28

Count = Annotated[int, Ge(0), Le(2**63 - 1)]
Plain = str | int | float | bool | None


class _Facts(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Meta(_Facts):
    heldout_floor: float | None = None
    target_offset: float = 0.0
    source: str = ""


class _Problem(_Facts):
    n_records: Count
    n_targets: Count
    nnz: Count = 0
    name: str = ""
    fingerprint: str = ""
    params: dict[str, Any] = {}
    meta: _Meta = _Meta()
    warnings: list[str] = []


class _Split(_Facts):
    n_train: Count
    n_heldout: Count
    fingerprint: str = ""
    initial_heldout_mare: float | None = None
    initial_heldout_capped_mare: float | None = None
    median_leakage: float | None = None
    max_leakage: float | None = None
    bound_loss: float | None = None
    dense_mare: float | None = None
    rank: int | None = None
    controls: dict[str, dict[str, float | None]] = {}
    sampling: dict[str, float] = {}


class _Method(_Facts):
    name: str
    params: dict[str, Any] = {}


class _Merged(_Facts):
    manifest: str
    batches: list[str]


class _Version(_Facts):
    date: str
    code: str
    label: str
    cells: Count
    failed: Count


class _Manifest(_Facts):
    experiment: str
    problems: dict[str, _Problem]
    splits: dict[str, dict[str, _Split]]
    methods: dict[str, _Method]
    description: str = ""
    limitations: list[str] = []
    plan_fingerprint: str = ""
    code_digest: str = ""
    versions: dict[str, str] = {}
    machine: dict[str, Plain | list[str]] = {}
    jobs: Count = 1
    threads_per_batch: Count = 1
    repeats: Count = 1
    started_unix_seconds: Annotated[float, Ge(0), Le(1e11)] = 0
    cells_not_run: Count = 0
    merged: list[_Merged] = []
    sha256: dict[str, str] = {}
    history: list[_Version] = []
    joined: None = None  # what only several runs in one have
    runs: None = None


def read_manifest(folder: Path, name: str = "manifest.json") -> dict[str, Any]:
    """A manifest of this format, checked; `InputError` for anything else."""
    path = folder / name
    if not path.is_file():
        raise InputError(
            folder, f"no {name}", expected="a results folder", cure="run `python -m frontier.run` first, to its end"
        )
    manifest = read_json(path)
    if manifest.get("format") != RESULT_FORMAT:
        raise InputError(path, "another format version", expected=RESULT_FORMAT, got=manifest.get("format"))
    return checked(manifest, path)


def checked(manifest: dict[str, Any], path: Path) -> dict[str, Any]:
    """The manifest, if all that is read from it is of its type; `InputError` with the key that is not."""
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        raise validation_error(error, str(path)) from None
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
