"""Links `w = F(η)`, `η = Aᵀθ`: what a distance between weights and initial weights becomes in the dual.

Minimising `Σ G_i(w_i) + (1/2ρ)‖b − A w‖²` (ρ = 0: subject to `A w = b`) gives `w_i = F_i(a_iᵀθ)` with `F = (G')⁻¹` on
the bounds of w, and the dual `min_θ ψ(θ) = (ρ/2)‖θ‖² − bᵀθ + Σ Φ_i(a_iᵀθ)`, `Φ' = F` (Deville & Särndal 1992, section
2). F is nondecreasing, so ψ is convex. The excess of the Fenchel-Young inequality, `G(w) + Φ(η) − ηw ≥ 0`, is what a
pair (w, η) adds to the duality gap; every link computes it as a sum of non-negative terms, without cancellation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit, kl_div

from frontier.core.arrays import FloatArray


class Link(Protocol):
    """Elementwise `F(η)`, a (generalised) derivative, and an antiderivative; all of shape (n,)."""

    def weights(self, eta: FloatArray) -> FloatArray: ...

    def slope(self, eta: FloatArray) -> FloatArray: ...

    def potential(self, eta: FloatArray) -> FloatArray: ...


class DistanceLink(Link, Protocol):
    """A link that also knows its distance `G(w)` (infinite outside the bounds) and the Fenchel-Young excess; (n,)."""

    def distance(self, w: FloatArray) -> FloatArray: ...

    def excess(self, w: FloatArray, eta: FloatArray) -> FloatArray: ...


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
        return (eta - self.c) * w - self._over_q((w - self.p) ** 2)

    def distance(self, w: FloatArray) -> FloatArray:
        inside = (w >= self.lower) & (w <= self.upper) & ((self.q > 0) | (w == self.p))
        return np.where(inside, self.c * w + self._over_q((w - self.p) ** 2), np.inf)

    def excess(self, w: FloatArray, eta: FloatArray) -> FloatArray:
        """`((w − F)² + 2(w − F)(F − z))/(2q)` with z = F before clipping: F − z points inwards, as w − F does."""
        z, F = self.p + self.q * (eta - self.c), self.weights(eta)
        return np.where(np.isfinite(self.distance(w)), self._over_q((w - F) * ((w - F) + 2 * (F - z))), np.inf)

    def _over_q(self, numerator: FloatArray) -> FloatArray:
        return np.divide(numerator, 2 * self.q, out=np.zeros_like(numerator), where=self.q > 0)


@dataclass(frozen=True, slots=True, eq=False)
class ExponentialLink:
    """`F(η) = w0 e^η`: raking, the entropy distance `Σ w log(w/w0) − w + w0` (Deville & Särndal 1992, case 2)."""

    w0: FloatArray

    def weights(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.w0 * np.exp(np.clip(eta, -MAX_EXPONENT, MAX_EXPONENT)))

    def slope(self, eta: FloatArray) -> FloatArray:
        return self.weights(eta)

    def potential(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.w0 * np.expm1(np.minimum(eta, MAX_EXPONENT)))

    def distance(self, w: FloatArray) -> FloatArray:
        return _divergence(w, self.w0)

    def excess(self, w: FloatArray, eta: FloatArray) -> FloatArray:
        """The divergence from `F(η)`; where its exponent was clipped, what that leaves out of −ηw, or ∞ for e^η."""
        clipped = np.maximum(-MAX_EXPONENT - eta, 0.0) * w
        beyond = (eta > MAX_EXPONENT) & (self.w0 > 0)
        return np.where(beyond, np.inf, _divergence(w, self.weights(eta)) + clipped)


@dataclass(frozen=True, slots=True, eq=False)
class BoundedExponentialLink:
    """`F(η) = clip(w0 e^η, lower, upper)`: the entropy distance of `ExponentialLink` on a box of weights, (n,) each."""

    w0: FloatArray
    lower: FloatArray
    upper: FloatArray

    def weights(self, eta: FloatArray) -> FloatArray:
        return np.clip(self._free(eta), self.lower, self.upper)

    def slope(self, eta: FloatArray) -> FloatArray:
        free = self._free(eta)
        return np.where((free > self.lower) & (free < self.upper), free, 0.0)

    def potential(self, eta: FloatArray) -> FloatArray:
        """The conjugate `max_w ηw − G(w)`, taken at `w = F(η)`."""
        free, w = self._free(eta), self.weights(eta)
        inside = self.w0 * np.expm1(np.minimum(eta, BEYOND_ANY_BOX))
        return np.where(w == free, inside, eta * w - _divergence(w, self.w0))

    def distance(self, w: FloatArray) -> FloatArray:
        return np.where((w >= self.lower) & (w <= self.upper), _divergence(w, self.w0), np.inf)

    def excess(self, w: FloatArray, eta: FloatArray) -> FloatArray:
        """`D(w, F) + (w − F) log(F/z)` with z = w0 e^η: both parts are ≥ 0, as F is the end that z passed, or z."""
        free, F = self._free(eta), self.weights(eta)
        passed = np.log(np.divide(F, self.w0, out=np.ones_like(F), where=(F > 0) & (self.w0 > 0))) - eta
        beyond = np.where((w == F) | (free == F), 0.0, np.maximum((w - F) * passed, 0.0))
        return np.where(np.isfinite(self.distance(w)), _divergence(w, F) + beyond, np.inf)

    def _free(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.w0 * np.exp(np.clip(eta, -MAX_EXPONENT, BEYOND_ANY_BOX)))


@dataclass(frozen=True, slots=True, eq=False)
class WeightedLink:
    """`F(q η)`: the distance `G(w)/q` of another link, with a weight q > 0 per record (Deville & Särndal 1992)."""

    link: DistanceLink
    q: FloatArray

    def weights(self, eta: FloatArray) -> FloatArray:
        return self.link.weights(self.q * eta)

    def slope(self, eta: FloatArray) -> FloatArray:
        return self.q * self.link.slope(self.q * eta)

    def potential(self, eta: FloatArray) -> FloatArray:
        return self.link.potential(self.q * eta) / self.q

    def distance(self, w: FloatArray) -> FloatArray:
        return self.link.distance(w) / self.q

    def excess(self, w: FloatArray, eta: FloatArray) -> FloatArray:
        return self.link.excess(w, self.q * eta) / self.q


@dataclass(frozen=True, slots=True, eq=False)
class LogitLink:
    """`F(η) = w0 (L(U−1) + U(1−L)e^{Bη})/((U−1) + (1−L)e^{Bη})`, `B = (U−L)/((1−L)(U−1))`, so `L < w/w0 < U`.

    The logit method (Deville & Särndal 1992, case 6), for 0 ≤ L < 1 < U. With x = w/w0 its distance is `w0/B` times
    `(x−L) log((x−L)/(1−L)) + (U−x) log((U−x)/(U−1))`, the Kullback-Leibler divergence of two shares.
    """

    w0: FloatArray
    low: float
    high: float

    @property
    def _steepness(self) -> float:
        return (self.high - self.low) / ((1 - self.low) * (self.high - 1))

    def _odds(self, eta: FloatArray) -> FloatArray:
        """Log odds of how far w/w0 has come from L to U; at η = 0 the share is (1−L)/(U−L)."""
        return np.asarray(np.log((1 - self.low) / (self.high - 1)) + self._steepness * eta)

    def weights(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.w0 * (self.low + (self.high - self.low) * expit(self._odds(eta))))

    def slope(self, eta: FloatArray) -> FloatArray:
        odds = self._odds(eta)
        return np.asarray(self.w0 * (self.high - self.low) * self._steepness * expit(odds) * expit(-odds))

    def potential(self, eta: FloatArray) -> FloatArray:
        """0 at η = 0: a constant of the size of Σ w0 would drown the decreases that the line search looks for."""
        share, step = (1 - self.low) / (self.high - self.low), self._steepness * eta
        small = np.log1p(share * np.expm1(np.clip(step, -1.0, 1.0)))
        large = np.logaddexp(np.log1p(-share), np.log(share) + step)
        rise = (self.high - self.low) / self._steepness
        return np.asarray(self.w0 * (self.low * eta + rise * np.where(np.abs(step) < 1.0, small, large)))

    def distance(self, w: FloatArray) -> FloatArray:
        below, above = self._room(w)
        total = _divergence(below, 1 - self.low) + _divergence(above, self.high - 1)
        return np.where(self.w0 > 0, self.w0 * total / self._steepness, np.where(w == self.w0, 0.0, np.inf))

    def excess(self, w: FloatArray, eta: FloatArray) -> FloatArray:
        below, above = self._room(w)
        odds, width = self._odds(eta), self.high - self.low
        total = _divergence(below, width * expit(odds)) + _divergence(above, width * expit(-odds))
        return np.where(self.w0 > 0, self.w0 * total / self._steepness, np.where(w == self.w0, 0.0, np.inf))

    def _room(self, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """x − L and U − x; what rounding alone puts outside counts as on the bound."""
        x = np.divide(w, self.w0, out=np.ones_like(w), where=self.w0 > 0)
        rounding = 4 * np.finfo(np.float64).eps * self.high
        below, above = x - self.low, self.high - x
        return np.where(abs(below) <= rounding, 0.0, below), np.where(abs(above) <= rounding, 0.0, above)


def _divergence(x: FloatArray, y: FloatArray | float) -> FloatArray:
    """`x log(x/y) − x + y ≥ 0`; where x is near y rounding would make it negative."""
    return np.asarray(np.maximum(kl_div(x, y), 0.0))


BEYOND_ANY_BOX = 300.0  # e^300 times any initial weight is above any end that a weight is held by
MAX_EXPONENT = 700.0  # e^709 is the largest float64: an infeasible raking diverges to huge weights, not to NaN;
# and e^-745 is 0: a record that only hurts is left with hardly any weight, but kept
