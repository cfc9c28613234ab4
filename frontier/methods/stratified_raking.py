"""Stratified random thinning followed by raking: what the published "SparseCalibrator (L1, FISTA)" really does.

It solves no LASSO and runs no FISTA. λ only sets how many records survive a random draw, and raking fits their weights:

1. An *indicator row* is a training target that counts records: all its stored entries are exactly 1. A *stratum* is the
   set of records that belong to the same indicator rows (possibly to none).
2. From each stratum of `n_c` records keep `max(1, ⌊n_c e^{−λ}⌋)`, uniformly at random. The published code rounds once
   more, over the whole file (`⌊n e^{−λ}⌋/n` in place of `e^{−λ}`), which can cost a stratum one record.
3. Kept records start at weight 1. A cycle rakes every indicator row (`w_i *= y_j/(M w)_j` for its members; Deming &
   Stephan 1940), then moves every other row half-way by a damped linear step,
   `w_i *= max(0.1, 1 + ½ M_ji (y_j − (M w)_j)/Σ_k w_k M_jk²)`. Cycles end when the weights stand still.

Nothing is minimised, so there is no objective and no certificate, and an ended iteration is COMPLETED, not OPTIMAL.
Weights that stand still need not meet the targets: rows that contradict each other undo one another in every cycle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import out_of_time
from frontier.core.point import Coordinate
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Positive
from frontier.core.search_space import Between, OneOf, Space
from frontier.core.status import Status
from frontier.methods.base import Arm, Method
from frontier.methods.path import Path
from frontier.methods.solution import Solution

IndexArray = NDArray[np.intp]
Row = tuple[int, IndexArray, FloatArray]  # target, positions of its kept records, their entries

# The published code's constants.
_MIN_TOTAL = 1e-10  # a row whose weighted total is below this is left alone
_DAMPING = 0.5
_MIN_FACTOR = 0.1  # the largest cut a linear step may make
_MIN_CYCLES = 6
_SEARCHED = (1e-6, 50.0)  # λ for a budget: from all but one record of each stratum to one of each (e^50 > any n)
_STREAM = 0x52414B45  # "RAKE": keeps this method's draws apart from those of others that use the same seed


@dataclass(frozen=True, kw_only=True)
class StratifiedRaking(Method):
    """Weights of a random subset of records, stratified by the indicator rows and raked to the targets.

    min_coverage_weight  later versions of the published code also keep at least `⌈y_j / 10⌉` members of every
                         indicator row, so that no record need weigh more than 10; None: no such rule
    start                kept records start at 1, or at their initial weight (one that is 0 stays 0)
    max_iter, tol        cycles, and the change `‖w − w_old‖/‖w_old‖` of a cycle below which they end

    The same seed draws one order of the records for every λ, so without `min_coverage_weight` the kept sets are nested
    along λ; with it they are paired but need not be nested. Raises `InputError` for parameters that are not positive.
    """

    batch_over: ClassVar[frozenset[str]] = frozenset()
    refit_from: ClassVar[Arm] = "none"  # fitted already
    stochastic: ClassVar[bool] = True
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"lam", "budget"})

    search_space: ClassVar[Space] = {
        "min_coverage_weight": Between(0.1, 100.0, log=True),
        "start": OneOf(("unit", "initial")),
    }

    min_coverage_weight: Positive | None = None
    start: Literal["unit", "initial"] = "unit"
    max_iter: Count = 1000
    tol: Positive = 1e-6

    def path(self, problem: CalibrationProblem, seed: int | None) -> Path:
        """Thin and rake at λ. The draw alone decides the size, so nothing is raked to find the λ of a budget."""
        assert seed is not None  # `check` has refused points without a seed
        members = indicator_rows(problem)
        stratum = strata(problem.n_records, members.values())
        order = np.random.default_rng((seed, _STREAM)).permutation(problem.n_records)

        def drawn(lam: float) -> NDArray[np.bool_]:
            kept = keep(stratum, order, lam)
            if self.min_coverage_weight is not None:
                for j, records in members.items():
                    _cover(kept, order, records, math.ceil(problem.y[j] / self.min_coverage_weight))
            return kept

        def solve(lam: float) -> Solution:
            return self._rake(problem, drawn(lam), set(members), int(stratum.max()) + 1)

        return Path(solve, *_SEARCHED, size=lambda lam: int(drawn(lam).sum()))

    def _rake(
        self, problem: CalibrationProblem, kept: NDArray[np.bool_], indicator: set[int], n_strata: int
    ) -> Solution:
        records = np.flatnonzero(kept)
        w = np.ones(records.size) if self.start == "unit" else problem.w0[records].copy()
        rows = _rows(problem, kept)
        counting = [row for row in rows if row[0] in indicator]
        linear = [row for row in rows if row[0] not in indicator]
        changes: list[float] = []
        # Contradictory rows can drive weights to overflow; that is caught below and told, not warned about.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            while len(changes) < self.max_iter:
                old = w.copy()
                _cycle(w, problem.y, counting, linear)
                length = float(np.linalg.norm(old))
                changes.append(float(np.linalg.norm(w - old)) / length if length > 0 else 0.0)
                if not np.isfinite(w).all():
                    message = f"weights overflowed in cycle {len(changes)}: targets contradict each other"
                    return Solution.failed(Status.ERROR, message)
                if (len(changes) >= _MIN_CYCLES and changes[-1] < self.tol) or out_of_time():
                    break
        settled = len(changes) >= _MIN_CYCLES and changes[-1] < self.tol
        weights = np.zeros(problem.n_records)
        weights[records] = w
        return Solution(
            weights=weights,
            status=Status.COMPLETED if settled else Status.unconverged(),
            n_iter=len(changes),
            message="" if settled else f"weights still change by {changes[-1]:.1e} after {len(changes)} cycles",
            trace={"iteration": np.arange(1.0, len(changes) + 1), "relative_change": np.array(changes)},
            claims={"kept_records": int(records.size), "strata": n_strata, "indicator_rows": len(indicator)},
        )


def indicator_rows(problem: CalibrationProblem) -> dict[int, IndexArray]:
    """The members (record indices) of every target whose stored entries are all exactly 1; empty rows count nothing."""
    M = problem.M
    rows = ((j, slice(M.indptr[j], M.indptr[j + 1])) for j in range(problem.n_targets))
    return {j: M.indices[s].astype(np.intp) for j, s in rows if s.start < s.stop and (M.data[s] == 1.0).all()}


def strata(n_records: int, members: Iterable[IndexArray]) -> IndexArray:
    """Stratum number of every record, n, from 0: equal where two records are members of the same sets.

    Each set splits the strata that it cuts, so memory and time are proportional to the memberships.
    """
    label, free = np.zeros(n_records, dtype=np.intp), 1
    for records in members:
        old, which = np.unique(label[records], return_inverse=True)
        label[records] = free + which
        free += old.size
    return np.unique(label, return_inverse=True)[1].astype(np.intp)


def keep(stratum: IndexArray, order: IndexArray, lam: float) -> NDArray[np.bool_]:
    """True for the first `max(1, ⌊n_c e^{−λ}⌋)` records of every stratum c in the given order, n."""
    size = np.bincount(stratum)
    wanted = np.maximum(1, np.floor(size * math.exp(-lam)).astype(np.intp))
    by_stratum = order[np.argsort(stratum[order], kind="stable")]
    place = np.arange(order.size) - np.repeat(np.cumsum(size) - size, size)  # within the stratum
    kept = np.zeros(order.size, dtype=bool)
    kept[by_stratum[place < wanted[stratum[by_stratum]]]] = True
    return kept


def _cover(kept: NDArray[np.bool_], order: IndexArray, records: IndexArray, wanted: int) -> None:
    """Keep more of `records`, first come first served in `order`, until `wanted` of them (or all) are kept."""
    missing = wanted - int(kept[records].sum())
    if missing > 0:
        member = np.zeros(kept.size, dtype=bool)
        member[records] = True
        queue = order[member[order] & ~kept[order]]
        kept[queue[:missing]] = True


def _rows(problem: CalibrationProblem, kept: NDArray[np.bool_]) -> list[Row]:
    """Every target with an entry among the kept records: its number, their positions and their entries."""
    M, position = problem.M, np.cumsum(kept) - 1
    rows: list[Row] = []
    for j in range(problem.n_targets):
        columns, entries = (part[M.indptr[j] : M.indptr[j + 1]] for part in (M.indices, M.data))
        here = kept[columns]
        if here.any():
            rows.append((j, position[columns[here]], entries[here]))
    return rows


def _cycle(w: FloatArray, y: FloatArray, counting: list[Row], linear: list[Row]) -> None:
    """One pass over all rows, in place; each row sees the weights that the row before it left."""
    for j, at, _ in counting:
        members = w[at]
        total = members.sum()
        if total > _MIN_TOTAL:
            w[at] = members * (max(y[j], 0.0) / total)  # no weights ≥ 0 count to less than 0
    for j, at, x in linear:
        members = w[at]
        curvature = members @ (x * x)
        if curvature > _MIN_TOTAL:
            step = _DAMPING * (y[j] - members @ x) / curvature
            w[at] = members * np.maximum(_MIN_FACTOR, 1.0 + step * x)
