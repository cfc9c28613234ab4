"""The compiled epoch loop: W cells of one design trained side by side, one pass over the records per epoch.

A pass does everything for a chunk of records while it is in the cache: gather the gradient `Aᵀ dual`, update scale and
α by Adam, draw the next gates, and scatter the next weights into `P = A w`. So each epoch reads and writes the state
once and reads A once, which is the least that any implementation must move. The state is chunk after chunk of 512
numbers per array (`LANES`), whatever W: every loop over a chunk has the same length and no remainder, hence a cell's
result does not depend on the cells beside it, bit for bit.

A record whose gates are closed in this epoch's draw, in all W cells, is left out of both products, and nothing changes
by it: its weight is 0, and its gradient would be multiplied by that weight and by the slope of its gate, 0 too. So the
products cost what the open records cost, which is little late in a sparse fit. Adam's mean gradient of a closed record
halves every seven epochs; below `VANISHING` it is set to 0, for products of denormal numbers are slow.

Per cell the state is the scale `e^θ` itself (θ moves by Adam's step δ: `e^θ ← e^θ e^{−δ}`, which rounds less than θ
would), α, two moments each, and the gate's sigmoid s, which is drawn at the end of an epoch for the next one. One
division serves two quotients where it can: `1/a = b/(ab)`. Compiled code is cached on disk; the cache notices changes
of this file but not of `lanes` and `elementary`, which it contains: after changing those, delete `__pycache__`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,call-arg,unreachable"
# compiled code is generic in float32 and float64, and an intrinsic is called without its typing context

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from frontier.core.random import GOLDEN, MIX_1, MIX_2, UNIFORM_MARGIN
from frontier.solvers.gates.elementary import OPTIONS, exp, log
from frontier.solvers.gates.gates import LOG_ALPHA_BOUND
from frontier.solvers.gates.lanes import any_above, combine, gather, scatter, widest_registers
from frontier.solvers.gates.loss import CAPPED
from frontier.solvers.gates.schedule import BETA_1, BETA_2, EPSILON

LANES = 512  # numbers per array and chunk: 7 arrays of state and 6 of work, 26 KB in float32, stay in a 32 KB cache
SCALE, ALPHA, SIGMOID, M_THETA, V_THETA, M_ALPHA, V_ALPHA = range(7)  # the state of a gated chunk
DENSE_M, DENSE_V = 1, 2  # without gates: scale and its moments
GRADIENT, WEIGHT, LOGIT, LAM, LIMIT, RIDGE = range(6)  # the work arrays, each LANES long
SATURATED = 40.0  # |x| beyond which σ(x) is 0 or 1 in either precision; e^{2·40} is finite in float32
CLOSED = 1 - 1e-6  # of the sigmoid where a gate opens: below it z is 0, however that was rounded
VANISHING = 1e-36  # of a mean gradient: it moves no scale, and products of smaller ones are denormal, ten times slower
LONGEST_STEP = 40.0  # of θ in one epoch: Adam's is at most 3.2 lr (Kingma & Ba 2015, section 2.1)
_GOLDEN, _MIX_1, _MIX_2 = np.uint64(GOLDEN), np.uint64(MIX_1), np.uint64(MIX_2)
_30, _27, _31, _40 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(40)


@njit(**OPTIONS, cache=True)
def draw_logits(first, key, out):  # pragma: no cover - compiled
    """`logit u` of consecutive records from number `first` on: the draws of `frontier.core.random.gate_logits`."""
    widest_registers()
    real = out.dtype.type
    one, half, unit = real(1.0), real(0.5), real(2.0**-24)
    low, high = real(UNIFORM_MARGIN), real(1.0 - UNIFORM_MARGIN)
    for i in range(len(out)):
        x = np.uint64(first + i) * _GOLDEN + key
        x = (x ^ (x >> _30)) * _MIX_1
        x = (x ^ (x >> _27)) * _MIX_2
        x ^= x >> _31
        u = (real(np.int64(x >> _40)) + half) * unit
        u = u if u > low else low
        u = u if u < high else high
        out[i] = log(u) - log(one - u)


@njit(**OPTIONS, cache=True)
def _open_gates(chunk, work, inverse_temperature, gamma, width):  # pragma: no cover - compiled
    """Weights of the coming epoch, without an update: how training begins."""
    widest_registers()
    real = chunk.dtype.type
    zero, one = real(0.0), real(1.0)
    bound, saturated = real(LOG_ALPHA_BOUND), real(SATURATED)
    for e in range(LANES):
        x = chunk[ALPHA * LANES + e]
        x = x if x < bound else bound
        x = x if x > -bound else -bound
        x = (x + work[LOGIT * LANES + e]) * inverse_temperature
        x = x if x < saturated else saturated
        x = x if x > -saturated else -saturated
        s = one / (one + exp(-x))
        chunk[SIGMOID * LANES + e] = s
        z = width * s + gamma
        z = z if z > zero else zero
        z = z if z < one else one
        work[WEIGHT * LANES + e] = chunk[e] * z


@njit(**OPTIONS, cache=True)
def update_gated(
    chunk, work, lam_l2, inverse_temperature, next_inverse_temperature, shift, gamma, width, step, correction
):  # pragma: no cover - compiled
    """One Adam step on scale and α from the gradient with respect to w, and the weights of the coming epoch."""
    widest_registers()
    real = chunk.dtype.type
    zero, one, two, epsilon = real(0.0), real(1.0), real(2.0), real(EPSILON)
    bound, saturated, longest = real(LOG_ALPHA_BOUND), real(SATURATED), real(LONGEST_STEP)
    keep_1, new_1, keep_2, new_2 = real(BETA_1), real(1 - BETA_1), real(BETA_2), real(1 - BETA_2)
    vanishing = real(VANISHING)
    steepness = width * inverse_temperature
    for e in range(LANES):
        scale, free, s = chunk[e], chunk[ALPHA * LANES + e], chunk[SIGMOID * LANES + e]
        stretched = width * s + gamma
        z = stretched if stretched > zero else zero
        z = z if z < one else one
        slope = s * (one - s) * steepness
        slope = slope if stretched > zero else zero
        slope = slope if stretched < one else zero

        alpha = free if free < bound else bound
        alpha = alpha if alpha > -bound else -bound
        y = alpha + shift
        y = y if y < saturated else saturated
        y = y if y > -saturated else -saturated
        keep = one / (one + exp(-y))

        weight = scale * z
        data = work[GRADIENT * LANES + e] + work[RIDGE * LANES + e] * weight
        by_theta = data * weight + two * lam_l2 * scale * scale
        by_alpha = data * scale * slope + work[LAM * LANES + e] * keep * (one - keep)
        by_alpha = by_alpha if alpha == free else zero

        m_theta = keep_1 * chunk[M_THETA * LANES + e] + new_1 * by_theta
        m_theta = m_theta if abs(m_theta) > vanishing else zero
        v_theta = keep_2 * chunk[V_THETA * LANES + e] + new_2 * by_theta * by_theta
        m_alpha = keep_1 * chunk[M_ALPHA * LANES + e] + new_1 * by_alpha
        v_alpha = keep_2 * chunk[V_ALPHA * LANES + e] + new_2 * by_alpha * by_alpha
        root_theta = np.sqrt(v_theta) * correction + epsilon
        root_alpha = np.sqrt(v_alpha) * correction + epsilon
        inverse = step / (root_theta * root_alpha)
        free = free - m_alpha * (inverse * root_theta)
        moved = m_theta * (inverse * root_alpha)
        moved = longest if moved > longest else moved  # this way round NaN stays NaN, to be seen
        moved = -longest if moved < -longest else moved
        scale = scale * exp(-moved)
        limit = work[LIMIT * LANES + e]
        scale = limit if scale > limit else scale

        x = free if free < bound else bound
        x = x if x > -bound else -bound
        x = (x + work[LOGIT * LANES + e]) * next_inverse_temperature
        x = x if x < saturated else saturated
        x = x if x > -saturated else -saturated
        s = one / (one + exp(-x))
        z = width * s + gamma
        z = z if z > zero else zero
        z = z if z < one else one
        work[WEIGHT * LANES + e] = scale * z
        chunk[e] = scale
        chunk[ALPHA * LANES + e] = free
        chunk[SIGMOID * LANES + e] = s
        chunk[M_THETA * LANES + e] = m_theta
        chunk[V_THETA * LANES + e] = v_theta
        chunk[M_ALPHA * LANES + e] = m_alpha
        chunk[V_ALPHA * LANES + e] = v_alpha


@njit(**OPTIONS, cache=True)
def _update_dense(chunk, work, lam_l2, step, correction):  # pragma: no cover - compiled
    """The same without gates: w = e^θ."""
    widest_registers()
    real = chunk.dtype.type
    two, epsilon, longest = real(2.0), real(EPSILON), real(LONGEST_STEP)
    keep_1, new_1, keep_2, new_2 = real(BETA_1), real(1 - BETA_1), real(BETA_2), real(1 - BETA_2)
    for e in range(LANES):
        scale = chunk[e]
        data = work[GRADIENT * LANES + e] + work[RIDGE * LANES + e] * scale
        by_theta = data * scale + two * lam_l2 * scale * scale
        m = keep_1 * chunk[DENSE_M * LANES + e] + new_1 * by_theta
        v = keep_2 * chunk[DENSE_V * LANES + e] + new_2 * by_theta * by_theta
        moved = step * m / (np.sqrt(v) * correction + epsilon)
        moved = longest if moved > longest else moved  # this way round NaN stays NaN, to be seen
        moved = -longest if moved < -longest else moved
        scale = scale * exp(-moved)
        limit = work[LIMIT * LANES + e]
        scale = limit if scale > limit else scale
        chunk[e] = scale
        chunk[DENSE_M * LANES + e] = m
        chunk[DENSE_V * LANES + e] = v
        work[WEIGHT * LANES + e] = scale


@njit(**OPTIONS, cache=True)
def take_dual(P, R, b, q, kind, cap, total, cells):  # pragma: no cover - compiled
    """`∂loss/∂P` into R (m × cells, flat), as `solvers.gates.loss.DataLoss.dual`; P is cleared for the next pass."""
    real = P.dtype.type
    zero, one, two = real(0.0), real(1.0), real(2.0)
    rows = len(b)
    for c in range(cells):
        factor = one
        if total > zero:  # the last row of P is Σw: weights are rescaled to the total
            sum_of_weights = P[(rows - 1) * cells + c]
            factor = total / sum_of_weights if sum_of_weights > zero else zero
        inner = zero
        for j in range(rows):
            if total > zero and j == rows - 1:
                R[j * cells + c] = -factor * inner / total
                break
            estimate = factor * P[j * cells + c]
            residual = estimate - b[j]
            if kind == CAPPED:
                dual = q[j] if residual > zero else -q[j]
                dual = dual if abs(residual) < cap else zero
            else:
                dual = two * q[j] * residual
            inner += dual * estimate
            R[j * cells + c] = factor * dual
    P[:] = zero


@njit(**OPTIONS, cache=True)
def _find_open(cells, rows, offset, bound, size, found):  # pragma: no cover - compiled
    """Write into `found` the records of a chunk with a number above the bound, in any cell; returns how many."""
    count = 0
    for i in range(size):
        found[count] = i
        at = offset + i * cells
        if cells == 16:
            count += any_above(16, rows, at, bound)
        elif cells == 8:
            count += any_above(8, rows, at, bound)
        else:
            count += any_above(1, rows, at, bound)
    return count


@njit(**OPTIONS, cache=True)
def _gather_open(cells, open_ones, first, columns, R, work):  # pragma: no cover - compiled
    """The gradient `Aᵀ R` of the open records of the chunk that begins with record `first`."""
    indptr, indices, data = columns
    for i in open_ones:
        start, stop, at = indptr[first + i], indptr[first + i + 1], GRADIENT * LANES + i * cells
        if cells == 16:
            gather(16, data, indices, start, stop, R, work, at)
        elif cells == 8:
            gather(8, data, indices, start, stop, R, work, at)
        else:
            gather(1, data, indices, start, stop, R, work, at)


@njit(**OPTIONS, cache=True)
def _scatter_open(cells, open_ones, first, columns, work, P):  # pragma: no cover - compiled
    """Add the weights of the open records to `P = A w`."""
    indptr, indices, data = columns
    for i in open_ones:
        start, stop, at = indptr[first + i], indptr[first + i + 1], WEIGHT * LANES + i * cells
        if cells == 16:
            scatter(16, data, indices, start, stop, work, at, P)
        elif cells == 8:
            scatter(8, data, indices, start, stop, work, at, P)
        else:
            scatter(1, data, indices, start, stop, work, at, P)


@njit(**OPTIONS, cache=True)
def _spread(cells, logits, per_chunk, count, seeds, size, work):  # pragma: no cover - compiled
    """Give every cell the draws of its seed: seed after seed in `logits`."""
    for i in range(size):
        at = LOGIT * LANES + i * cells
        if cells == 16:
            combine(16, logits, i, per_chunk, count, seeds, work, at)
        else:
            combine(8, logits, i, per_chunk, count, seeds, work, at)


@cache
def epoch_loop(gated: bool) -> Any:
    """The compiled loop of 16, 8 or 1 cells side by side; it works in the type of the arrays that it is given.

    It goes through the records of `span`, whose start is a multiple of `LANES`. Of all records it takes the dual from P
    at the beginning of an epoch; of fewer it finds R done, adds its products to its own P, and does one epoch.
    """
    arrays = 7 if gated else 3

    @njit(**OPTIONS, cache=True, nogil=True)
    def run(
        cells, columns, state, seeds, keys, lam, limit, ridge, lam_l2, P, R, b, q, loss, gates, lr, epochs, span
    ):  # pragma: no cover - compiled
        kind, cap, total = loss
        gamma, width, inverse_temperature, shift = gates
        (first_epoch, last_epoch), (begin, end) = epochs, span
        real = state.dtype.type
        closed = real(CLOSED * -gamma / width)
        n, count, per_chunk = len(columns[0]) - 1, len(seeds) // cells, LANES // cells
        work, logits = np.zeros(6 * LANES, state.dtype), np.zeros(count * per_chunk, state.dtype)
        open_ones = np.zeros(per_chunk, np.int64)  # records of a chunk with a gate that is open, in any cell
        all_ones = np.arange(per_chunk)
        for e in range(LANES):  # one by one: the error message of a slice of another length takes 2 s to compile
            work[LAM * LANES + e] = lam[e]
        work[LIMIT * LANES : (LIMIT + 1) * LANES] = real(np.inf)
        for epoch in range(first_epoch, last_epoch + 1):  # epoch 0 only opens the gates
            step = real(0.0)
            correction = real(1.0)
            if epoch > 0:
                if end - begin == n:
                    take_dual(P, R, b, q, kind, cap, total, cells)
                step = real(lr / (1.0 - BETA_1**epoch))
                correction = real(1.0 / math.sqrt(1.0 - BETA_2**epoch))
            for first in range(begin, end, per_chunk):
                last = min(first + per_chunk, end)
                size = last - first
                chunk = state[first * arrays * cells : (first + per_chunk) * arrays * cells]
                if epoch > 0:
                    work[GRADIENT * LANES : (GRADIENT + 1) * LANES] = real(0.0)
                    if gated:
                        found = _find_open(cells, chunk, SIGMOID * LANES, closed, size, open_ones)
                        _gather_open(cells, open_ones[:found], first, columns, R, work)
                    else:
                        _gather_open(cells, all_ones[:size], first, columns, R, work)
                if gated and cells == 1:
                    draw_logits(first, keys[epoch + 1], work[LOGIT * LANES : LOGIT * LANES + size])
                elif gated:
                    for k in range(count):
                        drawn = logits[k * per_chunk : k * per_chunk + size]
                        draw_logits(first, keys[(epoch + 1) * count + k], drawn)
                    _spread(cells, logits, per_chunk, count, seeds, size, work)
                if len(limit):
                    for i in range(size):
                        work[LIMIT * LANES + i * cells : LIMIT * LANES + (i + 1) * cells] = limit[first + i]
                if len(ridge):
                    for i in range(size):
                        work[RIDGE * LANES + i * cells : RIDGE * LANES + (i + 1) * cells] = ridge[first + i]
                if epoch == 0:
                    if gated:
                        _open_gates(chunk, work, inverse_temperature[1], gamma, width)
                    else:
                        for e in range(LANES):
                            work[WEIGHT * LANES + e] = chunk[e]
                elif gated:
                    now, coming = inverse_temperature[epoch], inverse_temperature[epoch + 1]
                    update_gated(chunk, work, lam_l2, now, coming, shift[epoch], gamma, width, step, correction)
                else:
                    _update_dense(chunk, work, lam_l2, step, correction)
                found = _find_open(cells, work, WEIGHT * LANES, real(0.0), size, open_ones)
                _scatter_open(cells, open_ones[:found], first, columns, work, P)

    return run
