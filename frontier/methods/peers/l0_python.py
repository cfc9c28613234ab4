"""Hard Concrete L0 calibration by the published package `l0-python`, one fit after another, as its users run it.

What runs is `l0.calibration.SparseCalibrationWeights.fit`. Its relative loss divides by `y + 1`; `loss: design` instead
gives it the weighted design `√ω M/scale` and `b` with its squared loss, which is exactly our objective (and costs it
the same), so distributions and times can be compared. `loss: published` is the package's own relative loss, and
`loss: normalised` that loss after every target and its row of M were divided by the scale, as the source notebook does:
every y is 1 then, and every denominator 2.

The package's `seed` does not cover its gates, which draw from torch's global generator: that one is seeded here for the
duration of the fit and then put back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp

from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Epochs, Positive, Probability
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.peers._package import imported
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.l0 import L0Objective
from frontier.solvers.gates.schedule import Device
from frontier.solvers.gates.train import cuda_asked

NAME = "peers.l0_python"


@dataclass(frozen=True, kw_only=True)
class L0Python(Method):
    """Hard Concrete gates by l0-python; the parameters mean the same as `hard_concrete`'s.

    epochs, lr       Adam's length and step
    loss             design: our objective, exactly; published: the package's relative loss, which divides by y + 1;
                     normalised: the same on targets divided by their scale
    lam_l2           λ₂ of `Σ e^{2θ}`
    init_keep_prob   start probability of keeping a record
    temperature, gamma, zeta   β, γ, ζ of the distribution
    log_alpha_jitter_sd, log_weight_jitter_sd   start noise on α and θ, from the seed
    device           auto | cpu | cuda; the package's own default is cpu
    """

    stochastic: ClassVar[bool] = True
    package: ClassVar[str] = "l0"

    epochs: Epochs = 2_000
    lr: Positive = 0.1
    loss: Literal["design", "published", "normalised"] = "design"
    lam_l2: float = 0.0
    init_keep_prob: Probability = 0.99
    temperature: float = 2 / 3
    gamma: float = -0.1
    zeta: float = 1.1
    log_alpha_jitter_sd: float = 0.01
    log_weight_jitter_sd: float = 0.0
    device: Device = "cpu"

    def warm_up(self) -> None:
        """Import the package and fit two records: torch sets itself up in the first epochs."""
        imported("l0.calibration", NAME)
        tiny = CalibrationProblem("warm-up", sp.csr_array(np.ones((1, 2))), np.ones(1), np.ones(2))
        dataclasses.replace(self, epochs=2).solve(tiny, [Point(lam=0.0, seed=0)])

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """The package's fit at each point. Raises `InputError` when l0-python is not installed."""
        self.check(points)
        package, device = imported("l0.calibration", NAME), "cuda" if cuda_asked(self.device) else "cpu"
        return [self._one(package, device, problem, point) for point in points]

    def _one(self, package: Any, device: str, problem: CalibrationProblem, point: Point) -> Solution:
        import torch

        assert point.lam is not None
        assert point.seed is not None
        M, y = problem.M, np.array(problem.y)
        if self.loss != "published":
            design = weighted_design(problem)
            M, y = design.A, np.array(design.b)
        M = M.copy()  # torch warns about arrays that cannot be written to
        unchecked = torch.sparse.check_sparse_tensor_invariants(enable=False)  # type: ignore[no-untyped-call]
        generators = [torch.cuda.current_device()] if device == "cuda" else []
        with torch.random.fork_rng(generators), unchecked:  # SciPy has checked the matrix
            torch.manual_seed(point.seed)
            model = package.SparseCalibrationWeights(
                n_features=problem.n_records,
                beta=self.temperature,
                gamma=self.gamma,
                zeta=self.zeta,
                init_keep_prob=self.init_keep_prob,
                init_weights=np.array(problem.w0),
                log_weight_jitter_sd=self.log_weight_jitter_sd,
                log_alpha_jitter_sd=self.log_alpha_jitter_sd,
                seed=point.seed,
                device=device,
            )
            model.fit(
                M,
                y,
                lambda_l0=point.lam,
                lambda_l2=self.lam_l2,
                lr=self.lr,
                epochs=self.epochs,
                loss_type="mse" if self.loss == "design" else "relative",
            )
            weights = model.get_weights(deterministic=True).detach().cpu().numpy().astype(np.float64)
            expected = float(model.get_l0_penalty().detach())
        if not np.isfinite(weights).all():
            return Solution.failed(Status.ERROR, "weights became NaN or infinite: lower lr")
        return Solution(
            weights=weights,
            status=Status.COMPLETED,
            n_iter=self.epochs,
            objective=L0Objective(point.lam, self.lam_l2) if self.loss == "design" else None,
            claims={"expected_active": expected},
        )
