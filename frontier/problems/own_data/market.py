"""Matrix Market files of anybody's: coordinate or array format, real, integer or pattern, gzipped or not.

Format: Boisvert, Pozo & Remington 1996 (NISTIR 5935). `scipy.io.mmread` is not used: a damaged file, or a stream that
raises an exception, was seen to end the process in its parser. Read in blocks; what the header promises is compared
with what is expected and allowed before anything is allocated. Symmetric storage makes no sense for targets × records.
"""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray

HEADER_BYTES = 1 << 20  # of everything before the entries, comments included
LINE_BYTES = 100  # of an entry: two integers and a number
BLOCK_BYTES = 16 << 20
FIELDS = ("real", "double", "integer", "unsigned-integer", "pattern")


def read_market(path: Path, check_shape: Callable[[tuple[int, int]], None], most_entries: int) -> sp.coo_array:
    """The matrix in a Matrix Market file; `ValueError` for anything else, or more than `most_entries`.

    `check_shape` is called with what the header promises, and raises what it likes.
    """
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    with cast(BinaryIO, opener(path, "rb")) as stream:
        kind, field, sizes = _header(stream)
        rows, columns = sizes[:2]
        check_shape((rows, columns))
        entries = sizes[2] if kind == "coordinate" else rows * columns
        if entries > most_entries:
            raise ValueError(f"promises {entries:,} entries, more than the limit of {most_entries:,}")
        width = 1 if kind == "array" else 2 if field == "pattern" else 3
        parts = [np.empty(0)]
        count = 0
        for block in _blocks(stream, LINE_BYTES * entries + HEADER_BYTES):
            parts.append(_numbers(block))
            count += len(parts[-1])
            if count > width * entries:
                break
    if count != width * entries:
        raise ValueError(f"promises {entries:,} entries, and has {'more' if count > width * entries else 'fewer'}")
    found = np.concatenate(parts)
    if kind == "array":
        return sp.coo_array(found.reshape((rows, columns), order="F"))
    found = found.reshape(entries, width)
    data = found[:, 2] if width == 3 else np.ones(entries)
    return sp.coo_array((data, (_index(found[:, 0], rows), _index(found[:, 1], columns))), shape=(rows, columns))


def _header(stream: BinaryIO) -> tuple[str, str, tuple[int, ...]]:
    """Format, field and sizes."""
    left = HEADER_BYTES

    def line() -> str:
        nonlocal left
        text = stream.readline(left)
        left -= len(text)
        if not text.endswith(b"\n"):
            raise ValueError("no Matrix Market header")
        return text.decode("utf-8").strip()

    words = line().lower().split()
    if len(words) != 5 or words[:2] != ["%%matrixmarket", "matrix"]:
        raise ValueError("no Matrix Market header")
    kind, field, symmetry = words[2:]
    if kind not in ("coordinate", "array") or field not in FIELDS or (kind, field) == ("array", "pattern"):
        raise ValueError(f"a {field} matrix in {kind} format, expected real numbers in coordinate or array format")
    if symmetry != "general":
        raise ValueError(f"{symmetry} storage, expected 'general'")
    text = line()
    while not text or text.startswith("%"):
        text = line()
    sizes = text.split()
    wanted = 3 if kind == "coordinate" else 2
    if len(sizes) != wanted or not all(size.isascii() and size.isdigit() and len(size) < 19 for size in sizes):
        raise ValueError(f"sizes {text[:40]!r}, expected {wanted} whole numbers")
    return kind, field, tuple(int(size) for size in sizes)


def _blocks(stream: BinaryIO, limit: int) -> Iterator[bytes]:
    """The rest of the stream in whole lines."""
    rest = b""
    while chunk := stream.read(BLOCK_BYTES):
        limit -= len(chunk)
        if limit < 0:
            raise ValueError("more text than the entries that its header promises")
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        yield whole + newline
    yield rest


def _numbers(text: bytes) -> FloatArray:
    if not text.strip():
        return np.empty(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # what does not parse to its end
        try:
            return np.fromstring(text.decode("ascii"), dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError):  # of NumPy before and since 2.3
            raise ValueError("an entry that is not a number") from None


def _index(numbers: FloatArray, size: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Indices from 1 as indices from 0."""
    if not ((numbers >= 1) & (numbers <= size) & (numbers == np.floor(numbers))).all():
        raise ValueError(f"an index that is not a whole number from 1 to {size:,}")
    return numbers.astype(np.int64) - 1
