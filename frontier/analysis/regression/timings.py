"""Whether a method takes longer than in a baseline, in units of a reference method of the same run.

`ratio = Σ fit_seconds of the method's points / Σ fit_seconds of the reference's`, the median over repeats, per problem
and split; compared is `ratio now / ratio of the baseline`. Only where it can mean anything: the same machine by its
manifest, timings alone on their threads and of one kind, at least three repeats. Everything else is a warning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import pandas as pd

from frontier.analysis.regression.findings import COLUMNS, FAILED, RANK, Finding
from frontier.analysis.regression.matching import Row, match
from frontier.core.errors import InputError, did_you_mean
from frontier.results.run import Run

ALONE = ("clean", "amortised")
LEAST_REPEATS = 3  # a median needs three
MACHINE = ("processor", "cores", "memory_gib", "system")

Place = tuple[str, str]  # problem, split


def compare_timings(now: Run, baseline: Run, reference: str, largest: float) -> pd.DataFrame:
    """One finding per problem, split and method: regression when the ratio grew by more than `largest`, or a warning.

    A label `method @ problem` stands for its method. Raises `InputError` when the run has no such reference.
    """
    labels = {_method(label) for label in now.cells["label"]}
    if reference not in labels:
        raise InputError(
            "--reference", f"no such method in the run: '{reference}'", cure=did_you_mean(reference, labels)
        )
    pairs = [pair for pair in match(now, baseline).pairs if pair[0]["refit"] == "none"]
    groups: dict[Place, dict[str, list[tuple[Row, Row]]]] = {}
    for pair in pairs:
        place = (pair[0]["problem"], pair[0]["split"])
        groups.setdefault(place, {}).setdefault(_method(pair[0]["label"]), []).append(pair)
    findings = [
        _finding(place, label, methods, reference, largest, _unlike(now, baseline))
        for place, methods in groups.items()
        for label in methods
        if label != reference
    ]
    return pd.DataFrame(findings, columns=list(COLUMNS), dtype=object)


def _finding(
    place: Place,
    label: str,
    methods: Mapping[str, Sequence[tuple[Row, Row]]],
    reference: str,
    largest: float,
    unlike: str | None,
) -> Finding:
    found: Finding = dict.fromkeys(COLUMNS) | {"kind": "timing", "problem": place[0], "split": place[1], "label": label}
    found |= {"point": "path", "refit": "none", "metric": f"seconds/{reference}", "verdict": "warning", "note": ""}
    if reference not in methods:
        return found | {"note": "not comparable: the reference has no cells here"}
    reason = unlike or _unfit(methods[label]) or _unfit(methods[reference])
    if reason:
        return found | {"note": f"not comparable: {reason}"}
    before, after = (_ratio(methods[label], methods[reference], side) for side in (0, 1))
    growth = after / before
    verdict = "regression" if growth > largest else "improved" if growth < 1 / largest else "pass"
    allowed = {"tolerance": (largest - 1) * before, "note": f"allowed: {largest:g} times as long"}
    return found | {"baseline": before, "now": after, "difference": after - before, "verdict": verdict} | allowed


def _unlike(now: Run, baseline: Run) -> str | None:
    """Why timings of these two runs cannot be compared at all."""
    machines = [run.manifest.get("machine") or {} for run in (baseline, now)]
    if any(machine.get(fact) is None or machines[0][fact] != machine[fact] for machine in machines for fact in MACHINE):
        return "made on another machine"
    if baseline.manifest.get("threads_per_batch") != now.manifest.get("threads_per_batch"):
        return "another number of threads"
    return None


def _unfit(pairs: Sequence[tuple[Row, Row]]) -> str | None:
    kinds = {row["timing"] for pair in pairs for row in pair}
    if not kinds <= set(ALONE) or any(a["timing"] != b["timing"] for a, b in pairs):
        return f"timings are {', '.join(sorted(map(str, kinds)))}"
    if any(a.get("batch_size") != b.get("batch_size") for a, b in pairs):
        return "batches of another size"
    if any(RANK.get(row["status"], FAILED) == FAILED for pair in pairs for row in pair):
        return "a cell has no weights"
    repeats = len({pair[0]["repeat"] for pair in pairs})
    return None if repeats >= LEAST_REPEATS else f"{repeats} repeats, a median needs {LEAST_REPEATS}"


def _ratio(method: Sequence[tuple[Row, Row]], reference: Sequence[tuple[Row, Row]], side: int) -> float:
    ours, theirs = _seconds(method, side), _seconds(reference, side)
    return median(ours[repeat] / theirs[repeat] for repeat in ours.keys() & theirs.keys())


def _seconds(pairs: Sequence[tuple[Row, Row]], side: int) -> dict[Any, float]:
    found: dict[Any, float] = {}
    for pair in pairs:
        row = pair[side]
        found[row["repeat"]] = found.get(row["repeat"], 0.0) + row["fit_seconds"]
    return found


def _method(label: str) -> str:
    return label.partition(" @ ")[0]
