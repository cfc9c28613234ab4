"""One check of a run against a baseline, as the command and the pytest fixture do it: findings, verdict, text."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import pandas as pd

from frontier.analysis.regression.findings import compare
from frontier.analysis.regression.timings import compare_timings
from frontier.analysis.regression.tolerances import Tolerances
from frontier.results.run import Run

PASS, REGRESSION, INCOMPLETE = 0, 1, 2
WORDS = {PASS: "PASS", REGRESSION: "REGRESSION", INCOMPLETE: "NOT COMPARABLE OR INCOMPLETE"}

SHOWN = (
    "regression",
    "incomparable",
    "missing",
    "extra",
    "warning",
    "changed",
    "improved",
)  # in this order; passes are counted


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """What a check found; `code` is 0 pass, 1 regression, 2 not comparable or incomplete; `headline` says it."""

    findings: pd.DataFrame
    code: int
    headline: str

    @property
    def summary(self) -> dict[str, Any]:
        counts = {str(name): int(count) for name, count in self.findings["verdict"].value_counts().items()}
        return {"verdict": WORDS[self.code].lower(), "exit_code": self.code, "counts": counts}


def check(now: Run, baseline: Run, tolerances: Tolerances, reference: str | None = None) -> Check:
    """Compare two runs; timings only in units of a `reference` method."""
    findings = compare(now, baseline, tolerances)
    if reference is not None:
        timings = compare_timings(now, baseline, reference, tolerances.timing_ratio)
        findings = pd.concat([findings, timings], ignore_index=True)
    verdicts = set(findings["verdict"])
    code = REGRESSION if "regression" in verdicts else INCOMPLETE if verdicts & {"missing", "incomparable"} else PASS
    if not verdicts & {"pass", "regression", "changed", "improved"}:
        code = INCOMPLETE  # nothing was compared
    started = baseline.manifest.get("started_unix_seconds")
    day = "" if started is None else f" of {datetime.datetime.fromtimestamp(started, datetime.UTC):%Y-%m-%d}"
    codes = [str(run.manifest.get("code_digest"))[:8] for run in (baseline, now)]
    same = "the same code" if codes[0] == codes[1] else f"code {codes[0]} then, {codes[1]} now"
    headline = f"{WORDS[code]}: {counted(findings)}; {len(now.cells)} cells against a baseline{day}, {same}"
    return Check(findings, code, headline)


def counted(findings: pd.DataFrame) -> str:
    """`120 pass, 1 regression`, in a fixed order."""
    counts = findings["verdict"].value_counts()
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("pass", *SHOWN) if verdict in counts) or "nothing"
