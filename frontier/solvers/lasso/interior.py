"""The non-negative LASSO with very many columns, by a primal-dual interior point method: θ, and a near-optimal vertex.

`min ½‖b − A x‖² + Σ l_i x_i`, `x ≥ 0`, over columns of length 1. With θ = b − A x and the slacks s = l − Aᵀθ the KKT
conditions are x s = 0, x, s ≥ 0. Newton's method on them with x s = σμ leaves one system in θ,
`(I + A diag(x/s) Aᵀ) dθ = …`, of as many rows as there are targets, however many records are active. Directions are
Mehrotra's (1992) with centrality correctors (Gondzio 1996), each weighted for the longest step (Colombo & Gondzio
2008): one factorisation, which is what costs, serves them all.

Near an exact fit the solutions are a face of up to 70% of all records, and the method ends in its middle. Its θ is
unique all the same, and proves the gap of any other point. So a second problem follows, on the columns of the face
with each l_i raised unevenly by about `PERTURBATION` of itself (Charnes 1952): that leaves one vertex, whose value is
off by a share of second order. `lasso.kernel` cleans it of dependent columns; what is certified is decided there.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
import scipy.linalg as sla
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import out_of_time
from frontier.solvers.dual.newton import add_gram

PERTURBATION = 1e-6  # of l_i: on 2,121 × 280,005 it costs 1e-9 of the value; from 1e-8 on rounding hides the vertex
WARM = 0.1  # relative gap at which the next problem starts: later ones are too near the boundary
FAR = 100.0  # limits that grew or shrank by more than this factor: the last solution is no start
GAP = 1e-9  # relative, of θ
RIDGE = 1e-12  # of the diagonal: at 1e-14 the normal matrix of dependent targets does not stay factorable to the end
SMALLEST_GAP = 1e-16  # rounding
MAX_STEPS = 100
SMALLEST_STEP = 1e-12  # of the way: less is rounding
GOLDEN = (np.sqrt(5) - 1) / 2  # multiples of it, modulo 1, fill [0, 1] evenly without ties (Weyl 1916)
SLACK_START = 1e-3  # of the largest correlation: smaller slacks block the first steps
CORRECTORS = 5  # each costs a tenth of a factorisation
CENTRAL = 0.1  # products x s outside [CENTRAL, 1/CENTRAL] σμ are corrected
REACH = 0.3  # how much further a corrector is to make the step
WORTHWHILE = 1.01  # a corrector that lengthens the step by less is the last one
WEIGHTS = 5  # trial weights per corrector
INSIDE = 0.99  # of the way to the boundary

Direction = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Approach:
    """x ≥ 0 (p), near a vertex of the solutions, 0 where the slack says so; θ (m), near the solution of the dual."""

    x: FloatArray
    theta: FloatArray


class InteriorPoint:
    """The problems of one design, each started from the last.

    columns  p ≥ 1 columns of length 1, sorted, m × p
    """

    def __init__(self, columns: sp.csc_array, b: FloatArray) -> None:
        self.columns, self.b = columns, b
        self.last: _State | None = None

    def solve(self, limits: FloatArray) -> Approach:
        """The solution for the limits l_i = λ c_i, in units of a correlation."""
        state = self._start(limits)
        state.descend(WARM)
        self.last = copy(state) if limits.all() else None  # λ = 0 is no unit
        state.descend(GAP)
        found = np.where(state.x > state.s, state.x, 0.0)
        face = np.flatnonzero(found)
        if face.size > self.b.size and limits.all():
            found[face] = _vertex(state, face)
        return Approach(found, state.theta)

    def _start(self, limits: FloatArray) -> _State:
        """From the last problem, θ and s shrunk until they keep `Aᵀθ + s = l`; from nothing when that is far off."""
        last = self.last
        scale = 0.0 if last is None else float(np.min(limits / last.limits))
        if last is None or not 1 / FAR <= scale <= FAR:
            return _cold(self.columns, self.b, limits)
        s = scale * last.s + (limits - scale * last.limits)
        return _State(self.columns, self.b, limits, last.x, scale * last.theta, s)


def _cold(columns: sp.csc_array, b: FloatArray, limits: FloatArray) -> _State:
    """A start from nothing: equal weights, θ = 0."""
    p = limits.size
    fit = columns @ np.ones(p)
    x = np.full(p, max(float(b @ fit), 0.0) / float(fit @ fit) if fit.any() else 0.0)
    x = np.maximum(x, 1e-3 * np.linalg.norm(b) / p)
    s = np.maximum(limits, SLACK_START * float(np.max(np.abs(columns.T @ b))))
    return _State(columns, b, limits, x, np.zeros_like(b), s)


def _vertex(state: _State, face: NDArray[np.intp]) -> FloatArray:
    """From the middle of a face to the vertex of it that limits raised unevenly prefer; weights of its columns."""
    limits, s = state.limits[face], state.s[face]
    extra = PERTURBATION * limits * (0.5 + np.modf(GOLDEN * np.arange(face.size))[0])
    raised = _State(state.columns[:, face], state.b, limits + extra, state.x[face], state.theta, s + extra)
    raised.descend(SMALLEST_GAP, state.b.size)
    return np.where(raised.x > raised.s, raised.x, 0.0)


class _State:
    """An interior point (x, θ, s) of one problem."""

    def __init__(
        self,
        columns: sp.csc_array,
        b: FloatArray,
        limits: FloatArray,
        x: FloatArray,
        theta: FloatArray,
        s: FloatArray,
    ) -> None:
        self.columns, self.transposed, self.b, self.limits = columns, columns.T, b, limits
        self.x, self.theta, self.s = x, theta, s

    def descend(self, gap: float, most: int = -1) -> None:
        """Step until the gap or the number of columns left is small enough, or rounding or the clock stops it."""
        for _ in range(MAX_STEPS):
            if out_of_time() or self.gap() <= gap or np.count_nonzero(self.x > self.s) <= most or not self.step():
                break

    def gap(self) -> float:
        """Upper bound of the duality gap relative to the primal value, once the slacks are those of θ."""
        residual = self.b - self.columns @ self.x
        missed, off = residual - self.theta, self.limits - self.transposed @ self.theta - self.s
        primal = 0.5 * float(residual @ residual) + float(self.limits @ self.x)
        gap = 0.5 * float(missed @ missed) + float(self.x @ self.s) + float(self.x @ np.abs(off))
        return gap / max(primal, 1e-300)

    def step(self) -> bool:
        """One factorisation, its directions and a step; False when rounding has the last word."""
        x, s = self.x, self.s
        normal = np.zeros((self.b.size, self.b.size))
        add_gram(self.columns.indptr, self.columns.indices, self.columns.data, x / s, normal)
        normal[np.diag_indices_from(normal)] += 1.0 + RIDGE * np.diagonal(normal)
        try:
            factor = sla.cho_factor(normal.T, overwrite_a=True, check_finite=False)  # upper in column order: no copy
        except sla.LinAlgError:
            return False
        missed = self.b - self.theta - self.columns @ x
        off = self.limits - self.transposed @ self.theta - s
        mu = float(x @ s) / x.size
        direction = self._solve(factor, -x * s, missed, off)
        length = float(_lengths(x, direction[0], direction[0], s, direction[2], direction[2], np.zeros(1))[0])
        after = float((x + length * direction[0]) @ (s + length * direction[2])) / x.size
        target = mu * max((after / mu) ** 3, 1e-4)
        corrector = self._solve(factor, target - direction[0] * direction[2])
        direction, length = self._combined(direction, corrector, length)
        for _ in range(CORRECTORS):
            trial = min(1.0, length + REACH)
            products = (x + trial * direction[0]) * (s + trial * direction[2])
            change = np.clip(products, CENTRAL * target, target / CENTRAL) - products
            corrector = self._solve(factor, np.maximum(change, -target / CENTRAL))
            previous = length
            direction, length = self._combined(direction, corrector, length)
            if length < WORTHWHILE * previous:
                break
        dx, dtheta, ds = direction
        # one refinement: what rounding left of the equations, without which the weights drift from the fit
        refined = self._solve(factor, np.zeros_like(x), missed - dtheta - self.columns @ dx)
        length = float(_lengths(x, dx, refined[0], s, ds, refined[2], np.ones(1))[0])
        dx, dtheta, ds = dx + refined[0], dtheta + refined[1], ds + refined[2]
        length *= INSIDE
        if not (length > SMALLEST_STEP and np.isfinite(dtheta).all()):
            return False
        self.x, self.theta, self.s = x + length * dx, self.theta + length * dtheta, s + length * ds
        return True

    def _solve(
        self,
        factor: tuple[FloatArray, bool],
        products: FloatArray,
        missed: FloatArray | None = None,
        off: FloatArray | None = None,
    ) -> Direction:
        """(dx, dθ, ds) with `s dx + x ds = products`, `A dx + dθ = missed`, `Aᵀdθ + ds = off` (None: 0)."""
        wanted = products if off is None else products - self.x * off
        right = -(self.columns @ (wanted / self.s))
        if missed is not None:
            right += missed
        dtheta = sla.cho_solve(factor, right, check_finite=False)
        ds = -(self.transposed @ dtheta)
        if off is not None:
            ds += off
        return (products - self.x * ds) / self.s, dtheta, ds

    def _combined(self, direction: Direction, corrector: Direction, length: float) -> tuple[Direction, float]:
        """The direction plus the share of the corrector that allows the longest step; unchanged if none helps."""
        shares = np.linspace(max(0.1, length**2), 1.0, WEIGHTS)
        lengths = _lengths(self.x, direction[0], corrector[0], self.s, direction[2], corrector[2], shares)
        best = int(np.argmax(lengths))
        if lengths[best] <= length:
            return direction, length
        dx, dtheta, ds = (d + shares[best] * c for d, c in zip(direction, corrector, strict=True))
        return (dx, dtheta, ds), float(lengths[best])


@njit(cache=True, fastmath={"contract"})
def _lengths(
    x: FloatArray, dx: FloatArray, cx: FloatArray, s: FloatArray, ds: FloatArray, cs: FloatArray, shares: FloatArray
) -> NDArray[np.float64]:  # pragma: no cover - compiled
    """For each share the longest step ≤ 1 along `dx + share cx`, `ds + share cs` that keeps x and s from below 0."""
    rates = np.ones(len(shares))
    for i in range(len(x)):
        p, q = -dx[i] / x[i], -cx[i] / x[i]
        u, v = -ds[i] / s[i], -cs[i] / s[i]
        for k in range(len(shares)):
            rates[k] = max(rates[k], max(p + shares[k] * q, u + shares[k] * v))
    return 1.0 / rates
