"""What searches came to: an ordinary experiment with every method as configured and as tuned, and a table of trials."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import yaml

from frontier.core.yaml_file import read_mapping
from frontier.sweep.experiment import Experiment
from frontier.sweep.method_entry import Budget, MethodSpec
from frontier.sweep.tune_section import Tuned
from frontier.tuning.search import Search
from frontier.tuning.trials import Trial

TUNED = "{}, tuned"


class _Written(yaml.SafeDumper):
    """Every value written where it stands: anchors and aliases are for programs."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def tuned_label(spec: MethodSpec) -> str:
    """What a tuned method is called beside the same as configured."""
    return TUNED.format(spec.label)


def tuned_experiment(experiment: Experiment, searches: Sequence[Search]) -> str:
    """The text of the experiment that compares: its methods as configured, each followed by its tuned settings.

    At every budget a method has the settings of its best trial there; a frontier that was searched has all of it.
    """
    content = read_mapping(experiment.text, experiment.name)
    entries = content["methods"]
    content = {key: value for key, value in content.items() if key not in ("tune", "methods")}
    content["name"] = experiment.name
    content["methods"] = []
    for entry, spec in zip(entries, experiment.methods, strict=True):
        own = {key: value for key, value in entry.items() if key != "search"} | {"label": spec.label}
        if "lam" not in spec.search:
            content["methods"].append(own)
        content["methods"] += _tuned_entries(own, spec, [one for one in searches if one.spec is spec])
    content["tuned"] = [tuned.model_dump() for one in searches for tuned in _tuned(one)]
    return yaml.dump(content, Dumper=_Written, sort_keys=False, allow_unicode=True, width=120)


def _tuned_entries(own: Mapping[str, Any], spec: MethodSpec, searches: Sequence[Search]) -> list[dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for one in searches if spec.search else ():
        for budget, trial in chosen(one):
            entry = dict(own) | dict(trial.settings) | {"label": tuned_label(spec)}
            if "lam" in trial.settings:
                entry["lam"] = [trial.settings["lam"]]
            if one.inner.problem:
                entry |= {"problems": [one.inner.problem], "splits": [one.inner.split]}
            if budget is not None:
                entry["budget"] = []
            same = entries.setdefault(json.dumps(entry, sort_keys=True), entry)
            if budget is not None:
                same["budget"].append(budget)
    return list(entries.values())


def chosen(one: Search) -> Iterator[tuple[Budget | None, Trial]]:
    """The trial that is best at each budget that any trial could serve; the whole frontier where λ is searched so."""
    if one.tune.several:
        yield from ((None, trial) for trial in one.frontier())
        return
    for budget in one.spec.budgets:
        if (best := one.best(budget)) is not None:
            yield budget, best


def _tuned(one: Search) -> Iterator[Tuned]:
    """The facts of each chosen setting."""
    default = one.default
    failed = [trial.message for trial in one.trials if not any(trial.losses.values()) and not trial.refused]
    for budget, trial in chosen(one):
        at_default = (default.losses.get(budget) if default else None) or []
        yield Tuned(
            label=tuned_label(one.spec) if one.spec.search else one.spec.label,
            default=one.spec.label,
            problem=one.inner.problem,
            split=one.inner.split,
            budget=budget,
            refit=trial.losses[budget][0].refit,
            default_refit=at_default[0].refit if at_default else "none",
            trial=trial.number,
            trials=len(one.trials),
            refused=sum(bool(trial.refused) for trial in one.trials),
            failed=len(failed),
            failure=max(failed, key=failed.count, default=""),
            cpu_seconds=round(one.cpu_seconds, 1),
            inner_default=at_default[0].value if at_default else None,
            inner_tuned=trial.losses[budget][0].value,
            settings=dict(trial.settings),
        )


def trials_table(searches: Sequence[Search]) -> pd.DataFrame:
    """One row for each trial, budget and arm: settings, loss, records, cost of the trial, why it was refused."""
    rows = []
    for one in searches:
        for trial in one.trials:
            shared = {
                **{"label": one.spec.label, "problem": one.inner.problem, "split": one.inner.split},
                **{"trial": trial.number, "settings": json.dumps(dict(trial.settings))},
                **{"cpu_seconds": trial.cpu_seconds, "message": trial.refused or trial.message},
            }
            found = [(budget, loss) for budget, losses in trial.losses.items() for loss in losses]
            rows += [
                shared | {"budget": budget, "refit": loss.refit, "loss": loss.value, "records": loss.records}
                for budget, loss in found
            ] or [shared]
    return pd.DataFrame(rows)
