"""Contrasts over bootstrap samples of the records: what another draw of the same survey might have decided.

Each sample b is calibrated anew by both arms, seeds within it averaged, `d_b = A − B`. The standard error over samples
of records and seeds together is the standard deviation of the d_b (Efron 1979), the interval `mean ± t sd` with R − 1
degrees of freedom. Targets do not vary: they come from elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.contrasts import ARMS
from frontier.analysis.intervals import with_limits
from frontier.analysis.paired_test import A_BETTER, ALPHA, B_BETTER, UNDECIDED
from frontier.core.student import t_quantile

ERRORS = ("difference", "training")


def over_samples(found: pd.DataFrame) -> pd.DataFrame:
    """One row per contrast of the frame of `analysis.contrasts`, each of its problems being a sample.

    Columns: the arms, `samples`, their mean errors, and for both errors the mean difference with its interval;
    `verdict` is about the held-out error. A contrast with a single sample has no row.
    """
    rows = []
    for key, part in found.groupby(ARMS, sort=False):
        if part["problem"].nunique() < 2:
            continue
        row: dict[str, Any] = dict(zip(ARMS, key, strict=True)) | {"samples": part["problem"].nunique()}
        row |= {name: float(part[name].mean()) for name in ("mean_a", "mean_b", "training_a", "training_b")}
        for name in ERRORS:
            values = part[name].to_numpy(np.float64)
            mean, half = float(values.mean()), float(-t_quantile(ALPHA / 2, len(values) - 1) * values.std(ddof=1))
            row |= with_limits(name, (mean, mean - half, mean + half))
        ahead = A_BETTER if row["difference_high"] < 0 else B_BETTER if row["difference_low"] > 0 else UNDECIDED
        rows.append(row | {"verdict": ahead})
    return pd.DataFrame(rows)
