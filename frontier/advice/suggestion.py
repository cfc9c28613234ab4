"""The answer to "which small file?" as a value: the table, the trials behind it, and how it shows itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from frontier.advice.in_words import lines
from frontier.core.problem import CalibrationProblem
from frontier.sweep.scoring import Row


@dataclass(frozen=True, slots=True, eq=False)
class Suggestion:
    """What was found; print it for the whole answer.

    table    a row per budget and method at its best arm, the best first: records kept, error and worst error on the
             totals (relative), weight (total, over the whole file's), ess, largest (weight over w0), lost and
             distribution (mean relative errors against the whole file, at most 1 each), and whether it is in order,
             chosen or level with the choice. Means over seeds, with the range of what is lost
    trials   the metrics row of every trial
    whole    that of the whole calibrated file; `initial` that of its initial weights
    params   the parameters that each method was tried with
    missing  how many records have no value of an amount, of those that some lack: its statistics leave them out
    """

    problem: CalibrationProblem
    table: pd.DataFrame
    trials: pd.DataFrame
    whole: Row
    initial: Row
    params: Mapping[str, Mapping[str, Any]]
    exact: bool = False
    missing: Mapping[str, int] = field(default_factory=dict)

    @property
    def choices(self) -> pd.DataFrame:
        """The chosen row of every budget."""
        return self.table[self.table["chosen"]].reset_index(drop=True)

    def lines(self, problem: str = "PROBLEM.yaml", name: str = "") -> list[str]:
        """The whole answer, with `problem` in the commands and `name` for the problem."""
        truth = self.problem.truth
        return lines(
            self.table,
            name=name or self.problem.name,
            shape=(self.problem.n_targets, self.problem.n_records),
            errors=(self.initial["train_mare"], self.whole["train_mare"]),
            statistics=0 if truth is None else len(truth.names),
            missing=self.missing,
            params=self.params,
            problem=problem + (" --exact" if self.exact else ""),
        )

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        chosen = self.choices
        said = [f"{k:,} records: {method}" for k, method in zip(chosen["budget"], chosen["method"], strict=True)]
        return f"Suggestion for {self.problem.name} (print it for the table)\n{'; '.join(said)}"

    def _repr_html_(self) -> str:
        """For notebooks."""
        shown = self.table[
            ["budget", "method", "refit", "records", "error", "worst", "weight", "ess", "lost", "chosen"]
        ]
        return str(shown.to_html(index=False, float_format=lambda value: f"{value:.4g}"))
