"""Targets that others fix: a nation and its states, ages and their sum; and by how much what is published differs.

A combination u of rows with `uᵀM = 0` adds up to 0 under any weights, negative ones too, so `uᵀy` must be 0 as well.
Such u are the null space of `M Mᵀ` with rows of length 1 (eigenvalues below 1e-10 of the largest), in the basis where
each has one target that no other has: this one is fixed by the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg as sla
import scipy.sparse as sp

from frontier.core.problem import CalibrationProblem

NO_DIRECTION = 1e-10  # of the largest eigenvalue
NO_PART = 1e-7  # of the largest coefficient: rounding
MOST_TARGETS = 5_000  # whose Gram matrix, 200 MB, is decomposed


@dataclass(frozen=True, slots=True)
class Dependence:
    """A target (row) that `others` fix: what they say it is, `implied` (target units), and what is published.

    `room`: how far the two may be apart with all tolerances used up.
    """

    target: int
    others: tuple[int, ...]
    implied: float
    published: float
    room: float = 0.0

    @property
    def beyond_rounding(self) -> bool:
        """Whether the difference is more than the tolerances leave room for."""
        return abs(self.implied - self.published) > self.room

    @property
    def off(self) -> float:
        """The difference, relative to the larger of the two."""
        largest = max(abs(self.implied), abs(self.published))
        return abs(self.implied - self.published) / largest if largest else 0.0


def dependences(problem: CalibrationProblem) -> list[Dependence]:
    """Every target that others fix, the most contradictory first; [] for more than 5,000 targets."""
    lengths = np.sqrt(np.asarray(problem.M.multiply(problem.M).sum(axis=1)).ravel())
    used = np.flatnonzero(lengths > 0)
    if not used.size or used.size > MOST_TARGETS:
        return []
    rows = sp.csr_array(sp.diags_array(1 / lengths[used]) @ problem.M[used])
    values, vectors = sla.eigh((rows @ rows.T).toarray())
    null = vectors[:, values <= NO_DIRECTION * values[-1]]
    if not null.shape[1]:
        return []
    *_, order = sla.qr(null.T, pivoting=True, mode="r")
    own = np.sort(order[: null.shape[1]])
    basis = np.linalg.solve(null[own].T, null.T).T  # the identity at the rows of `own`
    found = []
    for k, j in enumerate(own):
        u = basis[:, k]
        others = np.flatnonzero((np.abs(u) > NO_PART * np.abs(u).max()) & (np.arange(u.size) != j))
        y = problem.y[used] / lengths[used]
        implied = float(-(u[others] @ y[others]) * lengths[used[j]])
        room = 0.0
        if problem.tolerance is not None:
            loose = problem.tolerance[used] / lengths[used]
            room = float((np.abs(u[others]) @ loose[others] + loose[j]) * lengths[used[j]])
        names = tuple(map(int, used[others]))
        found.append(Dependence(int(used[j]), names, implied, float(problem.y[used[j]]), room))
    return sorted(found, key=lambda one: -one.off)
