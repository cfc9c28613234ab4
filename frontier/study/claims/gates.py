"""The same Hard Concrete fits scored with both test-time gates.

Training does not know the test-time gate, so two cells of one problem, λ and seed are one fit. The tempered gate
`σ(α/β)` is 0 for α ≤ −β log 11, the untempered `σ(α)` for α ≤ −log 11 (γ = −0.1, ζ = 1.1): both close, the tempered one
earlier where β < 1. At one λ it therefore keeps fewer records at a larger training error, which is another point of a
frontier; *cleaner* is taken as a smaller training error at equal size, along the curves of a seed's λ. Negligible
weights (below 1e-3 of the mean) are counted beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.curves import by_size, mean_weights
from frontier.analysis.intervals import mean_interval, with_limits
from frontier.core.arrays import FloatArray
from frontier.results.run import Run
from frontier.study.claims.model import (
    FAILS,
    HOLDS,
    UNDECIDED,
    Verdict,
    conclude,
    corrected_level,
    fits_of,
    floats,
    parameters,
    ruled,
)

GATES = ("tempered", "untempered")
FIT = ["arm", "problem", "split", "lam", "seed"]
COMPARED = ("n_active", "negligible", "train_mare")
NO_CLEANER = 0.001  # a training error smaller by less than a tenth of a point is no cleaner to speak of
LOWEST = 1.05  # high/low of the sizes that both gates reach


def same_fits(run: Run) -> pd.DataFrame:
    """One row per fit with both scores, columns suffixed `_tempered` and `_untempered`; `arm` names its settings."""
    good = fits_of(run.cells, "hard_concrete")
    good = good[good["lam"].notna()]
    given = {str(label): dict(parameters(run, str(label))) for label in good["label"].unique()}
    gate = {label: one.pop("test_gate", None) for label, one in given.items()}
    alike = {label: json.dumps(one, sort_keys=True, default=str) for label, one in given.items()}
    arms = {alike[label]: f"β = {one['temperature']:.3g}" for label, one in given.items() if "temperature" in one}
    good = good.assign(
        negligible=good["n_active"] - good["n_active_1e-3"],
        settings=good["label"].map(alike),
        arm=good["label"].map(alike).map(arms),
        gate=good["label"].map(gate),
    )
    left, right = (good[good["gate"] == name][[*FIT, "settings", *COMPARED]] for name in GATES)
    return left.merge(right, on=[*FIT, "settings"], suffixes=("_tempered", "_untempered")).drop(columns="settings")


def cleaner(results: Mapping[str, Run]) -> Verdict:
    """The judge of "dividing by the temperature at test time gives cleaner sparsity"."""
    groups = [part for run in results.values() for _, part in same_fits(run).groupby(["arm", "problem"], sort=True)]
    level = corrected_level(max(1, len(groups)))
    rows = [_compare(fits, level) for fits in groups]
    return conclude(rows, _tell_cleaner, what="{arm}", where="{problem}")


def _tell_cleaner(evidence: pd.DataFrame) -> tuple[str, str]:
    known = evidence["training_error"].dropna()
    held, failed = (int((evidence["verdict"] == word).sum()) for word in (HOLDS, FAILS))
    fewer = evidence["fewer_share"]
    reason = f"Of {len(evidence)} settings it is cleaner in {held} and not in {failed}."
    if len(known):
        reason += (
            f" At equal size the tempered gate's training error differs by {100 * known.min():+.2f} to "
            f"{100 * known.max():+.2f} points; at one λ it keeps {fewer.min():.1%} to {fewer.max():.1%} fewer records."
        )
    negligible = [f"{evidence[f'{gate}_negligible'].max():.2g} ({gate})" for gate in GATES]
    return reason, f"Negligible weights a fit, at most: {' and '.join(negligible)}."


def _compare(fits: pd.DataFrame, level: float) -> dict[str, Any]:
    """Training error at equal size, tempered − untempered, over the seeds of one arm and problem; and at equal λ."""
    first = fits.iloc[0]
    row: dict[str, Any] = {"arm": str(first["arm"]), "problem": str(first["problem"])}
    row |= {"seeds": fits["seed"].nunique(), "points": fits["lam"].nunique()}
    for gate in GATES:
        row[f"{gate}_negligible"] = float(fits[f"negligible_{gate}"].mean())
    kept, base = floats(fits["n_active_tempered"]), floats(fits["n_active_untempered"])
    row["fewer_share"] = float((1 - kept / np.maximum(base, 1.0)).mean())
    curves = [{gate: _curve(some, gate) for gate in GATES} for _, some in fits.groupby("seed", sort=True)]
    ends = [size for one in curves for size, _ in one.values()]
    low, high = max(float(size[0]) for size in ends), min(float(size[-1]) for size in ends)
    row |= {"smallest_records": low, "largest_records": high}
    if high < LOWEST * low:
        return row | with_limits("training_error", (np.nan, np.nan, np.nan)) | {"verdict": UNDECIDED}
    means = np.array([[_mean(*one[gate], low, high) for gate in GATES] for one in curves])
    found = mean_interval(means[:, 0] - means[:, 1], level)
    verdict = ruled(holds=found[2] < -NO_CLEANER, fails=found[1] > -NO_CLEANER)
    return row | with_limits("training_error", found) | {"verdict": verdict}


def _curve(fits: pd.DataFrame, gate: str) -> tuple[FloatArray, FloatArray]:
    """Sizes, ascending, and training errors of one seed's λ; of equal sizes the better fit. Empty fits have none."""
    size, error = floats(fits[f"n_active_{gate}"]), floats(fits[f"train_mare_{gate}"])
    kept = by_size(size, error)
    kept = kept[size[kept] > 0]
    return (size[kept], error[kept]) if kept.size else (np.array([np.inf]), np.array([np.nan]))


def _mean(size: FloatArray, error: FloatArray, low: float, high: float) -> float:
    weights = mean_weights(size, low, high)
    return float("nan") if weights is None else float(weights @ error)


def never_closes(results: Mapping[str, Run]) -> Verdict:
    """The judge of "the untempered gate never fully closes"."""
    rows: list[dict[str, Any]] = []
    for run in results.values():
        sizes = {name: facts.get("n_records") for name, facts in (run.manifest.get("problems") or {}).items()}
        for (arm, problem), fits in same_fits(run).groupby(["arm", "problem"], sort=True):
            n = sizes.get(str(problem))
            if n is None:
                continue
            closed = {gate: 1 - floats(fits[f"n_active_{gate}"]) / n for gate in GATES}
            rows.append(
                {"arm": str(arm), "problem": str(problem), "fits": len(fits), "all_records": n}
                | {f"{gate}_closed_share_min": float(values.min()) for gate, values in closed.items()}
                | {f"{gate}_closed_share_max": float(values.max()) for gate, values in closed.items()}
                | {"verdict": HOLDS if closed["untempered"].max() == 0 else FAILS}
            )
    return conclude(rows, _tell_closed, what="{arm}")


def _tell_closed(evidence: pd.DataFrame) -> tuple[str, str]:
    closed = [
        f"{evidence[f'{gate}_closed_share_min'].min():.1%} to {evidence[f'{gate}_closed_share_max'].max():.2%}"
        for gate in reversed(GATES)
    ]
    reason = (
        f"The untempered gate is exactly 0 for {closed[0]} of the records of a fit, the tempered one for {closed[1]} "
        "of the same fits. It closes at α ≤ −log 11 instead of −β log 11."
    )
    return reason, ""
