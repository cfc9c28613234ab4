"""What happens to a fit when other targets are held out or another seed is drawn: by arm, by target, by family.

A design counts that holds something out at least twice (the folds of a rotation, repeats of random rows). Errors are
|relative residual|, limited to 100% a target where they are averaged over targets; those of an arm are means over
hold-outs of means over seeds. Their intervals, also of the difference from the initial weights, are those of
`analysis.paired_test`: over hold-outs, corrected for the targets that they share, and seeds. The *gap* is held-out
minus training error. Which records are kept is compared by Nogueira's index (`analysis.stability`) and Jaccard's: over
seeds within a hold-out, over hold-outs within a seed. Hold-outs are no draws, so only the index over seeds has an
interval: the mean of those of each hold-out, as wide as if hold-outs told nothing new.

Nothing is judged or chosen here; what is said of these numbers in words is in `reporting/sections/robustness.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.contrasts import CONTROL
from frontier.analysis.intervals import with_limits
from frontier.analysis.paired_test import Blocks, compare
from frontier.analysis.stability import stability
from frontier.core.arrays import FloatArray
from frontier.results.designs import design_of
from frontier.results.schema import ERROR_CAP
from frontier.results.supports import OVERLAPS

CLOSE = 0.1  # the share that microcalibrate and its users call met: within 10%
SLACK = 1e-4  # compact residuals are off by 2e-5 of themselves: no smaller difference is one
DESIGN = ["problem", "design"]
POINT = [*DESIGN, "label", "refit", "lam", "budget"]
UNLESS_FITTED, EITHER_WAY, NEVER_FITTED, HOLDS = "met only when fitted", "missed either way", "never fitted", "holds"


def hold_outs(ready: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """One row per problem, design and split that holds targets out, of designs with at least two; in this order.

    `families` are those with a held-out target, `divided` says that some of them have a fitted one too, `n_heldout` and
    `n_train` count targets. `ready` are prepared cells, of which some have no targets.
    """
    first = ready[ready["cell"].isin(targets["cell"].unique())].drop_duplicates(["problem", "split"])
    some = targets[["cell", "family", "heldout"]].merge(first[["cell", "problem", "split"]], on="cell")
    rows = []
    for (problem, split), held in some.astype({"family": str, "heldout": bool}).groupby(["problem", "split"]):
        out, within = (held.loc[held["heldout"] == side, "family"] for side in (True, False))
        rows.append(
            {"problem": problem, "design": design_of(str(split)), "split": split}
            | {"families": tuple(sorted(set(out))), "divided": bool(set(out) & set(within))}
            | {"n_heldout": len(out), "n_train": len(within)}
        )
    columns = [*DESIGN, "split", "families", "divided", "n_heldout", "n_train"]
    found = pd.DataFrame(rows, columns=columns)
    found = found[found["n_heldout"] > 0].sort_values([*DESIGN, "split"], ignore_index=True)
    return found[found.groupby(DESIGN)["split"].transform("size") > 1].reset_index(drop=True)


def judged(ready: pd.DataFrame, targets: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The prepared cells with weights of the hold-outs `found`, with their `design` and errors.

    `heldout`, `training`  means over targets of |r|, at most 100% each
    `within`               the share of held-out targets with |r| ≤ 10%
    """
    cells = ready[ready["has_weights"] & (ready["repeat"] == 0)].merge(
        found[[*DESIGN, "split"]], on=["problem", "split"]
    )
    row, residual, held = _residuals(cells, targets)
    sides = {
        "heldout": (held, np.minimum(residual, ERROR_CAP)),
        "training": (~held, np.minimum(residual, ERROR_CAP)),
        "within": (held, residual <= CLOSE),
    }
    for name, (side, values) in sides.items():
        number = np.bincount(row[side], minlength=len(cells))
        total = np.bincount(row[side], weights=values[side], minlength=len(cells))
        cells[name] = np.divide(total, number, out=np.full(len(cells), np.nan), where=number > 0)
    return cells[cells["heldout"].notna()].reset_index(drop=True)


