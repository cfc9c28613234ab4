"""Empirical attainment functions: which sizes and errors a method reaches, and in how many of its runs.

A run, one seed of an arm (label, refit), attains (k, e) when one of its points has at most k records and an error of at
most e. The attainment function is the share of runs that do (da Fonseca, Fonseca & Hall 2001). Its surfaces are where
that share reaches one run (best), half of them (median), all of them (worst); a deterministic arm has a single run and
so one surface, called median. The difference of two arms is the share of the first less that of the second, a constant
on each of finitely many rectangles (López-Ibáñez, Paquete & Stützle 2010).

Errors are the mean over held-out targets of min(|r|, 1). In a rotation a point is the same budget or λ in all folds:
its mean error and geometric mean size over them, left out where a fold lacks it. Seeds only: no held-out target is
resampled here. A surface takes the best of a run's points by their held-out error, so it flatters noisy methods.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import moocore
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.analysis.curves import frontier_points
from frontier.analysis.groups import groups_of
from frontier.analysis.pareto import non_dominated
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError

LEVELS = {"best": 0.0, "median": 50.0, "worst": 100.0}  # per cent of runs; moocore takes 0 as one run
SURFACE = ("problem", "design", "label", "refit", "n_runs", "level", "n_active", "error")
DIFFERENCE = (
    *("problem", "design", "label_a", "refit_a", "label_b", "refit_b", "n_runs_a", "n_runs_b"),
    *("k_low", "k_high", "error_low", "error_high", "difference"),
)
ERROR = "heldout_capped_mare"
PLACE, POINT = ["problem", "design", "label", "refit", "seed"], ["lam", "budget"]  # of a run, and of its points

Arm = tuple[str, str]  # label, refit


def attainment(cells: pd.DataFrame) -> pd.DataFrame:
    """The surfaces of every arm: one row per vertex (`n_active` records, `error`), sorted, the larger k the lower.

    Between vertices a surface is a step: the error of the last vertex holds until the next. Problems and designs
    without held-out errors have no rows. Raises `InputError` as `frontier_points`.
    """
    rows = []
    for (problem, design), arms in _runs(cells).items():
        for (label, refit), runs in sorted(arms.items()):
            for level, share in LEVELS.items():
                if len(runs) > 1 or level == "median":
                    for k, e in _surface(runs, share):
                        rows.append((problem, design, label, refit, len(runs), level, k, e))
    texts = dict.fromkeys(("problem", "design", "label", "refit", "level"), "str")
    return pd.DataFrame(rows, columns=list(SURFACE)).astype(texts | {"n_active": "float64", "error": "float64"})


def attainment_difference(cells: pd.DataFrame, first: Arm, second: Arm) -> pd.DataFrame:
    """Where `first` attains more often than `second`, as rectangles of the plane.

    A row is [k_low, k_high) × [error_low, error_high), upper ends infinite where nothing changes any more; `difference`
    of the shares of runs is in [−1, 1], positive in favour of `first`; what is 0 is left out. Only problems and designs
    that both arms have. Raises `InputError` for an arm that has no point anywhere.
    """
    rows = []
    known: set[Arm] = set()
    for (problem, design), arms in _runs(cells).items():
        known |= set(arms)
        if first in arms and second in arms:
            a, b = arms[first], arms[second]
            rows += [(problem, design, *first, *second, len(a), len(b), *found) for found in _rectangles(a, b)]
    if not (first in known and second in known):
        raise InputError("arms", "without held-out points", expected=sorted(known), got=[first, second])
    return pd.DataFrame(rows, columns=list(DIFFERENCE))


def _runs(cells: pd.DataFrame) -> dict[tuple[str, str], dict[Arm, list[FloatArray]]]:
    """By problem and design the runs of each arm, in the order of their seeds: points (P × 2), size and error."""
    points = frontier_points(cells)
    points = points[points[ERROR].notna()].sort_values([*PLACE, *POINT], kind="stable")
    folds = points.groupby(PLACE[:2])["split"].nunique().to_dict()
    found: dict[tuple[str, str], dict[Arm, dict[Any, list[tuple[float, float]]]]] = {}
    for key, group in groups_of(points, [*PLACE, *POINT], ["split", "n_active", ERROR]):
        problem, design, label, refit, seed = (key[name] for name in PLACE)
        if len(set(group["split"])) < folds[problem, design]:
            continue
        k = group["n_active"].astype(np.float64)
        # equal sizes stay whole numbers: the exponential of a mean logarithm would be off by rounding
        size = k[0] if (k == k[0]).all() else np.exp(np.log(k).mean())
        runs = found.setdefault((problem, design), {}).setdefault((label, refit), {})
        runs.setdefault(None if pd.isna(seed) else seed, []).append((size, group[ERROR].mean()))
    return {
        place: {arm: [np.array(run) for run in runs.values()] for arm, runs in arms.items()}
        for place, arms in found.items()
    }


def _stacked(runs: list[FloatArray]) -> FloatArray:
    return np.vstack([np.column_stack([run, np.full(len(run), number)]) for number, run in enumerate(runs)])


def _surface(runs: list[FloatArray], per_cent: float) -> list[tuple[float, float]]:
    stacked = _stacked(runs)
    found = moocore.eaf(stacked[:, :2], stacked[:, 2], percentiles=[per_cent])[:, :2]
    return sorted((float(k), float(e)) for k, e in found[non_dominated(found)])


def _rectangles(a: list[FloatArray], b: list[FloatArray]) -> list[tuple[float, ...]]:
    """(k_low, k_high, error_low, error_high, difference), as large as they get along the error, then along k.

    Not by `moocore.eafdiff` (0.3.2): it takes the first half of all runs for the first arm, which is wrong for arms of
    unlike numbers of runs, and fails where nothing differs.
    """
    k, e = (np.unique(np.concatenate([run[:, axis] for run in (*a, *b)])) for axis in (0, 1))
    # integers, so that equal differences are equal: shares of len(a) and len(b) over a common denominator
    difference = _attained(a, k, e) * len(b) - _attained(b, k, e) * len(a)
    edges_k, edges_e = np.append(k, np.inf), np.append(e, np.inf)
    closed: list[tuple[float, ...]] = []
    open_: dict[tuple[float, float, int], float] = {}  # rectangles and where they begin
    for start, column in zip(edges_k, [*difference, np.zeros(len(e), dtype=int)], strict=True):
        cuts = np.flatnonzero(np.diff(column, prepend=column[0] - 1, append=column[-1] - 1))
        found = {(edges_e[i], edges_e[j], int(column[i])) for i, j in pairwise(cuts) if column[i]}
        closed += [(open_.pop(key), start, *key) for key in sorted(open_.keys() - found)]
        open_ |= dict.fromkeys(found - open_.keys(), start)
    return sorted((*map(float, row[:4]), row[4] / (len(a) * len(b))) for row in closed)


def _attained(runs: list[FloatArray], k: FloatArray, e: FloatArray) -> NDArray[np.int_]:
    """How many of the runs attain each (k, e)."""
    lowest = [np.min(np.where(run[:, 0] <= k[:, None], run[:, 1], np.inf), axis=1) for run in runs]
    return np.asarray((np.array(lowest)[:, :, None] <= e).sum(axis=0))
