"""What survey practitioners want to know of a calibration problem before they believe any fit of it.

One row per target: how far the initial weights miss it, how many records support it, and the least that moving one
record by its own weight changes it. Four findings become warnings: a target that w0 misses more than tenfold (another
concept, unit or population, or a typing error), one that fewer than 10 records support (the rule of thumb of the CPS
problems, `data/README.md`), one below what a single record stands for, `max_i |M_ji| w0_i` (weights near w0 cannot
resolve it), and one whose sign no weights ≥ 0 can give. Warnings of the files a problem was read from come first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from frontier.core.problem import CalibrationProblem

if TYPE_CHECKING:
    import pandas as pd

TENFOLD = 10.0  # times off at the initial weights: a unit or a definition is wrong
FEW_RECORDS = 10
NAMED = 3  # targets that a warning names; the rest are counted
LONGEST_NAME = 60  # characters


class DataWarning(UserWarning):
    """What there is to say against the data of a problem; it is solved all the same."""


def diagnose(problem: CalibrationProblem) -> pd.DataFrame:
    """One row per target: target, family, value, estimate_at_w0 (target units), records (count), largest_record."""
    import pandas as pd

    M = problem.M
    records = np.diff(M.indptr)
    shares = np.abs(M.data) * problem.w0[M.indices]
    largest = np.zeros(problem.n_targets)
    filled = records > 0
    if filled.any():
        largest[filled] = np.maximum.reduceat(shares, M.indptr[:-1][filled])
    return pd.DataFrame(
        {
            "target": problem.target_names,
            "family": problem.families,
            "value": problem.y,
            "estimate_at_w0": M @ problem.w0,
            "records": records,
            "largest_record": largest,
        }
    )


def problem_warnings(problem: CalibrationProblem) -> tuple[str, ...]:
    """One line for each kind of finding that the problem has, naming the first targets; () for a problem without."""
    table = diagnose(problem)
    given = problem.meta.get("warnings", ())
    found = [str(line) for line in given] if isinstance(given, tuple | list) else []
    if problem.truth is not None and problem.truth.coefficients:
        return tuple(found)  # of a regression: outcomes of any sign and size are no doubtful totals
    value, estimate = table["value"].to_numpy(), table["estimate_at_w0"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(value != 0, estimate / value, 1.0)
    smallest, biggest = problem.M.min(axis=1).toarray(), problem.M.max(axis=1).toarray()
    kinds: tuple[tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], str, Callable[[int], str]], ...] = (
        (
            ((value > 0) & (biggest <= 0)) | ((value < 0) & (smallest >= 0)),
            "of a sign that no non-negative weights can give",
            lambda j: f"{value[j]:g}",
        ),
        (
            ~((ratio <= TENFOLD) & (ratio >= 1 / TENFOLD)),
            f"more than {TENFOLD:g} times off at the initial weights",
            lambda j: f"estimate/target {ratio[j]:.3g}",
        ),
        (
            table["records"].to_numpy() < FEW_RECORDS,
            f"supported by fewer than {FEW_RECORDS} records",
            lambda j: f"{table['records'][j]} records",
        ),
        (
            (table["largest_record"].to_numpy() > np.abs(value)) & (value != 0),
            "smaller than what one record stands for at its initial weight",
            lambda j: f"{table['largest_record'][j]:.3g} against {value[j]:.3g}",
        ),
    )
    for bad, what, detail in kinds:
        found += finding(problem, bad, what, detail)
    unused = int((problem.w0 == 0).sum())
    if unused:
        found.append(f"{unused:,} of {problem.n_records:,} records have initial weight 0")
    return tuple(found)


def finding(
    problem: CalibrationProblem,
    bad: np.ndarray[tuple[int], np.dtype[np.bool_]],
    what: str,
    detail: Callable[[int], str],
) -> list[str]:
    """One line that counts the `bad` targets and names the first ones with their `detail`; [] without any."""
    rows = np.flatnonzero(bad)
    if not rows.size:
        return []
    names = [f"'{problem.target_names[j][:LONGEST_NAME]}' ({detail(int(j))})" for j in rows[:NAMED]]
    verb = "is" if len(rows) == 1 else "are"
    more = [f"{len(rows) - NAMED:,} more"] if len(rows) > NAMED else []
    return [f"{len(rows):,} of {problem.n_targets:,} targets {verb} {what}: {', '.join([*names, *more])}"]
