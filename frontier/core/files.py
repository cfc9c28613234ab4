"""Files that are either whole or not there, and archives that may come from anybody.

Files are sealed with their digest, replaced in one step, and read within a limit. NumPy archives hold plain numbers
only: a few kilobytes of deflated zeros can unfold to gigabytes, and an array's header can promise more than its file
has, so both are compared with the limit and with each other before anything is allocated. Pickles are refused.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import re
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from frontier.core.errors import InputError

_NOT_AN_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_NOT_A_HEADER = (SyntaxError, tokenize.TokenError, TypeError)  # NumPy parses it as a Python literal


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
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path, written in scratch.items():
            written.replace(path)
    finally:
        for written in scratch.values():
            written.unlink(missing_ok=True)


def stem_of(text: str) -> str:
    """A name for a file or a folder, from any text: what leads elsewhere or is not the same everywhere is a dash."""
    return re.sub(r"[^\w.=+-]+", "-", text).strip("-.") or "unnamed"


def read_arrays(content: bytes, limit_bytes: int) -> dict[str, NDArray[np.generic]]:
    """The arrays of an `.npz` file by name; `ValueError` for anything that is not one, or unfolds beyond the limit."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unfolded = sum(info.file_size for info in archive.infolist())
            if unfolded > limit_bytes:
                raise ValueError(f"unfolds to {unfolded:,} bytes, more than the limit of {limit_bytes:,}")
            return {info.filename.removesuffix(".npy"): _array(archive, info) for info in archive.infolist()}
    except (*_NOT_AN_ARCHIVE, *_NOT_A_HEADER) as error:
        raise ValueError(f"not a NumPy archive: {error}") from None


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[np.generic]:
    with archive.open(info) as member:  # reads no more than the size that was added up, and checks the CRC at its end
        version = npy.read_magic(member)
        if version != (1, 0):  # what NumPy writes for everything stored here
            raise ValueError(f"{info.filename}: array format {version}, expected (1, 0)")
        shape, fortran_order, dtype = npy.read_array_header_1_0(member)
        if dtype.hasobject:
            raise ValueError(f"{info.filename}: holds pickled objects, which are never loaded")
        promised, there = math.prod(shape) * dtype.itemsize, info.file_size - member.tell()
        if promised != there:
            raise ValueError(f"{info.filename}: promises {promised:,} bytes and has {there:,}")
        flat = np.frombuffer(member.read(), dtype=dtype)
    return flat.reshape(shape, order="F" if fortran_order else "C").copy()
