"""A problem cut into parts that share neither records nor targets, as by state: each is a problem of its own.

A target belongs to the part that its records are in. One with records of several parts, a national total say, crosses
them: no part can be solved for itself with it. It is refused, or left to whoever asks for `crossing` targets.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

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


def crossing(problem: CalibrationProblem, labels: ArrayLike, place: str = "partition") -> NDArray[np.intp]:
    """The targets (positions) that have records of several parts."""
    *_, owner, last = _owners(problem, labels, place)
    return np.flatnonzero(owner != last)


def refuse_crossing(problem: CalibrationProblem, crossing: NDArray[np.intp], cure: str, place: str) -> None:
    """One line for all targets that cross parts, where there are some."""
    if crossing.size:
        what = "1 target crosses" if crossing.size == 1 else f"{crossing.size:,} targets cross"
        names = some([problem.target_names[j] for j in crossing])
        raise InputError(place, f"{what} parts: {names}", expected="each about one part", cure=cure)


def parts(
    problem: CalibrationProblem, labels: ArrayLike, place: str = "partition", *, leave_crossing: bool = False
) -> list[Part]:
    """The parts of a problem by the label of each record (n), in the order in which labels first appear.

    Raises `InputError` for labels that are not one per record, and one line for all targets that cross parts, unless
    these are left out.
    """
    names, first, codes, owner, last = _owners(problem, labels, place)
    if not leave_crossing:
        refuse_crossing(
            problem, np.flatnonzero(owner != last), "leave them out, or fit all parts as one problem", place
        )
    owner[owner != last] = -1
    found = []
    for code in np.argsort(first):
        records, targets = np.flatnonzero(codes == code), np.flatnonzero(owner == code)
        part = None
        if targets.size:
            part = problem.restrict(targets).of_records(records)
            part = dataclasses.replace(part, auxiliary=_used(part.auxiliary))
        found.append(Part(str(names[code]), records, targets, part))
    return found


def _owners(problem: CalibrationProblem, labels: ArrayLike, place: str) -> tuple[NDArray[Any], ...]:
    """Names of the labels, where each is first, the code of each record, the first and the last code of each target."""
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
    return names, first, codes, owner, last


def _used(rows: sp.csr_array | None) -> sp.csr_array | None:
    """The rows with an entry; None without any."""
    if rows is None:
        return None
    kept = np.flatnonzero(np.diff(rows.indptr))
    return rows[kept] if kept.size else None
