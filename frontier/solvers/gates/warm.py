"""Compile the epoch loops ahead of time, so that compilation is never part of a timing."""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.sparse as sp

from frontier.core.problem import CalibrationProblem
from frontier.solvers.gates.block import Block, Matrices
from frontier.solvers.gates.gates import HardConcrete
from frontier.solvers.gates.loss import data_loss
from frontier.solvers.gates.schedule import Precision, Schedule
from frontier.solvers.gates.training import Fit, Start, Training


@cache
def warm(precision: Precision, *, gated: bool) -> None:
    """Run one epoch of a tiny problem."""
    problem = CalibrationProblem("warm-up", sp.csr_array(np.ones((1, 2))), np.ones(1), np.ones(2))
    task = Training(
        loss=data_loss(problem, "squared", cap=1.0, conserve_total=False),
        schedule=Schedule(epochs=1, lr=0.1, precision=precision),
        start=lambda _: Start(np.ones(2), np.zeros(2) if gated else None),
        gates=HardConcrete() if gated else None,
    )
    Block(task, [Fit(0.0, 0)], Matrices.of(task), width=1).advance(1)
