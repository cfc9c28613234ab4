"""Who wins where: every pair of arms in every band of active records, as a data frame of verdicts.

Input is the frame of `frontier.analysis.band_errors`: one held-out error per arm, split, seed, band and target. The
statistics are `frontier.analysis.paired_test`. Both arms of a pair are scored on the same targets of the same splits,
and on the same seeds where they share at least two; arms with other seeds are compared unpaired.

An arm counts in a split when most of its seeds cover the band there, and then only seeds that cover it in all splits
of the pair are used: means stay over the same splits for every seed. Where a design has several splits, a pair needs
two in common, or its verdict would be about another thing than the others'. Pairs without have no row. Holm's
adjustment is over all pairs and bands of a problem and design that are in the frame: hand in the arms you mean to
compare, every other one costs power.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.analysis.paired_test import Blocks, Comparison, adjusted, compare, decide, next_level
from frontier.core.errors import InputError
from frontier.core.problem import FloatArray

DELTA = 0.01  # one percentage point of a target: less is within the rounding of what such totals are used for
KEYS = ["problem", "design"]
ARM = ["label", "refit"]
NEEDED = (*KEYS, "split", *ARM, "seed", "band", "low", "high", "family", "target", "error")
COLUMNS = (
    *(*KEYS, "band", "low", "high", "label_a", "refit_a", "label_b", "refit_b", "mean_a", "mean_b", "difference"),
    *("difference_low", "difference_high", "p_value", "p_adjusted", "p_equivalent", "minimum_detectable_difference"),
    *("delta", "verdict", "families_agree", "n_families_a", "n_splits", "n_seeds", "n_families", "n_targets", "basis"),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Arm:
    """The errors of an arm in a band, (seeds, blocks), NaN where it does not cover; `seeds` is None without any."""

    errors: FloatArray
    seeds: tuple[int, ...] | None


def train_shares(targets: pd.DataFrame, cells: pd.DataFrame) -> dict[tuple[str, str], float]:
    """The share of targets that are fitted, by problem and split, from a run's targets and cells tables."""
    first = cells[cells["cell"].isin(targets["cell"])].drop_duplicates(["problem", "split"])
    fitted = 1 - targets.groupby("cell")["heldout"].mean()
    return {(row["problem"], row["split"]): float(fitted[row["cell"]]) for row in first.to_dict("records")}


def pairwise_verdicts(
    errors: pd.DataFrame, *, train_share: Mapping[tuple[str, str], float], delta: float = DELTA
) -> pd.DataFrame:
    """One row per problem, design, band and pair of arms: difference A − B (below 0: A is better), interval, verdict.

    errors       the frame of `band_errors`
    train_share  the share of targets that are fitted, by (problem, split): n_test/n_train of Nadeau & Bengio
    delta        differences of the mean error up to it do not matter, as the error (0.01: a percentage point)

    Intervals are 95% each. `p_adjusted` (a difference) and `p_equivalent` (none beyond δ) are Holm-adjusted; `p_value`
    is the former before. `n_families_a`, in how many held-out families A errs less, describes and tests nothing. The
    minimum detectable difference is the one found with 80% power at the level of the next Holm step, α/(m − rejected).
    Raises `InputError` for a missing column, errors that are not finite, a δ or share out of range, or arms of a split
    that are not scored on the same targets.
    """
    _check(errors, train_share, delta)
    found: list[pd.DataFrame] = []
    for (problem, design), part in errors.groupby(KEYS, sort=True):
        ratios = {split: 1 / train_share[str(problem), split] - 1 for split in part["split"].unique()}
        rows: list[dict[str, Any]] = []
        comparisons: list[Comparison] = []
        for (band, low, high), some in part.groupby(["band", "low", "high"], sort=True):
            place = {"problem": problem, "design": design, "band": band, "low": low, "high": high}
            for row, comparison in _band(some, ratios):
                rows.append(place | row)
                comparisons.append(comparison)
        if rows:
            found.append(_judged(rows, comparisons, delta))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))


def _check(errors: pd.DataFrame, train_share: Mapping[tuple[str, str], float], delta: float) -> None:
    for name in NEEDED:
        if name not in errors.columns:
            raise InputError("errors", f"no column '{name}'", expected="the frame of band_errors")
    if not np.isfinite(errors["error"].to_numpy(dtype=np.float64)).all():
        raise InputError("errors.error", "not finite", expected="a number", cure="leave bands out that are not covered")
    if not delta > 0:
        raise InputError("delta", "not positive", expected="the largest difference that does not matter", got=delta)
    for problem, split in errors[["problem", "split"]].drop_duplicates().itertuples(index=False):
        share = train_share.get((problem, split))
        if share is None or not 0 < share < 1:
            raise InputError(f"train_share[{problem}, {split}]", "no share", expected="between 0 and 1", got=share)


