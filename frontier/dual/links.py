"""Links `w = F(η)`, `η = Aᵀθ`: what a distance between weights and initial weights becomes in the dual.

Minimising `Σ G_i(w_i) + (1/2ρ)‖b − A w‖²` (ρ = 0: subject to `A w = b`) gives `w_i = F_i(a_iᵀθ)` with `F = (G')⁻¹` on
the bounds of w, and the dual `min_θ ψ(θ) = (ρ/2)‖θ‖² − bᵀθ + Σ Φ_i(a_iᵀθ)`, `Φ' = F` (Deville & Särndal 1992, section
2). F is nondecreasing, so ψ is convex.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from frontier.problem import FloatArray


class Link(Protocol):
    """Elementwise `F(η)`, a (generalised) derivative, and an antiderivative; all of shape (n,)."""

    def weights(self, eta: FloatArray) -> FloatArray: ...

    def slope(self, eta: FloatArray) -> FloatArray: ...

    def potential(self, eta: FloatArray) -> FloatArray: ...


@dataclass(frozen=True, slots=True, eq=False)
class LinearLink:
    """`F(η) = clip(p + q(η − c), lower, upper)`: chi-square distance, anchored L1, and proximal steps of the LASSO.

    It is the link of `G(w) = c w + (w − p)²/(2q)` on [lower, upper]. Infinite bounds are allowed. Where q = 0 the
    weight stays at p.
    """

    p: FloatArray
    q: FloatArray
    c: FloatArray | float = 0.0
    lower: FloatArray | float = 0.0
    upper: FloatArray | float = np.inf

    def weights(self, eta: FloatArray) -> FloatArray:
        return np.clip(self.p + self.q * (eta - self.c), self.lower, self.upper)

    def slope(self, eta: FloatArray) -> FloatArray:
        free = self.p + self.q * (eta - self.c)
        return np.where((free > self.lower) & (free < self.upper), self.q, 0.0)

    def potential(self, eta: FloatArray) -> FloatArray:
        """The conjugate `max_w ηw − G(w)`, taken at `w = F(η)`."""
        w = self.weights(eta)
        distance = np.divide((w - self.p) ** 2, 2 * self.q, out=np.zeros_like(w), where=self.q > 0)
        return (eta - self.c) * w - distance


@dataclass(frozen=True, slots=True, eq=False)
class ExponentialLink:
    """`F(η) = w0 e^η`: raking, the entropy distance `Σ w log(w/w0) − w + w0` (Deville & Särndal 1992, case 2)."""

    w0: FloatArray

    def weights(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.w0 * np.exp(np.minimum(eta, MAX_EXPONENT)))

    def slope(self, eta: FloatArray) -> FloatArray:
        return self.weights(eta)

    def potential(self, eta: FloatArray) -> FloatArray:
        return self.weights(eta) - self.w0


@dataclass(frozen=True, slots=True, eq=False)
class LogitLink:
    """`F(η) = w0 (L(U−1) + U(1−L)e^{Bη})/((U−1) + (1−L)e^{Bη})`, `B = (U−L)/((1−L)(U−1))`, so `L < w/w0 < U`.

    The logit method (Deville & Särndal 1992, case 6), for 0 ≤ L < 1 < U.
    """

    w0: FloatArray
    low: float
    high: float

    @property
    def _steepness(self) -> float:
        return (self.high - self.low) / ((1 - self.low) * (self.high - 1))

    def _share(self, eta: FloatArray) -> FloatArray:
        """How far w/w0 has come from L to U: a logistic function that is (1−L)/(U−L) at η = 0."""
        odds = np.log((1 - self.low) / (self.high - 1)) + self._steepness * eta
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * odds)))

    def weights(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.w0 * (self.low + (self.high - self.low) * self._share(eta)))

    def slope(self, eta: FloatArray) -> FloatArray:
        share = self._share(eta)
        return self.w0 * (self.high - self.low) * self._steepness * share * (1 - share)

    def potential(self, eta: FloatArray) -> FloatArray:
        odds = np.log((1 - self.low) / (self.high - 1)) + self._steepness * eta
        rise = (self.high - self.low) / self._steepness
        return np.asarray(self.w0 * (self.low * eta + rise * np.logaddexp(0.0, odds)))


MAX_EXPONENT = 700.0  # e^709 is the largest float64: an infeasible raking diverges to huge weights, not to NaN
