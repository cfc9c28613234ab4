"""Classical calibration through the dual: relaxed by continuation, hard by proximal points, infeasible with a proof.

Relaxed: the dual of `D(w)/N + (1/2ρ)‖b − A w‖²` is minimised at ρ = `FIRST_RELAX` first, loosely, and from there at a
tenth of it, and so on. With a small ρ and targets that cannot be met, Newton from θ = 0 takes hundreds of short steps.

Hard: the dual has no curvature where targets are nested (A is rank-deficient) or weights are on a bound. So its minimum
is approached by proximal points (Rockafellar 1976): `θ ← argmin ψ(θ) + (σ/2)‖θ − θ_k‖²`, each of which is a relaxed
problem whose residual is `b − A w = σ(θ_{k+1} − θ_k)`. Rows are divided by `√Σ a_ji² w0_i` first, which gives the
Hessian at θ = 0 (where w = w0) a unit diagonal: σ then needs no units. Where that stalls because targets are nearly
dependent, it is done again with rows made orthogonal by a QR factorisation, which is dense and so comes second.

Infeasible: where targets contradict each other that residual v tends to the smallest one within the bounds. As soon as
`bᵀv > max_w vᵀA w` over the bounds, v separates b from everything attainable (Farkas' lemma), whatever its accuracy.
Unbounded weights are bounded by `FAR` times the initial ones there, which makes the test safe against rounding.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.linalg as sla
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.limits import limit_to_raise, out_of_time
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import WeightedDesign, relative_residual, weighted_design
from frontier.objectives.distance import DistanceObjective, total
from frontier.solvers.dual.newton import DualNewton

FIRST_RELAX, RELAX_FACTOR = 10.0, 0.1  # of ρ; factors of 0.01 cost more steps on survey data
FIRST_PROXIMAL, LAST_PROXIMAL, PROXIMAL_FACTOR = 1e-2, 1e-10, 1e-1  # σ, relative to the unit diagonal of the Hessian
NEAR_PROXIMAL = 1e-4  # σ from a start that is near
LOOSE = 1e-2  # intermediate problems are solved until the gradient is this share of the residual
STALLED = 0.5  # a proximal step that leaves more than this share of the residual, at the last σ, makes no headway
GAP = 1e-7  # of the distance: a tenth of what the harness's certificate asks for
LARGEST_WORK = 5e9  # n m², multiplications of a Newton step with a dense matrix: some seconds, 130 MB with 300 targets
CONSISTENT = 1e-9  # of the largest target: a row that others reproduce agrees with them to rounding
FAR = 1e6  # infeasibility is proven for weights up to this multiple of the initial ones
SUGGESTED_RELAX = 0.1  # named as a cure, with what it leaves


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Weights (n), θ (m), Newton steps, how it ended and, unless converged, why and what to do."""

    weights: FloatArray
    theta: FloatArray
    n_iter: int
    ended: Literal["converged", "infeasible", "stopped"]
    message: str = ""


def calibrate(
    problem: CalibrationProblem,
    objective: DistanceObjective,
    *,
    tol: float,
    max_iter: int,
    dense: bool | None = None,
    start: FloatArray | None = None,
) -> Calibration:
    """The minimiser of `objective`: hard until `max |b − A w| ≤ tol`, relaxed until the dual gradient is `≤ tol`.

    `dense` chooses between factored normal equations and conjugate gradients (default: by the number of targets).
    `start` is the θ (m) of a problem near this one, a replicate of it say; a relaxed one has no use for it: where
    targets contradict each other the way down from `FIRST_RELAX` takes half as many steps (26 against 51).
    """
    if objective.relax is None:
        return _hard(problem, objective, tol=tol, max_iter=max_iter, dense=dense, start=start)
    return _relaxed(problem, objective, objective.relax, tol=tol, max_iter=max_iter, dense=dense)