def _band(errors: pd.DataFrame, ratios: Mapping[str, float]) -> list[tuple[dict[str, Any], Comparison]]:
    """Every pair of arms in one band that has splits enough in common."""
    table = errors[["split", "family"]].drop_duplicates().sort_values(["split", "family"])
    table = table.merge(_sizes(errors), on=["split", "family"]).reset_index(drop=True)
    arms = _arms(errors, table)
    found = []
    for a, b in itertools.combinations(arms, 2):
        splits = _covered(arms[a], table) & _covered(arms[b], table)
        if len(splits) >= min(2, len(ratios)):
            kept = table["split"].isin(splits).to_numpy()
            result = _pair(arms[a], arms[b], table[kept], kept, ratios)
            if result is not None:
                facts, comparison = result
                names = {"label_a": a[0], "refit_a": a[1], "label_b": b[0], "refit_b": b[1]}
                found.append((names | facts, comparison))
    return found


def _sizes(errors: pd.DataFrame) -> pd.DataFrame:
    """Targets per split and family, which must be the same for every arm and seed."""
    every = errors.groupby(["split", "family", *ARM, "seed"], dropna=False)["target"].agg(["size", "nunique"])
    each = every.groupby(["split", "family"]).agg(["min", "max"])
    named = errors.groupby(["split", "family"])["target"].nunique()
    same = (each["size"]["min"] == named) & (each["size"]["max"] == named) & (each["nunique"]["min"] == named)
    if not same.all():
        raise InputError("errors", f"arms scored on different targets of {same.index[~same][0]}", expected="the same")
    return named.rename("size").reset_index()


def _arms(errors: pd.DataFrame, table: pd.DataFrame) -> dict[tuple[str, str], _Arm]:
    """Every arm's block means, in the order of names; blocks are the rows of `table`."""
    blocks = pd.MultiIndex.from_frame(table[["split", "family"]])
    found = {}
    for (label, refit), some in errors.groupby(ARM, sort=True):
        seeds = sorted(int(seed) for seed in some["seed"].dropna().unique())
        if seeds and some["seed"].isna().any():
            raise InputError("errors.seed", f"{label} has rows with and without a seed", expected="one or the other")
        key = some["seed"].fillna(-1).astype("int64").rename("key")
        means = some.groupby([key, "split", "family"])["error"].mean().unstack(["split", "family"])
        found[str(label), str(refit)] = _Arm(
            means.reindex(columns=blocks).to_numpy(dtype=np.float64), tuple(seeds) or None
        )
    return found


def _covered(arm: _Arm, table: pd.DataFrame) -> set[str]:
    share = (~np.isnan(arm.errors)).mean(axis=0)
    return set(table["split"][share > 0.5])


def _pair(
    a: _Arm, b: _Arm, table: pd.DataFrame, kept: NDArray[np.bool_], ratios: Mapping[str, float]
) -> tuple[dict[str, Any], Comparison] | None:
    """One comparison on the blocks `kept`, None when no seed covers all of them."""
    chosen = []
    for arm in (a, b):
        errors = arm.errors[:, kept]
        whole = np.flatnonzero(~np.isnan(errors).any(axis=1))
        seeds = [arm.seeds[i] for i in whole] if arm.seeds else None
        chosen.append((errors[whole], seeds))
    (errors_a, seeds_a), (errors_b, seeds_b) = chosen
    if not len(errors_a) or not len(errors_b):
        return None
    common = sorted(set(seeds_a or ()) & set(seeds_b or ()))
    paired = len(common) > 1 or (seeds_a == seeds_b and seeds_a is not None)
    if paired and seeds_a and seeds_b:
        errors_a = errors_a[[seeds_a.index(seed) for seed in common]]
        errors_b = errors_b[[seeds_b.index(seed) for seed in common]]
    blocks = Blocks(
        pd.factorize(table["split"])[0],
        pd.factorize(table["family"])[0],
        table["size"].to_numpy(dtype=np.float64),
        float(np.mean([ratios[split] for split in table["split"].unique()])),
    )
    stochastic = (seeds_a is not None, seeds_b is not None)
    comparison = compare(errors_a, errors_b, blocks, stochastic=stochastic, paired=paired)
    counts = [len(errors) for errors, random in zip((errors_a, errors_b), stochastic, strict=True) if random]
    facts = {"n_splits": blocks.n_splits, "n_seeds": min(counts, default=0), "n_families": blocks.n_families}
    return facts | {"n_targets": int(blocks.sizes.sum())}, comparison


def _judged(rows: list[dict[str, Any]], comparisons: list[Comparison], delta: float) -> pd.DataFrame:
    """The rows of one problem and design with what their comparisons say, Holm-adjusted over all of them."""
    raw = np.array([float(c.p_difference()) for c in comparisons])
    different = adjusted(raw)
    equivalent = adjusted(np.array([float(c.p_equivalent(delta)) for c in comparisons]))
    level = next_level(different)
    for row, c, unadjusted, p, q in zip(rows, comparisons, raw, different, equivalent, strict=True):
        row |= {"mean_a": float(c.mean_a), "mean_b": float(c.mean_b), "difference": float(c.difference)}
        row |= {"difference_low": float(c.low), "difference_high": float(c.high)}
        row |= {"p_value": unadjusted, "p_adjusted": p, "p_equivalent": q, "delta": delta}
        row |= {"minimum_detectable_difference": float(c.detectable(level)), "verdict": str(decide(c, delta, p, q))}
        row |= {"families_agree": bool(c.families_agree), "n_families_a": int((c.families < 0).sum()), "basis": c.basis}
    return pd.DataFrame(rows, columns=list(COLUMNS))
