"""The compiled exp and log: as accurate as they say, in both precisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

from frontier.solvers.gates.elementary import OPTIONS, exp, log


@njit(**OPTIONS)
def exponentials(x: Any, out: Any) -> None:
    for i in range(len(x)):
        out[i] = exp(x[i])


@njit(**OPTIONS)
def logarithms(x: Any, out: Any) -> None:
    for i in range(len(x)):
        out[i] = log(x[i])


@pytest.mark.parametrize(("real", "reach"), [(np.float32, 80), (np.float64, 700)])
def test_exp_is_within_two_units_in_the_last_place(real: Any, reach: float) -> None:
    x = np.linspace(-reach, reach, 200_001).astype(real)
    found = np.empty_like(x)
    exponentials(x, found)
    exact = np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(found - exact) / exact) < 2 * np.finfo(real).eps


@pytest.mark.parametrize(("real", "reach"), [(np.float32, 80), (np.float64, 700)])
def test_log_is_within_three_units_in_the_last_place(real: Any, reach: float) -> None:
    x = np.concatenate([np.exp(np.linspace(-reach, reach, 100_001)), np.linspace(0.5, 2.0, 100_001)]).astype(real)
    x = x[x != 1]
    found = np.empty_like(x)
    logarithms(x, found)
    exact = np.log(x.astype(np.longdouble))
    assert np.max(np.abs(found - exact) / np.abs(exact)) < 3 * np.finfo(real).eps
    assert found.size > 0


def test_outside_compiled_code_they_refuse() -> None:
    for function in (exp, log):
        with pytest.raises(NotImplementedError):
            function(1.0)
