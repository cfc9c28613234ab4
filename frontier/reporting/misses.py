"""The worst misses: for every arm at a size, which targets and families of targets it is furthest from.

A *size* is a number of records. At each, an arm is shown at the point (λ or budget) whose mean number of active records
is nearest on a log scale, if within a factor of `NEAR`; no point is chosen by its errors. Errors are |relative
residual|, means over the seeds and folds in which a target was held out, or fitted; those of a family are limited to
100% per target, as in the capped held-out error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.core.status import WITH_WEIGHTS
from frontier.reporting.charts.style import log_ticks

NEAR = 1.6  # so that every number of records is near one of the sizes 1, 2, 5, 10, …, which are at most 2.5-fold apart
WORST = {"held out": 8, "fitted": 4}  # targets listed per arm and size
MOST_SIZES = 12
ARM = ["label", "refit", "lam", "budget"]
CAP = 1.0  # as in heldout_capped_mare

Matrix = NDArray[np.float64]


class Errors:
    """Relative residuals and estimates of a problem's targets (rows of cells × targets), NaN where a row is missing."""

    def __init__(self, targets: pd.DataFrame) -> None:
        rows, cells = pd.factorize(targets["cell"])
        columns, targets_there = pd.factorize(targets["target"])
        self.names = [str(name) for name in targets_there]
        self.row_of = {str(cell): row for row, cell in enumerate(cells)}
        first = targets.assign(column=columns).drop_duplicates("column").set_index("column").sort_index()
        self.families = first["family"].astype(str).to_numpy()
        names, self.family_of = np.unique(self.families.astype(object), return_inverse=True)
        self.family_names = [str(name) for name in names]
        self.values = first["value"].to_numpy(dtype=np.float64)
        shape = len(cells), len(self.names)
        self.residuals, self.estimates = np.full(shape, np.nan), np.full(shape, np.nan)
        self.heldout = np.zeros(shape, dtype=bool)
        self.residuals[rows, columns] = targets["relative_residual"].to_numpy(dtype=np.float64)
        self.estimates[rows, columns] = targets["estimate"].to_numpy(dtype=np.float64)
        self.heldout[rows, columns] = targets["heldout"].to_numpy(dtype=bool)


def errors_by_problem(ready: pd.DataFrame, targets: pd.DataFrame | None) -> dict[str, Errors]:
    """The estimates of each problem of the prepared cells; empty when no targets were stored."""
    if targets is None or targets.empty:
        return {}
    problem_of = dict(zip(ready["cell"], ready["problem"], strict=True))
    names = targets["cell"].map(problem_of)
    return {str(name): Errors(some) for name, some in targets.groupby(names, sort=True)}