def _relaxed(
    problem: CalibrationProblem,
    objective: DistanceObjective,
    relax: float,
    *,
    tol: float,
    max_iter: int,
    dense: bool | None,
) -> Calibration:
    design, link = weighted_design(problem), objective.link(problem.w0)
    newton = _newton(design.columns(), design.b, dense)
    theta, steps, N = np.zeros_like(design.b), 0, total(problem)
    rho, residual = max(relax, FIRST_RELAX), float(np.linalg.norm(design.b - design.times(problem.w0)))
    while True:
        last = rho <= relax
        accuracy = tol if last else max(tol, LOOSE * residual)
        point = newton.solve(link, theta, tol=accuracy, max_iter=max_iter - steps, rho=rho / N)
        theta, steps = point.theta, steps + point.n_iter
        residual = float(np.linalg.norm(rho / N * theta))
        if last:
            break
        rho = max(rho * RELAX_FACTOR, relax)
    if point.converged:
        return Calibration(point.weights, theta, steps, "converged")
    message = f"the dual gradient is {point.gradient_norm:.1e} after {steps} Newton steps; "
    message += f"raise {limit_to_raise('max_iter')}, relax or tol"
    return Calibration(point.weights, theta, steps, "stopped", message)


def _hard(
    problem: CalibrationProblem,
    objective: DistanceObjective,
    *,
    tol: float,
    max_iter: int,
    dense: bool | None,
    start: FloatArray | None = None,
) -> Calibration:
    design, metric = weighted_design(problem), objective.metric(problem.w0)
    rows = _unit_rows(design, metric, dense)
    if start is not None:
        found = _approached(problem, objective, design, rows, tol=tol, max_iter=max_iter, start=start)
        if found.ended == "converged":
            return found
    found = _approached(problem, objective, design, rows, tol=tol, max_iter=max_iter)
    if found.ended == "stopped" and found.n_iter < max_iter and not out_of_time():
        orthogonal = _orthogonal_rows(design, metric)
        if orthogonal is not None:
            left = max_iter - found.n_iter
            again = _approached(problem, objective, design, orthogonal, tol=tol, max_iter=left)
            if again.ended == "converged":
                found = dataclasses.replace(again, n_iter=found.n_iter + again.n_iter)
    if found.ended == "converged":
        return found
    cure = _cure(problem, objective, tol, max_iter)
    if found.ended == "infeasible":
        return dataclasses.replace(found, message=f"{_bounds(objective)} meet all targets; {cure}")
    where = f"stopped after {found.n_iter} Newton steps, where {_missed(problem, found.weights)}"
    more = "" if found.n_iter < max_iter and not out_of_time() else f"raise {limit_to_raise('max_iter')}, or "
    return dataclasses.replace(found, message=f"{where}; {more}{cure}")


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The equations in rows that suit Newton's method, and what turns its θ into the θ of the equations as they are."""

    newton: DualNewton
    back: Callable[[FloatArray], FloatArray]
    into: Callable[[FloatArray], FloatArray] = np.asarray  # the other way round, for a start


def _unit_rows(design: WeightedDesign, metric: FloatArray, dense: bool | None) -> _Rows:
    """Each row divided by its length in the metric of w0 (and q)."""
    unit = np.sqrt(design.A.power(2) @ metric)
    unit[unit == 0] = 1.0  # a row of zeros: nothing to scale
    newton = _newton(sp.csc_array(design.A.multiply(1 / unit[:, None])), design.b / unit, dense)
    return _Rows(newton, lambda theta: theta / unit, lambda theta: theta * unit)


def _orthogonal_rows(design: WeightedDesign, metric: FloatArray) -> _Rows | None:
    """Independent rows made orthonormal in the metric, by a QR factorisation of `√w0 Aᵀ` with pivoting.

    The Hessian at θ = 0 is then the identity, however nearly dependent the targets are; rows that others reproduce are
    left out. None where the dense factor would be too large, or where a row left out contradicts the others.
    """
    m, n = design.A.shape
    if n * m**2 > LARGEST_WORK or m > n:
        return None
    root = np.sqrt(metric)
    _, R, order = sla.qr((design.A.toarray() * root).T, mode="economic", pivoting=True, check_finite=False)
    size = np.abs(np.diagonal(R))
    rank = int(np.count_nonzero(size > n * np.finfo(np.float64).eps * size[0]))
    kept, rest, R = order[:rank], order[rank:], R[:rank]
    b = sla.solve_triangular(R[:, :rank], design.b[kept], trans="T", check_finite=False)
    if (np.abs(R[:, rank:].T @ b - design.b[rest]) > CONSISTENT * np.max(np.abs(design.b))).any():
        return None
    A = sla.solve_triangular(R[:, :rank], design.A[kept].toarray(), trans="T", check_finite=False)

    def back(theta: FloatArray) -> FloatArray:
        found = np.zeros_like(design.b)
        found[kept] = sla.solve_triangular(R[:, :rank], theta, check_finite=False)
        return found

    return _Rows(DualNewton(sp.csc_array(A), b), back)


