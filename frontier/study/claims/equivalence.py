"""Is fitting targets normalised to 1 the same as l0-python's relative loss?

l0-python's relative loss is `Σ_j ((y_j − (Mw)_j)/(y_j + 1))²`, a squared relative residual with the weight
`(y_j/(y_j + 1))²`. On raw targets with y ≫ 1 all weights are near 1. On targets normalised to y = 1 all are 1/4, which
is the same problem at 4λ. With targets of different sizes around 1 the weights differ, and it is another problem.

Fits are compared by the records they keep, paired by seed: the same when the 95% interval of the mean relative
difference is inside ±5%, another when it is outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.intervals import mean_interval, with_limits
from frontier.results.run import Run
from frontier.results.schema import settled
from frontier.study.claims.model import HOLDS, Verdict, conclude, floats, parameters, ruled, targets_of

OURS, RAW, NORMALISED = "design", "published", "normalised"  # the parameter `loss` of the peer
FACTOR = 4.0  # ((1 + 1)/1)²
SAME_SHARE = 0.05
COMPARISONS = (
    (OURS, RAW, 1.0, "squared loss of normalised targets against the relative loss of raw targets, same λ"),
    (NORMALISED, RAW, 1.0, "relative loss of normalised targets against that of raw targets, same λ"),
    (NORMALISED, RAW, FACTOR, "relative loss of normalised targets at λ against that of raw targets at 4λ"),
)
SAME_WEIGHT = 0.01  # weights of targets that differ by less are the same problem


def equivalent(results: Mapping[str, Run]) -> Verdict:
    """The judge of "normalising targets is equivalent to l0-python's relative loss"."""
    rows = [row for run in results.values() for row in (*_fits(run), *_weights(run))]
    return conclude(rows, _tell, what="{setting}")


def _tell(evidence: pd.DataFrame) -> tuple[str, str]:
    told = []
    if "difference_share" in evidence:
        told += [
            f"{r['setting']}: {r['difference_share']:.1%} ({r['difference_share_low']:.1%} to "
            f"{r['difference_share_high']:.1%})"
            for r in evidence[evidence["difference_share"].notna()].to_dict("records")
        ]
    if "least_weight" in evidence:
        told.append(
            "of all targets at hand the relative loss of raw targets counts one "
            f"{(evidence['largest_weight'] / evidence['least_weight']).max():.2g} times as much as another"
        )
    holding = int((evidence["verdict"] == HOLDS).sum())
    return f"{holding} of {len(evidence)} settings are the same problem. Difference in records: {'; '.join(told)}.", ""


def _fits(run: Run) -> list[dict[str, Any]]:
    good = run.cells[settled(run.cells) & (run.cells["method"] == "peers.l0_python")]
    good = good.assign(loss=good["label"].map(lambda label: parameters(run, label).get("loss")))
    rows = []
    for problem, part in good.groupby("problem", sort=True):
        for one, other, factor, setting in COMPARISONS:
            left, right = part[part["loss"] == one], part[part["loss"] == other]
            left, right = left.assign(at=_key(left["lam"] * factor)), right.assign(at=_key(right["lam"]))
            pairs = left.merge(right, on=["split", "at", "seed"], suffixes=("", "_other"))
            if len(pairs) < 2:
                continue
            share = floats(pairs["n_active"]) / floats(pairs["n_active_other"]) - 1
            by_seed = pairs.assign(share=share).groupby("seed")["share"].mean()  # a seed's λ are not independent
            mean, low, high = mean_interval(floats(by_seed))
            same = ruled(holds=low > -SAME_SHARE and high < SAME_SHARE, fails=low > SAME_SHARE or high < -SAME_SHARE)
            rows.append(
                {"setting": setting, "problem": str(problem), "seeds": len(by_seed), "points": pairs["at"].nunique()}
                | with_limits("difference_share", (mean, low, high))
                | {"verdict": same}
            )
    return rows


def _key(lam: pd.Series[Any]) -> pd.Series[Any]:
    """λ as text at nine digits: products of the factor must meet."""
    return lam.map(lambda value: f"{value:.9g}")


def _weights(run: Run) -> list[dict[str, Any]]:
    """The weights `(y/(y + 1))²` of the fitted targets of every problem; sizes of y decide, not the fits."""
    joined = targets_of(run).merge(run.cells[["cell", "problem"]], on="cell")
    rows = []
    facts = run.manifest.get("problems") or {}
    for problem, part in joined[~joined["heldout"].astype(bool)].groupby("problem", sort=True):
        if ((facts.get(str(problem)) or {}).get("meta") or {}).get("target_offset", 0.0):
            continue  # its targets are not the published ones
        y = floats(part.drop_duplicates("target")["value"])
        y = y[y > 0]  # a negative target is outside what the published loss is for
        if not y.size:
            continue
        weight = (y / (y + 1)) ** 2
        alike = bool(weight.min() >= (1 - SAME_WEIGHT) * weight.max())
        rows.append(
            {"setting": "weights of the targets in the relative loss", "problem": str(problem), "targets": y.size}
            | {"smallest_target": float(y.min()), "least_weight": float(np.min(weight))}
            | {"largest_weight": float(np.max(weight)), "verdict": ruled(holds=alike, fails=not alike)}
        )
    return rows