def _residuals(cells: pd.DataFrame, targets: pd.DataFrame) -> tuple[np.ndarray, FloatArray, np.ndarray]:
    """Row of `cells`, |r| and whether held out, of every row of `targets` that is about one of them."""
    codes, names = pd.factorize(targets["cell"])
    row = pd.Index(cells["cell"].astype(object)).get_indexer(pd.Index(names.astype(object)))[codes]
    known = row >= 0
    residual = np.abs(targets["relative_residual"].to_numpy(np.float64)[known])
    return row[known], residual, targets["heldout"].to_numpy(bool)[known]


def initial_errors(cells: pd.DataFrame, known: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Capped held-out error of the initial weights by problem and split: as `known`, else as the run's own control."""
    control = cells[(cells["method"] == CONTROL) & ~cells["is_refit"]].drop_duplicates(["problem", "split"])
    own = zip(control["problem"], control["split"], control["heldout"], strict=True)
    return {(str(problem), str(split)): float(error) for problem, split, error in own} | dict(known)


def by_arm(
    cells: pd.DataFrame,
    found: pd.DataFrame,
    *,
    n_records: Mapping[str, int],
    initial: Mapping[tuple[str, str], float],
) -> pd.DataFrame:
    """One row per problem, design and point of an arm, for cells as `judged` leaves them.

    `heldout` and `excess` (above the error of the `initial` weights) with `_low` and `_high`; `n_worse` of `n_known`
    hold-outs in which the arm errs more than they; `best`, `worst` and the split `worst_at`, `within`, `training`,
    `gap`; `stability_over_seeds` with `_low` and `_high`, `stability_over_splits`, and both `jaccard_over_…`;
    `n_active_mean`, `n_splits`, `n_seeds`.
    """
    sizes = {key: part["n_heldout"].mean() / part["n_train"].mean() for key, part in found.groupby(DESIGN)}
    rows = []
    for key, part in cells.groupby(POINT, dropna=False, sort=True):
        problem, design = str(part["problem"].iloc[0]), str(part["design"].iloc[0])
        grid = _Grid(part)
        by_split = {name: np.nanmean(grid.of(name), axis=0) for name in ("heldout", "within", "training", "n_active")}
        errors = by_split["heldout"]
        before = np.array([initial.get((problem, split), np.nan) for split in grid.splits])
        row: dict[str, Any] = dict(zip(POINT, key, strict=True)) | {"method": part["method"].iloc[0]}
        row |= {"n_splits": len(grid.splits), "n_seeds": part["seed"].nunique()}
        row |= {"n_active_mean": by_split["n_active"].mean()}
        ratio = float(sizes[problem, design])
        mean, low, high = _interval(grid, np.zeros(len(before)), ratio)
        row |= with_limits("heldout", (mean, max(low, 0.0), min(high, ERROR_CAP)))
        row |= with_limits("excess", _interval(grid, before, ratio))
        row |= {"best": errors.min(), "worst": errors.max(), "worst_at": grid.splits[int(errors.argmax())]}
        row |= {name: by_split[name].mean() for name in ("within", "training")}
        row |= {"gap": row["heldout"] - row["training"]}
        row |= {"n_known": int((~np.isnan(before)).sum())}
        row |= {"n_worse": int((errors > before + SLACK).sum())}
        rows.append(row | _overlap(grid, n_records.get(problem, 0)))
    return pd.DataFrame(rows)


class _Grid:
    """The cells of one point of an arm as arrays seeds × hold-outs, NaN where there is none."""

    def __init__(self, part: pd.DataFrame) -> None:
        self.row, seeds = pd.factorize(part["seed"], use_na_sentinel=False)
        self.column, self.splits = pd.factorize(part["split"], sort=True)
        self.part, self.shape, self.seeded = part, (len(seeds), len(self.splits)), not pd.isna(seeds).all()

    def of(self, name: str) -> FloatArray:
        values = np.full(self.shape, np.nan)
        values[self.row, self.column] = self.part[name].to_numpy(np.float64)
        return values


def _interval(grid: _Grid, before: FloatArray, test_train_ratio: float) -> tuple[float, float, float]:
    """How far an arm errs more than `before` (hold-outs), with its interval over hold-outs and the seeds that all have.

    NaN where `before` is not known for all of them.
    """
    errors, splits = grid.of("heldout"), np.arange(grid.shape[1])
    mean = float((np.nanmean(errors, axis=0) - before).mean())
    whole = errors[~np.isnan(errors).any(axis=1)]
    if not len(whole) or len(splits) < 2 or np.isnan(mean):
        return mean, float("nan"), float("nan")
    blocks = Blocks(splits, splits, np.ones(len(splits)), test_train_ratio)
    low, high = compare(whole, before[None], blocks, stochastic=(grid.seeded, False), paired=False).interval
    return mean, float(low), float(high)


def _overlap(grid: _Grid, n_records: int) -> dict[str, float]:
    """Stability and Jaccard's index over seeds and over hold-outs; NaN for what nobody counted."""
    found: dict[str, float] = {}
    kept = grid.of("n_weighted")
    for axis, (shared, jaccard) in OVERLAPS.items():
        common, index = grid.of(shared), grid.of(jaccard)
        pairs = zip(kept.T, common.T, strict=True) if axis == "seed" else zip(kept, common, strict=True)
        every = np.array([stability(k[~np.isnan(c)], c[~np.isnan(c)], n_records) for k, c in pairs])
        known = every[~np.isnan(every[:, 0])]
        middle, low, high = known.mean(axis=0).tolist() if len(known) else [float("nan")] * 3
        found |= with_limits(f"stability_over_{axis}s", (middle, low, high))
        found[jaccard] = float(index[~np.isnan(index)].mean()) if (~np.isnan(index)).any() else float("nan")
    return found


def by_target(cells: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """One row per problem, design, arm and target that some hold-out leaves out; cells as `judged` leaves them.

    Means over cells: `error` and `capped` where it was held out, `within` the share of these with |r| ≤ 10%, `training`
    (capped) where it was fitted, NaN where it never was; `n_splits` hold-outs left it out, `n_errors` cells.
    """
    row, residual, held = _residuals(cells, targets)
    about = targets[targets["cell"].isin(cells["cell"])]
    table = pd.DataFrame(
        {name: cells[name].to_numpy()[row] for name in (*DESIGN, "label", "refit", "method", "split")}
        | {name: about[name].astype(str).to_numpy() for name in ("target", "family")}
        | {"error": residual, "capped": np.minimum(residual, ERROR_CAP), "within": residual <= CLOSE, "held": held}
    )
    keys = [*DESIGN, "label", "refit", "method", "family", "target"]
    out = table[held].groupby(keys, sort=True)
    found = out[["error", "capped", "within"]].mean().join(out["split"].agg(n_splits="nunique", n_errors="size"))
    fitted = table[~held].groupby(keys)["capped"].mean().rename("training")
    return found.join(fitted).reset_index()


def fragile(errors: pd.DataFrame, by: str) -> pd.DataFrame:
    """The rows of `by_target` put together by "target" or "family", the largest error first within a design.

    `heldout` is |r|, of a family the mean over its targets of at most 100% each. It, `within` and `training` are
    medians over fitted arms, `least` and `most` the arms' smallest and largest `heldout`, `initial` that of the initial
    weights where the run has them. `share` is the part of all capped errors that is a target's or family's, `held` its
    part of the held-out targets. `kind`: `HOLDS` where `heldout` is at most 10%, else by the training error.
    """
    keys = [*DESIGN, "family"] + (["target"] if by == "target" else [])
    errors = errors.assign(heldout=errors["capped" if by == "family" else "error"])
    control = errors["method"] == CONTROL
    numbers = ["heldout", "within", "training", "n_splits"]
    arms = errors[~control].groupby([*keys, "label", "refit"], sort=True)[numbers].mean().groupby(keys, sort=True)
    found = arms.median().join(arms["heldout"].agg(least="min", most="max"))
    found = found.join(errors[control].groupby(keys)["heldout"].mean().rename("initial"))
    found["n_targets"] = errors.groupby(keys)["target"].nunique()
    weighed = errors[~control].assign(share=errors["capped"] * errors["n_errors"], held=errors["n_errors"])
    parts = weighed.groupby(keys)[["share", "held"]].sum()
    found = found.join(parts / parts.groupby(DESIGN).transform("sum"))
    kinds = [found["heldout"] <= CLOSE, found["training"].isna(), found["training"] <= CLOSE]
    found["kind"] = np.select(kinds, [HOLDS, NEVER_FITTED, UNLESS_FITTED], EITHER_WAY)
    order = [*DESIGN, "heldout"]
    return found.reset_index().sort_values(order, ascending=[True, True, False], kind="stable", ignore_index=True)
