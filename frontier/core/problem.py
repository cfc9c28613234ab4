"""The calibration problem and the split: validated, read-only values that everything else is computed from.

A calibration problem asks for weights `w ≥ 0` with `M w ≈ y` (Deville & Särndal 1992, eq. 1.1). Nothing here knows a
method, a metric or a file.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.truth import Truth

AT_ONCE = 1 << 22  # numbers of a long array that are handled at once: 32 MB
SCALE_FLOOR = 1.0  # target units: targets nearer to 0 than this are judged by their absolute error


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationProblem:
    """A validated calibration problem: find `w ≥ 0` with `M w ≈ y`.

    M           estimate matrix, CSR float64, m × n, target units per unit of weight
    y           calibration targets, m, target units
    w0          initial weights, n, records represented
    scale       residual scale, m, target units; default `max(|y|, floor)`, floor 1
    importance  target weights ω ≥ 0, m, unitless; default 1
    families    label of each target: reporting group and hold-out unit; default "all"
    groups      cluster id of each record, n, or None: the unit that was sampled, and is resampled
    strata      label of the stratum that each record's group was drawn in, n, or None: all in one
    meta        facts about the problem (held-out families, floors, provenance); never seen by a method
    auxiliary   generic statistics of the records (rows × n), in no published total: what a small file may keep of a
                large one
    tolerance   how far from y an estimate may be and count as exact, m, target units; None: not at all. Of targets that
                were published rounded; classical calibration heeds it (`objectives.interval`)
    q           weights of the records in the distance of classical calibration, n, > 0 (Deville & Särndal 1992: q_i):
                a record with a larger one is changed more; None: 1 for all
    truth       what is known to be true beside the targets (`core.truth`); never seen by a method

    Raises `InputError` for non-finite entries, negative w0, importance or scale, mismatched shapes, duplicate target
    names, and for a zero target when neither `scale` nor `floor` is given. Arrays are copied and made read-only; a CSR
    matrix that is read-only, in order and without stored zeros is taken as it is.
    """

    name: str
    M: sp.csr_array
    y: FloatArray
    w0: FloatArray
    scale: FloatArray = None  # type: ignore[assignment]  # the four defaults are filled in when validated
    importance: FloatArray = None  # type: ignore[assignment]
    families: tuple[str, ...] = None  # type: ignore[assignment]
    target_names: tuple[str, ...] = None  # type: ignore[assignment]
    groups: NDArray[Any] | None = None
    strata: NDArray[Any] | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    auxiliary: sp.csr_array | None = None
    tolerance: FloatArray | None = None
    q: FloatArray | None = None
    truth: Truth | None = None
    floor: InitVar[float | None] = None

    def __post_init__(self, floor: float | None) -> None:
        place = f"problem '{self.name}'"
        M = _estimate_matrix(self.M, place)
        m, n = M.shape
        y = _vector(self.y, m, f"{place}.y", "targets")
        w0 = _vector(self.w0, n, f"{place}.w0", "records", nonnegative=True)
        if floor is not None and not (np.isfinite(floor) and floor > 0):
            raise InputError(f"{place}.floor", "not a residual scale", expected="a finite number > 0", got=floor)
        scale = self.scale if self.scale is not None else _default_scale(y, floor, place)
        scale = _vector(scale, m, f"{place}.scale", "targets", nonnegative=True)
        if (scale == 0).any():
            raise InputError(f"{place}.scale", "zero residual scale", expected="scale > 0", got=_first(scale == 0))
        importance = self.importance if self.importance is not None else np.ones(m)
        families = _labels(self.families, ("all",) * m, f"{place}.families")
        names = _labels(self.target_names, tuple(f"target_{j}" for j in range(m)), f"{place}.target_names")
        if len(set(names)) != m:
            twice = next(name for name, count in Counter(names).items() if count > 1)
            raise InputError(f"{place}.target_names", "duplicate target name", got=repr(twice), cure="make it unique")
        given = {"groups": self.groups, "strata": self.strata}
        design = {name: None if one is None else _read_only(np.array(one)) for name, one in given.items()}
        for name, one in design.items():
            if one is not None and one.shape != (n,):
                raise InputError(f"{place}.{name}", "wrong shape", expected=f"({n},)", got=one.shape)
        importance = _vector(importance, m, f"{place}.importance", "targets", nonnegative=True)
        tolerance = self.tolerance
        if tolerance is not None:
            tolerance = _vector(tolerance, m, f"{place}.tolerance", "targets", nonnegative=True)
        q = None if self.q is None else _vector(self.q, n, f"{place}.q", "records", nonnegative=True)
        if q is not None and (q == 0).any():
            raise InputError(f"{place}.q", "no weight in the distance", expected="q > 0", got=_first(q == 0))
        values = {"M": M, "y": y, "w0": w0, "scale": scale, "importance": importance, "tolerance": tolerance, "q": q}
        auxiliary = None if self.auxiliary is None else _estimate_matrix(self.auxiliary, place, "auxiliary")
        if auxiliary is not None and auxiliary.shape[1] != n:
            raise InputError(f"{place}.auxiliary", "not over these records", expected=n, got=auxiliary.shape[1])
        if self.truth is not None and self.truth.H.shape[1] != n:
            raise InputError(f"{place}.truth", "not over these records", expected=n, got=self.truth.H.shape[1])
        labels = {"families": families, "target_names": names, "auxiliary": auxiliary} | design
        _assign(self, values | labels, self.meta)

    def __reduce__(self) -> tuple[Any, ...]:  # validated once: a worker process trusts what it is sent
        return _rebuild, (self._values(), dict(self.meta))

    def _values(self) -> dict[str, Any]:
        return {f: getattr(self, f) for f in self.__dataclass_fields__ if f not in ("meta", "floor")}

    @property
    def n_targets(self) -> int:
        return int(self.M.shape[0])

    @property
    def n_records(self) -> int:
        return int(self.M.shape[1])

    def restrict(self, rows: ArrayLike) -> CalibrationProblem:
        """The training problem: only the targets in `rows` (mask or indices), and neither `meta` nor `truth`."""
        index = np.asarray(rows)
        place = f"problem '{self.name}'.restrict"
        if index.ndim != 1 or not (index.dtype == bool or np.issubdtype(index.dtype, np.integer)):
            raise InputError(place, "not a selection of targets", expected="a mask or indices", got=f"{rows!r:.60}")
        if index.dtype == bool:
            if len(index) != self.n_targets:
                raise InputError(place, "mask of the wrong length", expected=self.n_targets, got=len(index))
            index = np.flatnonzero(index)
        elif index.size and not (index.min() >= 0 and index.max() < self.n_targets):
            raise InputError(place, "no such target", expected=f"0 to {self.n_targets - 1}", got=int(index.max()))
        if np.array_equal(index, np.arange(self.n_targets)):  # nothing is held out: no copy of M
            return _rebuild(self._values() | {"truth": None}, {})
        return dataclasses.replace(self, M=self.M[index], **self._of_targets(index), meta={}, truth=None)

    def of_records(self, records: NDArray[np.intp]) -> CalibrationProblem:
        """The same targets on some of the records (positions); neither `truth` nor what `meta` reads of all records."""
        meta = {key: value for key, value in self.meta.items() if key not in ("records", "rows")}
        if "record_ids" in meta:
            meta["record_ids"] = np.asarray(meta["record_ids"])[records]
        auxiliary = None if self.auxiliary is None else self.auxiliary[:, records]
        cut = {"M": self.M[:, records], "auxiliary": auxiliary} | self._of_records(records)
        return dataclasses.replace(self, **cut, meta=meta, truth=None)

    def part(
        self, rows: NDArray[np.intp], records: NDArray[np.intp], *, M: sp.csr_array, auxiliary: sp.csr_array | None
    ) -> CalibrationProblem:
        """`restrict(rows).of_records(records)` with the matrices that whoever cuts the whole into parts has made."""
        values = {"M": M, "auxiliary": auxiliary} | self._of_targets(rows) | self._of_records(records)
        return dataclasses.replace(self, **values, meta={}, truth=None)

    def _of_targets(self, index: NDArray[np.intp]) -> dict[str, Any]:
        """What is known of each target, of some."""
        arrays = ("y", "scale", "importance", "tolerance")
        known = {name: getattr(self, name) for name in arrays if getattr(self, name) is not None}
        labels = {name: tuple(getattr(self, name)[j] for j in index) for name in ("families", "target_names")}
        return {name: values[index] for name, values in known.items()} | labels

    def _of_records(self, records: NDArray[np.intp]) -> dict[str, Any]:
        """What is known of each record, of some."""
        given = {name: getattr(self, name) for name in ("w0", "q", "groups", "strata")}
        return {name: values[records] for name, values in given.items() if values is not None}

    @property
    def fingerprint(self) -> str:
        """sha256 of everything a method or a metric can depend on (not of `meta`)."""
        digest = hashlib.sha256()
        groups = np.arange(self.n_records) if self.groups is None else np.unique(self.groups, return_inverse=True)[1]
        for array in (self.M.indptr, self.M.indices, groups):
            _digest(digest, array, "<i8")
        for array in (self.M.data, self.y, self.w0, self.scale, self.importance):
            _digest(digest, array, "<f8")
        for text in (*self.families, *self.target_names):
            digest.update(text.encode() + b"\0")
        if self.strata is not None:
            digest.update(np.unique(self.strata, return_inverse=True)[1].astype("<i8").tobytes())
        if self.auxiliary is not None:
            for array in (self.auxiliary.indptr, self.auxiliary.indices, self.auxiliary.data):
                _digest(digest, array, "<f8")
        if self.tolerance is not None:
            _digest(digest, self.tolerance, "<f8")
        if self.q is not None:
            digest.update(b"q")
            _digest(digest, self.q, "<f8")
        if self.truth is not None:
            digest.update(self.truth.fingerprint.encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A hold-out design's single division of the targets: `train` is True where a target may be fitted.

    Raises `InputError` when nothing is left to fit. A split that holds nothing out is allowed: its held-out metrics
    are missing.
    """

    name: str
    train: NDArray[np.bool_]

    def __post_init__(self) -> None:
        train = np.array(self.train, dtype=bool)
        if train.ndim != 1 or not train.any():
            raise InputError(
                f"split '{self.name}'",
                "holds out everything",
                expected="at least one target to fit",
                got=f"0 of {train.size}",
                cure="hold out fewer rows or families",
            )
        object.__setattr__(self, "train", _read_only(train))

    @property
    def heldout(self) -> NDArray[np.bool_]:
        return ~self.train

    @property
    def fingerprint(self) -> str:
        """sha256 of which targets are fitted."""
        return hashlib.sha256(self.train.tobytes()).hexdigest()


