"""Dense calibrated weights, chosen by name, and the way from them to a sample of given size.

Not a method itself (the registry skips names with a leading underscore). The sampling methods thin the weights that a
calibration of the whole file gives:

    anchored_l1         anchored L1 at λ = 0; `penalty` is its μ (relative), by default its own default
    greg, raking, logit relaxed calibration in the method's default bounds; `penalty` is its ρ, by default `RELAX`
    dense_nnls          non-negative least squares: a vertex, so at most rank(A) records have weight
    initial             the initial weights as they are
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core import random
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.limits import OutOfTime, out_of_time
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Positive
from frontier.core.search_space import Between, Space
from frontier.core.status import Status
from frontier.methods.anchored_l1 import AnchoredL1
from frontier.methods.base import Arm, Method
from frontier.methods.dense_nnls import DenseNnls
from frontier.methods.greg import Greg
from frontier.methods.logit import Logit
from frontier.methods.raking import Raking
from frontier.methods.solution import Claim, Solution
from frontier.solvers.sampling.cube import cube_sample
from frontier.solvers.sampling.inclusion import Draw

DenseMethod = Literal["anchored_l1", "greg", "raking", "logit", "dense_nnls", "initial"]
RELAX = 0.01  # ρ at which missing a target by 10% costs as much as changing all weights by 100% (`objectives.distance`)

Thin = Callable[[Point], tuple[FloatArray, dict[str, Claim]]]


def dense_method(dense: DenseMethod, penalty: float | None) -> Method | None:
    """The calibration method behind a name, configured; None for the initial weights.

    Raises `InputError` for a penalty that is given to one that has none.
    """
    if dense in ("dense_nnls", "initial") and penalty is not None:
        raise InputError("penalty", f"dense weights '{dense}' have no penalty", got=penalty, cure="drop it")
    if dense == "anchored_l1":
        return AnchoredL1() if penalty is None else AnchoredL1(mu=penalty)
    relax = RELAX if penalty is None else penalty
    methods: dict[str, Method] = {
        "greg": Greg(relax=relax),
        "raking": Raking(relax=relax),
        "logit": Logit(relax=relax),
        "dense_nnls": DenseNnls(),
    }
    return methods.get(dense)


@dataclass(frozen=True, kw_only=True)
class DenseThinning(Method):
    """A method that thins dense weights to a budget: it says how (`thinning`), the rest is the same for all."""

    batch_over: ClassVar[frozenset[str]] = frozenset({"budget", "seed"})
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})
    refit_from: ClassVar[Arm] = "fitted"  # the weights of a sample know its chances

    search_space: ClassVar[Space] = {
        "penalty": Between(1e-5, 1.0, log=True),
    }

    dense: DenseMethod = "anchored_l1"
    penalty: Positive | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        dense_method(self.dense, self.penalty)

    @property
    def at_most(self) -> bool:
        """Whether fewer records than the budget are as they should be (`Solution.at_most`)."""
        return False

    @abstractmethod
    def thinning(self, problem: CalibrationProblem, dense: FloatArray) -> Thin:
        """How the dense weights (n) become those of a point; they come with claims."""

    def warm_up(self) -> None:
        if (method := dense_method(self.dense, self.penalty)) is not None:
            method.warm_up()

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """One solution per point.

        The dense weights are computed once. A budget above the number of records with dense weight is `infeasible`;
        where the dense method failed or did not converge, every solution says so.
        """
        self.check(points)
        found = dense_solution(problem, self.dense, self.penalty)
        if found.weights is None:
            return [Solution.failed(found.status, f"dense weights by {self.dense}: {found.message}")] * len(points)
        thin: Thin | None = None  # made for the first point that needs it
        weighted = int(np.count_nonzero(found.weights))
        converged = found.status not in (Status.NOT_CONVERGED, Status.TIMEOUT)
        solutions = []
        for point in points:
            assert point.budget is not None
            if point.budget > weighted:
                message = f"budget {point.budget} exceeds the {weighted} records that {self.dense} gives weight"
                solutions.append(Solution.failed(Status.INFEASIBLE, message))
                continue
            if converged and out_of_time():
                solutions.append(Solution.not_begun())
                continue
            try:
                thin = thin or self.thinning(problem, found.weights)
                weights, claims = thin(point)
            except OutOfTime:
                solutions.append(Solution.failed(Status.TIMEOUT, "the sample was not finished in time"))
                continue
            solutions.append(
                Solution(
                    weights=weights,
                    status=Status.COMPLETED if converged else found.status,
                    n_iter=found.n_iter,
                    message="" if converged else f"dense weights by {self.dense}: {found.message}",
                    claims={"dense_active": weighted} | claims,
                    at_most=self.at_most,
                )
            )
        return solutions


def dense_solution(problem: CalibrationProblem, dense: DenseMethod, penalty: float | None) -> Solution:
    """The dense weights of a problem, with the status of the method that computes them."""
    method = dense_method(dense, penalty)
    if method is None:
        return Solution(problem.w0, Status.COMPLETED)
    point = Point(lam=0.0) if "lam" in method.coordinates else Point()
    (solution,) = method.solve(problem, [point])
    return solution


def sampled(dense: FloatArray, probabilities: FloatArray, drawn: NDArray[np.intp]) -> FloatArray:
    """The weights of a sample, `w/π` for the units drawn (Horvitz–Thompson), (n,)."""
    weights = np.zeros(dense.size)
    weights[drawn] = dense[drawn] / probabilities[drawn]
    return weights


def balanced_draw(A: sp.csr_array, importance: FloatArray, dense: FloatArray) -> Draw:
    """Draws by the cube method that keep the totals `A w` of the dense weights, the most important ones best."""
    totals = A[np.argsort(-importance, kind="stable")] @ sp.diags_array(dense)
    return lambda probabilities, generator: cube_sample(totals, probabilities, generator)


def warm_up_cube() -> None:
    """Compile the kernels of both phases of the cube method."""
    cube_sample(sp.csc_array([[1.0, 2.0, 3.0, 4.0]]), np.full(4, 0.5), np.random.default_rng(0))


def certain(probabilities: FloatArray) -> int:
    """How many records are taken for certain."""
    return int(np.count_nonzero(probabilities == 1))


def sampler(point: Point) -> np.random.Generator:
    """The generator of a stochastic point's draws: one per seed, whatever the budget."""
    assert point.seed is not None
    return random.generator(point.seed, random.STREAM_SAMPLE)