def _approached(
    problem: CalibrationProblem,
    objective: DistanceObjective,
    design: WeightedDesign,
    rows: _Rows,
    *,
    tol: float,
    max_iter: int,
    start: FloatArray | None = None,
) -> Calibration:
    """Proximal points until the equations hold to `tol` and the duality gap is small, without headway, or separated."""
    link, newton = objective.link(problem.w0), rows.newton
    low, high = objective.ends(problem.w0, FAR)
    theta = np.zeros_like(newton.b) if start is None else rows.into(start)
    weights = problem.w0 if start is None else link.weights(newton.At @ theta)
    sigma = FIRST_PROXIMAL if start is None else NEAR_PROXIMAL
    loose, steps, stalls, separated = LOOSE, 0, 0, False
    while True:
        residual, missed = design.b - design.times(weights), newton.b - newton.A @ weights
        least = max(float(link.distance(weights).sum()), float(np.finfo(np.float64).eps) * total(problem))
        if np.max(np.abs(residual), initial=0.0) <= tol and abs(float(theta @ missed)) <= GAP * least:
            return Calibration(weights, rows.back(theta), steps, "converged")
        if separated:
            return Calibration(weights, rows.back(theta), steps, "infeasible")
        if steps >= max_iter or stalls == 2 or out_of_time():
            return Calibration(weights, rows.back(theta), steps, "stopped")
        length = float(np.linalg.norm(missed))
        accuracy = max(loose * length, 1e-15 * float(np.linalg.norm(newton.b)))
        point = newton.solve(link, theta, tol=accuracy, max_iter=max_iter - steps, rho=sigma, centre=theta)
        theta, weights, steps = point.theta, point.weights, steps + max(point.n_iter, 1)
        missed = newton.b - newton.A @ weights
        headway = float(np.linalg.norm(missed)) <= STALLED * length
        stalls = 0 if headway or sigma > LAST_PROXIMAL else stalls + 1
        loose = LOOSE if headway else loose * LOOSE  # a residual that stays may prove infeasibility: sharpen it
        sigma = max(sigma * PROXIMAL_FACTOR, LAST_PROXIMAL)
        separated = _separates(newton, missed, low, high)


def _newton(A: sp.csc_array, b: FloatArray, dense: bool | None) -> DualNewton:
    newton = DualNewton(A, b)
    newton.dense = newton.dense if dense is None else dense
    return newton


def _separates(newton: DualNewton, v: FloatArray, low: FloatArray, high: FloatArray) -> bool:
    """Whether `bᵀv > max vᵀA w` over low ≤ w ≤ high by more than rounding: then no such w has `A w = b`."""
    eta = newton.At @ v
    attainable = np.maximum(low * eta, high * eta)
    rounding = 1e-12 * float(np.abs(newton.b) @ np.abs(v) + np.abs(attainable).sum())
    return bool(newton.b @ v - attainable.sum() > rounding)


def _bounds(objective: DistanceObjective) -> str:
    if objective.box is not None:
        return "no weights within the bounds"
    low = f"{-FAR:g}" if objective.lower is None else f"{objective.lower:g}"
    high = f"{FAR:g}" if objective.upper is None else f"{objective.upper:g}"
    return f"no weights between {low} and {high} times the initial ones"


def _missed(problem: CalibrationProblem, weights: FloatArray) -> str:
    error = np.where(problem.importance > 0, np.abs(relative_residual(problem, weights)), 0.0)
    worst = int(np.argmax(error))
    if error[worst] < 5e-5:
        return f"all targets are met within {error[worst]:.1e}"
    return f"target '{problem.target_names[worst]}' is missed most, by {error[worst]:.2%}"


def _cure(problem: CalibrationProblem, objective: DistanceObjective, tol: float, max_iter: int) -> str:
    if out_of_time():
        return "set relax or drop targets"
    relaxed = dataclasses.replace(objective, relax=SUGGESTED_RELAX)
    found = calibrate(problem, relaxed, tol=max(tol, 1e-6), max_iter=max_iter)
    bounded = objective.upper is not None or (objective.lower or 0.0) > 0 or objective.box is not None
    widen = ", widen the bounds" if bounded else ""
    return f"set relax: {SUGGESTED_RELAX} (where {_missed(problem, found.weights)}){widen} or drop targets"
