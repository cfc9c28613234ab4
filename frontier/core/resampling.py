"""A bootstrap sample of a problem's records: what another draw of the same survey might have been.

G groups (households, where the problem has `groups`; else single records) are drawn G times with replacement; a record
counts `w0` times as often as its group was drawn, and those of groups never drawn (about 37%) are left out. Targets
stay as they are: published totals do not come from this sample. Efron 1979; for surveys Rao & Wu 1988, who rescale
weights where a stratum has few groups, which this does not. Each of a problem's `strata` is drawn from by itself.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontier.core import random
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem


def resampled(problem: CalibrationProblem, *, resample: int | None = None) -> CalibrationProblem:
    """The bootstrap sample number `resample` ≥ 0; None: the problem itself.

    Raises `InputError` for a negative number, and for a problem with a known truth, of which there are new samples.
    """
    if resample is None:
        return problem
    if resample < 0:
        raise InputError("resample", "not the number of a sample", expected="a whole number ≥ 0", got=resample)
    if problem.truth is not None:
        raise InputError("resample", "a sample of a known population", cure="draw another one: replicate")
    units = np.arange(problem.n_records) if problem.groups is None else problem.groups
    _, first, of = np.unique(units, return_index=True, return_inverse=True)
    stratum = np.zeros(len(first), dtype=np.intp) if problem.strata is None else problem.strata[first]
    generator = random.generator(resample, random.STREAM_RESAMPLE)
    times = np.zeros(len(first), dtype=np.intp)
    for one in np.unique(stratum):
        inside = np.flatnonzero(stratum == one)
        times[inside] = np.bincount(generator.integers(len(inside), size=len(inside)), minlength=len(inside))
    return with_factors(problem, times[of])


def with_factors(problem: CalibrationProblem, factors: NDArray[Any]) -> CalibrationProblem:
    """The problem with initial weights `w0 · factors` (n), without the records whose factor is 0, and no truth."""
    kept = np.flatnonzero(factors)
    return dataclasses.replace(problem.of_records(kept), w0=(problem.w0 * factors)[kept])
