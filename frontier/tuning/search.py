"""One search: generations of trials of one method until its CPU seconds, or its number of trials, are spent.

Trial 0 is the method as it is configured. All later ones are proposed in generations, each from all that ended before,
so what is tried depends neither on the number of processes nor on which trial ended first. A trial counts if it began
before the seconds were spent; refused and failed ones count too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from frontier.sweep.method_entry import Budget, MethodSpec
from frontier.sweep.tune_section import MOST_TRIALS, Halving, Tune
from frontier.tuning.proposals import Proposals
from frontier.tuning.trials import Asked, Bench, Inner, Trial

Ended = tuple[Trial, tuple[float, ...]]  # with its values so far, where it was stopped early
Report = Callable[[Trial], None]


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A method, what it was tried on, its trials in order, and the loss of the initial weights there."""

    spec: MethodSpec
    inner: Inner
    trials: Sequence[Trial]
    reference: float
    tune: Tune

    @property
    def default(self) -> Trial | None:
        """The method as it was configured; None where λ is searched, which has no default."""
        return self.trials[0] if self.trials and not self.trials[0].settings else None

    @property
    def cpu_seconds(self) -> float:
        return sum(trial.cpu_seconds for trial in self.trials)

    def best(self, budget: Budget | None) -> Trial | None:
        """The trial of the least loss at a budget, the first of equal ones; None where none has any."""
        known = [trial for trial in self.trials if trial.loss(budget) is not None]
        return min(known, key=lambda trial: trial.loss(budget) or 0.0, default=None)

    def frontier(self) -> list[Trial]:
        """The trials that no other beats in both error and records, the smallest file first."""
        known = [(trial, trial.losses[None][0]) for trial in self.trials if trial.loss(None) is not None]
        kept: list[Trial] = []
        least = math.inf
        for trial, loss in sorted(known, key=lambda pair: (pair[1].records, pair[1].value, pair[0].number)):
            if loss.value < least:
                kept.append(trial)
                least = loss.value
        return kept


def search(bench: Bench, inner: Inner, spec: MethodSpec, tune: Tune, reference: float, report: Report) -> Search:
    """Try settings of one method until the search has cost what `tune` allows."""
    trials: list[Trial] = []

    def left() -> bool:
        spent = sum(trial.cpu_seconds for trial in trials)
        return len(trials) < (tune.trials or MOST_TRIALS) and (tune.seconds is None or spent < tune.seconds)

    def count(some: Iterable[Trial]) -> Iterator[Trial]:
        for trial in some:
            if left():
                trials.append(trial)
                report(trial)
                yield trial

    def one_by_one(asked: Sequence[Asked]) -> Iterator[Ended]:
        step = 1 if bench.jobs == 1 else len(asked)
        for at in range(0, len(asked), step):
            if left():
                yield from ((trial, ()) for trial in count(tried(asked[at : at + step])))

    def tried(asked: Sequence[Asked]) -> Iterator[Trial]:
        """The trials of some settings; those that were tried before are not solved again, and cost nothing."""
        known = {repr(trial.settings): trial for trial in reversed(trials)}
        new = [one for one in asked if repr(one[1]) not in known]
        ran = {trial.number: trial for trial in bench.run(inner, spec, new)}
        for number, settings in asked:
            again = replace(known[repr(settings)], number=number, cpu_seconds=0.0) if number not in ran else None
            yield again or ran[number]

    default = None
    if "lam" not in spec.search:
        (default,) = count(bench.run(inner, spec, [(0, {})]))
    wanted = [budget for budget in spec.budgets if default is None or default.loss(budget) is not None] or spec.budgets

    def told(trial: Trial) -> tuple[float, ...] | None:
        """What the sampler is to make small; None for a setting that fails where the default does not."""
        found = [trial.losses[budget][0] for budget in wanted if trial.losses.get(budget)]
        if len(found) < len(wanted):
            return None
        error = float(np.mean([loss.value for loss in found])) / reference
        return (error, float(np.mean([loss.records for loss in found]))) if tune.several else (error,)

    halving = tune.halving if hasattr(spec.method, "epochs") else None
    space = {name: one for name, one in spec.search.items() if name != "epochs" or halving is None}
    proposals = Proposals(space, tune.sampler, tune.seed, 2 if tune.several else 1) if space else None
    while proposals is not None and left():
        asked = [(number + 1, settings) for number, settings in proposals.ask(tune.generation)]
        nothing_new = all(settings in [trial.settings for trial in trials] for _, settings in asked)
        if halving is None:
            ended = list(one_by_one(asked))
        else:
            halved = _halved(partial(bench.run, inner, spec), asked, halving, told)
            ended = [(trial, halved[trial]) for trial in count(halved)]
        for trial, stopped_after in ended:
            proposals.tell(trial.number - 1, told(trial), stopped_after=stopped_after)
        if len(ended) < len(asked) or nothing_new:
            break
    return Search(spec, inner, trials, reference, tune)


def _halved(
    run: Callable[[Sequence[Asked], int], list[Trial]],
    asked: Sequence[Asked],
    halving: Halving,
    told: Callable[[Trial], tuple[float, ...] | None],
) -> dict[Trial, tuple[float, ...]]:
    """The trials of a generation with the epochs that each was given, and the values so far of those stopped early."""
    ended: dict[int, Trial] = {}
    values: dict[int, list[float]] = {number: [] for number, _ in asked}
    alive = list(asked)
    for rung, epochs in enumerate(halving.epochs):
        for trial in run(alive, epochs):
            before = ended[trial.number].cpu_seconds if rung else 0.0
            settings = dict(trial.settings) | {"epochs": epochs}
            ended[trial.number] = replace(trial, settings=settings, cpu_seconds=before + trial.cpu_seconds)
            if (known := told(trial)) is not None:
                values[trial.number].append(known[0])
        if rung + 1 < len(halving.epochs):
            able = [one for one in alive if len(values[one[0]]) == rung + 1]
            able.sort(key=lambda one: values[one[0]][-1])  # stable: of equals the first
            alive = sorted(able[: math.ceil(halving.keep * len(alive))], key=lambda one: one[0])
    last = [number for number, _ in alive]
    return {ended[number]: () if number in last else tuple(values[number]) for number, _ in asked}
