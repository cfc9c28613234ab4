"""Does one method err less than another at equal size, on fitted and on held-out targets?

The comparison is that of the reports (`frontier.analysis.contrasts`): both arms along their curves, one test for each
problem and hold-out design. A held-out setting holds when the first arm is better, fails when the second is or the two
are shown to be level, and is undecided otherwise; a training setting holds or fails with its interval over seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from frontier.analysis.contrasts import Arm, Contrast, contrasts
from frontier.analysis.paired_test import A_BETTER, B_BETTER, LEVEL
from frontier.results.run import Run
from frontier.study.claims.model import FAILS, HOLDS, Judge, Verdict, conclude, labels_of, ruled, targets_of

Choose = Callable[[Run], list[Contrast]]


def errs_less(choose: Choose, words: str) -> Judge:
    """The judge of "the first arm of each contrast that `choose` finds errs less than the second"."""

    def judge(results: Mapping[str, Run]) -> Verdict:
        rows: list[dict[str, Any]] = []
        for name, run in results.items():
            targets = targets_of(run)
            if targets.empty:
                continue
            found, _ = contrasts(run.cells, targets, choose(run))
            for row in found.to_dict("records"):
                place = {"experiment": name, "problem": row["problem"], "design": row["design"]}
                place |= {"smallest_records": row["low"], "largest_records": row["high"]}
                rows += [place | _setting(row, side) for side in ("held-out", "training")]
        return conclude(rows, lambda evidence: _tell(evidence, words), what="{error} error", where="{problem} {design}")

    return judge


def _setting(row: Mapping[Any, Any], side: str) -> dict[str, Any]:
    first, second, d = (
        ("mean_a", "mean_b", "difference") if side == "held-out" else ("training_a", "training_b", "training")
    )
    found = {"error": side, "first_error": row[first], "second_error": row[second], "difference_error": row[d]}
    found |= {"difference_error_low": row[f"{d}_low"], "difference_error_high": row[f"{d}_high"]}
    if side == "training":
        return found | {"verdict": ruled(holds=row["training_high"] < 0, fails=row["training_low"] > 0)}
    return found | {"verdict": ruled(holds=row["verdict"] == A_BETTER, fails=row["verdict"] in (B_BETTER, LEVEL))}


def _tell(evidence: pd.DataFrame, words: str) -> tuple[str, str]:
    told = [
        f"by {side} error in {int((part['verdict'] == HOLDS).sum())} of {len(part)} settings, the reverse or level in "
        f"{int((part['verdict'] == FAILS).sum())}"
        for side, part in evidence.groupby("error", sort=False)
    ]
    return f"{words}: {'; '.join(told)}.", ""


def arms(run: Run, method: str, refit: str, **wanted: Any) -> list[Arm]:
    """The arms of a method whose parameters are those wanted."""
    return [(label, refit) for label in labels_of(run, method, wanted)]


def balanced_and_pps(run: Run) -> list[Contrast]:
    """Balanced against systematic samples of the same dense weights, nothing fitted after sampling."""
    dense = {"dense": "anchored_l1", "penalty": None}
    pairs = zip(arms(run, "balanced_sample", "none", **dense), arms(run, "pps_sample", "none", **dense), strict=False)
    return list(pairs)


def relaxed_and_lasso(run: Run) -> list[Contrast]:
    """The non-negative LASSO's selection refit, against its weights as fitted."""
    return list(zip(arms(run, "nn_lasso", "fitted"), arms(run, "nn_lasso", "none"), strict=True))
