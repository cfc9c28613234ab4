"""A problem cut into parts that share neither records nor targets, as by state: each is a problem of its own.

A target belongs to the part that its records are in. One with records of several parts crosses them, and no part can
be solved for itself with it: it is refused.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from frontier.core.errors import InputError, some
from frontier.core.problem import CalibrationProblem


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One value of a category: its records and its targets (positions in the whole), and the problem that they are.

    `problem` is None where no target is about its records.
    """

    label: str
    records: NDArray[np.intp]
    targets: NDArray[np.intp]
    problem: CalibrationProblem | None


def parts(problem: CalibrationProblem, labels: ArrayLike, place: str = "partition") -> list[Part]:
    """The parts of a problem by the label of each record (n), in the order in which labels first appear.

    Raises `InputError` for labels that are not one per record, and one line for all targets that cross parts.
    """
    given = np.asarray(labels)
    if given.shape != (problem.n_records,):
        raise InputError(place, "not a label per record", expected=f"({problem.n_records},)", got=given.shape)
    names, first, codes = np.unique(given.astype(str), return_index=True, return_inverse=True)
    entries = codes[problem.M.indices]
    filled = np.flatnonzero(np.diff(problem.M.indptr))
    owner = np.zeros(problem.n_targets, dtype=np.intp)  # a target without records is anybody's
    last = owner.copy()
    owner[filled] = np.minimum.reduceat(entries, problem.M.indptr[filled])
    last[filled] = np.maximum.reduceat(entries, problem.M.indptr[filled])
    if crossing := [problem.target_names[j] for j in np.flatnonzero(owner != last)]:
        what = "1 target crosses" if len(crossing) == 1 else f"{len(crossing):,} targets cross"
        cure = "leave them out, or fit all parts as one problem"
        raise InputError(place, f"{what} parts: {some(crossing)}", expected="each about one part", cure=cure)
    found = []
    for code in np.argsort(first):
        records, targets = np.flatnonzero(codes == code), np.flatnonzero(owner == code)
        part = None
        if targets.size:
            part = problem.restrict(targets).of_records(records)
            part = dataclasses.replace(part, auxiliary=_used(part.auxiliary))
        found.append(Part(str(names[code]), records, targets, part))
    return found


def _used(rows: sp.csr_array | None) -> sp.csr_array | None:
    """The rows with an entry; None without any."""
    if rows is None:
        return None
    kept = np.flatnonzero(np.diff(rows.indptr))
    return rows[kept] if kept.size else None
