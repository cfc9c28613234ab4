"""What the two selections by trained gates share: a `hard_concrete` fit, a draw from its open probabilities, weights.

Not a method. With p the open probabilities, e^θ the scales of the fit, s the learned share of the budget and π the
inclusion probabilities of the selection (`solvers.gates.selection`), the weights of what is selected are

    w_i = (s e^{θ_i} p_i + (1 − s) w0_i) / π_i

Horvitz–Thompson weights: their totals are without bias those of the expected file, `Σ e^θ p` as `hard_concrete` trains
it, mixed with those of the initial weights as the shares are.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from frontier.core.limits import OutOfTime, out_of_time
from frontier.core.point import Coordinate, Point, reached
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Epochs, NonNegative, Positive, Probability
from frontier.core.search_space import Between, OneOf, Space
from frontier.core.status import Status
from frontier.methods._dense import balanced_draw, sampler, warm_up_cube
from frontier.methods.base import Arm, Method
from frontier.methods.hard_concrete import HardConcreteCalibrator
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.weight_statistics import active_count
from frontier.solvers.gates.schedule import Device, Precision
from frontier.solvers.gates.selection import Selection, select
from frontier.solvers.gates.training import TrainedGates
from frontier.solvers.sampling.designs import FIXED_SIZE


@dataclass(frozen=True, kw_only=True)
class GateSelection(Method):
    """The parameters that both methods have; their own files say what they mean."""

    batch_over: ClassVar[frozenset[str]] = frozenset({"budget", "seed"})
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})
    stochastic: ClassVar[bool] = True
    refit_from: ClassVar[Arm] = "fitted"  # the weights of a sample know its chances

    search_space: ClassVar[Space] = {
        "lr": Between(0.03, 0.3, log=True),
        "epochs": OneOf((1000, 2000, 4000)),
        "init_keep_prob": Between(0.5, 0.999),
        "temperature": Between(0.3, 1.5),
        "draw": OneOf(("systematic", "pivotal", "cube")),
    }

    epochs: Epochs = 2_000
    lr: Positive = 0.1
    lam: NonNegative | None = None
    init_keep_prob: Probability = 0.99
    temperature: Positive = 2 / 3
    draw: Literal["systematic", "sampford", "pivotal", "cube"] = "systematic"
    device: Device = "auto"
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.fitted.check([Point(lam=1.0, seed=0)])

    @property
    @abstractmethod
    def share(self) -> float:
        """How much of a budget the gates decide."""

    @property
    def fitted(self) -> HardConcreteCalibrator:
        """The fit whose gates are drawn from."""
        names = ("epochs", "lr", "init_keep_prob", "temperature", "device", "precision")
        return HardConcreteCalibrator(**{name: getattr(self, name) for name in names})

    def warm_up(self) -> None:
        self.fitted.warm_up()
        warm_up_cube()

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """One selection per point; a budget above the number of records is `infeasible`."""
        return [solution for solution, _ in self.solve_with_selections(problem, points)]

    def solve_with_selections(
        self, problem: CalibrationProblem, points: Sequence[Point]
    ) -> list[tuple[Solution, Selection | None]]:
        """The solutions of `solve`, each with its selection: the records, their types and inclusion probabilities."""
        self.check(points)
        n = problem.n_records
        possible = [point for point in points if (point.budget or 0) <= n]
        asked = {point: point if self.lam is None else Point(lam=self.lam, seed=point.seed) for point in possible}
        fits: dict[Point, tuple[Solution, TrainedGates | None]] = {}
        for budget in dict.fromkeys(at.budget for at in asked.values()):  # budgets that share a search influence it
            batch = list(dict.fromkeys(at for at in asked.values() if at.budget == budget))
            for at, (fit, gates) in zip(batch, self.fitted.solve_with_gates(problem, batch), strict=True):
                fits[at] = _cut_short(fit, at), gates
        above = Solution.failed(Status.INFEASIBLE, f"the budget exceeds the {n} records")
        return [self._one(problem, p, *fits[asked[p]]) if p in asked else (above, None) for p in points]

    def _one(
        self, problem: CalibrationProblem, point: Point, fit: Solution, gates: TrainedGates | None
    ) -> tuple[Solution, Selection | None]:
        if fit.weights is None or gates is None:
            return fit, None
        assert point.budget is not None
        learned = round(self.share * point.budget)
        share = learned / point.budget
        expected = gates.scale * gates.open_probability
        if self.draw == "cube":
            draw = balanced_draw(weighted_design(problem).A, problem.importance, expected)
        else:
            draw = FIXED_SIZE[self.draw]
        try:
            found = select(gates.open_probability, point.budget, sampler(point), learned_size=learned, draw=draw)
        except OutOfTime:
            return Solution.failed(Status.TIMEOUT, "the sample was not finished in time"), None
        weights = np.zeros(problem.n_records)
        mixed = share * expected + (1 - share) * problem.w0
        weights[found.items] = mixed[found.items] / found.probabilities[found.items]
        solution = Solution(
            weights=weights,
            status=fit.status,
            n_iter=fit.n_iter,
            message=fit.message,
            claims=dict(fit.claims) | {"certain": found.certain, "learned": learned},
        )
        return solution, found


def _cut_short(fit: Solution, at: Point) -> Solution:
    """The fit, a `timeout` where the clock ended the search for its λ: what is drawn from it has the size asked for."""
    if at.budget is None or fit.weights is None or reached(active_count(fit.weights), at.budget) or not out_of_time():
        return fit
    return dataclasses.replace(fit.with_note("the search for λ was cut short"), status=Status.TIMEOUT)
