"""Small batched fits for the tests of this room, and the same fit by autograd and torch's Adam."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.solvers.gates.gates import HardConcrete
from frontier.solvers.gates.loss import CAPPED, data_loss
from frontier.solvers.gates.schedule import Schedule
from frontier.solvers.gates.torch_block import gate_logits
from frontier.solvers.gates.training import Fit, Start, Training
from tests.conftest import make_problem


def make_task(problem: CalibrationProblem | None = None, **changes: Any) -> Training:
    """A gated float64 task of 30 epochs; keys of the schedule, the loss and the task may be changed."""
    problem = make_problem() if problem is None else problem
    schedule = {"epochs": 30, "lr": 0.1, "precision": "float64"}
    schedule |= {key: changes.pop(key) for key in list(changes) if key in Schedule.__dataclass_fields__}
    loss = {"name": "squared", "cap": 1.0, "conserve_total": False}
    loss |= {key: changes.pop(key) for key in list(changes) if key in loss}
    n = problem.n_records
    log_alpha = np.random.default_rng(0).normal(1.0, 1.0, n)
    gated = changes.pop("gated", True)
    settings: dict[str, Any] = {
        "loss": data_loss(problem, **loss),
        "schedule": Schedule(**schedule),
        "start": lambda seed: Start(problem.w0 * (1 + 0.1 * seed), log_alpha if gated else None),
        "gates": HardConcrete() if gated else None,
    }
    return Training(**(settings | changes))


def by_autograd(task: Training, cell: Fit) -> tuple[FloatArray, FloatArray]:
    """`e^θ` and α of one cell after training, from Louizos et al. (2018) and Adam; limits by projection."""
    loss, start = task.loss, task.clipped_start(cell.seed)
    A, b, q = torch.tensor(loss.design.A.toarray()), torch.tensor(loss.design.b), torch.tensor(loss.q)
    theta = torch.tensor(np.log(start.scale), requires_grad=True)
    parameters = [theta]
    gates = task.gates
    if gates is not None:
        parameters.append(torch.tensor(start.log_alpha, requires_grad=True))
    optimiser = torch.optim.Adam(parameters, lr=task.schedule.lr)
    n = len(theta)
    for epoch in range(1, task.schedule.epochs + 1):
        value = torch.zeros((), dtype=torch.float64)
        w = theta.exp() * (1 if task.mask is None else torch.tensor(task.mask(cell.seed, epoch)))
        if gates is not None:
            alpha, beta = parameters[1], task.temperatures[epoch]
            noise = gate_logits((cell.seed,), epoch, torch.arange(n), torch.float64)[:, 0]
            z = (torch.sigmoid((noise + alpha) / beta) * gates.width + gates.gamma).clamp(0, 1)
            w = w * z
            value = value + cell.lam * torch.sigmoid(alpha - beta * np.log(-gates.gamma / gates.zeta)).sum()
        judged = w * (loss.total / w.sum()) if loss.total else w
        residual = A @ judged - b
        value = value + (q * (residual.abs().clamp(max=loss.cap) if loss.kind == CAPPED else residual**2)).sum()
        value = value + task.lam_l2 * (2 * theta).exp().sum()
        if task.ridge is not None:
            value = value + 0.5 * (torch.tensor(task.ridge) * w**2).sum()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        if task.limit is not None:
            with torch.no_grad():
                theta.clamp_(max=torch.tensor(np.log(task.limit)))
    final_alpha = parameters[1].detach().numpy() if gates is not None else np.zeros(n)
    return theta.detach().exp().numpy(), final_alpha
