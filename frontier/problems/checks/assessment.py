"""Which target makes calibration hard: the targets added one at a time, with rank, loss and surprise at each step.

The loss of a step is the least that any weights reach on the targets so far, `½ Σ ω r²`: of weights ≥ 0 by non-negative
least squares from the weights of the step before (`solvers.lasso.active_set`), of weights of any sign by what dependent
targets contradict. A row at a distance of 1e-6 or less from the span of the rows before (rows of length 1, QR) is
dependent on them, and gives u with `uᵀA = 0`; over an orthonormal basis of these u that loss is `½ Σ (uᵀb)²`.

The residual of an added target is that of the weights nearest to w0 (least squares, signs not enforced) that give the
best estimates of the step before; those of `w ≥ 0` are many where targets are few, and their vertex would surprise
anybody. All depends on the order: a contradiction shows at the last target of it.

The idea of adding one target after the other: `assess_analytical_solution` of PolicyEngine/microcalibrate, which solves
for weights of any sign, each step anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.linalg as sla
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError, did_you_mean
from frontier.core.limits import OutOfTime, check_time, out_of_time
from frontier.core.problem import CalibrationProblem
from frontier.methods.dense_nnls import DenseNnls
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.problems.checks.dependent import MOST_TARGETS
from frontier.problems.checks.infeasible import MET, certified
from frontier.solvers.lasso.active_set import settle
from frontier.solvers.lasso.columns import ActiveSet, Columns

DISTANCE = 1e-6  # of a row of length 1 to those before it: sums of figures in single precision are this near
BLOCK = 8_192  # records whose rows are dense at a time


@dataclass(frozen=True, slots=True)
class Assessment:
    """What each target adds to those before it; printed, it is the answer in two lines.

    table  one row per step: step (from 1), target, family, value (target units), rank (of the targets so far),
           dependent (on those before), residual (relative, of this target before it is fitted), loss_any_sign and loss
           (of weights ≥ 0) on the targets so far, increase (of loss), met (all targets so far, to 1e-6)
    proved whether the first targets that are not met are proved impossible for weights ≥ 0 (Farkas)
    of     targets that there are to assess; the table has fewer rows when time was too short
    """

    table: pd.DataFrame
    proved: bool
    of: int

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> tuple[str, str]:
        """Which target is hardest, and how far all can be met."""
        table, count = self.table, len(self.table)
        met = int(table["met"].sum())
        short = f" (of {self.of:,}: time was too short for the rest)" if count < self.of else ""
        if met == count:
            worst = table.iloc[int(table["residual"].abs().argmax())]
            all_of_them = "The only target" if count == 1 else f"All {count:,} targets"
            return (
                f"No target is hard: the one that those before it foretell least is {worst['target']!r} "
                f"(step {worst['step']:,}), off by {abs(worst['residual']):.1%} before it is fitted.",
                f"{all_of_them}{short} can be met exactly by weights ≥ 0.",
            )
        worst, wrong = table.iloc[int(table["increase"].argmax())], table.iloc[met]
        together = {0: "", 1: "The first target can be met exactly; "}.get(
            met, f"The first {met:,} targets can be met exactly; "
        )
        cannot = f"{'cannot be' if self.proved else 'was not'} met{' together with them' if met else ''}"
        signs = "whatever the signs of weights" if wrong["loss_any_sign"] > MET**2 else "by weights ≥ 0"
        return (
            f"The hardest target is {worst['target']!r} (step {worst['step']:,}): adding it raises the loss by "
            f"{worst['increase']:.3g} to {worst['loss']:.3g}; after {count:,} targets{short} it is "
            f"{table['loss'].iloc[-1]:.3g}.",
            f"{together}{wrong['target']!r} (step {wrong['step']:,}) {cannot}, {signs}.",
        )


def assess_targets(
    problem: CalibrationProblem, first: Sequence[str] = (), *, visit: Callable[[str], object] | None = None
) -> Assessment:
    """The targets of a problem added one at a time, in its order: which of them makes calibration hard.

    first  targets or families that come before all others, in this order
    visit  is told the name of each target that has been added

    Targets of importance 0 are left out, and tolerances not heeded. Within a time limit (`core.limits`) the steps that
    are ready in time. Raises `InputError` for a name that is neither, or more than 5,000 targets; `OutOfTime` when
    none is.
    """
    rows = _ordered(problem, first)
    part = problem.restrict(rows)
    with threadpool_limits(limits=1, user_api="blas"):  # many small products: threads that wait for each other
        return _assess(part, visit or (lambda name: None))


def _assess(problem: CalibrationProblem, visit: Callable[[str], object]) -> Assessment:
    design = weighted_design(problem)
    A, b, omega = design.A, design.b, np.sqrt(problem.importance)
    span = _Span(A)
    at_w0 = A @ problem.w0
    best, proved = _Best(), False
    found: list[dict[str, object]] = []
    fitted, loss, loss_any, met = at_w0[:0], 0.0, 0.0, True
    for j, name in enumerate(problem.target_names):
        if out_of_time():
            break
        surprise = (at_w0[j] + span.foretold(j, fitted - at_w0[:j]) - b[j]) / omega[j]
        dependent, contradicted = span.add(j, b)
        loss_any += 0.5 * contradicted**2
        upto = A.indptr[j + 1]
        sofar = WeightedDesign(
            sp.csr_array((A.data[:upto], A.indices[:upto], A.indptr[: j + 2]), shape=(j + 1, A.shape[1])), b[: j + 1]
        )
        weights = best.of(sofar)
        if weights is None:  # time was up
            break
        fitted = sofar.A @ weights
        before, loss = loss, 0.5 * float(np.sum((fitted - sofar.b) ** 2))
        was, met = met, bool((np.abs(fitted - sofar.b) <= MET * omega[: j + 1]).all())
        if was and not met:
            residual = (sofar.b - fitted) / omega[: j + 1]
            proved = certified(problem.restrict(np.arange(j + 1)), residual)
        found.append(
            {
                "step": j + 1,
                "target": name,
                "family": problem.families[j],
                "value": problem.y[j],
                "rank": span.rank,
                "dependent": dependent,
                "residual": surprise,
                "loss_any_sign": loss_any,
                "loss": loss,
                "increase": max(loss - before, 0.0),  # below 0: rounding
                "met": met,
            }
        )
        visit(name)
    if not found:
        raise OutOfTime
    return Assessment(pd.DataFrame(found), proved, problem.n_targets)


class _Best:
    """The best weights ≥ 0 of a growing problem, each from the ones before."""

    def __init__(self) -> None:
        self.records = np.empty(0, dtype=np.intp)
        self.values = np.empty(0)

    def of(self, design: WeightedDesign) -> FloatArray | None:
        """Weights (n) of the least loss; None where they were not reached in time."""
        columns = Columns.of(design)
        active = ActiveSet(columns)
        position = np.searchsorted(columns.used, self.records)
        active.load(position.tolist())
        settled = settle(active, 0.0, DenseNnls.max_iter, start=self.values * columns.lengths[position])
        if not settled.reached:
            return None
        weights = columns.weights(active.members, settled.x)
        self.records = np.sort(columns.used[active.members])
        self.values = weights[self.records]
        return weights


class _Span:
    """The rows of A one after the other, in the coordinates of an orthonormal basis of those that are independent."""

    def __init__(self, A: sp.csr_array) -> None:
        m = A.shape[0]
        self.lengths = np.sqrt(np.asarray(A.multiply(A).sum(axis=1)).ravel())
        self._rows = _compressed(sp.diags_array(1 / np.where(self.lengths > 0, self.lengths, 1.0)) @ A)
        self._basis = np.zeros((min(self._rows.shape), self._rows.shape[1]))
        self._L = np.zeros((m, self._basis.shape[0]))  # of the independent rows: `rows[own] = L @ basis`
        self._own: list[int] = []
        self._null = np.zeros((m, 0))  # orthonormal combinations of rows of A that are 0

    @property
    def rank(self) -> int:
        return len(self._own)

    def foretold(self, j: int, changes: FloatArray) -> float:
        """What row j changes by when least weights (in squares) change the rows before it by `changes`."""
        k, own = self.rank, self._own
        z = sla.solve_triangular(self._L[:k, :k], changes[own] / self.lengths[own], lower=True) if k else np.empty(0)
        return float(self._basis[:k] @ self._rows[j] @ z * self.lengths[j])

    def add(self, j: int, b: FloatArray) -> tuple[bool, float]:
        """Whether row j depends on those before it, and then how far b contradicts it, `uᵀb`, beyond what is known."""
        k = self.rank
        basis, rest = self._basis[:k], self._rows[j].copy()
        inside = basis @ rest
        rest -= inside @ basis
        again = basis @ rest  # twice is enough (Giraud, Langou & Rozložník 2005)
        rest -= again @ basis
        distance = float(np.linalg.norm(rest))
        if distance > DISTANCE:
            self._basis[k] = rest / distance
            self._L[k, :k], self._L[k, k] = inside + again, distance
            self._own.append(j)
            return False, 0.0
        u = np.zeros(b.size)
        u[j] = 1.0
        if self.lengths[j] > 0:
            u[self._own] = -sla.solve_triangular(self._L[:k, :k], inside + again, lower=True, trans=1)
            u[self._own] *= self.lengths[j] / self.lengths[self._own]
        for _ in range(2):
            u -= self._null @ (self._null.T @ u)
        u /= np.linalg.norm(u)
        self._null = np.column_stack([self._null, u])
        return True, float(u @ b)


def _compressed(A: sp.csr_array) -> FloatArray:
    """C (m × min(m, n)) with `C Cᵀ = A Aᵀ`: all that ranks and distances of rows depend on; by QR of blocks of Aᵀ."""
    columns = sp.csr_array(A.T)
    R = np.zeros((0, A.shape[0]))
    for start in range(0, columns.shape[0], BLOCK):
        check_time()
        R = sla.qr(np.vstack([R, columns[start : start + BLOCK].toarray()]), mode="r", overwrite_a=True)[0]
        R = R[: min(R.shape)]
    return np.ascontiguousarray(R.T)


def _ordered(problem: CalibrationProblem, first: Sequence[str]) -> NDArray[np.intp]:
    """The rows in the order in which they are added."""
    place, names, families = "first", problem.target_names, problem.families
    order: dict[int, None] = {}
    for name in first:
        chosen = [j for j in range(len(names)) if name in (names[j], families[j])]
        if not chosen:
            cure = did_you_mean(name, {*names, *families})
            raise InputError(place, f"neither a target nor a family: '{name}'", cure=cure)
        order |= dict.fromkeys(chosen)
    order |= dict.fromkeys(range(len(names)))
    rows = np.array([j for j in order if problem.importance[j] > 0], dtype=np.intp)
    if not 0 < rows.size <= MOST_TARGETS:
        expected = f"1 to {MOST_TARGETS:,} of importance > 0"
        raise InputError("targets", "not to be assessed", expected=expected, got=f"{rows.size:,}", cure="restrict")
    return rows
