"""What did not end as intended, and counts that depend on what is taken for zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from frontier.core.status import ENDED_WELL
from frontier.reporting.document import Block, Section, Table, Text
from frontier.reporting.numbers import MISSING, count, point_words
from frontier.reporting.prepared import Prepared
from frontier.results.arms import arm_name
from frontier.results.schema import POINT

PLACE = 50
MESSAGE_LENGTH = 300  # a whole traceback would make the table unreadable; the store keeps it
WHERE = ("problem", "method", "λ or budget", "seed")
COUNTS = {f"n_active_{size}": f"above {size}" for size in ("1e-9", "1e-6", "1e-3")}


def blocks(run: Prepared) -> list[Block]:
    """Both lists, also where they are empty."""
    thresholds = Section("Where the count depends on the threshold", _thresholds(run.first))
    return [Section("Failures", [*_failures(run.cells), thresholds])]


def _failures(ready: pd.DataFrame) -> list[Block]:
    """Every cell that is not `optimal` or `completed`, in canonical order."""
    bad = ready[~ready["status"].isin(ENDED_WELL)]
    bad = bad[~((bad["status"] == "unreached") & bad["is_refit"])]  # a refit keeps the size: its fit is listed
    if bad.empty:
        return [Text("None: every cell ended as intended." if len(ready) else "None.")]
    rows = []
    # Repeats that failed alike are one row.
    for row in bad.drop_duplicates([*POINT, "seed", "status", "message"]).to_dict("records"):
        claimed = row["claimed_status"]
        status = row["status"] if claimed in ("", row["status"]) else f"{row['status']} (claimed {claimed})"
        rows.append([*_where(row), status, _shorten(row["message"]) or MISSING])
    kept = "those that did not converge, or are of another size than asked for, have weights and are drawn hollow"
    table = Table((*WHERE, "status", "message"), rows, numbers=(3,), foldable=True)
    return [Text(f"{len(bad):,} of {len(ready):,} cells; {kept}."), table]


def _thresholds(ready: pd.DataFrame) -> list[Block]:
    """Cells whose number of active records depends on what counts as zero; a refit keeps the records of its fit."""
    some = ready[ready["threshold_matters"].fillna(value=False).astype(bool) & ~ready["is_refit"]]
    if some.empty:
        return [Text("Nowhere: every count is the same at all three thresholds." if len(ready) else "Nowhere.")]
    rows = [[*_where(row), *(count(row[name]) for name in COUNTS)] for row in some.to_dict("records")]
    table = Table((*WHERE, *COUNTS.values()), rows, numbers=range(3, 7), foldable=True)
    return [Text("Active records above a threshold relative to the mean active weight."), table]


def _where(row: Mapping[Any, Any]) -> list[str]:
    problem = row["problem"] if row["split"] == "default" else f"{row['problem']}, {row['split']}"
    seed = MISSING if pd.isna(row["seed"]) else f"{row['seed']:.0f}"
    point = point_words(row["lam"], row["budget"], row["lam_absolute"])
    return [problem, arm_name(row["label"], row["refit"]), point, seed]


def _shorten(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= MESSAGE_LENGTH else f"{text[: MESSAGE_LENGTH - 1]}…"
