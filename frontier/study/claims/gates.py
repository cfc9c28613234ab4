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

from frontier.study.claims.model import (
    FAILS,
    HOLDS,
    LEVEL,
    ONLY_IF,
    UNDECIDED,
    Results,
    Verdict,
    Word,
    combine,
    condition,
    floats,
    mean_interval,
    percent,
    usable,
)

GATES = ("tempered", "untempered")
FIT = ["arm", "problem", "split", "lam", "seed"]
COMPARED = ("n_active", "negligible", "train_mare")
FEWER_SHARE = 0.01  # less is no cleaner to speak of
WORSE_ERROR = 0.001  # a training error larger by this is a price


def same_fits(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per fit with both scores, columns suffixed `_tempered` and `_untempered`."""
    good = usable(cells)
    good = good[(good["method"] == "hard_concrete") & (good["refit"] == "none") & good["lam"].notna()]
    arm = good["label"].str.replace("untempered", "tempered").str.replace(", tempered gate", "")
    good = good.assign(negligible=good["n_active"] - good["n_active_1e-3"], arm=arm)
    parts = {
        "untempered": good[good["label"].str.contains("untempered")],
        "tempered": good[~good["label"].str.contains("untempered") & good["label"].str.contains("tempered")],
    }
    columns = [*FIT, *COMPARED]
    return parts["tempered"][columns].merge(parts["untempered"][columns], on=FIT, suffixes=("_tempered", "_untempered"))


def cleaner(results: Mapping[str, Results]) -> Verdict:
    """The judge of "dividing by the temperature at test time gives cleaner sparsity"."""
    groups = [
        part
        for run in results.values()
        for _, part in same_fits(run.cells).groupby(["arm", "problem", "lam"], sort=True)
    ]
    level = 1 - (1 - LEVEL) / max(1, len(groups))
    evidence = pd.DataFrame([_compare(fits, level) for fits in groups])
    if evidence.empty:
        return Verdict(UNDECIDED, "")
    word = combine(list(evidence["verdict"]))
    told = [
        f"{arm}: {percent(part['fewer_share'].min())} to {percent(part['fewer_share'].max())} fewer records, training "
        f"error {percent(part['train_error'].min(), 2)} to {percent(part['train_error'].max(), 2)} larger"
        for arm, part in evidence.groupby("arm", sort=False)
    ]
    fewer, worse = evidence["fewer_share"], evidence["train_error"]
    held, failed = (int((evidence["verdict"] == word).sum()) for word in (HOLDS, FAILS))
    reason = (
        f"On the same fits the tempered gate keeps {percent(fewer.min())} to {percent(fewer.max())} fewer records, at "
        f"training errors {percent(worse.min(), 2)} to {percent(worse.max(), 2)} larger; cleaner at {held} of "
        f"{len(evidence)} λ, not at {failed}."
    )
    negligible = [f"{evidence[f'{gate}_negligible'].max():.2g} ({gate})" for gate in GATES]
    detail = f"Means of a λ, by arm: {'; '.join(told)}. Negligible weights a fit, at most: {' and '.join(negligible)}."
    only = condition(evidence.assign(at=_at(evidence)), ["arm"], "at") if word == ONLY_IF else ""
    return Verdict(word, reason, condition=only, detail=detail, evidence=evidence)


def _at(evidence: pd.DataFrame) -> list[str]:
    return [f"{row['problem']} at λ = {row['lam']:g}" for row in evidence.to_dict("records")]


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
    row["fewer_share"], row["fewer_share_low"], row["fewer_share_high"] = fewer
    row["train_error"], row["train_error_low"], row["train_error_high"] = worse
    word: Word = UNDECIDED
    if fewer[1] > FEWER_SHARE and worse[2] <= WORSE_ERROR:
        word = HOLDS
    elif fewer[2] <= FEWER_SHARE or worse[1] > WORSE_ERROR:
        word = FAILS
    return row | {"verdict": word}


def never_closes(results: Mapping[str, Results]) -> Verdict:
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
    evidence = pd.DataFrame(rows)
    if evidence.empty:
        return Verdict(UNDECIDED, "")
    word = combine(list(evidence["verdict"]))
    reason = (
        f"The untempered gate is exactly 0 for {percent(evidence['untempered_closed_share_min'].min())} to "
        f"{percent(evidence['untempered_closed_share_max'].max(), 2)} of the records of a fit, the tempered one for "
        f"{percent(evidence['tempered_closed_share_min'].min())} to "
        f"{percent(evidence['tempered_closed_share_max'].max(), 2)} of the same fits. It closes at α ≤ −log 11 "
        "instead of −β log 11."
    )
    only = condition(evidence, ["arm"], "problem") if word == ONLY_IF else ""
    return Verdict(word, reason, condition=only, evidence=evidence)
