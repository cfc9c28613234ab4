"""NumPy archives that may come from anybody: read within a declared limit, plain numbers only.

A few kilobytes of deflated zeros can unfold to gigabytes, and an array's header can promise more than its file has, so
both are compared with the limit and with each other before anything is allocated. Pickles are refused.
"""

from __future__ import annotations

import io
import math
import tokenize
import zipfile
import zlib

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

NOT_AN_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
NOT_A_HEADER = (SyntaxError, tokenize.TokenError, TypeError)  # NumPy parses it as a Python literal


def read_arrays(content: bytes, limit_bytes: int) -> dict[str, NDArray[np.generic]]:
    """The arrays of an `.npz` file by name; `ValueError` for anything that is not one, or unfolds beyond the limit."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unfolded = sum(info.file_size for info in archive.infolist())
            if unfolded > limit_bytes:
                raise ValueError(f"unfolds to {unfolded:,} bytes, more than the limit of {limit_bytes:,}")
            return {info.filename.removesuffix(".npy"): _array(archive, info) for info in archive.infolist()}
    except (*NOT_AN_ARCHIVE, *NOT_A_HEADER) as error:
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
