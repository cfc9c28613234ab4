"""Any problem as files that the problem `files` reads back exactly: the same fingerprint, through every format.

Written are the target list, the record list, the estimate matrix and `problem.yaml`, which `frontier.fit` takes and
which is an entry that an experiment can have under `problems:`. Of `meta` come only the families that are held out.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.io
import scipy.sparse as sp
import yaml

from frontier.core.errors import InputError
from frontier.core.files import write_atomically
from frontier.core.problem import CalibrationProblem

MatrixFormat = Literal["npz", "mtx", "mtx.gz", "long", "wide"]
TableFormat = Literal["csv", "parquet"]
MATRICES: tuple[MatrixFormat, ...] = ("npz", "mtx", "mtx.gz", "long", "wide")
TABLES: tuple[TableFormat, ...] = ("csv", "parquet")


def write_problem(
    problem: CalibrationProblem, folder: Path | str, *, matrix: MatrixFormat = "npz", tables: TableFormat = "csv"
) -> Path:
    """Write `problem` into `folder`, made if missing; the path of its `problem.yaml`.

    matrix  npz (SciPy), mtx or mtx.gz (Matrix Market), long (a row per entry) or wide (a row per record) table
    tables  format of the lists, and of a long or wide matrix

    Raises `InputError` for an unknown format, or a folder that cannot be written.
    """
    for name, value, known in (("matrix", matrix, MATRICES), ("tables", tables, TABLES)):
        if value not in known:
            raise InputError(name, "unknown format", expected=" or ".join(known), got=repr(value))
    folder = Path(folder)
    ids = record_ids(problem)
    targets = {"name": problem.target_names, "value": problem.y, "family": problem.families}
    given = {"group": problem.groups, "stratum": problem.strata, "q": problem.q}
    design = {name: values for name, values in given.items() if values is not None}
    records = {"id": ids, "weight": problem.w0} | design
    loose = {} if problem.tolerance is None else {"tolerance": problem.tolerance}
    file = f"matrix.{matrix}" if matrix not in ("long", "wide") else f"matrix.{tables}"
    files = {
        f"targets.{tables}": as_table(
            pd.DataFrame(targets | {"importance": problem.importance, "scale": problem.scale} | loose), tables
        ),
        f"records.{tables}": as_table(pd.DataFrame(records), tables),
        file: _matrix(problem, matrix, tables, ids),
    }
    entry: dict[str, Any] = {"name": "files", "matrix": file, "targets": f"targets.{tables}"}
    entry |= {"records": f"records.{tables}"} | {name: name for name in design}
    for key in ("held_out_families", "never_hold_out_alone"):
        families = [str(name) for name in problem.meta.get(key, ()) if name in problem.families]
        entry |= {key: families} if families else {}
    files["problem.yaml"] = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True).encode("utf-8")
    try:
        for name, content in files.items():
            write_atomically(folder / name, content)
    except OSError as error:
        raise InputError(folder, f"cannot be written: {error.strerror}") from None
    return folder / "problem.yaml"


def record_ids(problem: CalibrationProblem) -> np.ndarray[Any, Any]:
    """The ids of the records, (n,): those of the files the problem was read from, or their numbers from 0."""
    return np.asarray(problem.meta.get("record_ids", np.arange(problem.n_records)))


def as_table(frame: pd.DataFrame, kind: TableFormat) -> bytes:
    """A table as the bytes of a file; numbers in CSV have all the digits that tell them apart."""
    if kind == "csv":
        return frame.to_csv(index=False, lineterminator="\n").encode("utf-8")
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _matrix(problem: CalibrationProblem, kind: MatrixFormat, tables: TableFormat, ids: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    if kind == "npz":
        sp.save_npz(buffer, problem.M)
    elif kind in ("mtx", "mtx.gz"):
        scipy.io.mmwrite(buffer, sp.coo_array(problem.M), field="real", symmetry="general")
        if kind == "mtx.gz":
            return gzip.compress(buffer.getvalue(), mtime=0)
    elif kind == "long":
        entries = sp.coo_array(problem.M)
        names = np.array(problem.target_names)
        long = {"target": names[entries.coords[0]], "record": ids[entries.coords[1]], "value": entries.data}
        return as_table(pd.DataFrame(long), tables)
    else:
        wide = pd.DataFrame(problem.M.T.toarray(), columns=list(problem.target_names))
        wide.insert(0, "id", ids)
        return as_table(wide, tables)
    return buffer.getvalue()
