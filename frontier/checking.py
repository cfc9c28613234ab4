"""One check of a run against a baseline, as the command and the pytest fixture do it: findings, verdict, text."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import pandas as pd

from frontier.analysis.clean_timings import compare_timings
from frontier.analysis.matching import Run
from frontier.analysis.regression import compare
from frontier.analysis.tolerances import Tolerances
from frontier.reporting.verdict import as_text, counted

PASS, REGRESSION, INCOMPLETE = 0, 1, 2
WORDS = {PASS: "PASS", REGRESSION: "REGRESSION", INCOMPLETE: "NOT COMPARABLE OR INCOMPLETE"}


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """What a check found; `code` is 0 pass, 1 regression, 2 not comparable or incomplete."""

    findings: pd.DataFrame
    code: int
    text: str

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
    if not verdicts & {"pass", "regression", "improved"}:
        code = INCOMPLETE  # nothing was compared
    started = baseline.manifest.get("started_unix_seconds")
    day = "" if started is None else f" of {datetime.datetime.fromtimestamp(started, datetime.UTC):%Y-%m-%d}"
    codes = [str(run.manifest.get("code_digest"))[:8] for run in (baseline, now)]
    same = "the same code" if codes[0] == codes[1] else f"code {codes[0]} then, {codes[1]} now"
    headline = f"{WORDS[code]}: {counted(findings)}; {len(now.cells)} cells against a baseline{day}, {same}"
    return Check(findings, code, as_text(findings, headline))
