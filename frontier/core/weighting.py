"""How much each target counts, set for a problem as a whole, so that every method minimises the same loss.

Groups of targets are the problem's families. Group averaging makes every family count as one target,
`ω_j = multiplier_g / |g|`; without it `ω_j = multiplier_g`. Absolute residuals are `scale = 1`, in target units; λ then
has their square as its unit, and the errors in reports are in target units too. A problem's own importance is kept as a
factor. The result is another problem, with another fingerprint.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping
from typing import Literal

import numpy as np

from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import CalibrationProblem

Residuals = Literal["relative", "absolute"]


def weighted(
    problem: CalibrationProblem,
    *,
    group_average: bool = False,
    group_multipliers: Mapping[str, float] | None = None,
    residuals: Residuals = "relative",
) -> CalibrationProblem:
    """The problem with importance `ω_j · multiplier_g / |g|` (averaged) or `ω_j · multiplier_g`, and its scale.

    group_average      whether every family counts as one target
    group_multipliers  factor per family, unitless, ≥ 0; families not named have 1
    residuals          relative: the problem's scale; absolute: 1, in target units

    Raises `InputError` for an unknown family or a factor that is negative or not finite.
    """
    factors = dict(group_multipliers or {})
    sizes = Counter(problem.families)
    for family, factor in factors.items():
        place = f"group_multipliers.{family}"
        if family not in sizes:
            raise InputError(place, "unknown family", cure=did_you_mean(family, sizes))
        if not (math.isfinite(factor) and factor >= 0):
            raise InputError(place, "not a multiplier", expected="a finite number ≥ 0", got=factor)
    share = np.array([1 / sizes[family] if group_average else 1.0 for family in problem.families])
    multiplier = np.array([factors.get(family, 1.0) for family in problem.families])
    scale = np.ones_like(problem.scale) if residuals == "absolute" else problem.scale
    return dataclasses.replace(problem, scale=scale, importance=problem.importance * multiplier * share)
