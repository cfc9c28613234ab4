"""The held-out error of every arm in bands of k, target by target: what comparisons between methods are paired on.

In a band [low, high] of records, for one split and seed,

    error_j = 1/ln(high/low) ∫ min(|r_j(k)|, 1) d ln k,

along the arm's curve (`frontier.analysis.curves`: linear in ln k between its points, no point chosen by its held-out
error). A band that a curve does not span has no row, nor one in which it leaps: an L1 path that goes from 4 records to
all 5,000 says nothing of 100. The bands themselves are half-decades. No method is compared here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from frontier.analysis.curves import frontier_points, heldout_curves, mean_weights, spans
from frontier.core.errors import InputError
from frontier.core.problem import FloatArray

CURVE = {
    **dict.fromkeys(("problem", "design", "split", "label", "refit"), "str"),
    "seed": "Int64",
    "band": "int64",
    "low": "float64",
    "high": "float64",
}
LEAST_ARMS = 2  # with fewer there is nothing to compare
FARTHEST = 10.0  # no size in a band may be farther than this factor from both of its neighbouring points
NARROWEST = 1.1  # high/low: what is left of a band that is cut must be more than a point and its slack


def band_errors(
    cells: pd.DataFrame, targets: pd.DataFrame, *, bands: pd.DataFrame, capped: bool = True
) -> pd.DataFrame:
    """One row per problem, design, split, label, refit, seed, band and held-out target, sorted by them: its `error`.

    `low` and `high` are records; `seed` is NA for a deterministic arm; `error` is a fraction, of |r| itself unless
    `capped`. `bands` has problem, band, low and high, as `default_bands` makes them. Raises `InputError` for bands
    that are not ranges of records, and as `heldout_curves`.
    """
    ranges = _ranges(bands)
    rows, folds, errors = [], [], []
    for fold in heldout_curves(cells, targets, capped=capped):
        for curve in fold.curves:
            for band, low, high in ranges.get(fold.problem, []):
                weights = mean_weights(curve.n_active, low, high)
                if weights is not None and not _leaps(curve.n_active, low, high):
                    arm = (fold.problem, fold.design, fold.split, curve.label, curve.refit, curve.seed)
                    rows.append((*arm, band, low, high))
                    folds.append(fold)
                    errors.append(weights @ curve.errors)
    table = pd.DataFrame(rows, columns=list(CURVE)).astype(CURVE)
    table = table.loc[table.index.repeat([len(found) for found in errors])].reset_index(drop=True)
    empty = np.empty(0)
    table["family"] = pd.Series(np.concatenate([empty, *(fold.families for fold in folds)]), dtype="str")
    table["target"] = pd.Series(np.concatenate([empty, *(fold.targets for fold in folds)]), dtype="str")
    table["error"] = np.concatenate([empty, *errors])
    return table


def default_bands(cells: pd.DataFrame) -> pd.DataFrame:
    """Half-decades of records, 1–3, 3–10, 10–30, …, that two arms cover in some split: problem, band, low, high.

    Band 0 is 1–3 and so on, so a band has the same number in every problem. The bands in which most curves of a problem
    begin and end are cut there (at the median), or a grid from 17 records on would have nothing to say below 30.
    """
    points = frontier_points(cells)
    curve = ["problem", "split", "label", "refit", "seed"]
    reach = points.groupby(curve, dropna=False)["n_active"].agg(["min", "max"]).astype("float64").reset_index()
    rows = []
    for problem, some in reach[reach["min"] < reach["max"]].groupby("problem"):
        begin = float(some["min"].quantile(0.5, interpolation="higher"))
        end = float(some["max"].quantile(0.5, interpolation="lower"))
        band, edge = 0, 1
        while edge <= some["max"].max():
            upper = 3 * edge if band % 2 == 0 else 10 * edge // 3
            low, high = (begin if edge < begin < upper else edge), (end if edge < end < upper else upper)
            covered = some[spans(some["min"].to_numpy(), some["max"].to_numpy(), low, high)]
            arms = covered.drop_duplicates(["split", "label", "refit"]).groupby("split").size()
            if high >= NARROWEST * low and (arms >= LEAST_ARMS).any():
                rows.append((str(problem), band, low, high))
            band, edge = band + 1, upper
    table = pd.DataFrame(rows, columns=["problem", "band", "low", "high"])
    return table.astype({"problem": "str", "band": "int64", "low": "float64", "high": "float64"})


def _leaps(n_active: FloatArray, low: float, high: float) -> bool:
    """Whether neighbouring points of the curve are so far apart in the band that between them it is a guess."""
    overlap = (n_active[1:] > low) & (n_active[:-1] < high)
    return bool((overlap & (n_active[1:] > FARTHEST**2 * n_active[:-1])).any())


def _ranges(bands: pd.DataFrame) -> dict[str, list[tuple[int, float, float]]]:
    found: dict[str, list[tuple[int, float, float]]] = {}
    columns = (bands.sort_values(["problem", "band"])[name].tolist() for name in ("problem", "band", "low", "high"))
    for problem, band, low, high in zip(*columns, strict=True):
        if not 1 <= low < high:
            raise InputError(f"bands of {problem}", "not a range", expected="1 <= low < high", got=(low, high))
        found.setdefault(str(problem), []).append((int(band), float(low), float(high)))
    return found
