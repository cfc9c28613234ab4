"""The non-negative LASSO and its certificate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypedDict

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.certificate import Certificate
from frontier.objectives.design import RANK_LIMIT, WeightedDesign, column_rank, relative_residual, weighted_design

LEAST_RESIDUAL = 1e-3  # of ‖b‖: with a smaller residual the relative gap at λ = 0 is below 1e-6 anyway


def lam_max(design: WeightedDesign, costs: FloatArray | float = 1.0) -> float:
    """Smallest λ whose non-negative LASSO solution is 0: `max(0, max_i (Aᵀb)_i / c_i)` (one-sided)."""
    return float(max(0.0, np.max(design.at_b / costs)))


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
    `−b` or against all columns (`WeightedDesign.inward`), which also works at λ = 0. The gap is summed from two
    non-negative terms, without cancellation: `½‖ρ − θ‖² + Σ_i w_i (λc_i − a_iᵀθ)`.

    `kkt_residual` is the larger of `max_i (a_iᵀρ − λc_i)⁺/(‖a_i‖ R)` and `Σ_i w_i |a_iᵀρ − λc_i|/(‖b‖ R)`, with
    `R = max(‖ρ‖, 1e-3 ‖b‖)`: the cosine by which a column could still improve the fit, and what the active ones leave.
    """
    A, b = design.A, design.b
    cost = np.broadcast_to(np.asarray(costs, dtype=np.float64), weights.shape)
    residual = b - A @ weights
    correlation = A.T @ residual
    limit = lam * cost
    primal = float(0.5 * residual @ residual + limit @ weights)
    hints = [(residual, correlation)] + ([(dual, A.T @ dual)] if dual is not None else [])
    gap, nearest = np.inf, correlation
    for point, point_correlation in hints:
        for theta, theta_correlation in _feasible(point, point_correlation, design, limit, lam):
            difference = residual - theta
            candidate = float(0.5 * difference @ difference + weights @ np.maximum(limit - theta_correlation, 0.0))
            if candidate < gap:
                gap, nearest = candidate, theta_correlation
    reference = primal if lam > 0 else float(0.5 * b @ b)
    curvature = design.curvature
    reach = nearest + np.sqrt(2 * gap * curvature)  # the optimal θ is within √(2 gap) of this one
    slack = 8 * np.finfo(np.float64).eps * np.abs(limit)
    equicorrelated = (reach >= limit - slack) & (curvature > 0)
    return Certificate(
        primal=primal,
        gap=gap,
        relative_gap=gap / reference if reference > 0 else 0.0,
        kkt_residual=_kkt_residual(design, weights, correlation - limit, residual),
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


def _kkt_residual(design: WeightedDesign, weights: FloatArray, excess: FloatArray, residual: FloatArray) -> float:
    """How far from optimal, by the `excess` of every correlation over its limit; 0 where there is nothing to fit."""
    length, norm = np.sqrt(design.curvature), float(np.linalg.norm(design.b))
    if norm == 0:
        return float(np.max(weights, initial=0.0))
    unit = max(float(np.linalg.norm(residual)), LEAST_RESIDUAL * norm)
    could = np.divide(np.maximum(excess, 0.0), length * unit, out=np.zeros_like(length), where=length > 0)
    return max(float(np.max(could, initial=0.0)), float(weights @ np.abs(excess)) / (norm * unit))


def _feasible(
    point: FloatArray, correlation: FloatArray, design: WeightedDesign, limit: FloatArray, lam: float
) -> list[tuple[FloatArray, FloatArray]]:
    """Dual feasible points near `point`, each with its `Aᵀθ`: scaled towards 0, and shifted where that works.

    Shifted along −b, and at λ = 0, where scaling gives all of θ up, against the columns as well.
    """
    positive = correlation > 0
    scaling = min(1.0, float(np.min(limit[positive] / correlation[positive], initial=1.0)))
    candidates = [(scaling * point, scaling * correlation)]
    violated = correlation > limit
    if not violated.any():
        return candidates
    for direction, along in ((design.b, design.at_b), *([design.inward] if lam == 0 else [])):
        if not (along[violated] > 0).all():
            continue
        shift = float(np.max((correlation - limit)[violated] / along[violated]))
        shifted = correlation - shift * along
        slack = 4 * np.finfo(np.float64).eps * (np.abs(correlation) + shift * np.abs(along))
        if (shifted <= limit + slack).all():
            candidates.append((point - shift * direction, shifted))
    return candidates


L1_PATH_END = 1e-7  # of λ_max: below it an L1 path of float64 data keeps no more records


def l1_range(problem: CalibrationProblem, unit: str) -> tuple[float, float]:
    """The ends of the L1 path, as λ (`unit` "absolute") or as shares of λ_max ("lam_max")."""
    return _ends(lam_max(weighted_design(problem)) if unit == "absolute" else 1.0)


def _ends(top: float) -> tuple[float, float]:
    return (L1_PATH_END * top, top) if top > 0 else (L1_PATH_END, 1.0)
