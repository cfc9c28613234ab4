"""Files that are either whole or not there: sealed with their digest, replaced in one step, read within a limit."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from frontier.errors import InputError


def sealed(content: bytes) -> bytes:
    """`content` followed by its sha256 (32 bytes), which zip readers ignore."""
    return content + hashlib.sha256(content).digest()


def unsealed(content: bytes) -> bytes:
    """The content of a sealed file; `ValueError` when a bit of it is not what was written."""
    body, digest = content[:-32], content[-32:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("checksum mismatch: truncated, altered or not written by frontier")
    return body


def read_limited(path: Path, limit_bytes: int) -> bytes:
    """The content of a file of at most `limit_bytes`; `InputError` for a larger one, which is not read."""
    with path.open("rb") as file:
        content = file.read(limit_bytes + 1) if os.fstat(file.fileno()).st_size <= limit_bytes else None
    if content is None or len(content) > limit_bytes:  # a pipe has no size until it is read
        raise InputError(path, "too large", expected=f"at most {limit_bytes:,} bytes", got=f"{path.stat().st_size:,}")
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` so that `path` is either the old file or the whole new one, also after a kill or a power cut."""
    write_together({path: content})


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write every file whole before any takes its place: what fails while writing leaves all old files as they were."""
    scratch = {path: path.with_name(f".{path.name}.{os.getpid()}.tmp") for path in files}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with scratch[path].open("wb") as file:
                _write(file, content)
        for path, written in scratch.items():
            written.replace(path)
    finally:
        for written in scratch.values():
            written.unlink(missing_ok=True)


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
