"""All shared maths: residuals, the objectives methods minimise, their certificates, and weight statistics.

Every loss is a function of the relative residual `r = (M w − y)/scale`. Importance ω is folded into the *weighted
design* `A = √ω·M/scale`, `b = √ω·y/scale`, so that `½ Σ ω_j r_j² = ½‖A w − b‖²` and every formula below holds for any
ω. An objective is a declaration ("this is what I minimised"); the harness evaluates it in float64 from the weights
alone. No solver lives here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, TypedDict

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.problem import CalibrationProblem, FloatArray

ACTIVE_THRESHOLDS = (1e-9, 1e-6, 1e-3)  # relative to the mean positive weight
ACTIVE_THRESHOLD = 1e-6  # the one behind `n_active`
RANK_LIMIT = 1_500  # columns whose rank is worth a singular value decomposition (seconds) per cell
RANK_TOLERANCE = 1e-14  # of squared singular values of columns of length 1: the rounding of a Gram matrix


def relative_residual(problem: CalibrationProblem, weights: FloatArray) -> FloatArray:
    """`r = (M w − y)/scale`, shape (m,), unitless."""
    return np.asarray((problem.M @ weights - problem.y) / problem.scale)


@dataclass(frozen=True, eq=False)
class WeightedDesign:
    """`A = √ω·M/scale` (CSR, m × n, per unit of weight) and `b = √ω·y/scale` (m, unitless).

    `at_b` = Aᵀb and `curvature` = `‖a_i‖²` (both n) are computed once, when first asked for.
    """

    A: sp.csr_array
    b: FloatArray

    @cached_property
    def at_b(self) -> FloatArray:
        return np.asarray(self.A.T @ self.b)

    @cached_property
    def curvature(self) -> FloatArray:
        squares = np.bincount(self.A.indices, weights=self.A.data**2, minlength=self.A.shape[1])
        return np.asarray(squares, dtype=np.float64)


def weighted_design(problem: CalibrationProblem) -> WeightedDesign:
    """The weighted design of a problem, for which every quadratic loss is plain `½‖A w − b‖²`."""
    row_factor = np.sqrt(problem.importance) / problem.scale
    M = problem.M
    A = sp.csr_array((M.data * np.repeat(row_factor, np.diff(M.indptr)), M.indices, M.indptr), shape=M.shape)
    return WeightedDesign(A, problem.y * row_factor)


def lam_max(design: WeightedDesign, costs: FloatArray | float = 1.0) -> float:
    """Smallest λ whose non-negative LASSO solution is 0: `max(0, max_i (Aᵀb)_i / c_i)` (one-sided)."""
    return float(max(0.0, np.max(design.at_b / costs)))


@dataclass(frozen=True, slots=True)
class Certificate:
    """A primal value with a proven lower bound: `gap = primal − dual ≥ 0`, and the residual of the KKT conditions.

    `relative_gap` divides by `reference`: the primal value for λ > 0, the loss at w = 0 for λ = 0 (where the minimum
    may be 0). `kkt_residual` is the length of the coordinate-wise proximal step in units of the gradient at w = 0.
    `n_equicorrelated` bounds the equicorrelation set: the records that the gap-safe rule cannot exclude from every
    solution's support. Where it exceeds the active count, the count may be the solver's choice, not λ's.
    """

    primal: float
    gap: float
    relative_gap: float
    kkt_residual: float
    n_equicorrelated: int | None = None
    active_rank: int | None = None
    support_is_unique: bool | None = None
    equicorrelated: NDArray[np.bool_] | None = None


class Objective(Protocol):
    """What a method says it minimised; `lam` is the λ in force (absolute), NaN where there is none."""

    @property
    def lam(self) -> float: ...

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float: ...

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None: ...


@dataclass(frozen=True, slots=True)
class L1Objective:
    """Non-negative LASSO: `½ Σ ω_j r_j² + λ Σ c_i w_i`, `w ≥ 0` (Tibshirani 1996, eq. 1); `costs` (n) default to 1."""

    lam: float
    costs: FloatArray | None = field(default=None, compare=False)  # arrays have no truth value to compare by

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        r = relative_residual(problem, weights)
        total = weights.sum() if self.costs is None else self.costs @ weights
        return float(0.5 * (problem.importance * r) @ r + self.lam * total)

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate:
        """Duality gap and KKT residual of `weights`; `dual` (m) is an optional hint, made feasible before use."""
        costs = 1.0 if self.costs is None else self.costs
        design = weighted_design(problem)
        certificate = l1_certificate(design, weights, self.lam, costs, dual)
        return replace(certificate, **support_facts(design, weights, certificate))


def l1_certificate(
    design: WeightedDesign,
    weights: FloatArray,
    lam: float,
    costs: FloatArray | float = 1.0,
    dual: FloatArray | None = None,
) -> Certificate:
    """Certificate of the non-negative LASSO at `weights`: the smallest gap over a few feasible dual points.

    The dual is `max bᵀθ − ½‖θ‖²` subject to `Aᵀθ ≤ λc`. Candidates are the residual `ρ = b − A w` scaled into the
    feasible set (the gap-safe scaling of Fercoq, Gramfort & Salmon 2015, eq. 12, one-sided) and shifted into it along
    `−b`, which also works at λ = 0. The gap is summed from two non-negative terms, without cancellation:
    `½‖ρ − θ‖² + Σ_i w_i (λc_i − a_iᵀθ)`.
    """
    A, b = design.A, design.b
    cost = np.broadcast_to(np.asarray(costs, dtype=np.float64), weights.shape)
    residual = b - A @ weights
    correlation = A.T @ residual
    at_zero = design.at_b
    limit = lam * cost
    primal = float(0.5 * residual @ residual + limit @ weights)
    hints = [(residual, correlation)] + ([(dual, A.T @ dual)] if dual is not None else [])
    gap, nearest = np.inf, correlation
    for point, point_correlation in hints:
        for theta, theta_correlation in _feasible(point, point_correlation, b, at_zero, limit):
            difference = residual - theta
            candidate = float(0.5 * difference @ difference + weights @ np.maximum(limit - theta_correlation, 0.0))
            if candidate < gap:
                gap, nearest = candidate, theta_correlation
    reference = primal if lam > 0 else float(0.5 * b @ b)
    gradient = limit - correlation
    curvature = design.curvature
    # an empty column has no curvature of its own; the largest one makes weight on it count
    step = np.minimum(np.where(curvature > 0, curvature, curvature.max()) * weights, gradient)
    reach = nearest + np.sqrt(2 * gap * curvature)  # the optimal θ is within √(2 gap) of this one
    slack = 8 * np.finfo(np.float64).eps * np.abs(limit)
    norm = float(np.max(np.abs(at_zero), initial=0.0)) or 1.0
    equicorrelated = (reach >= limit - slack) & (curvature > 0)
    return Certificate(
        primal=primal,
        gap=gap,
        relative_gap=gap / reference if reference > 0 else 0.0,
        kkt_residual=float(np.max(np.abs(step), initial=0.0)) / norm,
        n_equicorrelated=int(np.count_nonzero(equicorrelated)),
        equicorrelated=equicorrelated,
    )


class SupportFacts(TypedDict):
    active_rank: int | None
    support_is_unique: bool


def support_facts(design: WeightedDesign, weights: FloatArray, certificate: Certificate) -> SupportFacts:
    """The rank of the active columns, and whether the solution is proven to be the only one.

    It is when the columns of the equicorrelation set are independent (Tibshirani 2013, lemma 2); the gap-safe bound on
    that set makes the flag safe: True is proven, False may only mean that the gap is too wide. The rank is not computed
    (None) for more than `RANK_LIMIT` columns that could be independent.
    """
    members = certificate.equicorrelated
    assert members is not None
    active = np.flatnonzero(weights > 0)
    rank = column_rank(design, active)
    unique = False
    if np.count_nonzero(members) <= min(design.A.shape[0], RANK_LIMIT):
        index = np.flatnonzero(members)
        same = rank is not None and np.array_equal(index, active)
        unique = (rank if same else column_rank(design, index)) == len(index)
    return {"active_rank": rank, "support_is_unique": unique}


def column_rank(design: WeightedDesign, index: NDArray[np.intp]) -> int | None:
    """The numerical rank of some columns, each scaled to length 1; None beyond `RANK_LIMIT` in both dimensions."""
    lengths = np.sqrt(design.curvature[index])
    index, lengths = index[lengths > 0], lengths[lengths > 0]
    if min(len(index), design.A.shape[0]) > RANK_LIMIT:
        return None
    if not len(index):
        return 0
    part = sp.csc_array(design.A)[:, index] @ sp.diags_array(1 / lengths)
    if len(index) > design.A.shape[0]:
        eigenvalues = np.linalg.eigvalsh((part @ part.T).toarray())
        return int(np.count_nonzero(eigenvalues > RANK_TOLERANCE * eigenvalues[-1]))
    return int(np.linalg.matrix_rank(part.toarray(), tol=np.sqrt(RANK_TOLERANCE)))


def _feasible(
    point: FloatArray, correlation: FloatArray, b: FloatArray, at_zero: FloatArray, limit: FloatArray
) -> list[tuple[FloatArray, FloatArray]]:
    """Dual feasible points near `point`, each with its `Aᵀθ`: scaled towards 0, and shifted along −b if that works."""
    positive = correlation > 0
    scaling = min(1.0, float(np.min(limit[positive] / correlation[positive], initial=1.0)))
    candidates = [(scaling * point, scaling * correlation)]
    violated = correlation > limit
    if violated.any() and (at_zero[violated] > 0).all():
        shift = float(np.max((correlation - limit)[violated] / at_zero[violated]))
        shifted = correlation - shift * at_zero
        slack = 4 * np.finfo(np.float64).eps * (np.abs(correlation) + shift * np.abs(at_zero))
        if (shifted <= limit + slack).all():
            candidates.append((point - shift * b, shifted))
    return candidates


@dataclass(frozen=True, slots=True)
class LadObjective:
    """Least absolute deviations with an L1 penalty: `Σ ω_j |r_j| + λ Σ w_i`, `w ≥ 0`, a linear programme."""

    lam: float

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        r = relative_residual(problem, weights)
        return float(problem.importance @ np.abs(r) + self.lam * weights.sum())

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None:
        """Gap to the LP dual `max bᵀθ`, `|θ_j| ≤ ω_j`, `Aᵀθ ≤ λ` (here `A = M/scale`, `b = y/scale`) near the hint θ.

        θ is clipped to the box and then moved towards an anchor in the box until `Aᵀθ ≤ λ`: 0 (which scales θ), −ω, or
        −ω∘sign(b). At λ = 0 the first gives up all of θ, while the other two lie strictly inside the constraints of
        every record that adds to the targets. The gap is summed from two non-negative terms, without cancellation:
        `Σ_j (ω_j|r_j| + θ_j r_j) + Σ_i w_i (λ − a_iᵀθ)`. `relative_gap` divides by the primal value, at λ = 0 by the
        value at w = 0 (the minimum may be 0). The KKT conditions of a linear programme are feasibility and
        complementarity: `kkt_residual` is the larger of the share of θ given up and the relative gap. None without θ.
        """
        if dual is None:
            return None
        omega, b = problem.importance, problem.y / problem.scale
        r = relative_residual(problem, weights)
        theta = np.clip(dual, -omega, omega)
        correlation = problem.M.T @ (theta / problem.scale)
        # What float64 cannot tell from feasible: the rounding of a product whose terms are at most ω_j |a_ji|.
        rounding = 4 * np.finfo(np.float64).eps * (abs(problem.M).T @ (omega / problem.scale))
        violated = correlation > self.lam + rounding
        gaps = []
        for anchor in (np.zeros_like(omega), -omega, -omega * np.sign(b)):
            toward = problem.M.T @ (anchor / problem.scale) - correlation
            if (toward[violated] >= 0).any():
                continue
            share = float(np.max((self.lam - correlation[violated]) / toward[violated], initial=0.0))
            moved = correlation + share * toward
            if share <= 1 and (moved <= self.lam + rounding).all():
                point = theta + share * (anchor - theta)
                slack = np.maximum(self.lam - moved, 0.0)
                gaps.append((float((omega * np.abs(r) + point * r).sum() + weights @ slack), share))
        gap, share = min(gaps)  # the anchor 0 never fails
        gap = max(gap, 0.0)
        primal = float(omega @ np.abs(r) + self.lam * weights.sum())
        reference = primal if self.lam > 0 else float(omega @ np.abs(b))
        relative_gap = gap / reference if reference > 0 else 0.0
        return Certificate(primal, gap, relative_gap, kkt_residual=max(share, relative_gap))


@dataclass(frozen=True, slots=True)
class L0Objective:
    """`loss + λ ‖w‖₀ + λ₂ Σ w_i² + λ_ratio mean((w/w0)²)`: what Hard Concrete relaxes; non-convex, so uncertified.

    `loss` is `Σ ω_j r_j²`, or with a cap c `Σ ω_j min(|r_j|, c) / Σ ω_j`.
    """

    lam: float
    lam_l2: float = 0.0
    lam_ratio: float = 0.0
    cap: float | None = None

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        r, omega = relative_residual(problem, weights), problem.importance
        loss = (omega * r) @ r if self.cap is None else omega @ np.minimum(np.abs(r), self.cap) / omega.sum()
        ratio = float(np.mean((weights / problem.w0) ** 2)) if self.lam_ratio else 0.0
        penalty = self.lam * np.count_nonzero(weights) + self.lam_l2 * weights @ weights
        return float(loss + penalty + self.lam_ratio * ratio)

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None:
        return None


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """`½ Σ ω_j r_j²` over a support fixed beforehand: comparable within a support only, so without a certificate."""

    lam: float = float("nan")

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        r = relative_residual(problem, weights)
        return float(0.5 * (problem.importance * r) @ r)

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None:
        return None


def active_records(weights: FloatArray, threshold: float = ACTIVE_THRESHOLD) -> NDArray[np.bool_]:
    """Where `w_i > threshold × mean positive weight`, (n,); nowhere at exact zeros."""
    positive = weights > 0
    return positive & (weights > threshold * float(weights[positive].mean())) if positive.any() else positive


def active_count(weights: FloatArray, threshold: float = ACTIVE_THRESHOLD) -> int:
    """The number of active records."""
    return int(np.count_nonzero(active_records(weights, threshold)))


def effective_sample_size(weights: FloatArray) -> float:
    """Kish's effective sample size `(Σw)²/Σw²`, records; 0 when every weight is 0 (Kish 1965, section 11.7)."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def design_effect(weights: FloatArray) -> float:
    """Kish's design effect of unequal weighting on the support, `k Σw²/(Σw)²`, unitless; NaN without a support."""
    ess = effective_sample_size(weights)
    return np.count_nonzero(weights) / ess if ess > 0 else float("nan")


def max_weight_ratio(problem: CalibrationProblem, weights: FloatArray) -> float:
    """`max_i w_i / w0_i`, unitless; infinite when a record with w0 = 0 is given weight, 0 without a support."""
    active = weights > 0
    if not active.any():
        return 0.0
    with np.errstate(divide="ignore"):
        return float(np.max(weights[active] / problem.w0[active]))
