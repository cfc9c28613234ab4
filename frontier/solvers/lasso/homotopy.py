"""The solution path of the non-negative LASSO, breakpoint by breakpoint, from λ_max down to the least λ asked for.

`w(λ) = argmin ½‖A w − b‖² + λ cᵀw, w ≥ 0` is piecewise linear in λ (Osborne, Presnell & Turlach 2000; Efron, Hastie,
Johnstone & Tibshirani 2004, section 3.1, with only the positive sign). In the scaling of `columns.py` the solution on
an active set is `x_S = u − λ v` with residual `p + λ d`, and going down from λ the next event is the largest of

    record i enters, when its correlation reaches its cost:   â_iᵀp + λ' â_iᵀd = λ' ĉ_i,   λ' = â_iᵀp / (ĉ_i − â_iᵀd)
    record j leaves, when its weight reaches 0:               u_j − λ' v_j = 0,            λ' = u_j / v_j

One event costs one pass over A. Nothing is carried from event to event but the active set and its factor.

Ties. Events within a relative `TIE` of the largest λ' are simultaneous: they happen one at a time, the lowest record
first, with steps of length zero between them. That is the least-index rule for the linear complementarity problem that
a tie poses (Murty 1974), which ends. A column in the span of the active ones does not enter until one of them has
left, so of equal columns only the first enters. Should rounding make a support come back at the same λ, the path moves
on by a relative `STRIDE` and finds the active set there afresh (`active_set.py`).

Rounding. A correlation is known to eps ‖b‖, so below `λ = KNOWN · eps ‖b‖ / min ĉ` a cost λ ĉ is known to 1/KNOWN of
itself at best, and so are the places of events. What events remain below it are not followed: segments join the
solutions at the λ asked for, and the status says "rounding". Most paths have no events left by then.

It gives one minimiser for each λ; where a face of them exists, which one is decided by the tie rule.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import neg
from typing import Literal

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.limits import out_of_time
from frontier.objectives.design import WeightedDesign
from frontier.objectives.l1 import l1_certificate
from frontier.solvers.lasso.active_set import settle
from frontier.solvers.lasso.columns import EPS, ActiveSet, Columns, Line
from frontier.solvers.lasso.solved import Solved

TIE = 1e-12
STRIDE = 1e-9
KNOWN = 1e5
NOISE = 16 * EPS  # of ‖b‖ or ‖d‖: an inner product with a unit column below this is taken for rounding

PathStatus = Literal["complete", "rounding", "max_breakpoints", "out_of_time"]


class HomotopyPath:
    """The path of one design, as far down as it was asked for; between breakpoints it is linear, above the first 0.

    costs            c > 0, one for all records or one each
    max_breakpoints  where the path ends early, with that status

    lams      λ_max = λ_0 > λ_1 > …: the breakpoints, and among them the λ asked for
    supports  the records with weight at each of `lams`
    values    their weights, records represented
    status    "complete"; "rounding" where segments skip events that rounding hides (see above);
              "max_breakpoints" and "out_of_time" when the path ended above a λ that was asked for
    n_events  records that entered or left; more than breakpoints where events are simultaneous

    A record whose column is empty stays at 0. Raises `InputError` for costs that are not positive.
    """

    def __init__(self, design: WeightedDesign, costs: FloatArray | float = 1.0, max_breakpoints: int = 20_000) -> None:
        self.design, self.costs = design, costs
        self.columns = columns = Columns.of(design, costs)
        self.max_breakpoints = max_breakpoints
        self.active = ActiveSet(columns)
        self.dependent = np.zeros(columns.used.size, dtype=bool)  # in the span of the active columns
        self.lam = float(np.max(columns.rows @ columns.b / columns.costs, initial=0.0))
        self.n_events = 0
        self.status: PathStatus = "complete"
        self.lams = [self.lam]
        self.supports = [np.zeros(0, dtype=np.intp)]
        self.values = [np.zeros(0)]

    def solve(self, lam: float) -> Solved:
        """The solution at λ, to which the path is walked on; where it ends above, its end, as the certificate says."""
        self.down_to(lam)
        weights = self.weights(max(lam, self.lam))
        trace = {"lam": np.array(self.lams), "n_active": np.array([float(len(s)) for s in self.supports])}
        certificate = l1_certificate(self.design, weights, lam, self.costs)
        return Solved(weights, certificate, self.n_events, {"path_status": self.status}, trace)

    def weights(self, lam: float) -> FloatArray:
        """The solution at λ, (n,); `InputError` below the end of the path."""
        lam = min(lam, self.lams[0])
        if not lam >= self.lam:
            cure = "walk further down"
            raise InputError("lam", "below the end of the path", expected=f"λ ≥ {self.lam:.6g}", got=lam, cure=cure)
        below = bisect_left(self.lams, -lam, key=neg)
        above = max(below - 1, 0)
        width = self.lams[above] - self.lams[below]
        share = (self.lams[above] - lam) / width if width > 0 else 0.0
        found = np.zeros(self.columns.n_records)
        found[self.supports[above]] = (1.0 - share) * self.values[above]
        found[self.supports[below]] += share * self.values[below]
        return found

    def down_to(self, lam_min: float) -> None:
        """Walk on to `lam_min`, if the path is above it; `InputError` for λ < 0."""
        if not (np.isfinite(lam_min) and lam_min >= 0):
            raise InputError("lam_min", "not a penalty", expected="a finite λ ≥ 0", got=lam_min)
        if lam_min >= self.lam:
            return
        hidden = KNOWN * EPS * float(np.linalg.norm(self.columns.b) / np.min(self.columns.costs))
        seen: set[frozenset[int]] = set()
        stride = STRIDE
        while True:
            if out_of_time():
                self.status = "out_of_time"
                return
            line = self.active.line()
            at, events = self._next(line)
            if at <= lam_min:
                self._record(lam_min, line)
                return
            if at < hidden:
                self.status = "rounding"
                self._settle(lam_min)
                return
            if at < self.lam * (1 - TIE):
                if len(self.lams) >= self.max_breakpoints:
                    self.status = "max_breakpoints"
                    return
                self._record(at, line)
                seen, stride = set(), STRIDE
            self._change(min(events))
            support = frozenset(self.active.members)
            if support in seen:
                self._settle(max(self.lam * (1 - stride), lam_min))
                seen, stride = set(), 10 * stride
                if self.lam == lam_min:
                    return
            seen.add(support)

    def _next(self, line: Line) -> tuple[float, list[tuple[int, int]]]:
        """The λ of the next event, and the simultaneous events: (record, its position if it leaves, else −1)."""
        columns, active = self.columns, self.active
        along = columns.rows @ np.column_stack((line.p, line.d))
        rate = columns.costs - along[:, 1]
        noise = NOISE * float(np.linalg.norm(columns.b)), NOISE * float(np.linalg.norm(line.d))
        enters = (along[:, 0] > noise[0]) & (rate > noise[1]) & ~active.is_active & ~self.dependent
        enter = np.divide(along[:, 0], rate, out=np.zeros(rate.size), where=enters)
        leaves = (line.v < 0) & (line.u < 0)
        leave = np.divide(line.u, line.v, out=np.zeros(line.v.size), where=leaves)
        at = min(float(max(enter.max(initial=0.0), leave.max(initial=0.0))), self.lam)
        near = at * (1 - TIE)
        if at <= 0:
            return 0.0, []
        events = [(int(i), -1) for i in np.flatnonzero(enter >= near)]
        events += [(active.members[j], int(j)) for j in np.flatnonzero(leave >= near)]
        return at, events

    def _change(self, event: tuple[int, int]) -> None:
        record, position = event
        if position >= 0:
            self.active.remove(position)
            self.dependent[:] = False  # the span has shrunk
        elif not self.active.add(record):
            self.dependent[record] = True
            return
        self.n_events += 1

    def _settle(self, lam: float) -> None:
        """Go on to λ without following events."""
        settle(self.active, lam)
        self.dependent[:] = False
        self._record(lam, self.active.line())

    def _record(self, lam: float, line: Line) -> None:
        x = np.maximum(line.at(lam), 0.0)
        members = np.array(self.active.members, dtype=np.intp)[x > 0]
        self.lam = lam
        self.lams.append(lam)
        self.supports.append(self.columns.used[members])
        self.values.append(x[x > 0] / self.columns.lengths[members])
