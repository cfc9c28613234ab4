"""Which cells of two runs may be compared: the same cell, of the same method, on the same problem and split.

A cell is identified by problem, split, label, λ or budget, seed, refit and repeat. Whether its two results are
comparable stands in the manifests: the problem's fingerprint, the split's training targets, the method's name and
parameters, and for refits their ρ. Nothing is compared here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from frontier.core.errors import InputError
from frontier.results.run import Run
from frontier.results.schema import IDENTITY, require, rows_of

FACTS = ("fingerprint", "n_train", "n_heldout")  # of a split; a run from before it had a fingerprint has the others

Row = Mapping[str, Any]
Identity = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """Pairs of rows (baseline, now) that may be compared, and the rows that may not, with the reason."""

    pairs: list[tuple[Row, Row]]
    missing: list[Row]
    extra: list[Row]
    incomparable: list[tuple[Row, str]]


def match(now: Run, baseline: Run) -> Matching:
    """Every cell of both runs, matched by identity."""
    before, after = _rows(baseline.cells, "baseline"), _rows(now.cells, "run")
    pairs, incomparable = [], []
    for key in before:
        if key not in after:
            continue
        reason = _difference(before[key], now.manifest, baseline.manifest)
        if reason is None:
            pairs.append((before[key], after[key]))
        else:
            incomparable.append((before[key], reason))
    missing = [row for key, row in before.items() if key not in after]
    return Matching(pairs, missing, [row for key, row in after.items() if key not in before], incomparable)


def point(row: Row) -> str:
    """The point of a cell in words: `budget=50`, `lam=0.001`, or `-` for a method that has neither."""
    return next((f"{name}={row[name]:g}" for name in ("lam", "budget") if row[name] is not None), "-")


def _rows(cells: pd.DataFrame, what: str) -> dict[Identity, Row]:
    require(cells, place=what)
    rows: dict[Identity, Row] = {}
    for row in rows_of(cells):
        key = tuple(row[name] for name in IDENTITY)
        if key in rows:
            raise InputError(what, "a cell given twice", got=row["cell"], cure="run the experiment again")
        rows[key] = row
    return rows


def _difference(row: Row, now: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """Why the two results of a cell are not comparable, None when they are."""
    problems = [_entry(manifest, "problems", row["problem"]).get("fingerprint") for manifest in (before, now)]
    if None in problems or problems[0] != problems[1]:
        return "another problem (fingerprint)"
    splits = [_entry(_entry(manifest, "splits", row["problem"]), row["split"]) for manifest in (before, now)]
    shared = [fact for fact in FACTS if all(fact in split for split in splits)]
    if not shared or any(splits[0][fact] != splits[1][fact] for fact in shared):
        return "another split (held-out targets)"
    methods = [_entry(manifest, "methods", row["label"]) for manifest in (before, now)]
    if not methods[0] or methods[0].get("name") != methods[1].get("name"):
        return "another method under this label"
    params = [entry.get("params") or {} for entry in methods]
    other = [name for name in sorted({*params[0], *params[1]}) if _json(params[0], name) != _json(params[1], name)]
    if other:
        return f"other parameters: {', '.join(other)}"
    if row["refit"] != "none" and _json(_entry(before, "refit"), "rho") != _json(_entry(now, "refit"), "rho"):
        return "another ρ of the refit"
    return None


def _entry(mapping: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """A mapping inside a manifest, empty where there is none."""
    for key in keys:
        value = mapping.get(key)
        mapping = value if isinstance(value, Mapping) else {}
    return mapping


def _json(mapping: Mapping[str, Any], name: str) -> str:
    """A value as text, so that 1 and 1.0 differ as little as they do in a file, and NaN equals NaN."""
    return json.dumps(mapping.get(name), sort_keys=True) if name in mapping else "absent"
