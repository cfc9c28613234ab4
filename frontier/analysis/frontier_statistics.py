"""Two numbers for the frontier of every arm, with intervals: hypervolume, and held-out error integrated over a k range.

* Hypervolume (`frontier.analysis.hypervolume`, larger is better): per split and seed the area that the points (records,
  mean over held-out targets of min(|r|, 1)) dominate, up to all n records and error 1. It takes minima over points, so
  it flatters noisy arms.
* Integrated error (smaller is better): `∫ e d ln k / ln(k_high/k_low)` along the arm's curve, nothing chosen by
  held-out error (`frontier.analysis.curves`). The range is that which gives most comparisons: of all ranges between
  sizes at which arms begin and end, the one with the largest (pairs of arms that span it) × ln(k_high/k_low). An arm
  that does not span it in every split and with every seed has none, and `reason` says so.

Both are means over seeds and over the splits of the design. Intervals are 95% BCa over seeds and held-out targets, all
arms drawn jointly (`frontier.analysis.bootstrap`): a target counts u = 1/(splits · targets of its split) times as often
as it is drawn, and a mean is divided by the sum of that. `uncertainty` says what was drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from frontier.analysis.bootstrap import TargetDraws, joint_interval, target_draws
from frontier.analysis.curves import Curve, Fold, heldout_curves, mean_weights, spans
from frontier.analysis.hypervolume import log_share
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError

COLUMNS = (
    *("problem", "design", "label", "refit", "n_seeds", "n_splits", "n_families"),
    *("hypervolume", "hypervolume_low", "hypervolume_high"),
    *("integrated_error", "integrated_error_low", "integrated_error_high", "k_low", "k_high"),
    *("uncertainty", "reason"),
)
REPLICATES = 2000  # a 2.5% quantile then has a standard error of 0.35% of probability
NOTHING = (float("nan"),) * 3


@dataclass(frozen=True, slots=True, eq=False)
class _Arm:
    """The curves of one arm: `curves[split][seed]`; empty, with a `reason`, when some seed has none in some split."""

    label: str
    refit: str
    curves: list[list[Curve]]
    n_seeds: int
    reason: str

    @property
    def reach(self) -> tuple[float, float]:
        """The sizes between which every curve has points."""
        every = [curve.size for curves in self.curves for curve in curves]
        return max(float(k[0]) for k in every), min(float(k[-1]) for k in every)


def frontier_statistics(
    cells: pd.DataFrame,
    targets: pd.DataFrame,
    *,
    n_records: Mapping[str, int],
    seed: int = 0,
    replicates: int = REPLICATES,
) -> pd.DataFrame:
    """One row per problem, design and arm, sorted; `n_records` of each problem are in its manifest.

    Deterministic given `seed`. Raises `InputError` for a problem of unknown size, and as `heldout_curves`.
    """
    designs: dict[tuple[str, str], list[Fold]] = {}
    for fold in heldout_curves(cells, targets):
        designs.setdefault((fold.problem, fold.design), []).append(fold)
    rows = []
    for (problem, design), folds in designs.items():
        if problem not in n_records:
            raise InputError(f"n_records['{problem}']", "unknown", expected="the number of records of the problem")
        rows += [
            (problem, design, *row) for row in _design_rows(folds, n_records[problem], seed=seed, replicates=replicates)
        ]
    texts = dict.fromkeys(("problem", "design", "label", "refit", "uncertainty", "reason"), "str")
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(texts)


def _design_rows(folds: Sequence[Fold], n_records: int, *, seed: int, replicates: int) -> list[tuple[object, ...]]:
    families = [family for fold in folds for family in fold.families]
    names = [name for fold in folds for name in fold.targets]
    draws = target_draws(families, names, replicates=replicates, rng=np.random.default_rng([seed, 0]))
    share = np.concatenate([np.full(len(fold.targets), 1 / len(folds) / len(fold.targets)) for fold in folds])
    arms = _arms(folds)
    low, high = common_range([arm.reach for arm in arms if arm.curves])
    rows: list[tuple[object, ...]] = []
    for arm in arms:
        area, error, reason = NOTHING, NOTHING, arm.reason
        if arm.curves:
            # every arm starts its seeds' draws from the same state: arms with as many seeds share them
            areas = Areas(arm.curves, share, n_records)
            area = joint_interval(areas, targets=draws, n_seeds=arm.n_seeds, rng=np.random.default_rng([seed, 1]))
            table = _integrated(arm, low, high)
            if table is None:
                reason = "no range is common to two arms" if np.isnan(low) else _missed(*arm.reach)
            else:
                mean = MeanError(table, share)
                error = joint_interval(mean, targets=draws, n_seeds=arm.n_seeds, rng=np.random.default_rng([seed, 1]))
        counts = (arm.n_seeds, len(folds), len(set(families)))
        rows.append((arm.label, arm.refit, *counts, *area, *error, low, high, _drawn(arm.n_seeds, draws), reason))
    return rows


def _arms(folds: Sequence[Fold]) -> list[_Arm]:
    by_arm: dict[tuple[str, str], list[dict[int | None, Curve]]] = {}
    for number, fold in enumerate(folds):
        for curve in fold.curves:
            by_arm.setdefault((curve.label, curve.refit), [{} for _ in folds])[number][curve.seed] = curve
    arms = []
    for (label, refit), found in sorted(by_arm.items()):
        seeds = list(dict.fromkeys(seed for curves in found for seed in curves))
        lacking = [fold.split for fold, curves in zip(folds, found, strict=True) if len(curves) < len(seeds)]
        reason = f"a seed without points in {', '.join(lacking)}" if lacking else ""
        whole = [] if lacking else [[curves[seed] for seed in seeds] for curves in found]
        arms.append(_Arm(label, refit, whole, len(seeds), reason))
    return arms


def common_range(reaches: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The range with the largest (pairs of arms that span it) × ln(high/low); NaN when no two arms share one."""
    smallest, largest = (np.array(ends) for ends in zip(*reaches, strict=True)) if reaches else (np.empty(0),) * 2
    best = (0.0, float("nan"), float("nan"))
    for low in np.unique(smallest):
        for high in np.unique(largest[largest > low]):
            n = int(spans(smallest, largest, low, high).sum())
            gain = n * (n - 1) / 2 * float(np.log(high / low))
            best = max(best, (gain, float(low), float(high)), key=lambda found: found[0])
    return best[1:]


