"""Your own data as a problem: an estimate matrix with targets and records, or microdata with a table of target cells.

    {name: files, matrix: M.npz, targets: targets.csv, records: records.parquet}       (formats: `_matrix`, `_lists`)
    {name: files, microdata: people.parquet, targets: cells.csv, id: household}        (formats: `_microdata`, `_cells`)

Paths are relative to the folder of the experiment file and may not leave it (no absolute path, no `..`): the file may
be somebody else's, and what it names is read and quoted in messages. A link below that folder is followed: it is the
user's own. From Python there is no experiment file, and a path is any path. What is wrong with the files is one error
that names file, row and column; what may be is a warning that results carry (`meta["warnings"]`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError, mistakes, raise_first
from frontier.core.problem import CalibrationProblem
from frontier.core.truth import SCALE_FLOOR, Truth, hidden_truth
from frontier.problems.own_data.cells import mistakes_in_cells, read_cells
from frontier.problems.own_data.dialect import Dialect
from frontier.problems.own_data.ids import numbering, repeated_ids, unused_ids
from frontier.problems.own_data.lists import (
    LEAVE_OUT,
    REMARKS,
    SMALLEST_SCALE,
    TARGET_COLUMNS,
    Targets,
    read_records,
    read_targets,
)
from frontier.problems.own_data.matrix import matrix_of, read_matrix
from frontier.problems.own_data.microdata import (
    Selection,
    empty_target,
    estimate_matrix,
    kept_rows,
    missing_categories,
    record_table,
    records_of,
    select,
    unknown_categories,
)
from frontier.problems.own_data.opening import open_table, table_of
from frontier.problems.own_data.tables import LARGEST_NUMBER, Table, near

PLACE = "problem 'files'"
NAMES_SHOWN = 5


def build(
    *,
    targets: str,
    matrix: str | None = None,
    records: str | None = None,
    microdata: str | None = None,
    id: str | None = None,
    weight: str = "weight",
    group: str | None = None,
    stratum: str | None = None,
    q: str | None = None,
    head: str | None = None,
    where: Selection | None = None,
    held_out_families: tuple[str, ...] = (),
    never_hold_out_alone: tuple[str, ...] = (),
    min_records: int | None = None,
    floor: float | None = None,
    rounded: float | None = None,
    hidden: str | None = None,
    hidden_matrix: str | None = None,
    sep: str = ",",
    decimal: str = ".",
    thousands: str = "",
    encoding: str = "utf-8",
    folder: Path | None = None,
    frames: Mapping[str, Any] | None = None,
) -> CalibrationProblem:
    """The problem in the files; `meta["record_ids"]` (n) are the ids of its records.

    targets        target list (CSV, Parquet): name, value, and family, importance, scale; with microdata, target cells
    matrix         estimate matrix: .npz, .mtx, .mtx.gz, or a wide or long table
    records        record list (CSV, Parquet), one row per column of the matrix
    microdata      survey file (CSV, Parquet) that the matrix is built from; instead of `matrix` and `records`
    id             column of record ids; default `id` in a record list, if it is there. Rows of microdata with the same
                   id are one record; by default each is its own
    weight, group, stratum  columns of the initial weights and, if any, of the clusters that were sampled and of the
                   strata that they were drawn in (`frontier errors`)
    q              column of the records' weights in the distance of `greg`, `raking` and `logit`; default 1 for all
    head           microdata: the column that is true in the row of each record that weight and group come from;
                   default its first row
    where          microdata: the rows to use, by category of some columns
    held_out_families, never_hold_out_alone   families that the default split holds out, and that leak
    min_records    targets with fewer non-zero records are left out; by default one with none is an error
    floor          residual scale of targets nearer to 0, in target units: what an error of 100% of them is worth
    rounded        what all targets were rounded to (1000, say): half of it is a target's tolerance, unless the target
                   list has a column `tolerance`; exact calibration is then exact but for rounding
    hidden         totals that no method sees and every row of an experiment is judged by (`truth_*`), written like the
                   targets: of a census whose sample this is, say
    hidden_matrix  their estimate matrix, where there are no microdata
    sep, decimal, thousands, encoding   how all CSV files are written (`own_data.dialect`)
    frames         from Python: data frames, and for the matrix a SciPy or NumPy one, by the argument they stand for

    Raises `InputError` for anything that does not fit together.
    """
    if min_records is not None and min_records < 1:
        raise InputError(f"{PLACE}.min_records", "too few", expected="at least 1", got=min_records)
    if floor is not None and not SMALLEST_SCALE <= floor <= LARGEST_NUMBER:
        raise InputError(f"{PLACE}.floor", "not a residual scale", expected="a number > 0", got=floor)
    if rounded is not None and not 0 < rounded <= LARGEST_NUMBER:
        raise InputError(f"{PLACE}.rounded", "not what totals are rounded to", expected="a number > 0", got=rounded)
    dialect = Dialect.of(PLACE, sep, decimal, thousands, encoding)
    opened = cache(partial(_table, folder=folder, dialect=dialect, frames=frames or {}))
    both = {"targets": targets} | ({} if microdata is None else {"microdata": microdata})
    raise_first(mistakes(partial(opened, path, key=key) for key, path in both.items()))
    table = opened(targets, key="targets")
    facts: dict[str, Any] = {}
    truth: Truth | None = None
    if microdata is not None:
        _refuse("is not used with microdata", {"matrix": matrix, "records": records, "hidden_matrix": hidden_matrix})
        survey = opened(microdata, key="microdata")
        chosen = partial(select, survey, where or {}, id)
        try:
            cells, data = read_cells(table, survey, floor), chosen()
            found, warned = records_of(data, weight=weight, group=group, head=head, stratum=stratum, q=q)
        except InputError as error:  # then all that is wrong with either file
            of_records = mistakes(
                [lambda: records_of(chosen(), weight=weight, group=group, head=head, stratum=stratum, q=q)]
            )
            raise_first([*mistakes_in_cells(table, survey, floor), *of_records])
            raise error from None
        listed, unused = cells.targets, cells.unused
        M = estimate_matrix(data, cells)
        warned += unknown_categories(data, cells) + missing_categories(data, cells)
        warned += repeated_ids(data, id) + unused_ids(data, id)
        reason = partial(empty_target, data, cells)
        sources: tuple[str, ...] = (microdata, targets)
        if hidden is not None:
            asked = read_cells(opened(hidden, key="hidden"), survey, SCALE_FLOOR)
            warned += unknown_categories(data, asked)
            truth = hidden_truth(estimate_matrix(data, asked), asked.targets.values, asked.targets.names, asked.units)
        facts["rows"] = partial(_kept_rows, survey, dict(where or {}), id)
        facts["records"] = partial(
            _record_table,
            survey,
            dict(where or {}),
            id,
            head,
            cells.categories,
            frozenset(name for name in (id, weight, group, stratum, head, q) if name),
        )
    elif matrix is not None and records is not None:
        _refuse("is used with microdata only", {"head": head, "where": where})
        listed = read_targets(table, floor)
        unused = tuple(name for name in table.columns if name not in (*TARGET_COLUMNS, *REMARKS))
        listed_records = opened(records, key="records")
        found, warned = read_records(listed_records, id=id, weight=weight, group=group, stratum=stratum, q=q), ()

        def matrix_at(path: str, key: str, rows: Targets) -> sp.csr_array:
            if frames and key in frames:
                return matrix_of(frames[key], path, rows, found, id)
            return read_matrix(*_resolved(path, folder, key), rows, found, id, dialect)

        M = matrix_at(matrix, "matrix", listed)
        reason = partial(_no_entry, listed)
        sources = (matrix, targets, records)
        _together(hidden, hidden_matrix)
        if hidden is not None and hidden_matrix is not None:
            of = read_targets(opened(hidden, key="hidden"), SCALE_FLOOR)
            H = matrix_at(hidden_matrix, "hidden_matrix", of)
            truth = hidden_truth(H, of.values, of.names, of.families)
    else:
        key = "matrix" if matrix is None else "records"
        raise InputError(f"{PLACE}.{key}", "missing key", cure="give matrix and records, or microdata")
    unseen = [] if truth is None else [truth.names[k] for k in np.flatnonzero(np.diff(truth.H.indptr) == 0)]
    if unseen:
        names = ", ".join(map(repr, unseen[:NAMES_SHOWN]))
        warned += (
            f"{hidden}: {len(unseen):,} hidden totals that no record adds to, so all weights miss them: {names}",
        )
    if unused:
        warned += (f"{table.shown}: columns that are not used: {', '.join(map(repr, unused))}",)
    _known(held_out_families, listed, "held_out_families")
    _known(never_hold_out_alone, listed, "never_hold_out_alone")
    kept = _supported(M, listed, min_records, reason)
    if len(kept) < len(listed.names):
        lost = np.setdiff1d(np.arange(len(listed.names)), kept)
        names = ", ".join(repr(listed.names[j]) for j in lost[:NAMES_SHOWN])
        warned += (f"{table.shown}: {len(lost):,} targets with fewer than {min_records} records are left out: {names}",)
    families = tuple(listed.families[j] for j in kept)
    tolerance = listed.tolerance
    if tolerance is None and rounded is not None:
        tolerance = np.full(len(listed.names), rounded / 2)
    return CalibrationProblem(
        name="files",
        M=M[kept] if len(kept) < len(listed.names) else M,
        y=listed.values[kept],
        w0=found.weights,
        scale=listed.scale[kept],
        importance=listed.importance[kept],
        tolerance=None if tolerance is None else tolerance[kept],
        families=families,
        target_names=tuple(listed.names[j] for j in kept),
        groups=found.groups,
        truth=truth,
        q=found.q,
        strata=found.strata,
        meta={
            "held_out_families": tuple(family for family in held_out_families if family in families),
            "never_hold_out_alone": never_hold_out_alone,
            "source": ", ".join(Path(path).name for path in sources),
            "warnings": warned,
            "record_ids": found.ids,
            **facts,
        },
    )


def _resolved(path: str, folder: Path | None, key: str) -> tuple[Path, str]:
    """The file a path names, and its name in messages; one in an experiment file stays in the file's folder."""
    if "\0" in path:
        raise InputError(f"{PLACE}.{key}", "not a path", got=repr(path))
    if folder is None:
        return Path(path), path
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise InputError(
            f"{PLACE}.{key}",
            "leaves the folder of the experiment file",
            expected="a relative path without '..'",
            got=repr(path),
            cure="put the data beside the experiment file, or a link to them",
        )
    return folder / path, path  # named as in the experiment file: results carry warnings, and no places on a machine