def _estimate_matrix(M: Any, place: str, name: str = "M") -> sp.csr_array:
    place = f"{place}.{name}"
    if not sp.issparse(M) and np.ndim(M) != 2:
        raise InputError(place, "not a matrix", expected="2 dimensions (targets × records)", got=np.ndim(M))
    final = _is_final(M)
    try:
        matrix = M if final else sp.csr_array(M, dtype=np.float64, copy=True)
    except (TypeError, ValueError) as error:
        raise InputError(place, f"not numbers: {error}", expected="real numbers") from None
    if 0 in matrix.shape:
        raise InputError(place, "empty matrix", expected="at least one target and one record", got=matrix.shape)
    bad = ~np.isfinite(matrix.data)
    if bad.any():
        row = int(np.searchsorted(matrix.indptr, np.flatnonzero(bad)[0], side="right")) - 1
        raise InputError(
            place,
            f"{int(bad.sum())} entries are NaN or infinite",
            expected="finite numbers",
            got=f"{matrix.data[bad][0]} in row {row}",
            cure="repair or drop those records",
        )
    if final:
        return matrix
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    for array in (matrix.data, matrix.indices, matrix.indptr):
        _read_only(array)
    return matrix


def _is_final(M: Any) -> bool:
    """Whether a matrix can be taken as it is: nobody writes into it, and nothing would be put in order."""
    if not (isinstance(M, sp.csr_array) and M.dtype == np.float64):
        return False
    writable = any(array.flags.writeable for array in (M.data, M.indices, M.indptr))
    return not writable and M.has_canonical_format and bool(np.count_nonzero(M.data) == M.nnz)