def _integrated(arm: _Arm, low: float, high: float) -> FloatArray | None:
    """Integrated errors (seeds × targets of all splits), None when a curve does not span the range."""
    columns = []
    for curves in arm.curves:
        weights = [mean_weights(curve.size, low, high) if low < high else None for curve in curves]
        rows = [w @ curve.errors for w, curve in zip(weights, curves, strict=True) if w is not None]
        if len(rows) < len(curves):
            return None
        columns.append(np.array(rows))
    return np.hstack(columns)


@dataclass(frozen=True, slots=True, eq=False)
class MeanError:
    """The mean of a (seeds × targets) table, every target with its share; a `Statistic`."""

    table: FloatArray
    share: FloatArray

    def __call__(self, seeds: FloatArray, targets: FloatArray) -> FloatArray:
        weights = targets * self.share
        return np.asarray(((seeds @ self.table) * weights).sum(axis=1) / weights.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """The mean over splits and seeds of dominated areas; a `Statistic`.

    A split counts by the share of its targets that were drawn: nothing when none of its families was.
    """

    curves: Sequence[Sequence[Curve]]
    share: FloatArray
    n_records: int

    def __call__(self, seeds: FloatArray, targets: FloatArray) -> FloatArray:
        total = drawn = np.zeros(len(targets))
        start = 0
        for curves in self.curves:
            stop = start + curves[0].errors.shape[1]
            weights = targets[:, start:stop] * self.share[start:stop]
            size = weights.sum(axis=1)
            mean = weights / np.where(size > 0, size, 1.0)[:, None]
            areas = np.array([dominated_areas(c.size, c.errors @ mean.T, self.n_records) for c in curves])
            total = total + size * (seeds * areas.T).sum(axis=1)
            drawn = drawn + size
            start = stop
        return np.asarray(total / drawn)


def dominated_areas(n_active: FloatArray, errors: FloatArray, n_records: int) -> FloatArray:
    """`hypervolume` of B frontiers at once: sizes (P, ascending), errors (P × B, at most 1)."""
    edges = np.array([log_share(k, n_records) for k in (*n_active, n_records)])
    return np.asarray(np.diff(edges) @ (1 - np.minimum.accumulate(errors, axis=0)))


def _missed(start: float, stop: float) -> str:
    if start < stop:
        return f"spans only {start:g} to {stop:g} records"
    return "spans no range of sizes with every seed in every split"


def _drawn(n_seeds: int, draws: TargetDraws) -> str:
    """What the intervals cover, in words."""
    parts = (["seeds"] if n_seeds > 1 else []) + ([draws.drawn] if draws.drawn else [])
    scope = {"families": "", "targets": ", for these families", "": ", for these targets"}[draws.drawn]
    return " and ".join(parts) + scope if parts else "none: one seed, too few targets"
