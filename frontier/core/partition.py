"""A problem cut into parts that share neither records nor targets, as by state: each is a problem of its own.

A target belongs to the part that its records are in. One with records of several parts, a national total say, crosses
them: no part can be solved for itself with it. It is refused, or left to whoever asks for `crossing` targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from frontier.core.errors import InputError, some
from frontier.core.problem import CalibrationProblem

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One value of a category: its records and its targets (positions in the whole), and the problem that they are.

    `problem` is None where no target is about its records.
    """

    label: str
    records: NDArray[np.intp]
    targets: NDArray[np.intp]
    problem: CalibrationProblem | None


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """Which part each record and each target of a problem belongs to.

    names     labels, in the order in which they first appear
    codes     the part of each record (n)
    owner     the part of each target (m), -1 where records of several parts are in it
    """

    problem: CalibrationProblem
    names: tuple[str, ...]
    codes: NDArray[np.int32]
    owner: NDArray[np.int32]
    place: str

    @classmethod
    def of(cls, problem: CalibrationProblem, labels: ArrayLike | pd.Categorical, place: str = "partition") -> Partition:
        """The partition by the label of each record; `InputError` for labels that are not one per record."""
        import pandas as pd

        given = labels if isinstance(labels, pd.Categorical) else np.asarray(labels)
        if given.shape != (problem.n_records,):
            raise InputError(place, "not a label per record", expected=f"({problem.n_records},)", got=given.shape)
        found, names = pd.factorize(given if isinstance(given, pd.Categorical) else given.astype(str).astype(object))
        codes = found.astype(np.int32)
        entries = codes[problem.M.indices]
        filled = np.flatnonzero(np.diff(problem.M.indptr))
        first, last = np.zeros((2, problem.n_targets), dtype=np.int32)  # a target without records is anybody's
        first[filled] = np.minimum.reduceat(entries, problem.M.indptr[filled])
        last[filled] = np.maximum.reduceat(entries, problem.M.indptr[filled])
        return cls(problem, tuple(map(str, names)), codes, np.where(first == last, first, np.int32(-1)), place)

    @property
    def crossing(self) -> NDArray[np.intp]:
        """The targets (positions) that have records of several parts."""
        return np.flatnonzero(self.owner < 0)

    def refuse_crossing(self, cure: str, place: str | None = None) -> None:
        """One line for all targets that cross parts, where there are some."""
        if self.crossing.size:
            what = "1 target crosses" if self.crossing.size == 1 else f"{self.crossing.size:,} targets cross"
            names = some([self.problem.target_names[j] for j in self.crossing])
            place = place or self.place
            raise InputError(place, f"{what} parts: {names}", expected="each about one part", cure=cure)

    def parts(self, *, leave_crossing: bool = False) -> list[Part]:
        """The parts in order; one line for all targets that cross them, unless these are left out."""
        if not leave_crossing:
            self.refuse_crossing("leave them out, or fit all parts as one problem")
        return list(self._parts())

    def _parts(self) -> Iterator[Part]:
        """Every part, cut from rows that are its own: what one costs does not grow with the number of parts."""
        M = self.problem.M
        by_part = np.argsort(self.codes, kind="stable")
        ends = np.cumsum(np.bincount(self.codes, minlength=len(self.names)))
        position = np.empty(self.problem.n_records, dtype=M.indices.dtype)  # of a record in its part
        for k, label in enumerate(self.names):
            records, targets = by_part[ends[k - 1] if k else 0 : ends[k]], np.flatnonzero(self.owner == k)
            part = None
            if targets.size:
                position[records] = np.arange(records.size)
                rows = M[targets]
                own = sp.csr_array((rows.data, position[rows.indices], rows.indptr), (targets.size, records.size))
                for array in (own.data, own.indices, own.indptr):
                    array.flags.writeable = False  # the problem takes them as they are
                part = self.problem.part(targets, records, M=own, auxiliary=_used(self._auxiliary(records)))
            yield Part(label, records, targets, part)

    def _auxiliary(self, records: NDArray[np.intp]) -> sp.csr_array | None:
        return None if self.problem.auxiliary is None else self.problem.auxiliary[:, records]


def _used(rows: sp.csr_array | None) -> sp.csr_array | None:
    """The rows with an entry; None without any."""
    if rows is None:
        return None
    kept = np.flatnonzero(np.diff(rows.indptr))
    return rows[kept] if kept.size else None
