"""What no method can beat on the training targets, and where an L1 frontier can exist at all.

Any non-negative weights can be thinned to at most rank(A) records without changing an estimate (Carathéodory), so from
k = rank(A) records on the best training loss is the dense one: the minimum of non-negative least squares bounds the
training loss of every method at every budget. NN-LASSO has a solution with at most rank(A) records at every λ: only
below that size can its path be a frontier.
"""

from __future__ import annotations

import numpy as np

from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import column_rank, relative_residual, weighted_design
from frontier.objectives.l1 import l1_certificate
from frontier.solvers.lasso.working_set import WorkingSetPath

# A penalty this small (of λ_max) leaves the loss at its minimum to many digits and the columns untied; at 0 they tie.
NEARLY_FREE = 1e-8
PIVOTS = 100_000


def training_facts(training: CalibrationProblem) -> dict[str, float | int | None]:
    """`rank` of A; `bound_loss`, the least `½ Σ ω_j r_j²` over w ≥ 0 (a proven lower bound); `dense_mare` at that fit.

    The bound is the dual value of non-negative least squares, from the certificate of the dense fit at λ = 0.
    The dense fit minimises squares, so a method can have a smaller mean *absolute* error, never a smaller loss.
    """
    design = weighted_design(training)
    path = WorkingSetPath(design)
    weights = np.zeros(training.n_records)
    if path.lam_max > 0:
        for ratio in (1e-2, 1e-4, NEARLY_FREE):
            weights = path.solve(ratio * path.lam_max, max_pivots=PIVOTS).weights
    certificate = l1_certificate(design, weights, 0.0)
    return {
        "rank": column_rank(design, np.arange(training.n_records)),
        "bound_loss": max(certificate.primal - certificate.gap, 0.0),
        "dense_mare": float(np.abs(relative_residual(training, weights)).mean()),
    }
