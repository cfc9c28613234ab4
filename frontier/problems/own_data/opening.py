"""Opening a table: the file is what its name says, of a size that may be read, and its column names are usable."""

from __future__ import annotations

import codecs
import dataclasses
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from frontier.core.errors import InputError
from frontier.problems.own_data import tables
from frontier.problems.own_data.dialect import STANDARD, Dialect
from frontier.problems.own_data.tables import HEADER_BYTES, SHOWN, Table, open_csv, reading

LARGEST_FILE_BYTES = 8 << 30  # what is read in pieces; the CPS file as CSV has 0.04 GB
READERS = {  # of pandas, for files of other programs
    **{".dta": "read_stata", ".sav": "read_spss", ".sas7bdat": "read_sas", ".xpt": "read_sas"},
    **{".xlsx": "read_excel", ".xls": "read_excel", ".ods": "read_excel"},
}
SUFFIXES = (".csv", ".parquet")
LARGEST_COLUMNS = 1_000_000  # of a wide table


def open_table(path: Path, shown: str, dialect: Dialect = STANDARD) -> Table:
    """The table in a `.csv` or `.parquet` file, nothing but its header read; `InputError` for anything else."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        reader, saved = READERS.get(suffix), path.with_suffix(".parquet").name
        cure = reader and f"save it as one: pandas.{reader}({path.name!r}).to_parquet({saved!r})"
        raise InputError(shown, "not a table", expected="a .csv or .parquet file", got=repr(path.suffix), cure=cure)
    check_file(path, shown)
    rows = None
    if suffix == ".csv" and dialect.encoding != STANDARD.encoding and is_utf8(path):
        dialect = dataclasses.replace(dialect, encoding=STANDARD.encoding)
    if suffix == ".csv":
        _check_separator(path, shown, dialect)
    with reading(shown, dialect):
        if suffix == ".csv":
            with open_csv(path, dialect) as reader:
                names = reader.schema.names
        else:
            with pa.parquet.ParquetFile(path) as file:
                rows, names = file.metadata.num_rows, file.schema_arrow.names
            if rows > tables.LARGEST_ROWS:
                raise InputError(shown, "too many rows", expected=f"at most {tables.LARGEST_ROWS:,}", got=f"{rows:,}")
    columns, written = _named(names, shown)
    return Table(path, shown, columns, suffix == ".csv", rows, dialect, written)


def table_of(frame: pd.DataFrame, shown: str) -> Table:
    """The same for a data frame; its index is not a column."""
    for name in frame.columns:
        if not isinstance(name, str):
            raise InputError(shown, "a column name that is not text", got=repr(name)[:SHOWN], cure="rename it")
    columns, written = _named(list(frame.columns), shown)
    with reading(shown, STANDARD):
        found = pa.Table.from_pandas(frame, preserve_index=False)
    return Table(Path(), shown, columns, False, len(frame), written=written, frame=found)


def _named(names: Sequence[str], shown: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Column names in Unicode's NFC, and those that are written otherwise; `InputError` for two that are one."""
    if len(names) > LARGEST_COLUMNS:
        raise InputError(shown, "too many columns", expected=f"at most {LARGEST_COLUMNS:,}", got=f"{len(names):,}")
    columns = tuple(unicodedata.normalize("NFC", name) for name in names)
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise InputError(shown, "two columns of one name", got=repr(twice[0])[:SHOWN], cure="rename one of them")
    return columns, {name: raw for name, raw in zip(columns, names, strict=True) if name != raw}


def _check_separator(path: Path, shown: str, dialect: Dialect) -> None:
    """`InputError` where the header has another separator in it, and not the one it should have."""
    with path.open("rb") as file:
        header = file.readline(HEADER_BYTES)
    if dialect.sep.encode() in header:
        return
    for sign, name in ((b";", "';'"), (b"\t", "tab"), (b"|", "'|'"), (b",", "','")):
        if sign in header:
            raise InputError(shown, f"one column: its header has no '{dialect.sep}'", cure=f"set sep: {name}")


def is_utf8(path: Path) -> bool:
    """Whether a file is UTF-8: an `encoding` is that of files that are not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def check_file(path: Path, shown: str) -> None:
    """`InputError` for what is not a regular file of a size that may be read."""
    try:
        there, size = path.is_file(), path.stat().st_size
    except FileNotFoundError:
        raise InputError(
            shown, "no such file", cure="paths are relative to the YAML file (from Python: to the working folder)"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(shown, f"cannot be read: {error}") from None
    if not there:
        raise InputError(shown, "not a file", expected="a regular file")
    if size > LARGEST_FILE_BYTES:
        raise InputError(shown, "too large", expected=f"at most {LARGEST_FILE_BYTES:,} bytes", got=f"{size:,}")
