"""Balanced sampling by the cube method: inclusion probabilities kept, Horvitz–Thompson totals of the auxiliaries exact.

A sample s of fixed size with `Σ_{i∈s} x_i/π_i = Σ_i x_i` for p auxiliary variables is a corner of the cube [0, 1]ⁿ in
the subspace through π that keeps these totals (Deville & Tillé 2004). The *flight* phase walks there from π: along a
direction of the subspace, forwards or backwards until a unit reaches 0 or 1, with the odds that keep the expectation.
The fast form (Chauvet & Tillé 2006) takes directions that touch p + 1 units only: here a basis of p units, whose
columns `x_i/π_i` have a known inverse, and one unit after another in random order, `a_j = B β`. The unit that reaches
0 or 1 is decided; where it is a basic one, j takes its place and the inverse is updated. A step costs p² operations at
most.

The at most p units then left undecided are *landed* by suppression of variables: the last balancing variable is given
up, which frees one direction (its column of the inverse) and decides one unit, then the last but one, and so on. The
rows therefore come in order of importance, and the sample size stands above all of them and is never given up. The
alternative of Deville & Tillé, the cheapest distribution over all samples of the undecided units by linear programming,
has 2^p variables: out of the question for hundreds of targets.

Rows that others reproduce (to `DEPENDENT` of their squared length) need no balancing of their own and are left out:
they are as balanced as those, but for a millionth of their own sampling error. Joint probabilities are not computed.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray
from scipy.linalg import inv
from scipy.linalg.lapack import dpstrf

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.limits import check_time
from frontier.solvers.sampling.systematic import sample_size

IndexArray = NDArray[np.int64]

# Of a unit row's squared distance from the span of others: what a Gram matrix resolves, whose entries are sums over n.
DEPENDENT, ROUNDING_PER_UNIT = 1e-12, 4 * np.finfo(np.float64).eps
# A unit may enter the basis where its |β| is at least this share of the largest: strict at first, then less so.
FILL = (1e-2, 1e-4, 1e-6, 1e-8)
ZERO = 1e-8  # of the largest |β|: less does not move a unit, nor is it divided by; a fresh inverse corrects for it
ROUNDING, ACCURATE = 1e-13, 1e-11  # misses of a unit column: below one nothing is refined, above the other too much is
REFRESH = 500  # replacements between fresh inverses: each multiplies the error of the inverse by up to 1/|β|


def cube_sample(X: sp.sparray, probabilities: FloatArray, generator: np.random.Generator) -> NDArray[np.intp]:
    """The units drawn, in ascending order: exactly `Σ π_i`, and balanced on X up to the landing phase.

    X              auxiliary variables x (p × n), the most important ones first
    probabilities  π (n); their sum is a whole number

    Raises `InputError` for probabilities outside [0, 1], a sum that is not a whole number, or an X of another width.
    """
    values, land = _flown(X, probabilities, generator)
    if land is not None:
        land.finish(values, generator)
    return np.flatnonzero(values > 0.5)


def flight(X: sp.sparray, probabilities: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Where the flight phase ends: values v, 0 or 1 for all but p + 1 units at most, with `Σ x_i v_i/π_i = Σ x_i`."""
    return _flown(X, probabilities, generator)[0]


def _flown(
    X: sp.sparray, probabilities: FloatArray, generator: np.random.Generator
) -> tuple[FloatArray, _Basis | None]:
    if X.shape[1] != probabilities.size:
        raise InputError("X", "wrong width", expected=f"{probabilities.size} units", got=X.shape[1])
    sample_size(probabilities)
    values = probabilities.copy()
    open_units = np.flatnonzero((values > 0) & (values < 1))
    if not open_units.size:
        return values, None
    open_units = generator.permutation(open_units)
    basis = _Basis(_balancing_columns(sp.csc_array(X)[:, open_units], values[open_units]))
    values[open_units] = basis.fly(values[open_units], generator)
    basis.units = open_units
    return values, basis


def _balancing_columns(X: sp.csc_array, pi: FloatArray) -> sp.csc_array:
    """The columns `x_i/π_i` below a row of ones (the size), rows independent and of length 1."""
    starts = X.indptr[:-1]
    indices = np.insert(X.indices + 1, starts, 0)
    data = np.insert(X.data * np.repeat(1 / pi, np.diff(X.indptr)), starts, 1.0)
    length = np.sqrt(np.bincount(indices, data * data, minlength=X.shape[0] + 1))
    unit = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    unit[0] *= 2  # the longest row is the first pivot: the size is always kept
    rows = sp.csc_array((data * unit[indices], indices, X.indptr + np.arange(pi.size + 1)), (length.size, pi.size))
    _, pivots, rank, _ = dpstrf((rows @ rows.T).toarray(), tol=max(DEPENDENT, ROUNDING_PER_UNIT * pi.size))
    columns = rows if rank == length.size else sp.csc_array(rows[np.sort(pivots[:rank] - 1)])
    columns.sort_indices()
    return columns