def _table(path: str, *, folder: Path | None, key: str, dialect: Dialect, frames: Mapping[str, Any]) -> Table:
    return table_of(frames[key], path) if key in frames else open_table(*_resolved(path, folder, key), dialect)


def _kept_rows(survey: Table, where: Selection, id: str | None, weights: FloatArray) -> pd.DataFrame:
    """The rows of the microdata whose records have weight (`microdata.kept_rows`)."""
    return kept_rows(select(survey, where, id), weights, "weight")


def _record_table(
    survey: Table, where: Selection, id: str | None, head: str | None, codes: list[str], leave_out: frozenset[str]
) -> pd.DataFrame:
    """What the microdata say of each record beside its id, weight and group (`problems/records/variables.py`)."""
    data = select(survey, where, id)
    return record_table(data, head=head, codes=codes, leave_out={*leave_out, *numbering(data)})


def _together(hidden: str | None, matrix: str | None) -> None:
    if (hidden is None) != (matrix is None):
        key, other = ("hidden", "hidden_matrix") if hidden is None else ("hidden_matrix", "hidden")
        raise InputError(f"{PLACE}.{key}", "missing key", cure=f"give both, or no {other}")


def _refuse(why: str, given: Mapping[str, object]) -> None:
    for key, value in given.items():
        if value is not None:
            raise InputError(f"{PLACE}.{key}", why, cure="drop it")


