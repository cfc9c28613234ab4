"""exp and log for compiled kernels, in float32 and float64, from operations that vectorise.

Calls of the C library do not vectorise; these are a few multiplications each. Both split off the power of two through
the bits of the number. `exp x = 2^k e^r`, |r| ≤ ½ log 2, with e^r by its Taylor polynomial; `log x = k log 2 + log f`,
½√2 ≤ f < √2, with `log f = 2 artanh((f−1)/(f+1))` by its series. Relative errors (measured in the tests): 2 units in
the last place for exp, 3 for log. Arguments must be finite, for exp within ±80 (float32) or ±700, for log normal and
positive; the kernel sees to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import overload

FLAGS = {"contract", "nsz", "arcp"}  # multiply-adds may fuse, signs of zero and the way of dividing are free
OPTIONS = cast(Any, {"fastmath": FLAGS, "error_model": "numpy"})  # numpy's: no branch for a zero divisor
LOG_2 = Fraction("0.693147180559945309417232121458176568")  # OEIS A002162; float64 alone has 53 bits of it


def exp(x: Any) -> Any:
    """`e^x` inside compiled code."""
    raise NotImplementedError("for compiled code only")


def log(x: Any) -> Any:
    """The natural logarithm inside compiled code."""
    raise NotImplementedError("for compiled code only")


def _implementations(real: Any, integer: Any, mantissa: int, bias: int, degree: int, terms: int) -> Any:
    """exp and log for one type: bits of the mantissa, exponent bias, degree of e^r, terms of artanh."""
    one, half, two = real(1), real(0.5), real(2)
    log2_e = real(math.log2(math.e))
    log_2_high = real(math.ldexp(math.floor(math.ldexp(math.log(2), 9)), -9))  # 9 bits: k times it is exact
    log_2_low = real(LOG_2 - Fraction(float(log_2_high)))
    taylor = tuple(real(1 / math.factorial(k)) for k in range(degree + 1))
    series = tuple(real(1 / (2 * k + 1)) for k in range(terms))
    shift, offset = integer(mantissa), integer(bias)
    root_half = integer(np.array(math.sqrt(0.5), dtype=real).view(integer))

    def exp_of(x: Any) -> Any:
        k = np.floor(x * log2_e + half)
        r = (x - k * log_2_high) - k * log_2_low
        total = taylor[degree]
        for i in range(degree - 1, -1, -1):
            total = total * r + taylor[i]
        return total * integer((integer(k) + offset) << shift).view(real)

    def log_of(x: Any) -> Any:
        bits = real(x).view(integer)
        k = (bits - root_half) >> shift
        f = integer(bits - (k << shift)).view(real)
        s = (f - one) / (f + one)
        square = s * s
        total = series[terms - 1]
        for i in range(terms - 2, -1, -1):
            total = total * square + series[i]
        return real(k) * log_2_high + (real(k) * log_2_low + two * s * total)

    return exp_of, log_of


_SINGLE = _implementations(np.float32, np.int32, 23, 127, 7, 5)  # r⁸/8! < 6e-9, s¹⁰/11 < 3e-9 of the first term
_DOUBLE = _implementations(np.float64, np.int64, 52, 1023, 13, 11)  # r¹⁴/14! < 5e-18, s²²/23 < 1e-18


def _chosen(x: Any, which: int) -> Callable[..., Any] | None:
    found = {types.float32: _SINGLE, types.float64: _DOUBLE}.get(x)
    return None if found is None else found[which]


@overload(exp, jit_options=OPTIONS)
def _exp(x: Any) -> Any:
    return _chosen(x, 0)


@overload(log, jit_options=OPTIONS)
def _log(x: Any) -> Any:
    return _chosen(x, 1)