class _Basis:
    """The basic units, r of them in the end, and the inverse of their columns; artificial ones have member −1.

    Columns are of length 1, so that β and its pivots do not depend on units; `lengths` turns them back.
    """

    units: NDArray[np.intp]

    def __init__(self, columns: sp.csc_array) -> None:
        r = columns.shape[0]
        of = np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))
        self.lengths = np.sqrt(np.bincount(of, columns.data * columns.data))  # > 0: all count in the size
        scaled = columns.data * (1 / self.lengths)[of]
        self.columns = sp.csc_array((scaled, columns.indices, columns.indptr), columns.shape)
        self.parts = self.columns.indptr.astype(np.int64), self.columns.indices.astype(np.int64), self.columns.data
        self.members = np.full(r, -1, dtype=np.int64)
        self.inverse = np.eye(r)  # transposed: row c is column c of B⁻¹
        # the size goes first: a row whose artificial column no unit replaces is not balanced
        first = int(np.argmax(self.columns.data[self.columns.indptr[:-1]]))  # every column begins with its one
        _replace(0, first, self.members, self.inverse, _dense(*self.parts, np.array([first]), r)[0])
        for pivot in FILL:
            if _fill(*self.parts, pivot, self.members, self.inverse):
                break

    def fly(self, pi: FloatArray, generator: np.random.Generator) -> FloatArray:
        """The values of the units at the end of the flight phase that starts at `pi`."""
        totals = self.columns @ (self.lengths * pi)
        values, draws, at = pi.copy(), generator.random(pi.size), 0
        waiting = np.ones(pi.size, dtype=bool)
        waiting[self.members[self.members >= 0]] = False
        self._refresh(values, totals)
        while at < pi.size:
            check_time()
            at = _fly(*self.parts, self.lengths, waiting, values, draws, at, self.members, self.inverse)
            self._refresh(values, totals)
        return values

    def _refresh(self, values: FloatArray, totals: FloatArray) -> None:
        """Compute the inverse afresh, and take back what rounding has added to the totals."""
        filled = np.flatnonzero(self.members >= 0)
        basic = self.members[filled]
        transposed = np.eye(self.members.size)
        transposed[filled] = _dense(*self.parts, basic, self.members.size)
        self.inverse = np.ascontiguousarray(inv(transposed.T, check_finite=False).T)
        drift = (totals - self.columns @ (self.lengths * values)) @ self.inverse
        corrected = np.clip(values[basic] + drift[filled] / self.lengths[basic], 0.0, 1.0)
        values[basic] = np.where((values[basic] > 0) & (values[basic] < 1), corrected, values[basic])

    def finish(self, values: FloatArray, generator: np.random.Generator) -> None:
        """Decide the basic units too, giving up one balancing variable after another, the last first."""
        filled = np.flatnonzero(self.members >= 0)
        rows = self.members >= 0  # artificial column p is the unit vector of row p: both go together
        inverse = np.ascontiguousarray(self.inverse[np.ix_(rows, filled)] / self.lengths[self.members[filled]])
        units = self.units[self.members[filled]]
        landed = values[units]
        _land(inverse, landed, generator.random(landed.size))
        values[units] = landed


@njit(cache=True)
def _dense(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, units: IndexArray, r: int
) -> FloatArray:  # pragma: no cover - compiled
    """The columns of some units, each as a row."""
    rows = np.zeros((len(units), r))
    for at, j in enumerate(units):
        for t in range(indptr[j], indptr[j + 1]):
            rows[at, indices[t]] = data[t]
    return rows


@njit(cache=True)
def _add(factor: float, rows: FloatArray, c: int, total: FloatArray) -> None:  # pragma: no cover - compiled
    """Add a multiple of row c. Loops throughout: expressions of whole arrays take seconds to compile."""
    for i in range(len(total)):
        total[i] += factor * rows[c, i]


@njit(cache=True)
def _largest(values: FloatArray) -> float:  # pragma: no cover - compiled
    """The largest magnitude."""
    found = 0.0
    for value in values:
        found = max(found, abs(value))
    return found


@njit(cache=True)
def _coordinates(
    indptr: IndexArray,
    indices: IndexArray,
    data: FloatArray,
    j: int,
    members: IndexArray,
    inverse: FloatArray,
    beta: FloatArray,
) -> float:  # pragma: no cover - compiled
    """`β = B⁻¹ a_j`, refined once by what `B β` misses of a_j; returns how much it then misses."""
    r = len(members)
    for c in range(r):
        beta[c] = 0.0
    for t in range(indptr[j], indptr[j + 1]):
        _add(data[t], inverse, indices[t], beta)
    worst = 0.0
    for sweep in range(2):
        missing = np.zeros(r)
        for t in range(indptr[j], indptr[j + 1]):
            missing[indices[t]] += data[t]
        for p in range(r):
            if members[p] < 0:
                missing[p] -= beta[p]
            elif beta[p] != 0.0:
                for t in range(indptr[members[p]], indptr[members[p] + 1]):
                    missing[indices[t]] -= beta[p] * data[t]
        worst = _largest(missing)
        if worst <= ROUNDING or sweep == 1:
            break
        for c in range(r):
            if missing[c] != 0.0:
                _add(missing[c], inverse, c, beta)
    return worst


