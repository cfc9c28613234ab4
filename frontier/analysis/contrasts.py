"""Declared comparisons of two arms: difference in held-out error, verdict, training error, and every other reading.

An experiment declares its contrasts in its file, before it is run; where it declares none they are the two camps, as
fitted and refit, and where a camp is missing its first method that makes small files with every other, as fitted.
Everything else in a report is exploratory and tests nothing. Both arms are averaged over ln k along their curves
(`frontier.analysis.curves`) from the smallest to the largest size that each has in every fold and seed: one test a
contrast (`frontier.analysis.paired_test`). A contrast without such a range has no row.

Three outcomes are told apart with the training error beside: better on both, a trade-off, worse on both. Skill is
`1 − error/error(w0)`: below 0 the initial weights, fitted to nothing, predict better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.arena import SAME
from frontier.analysis.curves import Curve, Fold, frontier_points, heldout_curves, mean_weights
from frontier.analysis.heldout_metrics import METRICS, PRIMARY, contributions, summary
from frontier.analysis.intervals import difference_interval, with_limits
from frontier.analysis.paired_test import (
    A_BETTER,
    ALPHA,
    B_BETTER,
    Blocks,
    Comparison,
    adjusted,
    compare,
    judge,
    next_level,
)
from frontier.core.arrays import FloatArray
from frontier.core.student import t_quantile

DELTA = 0.01  # one percentage point of a target: less is within the rounding of what such totals are used for
CAMPS = ("hard_concrete", ("anchored_l1", "nn_lasso"))  # methods; of the second camp the first that there is
FARTHEST = 100.0  # times as large: no curve is followed over a wider gap between neighbouring points
CONTROL = "initial_weights"  # the method whose error skill is measured against
LOWEST = 1.1  # high/low of a range: less is a point and its slack

ARMS = ["a", "refit_a", "b", "refit_b"]  # the columns that name a contrast

Arm = tuple[str, str]  # label, refit
Contrast = tuple[Arm, Arm]


def _camps(points: pd.DataFrame) -> tuple[str, str] | None:
    """The labels of the two camps; None when one of them has no point in the run."""
    labels = [
        next((str(part["label"].iloc[0]) for name in names if len(part := points[points["method"] == name])), None)
        for names in ((CAMPS[0],), CAMPS[1])
    ]
    return None if labels[0] is None or labels[1] is None else (labels[0], labels[1])


def declared(manifest: Mapping[str, Any], cells: pd.DataFrame) -> list[Contrast]:
    """The contrasts of a run: those of its file, else the camps on every arm of both, else `_first_and_others`."""
    given = [((str(a), str(x)), (str(b), str(y))) for a, x, b, y in manifest.get("contrasts") or []]
    if given:
        return given
    points = frontier_points(cells)
    camps = _camps(points)
    if camps is None:
        return _first_and_others(points)
    arms = [set(points.loc[points["label"] == label, "refit"]) for label in camps]
    return [((camps[0], refit), (camps[1], refit)) for refit in sorted(arms[0] & arms[1], reverse=True)]


def _first_and_others(points: pd.DataFrame) -> list[Contrast]:
    """The first method, in the order of the file, with every other one, as fitted; those of the whole file left out."""
    small = points["budget"].notna() | (points["lam"].fillna(0) > 0)
    labels = dict.fromkeys(points.loc[small & (points["refit"] == "none"), "label"].astype(str))
    first, *others = labels or [""]
    return [((first, "none"), (other, "none")) for other in others]


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """An arm on the folds of a contrast: per seed and fold its curve and the weights of its mean over the range."""

    curves: list[list[Curve]]  # [fold][seed]
    seeds: tuple[int, ...] | None

    def mean(self, fold: int, metric: str, low: float, high: float) -> FloatArray:
        """Contributions to a metric, averaged over the range, (seeds, targets of the fold)."""
        return np.array([_weights(c, low, high) @ contributions(metric, c.residuals) for c in self.curves[fold]])

    def training(self, low: float, high: float) -> FloatArray:
        """Training error of every seed, (seeds,): the mean over the range and over folds."""
        by_fold = np.array([[_weights(c, low, high) @ c.training for c in fold] for fold in self.curves])
        return np.asarray(by_fold.mean(axis=0))


def contrasts(
    cells: pd.DataFrame,
    targets: pd.DataFrame,
    given: Sequence[Contrast],
    *,
    delta: float = DELTA,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per problem, design and contrast; and one per family of each, for a forest plot.

    Errors and differences (A − B; below 0 A errs less) are fractions. `metrics` counts on how many of `METRICS` A is
    smaller, `metrics_like` on how many the sign is that of the primary one. Raises `InputError` as `heldout_curves`.
    """
    by_design: dict[tuple[str, str], list[Fold]] = {}
    for fold in heldout_curves(cells, targets):
        by_design.setdefault((fold.problem, fold.design), []).append(fold)
    totals = targets.groupby("cell", sort=False).size()
    totals = totals.groupby(cells.drop_duplicates("cell").set_index("cell")["problem"].astype(str)).first()
    controls = set(cells.loc[cells["method"] == CONTROL, "label"]) if "method" in cells.columns else set()
    rows, families = [], []
    for (problem, design), folds in by_design.items():
        found = [one for contrast in given if (one := _contrast(contrast, folds, int(totals[problem]), controls))]
        comparisons = [one[1] for one in found]
        verdicts = judge(comparisons, delta)
        p = adjusted(np.array([float(c.p_difference()) for c in comparisons]))
        level = next_level(p) if comparisons else ALPHA
        for (row, c, parts), verdict, adjusted_p in zip(found, verdicts, p.tolist(), strict=True):
            place = {"problem": problem, "design": design} | {key: row[key] for key in ARMS}
            low, high = c.interval
            rows.append(
                place
                | row
                | {"difference": float(c.difference), "difference_low": float(low), "difference_high": float(high)}
                | {"p_value": float(c.p_difference()), "p_adjusted": adjusted_p, "verdict": verdict}
                | {"detectable": float(c.detectable(level)), "margin": float(c.margin(ALPHA / len(found)))}
                | {"outcome": outcome(verdict, row["training_low"], row["training_high"]), "basis": c.basis}
            )
            families += [place | part for part in parts]
    return pd.DataFrame(rows), pd.DataFrame(families)


