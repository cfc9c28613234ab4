"""What weights make of each total, one file's or two: the worst misses and the comparison, as lines for people.

Everything comes from a table with a row per target (`sweep.tables.targets_table`); the second file's columns end
with `_2`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem, Split
from frontier.objectives.weight_statistics import active_records
from frontier.sweep.tables import targets_table

SHOWN = 5  # targets
MUCH = 0.005  # half a percentage point: a total is better or worse
WORSE = 0.001  # a tenth of one: a mean over totals is worse, a total is worth a line


def scored_targets(problem: CalibrationProblem, split: Split, weights: Sequence[FloatArray]) -> pd.DataFrame:
    """The table of targets of one or two files' weights."""
    table = targets_table(problem, weights[0], split)
    for second in weights[1:]:
        of_second = targets_table(problem, second, split)
        table["estimate_2"], table["relative_error_2"] = of_second["estimate"], of_second["relative_error"]
    return table


def worst_targets(table: pd.DataFrame, end: str = "") -> list[tuple[str, str]]:
    """The totals that are missed most, with what they should be and are; `end` of the columns that are meant."""
    worst = table.loc[table[f"relative_error{end}"].abs().nlargest(SHOWN).index]
    columns = ("target", "value", f"estimate{end}", f"relative_error{end}", "fitted")
    lines = [
        f"{name}: {_amount(value)}, estimate {_amount(estimate)}, {error:+.1%}{_held_out(fitted)}"
        for name, value, estimate, error, fitted in worst[[*columns]].itertuples(index=False)
    ]
    return _listed("worst totals", lines)


def comparison(table: pd.DataFrame, first: FloatArray, second: FloatArray) -> list[tuple[str, str]]:
    """How the second file differs from the first: totals, means, the totals that got worst, records."""
    before, after = table["relative_error"].abs(), table["relative_error_2"].abs()
    better, worse = ((change > MUCH).sum() for change in (before - after, after - before))
    changes = f"{better:,} better and {worse:,} worse by more than {100 * MUCH:g} percentage points, of {len(table):,}"
    lines = [("totals", changes)]
    lines += [(f"mean, {side}", f"{old:.3%} before, {new:.3%} after") for side, old, new in means(table)]
    growth = (after - before).nlargest(SHOWN)
    worst = table.loc[growth[growth > WORSE].index, ["target", "relative_error", "relative_error_2", "fitted"]]
    lines += _listed(
        "got worst",
        [
            f"{name}: {old:+.1%} before, {new:+.1%} after{_held_out(fitted)}"
            for name, old, new, fitted in worst.itertuples(index=False)
        ],
    )
    kept = active_records(first), active_records(second)
    both, one, other = (int(np.sum(where)) for where in (kept[0] & kept[1], kept[0] & ~kept[1], kept[1] & ~kept[0]))
    return [*lines, ("records", f"{both:,} kept in both files, {one:,} in the first alone, {other:,} in the second")]


def means(table: pd.DataFrame) -> list[tuple[str, float, float]]:
    """The mean error before and after on the fitted totals and, if there are any, on held-out ones."""
    sides = (("fitted", table["fitted"]), ("held-out", ~table["fitted"]))
    old, new = (table[name].abs() for name in ("relative_error", "relative_error_2"))
    return [(side, float(old[rows].mean()), float(new[rows].mean())) for side, rows in sides if rows.any()]


def _amount(value: float) -> str:
    """A total in full, as it is published, or a small number at four digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _held_out(fitted: bool) -> str:
    return "" if fitted else ", held out"


def _listed(name: str, lines: Sequence[str]) -> list[tuple[str, str]]:
    """Lines under one name."""
    return [(name if i == 0 else "", line) for i, line in enumerate(lines)]