@njit(cache=True)
def _replace(
    p: int, j: int, members: IndexArray, inverse: FloatArray, beta: FloatArray
) -> None:  # pragma: no cover - compiled
    """Put j, with `a_j = B β`, in the place of basic column p; β is used up."""
    members[p] = j
    pivot = beta[p]
    beta[p] -= 1.0
    for c in range(len(members)):
        beta[c] /= pivot
    for c in range(len(members)):
        share = inverse[c, p]
        if share != 0.0:
            for i in range(len(members)):
                inverse[c, i] -= share * beta[i]


@njit(cache=True)
def _fill(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, pivot: float, members: IndexArray, inverse: FloatArray
) -> bool:  # pragma: no cover - compiled
    """Put units in the place of artificial columns, where their share of those is `pivot`; whether none is left."""
    is_basic = np.zeros(len(indptr) - 1, dtype=np.bool_)
    left = 0
    for p in range(len(members)):
        if members[p] >= 0:
            is_basic[members[p]] = True
        else:
            left += 1
    beta = np.empty(len(members))
    for j in range(len(is_basic)):
        if left == 0:
            break
        if is_basic[j]:
            continue
        _coordinates(indptr, indices, data, j, members, inverse, beta)
        p = -1
        for i in range(len(members)):
            if members[i] < 0 and (p < 0 or abs(beta[i]) > abs(beta[p])):
                p = i
        if abs(beta[p]) > pivot * _largest(beta):
            _replace(p, j, members, inverse, beta)
            left -= 1
    return bool(left == 0)


@njit(cache=True)
def _step(values: FloatArray, direction: FloatArray, draw: float) -> int:  # pragma: no cover - compiled
    """Move `values` along ±direction until one reaches 0 or 1, keeping the expectation; returns which one (−1: none).

    Forwards by `up` with probability `down/(up + down)`, else backwards by `down` (Deville & Tillé 2004, section 4).
    """
    up, down, first_up, first_down = np.inf, np.inf, -1, -1
    for i in range(len(values)):
        d = direction[i]
        if d == 0.0:
            continue
        rise, fall = (1 - values[i]) / abs(d), values[i] / abs(d)
        ahead, behind = (rise, fall) if d > 0 else (fall, rise)
        if ahead < up:
            up, first_up = ahead, i
        if behind < down:
            down, first_down = behind, i
    if first_up < 0:
        return -1
    forwards = draw * (up + down) < down or up + down == 0
    step, first = (up, first_up) if forwards else (-down, first_down)
    for i in range(len(values)):
        values[i] = min(max(values[i] + step * direction[i], 0.0), 1.0)
    values[first] = 1.0 if (direction[first] > 0) == forwards else 0.0
    return first


@njit(cache=True)
def _fly(
    indptr: IndexArray,
    indices: IndexArray,
    data: FloatArray,
    lengths: FloatArray,
    waiting: NDArray[np.bool_],
    values: FloatArray,
    draws: FloatArray,
    at: int,
    members: IndexArray,
    inverse: FloatArray,
) -> int:  # pragma: no cover - compiled
    """Push the waiting units from `at` on against the basis; returns where to go on when a fresh inverse is due."""
    r = len(members)
    beta, moved, direction = np.empty(r), np.empty(r + 1), np.empty(r + 1)
    replaced = 0
    for j in range(at, len(values)):
        if not waiting[j]:
            continue
        missing = _coordinates(indptr, indices, data, j, members, inverse, beta)
        if replaced and missing > ACCURATE:
            return j
        negligible = ZERO * _largest(beta)
        for i in range(r):
            moved[i], direction[i] = 0.5, 0.0
            if members[i] >= 0:
                moved[i] = values[members[i]]
                if abs(beta[i]) > negligible:
                    direction[i] = -beta[i] * lengths[j] / lengths[members[i]]
        moved[r], direction[r] = values[j], 1.0
        p = _step(moved, direction, draws[j])
        for i in range(r):
            if members[i] >= 0:
                values[members[i]] = moved[i]
        values[j] = moved[r]
        if p == r:
            continue
        _replace(p, j, members, inverse, beta)
        replaced += 1
        if replaced == REFRESH:
            return j + 1
    return len(values)


@njit(cache=True)
def _land(inverse: FloatArray, values: FloatArray, draws: FloatArray) -> None:  # pragma: no cover - compiled
    """Give up row after row from the last on: the direction that changes its total only is its column of B⁻¹."""
    r = len(values)
    is_open = np.ones(r, dtype=np.bool_)
    direction, share = np.empty(r), np.empty(r)
    for row in range(r - 1, 0, -1):
        for i in range(r):
            direction[i] = inverse[row, i] if is_open[i] else 0.0
        p = _step(values, direction, draws[row])
        if p < 0:
            break
        is_open[p] = False
        for i in range(r):
            share[i] = inverse[row, i] / inverse[row, p]
        for c in range(row):
            factor = inverse[c, p]
            for i in range(r):
                inverse[c, i] -= factor * share[i]
    for i in range(r):  # what is left is whole but for rounding: the size is
        values[i] = np.round(values[i])