def outcome(verdict: str, low: float, high: float) -> str:
    """The verdict on held-out targets and the interval of the training difference, put together in words."""
    ahead = {A_BETTER: "A", B_BETTER: "B"}.get(verdict)
    trained = "A" if high < -SAME else "B" if low > SAME else None
    level = max(high, -low) <= SAME
    if ahead is None:
        return f"{trained} fits closer" if trained else "the same fit" if level else "undecided"
    if trained == ahead:
        return f"{ahead} better on both"
    return "trade-off" if trained else f"{ahead} better held out, " + ("the same fit" if level else "fit undecided")


def _contrast(
    contrast: Contrast, folds: Sequence[Fold], n_targets: int, controls: set[str]
) -> tuple[dict[str, Any], Comparison, list[dict[str, Any]]] | None:
    a, b = contrast
    here = [fold for fold in folds if all(any((c.label, c.refit) == arm for c in fold.curves) for arm in contrast)]
    if not here:
        return None
    sides = [_side(arm, here) for arm in contrast]
    if not all(curves for side in sides for curves in side.curves):
        return None  # an arm has no seed on all folds
    every = [curve for side in sides for curves in side.curves for curve in curves]
    low, high = max(float(c.size[0]) for c in every), min(float(c.size[-1]) for c in every)
    if high < LOWEST * low or any(_leaps(c.size, low, high) for c in every):
        return None
    names = sorted({str(family) for fold in here for family in fold.families})
    layout = [(j, family) for j, fold in enumerate(here) for family in sorted(set(map(str, fold.families)))]
    sizes = [int((here[j].families == family).sum()) for j, family in layout]
    held = float(np.mean([len(fold.targets) for fold in here]))
    blocks = Blocks(
        np.array([j for j, _ in layout]),
        np.array([names.index(family) for _, family in layout]),
        np.array(sizes, dtype=np.float64),
        held / (n_targets - held),
    )
    errors = [_block_means(side, here, layout, low, high) for side in sides]
    stochastic = (sides[0].seeds is not None, sides[1].seeds is not None)
    paired = a[0] == b[0] and sides[0].seeds == sides[1].seeds
    c = compare(errors[0], errors[1], blocks, stochastic=stochastic, paired=paired)
    row: dict[str, Any] = {"a": a[0], "refit_a": a[1], "b": b[0], "refit_b": b[1], "low": low, "high": high}
    row |= {"n_folds": len(here), "n_families": len(names), "n_targets": sum(sizes)}
    row |= {f"n_seeds_{side}": 0 if s.seeds is None else len(s.seeds) for side, s in zip("ab", sides, strict=True)}
    row |= {"mean_a": float(c.mean_a), "mean_b": float(c.mean_b)}
    control = _control(here, controls)
    row |= {f"skill_{side}": 1 - row[f"mean_{side}"] / control for side in "ab"}
    mine, theirs = (side.training(low, high) for side in sides)
    row |= {"training_a": float(mine.mean()), "training_b": float(theirs.mean())}
    lonely = any(side.seeds is not None and len(side.seeds) < 2 for side in sides)
    row |= with_limits("training", difference_interval(mine, theirs, lonely=lonely))
    differences = {m: _metric(sides[0], here, m, low, high) - _metric(sides[1], here, m, low, high) for m in METRICS}
    row |= {f"difference_{m}": value for m, value in differences.items()}
    row["metrics_like"] = sum(np.sign(d) == np.sign(differences[PRIMARY]) for d in differences.values())
    return row, c, _families(c, names, here, blocks)