def sizes_of(points: pd.DataFrame) -> list[float]:
    """The sizes at which a part is looked at: its budgets if methods share any, else 1, 2, 5, 10, … records."""
    budgets = points.loc[points["budget"].notna()]
    shared = budgets.groupby("budget")["label"].nunique()
    sizes = [float(size) for size in shared.index[shared > 1]]
    active = points["n_active_mean"][points["n_active_mean"] >= 1]
    if not sizes and len(active):
        round_sizes = log_ticks(float(active.min()) / NEAR, float(active.max()) * NEAR, MOST_SIZES)
        sizes = [size for size in round_sizes if _is_near(points, size).any()]
    sizes = sizes[:: -(-len(sizes) // MOST_SIZES) or 1]
    largest = float(active.max()) if len(active) else 0.0
    return [*sizes, largest] if largest and (not sizes or largest > NEAR * sizes[-1]) else sizes


def points_at(points: pd.DataFrame, size: float) -> pd.DataFrame:
    """For each arm its point nearest to `size` records, if near at all."""
    near = points[_is_near(points, size)]
    distance = np.abs(np.log(near["n_active_mean"] / size)) + 1e-9 * (near["budget"] != size)
    return near.assign(distance=distance).sort_values("distance", kind="stable").drop_duplicates(["label", "refit"])


def _is_near(points: pd.DataFrame, size: float) -> NDArray[np.bool_]:
    active = points["n_active_mean"].to_numpy(dtype=np.float64)
    return (active >= size / NEAR) & (active <= size * NEAR)


def at_one_size(points: pd.DataFrame, compared: Sequence[str]) -> tuple[float, pd.DataFrame]:
    """The middle one of the sizes that most arms of the compared labels reach; each arm there, and the dense ones.

    The size is 0 where there is none.
    """
    is_compared = points["label"].isin(compared).to_numpy()
    arms = np.array([f"{label}\n{refit}" for label, refit in zip(points["label"], points["refit"], strict=True)])
    reached = {size: len(set(arms[_is_near(points, size) & is_compared])) for size in sizes_of(points)}
    sizes = [size for size, n in reached.items() if n == max(reached.values())]
    dense = points[points["budget"].isna() & (points["lam"].isna() | (points["lam"] == 0))]
    size = sizes[len(sizes) // 2] if sizes else 0.0
    return size, (pd.concat([points_at(points, size), dense]) if sizes else dense).drop_duplicates(ARM)


def worst_misses(
    part: pd.DataFrame, points: pd.DataFrame, errors: Errors, sizes: Iterable[float]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Worst targets, and errors by family, of every arm of one problem and design at each size.

    `part` are its prepared cells, `points` their means by (label, refit, lam, budget).
    """
    rows_of = rows_by_arm(part, errors)
    worst: list[dict[str, Any]] = []
    families: list[dict[str, Any]] = []
    for size in sizes:
        for point in points_at(points, size).sort_values(["label", "refit"]).to_dict("records"):
            rows = rows_of.get(arm_key(point))
            if not rows:
                continue
            arm = {"size": size, **{name: point[name] for name in (*ARM, "n_active_mean")}}
            for role, count in WORST.items():
                shown = errors.heldout[rows] if role == "held out" else ~errors.heldout[rows]
                told = means(errors, rows, shown)
                order = np.argsort(-np.nan_to_num(told["error"], nan=-1.0), kind="stable")[:count]
                worst += [
                    arm
                    | {"role": role, "target": int(j)}
                    | {name: float(told[name][j]) for name in ("error", "residual", "estimate")}
                    for j in order
                    if not np.isnan(told["error"][j])
                ]
                families += [arm | {"role": role} | row for row in by_family(errors, told["capped"])]
    return worst, families


def rows_by_arm(part: pd.DataFrame, errors: Errors) -> dict[tuple[Any, ...], list[int]]:
    """The rows in `errors` of each arm (`arm_key`) of prepared cells."""
    usable = part[part["status"].isin(WITH_WEIGHTS) & part["cell"].isin(errors.row_of)].fillna(
        {"lam": -1, "budget": -1}
    )
    return {tuple(key): [errors.row_of[cell] for cell in some["cell"]] for key, some in usable.groupby(ARM)}


def arm_key(point: Mapping[Any, Any]) -> tuple[Any, ...]:
    """What tells an arm from others: label, refit, λ and budget, −1 where it has none."""
    return tuple(-1 if pd.isna(point[name]) else point[name] for name in ARM)


def means(errors: Errors, rows: list[int], shown: NDArray[np.bool_]) -> Mapping[str, Matrix]:
    """Means per target over the cells in which it is `shown`; NaN where it never is."""
    residuals = errors.residuals[rows]
    shown = shown & ~np.isnan(residuals)
    number = shown.sum(axis=0)
    found = {}
    quantities = {
        "error": np.abs(residuals),
        "capped": np.minimum(np.abs(residuals), CAP),
        "residual": residuals,
        "estimate": errors.estimates[rows],
    }
    for name, values in quantities.items():
        total = np.where(shown, values, 0.0).sum(axis=0)
        found[name] = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return found


def by_family(errors: Errors, capped: Matrix) -> list[dict[str, Any]]:
    """The mean of `capped` over the targets of each family that have one, families sorted."""
    there = ~np.isnan(capped)
    sums = np.bincount(errors.family_of[there], capped[there], len(errors.family_names))
    counts = np.bincount(errors.family_of[there], minlength=len(sums))
    told = zip(errors.family_names, sums, counts, strict=True)
    return [{"family": name, "error": float(total / n)} for name, total, n in told if n]
