"""The history of a baseline, kept in its manifest: a row for each method whenever the baseline was replaced.

What a method came to on average, so that a slow drift, which every single check lets pass, can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import Any

import pandas as pd

from frontier.results.run import Run
from frontier.results.schema import has_weights

KEY = "history"
MEANS = ("n_active", "train_mare", "heldout_mare", "ess", "fit_seconds")
MOVED = 0.01  # of a mean, from one version to the next: less is not told
Entry = dict[str, Any]


def history_of(run: Run) -> list[Entry]:
    """The versions before a run, as its manifest has them, and the run itself, label by label and oldest first."""
    earlier = [dict(entry) for entry in run.manifest.get(KEY) or []]
    return joined(earlier, _entries(run))


def joined(earlier: Sequence[Entry], later: Sequence[Entry]) -> list[Entry]:
    """One history after the other, each version once: it is told by its date and code."""
    new = {(entry["date"], entry["code"]) for entry in later}
    found = [entry for entry in earlier if (entry["date"], entry["code"]) not in new] + list(later)
    return sorted(found, key=lambda entry: str(entry["label"]))  # stable: versions stay in order


def _entries(run: Run) -> list[Entry]:
    """One row for each label, of its cells as fitted: date and code of the run, cells, failures, means."""
    started = float(run.manifest.get("started_unix_seconds") or 0)
    date, code = datetime.fromtimestamp(started, UTC).date().isoformat(), str(run.manifest.get("code_digest") or "")[:8]
    cells = run.cells[run.cells["refit"] == "none"]
    rows = []
    for label, part in cells.groupby("label", sort=True):
        good = part[has_weights(part)]
        means = {name: float(good[name].astype(float).mean()) for name in MEANS if name in part.columns}
        known = {name: float(f"{value:.6g}") for name, value in means.items() if not pd.isna(value)}
        row = {"date": date, "code": code, "label": str(label), "cells": len(part), "failed": len(part) - len(good)}
        rows.append(row | known)
    return rows


def history_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """The history label by label, each version beside the one before it where a mean moved by more than 1%."""
    for label, some in groupby(entries, key=lambda entry: str(entry["label"])):
        versions = list(some)
        yield f"{label}: {len(versions)} version{'s' * (len(versions) > 1)}"
        for before, now in pairwise([{}, *versions]):
            told = [f"{name} {now[name]:.4g}{_moved(now, before, name)}" for name in MEANS if name in now]
            failed = f", {now['failed']} failed" if now["failed"] else ""
            yield f"  {now['date']} {now['code']:<8} {now['cells']} cells{failed}: {', '.join(told)}"


def _moved(now: Mapping[str, Any], before: Mapping[str, Any], name: str) -> str:
    """By how much a mean moved; seconds of two machines, or two evenings, are only told."""
    if name == "fit_seconds" or not before.get(name):
        return ""
    change = now[name] / before[name] - 1
    return f" ({100 * change:+.0f}%)" if abs(change) > MOVED else ""
