"""Joint inclusion probabilities π_ij of a design, (n, n), with the π_i on the diagonal.

    poisson           π_i π_j
    with_replacement  1 − (1−p_i)^k − (1−p_j)^k + (1−p_i−p_j)^k, of being drawn at least once, on the diagonal
                      1 − (1−p_i)^k
    sampford          ∝ π_i π_j Σ_{t=2}^k (t − π_i − π_j) Q_ij(k − t), where Q_ij(r) is the probability that a Poisson
                      sample of all units but i and j has r (Sampford 1967, eq. 5, with λ_i = π_i/(1−π_i)); all terms
                      are positive, and the factor follows from Σ_{i≠j} π_ij = k(k − 1). At most 1,000 units by chance
    systematic        in random order: with i laid from 0 to π_i, j begins at D = π_i + S, S the sum of the units
                      between them, any subset of r others with probability 1/((n−1) C(n−2, r)); both are drawn with the
                      length that [0, π_i) and [D, D + π_j) share modulo 1. All subsets are added up: at most 20 units
                      by chance

Of the pivotal and the cube method they are not known. Units of probability 1 have π_ij = π_j under every design of
fixed size; those of probability 0 have none.
"""

from __future__ import annotations

from math import comb
from typing import Literal

import numpy as np
from numba import njit

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.solvers.sampling.systematic import sample_size

JointDesign = Literal["poisson", "with_replacement", "sampford", "systematic"]
MOST_SAMPFORD, MOST_SYSTEMATIC = 1_000, 20  # seconds


def joint_probabilities(expected: FloatArray, design: JointDesign) -> FloatArray:
    """π_ij, (n, n), of a design with `expected` draws (n) (`designs.expected_draws`; poisson: the probabilities).

    Raises `InputError` for a design of which they are not known, too many units, or probabilities that are none.
    """
    if design == "with_replacement":
        k = float(expected.sum())
        one, both = (1 - expected / k) ** k, np.maximum(1 - (expected[:, None] + expected) / k, 0.0) ** k
        found = 1 - one[:, None] - one + both
        np.fill_diagonal(found, 1 - one)
        return np.asarray(found)
    if design not in ("poisson", "sampford", "systematic"):
        known = "poisson, with_replacement, sampford or systematic"
        raise InputError("design", "joint probabilities are not known", expected=known, got=repr(design))
    if not ((expected >= 0) & (expected <= 1)).all():
        raise InputError("probabilities", "not probabilities", expected="numbers in [0, 1]")
    found = np.outer(expected, expected)
    np.fill_diagonal(found, expected)
    if design != "poisson":
        size = sample_size(expected) - int(np.count_nonzero(expected == 1))
        chance = np.flatnonzero((expected > 0) & (expected < 1))
        most = MOST_SAMPFORD if design == "sampford" else MOST_SYSTEMATIC
        if chance.size > most:
            what, cure = f"more than {most:,} units by chance", "take those of a stratum"
            raise InputError("probabilities", what, got=f"{chance.size:,}", cure=cure)
        pi = expected[chance]
        within = _sampford(pi, size) if design == "sampford" else _systematic(pi)
        found[np.ix_(chance, chance)] = within
    return found


def _sampford(pi: FloatArray, size: int) -> FloatArray:
    found = _sampford_terms(pi, size)
    found *= size * (size - 1) / max(float(found.sum()), np.finfo(np.float64).tiny)
    np.fill_diagonal(found, pi)
    return found


@njit(cache=True)
def _sampford_terms(pi: FloatArray, size: int) -> FloatArray:  # pragma: no cover - compiled
    """`π_i π_j Σ_t (t − π_i − π_j) Q_ij(size − t)`, (n, n), 0 on the diagonal."""
    n = len(pi)
    whole = np.zeros(n + 1)
    whole[0] = 1.0
    for i in range(n):
        for r in range(i + 1, 0, -1):
            whole[r] = whole[r] * (1 - pi[i]) + whole[r - 1] * pi[i]
        whole[0] *= 1 - pi[i]
    found, without, both = np.zeros((n, n)), np.empty(n + 1), np.empty(n + 1)
    for i in range(n):
        _taken_out(whole, pi[i], without)
        for j in range(i):
            _taken_out(without, pi[j], both)
            total = 0.0
            for t in range(2, size + 1):
                total += (t - pi[i] - pi[j]) * both[size - t]
            found[i, j] = found[j, i] = pi[i] * pi[j] * total
    return found


@njit(cache=True)
def _taken_out(whole: FloatArray, p: float, rest: FloatArray) -> None:  # pragma: no cover - compiled
    """The distribution of a Poisson sample's size without one unit of probability p.

    From the side that divides by the larger of p and 1 − p, so that rounding does not grow.
    """
    n = len(whole) - 1
    rest[n] = 0.0
    if p < 0.5:
        rest[0] = whole[0] / (1 - p)
        for r in range(1, n):
            rest[r] = max((whole[r] - p * rest[r - 1]) / (1 - p), 0.0)
    else:
        for r in range(n - 1, -1, -1):
            rest[r] = max((whole[r + 1] - (1 - p) * rest[r + 1]) / p, 0.0)


def _systematic(pi: FloatArray) -> FloatArray:
    n = pi.size
    found = np.diag(pi)
    for i in range(n):
        for j in range(i):
            sums, sizes = np.zeros(1), np.zeros(1, dtype=np.intp)
            for other in np.delete(pi, [i, j]):
                sums, sizes = np.append(sums, sums + other), np.append(sizes, sizes + 1)
            chances = np.array([1 / ((n - 1) * comb(n - 2, r)) for r in range(n - 1)])[sizes]
            starts = (pi[i] + sums) % 1.0  # of j, which may end beyond 1, at 0 again
            shared = np.clip(pi[i] - starts, 0.0, pi[j]) + np.clip(starts + pi[j] - 1.0, 0.0, pi[i])
            found[i, j] = found[j, i] = chances @ shared
    return found


def horvitz_thompson_variance(y: FloatArray, joint: FloatArray, *, fixed_size: bool = True) -> float:
    """The estimated variance of `Σ y_i/π_i` over the units drawn, in units of y squared.

        fixed size   ½ Σ_{i≠j} (π_i π_j − π_ij)/π_ij (y_i/π_i − y_j/π_j)²    (Sen 1953; Yates & Grundy 1953)
        any design   Σ_i Σ_j (π_ij − π_i π_j)/π_ij y_i/π_i y_j/π_j           (Horvitz & Thompson 1952)

    y      values of the units drawn, (k,)
    joint  their joint inclusion probabilities, (k, k), the π_i on the diagonal

    Unbiased where every π_ij > 0. Raises `InputError` for shapes that do not fit, and a pair of probability 0.
    """
    if joint.shape != (y.size, y.size):
        raise InputError("joint", "wrong shape", expected=f"({y.size}, {y.size})", got=joint.shape)
    if not (joint > 0).all():
        raise InputError("joint", "a pair that is never drawn together", expected="probabilities > 0")
    pi = np.diagonal(joint)
    share, expanded = 1 - np.outer(pi, pi) / joint, y / pi
    if not fixed_size:
        return float(expanded @ share @ expanded)
    return float(-0.5 * (share * np.square(np.subtract.outer(expanded, expanded))).sum())
