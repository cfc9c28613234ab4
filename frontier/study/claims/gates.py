"""The same Hard Concrete fits scored with both test-time gates.

Training does not know the test-time gate, so two cells of one problem, λ and seed are one fit. The tempered gate
`σ(α/β)` is 0 for α ≤ −β log 11, the untempered `σ(α)` for α ≤ −log 11 (γ = −0.1, ζ = 1.1): both close, the tempered one
earlier where β < 1. *Cleaner* is taken as: at least 1% fewer records kept at a training error that is no larger by more
than a tenth of a percentage point. Negligible weights (below 1e-3 of the mean) are counted beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.intervals import mean_interval, with_limits
from frontier.results.run import Run
from frontier.study.claims.model import FAILS, HOLDS, Verdict, conclude, corrected_level, fits_of, floats, ruled

GATES = ("tempered", "untempered")
FIT = ["arm", "problem", "split", "lam", "seed"]
COMPARED = ("n_active", "negligible", "train_mare")
FEWER_SHARE = 0.01  # less is no cleaner to speak of
WORSE_ERROR = 0.001  # a training error larger by this is a price


def same_fits(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per fit with both scores, columns suffixed `_tempered` and `_untempered`."""
    good = fits_of(cells, "hard_concrete")
    good = good[good["lam"].notna()]
    arm = good["label"].str.replace("untempered", "tempered").str.replace(", tempered gate", "")
    good = good.assign(negligible=good["n_active"] - good["n_active_1e-3"], arm=arm)
    parts = {
        "untempered": good[good["label"].str.contains("untempered")],
        "tempered": good[~good["label"].str.contains("untempered") & good["label"].str.contains("tempered")],
    }
    columns = [*FIT, *COMPARED]
    return parts["tempered"][columns].merge(parts["untempered"][columns], on=FIT, suffixes=("_tempered", "_untempered"))


def cleaner(results: Mapping[str, Run]) -> Verdict:
    """The judge of "dividing by the temperature at test time gives cleaner sparsity"."""
    groups = [
        part
        for run in results.values()
        for _, part in same_fits(run.cells).groupby(["arm", "problem", "lam"], sort=True)
    ]
    level = corrected_level(max(1, len(groups)))
    rows = [_compare(fits, level) for fits in groups]
    return conclude(rows, _tell_cleaner, what="{arm}", where="{problem} at λ = {lam:g}")


def _tell_cleaner(evidence: pd.DataFrame) -> tuple[str, str]:
    told = [
        f"{arm}: {part['fewer_share'].min():.1%} to {part['fewer_share'].max():.1%} fewer records, training "
        f"error {part['train_error'].min():.2%} to {part['train_error'].max():.2%} larger"
        for arm, part in evidence.groupby("arm", sort=False)
    ]
    fewer, worse = evidence["fewer_share"], evidence["train_error"]
    held, failed = (int((evidence["verdict"] == word).sum()) for word in (HOLDS, FAILS))
    reason = (
        f"On the same fits the tempered gate keeps {fewer.min():.1%} to {fewer.max():.1%} fewer records, at "
        f"training errors {worse.min():.2%} to {worse.max():.2%} larger; cleaner at {held} of "
        f"{len(evidence)} λ, not at {failed}."
    )
    negligible = [f"{evidence[f'{gate}_negligible'].max():.2g} ({gate})" for gate in GATES]
    detail = f"Means of a λ, by arm: {'; '.join(told)}. Negligible weights a fit, at most: {' and '.join(negligible)}."
    return reason, detail


def _compare(fits: pd.DataFrame, level: float) -> dict[str, Any]:
    """Differences tempered − untempered over the seeds of one λ, and whether that is cleaner."""
    first = fits.iloc[0]
    row: dict[str, Any] = {"arm": str(first["arm"]), "problem": str(first["problem"]), "lam": float(first["lam"])}
    row["seeds"] = len(fits)
    for gate in GATES:
        row[f"{gate}_records"] = float(fits[f"n_active_{gate}"].mean())
        row[f"{gate}_negligible"] = float(fits[f"negligible_{gate}"].mean())
    kept, base = floats(fits["n_active_tempered"]), floats(fits["n_active_untempered"])
    fewer = mean_interval(1 - kept / np.maximum(base, 1.0), level)
    worse = mean_interval(floats(fits["train_mare_tempered"]) - floats(fits["train_mare_untempered"]), level)
    return (
        row
        | with_limits("fewer_share", fewer)
        | with_limits("train_error", worse)
        | {
            "verdict": ruled(
                holds=fewer[1] > FEWER_SHARE and worse[2] <= WORSE_ERROR,
                fails=fewer[2] <= FEWER_SHARE or worse[1] > WORSE_ERROR,
            )
        }
    )


def never_closes(results: Mapping[str, Run]) -> Verdict:
    """The judge of "the untempered gate never fully closes"."""
    rows: list[dict[str, Any]] = []
    for run in results.values():
        sizes = {name: facts.get("n_records") for name, facts in (run.manifest.get("problems") or {}).items()}
        for (arm, problem), fits in same_fits(run.cells).groupby(["arm", "problem"], sort=True):
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