def _side(arm: Arm, folds: Sequence[Fold]) -> _Side:
    """The curves of an arm on every fold, over the seeds that it has on all of them (none: a single curve)."""
    found = [{c.seed: c for c in fold.curves if (c.label, c.refit) == arm} for fold in folds]
    shared = set.intersection(*(set(one) for one in found))
    seeds = sorted(seed for seed in shared if seed is not None)
    kept: list[int | None] = [None] if None in shared else list(seeds)
    return _Side([[one[seed] for seed in kept] for one in found], None if None in shared else tuple(seeds))


def _weights(curve: Curve, low: float, high: float) -> FloatArray:
    weights = mean_weights(curve.size, low, high)
    assert weights is not None  # the range is one that every curve spans
    return weights


def _leaps(size: FloatArray, low: float, high: float) -> bool:
    """Whether neighbouring points are so far apart within the range that between them the curve is a guess."""
    return any(left < high and right > low and right > FARTHEST * left for left, right in pairwise(size.tolist()))


def _block_means(
    side: _Side, folds: Sequence[Fold], layout: Sequence[tuple[int, str]], low: float, high: float
) -> FloatArray:
    """Mean capped errors, (seeds, blocks)."""
    by_fold = [side.mean(j, PRIMARY, low, high) for j in range(len(folds))]
    return np.array([by_fold[j][:, folds[j].families == family].mean(axis=1) for j, family in layout]).T


def _metric(side: _Side, folds: Sequence[Fold], metric: str, low: float, high: float) -> float:
    """The mean over folds and seeds of one reading of the residuals."""
    found = [
        [summary(metric, values, fold.values) for values in side.mean(j, metric, low, high)]
        for j, fold in enumerate(folds)
    ]
    return float(np.mean([np.mean(values) for values in found]))


def _control(folds: Sequence[Fold], controls: set[str]) -> float:
    """The capped error of the initial weights, the mean over folds; NaN where some fold has none."""
    found = [[c.errors[0].mean() for c in fold.curves if c.label in controls] for fold in folds]
    return float(np.mean([values[0] for values in found])) if all(found) else float("nan")


def _families(c: Comparison, names: Sequence[str], folds: Sequence[Fold], blocks: Blocks) -> list[dict[str, Any]]:
    """The difference of every family with its 95% interval over seeds, its targets and places (`place/…`) counted."""
    half = -t_quantile(ALPHA / 2, c.seeds.df) * np.sqrt(c.seeds.variance)
    half = np.where(np.isnan(c.seeds.df), 0.0, half)
    rows = []
    for g, name in enumerate(names):
        targets = [str(t) for fold in folds for t in fold.targets[fold.families == name]]
        places = {t.split("/", 1)[0] if "/" in t else "" for t in targets}
        d = float(c.families[g])
        rows.append(
            {"family": name, "places": len(places), "n_targets": int(blocks.sizes[blocks.families == g].sum())}
            | {"difference": d, "difference_low": d - float(half[g]), "difference_high": d + float(half[g])}
        )
    return rows