def _vector(values: ArrayLike, length: int, place: str, of: str, nonnegative: bool = False) -> FloatArray:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(place, f"not numbers: {error}", expected="real numbers") from None
    if array.shape != (length,):
        raise InputError(
            place, "shape mismatch", expected=f"({length},), one value for each of M's {of}", got=array.shape
        )
    if not np.isfinite(array).all():
        raise InputError(
            place,
            "NaN or infinite entries",
            expected="finite numbers",
            got=f"{array[~np.isfinite(array)][0]} at {_first(~np.isfinite(array))}",
            cure="repair or drop them",
        )
    if nonnegative and (array < 0).any():
        raise InputError(
            place, "negative entries", expected="numbers ≥ 0", got=f"{array[array < 0][0]} at {_first(array < 0)}"
        )
    array.flags.writeable = False
    return array


def _labels(given: Sequence[Any] | None, default: tuple[str, ...], place: str) -> tuple[str, ...]:
    if given is None:
        return default
    if isinstance(given, str) or len(given) != len(default):
        got = repr(given) if isinstance(given, str) else len(given)
        raise InputError(place, "wrong length", expected=f"{len(default)} labels (rows of M)", got=got)
    return tuple(map(str, given))


def _default_scale(y: FloatArray, floor: float | None, place: str) -> FloatArray:
    if floor is None and (y == 0).any():
        raise InputError(
            f"{place}.y",
            "zero target has no relative error",
            expected="y ≠ 0, or a floor for the residual scale",
            got=f"y = 0 at {_first(y == 0)}",
            cure="give floor=… (target units) or scale=…",
        )
    return np.maximum(np.abs(y), SCALE_FLOOR if floor is None else floor)


def _digest(digest: Any, array: NDArray[Any], kind: str) -> None:
    """Add the bytes of an array in one kind of number, a part at a time."""
    for start in range(0, len(array), AT_ONCE):
        digest.update(np.ascontiguousarray(array[start : start + AT_ONCE], dtype=kind).tobytes())


def _first(mask: NDArray[np.bool_]) -> str:
    return f"index {int(np.flatnonzero(mask)[0])}"


def _read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


def _assign(problem: CalibrationProblem, values: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    for name, value in (*values.items(), ("meta", MappingProxyType(dict(meta)))):
        object.__setattr__(problem, name, value)


def _rebuild(values: dict[str, Any], meta: dict[str, Any]) -> CalibrationProblem:
    """A problem of values that were validated before: no copies, and arrays that came through a pickle read-only."""
    problem = object.__new__(CalibrationProblem)
    M = values["M"]
    for array in (M.data, M.indices, M.indptr, *values.values()):
        if isinstance(array, np.ndarray):
            _read_only(array)
    _assign(problem, values, meta)
    return problem