def _known(families: tuple[str, ...], targets: Targets, key: str) -> None:
    for family in families:
        if family not in targets.families:
            cure = near(family, targets.families)
            raise InputError(f"{PLACE}.{key}", f"unknown family '{family}' in {targets.table.shown}", cure=cure)


def _no_entry(targets: Targets, j: int) -> InputError:
    return InputError(targets.at(j), "no record adds to this target", cure=LEAVE_OUT)


def _supported(
    M: sp.csr_array, targets: Targets, min_records: int | None, reason: Callable[[int], InputError]
) -> NDArray[np.intp]:
    """The targets that stay, each with enough records and of a sign that weights ≥ 0 can reach."""
    support = np.diff(M.indptr)
    if min_records is None:
        raise_first(reason(int(j)) for j in np.flatnonzero(support == 0))
    kept = np.flatnonzero(support >= (min_records or 1))
    if not kept.size:
        got = f"{min_records}, more than the {support.max():,} of any target"
        raise InputError(f"{PLACE}.min_records", "no target is left", got=got)
    y, least, most = targets.values[kept], M.min(axis=1).toarray()[kept], M.max(axis=1).toarray()[kept]
    wrong = ((y < 0) & (least >= 0)) | ((y > 0) & (most <= 0))
    sign = "the sign of what its records add"
    raise_first(
        InputError(targets.at(int(j), "value"), "wrong sign", expected=sign, got=targets.values[j]) for j in kept[wrong]
    )
    return kept
