"""Trials run: settings of one method solved on the inner hold-outs, by the runner and store of every experiment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem, Split
from frontier.results.store import Store
from frontier.sweep.experiment import Experiment
from frontier.sweep.method_entry import Budget, MethodSpec
from frontier.sweep.runner import finished, run_batches, stored
from frontier.sweep.session import batches_of
from frontier.tuning.objective import Loss, losses
from frontier.tuning.proposals import Settings

Warn = Callable[[str], None]
Asked = tuple[int, Settings]  # the number of a trial, and what it tries


@dataclass(frozen=True, slots=True, eq=False)
class Inner:
    """What trials are judged on: training problems with hold-outs of their own, or other samples than those shown.

    `problem` and `split` are those of the experiment that the search is for; empty where it is for all of them.
    """

    problem: str
    split: str
    problems: Mapping[str, CalibrationProblem]
    splits: Mapping[str, Sequence[Split]]

    @property
    def name(self) -> str:
        return "/".join(filter(None, (self.problem, self.split)))

    @property
    def holdouts(self) -> int:
        """How many there are."""
        return sum(len(self.splits[label]) for label in self.problems)


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Settings, and what they came to: losses by budget (the best arm first), cost, or why they were refused."""

    number: int
    settings: Settings
    losses: Mapping[Budget | None, Sequence[Loss]] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    refused: str = ""
    message: str = ""

    def loss(self, budget: Budget | None) -> float | None:
        """The loss at a budget with the best of its arms; None where it has none."""
        found = self.losses.get(budget)
        return found[0].value if found else None


@dataclass(frozen=True, slots=True)
class Bench:
    """Where trials of one experiment run: its store, on so many processes."""

    experiment: Experiment
    store: Store
    jobs: int
    warn: Warn
    checkpoints: Path

    def run(self, inner: Inner, spec: MethodSpec, asked: Sequence[Asked], epochs: int = 0) -> list[Trial]:
        """The trials of the settings `asked`, in order, solving only what the store lacks; with so many `epochs`."""
        made: dict[int, MethodSpec] = {}
        trials: dict[int, Trial] = {}
        for number, settings in asked:
            try:
                made[number] = self._configured(inner, spec, number, settings, epochs)
            except InputError as error:  # too short to close a gate, or what two parameters cannot be together
                trials[number] = Trial(number, settings, refused=str(error))
        rows = self._solved(inner, list(made.values()))
        for (number, one), settings in zip(made.items(), [s for n, s in asked if n in made], strict=True):
            trials[number] = self._judged(inner, one, number, settings, rows[one.label])
        return [trials[number] for number, _ in asked]

    def _configured(self, inner: Inner, spec: MethodSpec, number: int, settings: Settings, epochs: int) -> MethodSpec:
        given: dict[str, Any] = dict(settings)
        lam = given.pop("lam", None)
        if epochs:
            given["epochs"] = epochs
            if hasattr(spec.method, "checkpoint_keep"):  # goes on from the trial's epochs so far
                place = self.checkpoints / f"{spec.label}-{number}".replace("/", "-")
                given |= {"checkpoint": str(place), "checkpoint_keep": True}
        method = dataclasses.replace(spec.method, **given)
        one = dataclasses.replace(
            spec,
            label=f"{spec.label} #{number}",
            method=method,
            problems=tuple(inner.problems),
            splits=(),
            lams=spec.lams if lam is None else (float(lam),),
        )
        for problem in inner.problems.values():
            method.check_any(one.points_on(problem.n_records))
            method.check_problem(problem)
        return one

    def _solved(self, inner: Inner, specs: Sequence[MethodSpec]) -> dict[str, list[dict[str, Any]]]:
        """The rows of each label."""
        one = dataclasses.replace(self.experiment, methods=tuple(specs), repeats=1, contrasts=())
        batches, _ = batches_of(one, inner.problems, inner.splits)
        known, _ = finished(batches, self.store, self.warn)
        todo = [batch for batch in batches if batch.key not in known]
        for batch in todo:
            self.store.path(batch.key).unlink(missing_ok=True)  # of other code
        run_batches(todo, self.store, inner.problems, jobs=self.jobs, report=lambda *_: None)
        found: dict[str, list[dict[str, Any]]] = {spec.label: [] for spec in specs}
        for batch in batches:
            result = known.get(batch.key) or stored(batch, self.store)
            assert result is not None, "a batch that ran is stored"
            found[batch.method.label] += result.rows
        return found

    def _judged(
        self, inner: Inner, spec: MethodSpec, number: int, settings: Settings, rows: list[dict[str, Any]]
    ) -> Trial:
        assert self.experiment.tune is not None
        objective, cells = self.experiment.tune.one, inner.holdouts * len(spec.seeds)
        found = {}
        for at, budget in enumerate(spec.budgets):
            sizes = {
                label: spec.points_on(problem.n_records)[at * len(spec.seeds)].budget
                for label, problem in inner.problems.items()
            }
            own = [row for row in rows if row["budget"] == sizes[row["problem"]]]
            found[budget] = losses(own, objective, inner.problems, cells)
        fits = [row for row in rows if row["refit"] == "none"]
        spent = [row["cpu_seconds"] for row in fits] + [row["refit_seconds"] for row in rows if row not in fits]
        seconds = float(np.nansum(np.array(spent, dtype=np.float64)))
        useless = [row for row in fits if row["n_active"] is None or row["budget_reached"] is False]
        failed = next((": ".join(filter(None, (row["status"], row["message"]))) for row in useless), "")
        return Trial(number, settings, found, seconds, message=failed)
