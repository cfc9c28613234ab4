"""Held-out error curves: for one split, method and seed the absolute relative error of every held-out target along k.

A curve joins the frontier points of an *arm* (label, refit) by size, the records selected: ascending, of equal sizes
the point with the smallest training error, linear in ln k between neighbours. Its mean over a range of k is then a
weighted mean of its points, `∫ e(k) d ln k / ln(high/low) = Σ_p v_p e_p`, with the same v for every target.
Points are chosen by size and training error, never by their held-out error. Nothing is extrapolated: a curve that does
not span a range has no mean there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.point import BUDGET_TOLERANCE
from frontier.results.designs import designs
from frontier.results.schema import ERROR_CAP, is_frontier_point, require, selected

NEEDED = ("cell", "problem", "split", "label", "budget", "seed", "refit", "status", "n_active", "train_mare")


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points of one arm and seed (None: deterministic), by size.

    size       records selected, ascending (P)
    residuals  signed relative residuals of the held-out targets (P × T, fractions)
    training   mean training error (P, fraction)
    """

    label: str
    refit: str
    seed: int | None
    size: FloatArray
    residuals: FloatArray
    training: FloatArray

    @property
    def errors(self) -> FloatArray:
        """`min(|r|, 1)`, (P × T)."""
        return np.minimum(np.abs(self.residuals), ERROR_CAP)


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """All curves of one split, sorted by label, refit and seed, on its T held-out targets, sorted by name.

    `values` are the targets' published values (T, target units).
    """

    problem: str
    design: str
    split: str
    targets: NDArray[np.object_]
    families: NDArray[np.object_]
    values: FloatArray
    curves: tuple[Curve, ...]


def frontier_points(cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of `cells` that are points of a frontier, with their `design`; `n_active` is `schema.selected`.

    Raises `InputError` for a table without the columns that identify a result.
    """
    require(cells, NEEDED)
    return cells.assign(design=designs(cells), n_active=selected(cells))[is_frontier_point(cells)]


def heldout_curves(cells: pd.DataFrame, targets: pd.DataFrame) -> list[Fold]:
    """The curves of a run, by problem, design and split; a split without held-out targets has none.

    Raises `InputError` when `targets` are not those of `cells`.
    """
    points = frontier_points(cells)
    held = targets.loc[
        targets["heldout"].to_numpy(dtype=bool), ["cell", "target", "family", "value", "relative_residual"]
    ]
    codes, names = pd.factorize(held["cell"])
    row_of = pd.Index(points["cell"].astype(object)).get_indexer(pd.Index(names.astype(object)))
    row = row_of[codes]  # of `points`, for every held-out error
    places = points.groupby(["problem", "design", "split"], sort=True).ngroup().to_numpy()
    place = np.where(row >= 0, places[row], -1) if len(points) else np.full(len(row), -1)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(places.max(initial=-1) + 2))
    folds = []
    for number, (start, stop) in enumerate(pairwise(starts)):
        if start < stop:
            chosen = order[start:stop]
            folds.append(_fold(points, np.flatnonzero(places == number), held.iloc[chosen], row[chosen]))
    return folds


def _fold(points: pd.DataFrame, members: NDArray[np.intp], held: pd.DataFrame, row: NDArray[np.intp]) -> Fold:
    """One split: its points (`members`, rows of `points`) and their held-out errors, of which `row` names the point."""
    target, names = pd.factorize(held["target"], sort=True)
    residuals = np.full((len(members), len(names)), np.nan)
    residuals[np.searchsorted(members, row), target] = held["relative_residual"].to_numpy()
    if len(held) != residuals.size or np.isnan(residuals).any():
        problem, split = (points[name].iloc[members[0]] for name in ("problem", "split"))
        raise InputError(
            f"targets of {problem}/{split}",
            "not one held-out error for each cell and target",
            expected=residuals.size,
            got=len(held),
            cure="run the experiment again: finished batches are kept",
        )
    families, values = np.empty(len(names), dtype=object), np.empty(len(names))
    families[target], values[target] = held["family"].to_numpy(dtype=object), held["value"].to_numpy()
    some = points.iloc[members]
    problem, design, split = (str(some[name].iloc[0]) for name in ("problem", "design", "split"))
    curves = tuple(_curves(some, residuals))
    return Fold(problem, design, split, np.asarray(names, dtype=object), families, values, curves)


def _curves(points: pd.DataFrame, residuals: FloatArray) -> Iterator[Curve]:
    size, training = (points[name].to_numpy(dtype=np.float64) for name in ("n_active", "train_mare"))
    seeds = [None if pd.isna(seed) else int(seed) for seed in points["seed"]]
    members: dict[tuple[str, str, int | None], list[int]] = {}
    for number, key in enumerate(zip(points["label"].astype(str), points["refit"].astype(str), seeds, strict=True)):
        members.setdefault(key, []).append(number)
    for label, refit, seed in sorted(members, key=lambda key: (*key[:2], -1 if key[2] is None else key[2])):
        rows = np.array(members[label, refit, seed])
        rows = rows[by_size(size[rows], training[rows])]
        yield Curve(label, refit, seed, size[rows], residuals[rows], training[rows])


def by_size(size: FloatArray, training: FloatArray) -> NDArray[np.intp]:
    """The places of a curve's points, by size; of equal sizes that with the smallest training error."""
    order = np.lexsort((training, size))
    return order[np.unique(size[order], return_index=True)[1]]


def spans(smallest: FloatArray | float, largest: FloatArray | float, low: float, high: float) -> NDArray[np.bool_]:
    """Whether curves from `smallest` to `largest` records cover [low, high], but for 2% at each end.

    So closely budgets are met (`core.point`).
    """
    return np.asarray((smallest <= low * (1 + BUDGET_TOLERANCE)) & (largest >= high / (1 + BUDGET_TOLERANCE)))


def mean_weights(size: FloatArray, low: float, high: float) -> FloatArray | None:
    """The v (P, sum 1) for which `v @ errors` is the mean over ln k in [low, high]; None when the curve misses a part.

    Over those 2% the value at the end of the curve is carried on.
    """
    if not spans(size[0], size[-1], low, high):
        return None
    k = np.log(size)
    inside = k[(k > np.log(low)) & (k < np.log(high))]
    knots = np.concatenate([[np.log(low)], inside, [np.log(high)]])
    # a line is integrated exactly by the trapezoid rule; np.interp carries the ends
    hats = np.array([np.interp(knots, k, unit) for unit in np.eye(len(k))])
    steps = np.diff(knots) / (knots[-1] - knots[0])
    return np.asarray((hats[:, :-1] + hats[:, 1:]) @ steps / 2)
